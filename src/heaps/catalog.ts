/**
 * Every heap that heaplab knows. A heap is added by its file, which ends with its definition, and one line
 * here; commands, tests and documentation take it from this list.
 */

import { buddy } from './classic/buddy.js';
import { buddyHandles } from './classic/buddy-handles/buddy-handles.js';
import { bestFit, firstFit, nextFit, worstFit } from './classic/fits.js';
import { slabFrom } from './classic/slab.js';
import type { HeapDefinition } from './definition.js';
import { dlmalloc } from './dlmalloc/dlmalloc.js';
import { heap1 } from './freertos/heap-1.js';
import { heap2 } from './freertos/heap-2.js';
import { heap2Coalescing } from './freertos/heap-2-coalescing.js';
import { heap3Around } from './freertos/heap-3.js';
import { heap4 } from './freertos/heap-4.js';
import { heap5 } from './freertos/heap-5.js';
import { mempool } from './mempool/mempool.js';
import { mimalloc } from './mimalloc/mimalloc.js';
import { newlibNano } from './newlib-nano.js';
import { o1heap } from './o1heap/o1heap.js';
import { rmalloc } from './rmalloc/rmalloc.js';
import { rmalloc2008 } from './rmalloc/rmalloc-2008.js';
import { tlsf } from './tlsf/tlsf.js';

/** What a C library or a vendor brings along as malloc: heap_3 can be put around each. */
const libraries: readonly HeapDefinition[] = [newlibNano, tlsf, o1heap, dlmalloc];

/** What slabs may come from: all that take blocks back and never move any. */
const underSlabs: readonly HeapDefinition[] = [
  buddy,
  firstFit,
  nextFit,
  bestFit,
  worstFit,
  heap2,
  heap2Coalescing,
  heap4,
  ...libraries,
];

/** In the order in which lists show them. */
export const catalog: readonly HeapDefinition[] = [
  heap1,
  heap2,
  heap2Coalescing,
  heap3Around(libraries),
  heap4,
  heap5,
  firstFit,
  nextFit,
  bestFit,
  worstFit,
  buddy,
  buddyHandles,
  slabFrom(underSlabs),
  mempool,
  mimalloc,
  ...libraries,
  rmalloc2008,
  rmalloc,
];

export function findHeap(name: string): HeapDefinition | undefined {
  return catalog.find((heap) => heap.name === name);
}
