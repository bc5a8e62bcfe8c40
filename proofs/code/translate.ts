/**
 * Turns a function of the project, as it stands in its file, into expressions over its parameters: it is
 * executed with expressions for numbers. Both branches of a decision are taken, each with the condition under
 * which it is; loops are unrolled until it is certain that they have ended. What JavaScript can do beyond
 * integers, truths, lists and functions of them is refused, with its place.
 */

import ts from 'typescript';
import type { Truth } from '../formula/expression.js';
import * as x from '../formula/expression.js';
import { Modules } from './modules.js';
import { applyBinary, MATH } from './operators.js';
import { mergeAll, Scope, type Snapshot } from './scope.js';
import type { Sources } from './sources.js';
import {
  type Closure,
  fieldOf,
  integer,
  itemOf,
  type List,
  merge,
  refuse,
  truth,
  type Value,
} from './values.js';

/** A loop that takes longer is not bounded by what is known of its variables. */
const MOST_ROUNDS = 200;

/** A way out of a loop, or to its next round, and what the variables are there. */
interface Exit {
  readonly when: Truth;
  readonly variables: Snapshot;
}

interface Loop {
  /** Outside of its body. */
  readonly scope: Scope;
  readonly exits: Exit[];
  skips: Exit[];
}

/** A call in progress. */
interface Call {
  readonly scope: Scope;
  /** The condition under which control comes to where the translation is. */
  reached: Truth;
  result?: Value;
  returns: number;
}

interface Place {
  readonly scope: Scope;
  readonly call: Call;
  readonly loop?: Loop;
}

function callIn(scope: Scope): Place {
  return { scope, call: { scope, reached: x.TRUE, returns: 0 } };
}

export class Translator {
  private readonly modules: Modules;

  constructor(sources: Sources) {
    this.modules = new Modules(sources, (node, scope) => this.evaluate(node, callIn(scope)));
  }

  /** The names of a function's parameters. */
  parameters(file: string, name: string): string[] {
    return this.named(file, name).node.parameters.map((parameter) => parameter.name.getText());
  }

  apply(file: string, name: string, values: readonly Value[]): Value {
    return this.call(this.named(file, name), values);
  }

  private named(file: string, name: string): Closure {
    const value = this.modules.scope(file).get(name);
    if (value?.kind !== 'closure') throw new Error(`${file} has no function ${name}`);
    return value;
  }

  // --- statements -----------------------------------------------------------------------------------------

  private call({ node, scope: outer }: Closure, values: readonly Value[]): Value {
    const scope = new Scope(outer);
    const place = callIn(scope);
    for (const [index, { name, initializer }] of node.parameters.entries()) {
      const value = values[index] ?? (initializer && this.evaluate(initializer, place));
      this.bind(name, value ?? refuse(node, `no value for ${name.getText()}`), scope);
    }
    if (!ts.isBlock(node.body!)) return this.evaluate(node.body as ts.Expression, place);
    this.execute(node.body, place);
    return place.call.result ?? refuse(node, 'a function that returns nothing');
  }

  private execute(node: ts.Statement, place: Place): void {
    const { call } = place;
    if (call.reached.known === false) return;
    if (ts.isBlock(node)) {
      const inner = { ...place, scope: new Scope(place.scope) };
      for (const statement of node.statements) this.execute(statement, inner);
    } else if (ts.isVariableStatement(node)) {
      this.declare(node.declarationList, place);
    } else if (ts.isExpressionStatement(node)) {
      this.evaluate(node.expression, place);
    } else if (ts.isIfStatement(node)) {
      this.decide(node, place);
    } else if (ts.isReturnStatement(node)) {
      const value = this.evaluate(node.expression ?? refuse(node, 'a return without a value'), place);
      call.result = call.result === undefined ? value : merge(call.reached, value, call.result, node);
      call.reached = x.FALSE;
      call.returns++;
    } else if (ts.isWhileStatement(node)) {
      this.repeat(node, node.expression, undefined, place);
    } else if (ts.isForStatement(node)) {
      const inner = { ...place, scope: new Scope(place.scope) };
      const { initializer } = node;
      if (initializer !== undefined) {
        if (ts.isVariableDeclarationList(initializer)) this.declare(initializer, inner);
        else this.evaluate(initializer, inner);
      }
      this.repeat(node, node.condition, node.incrementor, inner);
    } else if (ts.isForOfStatement(node)) {
      this.visitAll(node, place);
    } else if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) {
      const loop = place.loop ?? refuse(node, 'outside of a loop');
      (ts.isBreakStatement(node) ? loop.exits : loop.skips).push(exitFrom(loop, call));
      call.reached = x.FALSE;
    } else {
      refuse(node, `no meaning for ${ts.SyntaxKind[node.kind]}`);
    }
  }

  /** Takes both branches, each from the same variables. */
  private decide(node: ts.IfStatement, place: Place): void {
    const { scope, call } = place;
    const condition = truth(this.evaluate(node.expression, place), node);
    const before = call.reached;
    const variables = scope.snapshot(call.scope);
    const then = x.both(before, condition);
    call.reached = then;
    this.execute(node.thenStatement, place);
    const afterThen = { reached: call.reached, variables: scope.snapshot(call.scope) };
    scope.restore(variables);
    const otherwise = x.both(before, x.not(condition));
    call.reached = otherwise;
    if (node.elseStatement !== undefined) this.execute(node.elseStatement, place);
    if (call.reached.known === false) {
      call.reached = afterThen.reached;
      scope.restore(afterThen.variables);
    } else if (afterThen.reached.known !== false) {
      const isPassed = afterThen.reached === then && call.reached === otherwise;
      call.reached = isPassed ? before : x.either(afterThen.reached, call.reached);
      scope.restore(mergeAll(condition, afterThen.variables, scope.snapshot(call.scope), node));
    }
  }

  private declare(list: ts.VariableDeclarationList, place: Place): void {
    for (const { name, initializer } of list.declarations) {
      const value = initializer === undefined ? x.constant(0) : this.evaluate(initializer, place);
      this.bind(name, value, place.scope);
    }
  }

  private bind(name: ts.BindingName, value: Value, scope: Scope): void {
    if (ts.isIdentifier(name)) {
      scope.declare(name.text, value);
    } else if (ts.isObjectBindingPattern(name)) {
      for (const element of name.elements) {
        const field = (element.propertyName ?? element.name).getText();
        this.bind(element.name, fieldOf(value, field, element), scope);
      }
    } else {
      name.elements.forEach((element, index) => {
        if (ts.isBindingElement(element)) {
          this.bind(element.name, itemOf(value, x.constant(index), element), scope);
        }
      });
    }
  }

  /** Round after round, as if the loop went on; every way out keeps what the variables were there. */
  private repeat(
    node: ts.IterationStatement,
    condition: ts.Expression | undefined,
    step: ts.Expression | undefined,
    place: Place,
  ): void {
    const { call, scope } = place;
    const loop: Loop = { scope, exits: [], skips: [] };
    const before = { reached: call.reached, returns: call.returns };
    for (let round = 0; call.reached.known !== false; round++) {
      if (round === MOST_ROUNDS) refuse(node, `a loop that may take more than ${MOST_ROUNDS} rounds`);
      if (condition !== undefined) {
        const goesOn = truth(this.evaluate(condition, place), condition);
        const reached = call.reached;
        call.reached = x.both(reached, x.not(goesOn));
        loop.exits.push(exitFrom(loop, call));
        call.reached = x.both(reached, goesOn);
      }
      if (call.reached.known === false) break;
      this.round(node, loop, place);
      if (step !== undefined) this.evaluate(step, place);
    }
    this.leave(node, loop, place, before);
  }

  private round(node: ts.IterationStatement, loop: Loop, place: Place): void {
    const { call } = place;
    loop.skips = [];
    this.execute(node.statement, { ...place, loop });
    this.join(node, loop.scope, call, loop.skips);
  }

  private leave(
    node: ts.IterationStatement,
    { scope, exits }: Loop,
    { call }: Place,
    before: Pick<Call, 'reached' | 'returns'>,
  ): void {
    call.reached = x.FALSE;
    this.join(node, scope, call, exits);
    // Who has entered the loop has left it, but by a return.
    if (call.returns === before.returns) call.reached = before.reached;
  }

  /** Control comes here from where it is, and from each of these. */
  private join(node: ts.Node, scope: Scope, call: Call, exits: readonly Exit[]): void {
    for (const { when, variables } of exits) {
      if (when.known === false) continue;
      const current = scope.snapshot(call.scope);
      scope.restore(call.reached.known === false ? variables : mergeAll(when, variables, current, node));
      call.reached = x.either(call.reached, when);
    }
  }

  private visitAll(node: ts.ForOfStatement, place: Place): void {
    const { call, scope } = place;
    const list = this.evaluate(node.expression, place);
    if (list.kind !== 'list') refuse(node, 'for … of something that is no list');
    const loop: Loop = { scope, exits: [], skips: [] };
    const before = { reached: call.reached, returns: call.returns };
    const { declarations } = node.initializer as ts.VariableDeclarationList;
    for (const item of (list as List).items) {
      const inner = { ...place, scope: new Scope(scope) };
      this.bind(declarations[0]!.name, item, inner.scope);
      this.round(node, loop, inner);
    }
    loop.exits.push(exitFrom(loop, call));
    this.leave(node, loop, place, before);
  }

  // --- expressions ----------------------------------------------------------------------------------------

  private evaluate(node: ts.Expression, place: Place): Value {
    try {
      return this.evaluated(node, place);
    } catch (error) {
      // What the arithmetic refuses has no place of its own.
      if (error instanceof RangeError) refuse(node, error.message);
      throw error;
    }
  }

  private evaluated(node: ts.Expression, place: Place): Value {
    if (ts.isNumericLiteral(node)) return x.constant(Number(node.text));
    if (ts.isIdentifier(node)) return place.scope.get(node.text) ?? refuse(node, `unknown ${node.text}`);
    if (node.kind === ts.SyntaxKind.TrueKeyword) return x.TRUE;
    if (node.kind === ts.SyntaxKind.FalseKeyword) return x.FALSE;
    if (
      ts.isParenthesizedExpression(node) ||
      ts.isNonNullExpression(node) ||
      ts.isAsExpression(node) ||
      ts.isSatisfiesExpression(node)
    ) {
      return this.evaluate(node.expression, place);
    }
    if (ts.isArrowFunction(node)) return { kind: 'closure', node, scope: place.scope };
    if (ts.isConditionalExpression(node)) return this.conditional(node, place);
    if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) return this.unary(node, place);
    if (ts.isBinaryExpression(node)) return this.binary(node, place);
    if (ts.isCallExpression(node)) return this.called(node, place);
    if (ts.isElementAccessExpression(node)) {
      const index = this.evaluate(node.argumentExpression, place);
      return itemOf(this.evaluate(node.expression, place), integer(index, node), node);
    }
    if (ts.isPropertyAccessExpression(node)) {
      return fieldOf(this.evaluate(node.expression, place), node.name.text, node);
    }
    if (ts.isArrayLiteralExpression(node)) return { kind: 'list', items: this.items(node.elements, place) };
    if (ts.isObjectLiteralExpression(node)) return this.record(node, place);
    return refuse(node, `no meaning for ${ts.SyntaxKind[node.kind]}`);
  }

  private items(nodes: readonly ts.Expression[], place: Place): Value[] {
    return nodes.flatMap((node) => {
      if (!ts.isSpreadElement(node)) return [this.evaluate(node, place)];
      const spread = this.evaluate(node.expression, place);
      return spread.kind === 'list' ? spread.items : refuse(node, 'what is spread is no list');
    });
  }

  private record(node: ts.ObjectLiteralExpression, place: Place): Value {
    const fields = new Map<string, Value>();
    for (const property of node.properties) {
      if (ts.isShorthandPropertyAssignment(property)) {
        fields.set(property.name.text, this.evaluate(property.name, place));
      } else if (ts.isPropertyAssignment(property)) {
        fields.set(property.name.getText(), this.evaluate(property.initializer, place));
      } else {
        refuse(property, `no meaning for ${ts.SyntaxKind[property.kind]}`);
      }
    }
    return { kind: 'record', fields };
  }

  private conditional(node: ts.ConditionalExpression, place: Place): Value {
    const condition = truth(this.evaluate(node.condition, place), node);
    if (condition.known !== undefined) {
      return this.evaluate(condition.known ? node.whenTrue : node.whenFalse, place);
    }
    return merge(condition, this.evaluate(node.whenTrue, place), this.evaluate(node.whenFalse, place), node);
  }

  private unary(node: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression, place: Place): Value {
    const value = this.evaluate(node.operand, place);
    switch (node.operator) {
      case ts.SyntaxKind.MinusToken:
        return x.subtract(x.constant(0), integer(value, node));
      case ts.SyntaxKind.TildeToken:
        return x.complement(integer(value, node));
      case ts.SyntaxKind.ExclamationToken:
        return x.not(truth(value, node));
      case ts.SyntaxKind.PlusPlusToken:
      case ts.SyntaxKind.MinusMinusToken: {
        const step = node.operator === ts.SyntaxKind.PlusPlusToken ? 1 : -1;
        const stepped = x.add(integer(value, node), x.constant(step));
        this.assign(node.operand, stepped, place);
        return ts.isPostfixUnaryExpression(node) ? value : stepped;
      }
      default:
        return refuse(node, `no meaning for ${ts.SyntaxKind[node.operator]}`);
    }
  }

  private binary(node: ts.BinaryExpression, place: Place): Value {
    const operator = node.operatorToken.kind;
    if (operator === ts.SyntaxKind.EqualsToken) {
      return this.assign(node.left, this.evaluate(node.right, place), place);
    }
    const left = this.evaluate(node.left, place);
    if (operator === ts.SyntaxKind.AmpersandAmpersandToken || operator === ts.SyntaxKind.BarBarToken) {
      const isAnd = operator === ts.SyntaxKind.AmpersandAmpersandToken;
      const first = truth(left, node);
      if (first.known === !isAnd) return first;
      const second = truth(this.evaluate(node.right, place), node);
      return isAnd ? x.both(first, second) : x.either(first, second);
    }
    const right = this.evaluate(node.right, place);
    const text = node.operatorToken.getText();
    const isAssignment = /^(?:\+|-|\*|\/|%|&|\||\^|<<|>>>?|\*\*)=$/.test(text);
    const result =
      applyBinary(isAssignment ? text.slice(0, -1) : text, left, right) ??
      refuse(node, `no meaning for ${text} between ${left.kind} and ${right.kind}`);
    return isAssignment ? this.assign(node.left, result, place) : result;
  }

  private assign(target: ts.Expression, value: Value, place: Place): Value {
    if (!ts.isIdentifier(target)) return refuse(target, 'assignments are to variables only');
    const isOwn = place.scope.assign(target.text, value, place.call.scope);
    return isOwn ? value : refuse(target, `${target.text} is no variable of this function`);
  }

  private called(node: ts.CallExpression, place: Place): Value {
    const { expression: callee } = node;
    const values = () => this.items(node.arguments, place);
    if (ts.isPropertyAccessExpression(callee) && ts.isIdentifier(callee.expression)) {
      const builtIn = MATH[`${callee.expression.text}.${callee.name.text}`];
      if (builtIn !== undefined) {
        return builtIn(...values()) ?? refuse(node, `no meaning for these arguments of ${callee.getText()}`);
      }
    }
    const called = this.evaluate(callee, place);
    return called.kind === 'closure'
      ? this.call(called, values())
      : refuse(node, 'what is called is no function');
  }
}

function exitFrom({ scope }: Loop, call: Call): Exit {
  return { when: call.reached, variables: scope.snapshot(call.scope) };
}
