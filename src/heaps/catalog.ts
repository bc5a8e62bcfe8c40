/**
 * Every heap that heaplab knows. A heap is added by its file, which ends with its definition, and one line
 * here; commands, tests and documentation take it from this list.
 */

import { buddy } from './classic/buddy.js';
import { bestFit, firstFit, nextFit, worstFit } from './classic/fits.js';
import type { HeapDefinition } from './definition.js';
import { heap2 } from './freertos/heap-2.js';
import { heap2Coalescing } from './freertos/heap-2-coalescing.js';
import { heap4 } from './freertos/heap-4.js';

/** In the order in which lists show them. */
export const catalog: readonly HeapDefinition[] = [
  heap2,
  heap2Coalescing,
  heap4,
  firstFit,
  nextFit,
  bestFit,
  worstFit,
  buddy,
];

export function findHeap(name: string): HeapDefinition | undefined {
  return catalog.find((heap) => heap.name === name);
}
