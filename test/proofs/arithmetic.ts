/** What the translation must get right, a little of each: read from this file by translation.test.ts. */

const TABLE = [3, 1, 4, 1, 5, 9, 2, 6];
const LIMITS = { least: 100, most: 1000 } as const;

// Of any two integers that have 33 bits.

export function sum(a: number, b: number): number {
  return a + b * 3 - 7;
}

export function product(a: number, b: number): number {
  return (a >> 16) * (b >> 8);
}

export function negative(a: number): number {
  return -a;
}

export function conjunction(a: number, b: number): number {
  return a & b;
}

export function disjunction(a: number, b: number): number {
  return a | b;
}

export function difference(a: number, b: number): number {
  return a ^ b;
}

export function complement(a: number): number {
  return ~a;
}

export function ofNaturals(a: number, b: number): number {
  const [low, high] = [a & 0xfff, b & 0xffff];
  return (low | high) * 3 + (low ^ high) * 5 + ~(low & high) + (low << 4) + (high >> 3) + (high >>> 2);
}

export function shiftLeft(a: number, b: number): number {
  return a << b;
}

export function shiftRight(a: number, b: number): number {
  return a >>> b;
}

export function shiftRightSigned(a: number, b: number): number {
  return a >> b;
}

export function shiftByConstants(a: number): number {
  return (a << 3) + (a >>> 5) + (a >> 7);
}

export function shiftLowBits(a: number, b: number): number {
  return ((a & 0xff) << (b & 15)) + ((a & 0xff) >>> (b & 7));
}

export function product32(a: number, b: number): number {
  return Math.imul(a, b) + Math.imul(a & 7, b & 7);
}

export function leadingZeros(a: number): number {
  return Math.clz32(a) + Math.clz32((a & 0xff) + 3);
}

export function remainder(a: number, b: number): number {
  return (a % 24) + (a % ((b & 31) + 1));
}

export function quotients(a: number, b: number): number {
  const natural = a >>> 1;
  return Math.floor(natural / 12) + Math.ceil(natural / ((b & 31) + 1));
}

export function isMultiple(a: number): boolean {
  return Number.isInteger((a >>> 20) / 3);
}

export function powers(a: number): number {
  return 2 ** (a & 31) + 10 ** 3;
}

export function extremes(a: number, b: number): number {
  return Math.min(a, b, 1000) + 3 * Math.max(a & 15, b & 7, 4);
}

export function comparisons(a: number, b: number): boolean {
  return (a < b || a === b + 1) === a <= b && (a > 5 || a >= b) !== (a !== 7 && !(b > 0));
}

export function conditional(a: number, b: number): number {
  return a < 0 ? (b < 0 ? 1 : 2) : b < 0 ? 3 : a > b ? a : 4;
}

export function returnsEarly(a: number, b: number): number {
  if (a === b) return 0;
  if (a < b) {
    if (a < 0) return 1;
  } else if (b > 1000) {
    return 2;
  }
  return a & 3;
}

export function assigns(a: number, b: number): number {
  let result = a & 0xff;
  let steps = 0;
  if (b > 0) {
    result += 5;
    steps++;
  } else {
    const double = result * 2;
    result = double;
  }
  if (a > b) result -= 3;
  else --steps;
  return result * 16 + steps;
}

/** The n-th prefix of bits that is all ones. */
export function countsUp(a: number): number {
  let count = 0;
  for (let bit = 0; bit < 16; bit++) {
    if (((a >>> bit) & 1) === 0) continue;
    count++;
    if (count === 5) break;
  }
  return count;
}

export function halves(a: number): number {
  let value = a & 0xffff;
  let rounds = 0;
  while (value > 0) {
    value >>>= 1;
    rounds++;
  }
  return rounds;
}

export function returnsFromLoop(a: number): number {
  for (let index = 0; index < 8; index++) {
    if (TABLE[index] === (a & 7)) return index;
  }
  return -1;
}

export function looksUp(a: number): number {
  return TABLE[a & 7]! * 10 + TABLE.length;
}

export function totals(a: number): number {
  let total = 0;
  for (const item of [...TABLE, 12]) if (item > (a & 7)) total += item;
  return total;
}

export function clamps(a: number): number {
  const { least, most } = LIMITS;
  const clamped = { value: Math.max(least, Math.min(a, most)), changed: a < least || a > most };
  return clamped.changed ? -clamped.value : clamped.value;
}

export function calls(a: number, b: number): number {
  const twice = (value: number, times = 2) => value * times;
  return twice(looksUp(a)) + twice(halves(b), 3);
}
