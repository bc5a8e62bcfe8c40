/**
 * mimalloc: pages of blocks of one size, a heap for each task, and a heartbeat for all that can wait.
 *
 * Policy      The arena is cut into pages. A page has blocks of one class, and belongs to one task's heap; the class of
 *             a request is the smallest that it fits. malloc takes from the list `free` of the page that served the
 *             class last. free puts a block onto its page's `localFree`, and onto `threadFree` where another task or
 *             an interrupt frees it: so `free` runs out sooner or later, whatever is freed, and malloc has to take
 *             the generic way. That is the heartbeat: the firmware may free some of what it has put off, blocks that
 *             others freed come back, empty pages age, one page is reset. Then the lists of the class's pages change
 *             places, or a page is extended, by 16 blocks that were never used, or an unused page is opened. A page
 *             without room leaves the queue for the list of full pages; the next block that is freed there brings it
 *             back. Before NULL is returned the firmware frees all that it has put off, what can be had is collected
 *             from all heaps, and the request is made again, in the end with main()'s heap and with larger classes.
 *             What can be had is in lists, and never looked for: blocks that others freed in full pages, the classes of
 *             which a heap keeps an empty page, pages whose last block others freed, which are noted in a bitmap, and
 *             the pages of deleted tasks.
 *             What needs more than half a page is a run of pages: the lowest that is long enough, while single
 *             pages are opened from the top.
 *
 *             Tasks have heaps from their first malloc on, made of a block of main()'s heap, which serves main() and
 *             all tasks that have none, and whose blocks every task may free as its own. The heap of a deleted task is
 *             broken up by the idle task, some pages at a time: empty ones are given back, main()'s heap gets the others.
 *             Runs of pages are everybody's.
 *             Interrupts may free, at any time, and must not allocate.
 *
 * Block       no header. Sizes are multiples of the alignment up to 8 of them, then 4 (or 8) to the octave. A free block
 *             has the number of the next one in its first two bytes. The page table has 24 bytes for each page, the
 *             bitmaps 2 bits, a heap 20 bytes and 4 for each class: drawn in layout.ts.
 *
 * Statics     8 bytes, and 4 for each task that may have a heap.
 *
 * Cost        malloc O(1) while the page has a block. Else it is bounded by a formula of the options, in bound.ts: with
 *             `pagesPerCall` at most 4 times as many pages and blocks, the classes, and the bitmap twice; before NULL
 *             8 times as many more, whatever lives in the arena. What then has not been collected yet is at the next
 *             request's turn. free O(1), of a run of pages a word of the bitmap for 32 of them, and with a reset O(pages).
 *             With asserts a block whose first bytes could be a link is looked for in its page's lists, as the debug
 *             build does. The bytes that are free are counted by the simulator, not by the heap: that costs nothing.
 *
 * Use it      where interrupts free what tasks allocated; where structures of many blocks have to go without holding
 *             anybody up; where many blocks of few sizes come and go.
 * Not when    RAM is short and sizes or tasks are many: every class of every task holds on to a page.
 *
 * Source      D. Leijen, B. Zorn, L. de Moura, Mimalloc: Free List Sharding in Action, APLAS 2019, and what versions
 *             1.0.0 and 2.4.1 do: heartbeat, retirement and reset are those of 1.0.0.
 * Deviations  No segments: the arena is one. Links are numbers of blocks and pages, so that a page takes 24 bytes. A
 *             queue's first page stands for the table of pages by word size. Lists are never spliced, only exchanged
 *             whole. An extension is 16 blocks, not 4 KiB. How many pages a call looks at is limited. A request takes a
 *             larger class's block before it fails. A task frees runs of pages itself, whoever allocated them. A page
 *             whose last block is freed elsewhere is noted, so that it can be found; the original looks at all pages.
 *             Without memory management hardware a reset is simulated: MADV_FREE keeps the contents, MADV_DONTNEED
 *             zeroes them, which takes time. Freed memory is not filled in a debug build, but for two bytes.
 */

import { defineHeap } from '../definition.js';
import { ALONE } from '../heap.js';
import { minimumArenaBytes, planFor, staticBytesFor } from './layout.js';
import { MimallocHeap } from './mimalloc-heap.js';
import { mimallocOptions } from './options.js';
import { FREE_WORDS, MALLOC_WORDS } from './paths.js';

export const mimalloc = defineHeap({
  name: 'mimalloc',
  origin: 'Leijen, Zorn, de Moura, Mimalloc: Free List Sharding in Action, 2019',
  facts: {
    policy: 'a heap for each task, of pages that have blocks of one size; large blocks are runs of pages',
    block: 'no header; 24 bytes for each page; sizes are multiples of the alignment, 4 (or 8) to the octave',
    mallocCost: 'O(1) but for the heartbeat, whose bound is a formula of the options',
    freeCost: 'O(1); of a large block a step for 32 pages',
    bound: 'none: every class of every task can hold on to pages that have one live block each',
    useWhen:
      'interrupts free what tasks allocated, or large structures have to go without holding anybody up',
    notWhen: 'RAM is short and sizes or tasks are many: each class of each task holds a page',
  },
  options: mimallocOptions,
  pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
  coalesces: false,
  mayPassOverAHole: true,
  reclaims: true,
  notAtZero: true,
  regions: 'one',
  staticBytes: staticBytesFor,
  minimumArenaBytes,
  create: (memory, layout, options, surroundings = ALONE) =>
    new MimallocHeap(memory, planFor(layout, options), options, surroundings),
});
