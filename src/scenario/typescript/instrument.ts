/**
 * What the loader looks for in a program while it is compiled, and the two things that it changes: every
 * `yield* call` of the scenario's file becomes `yield* __heaplab_at(7, call)`, so that events know their line
 * without a stack trace per call, and the body of every loop begins with `__heaplab_pass(3);`, so that none
 * goes on for ever.
 */

import type ts from 'typescript';
import type { Position } from '../../input/index.js';
import type { CallSite } from '../script-call.js';
import { findMistakes, type Mistake } from './mistakes.js';
import { bare, isTransparent, positionAt } from './text-ranges.js';

/** The function that takes the number of a {@link CallSite} and what follows `yield*`. */
export const LOCATE = '__heaplab_at';
/** The function that takes the number of a loop in its file. */
export const PASS = '__heaplab_pass';

/** One file being compiled. */
export interface Job {
  /** Absolute, with slashes. */
  readonly file: string;
  /** Whether it is the scenario's file: positions in others would be taken for positions in that. */
  readonly isScenario: boolean;
  readonly sites: CallSite[];
  /** Where its loops stand. */
  readonly loops: Position[];
  readonly mistakes: Mistake[];
  /** What is given to `defineScenario`. */
  description: ts.Expression | undefined;
}

export function instrument(
  typescript: typeof ts,
  program: ts.Program,
  job: Job,
): ts.TransformerFactory<ts.SourceFile> {
  return (context) => (file) => {
    if (file.fileName !== job.file) return file;
    // In node_modules, where our own scenarios are for most people, package.json would make it an ES module.
    file.impliedNodeFormat = undefined;
    const visit = (node: ts.Node): ts.Node => {
      job.mistakes.push(...findMistakes(typescript, program, file, node));
      noteDescription(typescript, node, job);
      const visited = typescript.visitEachChild(node, visit, context);
      if (typescript.isIterationStatement(visited, false)) {
        const index = job.loops.push(positionAt(file, node.getStart(file))) - 1;
        return counted(typescript, visited, index);
      }
      return job.isScenario ? located(typescript, file, visited, node, job) : visited;
    };
    return typescript.visitEachChild(file, visit, context);
  };
}

function noteDescription(typescript: typeof ts, node: ts.Node, job: Job): void {
  if (!typescript.isCallExpression(node) || node.arguments[0] === undefined) return;
  const { expression } = node;
  const callee = typescript.isPropertyAccessExpression(expression) ? expression.name : expression;
  if (!typescript.isIdentifier(callee) || callee.text !== 'defineScenario') return;
  const isExported = typescript.isExportAssignment(node.parent);
  if (isExported || job.description === undefined) job.description = bare(typescript, node.arguments[0]);
}

/** `original` is `node` as it stands in the text. */
function located(
  typescript: typeof ts,
  file: ts.SourceFile,
  node: ts.Node,
  original: ts.Node,
  job: Job,
): ts.Node {
  if (!isDelegation(typescript, node) || !isDelegation(typescript, original)) return node;
  const at = positionAt(file, original.expression.getStart(file));
  const index = job.sites.push({ at, name: receiverOf(typescript, original) }) - 1;
  const { factory } = typescript;
  const call = factory.createCallExpression(factory.createIdentifier(LOCATE), undefined, [
    factory.createNumericLiteral(index),
    node.expression,
  ]);
  return factory.updateYieldExpression(
    node,
    node.asteriskToken,
    typescript.setTextRange(call, node.expression),
  );
}

interface Delegation extends ts.YieldExpression {
  readonly asteriskToken: ts.AsteriskToken;
  readonly expression: ts.Expression;
}

function isDelegation(typescript: typeof ts, node: ts.Node): node is Delegation {
  return (
    typescript.isYieldExpression(node) && node.asteriskToken !== undefined && node.expression !== undefined
  );
}

/** A loop that counts its passes, before anything else in them can go wrong. */
function counted(typescript: typeof ts, loop: ts.IterationStatement, index: number): ts.IterationStatement {
  const { factory } = typescript;
  const count = factory.createExpressionStatement(
    factory.createCallExpression(factory.createIdentifier(PASS), undefined, [
      factory.createNumericLiteral(index),
    ]),
  );
  const { statement } = loop;
  const body = typescript.isBlock(statement)
    ? factory.updateBlock(statement, [count, ...statement.statements])
    : typescript.setTextRange(factory.createBlock([count, statement], true), statement);
  if (typescript.isForStatement(loop)) {
    return factory.updateForStatement(loop, loop.initializer, loop.condition, loop.incrementor, body);
  }
  if (typescript.isForInStatement(loop)) {
    return factory.updateForInStatement(loop, loop.initializer, loop.expression, body);
  }
  if (typescript.isForOfStatement(loop)) {
    return factory.updateForOfStatement(loop, loop.awaitModifier, loop.initializer, loop.expression, body);
  }
  if (typescript.isWhileStatement(loop)) return factory.updateWhileStatement(loop, loop.expression, body);
  const last = loop as ts.DoStatement;
  return factory.updateDoStatement(last, body, last.expression);
}

/** The variable, or the property, that takes an expression's value. */
function receiverOf(typescript: typeof ts, expression: ts.Expression): string | undefined {
  const { parent } = expression;
  if (typescript.isVariableDeclaration(parent) || typescript.isPropertyAssignment(parent)) {
    return typescript.isIdentifier(parent.name) ? parent.name.text : undefined;
  }
  if (typescript.isBinaryExpression(parent) && parent.right === expression) {
    const { left, operatorToken } = parent;
    if (operatorToken.kind !== typescript.SyntaxKind.EqualsToken) return undefined;
    if (typescript.isPropertyAccessExpression(left)) return left.name.text;
    return typescript.isIdentifier(left) ? left.text : undefined;
  }
  return isTransparent(typescript, parent) ? receiverOf(typescript, parent) : undefined;
}
