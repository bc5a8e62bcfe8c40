/** Maps with a bit for each list, as heaps search them. */

/** Number of the lowest bit that is set; -1 where none is. */
export function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

/** Number of the highest bit that is set in a word other than 0: the logarithm to base 2, rounded down. */
export function highestBit(word: number): number {
  return 31 - Math.clz32(word);
}

/** Those bits whose number is `first`, 0 to 31, or higher. */
export function bitsFrom(bits: number, first: number): number {
  return bits & (-1 << first);
}

/** All but the lowest bit that is set. */
export function withoutLowest(bits: number): number {
  return bits & (bits - 1);
}

/** Bits 0 to `count` - 1; at most 32. */
export function lowestBits(count: number): number {
  // A shift by 32 is one by 0.
  return count === 32 ? -1 : (1 << count) - 1;
}
