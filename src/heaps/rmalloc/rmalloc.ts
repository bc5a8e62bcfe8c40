/**
 * rmalloc, second generation: a relocating heap with its headers apart from the payloads.
 *
 * Policy      Blocks are cut from the gap while it lasts, then from the lists of holes: the first list that is
 *             not empty above the request's own, else first fit in its own. A freed block goes to the front of
 *             its list and is not merged. A request that finds no room compacts and asks again.
 *
 * Arena       +-------+-------------------------------+---- gap ----+---------------+
 *             | lists | payloads, in address order    | →         ← | headers       |
 *             +-------+-------------------------------+-------------+---------------+
 *                                                    top         bottom
 * Header      +-------------------------+-------------------------------------------+
 *   8 bytes   | payload address, flags  | locks (8 bits), age (2), next header (22) |
 *             +-------------------------+-------------------------------------------+
 *             A header is its block's handle and never moves. `next` leads through used blocks and holes in
 *             address order; a block ends where the next begins. Bytes too few for a hole (8, or the alignment)
 *             stay with the block below. A hole keeps {next, previous} of its list in its own bytes. There are
 *             floor(log2(arena)) + 1 lists, of holes of 2^k to 2^(k+1) - 1 bytes.
 *
 * Statics     root header, last, top, bottom, spare headers, bytes in holes, where compaction stopped, arena's
 *             origin and end, fullness: 44 bytes; with generations the last old block and a count: 52.
 *
 * Cost        allocate O(1) from the gap, else O(lists) or O(holes in the request's own list); free O(1), with
 *             mergeAtFree O(blocks below); compact O(blocks + bytes moved), which needs no sorting as the chain
 *             is in order already, and O(1) between two steps with a budget.
 *
 * Use it      where RAM is short and contents are touched in few places that can lock and unlock.
 * Not when    pointers into blocks are kept everywhere, or a request must never wait for a compaction.
 *
 * Source      Notes of 2008 and 2011 and the thesis that followed; written from their description.
 * Deviations  Word aligned. The size is not stored but follows from the next header's address, so that 8 bytes
 *             are enough where the original had 17. It sorted its headers when it compacted; here they are
 *             chained in order. Where no header is left for the rest of a hole and no compaction helps, the block
 *             keeps the rest instead of failing. Locks are counted. Use of a freed handle is a fault.
 */

import * as v from 'valibot';
import type { Memory } from '../../mcu/memory.js';
import { defineHandleHeap, flag, wholeNumber } from '../definition.js';
import { alignUp, endlessList } from '../freertos/request.js';
import {
  type Compaction,
  type CompactionBudget,
  type CompactionTrigger,
  type HandleHeap,
  type Relocation,
  UNLIMITED,
} from '../handle-heap.js';
import { addLock, assertUsed, removeLock } from '../handle-locks.js';
import { HeapCall, type HeapLayout, type HeapView, NULL, NULL_CALL, type PieceVisitor } from '../heap.js';
import {
  Blocks,
  baseFor,
  blockStaticBytes,
  FULLNESS,
  HEADER_BYTES,
  LINK_BYTES,
  listOf,
  MAXIMUM_AGE,
  NONE,
} from './blocks.js';
import { checkBlocks } from './check.js';
import { CompactionPass } from './compaction.js';
import { Fullness } from './fullness.js';
import { relocationOptions, YOUNG_PASSES_PER_FULL } from './options.js';
import { ArenaPlace, placeOverheadBytes, placeStaticBytes } from './place.js';

/** The cost model's words, in the order of their bits. */
const ALLOCATE_WORDS = ['gap', 'hole', 'split', 'compacted'] as const;
const GAP = 1;
const HOLE = 2;
const SPLIT = 4;
const COMPACTED = 8;
const FREE_WORDS = ['merged'] as const;
const MERGED = 1;

const options = v.strictObject({
  ...relocationOptions(true),
  // It pays where lifetimes are of two kinds and costs where they are of one: docs/compaction.md has the figures.
  generations: flag('keep old blocks at the bottom and compact the young end first', false),
  promoteAfter: wholeNumber('with generations: compactions survived by an old block', [1, MAXIMUM_AGE], 2),
});
export type RmallocOptions = v.InferOutput<typeof options>;

export class Rmalloc implements HandleHeap, HeapView {
  readonly heap = this;
  readonly lastCall = new HeapCall();
  readonly relocation: Relocation = { watcher: undefined, client: undefined };
  private readonly place: ArenaPlace;
  private readonly blocks: Blocks;
  private readonly fullness: Fullness;
  private readonly alignment: number;

  constructor(
    private readonly memory: Memory,
    layout: HeapLayout,
    private readonly options: RmallocOptions,
  ) {
    const { generations } = options;
    this.alignment = layout.alignment;
    this.place = new ArenaPlace(memory, layout, options, blockStaticBytes(generations));
    const { origin, end, bytes } = this.place;
    this.blocks = new Blocks(memory, layout.statics, origin, end, layout.alignment, generations);
    this.fullness = new Fullness(memory, layout.statics + FULLNESS, options, this.relocation, bytes);
  }

  // --- requests -----------------------------------------------------------------------------------------

  allocate(bytes: number): number {
    this.lastCall.begin();
    if (bytes === 0 || bytes > this.place.bytes) return NULL;
    const wanted = Math.max(alignUp(bytes, this.alignment), LINK_BYTES);
    if (this.fullness.watched) this.watchFullness();
    const { compactOnFailure } = this.options;
    const block = this.take(wanted, !compactOnFailure);
    return block === NONE && compactOnFailure ? this.takeAfterCompaction(wanted) : block;
  }

  /** `mayPad`: whether a block may keep the rest of a hole for want of a header. */
  private take(wanted: number, mayPad: boolean): number {
    const block = this.takeFromGap(wanted);
    if (block !== NONE || !this.options.reuse) return block;
    return this.takeFromHole(wanted, mayPad);
  }

  private takeFromGap(wanted: number): number {
    const { blocks } = this;
    const block = blocks.takeHeader(wanted);
    if (block === NONE) return NONE;
    this.lastCall.path |= GAP;
    const { top, last } = blocks;
    blocks.makeUsed(block, top, NONE);
    blocks.setNext(last, block);
    blocks.last = block;
    blocks.top = top + wanted;
    return block;
  }

  private takeFromHole(wanted: number, mayPad: boolean): number {
    const { blocks, lastCall: call } = this;
    const hole = this.findHole(wanted);
    if (hole === NONE) return NONE;
    const address = blocks.addressOf(hole);
    const bytes = blocks.endOf(hole) - address;
    const splits = bytes - wanted >= blocks.minimumBytes;
    const rest = splits ? blocks.takeHeader(0) : NONE;
    if (splits && rest === NONE && !mayPad) return NONE;

    call.path |= HOLE;
    blocks.unlist(hole, bytes);
    if (rest !== NONE) {
      call.path |= SPLIT;
      blocks.makeHole(rest, address + wanted, blocks.nextOf(hole));
      blocks.insertAfter(hole, rest);
      blocks.list(rest, bytes - wanted);
    }
    blocks.holeBytes -= rest === NONE ? bytes : wanted;
    blocks.makeUsed(hole, address, blocks.nextOf(hole));
    return hole;
  }

  /** Every hole of a list above the request's own is large enough. */
  private findHole(wanted: number): number {
    const { blocks, lastCall: call } = this;
    const own = listOf(wanted);
    for (let list = own + 1; list <= blocks.lastList; list++) {
      const head = blocks.listHead(list);
      call.searchSteps++;
      if (head !== NONE) return head;
    }
    let steps = blocks.maximumHeaders;
    let hole = own > blocks.lastList ? NONE : blocks.listHead(own);
    while (hole !== NONE && blocks.endOf(hole) - blocks.addressOf(hole) < wanted) {
      hole = blocks.nextInList(hole);
      call.searchSteps++;
      if (--steps < 0) throw endlessList(hole);
    }
    return hole;
  }

  /** With generations the young end first. */
  private takeAfterCompaction(wanted: number): number {
    const { blocks } = this;
    this.lastCall.path |= COMPACTED;
    if (this.options.generations && blocks.old !== blocks.root) {
      this.compactFrom(blocks.old, 'failure', UNLIMITED);
      const block = this.take(wanted, false);
      if (block !== NONE) return block;
    }
    this.compactFrom(blocks.root, 'failure', UNLIMITED);
    return this.take(wanted, true);
  }

  free(handle: number): void {
    const { blocks, lastCall: call } = this;
    call.begin();
    if (handle === NULL) {
      call.path = NULL_CALL;
      return;
    }
    assertUsed(this.blocks, handle);
    const address = blocks.addressOf(handle);
    const bytes = blocks.endOf(handle) - address;
    blocks.makeHole(handle, address, blocks.nextOf(handle));
    blocks.holeBytes += bytes;
    if (this.options.mergeAtFree) this.merge(handle);
    else this.listHole(handle, address, bytes);
  }

  /** A hole among the old blocks is left to compaction: what is new shall not live there. */
  private listHole(hole: number, address: number, bytes: number): void {
    const { blocks } = this;
    const { old } = blocks;
    if (old === blocks.root || address > blocks.addressOf(old)) blocks.list(hole, bytes);
  }

  /** Joins a hole with those that touch it, and with the gap. */
  private merge(freed: number): void {
    const { blocks } = this;
    const below = blocks.before(freed);
    const above = blocks.nextOf(freed);
    if (above !== NONE && !blocks.isUsed(above)) this.join(freed, above);
    if (below !== blocks.root && !blocks.isUsed(below)) {
      blocks.unlist(below, blocks.addressOf(freed) - blocks.addressOf(below));
      this.join(below, freed);
      this.placeMerged(below, blocks.before(below));
    } else this.placeMerged(freed, below);
  }

  private join(hole: number, above: number): void {
    const { blocks } = this;
    this.lastCall.path |= MERGED;
    blocks.unlist(above, blocks.endOf(above) - blocks.addressOf(above));
    blocks.removeAfter(hole, above);
    blocks.giveHeader(above);
  }

  private placeMerged(hole: number, below: number): void {
    const { blocks } = this;
    const address = blocks.addressOf(hole);
    const bytes = blocks.endOf(hole) - address;
    if (blocks.last !== hole) return this.listHole(hole, address, bytes);
    this.lastCall.path |= MERGED;
    blocks.removeAfter(below, hole);
    blocks.giveHeader(hole);
    blocks.top = address;
    blocks.holeBytes -= bytes;
  }

  // --- locks --------------------------------------------------------------------------------------------

  lock(handle: number): number {
    assertUsed(this.blocks, handle);
    addLock(this.blocks, handle);
    return this.blocks.addressOf(handle);
  }

  unlock(handle: number): void {
    assertUsed(this.blocks, handle);
    removeLock(this.blocks, handle);
  }

  // --- compaction ---------------------------------------------------------------------------------------

  compact(budget: CompactionBudget): Compaction {
    const { resume, root } = this.blocks;
    if (budget === UNLIMITED) return this.compactFrom(root, 'call', budget);
    return this.compactFrom(resume === root ? this.startOfPass() : resume, 'call', budget);
  }

  /** With generations the young end often, the old one rarely. */
  private startOfPass(): number {
    const { blocks } = this;
    if (!this.options.generations) return blocks.root;
    if (blocks.youngPasses < YOUNG_PASSES_PER_FULL) return blocks.old;
    blocks.youngPasses = 0;
    return blocks.root;
  }

  private watchFullness(): void {
    const { blocks } = this;
    const due = this.fullness.due(blocks.bottom - blocks.top);
    if (due !== undefined) this.compactFrom(this.startOfPass(), due, UNLIMITED);
  }

  private compactFrom(from: number, trigger: CompactionTrigger, budget: CompactionBudget): Compaction {
    const { blocks, relocation, options: chosen } = this;
    relocation.watcher?.began();
    const compaction = new CompactionPass(this.memory, blocks, budget, from, chosen.generations).run(trigger);
    if (compaction.finished) {
      this.fullness.compacted();
      if (chosen.generations) this.promote();
    }
    relocation.watcher?.ended(compaction);
    return compaction;
  }

  /** The old generation grows by the blocks above it that have survived often enough. */
  private promote(): void {
    const { blocks } = this;
    blocks.youngPasses++;
    for (let block = blocks.nextOf(blocks.old); block !== NONE; block = blocks.nextOf(block)) {
      if (!blocks.isUsed(block)) continue;
      if (blocks.ageOf(block) < this.options.promoteAfter) return;
      blocks.old = block;
    }
  }

  // --- what it shows ------------------------------------------------------------------------------------

  freeBytes(): number {
    const { blocks } = this;
    return blocks.holeBytes + blocks.bottom - blocks.top;
  }

  /** With a header of its own, which is taken from the gap; often one is to spare. */
  blockBytesFor(bytes: number): number {
    return Math.max(alignUp(bytes, this.alignment), LINK_BYTES) + HEADER_BYTES;
  }

  largestBlockBytes(): number {
    return this.blocks.tableEnd - this.blocks.base;
  }

  walk(visit: PieceVisitor): void {
    this.place.walk(visit, () => this.walkArena(visit));
  }

  private walkArena(visit: PieceVisitor): void {
    const { blocks, place } = this;
    visit('bookkeeping', place.origin, blocks.base - place.origin, 0);
    for (let block = blocks.nextOf(blocks.root); block !== NONE; block = blocks.nextOf(block)) {
      const address = blocks.addressOf(block);
      const bytes = blocks.endOf(block) - address;
      if (!blocks.isUsed(block)) visit('hole', address, bytes, 0);
      else visit('used', address, bytes, address, block, blocks.locksOf(block));
    }
    const { top, bottom } = blocks;
    if (bottom > top) visit('hole', top, bottom - top, 0);
    if (place.end > bottom) visit('bookkeeping', bottom, place.end - bottom, 0);
  }

  check(): void {
    this.place.check();
    checkBlocks(this.memory, this.blocks);
  }
}

export const rmalloc = defineHandleHeap({
  name: 'rmalloc',
  origin: 'rmalloc, notes of 2008 and 2011, second generation',
  facts: {
    policy: 'bump, then holes by power of two; compacts when nothing is left; headers apart from payloads',
    block: 'header of 8 bytes in a table at the end of the arena; a list head per power of two',
    mallocCost:
      'O(1) from the gap, else O(lists) or O(holes of its size); O(blocks + bytes) when it compacts',
    freeCost: 'O(1); with mergeAtFree O(blocks below)',
    bound: 'while nothing is locked, the peak of live bytes and headers',
    useWhen: 'RAM is short and contents are touched in few places that can lock and unlock',
    notWhen: 'pointers into blocks are kept everywhere, or no request may wait for a compaction',
  },
  options,
  blockWords: () => ({ hole: ['next', 'previous'], behind: 'table of headers' }),
  pathWords: { malloc: ALLOCATE_WORDS, free: FREE_WORDS },
  coalesces: false,
  mayPassOverAHole: true,
  regions: 'one',
  staticBytes: (chosen) => placeStaticBytes(blockStaticBytes(chosen.generations), chosen),
  minimumArenaBytes: (alignment, chosen) => {
    const overhead = placeOverheadBytes(alignment, chosen);
    return overhead + baseFor(0, 256, alignment) + 2 * alignment + 2 * HEADER_BYTES;
  },
  takesAllRam: ({ init }) => init === 'ram',
  createHandles: (memory, layout, chosen) => new Rmalloc(memory, layout, chosen),
});
