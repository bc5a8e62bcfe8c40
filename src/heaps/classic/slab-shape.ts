/** How objects of a size are laid out in slabs: plain arithmetic, the same in the heap and in its checks. */

import { alignUp } from '../freertos/request.js';

// A slab's header: links of the list it is in, its cache, how many objects are in use. Then a bitmap, a bit for
// each object, set while that is free.
export const NEXT = 0;
export const PREVIOUS = 4;
export const CACHE = 8;
export const LIVE = 12;
export const BITMAP = 16;

/** More than {@link classSizes} ever gives. */
export const MAXIMUM_CLASSES = 32;

/** Slabs may be this many times the smallest to waste less. */
const MAXIMUM_DOUBLINGS = 3;

export interface SlabShape {
  readonly slabBytes: number;
  readonly objects: number;
}

/** Words of the bitmap for so many objects. */
export function bitmapWords(objects: number): number {
  return (objects + 31) >>> 5;
}

/** Where the first object of a slab lies, from the slab's start. */
export function firstObject(objects: number, alignment: number): number {
  return alignUp(BITMAP + 4 * bitmapWords(objects), alignment);
}

/**
 * The smallest slab of `least` bytes, or twice, four or eight times that, which loses no more than an eighth to
 * header and tail (Bonwick's limit); failing that the one that loses the smallest share. Objects for which all
 * are too small get a slab each.
 */
export function slabShape(objectBytes: number, least: number, alignment: number): SlabShape {
  let best: SlabShape | undefined;
  let bestLoss = 1;
  for (let doublings = 0; doublings <= MAXIMUM_DOUBLINGS; doublings++) {
    const slabBytes = least * 2 ** doublings;
    const objects = objectsIn(slabBytes, objectBytes, alignment);
    const loss = 1 - (objects * objectBytes) / slabBytes;
    if (loss >= bestLoss) continue;
    best = { slabBytes, objects };
    bestLoss = loss;
    if (loss <= 1 / 8) break;
  }
  return best ?? { slabBytes: firstObject(1, alignment) + objectBytes, objects: 1 };
}

function objectsIn(slabBytes: number, objectBytes: number, alignment: number): number {
  let objects = Math.floor((slabBytes - firstObject(0, alignment)) / objectBytes);
  while (objects > 0 && firstObject(objects, alignment) + objects * objectBytes > slabBytes) objects--;
  return objects;
}

/**
 * Sizes of the classes up to `largest`: powers of two from 8 and the middles between them, rounded up to the
 * alignment.
 */
export function classSizes(largest: number, alignment: number): number[] {
  const sizes = new Set<number>();
  for (let size = 8; size <= largest; size *= 2) {
    sizes.add(alignUp(size, alignment));
    const middle = alignUp(size * 1.5, Math.max(8, alignment));
    if (middle < size * 2 && middle < largest) sizes.add(middle);
  }
  return [...sizes].sort((a, b) => a - b);
}
