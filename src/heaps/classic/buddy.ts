/**
 * Buddy: blocks are powers of two, and a block is only ever merged with the other half of what it was cut from.
 *
 * Policy      A request gets the smallest power of two that holds it, at least `minimumBlock` bytes. The
 *             smallest hole that is large enough is halved until it fits, the lower half taken, the upper ones
 *             kept as holes. A freed block is merged with its buddy if that is a hole of the same size, the
 *             result with its buddy, and so on. Of several holes of a size it takes the lowest (`pick`
 *             lowest); the one freed last (lifo), as most implementations do; or, whatever the size, the
 *             lowest hole of all that is large enough (first: first fit at aligned addresses).
 *
 * Block             0          4          8               2^k * minimumBlock
 *                   +----------+----------+---------------+
 *                   | payload (of a hole: next, previous) |
 *                   +----------+----------+---------------+
 *             No header: all of it is payload. A block lies at a multiple of its size from the first one,
 *             which lies at a multiple of the alignment. The smallest block is no smaller than that.
 *
 *     Arena   | list heads, 4 bytes per order | table, a byte per smallest block | blocks ... | lost tail |
 *             A table byte is 0 where no block begins, else order + 1, the top bit set while in use. With
 *             blocks of 16 bytes the table is 1/17 of the arena. The arena need be no power of two.
 *
 * Statics     free bytes, bitmap of the orders that have a hole: 8 bytes.
 *
 * Cost        malloc O(log(arena / minimumBlock)): a split per order. free as many merges; with `pick` lowest
 *             or first it then looks for its place in the list, O(holes of that size).
 *
 * Use it      where sizes are powers of two; where time must be bounded and the bound on memory known; where
 *             an interior or foreign pointer must be noticed at once: the table knows every block.
 * Not when    sizes are just above a power of two: up to half of each block is lost.
 *
 * Why lowest  is the default: where a block goes does not depend on the order in which others were freed, so
 *             that exact worst cases can be found (test/heaps/classic/worst-cases.test.ts). Over 22 generated
 *             traces it needed 1 % less memory than lifo and 4 % less than first (geometric mean).
 *
 * Source      Knuth, The Art of Computer Programming 1, section 2.5, algorithms R and S, exercise 26.
 * Deviations  Knuth keeps tag and order in the blocks, so that no power of two fits into one; here they are in
 *             a table. A request for 0 bytes gets NULL. free refuses what the table does not know as a live
 *             block. A list that runs in a circle is a fault instead of a hang.
 */

import * as v from 'valibot';
import { Fault } from '../../mcu/fault.js';
import type { Memory, Region } from '../../mcu/memory.js';
import { choice, defineHeap } from '../definition.js';
import {
  Corruption,
  type Heap,
  HeapCall,
  type HeapLayout,
  NULL,
  NULL_CALL,
  type PieceVisitor,
} from '../heap.js';
import { BuddyBlocks, USED } from './buddy-blocks.js';

// Statics, as offsets from their start.
const FREE_BYTES = 0;
const BITMAP = 4;
const STATIC_BYTES = 8;

/** The cost model's words, in the order of their bits. */
const MALLOC_WORDS = ['search', 'found', 'split'] as const;
const SEARCH = 1;
const FOUND = 2;
const SPLIT = 4;
const FREE_WORDS = ['merge'] as const;
const MERGE = 1;

const options = v.strictObject({
  minimumBlock: choice('Bytes of the smallest block', [8, 16, 32, 64, 128, 256], 16),
  pick: choice(
    'Which hole: of the smallest that are large enough the lowest or the one freed last (lifo), or of all ' +
      'that are large enough the lowest (first)',
    ['lowest', 'lifo', 'first'],
    'lowest',
  ),
});
export type BuddyOptions = v.InferOutput<typeof options>;

export class Buddy implements Heap {
  readonly lastCall = new HeapCall();

  private readonly blocks: BuddyBlocks;
  private readonly region: Region;
  private readonly freeCounter: number;

  constructor(
    private readonly memory: Memory,
    { statics, regions, alignment }: HeapLayout,
    { minimumBlock, pick }: BuddyOptions,
  ) {
    this.region = regions[0]!;
    const unitBytes = Math.max(minimumBlock, alignment);
    const bitmap = statics + BITMAP;
    this.blocks = new BuddyBlocks(memory, this.region, unitBytes, alignment, bitmap, pick, this.lastCall);
    this.freeCounter = statics + FREE_BYTES;
    memory.storeWord(this.freeCounter, this.blocks.count * unitBytes);
  }

  get gridOrigin(): number {
    return this.blocks.base;
  }

  malloc(bytes: number): number {
    const { memory, lastCall: call, blocks } = this;
    call.begin();
    if (bytes === 0) return NULL;
    call.path = SEARCH;
    const order = blocks.orderFor(bytes);
    const index = blocks.take(order);
    if (index < 0) return NULL;
    call.path = call.searchSteps === 0 ? SEARCH | FOUND : SEARCH | FOUND | SPLIT;
    memory.storeWord(this.freeCounter, memory.loadWord(this.freeCounter) - blocks.bytesOf(order));
    return blocks.addressOf(index);
  }

  free(address: number): void {
    const { memory, lastCall: call, blocks } = this;
    call.begin();
    if (address === NULL) {
      call.path = NULL_CALL;
      return;
    }
    const index = blocks.indexOf(address);
    if (index < 0) throw new Fault('assertion', address, 'free: no block of the heap can begin here');
    const entry = blocks.entry(index);
    if (entry < USED) throw new Fault('assertion', address, 'free: the table shows no live block here');
    const order = entry - USED - 1;
    call.path = blocks.give(index, order) === 0 ? 0 : MERGE;
    memory.storeWord(this.freeCounter, memory.loadWord(this.freeCounter) + blocks.bytesOf(order));
  }

  freeBytes(): number {
    return this.memory.loadWord(this.freeCounter);
  }

  blockBytesFor(bytes: number): number {
    return this.blocks.bytesOf(this.blocks.orderFor(bytes));
  }

  walk(visit: PieceVisitor): void {
    const { blocks, region } = this;
    const end = blocks.addressOf(blocks.count);
    const regionEnd = region.origin + region.bytes;
    visit('bookkeeping', region.origin, blocks.base - region.origin, 0);
    blocks.visit((index, order, marks) => {
      const address = blocks.addressOf(index);
      visit(marks === 0 ? 'hole' : 'used', address, blocks.bytesOf(order), marks === 0 ? 0 : address);
    });
    if (end < regionEnd) visit('bookkeeping', end, regionEnd - end, 0);
  }

  check(): void {
    this.blocks.check();
    let total = 0;
    this.walk((kind, _address, bytes) => {
      if (kind === 'hole') total += bytes;
    });
    const counted = this.freeBytes();
    if (counted !== total) {
      throw new Corruption(`the free counter is ${counted}, the holes hold ${total}`, this.freeCounter);
    }
  }
}

export const buddy = defineHeap({
  name: 'buddy',
  origin: 'Knuth, section 2.5, with a table outside the blocks',
  facts: {
    policy: 'powers of two; the smallest hole is halved until it fits, halves are merged at once',
    block: 'no header; rounded up to a power of two, at least minimumBlock; a table byte per smallest block',
    mallocCost: 'O(log(arena / minimumBlock))',
    freeCost: 'O(log(arena / minimumBlock)), and with lowest or first O(holes of the size)',
    bound: '(1 + log2 n) M of the sizes rounded up to powers of two, M to multiples of n (Knuth)',
    useWhen: 'sizes are powers of two, or time and memory must both have a bound',
    notWhen: 'sizes are just above a power of two: up to half of each block is lost',
  },
  options,
  boundRow: ({ pick }) => (pick === 'first' ? 'aligned-first-fit' : 'buddy'),
  blockWords: () => ({ hole: ['next', 'previous'] }),
  pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
  // Halves of the same block only: neighbours that are no buddies stay apart.
  coalesces: false,
  regions: 'one',
  staticBytes: () => STATIC_BYTES,
  minimumArenaBytes: (alignment, { minimumBlock }) => 2 * Math.max(minimumBlock, alignment) + 16,
  create: (memory, layout, chosen) => new Buddy(memory, layout, chosen),
});
