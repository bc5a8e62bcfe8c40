/** What the variables of a function under translation may be. */

import type ts from 'typescript';
import type { Integer, Truth } from '../formula/expression.js';
import * as x from '../formula/expression.js';
import type { Quotient } from './operators.js';
import type { Scope } from './scope.js';

export type Closure = {
  readonly kind: 'closure';
  readonly node: ts.FunctionLikeDeclaration;
  readonly scope: Scope;
};
export type List = { readonly kind: 'list'; readonly items: readonly Value[] };
export type Fields = { readonly kind: 'record'; readonly fields: ReadonlyMap<string, Value> };
export type Value = Integer | Truth | Quotient | Closure | List | Fields;

export function merge(condition: Truth, then: Value, otherwise: Value, node: ts.Node): Value {
  if (condition.known !== undefined) return condition.known ? then : otherwise;
  if (then.kind === 'integer' && otherwise.kind === 'integer') return x.choose(condition, then, otherwise);
  if (then.kind === 'truth' && otherwise.kind === 'truth') {
    return x.either(x.both(condition, then), x.both(x.not(condition), otherwise));
  }
  if (then.kind === 'record' && otherwise.kind === 'record') {
    const fields = [...then.fields].map(([name, value]) => {
      return [name, merge(condition, value, fieldOf(otherwise, name, node), node)] as const;
    });
    return { kind: 'record', fields: new Map(fields) };
  }
  return refuse(node, `a choice between ${then.kind} and ${otherwise.kind}`);
}

export function fieldOf(value: Value, name: string, node: ts.Node): Value {
  if (value.kind === 'list' && name === 'length') return x.constant(value.items.length);
  const field = value.kind === 'record' ? value.fields.get(name) : undefined;
  return field ?? refuse(node, `no field ${name}`);
}

/** With an index that is not known: the item of each that it may be. */
export function itemOf(value: Value, index: Integer, node: ts.Node): Value {
  if (value.kind !== 'list') return refuse(node, 'an index into what is no list');
  const { items } = value;
  const last = Math.min(index.high, items.length - 1);
  let chosen = items[last];
  for (let each = last - 1; each >= Math.max(index.low, 0); each--) {
    chosen = merge(x.equal(index, x.constant(each)), items[each]!, chosen!, node);
  }
  return chosen ?? refuse(node, 'an index into an empty list');
}

export function integer(value: Value, node: ts.Node): Integer {
  return value.kind === 'integer' ? value : refuse(node, `an integer was expected, not a ${value.kind}`);
}

export function truth(value: Value, node: ts.Node): Truth {
  return value.kind === 'truth' ? value : refuse(node, `a truth was expected, not a ${value.kind}`);
}

export function refuse(node: ts.Node, message: string): never {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  throw new Error(`${file.fileName}:${line + 1}: cannot be translated: ${message}`);
}
