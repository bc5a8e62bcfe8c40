/**
 * The bound on what one malloc of mimalloc's heap does, whatever happened before. What the firmware's client does at a
 * heartbeat is not in it, nor what interrupts do meanwhile.
 *
 *     K = pagesPerCall     N = pages     W = words of the bitmap, ceil(N / 32)     B = size classes     S = slots
 *
 *     steps of search, as long as the request is served at the first attempt:
 *         4 K       pages of the class, and blocks that others freed; as many again where a task's first malloc
 *                   makes its heap
 *       + B         classes whose last page is kept empty
 *       + 2 W       to find an unused page or run of pages, once more for the task's heap
 *     and if it is not, on top of these:
 *         S         heaps
 *       + K         blocks that others freed
 *       + K + W     pages whose last blocks others freed
 *       + 2 B + K   classes that keep an empty page: of the task's heap and main()'s, and of others
 *       + K         lists, pages and blocks of deleted tasks
 *       + 4 K + 2 B pages of the class, and of larger ones, in the task's heap and in main()'s
 *       + W         to find unused pages
 *     blocks linked, and words of the bitmap changed:
 *         2 * 16    blocks added to a page, once more for the task's heap
 *       + 3 W       pages taken, for the request and for the task's heap; and those of spans given back
 *       + 4 K       blocks that others freed, of which each can empty a page or be a span, and pages emptied that way
 *       + 3 B + K   pages that were kept empty
 *       + K         pages and blocks of deleted tasks
 *     with a reset, pages of which is noted what becomes of them:
 *       + 2 N + H   each is given back and taken at most; H: pages of a task's heap
 *
 * A free changes W words of the bitmap at most, for a run of pages, and with a reset notes of each what becomes of it.
 *
 * Without a limit K is N where it counts pages and blocks, S B where it counts classes of others, and for deleted tasks
 * all they have: N pages, N blocks, and B + 2 lists of each.
 */

import { EXTENSION_BLOCKS, heapBytes, type Plan } from './layout.js';
import type { MimallocOptions } from './options.js';

/** What the bound goes by. */
export interface BoundParameters {
  /** The option; 0: no limit. */
  readonly pagesPerCall: number;
  /** In the arena. */
  readonly pages: number;
  readonly bins: number;
  /** Slots for heaps: that of main(), and one for each task that may have its own. */
  readonly slots: number;
  /** Whether something becomes of unused pages. */
  readonly resets: boolean;
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
  /** Of `searchSteps` of a portion of the idle task's work. */
  readonly idle: number;
  /** Of `insertSteps` of a free. */
  readonly free: number;
}

export function boundOf({ pagesPerCall, pages, bins, slots, resets, heapPages }: BoundParameters): Bound {
  const isLimited = pagesPerCall > 0;
  const words = Math.ceil(pages / 32);
  const limit = isLimited ? pagesPerCall : pages;
  const others = isLimited ? pagesPerCall : slots * bins;
  const left = isLimited ? pagesPerCall : 2 * pages + slots * (bins + 2);
  const usualSearch = 4 * limit + bins + 2 * words;
  const collection = slots + (2 * limit + words) + (2 * bins + others) + left;
  const again = 4 * limit + 2 * bins + words;
  const marks = 3 * words + 4 * limit + (3 * bins + others) + left;
  return {
    usualSearch,
    search: usualSearch + collection + again,
    insert: 2 * EXTENSION_BLOCKS + marks + (resets ? 2 * pages + heapPages : 0),
    idle: left,
    free: words + (resets ? pages : 0),
  };
}

export function boundParameters(plan: Plan, { pagesPerCall, reset }: MimallocOptions): BoundParameters {
  const { pages, bins, slots } = plan;
  const heapPages = Math.ceil(heapBytes(bins) / plan.pageBytes);
  return { pagesPerCall, pages, bins, slots, resets: reset !== 'none', heapPages };
}
