/**
 * Buddy with handles: a buddy heap that makes room by moving blocks, one chunk at a time.
 *
 * Policy      As `buddy` with the lowest of the smallest holes. Where a request finds no hole although enough is
 *             free, the aligned chunk of the wanted size with least in use and no locked block in it is emptied:
 *             its blocks are copied into holes elsewhere, each of a size with its block. Whether that can be done
 *             is known before anything moves, so that a request that fails has moved nothing in vain. compact()
 *             empties chunks from the largest size down until there are no larger holes to be had.
 *
 *     Arena   | list heads, 4 bytes per order | table, a byte per smallest block | blocks ... | lost tail |
 *             The table as in `buddy`, with two marks: stays where it is; old. No header, no way from a block to
 *             its handle: to empty one chunk is to look through all handles. For compact() each block takes its
 *             handle's address in place of its first word, which is in the handle until the end (Jonkers 1979).
 *
 * Handles     Words {index of the block, age, locks}, 15 in a page of 64 bytes with the address of the next page.
 *             A page is a block that never moves, at the end of the highest hole; a compaction gives pages back
 *             that have nothing in them. (The Macintosh had such master pointers, 64 in a block that stayed.)
 *
 * Generations New blocks are at the high end then, and a block that has survived `promoteAfter` compactions is
 *             moved to the lowest hole there is. A compaction leaves the old ones where they are if what is wanted
 *             can be had without them; one by budget does so eight times of nine.
 *
 * Statics     free bytes, bitmap of the orders that have a hole, first page, first spare handle, fullness, count
 *             of young compactions: 24 bytes.
 *
 * Cost        allocate, free, lock as `buddy`: O(log(arena / minimumBlock)) and, to keep lists in order, O(holes of
 *             the size). Emptying a chunk is O(blocks + handles for each size of block in it) and the bytes of the
 *             blocks in it; where there are no holes as large as its blocks, chunks of their size are emptied
 *             before. compact(), also a step with a budget, looks through the table and the handles once, then
 *             through the table for each size of hole that can be made, and for each different number of smallest
 *             blocks that chunks of that size have in use when they are emptied.
 *
 * Use it      where sizes suit a buddy heap, and memory must be enough whenever the sum is.
 * Not when    sizes are just above a power of two: no moving about wins back what rounding lost.
 *
 * Source      Defoe, Cholleti, Cytron, Upper bound for defragmenting buddy heaps (LCTES 2005), by its abstract:
 *             defragment on demand, with less than twice the optimal relocation. Generations: notes of 2011.
 * Deviations  What they do about blocks that must stay is not known here; the test that foretells success with
 *             locked blocks is our own. On small heaps, held against the fewest bytes of all ways there are, it
 *             moves 1.03 times as many on average and 1.75 times at worst (8 to 20 smallest blocks, 5,500
 *             compactions; test/heaps/classic/buddy-relocation.test.ts tries some of them again).
 */

import * as v from 'valibot';
import type { Memory, Region } from '../../../mcu/memory.js';
import { choice, defineHandleHeap, flag, wholeNumber } from '../../definition.js';
import {
  type Compaction,
  type CompactionBudget,
  type CompactionTrigger,
  type HandleHeap,
  type Relocation,
  UNLIMITED,
} from '../../handle-heap.js';
import { addLock, assertUsed, removeLock } from '../../handle-locks.js';
import {
  Corruption,
  HeapCall,
  type HeapLayout,
  type HeapView,
  NULL,
  NULL_CALL,
  type PieceVisitor,
} from '../../heap.js';
import { Fullness } from '../../rmalloc/fullness.js';
import { relocationOptions, YOUNG_PASSES_PER_FULL } from '../../rmalloc/options.js';
import { USED } from '../buddy-blocks.js';
import { checkHandles } from './check.js';
import { BuddyCompaction } from './compaction.js';
import { HandlePages, MAXIMUM_AGE, MAXIMUM_BLOCKS, PAGES_STATIC_BYTES, pageOrder } from './handle-pages.js';
import { FIXED, MovableBlocks, NONE } from './movable-blocks.js';

// Statics, as offsets from their start.
const FREE_BYTES = 0;
const BITMAP = 4;
const PAGES = 8;
const FULLNESS = PAGES + PAGES_STATIC_BYTES;
const YOUNG_PASSES = FULLNESS + 4;
const STATIC_BYTES = YOUNG_PASSES + 4;

/** The cost model's words, in the order of their bits. */
const ALLOCATE_WORDS = ['search', 'found', 'split', 'page', 'compacted'] as const;
const SEARCH = 1;
const FOUND = 2;
const SPLIT = 4;
const PAGE = 8;
const COMPACTED = 16;
const FREE_WORDS = ['merge'] as const;
const MERGE = 1;

const { compactOnFailure, fullness, lower, higher } = relocationOptions(true);
const options = v.strictObject({
  minimumBlock: choice('Bytes of the smallest block', [8, 16, 32, 64, 128, 256], 16),
  compactOnFailure,
  // They do not pay here: docs/compaction.md has the figures.
  generations: flag(
    'keep old blocks at the low end, young ones at the high end, and move those first',
    false,
  ),
  promoteAfter: wholeNumber('with generations: compactions survived by an old block', [1, MAXIMUM_AGE], 2),
  fullness,
  lower,
  higher,
});
export type BuddyHandlesOptions = v.InferOutput<typeof options>;

export class BuddyHandles implements HandleHeap, HeapView {
  readonly heap = this;
  readonly lastCall = new HeapCall();
  readonly relocation: Relocation = { watcher: undefined, client: undefined };

  private readonly blocks: MovableBlocks;
  private readonly handles: HandlePages;
  private readonly fullness: Fullness;
  private readonly region: Region;
  private readonly freeCounter: number;
  private readonly youngPasses: number;

  constructor(
    private readonly memory: Memory,
    { statics, regions, alignment }: HeapLayout,
    private readonly options: BuddyHandlesOptions,
  ) {
    const { minimumBlock, generations } = options;
    this.region = regions[0]!;
    const unitBytes = Math.max(minimumBlock, alignment);
    // What lies beyond no handle could name.
    const bytes = Math.min(this.region.bytes, MAXIMUM_BLOCKS * (unitBytes + 1));
    const usable = { ...this.region, bytes };
    const bitmap = statics + BITMAP;
    this.blocks = new MovableBlocks(memory, usable, unitBytes, alignment, bitmap, this.lastCall, generations);
    this.handles = new HandlePages(memory, statics + PAGES, this.blocks);
    const blockBytes = this.blocks.count * unitBytes;
    this.fullness = new Fullness(memory, statics + FULLNESS, options, this.relocation, blockBytes);
    this.freeCounter = statics + FREE_BYTES;
    this.youngPasses = statics + YOUNG_PASSES;
    memory.storeWord(this.freeCounter, blockBytes);
    memory.storeWord(statics + FULLNESS, 0);
    memory.storeWord(this.youngPasses, 0);
  }

  get gridOrigin(): number {
    return this.blocks.base;
  }

  // --- requests ------------------------------------------------------------------------------------------

  allocate(bytes: number): number {
    const { lastCall: call, blocks, handles } = this;
    call.begin();
    const order = blocks.orderFor(bytes);
    if (bytes === 0 || order > blocks.highestOrder) return NULL;
    if (this.fullness.watched) this.watchFullness();
    call.path = SEARCH;
    const needsPage = handles.firstSpare === NULL;
    if (needsPage && !this.addPage()) return NULL;
    const index = this.take(order, () => blocks.take(order));
    if (index === NONE) {
      if (needsPage) this.releasePages();
      return NULL;
    }
    call.path |= call.searchSteps === 0 ? FOUND : FOUND | SPLIT;
    return handles.take(index);
  }

  private addPage(): boolean {
    const { blocks, handles } = this;
    this.lastCall.path |= PAGE;
    const page = this.take(handles.order, () => blocks.takeHighest(handles.order));
    if (page === NONE) return false;
    handles.addPage(page);
    return true;
  }

  /** What `attempt` takes, a block of `order`, after a compaction if need be. */
  private take(order: number, attempt: () => number): number {
    let index = attempt();
    if (index === NONE && this.options.compactOnFailure && this.freeBytes() >= this.blocks.bytesOf(order)) {
      this.lastCall.path |= COMPACTED;
      this.makeRoom(order);
      index = attempt();
    }
    if (index !== NONE) this.addFree(-this.blocks.bytesOf(order));
    return index;
  }

  free(handle: number): void {
    const { lastCall: call, blocks, handles } = this;
    call.begin();
    if (handle === NULL) {
      call.path = NULL_CALL;
      return;
    }
    assertUsed(handles, handle);
    const index = handles.indexOf(handle);
    const order = blocks.orderAt(index);
    handles.give(handle);
    call.path = blocks.give(index, order) === 0 ? 0 : MERGE;
    this.addFree(blocks.bytesOf(order));
  }

  private addFree(bytes: number): void {
    this.memory.storeWord(this.freeCounter, this.memory.loadWord(this.freeCounter) + bytes);
  }

  private releasePages(): void {
    this.addFree(this.handles.releasePages() * this.blocks.bytesOf(this.handles.order));
  }

  // --- locks ---------------------------------------------------------------------------------------------

  lock(handle: number): number {
    const { blocks, handles } = this;
    assertUsed(handles, handle);
    addLock(handles, handle);
    const index = handles.indexOf(handle);
    blocks.mark(index, FIXED);
    return blocks.addressOf(index);
  }

  unlock(handle: number): void {
    const { blocks, handles } = this;
    assertUsed(handles, handle);
    removeLock(handles, handle);
    if (handles.locksOf(handle) === 0) blocks.unmark(handles.indexOf(handle), FIXED);
  }

  // --- compaction ----------------------------------------------------------------------------------------

  compact(budget: CompactionBudget): Compaction {
    return this.compactAll('call', budget);
  }

  private watchFullness(): void {
    const due = this.fullness.due(this.freeBytes());
    if (due !== undefined) this.compactAll(due, UNLIMITED);
  }

  /** For a request of `order` that has found no hole. */
  private makeRoom(order: number): void {
    const { blocks, lastCall: call } = this;
    const hasRoom = () => blocks.hasHole(order, blocks.highestOrder + 1);
    this.compacting('failure', UNLIMITED, (compaction) => {
      // A request that needs a page has found none that is empty, and perhaps made one.
      if ((call.path & PAGE) === 0) {
        this.releasePages();
        // The only spare handle was in one of them; where that was, there is room.
        if (this.handles.firstSpare === NULL) this.addPage();
      }
      if (!hasRoom() && compaction.canMake(order)) {
        this.promote(compaction);
        if (!hasRoom()) this.makeHole(compaction, order);
      }
      compaction.countLocked(order);
      return true;
    });
  }

  /** With generations out of young blocks alone, if that can be done. */
  private makeHole(compaction: BuddyCompaction, order: number): void {
    this.spareOld(compaction, true);
    if (!compaction.canMake(order)) this.spareOld(compaction, false);
    compaction.make(order);
  }

  private compactAll(trigger: CompactionTrigger, budget: CompactionBudget): Compaction {
    const { blocks, memory, youngPasses } = this;
    return this.compacting(trigger, budget, (compaction) => {
      this.releasePages();
      this.promote(compaction);
      const passes = memory.loadWord(youngPasses);
      const isFull = budget === UNLIMITED || passes >= YOUNG_PASSES_PER_FULL;
      this.spareOld(compaction, !isFull);
      const finished = compaction.defragment();
      if (finished) memory.storeWord(youngPasses, isFull ? 0 : passes + 1);
      compaction.countLocked(blocks.highestOrder);
      return finished;
    });
  }

  /** Between telling that it began and that it ended. The steps are the compaction's, not the call's. */
  private compacting(
    trigger: CompactionTrigger,
    budget: CompactionBudget,
    work: (compaction: BuddyCompaction) => boolean,
  ): Compaction {
    const { relocation, lastCall: call, blocks, handles } = this;
    const { searchSteps, insertSteps } = call;
    relocation.watcher?.began();
    const compaction = new BuddyCompaction(blocks, handles, budget);
    const finished = work(compaction);
    if (finished) this.fullness.compacted();
    if (finished && this.options.generations) compaction.age();
    const outcome = compaction.outcome(trigger, finished);
    relocation.watcher?.ended(outcome);
    call.searchSteps = searchSteps;
    call.insertSteps = insertSteps;
    return outcome;
  }

  private promote(compaction: BuddyCompaction): void {
    if (this.options.generations) compaction.promote(this.options.promoteAfter);
  }

  private spareOld(compaction: BuddyCompaction, spares: boolean): void {
    if (this.options.generations) compaction.spareOld(spares);
  }

  // --- what it shows -------------------------------------------------------------------------------------

  freeBytes(): number {
    return this.memory.loadWord(this.freeCounter);
  }

  blockBytesFor(bytes: number): number {
    return this.blocks.bytesOf(this.blocks.orderFor(bytes));
  }

  /** Beside a page of handles, which takes the smallest top block that it fits into. */
  largestBlockBytes(): number {
    const { blocks, handles } = this;
    const isSplit = blocks.count >>> handles.order === 1 << (blocks.highestOrder - handles.order);
    return blocks.bytesOf(blocks.highestOrder - (isSplit ? 1 : 0));
  }

  walk(visit: PieceVisitor): void {
    const { blocks, region, handles } = this;
    const byIndex = new Map<number, number>();
    handles.eachLive((handle, index) => {
      byIndex.set(index, handle);
      return true;
    });
    const end = blocks.addressOf(blocks.count);
    const regionEnd = region.origin + region.bytes;
    visit('bookkeeping', region.origin, blocks.base - region.origin, 0);
    blocks.visit((index, order, marks) => {
      const address = blocks.addressOf(index);
      const bytes = blocks.bytesOf(order);
      const handle = byIndex.get(index);
      if ((marks & USED) === 0) visit(marks === 0 ? 'hole' : 'bookkeeping', address, bytes, 0);
      else if (handle === undefined) throw new Corruption('a block in use has a handle', address);
      else visit('used', address, bytes, address, handle, handles.locksOf(handle));
    });
    if (end < regionEnd) visit('bookkeeping', end, regionEnd - end, 0);
  }

  check(): void {
    checkHandles(this.memory, this.blocks, this.handles);
    let total = 0;
    this.walk((kind, _address, bytes) => {
      if (kind === 'hole') total += bytes;
    });
    if (this.freeBytes() === total) return;
    const message = `the free counter is ${this.freeBytes()}, the holes hold ${total}`;
    throw new Corruption(message, this.freeCounter);
  }
}

export const buddyHandles = defineHandleHeap({
  name: 'buddy_handles',
  origin: 'Defoe, Cholleti, Cytron, LCTES 2005, with generations after the notes of 2011',
  facts: {
    policy: 'as buddy; where a request finds no hole, the least occupied chunk of its size is emptied',
    block:
      'no header; rounded up to a power of two, at least minimumBlock; a table byte per smallest block; a handle of 4 bytes',
    mallocCost: 'O(log(arena / minimumBlock)); O(blocks + bytes of a chunk) and more when it compacts',
    freeCost: 'O(log(arena / minimumBlock)) and O(holes of the size)',
    bound: 'while nothing is locked, the peak of live bytes rounded up to powers of two, table and handles',
    useWhen: 'sizes are near powers of two, and memory must be enough whenever the sum is',
    notWhen: 'pointers into blocks are kept everywhere, or sizes are just above a power of two',
  },
  options,
  blockWords: () => ({ hole: ['next', 'previous'] }),
  pathWords: { malloc: ALLOCATE_WORDS, free: FREE_WORDS },
  coalesces: false,
  // A hole is of no use where there is no room for a page of handles.
  mayPassOverAHole: true,
  regions: 'one',
  staticBytes: () => STATIC_BYTES,
  minimumArenaBytes: (alignment, { minimumBlock }) => {
    const unitBytes = Math.max(minimumBlock, alignment);
    const units = 2 * 2 ** pageOrder(unitBytes);
    return units * (unitBytes + 1) + 4 * Math.log2(2 * units) + alignment;
  },
  createHandles: (memory, layout, chosen) => new BuddyHandles(memory, layout, chosen),
});
