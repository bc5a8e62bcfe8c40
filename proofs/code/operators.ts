/** What JavaScript's operators and `Math` mean for expressions. */

import type { Integer, Truth } from '../formula/expression.js';
import * as x from '../formula/expression.js';
import type { Value } from './values.js';

/** A division that has not been rounded yet. */
export interface Quotient {
  readonly kind: 'quotient';
  readonly dividend: Integer;
  readonly divisor: Integer;
}

type Binary = (a: Integer, b: Integer) => Integer | Truth | Quotient;

const BINARY: Readonly<Record<string, Binary>> = {
  '+': x.add,
  '-': x.subtract,
  '*': x.multiply,
  '%': x.remainder,
  '&': x.and,
  '|': x.or,
  '^': x.xor,
  '<<': x.shiftLeft,
  '>>>': x.shiftRight,
  '>>': x.shiftRightSigned,
  '<': x.less,
  '>': (a, b) => x.less(b, a),
  '<=': (a, b) => x.not(x.less(b, a)),
  '>=': (a, b) => x.not(x.less(a, b)),
  '===': x.equal,
  '!==': (a, b) => x.not(x.equal(a, b)),
};

export function applyBinary(operator: string, left: Value, right: Value): Value | undefined {
  if (left.kind === 'truth' && right.kind === 'truth') {
    const same = x.either(x.both(left, right), x.both(x.not(left), x.not(right)));
    if (operator === '===') return same;
    return operator === '!==' ? x.not(same) : undefined;
  }
  if (left.kind !== 'integer' || right.kind !== 'integer') return undefined;
  if (operator === '/') return quotient(left, right);
  if (operator === '**') return powerOf(left, right);
  return BINARY[operator]?.(left, right);
}

function quotient(dividend: Integer, divisor: Integer): Integer | Quotient {
  const exact = dividend.low / divisor.low;
  const areConstant = x.isConstant(dividend) && x.isConstant(divisor);
  return areConstant && Number.isInteger(exact) ? x.constant(exact) : { kind: 'quotient', dividend, divisor };
}

function powerOf(base: Integer, exponent: Integer): Integer | undefined {
  if (base.low === 2 && base.high === 2) return x.power(exponent);
  return x.isConstant(base) && x.isConstant(exponent) ? x.constant(base.low ** exponent.low) : undefined;
}

/** undefined: not for these arguments. */
type BuiltIn = (...values: Value[]) => Value | undefined;

const onIntegers =
  (of: (...values: Integer[]) => Integer): BuiltIn =>
  (...values) =>
    values.every((value) => value.kind === 'integer') ? of(...(values as Integer[])) : undefined;

/** `isUp`: towards the next larger integer. */
const rounded =
  (isUp: boolean): BuiltIn =>
  (value) => {
    if (value?.kind !== 'quotient') return value;
    const { dividend, divisor } = value;
    return x.divide(isUp ? x.add(dividend, x.subtract(divisor, x.constant(1))) : dividend, divisor);
  };

export const MATH: Readonly<Record<string, BuiltIn>> = {
  'Math.clz32': onIntegers((value) => x.leadingZeros(value)),
  'Math.imul': onIntegers((a, b) => x.multiply32(a, b)),
  'Math.floor': rounded(false),
  'Math.ceil': rounded(true),
  'Math.min': onIntegers((...values) => values.reduce(x.minimum)),
  'Math.max': onIntegers((...values) => values.reduce(x.maximum)),
  'Number.isInteger': (value) => {
    if (value?.kind === 'quotient') return x.equal(x.remainder(value.dividend, value.divisor), x.constant(0));
    return value?.kind === 'integer' ? x.TRUE : undefined;
  },
};
