/**
 * The bound on what one malloc of mimalloc's heap does, whatever happened before. What the firmware's client does at a
 * heartbeat is not in it, nor what interrupts do meanwhile.
 *
 *     K = pagesPerCall, or all N pages     W = words of the bitmap, ceil(N / 32)     B = size classes     S = slots
 *     H = pages that a task's heap takes at most
 *
 *     steps of search, as long as the request is served at the first attempt:
 *         4 K       pages of the class, and blocks that others freed; as many again where a task's first malloc
 *                   makes its heap
 *       + B         classes whose last page is kept empty
 *       + 2 W       to find an unused page or run of pages, once more for the task's heap
 *     and if it is not, on top of these:
 *         S         heaps
 *       + N + S K   blocks that others freed: each page has at most one at a time that told its heap, and K
 *                   behind those of each heap can wait for their turn
 *       + N         pages that are tidied up
 *       + N + 2 B   pages of the class, and of larger ones, in the task's heap and in main()'s
 *       + W         to find unused pages
 *     blocks and pages linked, marked or given back:
 *         2 * 16    blocks added to a page, once more for the task's heap
 *       + 2 (N + H) pages of spans marked, and of spans and classes given back
 */

import { EXTENSION_BLOCKS, heapBytes, type Plan } from './layout.js';
import type { MimallocOptions } from './options.js';

/** What the bound goes by. */
export interface BoundParameters {
  /** The option; 0 is as good as all pages. */
  readonly pagesPerCall: number;
  /** In the arena. */
  readonly pages: number;
  readonly bins: number;
  /** Slots for heaps: that of main(), and one for each task that may have its own. */
  readonly slots: number;
  /** Pages that a task's heap takes at most. */
  readonly heapPages: number;
}

export interface Bound {
  /** Of `searchSteps` while the first attempt succeeds. */
  readonly usualSearch: number;
  /** Of `searchSteps` of any call. */
  readonly search: number;
  /** Of `insertSteps` of any call. */
  readonly insert: number;
}

export function boundOf({ pagesPerCall, pages, bins, slots, heapPages }: BoundParameters): Bound {
  const limit = pagesPerCall === 0 ? pages : pagesPerCall;
  const words = Math.ceil(pages / 32);
  const usualSearch = 4 * limit + bins + 2 * words;
  const lastResort = slots + (pages + slots * limit) + pages + (pages + 2 * bins) + words;
  return {
    usualSearch,
    search: usualSearch + lastResort,
    insert: 2 * EXTENSION_BLOCKS + 2 * (pages + heapPages),
  };
}

export function boundParameters(plan: Plan, { pagesPerCall }: MimallocOptions): BoundParameters {
  const heapPages = Math.ceil(heapBytes(plan.bins) / plan.pageBytes);
  return { pagesPerCall, pages: plan.pages, bins: plan.bins, slots: plan.slots, heapPages };
}
