/**
 * The arithmetic of buddies. A block of order k has 2^k smallest blocks, and its index is a multiple of that; its
 * buddy is the other half of the block of order k + 1 that it was cut from.
 */

/** The order of the smallest block with room for `bytes`, 1 to 2^32 - 1; the smallest block has 2^unitShift. */
export function orderFor(bytes: number, unitShift: number): number {
  return 32 - Math.clz32((bytes - 1) >>> unitShift);
}

export function buddyOf(index: number, order: number): number {
  return index ^ (1 << order);
}

/** Which of a block and its buddy is the lower one, where they begin when they are one. */
export function lowerOf(index: number, order: number): number {
  return index & ~(1 << order);
}

export function upperOf(index: number, order: number): number {
  return index | (1 << order);
}
