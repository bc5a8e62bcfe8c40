/**
 * Measures of fragmentation at one moment, from the holes' sizes alone. Formulas by name:
 * Linux's are those of mm/vmstat.c with the request in bytes instead of pages; umm_malloc's is its
 * fragmentation metric; Pigweed's is the same without rounding.
 */

import type { FragmentationMeasures } from './result.js';

/** 1 - largest hole / free bytes; 0 when nothing is free. */
export function externalFragmentation(freeBytes: number, largestHole: number): number {
  return freeBytes === 0 ? 0 : 1 - largestHole / freeBytes;
}

/**
 * `holes`: sizes in bytes; `neededBytes`: what the request takes; `requestedBytes` and `allocatedBytes`: of
 * live blocks, without and with headers and rounding.
 */
export function fragmentationMeasures(
  holes: readonly number[],
  neededBytes: number,
  requestedBytes: number,
  allocatedBytes: number,
): FragmentationMeasures {
  const freeBytes = sum(holes);
  const rootOfSquares = Math.sqrt(sum(holes.map((bytes) => bytes * bytes)));
  const usable = sum(holes.filter((bytes) => bytes >= neededBytes));
  const share = (bytes: number) => (freeBytes === 0 ? 0 : bytes / freeBytes);
  return {
    external: externalFragmentation(freeBytes, largestOf(holes)),
    ummMalloc: freeBytes === 0 ? 0 : 1 - share(Math.floor(rootOfSquares)),
    pigweed: freeBytes === 0 ? 0 : 1 - share(rootOfSquares),
    unusable: share(freeBytes - usable),
    linuxIndex: linuxFragmentationIndex(holes, freeBytes, neededBytes),
    internal: allocatedBytes === 0 ? 0 : 1 - requestedBytes / allocatedBytes,
  };
}

/** fragmentation_index / 1000, integer division kept: -1 when some hole is large enough, 0 without holes. */
function linuxFragmentationIndex(holes: readonly number[], freeBytes: number, neededBytes: number): number {
  if (holes.length === 0) return 0;
  if (holes.some((bytes) => bytes >= neededBytes)) return -1;
  const perRequest = Math.floor((freeBytes * 1000) / neededBytes);
  // One hole that is nearly large enough would come out below 0, which means something else.
  return Math.max(0, 1000 - Math.floor((1000 + perRequest) / holes.length)) / 1000;
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function largestOf(values: readonly number[]): number {
  let largest = 0;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}
