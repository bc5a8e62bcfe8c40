/**
 * What a function computes, as a graph of expressions over its parameters. Every number carries the interval
 * that it cannot leave, so that it is known how many bits are enough for it and which branches cannot be taken;
 * an interval beyond 2^53, where JavaScript's numbers are no longer exact, is refused.
 */

export type Operation =
  | 'variable'
  | 'constant'
  | 'if'
  | 'add'
  | 'subtract'
  | 'multiply'
  /** Rounded down; of numbers that are not negative. */
  | 'divide'
  | 'remainder'
  /** 2 to the power of. */
  | 'power'
  // On 32 bits, as JavaScript's bit operators do it.
  | 'and'
  | 'or'
  | 'xor'
  | 'shift-left'
  | 'shift-right'
  | 'shift-right-signed'
  | 'multiply-32'
  | 'leading-zeros';

export type Connective = 'known' | 'less' | 'equal' | 'both' | 'not';

export interface Integer {
  readonly kind: 'integer';
  readonly operation: Operation;
  readonly parts: readonly Expression[];
  /** The value lies from `low` to `high`; where they are equal it is that constant. */
  readonly low: number;
  readonly high: number;
  /** Of a variable. */
  readonly name?: string;
}

export interface Truth {
  readonly kind: 'truth';
  readonly connective: Connective;
  readonly parts: readonly Expression[];
  /** Where it is the same for all values. */
  readonly known?: boolean;
}

export type Expression = Integer | Truth;

const SIGN = 2 ** 31;
const WORD = 2 ** 32;

export const TRUE: Truth = { kind: 'truth', connective: 'known', parts: [], known: true };
export const FALSE: Truth = { kind: 'truth', connective: 'known', parts: [], known: false };

export function constant(value: number): Integer {
  return integer('constant', [], value, value);
}

export function variable(name: string, low: number, high: number): Integer {
  return low === high
    ? constant(low)
    : { kind: 'integer', operation: 'variable', parts: [], low, high, name };
}

export function isConstant({ low, high }: Integer): boolean {
  return low === high;
}

function integer(operation: Operation, parts: readonly Expression[], low: number, high: number): Integer {
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high)) {
    throw new RangeError(`${operation} could leave the exact integers: from ${low} to ${high}`);
  }
  // Adding 0 makes 0 of -0.
  if (low === high) return { kind: 'integer', operation: 'constant', parts: [], low: low + 0, high: low + 0 };
  return { kind: 'integer', operation, parts, low: low + 0, high: high + 0 };
}

/** An operation whose result lies between those of its operands' ends. */
function byCorners(
  operation: Operation,
  a: Integer,
  b: Integer,
  of: (a: number, b: number) => number,
): Integer {
  const corners = [of(a.low, b.low), of(a.low, b.high), of(a.high, b.low), of(a.high, b.high)];
  return integer(operation, [a, b], Math.min(...corners), Math.max(...corners));
}

// --- arithmetic -------------------------------------------------------------------------------------------

export function add(a: Integer, b: Integer): Integer {
  return byCorners('add', a, b, (x, y) => x + y);
}

export function subtract(a: Integer, b: Integer): Integer {
  return a === b ? constant(0) : byCorners('subtract', a, b, (x, y) => x - y);
}

export function multiply(a: Integer, b: Integer): Integer {
  return byCorners('multiply', a, b, (x, y) => x * y);
}

export function divide(a: Integer, b: Integer): Integer {
  if (a.low < 0 || b.low <= 0) throw new RangeError('a division by what may be 0, or of negative numbers');
  return byCorners('divide', a, b, (x, y) => Math.floor(x / y));
}

/** With the dividend's sign. */
export function remainder(a: Integer, b: Integer): Integer {
  if (b.low <= 0) throw new RangeError('a remainder by what may be 0 or negative');
  if (isConstant(a) && isConstant(b)) return constant(a.low % b.low);
  const most = b.high - 1;
  return integer(
    'remainder',
    [a, b],
    Math.max(Math.min(a.low, 0), -most),
    Math.min(Math.max(a.high, 0), most),
  );
}

export function power(exponent: Integer): Integer {
  if (exponent.low < 0) throw new RangeError('2 to the power of what may be negative');
  return integer('power', [exponent], 2 ** exponent.low, 2 ** exponent.high);
}

// --- operations on 32 bits --------------------------------------------------------------------------------

function isNatural({ low, high }: Integer): boolean {
  return low >= 0 && high < SIGN;
}

/** An operation on 32 bits: computed where both are constant, else in the interval given. */
function onBits(
  operation: Operation,
  parts: readonly [Integer, Integer],
  of: (a: number, b: number) => number,
  [low, high]: readonly [number, number],
): Integer {
  const [a, b] = parts;
  if (isConstant(a) && isConstant(b)) return constant(of(a.low, b.low));
  return integer(operation, parts, low, high);
}

const SIGNED = [-SIGN, SIGN - 1] as const;
const UNSIGNED = [0, WORD - 1] as const;

export function and(a: Integer, b: Integer): Integer {
  const natural = [a, b].filter(isNatural).map(({ high }) => high);
  const bounds = natural.length > 0 ? ([0, Math.min(...natural)] as const) : SIGNED;
  return onBits('and', [a, b], (x, y) => x & y, bounds);
}

/** All bits up to the highest that either may have. */
function joined(a: Integer, b: Integer): readonly [number, number] {
  return isNatural(a) && isNatural(b) ? [0, 2 ** bitsOf(Math.max(a.high, b.high)) - 1] : SIGNED;
}

export function or(a: Integer, b: Integer): Integer {
  return onBits('or', [a, b], (x, y) => x | y, joined(a, b));
}

export function xor(a: Integer, b: Integer): Integer {
  return onBits('xor', [a, b], (x, y) => x ^ y, joined(a, b));
}

export function complement(a: Integer): Integer {
  if (a.low >= -SIGN && a.high < SIGN) return subtract(constant(-1), a);
  return xor(a, constant(-1));
}

function shiftsPlainly({ low, high }: Integer): boolean {
  return low >= 0 && high < 32;
}

export function shiftLeft(a: Integer, by: Integer): Integer {
  const fits = isNatural(a) && shiftsPlainly(by) && a.high * 2 ** by.high < SIGN;
  const bounds = fits ? ([a.low * 2 ** by.low, a.high * 2 ** by.high] as const) : SIGNED;
  return onBits('shift-left', [a, by], (x, y) => x << y, bounds);
}

export function shiftRight(a: Integer, by: Integer): Integer {
  const isWord = a.low >= 0 && a.high < WORD;
  return shifted('shift-right', a, by, (x, y) => x >>> y, isWord ? [a.low, a.high] : UNSIGNED);
}

export function shiftRightSigned(a: Integer, by: Integer): Integer {
  const isSigned = a.low >= -SIGN && a.high < SIGN;
  return shifted('shift-right-signed', a, by, (x, y) => x >> y, isSigned ? [a.low, a.high] : SIGNED);
}

/** `bounds`: of the number as the shift takes it. */
function shifted(
  operation: Operation,
  a: Integer,
  by: Integer,
  of: (a: number, b: number) => number,
  bounds: readonly [number, number],
): Integer {
  const [least, most] = shiftsPlainly(by) ? [by.low, by.high] : [0, 31];
  const ends = bounds.flatMap((end) => [of(end, least), of(end, most)]);
  return onBits(operation, [a, by], of, [Math.min(...ends), Math.max(...ends)]);
}

/** `Math.imul`. */
export function multiply32(a: Integer, b: Integer): Integer {
  const most = Math.max(Math.abs(a.low), Math.abs(a.high)) * Math.max(Math.abs(b.low), Math.abs(b.high));
  return most < SIGN ? multiply(a, b) : onBits('multiply-32', [a, b], Math.imul, SIGNED);
}

export function leadingZeros(a: Integer): Integer {
  const isWord = a.low >= 0 && a.high < WORD;
  if (isConstant(a)) return constant(Math.clz32(a.low));
  return integer('leading-zeros', [a], isWord ? Math.clz32(a.high) : 0, isWord ? Math.clz32(a.low) : 32);
}

// --- truths -----------------------------------------------------------------------------------------------

export function less(a: Integer, b: Integer): Truth {
  if (a.high < b.low) return TRUE;
  if (a.low >= b.high) return FALSE;
  return { kind: 'truth', connective: 'less', parts: [a, b] };
}

export function equal(a: Integer, b: Integer): Truth {
  if (a === b || (isConstant(a) && isConstant(b) && a.low === b.low)) return TRUE;
  if (a.high < b.low || b.high < a.low) return FALSE;
  return { kind: 'truth', connective: 'equal', parts: [a, b] };
}

export function not(a: Truth): Truth {
  if (a.known !== undefined) return a.known ? FALSE : TRUE;
  if (a.connective === 'not') return a.parts[0] as Truth;
  return { kind: 'truth', connective: 'not', parts: [a] };
}

export function both(a: Truth, b: Truth): Truth {
  if (a.known === false || b.known === false) return FALSE;
  if (a.known === true || a === b) return b;
  if (b.known === true) return a;
  return { kind: 'truth', connective: 'both', parts: [a, b] };
}

export function either(a: Truth, b: Truth): Truth {
  return not(both(not(a), not(b)));
}

export function choose(condition: Truth, then: Integer, otherwise: Integer): Integer {
  if (condition.known === true || then === otherwise) return then;
  if (condition.known === false) return otherwise;
  const low = Math.min(then.low, otherwise.low);
  return integer('if', [condition, then, otherwise], low, Math.max(then.high, otherwise.high));
}

export function minimum(a: Integer, b: Integer): Integer {
  const isFirst = less(a, b);
  if (isFirst.known !== undefined) return isFirst.known ? a : b;
  return integer('if', [isFirst, a, b], Math.min(a.low, b.low), Math.min(a.high, b.high));
}

export function maximum(a: Integer, b: Integer): Integer {
  const isFirst = less(b, a);
  if (isFirst.known !== undefined) return isFirst.known ? a : b;
  return integer('if', [isFirst, a, b], Math.max(a.low, b.low), Math.max(a.high, b.high));
}

/** How many bits a number that is not negative has. */
export function bitsOf(value: number): number {
  return value < WORD ? 32 - Math.clz32(value) : 32 + bitsOf(Math.floor(value / WORD));
}
