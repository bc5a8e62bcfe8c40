/**
 * mempool: page fragments, slab-like caches and a best-fit heap of pages, joined by one front end.
 *
 * Policy      The segment is cut into fragments, with a bitmap in cells of 32 bits; a block of up to 32 fragments
 *             lies within one cell, a larger one takes whole cells, the lowest in either case. A request of up to
 *             12.5 fragments that is no multiple of one goes to the heap: blocks of 16 bytes and more in pages of 16
 *             fragments, best fit by a tree in the first page that has room. Caches have objects of one size in
 *             pages of their own, and give arrays of them; one that is destroyed gives its pages back, whatever
 *             lives there. free tells by the descriptor of a fragment whose block it is. In heap pages nothing is
 *             merged at a free: a page is defragmented when 16 free blocks have gathered, and every 8 frees from then
 *             on; an empty page goes back.
 *             Before a request fails all heap pages are defragmented, all empty pages of heap and caches go back,
 *             and it is tried once more.
 *
 * Block       of fragments: no header; of the heap: 4 bytes; of a cache: none. Pages: see heap-pages.ts, caches.ts.
 *
 *             arena   +----------+------------+------------+-----+------------+-----------+-------------+------+
 *                     | rounding | fragment 0 | fragment 1 | ... | fragment n | n/32 cells| descriptors | rest |
 *                     +----------+------------+------------+-----+------------+-----------+-------------+------+
 *
 *             A descriptor has 4 bytes, so that fragments of 128 bytes cost 3.2 %. `metadata: outside` puts cells and
 *             descriptors into statics, where the original, which has them from libc, leaves them uncounted.
 *
 * Statics     where segment, cells and descriptors are, the list of heap pages, the number of caches, and 88 bytes
 *             for each cache that there may be.
 *
 * Interrupts  may free fragments and objects of caches, even while a task's request looks for some: who looks has
 *             taken the whole cell and gives it back by AND, so that a bit cleared meanwhile stays clear (bitmap.ts).
 *             A block of the heap takes its page's lock; its free in an interrupt is a fault.
 *
 * Cost        malloc O(cells), or O(heap pages + depth of the trees). free O(1) for fragments and caches, else the
 *             depth of a tree, and now and then a defragmentation: a walk of one page. Before it fails a request
 *             walks all pages.
 *
 * Use it      where buffers of about a page and objects of few sizes live beside small blocks, and interrupts give
 *             buffers back.
 * Not when    the arena has only a few heap pages: each small block that stays holds on to its page; or payloads
 *             must be aligned to more than 4.
 *
 * Source      MEMPOOL, by its documentation and behaviour; layouts as on a 32-bit microcontroller. With fragments of
 *             256 bytes, metadata outside, and without `reclaim` and `defragInPlace` equal to the recorded answers of
 *             its repaired code.
 * Deviations  Repaired: what the original's bit search, cell runs, frees, reallocs, list walks and page layouts did
 *             wrong. malloc(0) gives a smallest block, as there. No sleep between scans: heap calls run with the
 *             scheduler suspended, so locks are never taken and only an interrupt could free something meanwhile.
 *             Objects of caches are multiples of 4 bytes; those, and arrays, that no page could hold are blocks of
 *             the front end. A bad free is asserted, where the original logs it or corrupts. The original keeps no count
 *             of free bytes; ours is the simulator's view of it, lies beside the RAM and costs no simulated cycle.
 */

import { defineHeap } from '../definition.js';
import { ALONE } from '../heap.js';
import { BLOCK_WORD, UNIT_BYTES } from './free-tree.js';
import { Mempool, staticBytes } from './mempool-heap.js';
import { minimumArenaBytes, options } from './options.js';
import { FREE_WORDS, MALLOC_WORDS } from './paths.js';

export const mempool = defineHeap({
  name: 'mempool',
  origin: "MEMPOOL's design, repaired and scaled down",
  facts: {
    policy:
      'fragments by bitmap for what is large or a multiple, best fit in pages for the rest; caches of objects',
    block:
      '4 bytes in heap pages, none elsewhere; 4 bytes and a bit for each fragment, 44 for each heap page, 24 and more for each page of a cache',
    mallocCost:
      'O(cells of 32 fragments), or O(heap pages + depth of the tree); before it fails all pages are walked',
    freeCost:
      'O(1) for fragments and caches, and interrupts may; in heap pages the depth of a tree, at times a walk of one',
    bound: 'none: a small block that stays holds on to its page',
    useWhen: 'buffers and objects of few sizes live beside small blocks, and interrupts give buffers back',
    notWhen: 'the arena has only a few heap pages, or payloads must be aligned to more than 4',
  },
  options,
  blockWords: () => ({ used: [BLOCK_WORD] }),
  pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
  coalesces: false,
  mayPassOverAHole: true,
  reclaims: true,
  notAtZero: true,
  regions: 'one',
  payloadAlignment: () => UNIT_BYTES,
  staticBytes,
  minimumArenaBytes: (alignment, chosen) => minimumArenaBytes(chosen, alignment),
  create: (memory, layout, chosen, surroundings = ALONE) => new Mempool(memory, layout, chosen, surroundings),
});
