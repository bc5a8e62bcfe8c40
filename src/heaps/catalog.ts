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

/** What a C library or a vendor brings along as malloc. */
const libraries: readonly HeapDefinition[] = [newlibNano, tlsf, o1heap, dlmalloc];

const fits: readonly HeapDefinition[] = [firstFit, nextFit, bestFit, worstFit];

/** What slabs may come from: all that never move a block. */
const underSlabs: readonly HeapDefinition[] = [
  buddy,
  ...fits,
  heap1,
  heap2,
  heap2Coalescing,
  heap4,
  heap5,
  mempool,
  mimalloc,
  ...libraries,
];

/** Around slabs too, but around none that come from a heap_3 again: neither can lead back to itself. */
const heap3 = heap3Around([...libraries, ...fits, buddy, slabFrom(underSlabs), mempool, mimalloc]);

/** In the order in which lists show them. */
export const catalog: readonly HeapDefinition[] = [
  heap1,
  heap2,
  heap2Coalescing,
  heap3,
  heap4,
  heap5,
  ...fits,
  buddy,
  buddyHandles,
  slabFrom([...underSlabs, heap3]),
  mempool,
  mimalloc,
  ...libraries,
  rmalloc2008,
  rmalloc,
];

export function findHeap(name: string): HeapDefinition | undefined {
  return catalog.find((heap) => heap.name === name);
}
