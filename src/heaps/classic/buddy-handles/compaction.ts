/**
 * One compaction of a buddy heap: chunks are emptied, each so that a hole of its size comes to be.
 *
 *     wanted: 8     |a a . .|b . . .|c c c c|. d . .|     the right half has 5 in use, the left one 3: it is
 *     close left    |a a x x|b x x x|c c c c|. d . .|     closed, so that nothing is moved to where it comes from
 *     move b        |a a x x|x x x x|c c c c|b d . .|     and emptied, the largest blocks first. Where one finds
 *     move a a      |x x x x|x x x x|c c c c|b d a a|     no hole, a chunk of its size is emptied before,
 *     open          |. . . . . . . .|c c c c|b d a a|     in the same way, with smaller blocks
 *
 * Whether that can be done is known before anything moves. Call a chunk open to an order if it has nothing fixed
 * in it and no block of that order or a larger one. Moving blocks about does not change how many chunks of a
 * size are open, for a block takes the place of as many as it leaves. So a chunk of order k can be emptied only
 * if of every order i up to k there are 2^(k-i) open chunks; and if there are, then whichever is emptied, for
 * what must leave it there are as many open chunks outside as it needs.
 */

import { highestBit } from '../../bits.js';
import type { Compaction, CompactionBudget, CompactionTrigger } from '../../handle-heap.js';
import { NULL } from '../../heap.js';
import { ORDER, USED } from '../buddy-blocks.js';
import type { HandlePages } from './handle-pages.js';
import { FIXED, type MovableBlocks, NONE, OLD } from './movable-blocks.js';

export class BuddyCompaction {
  private bytesMoved = 0;
  private blocksMoved = 0;
  private blocksInTheWay = 0;
  /** Marks of blocks that must stay. */
  private immovable = FIXED;
  /** Holes of this order and larger ones are not to be filled. */
  private limit = 0;
  /** While many chunks are emptied, blocks lead to their handles and the lists of orders from the limit on wait. */
  private isTurned = false;
  /** For each order, how much the chunks have in use at least, and below which one there are such with no more. */
  private readonly least: number[] = [];
  private readonly below: number[] = [];

  constructor(
    private readonly blocks: MovableBlocks,
    private readonly handles: HandlePages,
    private readonly budget: CompactionBudget,
  ) {}

  outcome(trigger: CompactionTrigger, finished: boolean): Compaction {
    const { bytesMoved, blocksMoved, blocksInTheWay } = this;
    return { trigger, bytesMoved, blocksMoved, blocksInTheWay, finished };
  }

  /** Leaves the old blocks where they are from now on, or no longer. */
  spareOld(spares: boolean): void {
    this.immovable = spares ? FIXED | OLD : FIXED;
  }

  // --- what is wanted ------------------------------------------------------------------------------------

  /** Whether a hole of `order`, of which there is none, can be made. */
  canMake(order: number): boolean {
    return this.makeable(order) > 0;
  }

  /** A hole of `order`, of which there is none. */
  make(order: number): boolean {
    this.limit = order;
    return this.empty(order);
  }

  /** As many and as large holes as can be, the largest first. False when the budget is spent. */
  defragment(): boolean {
    const finished = this.makeAll();
    if (this.isTurned) {
      this.handles.turnBack();
      this.blocks.relist();
    }
    return finished;
  }

  private makeAll(): boolean {
    const { blocks } = this;
    for (let order = blocks.highestOrder; order > 0; order--) {
      this.limit = order;
      for (let left = this.makeable(order); left > 0; left--) {
        if (this.blocksMoved > 0 && !this.budget.allows(0)) return false;
        if (!this.isTurned) this.handles.turn();
        this.isTurned = true;
        if (!this.empty(order)) return false;
      }
    }
    return true;
  }

  /** Counts the locked blocks that share a chunk of `order`, or a top block smaller than that, with a hole. */
  countLocked(order: number): void {
    const { count } = this.blocks;
    for (let chunk = 0; chunk < count; ) {
      const size = Math.min(order, highestBit(count - chunk));
      this.blocksInTheWay += this.lockedIn(chunk, size);
      chunk += 1 << size;
    }
  }

  private lockedIn(chunk: number, order: number): number {
    const { blocks } = this;
    let locked = 0;
    let hasHole = false;
    for (let index = chunk; index < chunk + (1 << order); ) {
      const entry = blocks.entry(index);
      const size = (entry & ORDER) - 1;
      // In the middle of a larger block.
      if (size < 0) return 0;
      if ((entry & USED) !== 0 && (entry & FIXED) !== 0) locked++;
      hasHole ||= (entry & ~ORDER) === 0;
      index += 1 << size;
    }
    return hasHole ? locked : 0;
  }

  // --- which chunks --------------------------------------------------------------------------------------

  /**
   * How many more holes of `order` can be made while those of this size and above remain: as often as all open
   * chunks of each size allow. Two counters per order are all that it needs besides the table.
   */
  private makeable(order: number): number {
    const { blocks } = this;
    const open = Array.from({ length: order + 1 }, (_, size) => blocks.count >>> size);
    const lastClosed = open.map(() => NONE);
    for (let index = 0; index < blocks.count; ) {
      const entry = blocks.entry(index);
      const size = (entry & ORDER) - 1;
      const isFixed = (entry & this.immovable) !== 0;
      const isTaken = isFixed || (entry & USED) !== 0 || size >= order;
      for (let within = 0; isTaken && within <= order; within++) {
        if (within <= size) open[within]! -= 1 << (size - within);
        else if (isFixed && lastClosed[within] !== index >>> within) {
          lastClosed[within] = index >>> within;
          // The last chunk may be cut off by the arena's end, and is not counted then.
          if (((index >>> within) + 1) << within <= blocks.count) open[within]!--;
        }
      }
      index += 1 << size;
    }
    return open.reduce((least, chunks, size) => Math.min(least, chunks >>> (order - size)), Infinity);
  }

  /**
   * The chunk of `order` with least in use, the highest of several; {@link NONE} if none can be emptied. By the time
   * it is asked for, there are no holes left in which blocks could make a chunk out of nothing, so that from now on
   * chunks only fill up or are emptied whole. So those that have least are found from the top down, one after the
   * other, and only when there are no more is it asked how much the least is now.
   */
  private leastOccupied(order: number): number {
    const least = this.least[order] ?? 0;
    let chunk = this.below[order] ?? 0;
    while (--chunk >= 0 && this.occupied(chunk << order, order, least + 1) !== least);
    if (chunk < 0) chunk = this.nextLeast(order, least);
    this.below[order] = chunk;
    return chunk === NONE ? NONE : chunk << order;
  }

  /** The highest of the chunks with least in use, where all have more than `floor`. */
  private nextLeast(order: number, floor: number): number {
    let best = NONE;
    let least = 2 ** order + 1;
    for (let chunk = (this.blocks.count >>> order) - 1; chunk >= 0 && least > floor + 1; chunk--) {
      const occupied = this.occupied(chunk << order, order, least);
      if (occupied >= least) continue;
      best = chunk;
      least = occupied;
    }
    this.least[order] = least;
    return best;
  }

  /** Smallest blocks in use in a chunk, or `enough` where it cannot be emptied or has at least that many. */
  private occupied(chunk: number, order: number, enough: number): number {
    const { blocks } = this;
    let occupied = 0;
    for (let index = chunk; index < chunk + (1 << order) && occupied < enough; ) {
      const entry = blocks.entry(index);
      const size = (entry & ORDER) - 1;
      if (size < 0 || size >= order || (entry & this.immovable) !== 0) return enough;
      if ((entry & USED) !== 0) occupied += 1 << size;
      index += 1 << size;
    }
    return Math.min(occupied, enough);
  }

  // --- emptying ------------------------------------------------------------------------------------------

  /** False when the budget is spent: then what has left the chunk stays where it is now. */
  private empty(order: number): boolean {
    const { blocks } = this;
    const chunk = this.leastOccupied(order);
    if (chunk === NONE) return false;
    blocks.close(chunk, order);
    let isEmpty = true;
    const orders = blocks.ordersUsed(chunk, order);
    for (let size = order - 1; isEmpty && size >= 0; size--) {
      if ((orders & (1 << size)) !== 0) isEmpty = this.moveOut(chunk, order, size);
    }
    if (isEmpty && this.isTurned && order === this.limit) blocks.openEmpty(chunk, order);
    else blocks.open(chunk, order);
    return isEmpty;
  }

  /** Moves the chunk's blocks of order `size` out. */
  private moveOut(chunk: number, order: number, size: number): boolean {
    const { blocks, handles } = this;
    if (this.isTurned)
      return blocks.eachUsed(chunk, order, size, (index) => this.moveAway(NULL, index, size));
    return handles.eachLive((handle, index) => {
      const isMeant = index >>> order === chunk >>> order && blocks.orderAt(index) === size;
      return !isMeant || this.moveAway(handle, index, size);
    });
  }

  /** `handle` is NULL where blocks lead to theirs. */
  private moveAway(handle: number, index: number, size: number): boolean {
    const { blocks } = this;
    if (!blocks.hasHole(size, this.limit) && !this.empty(size)) return false;
    const to = this.moveAllowed(size) ? this.takePlace(index, size) : NONE;
    if (to === NONE) return false;
    this.move(handle, index, to, size);
    blocks.reserve(index);
    return true;
  }

  private moveAllowed(order: number): boolean {
    return this.budget.allows(this.blocks.bytesOf(order));
  }

  /** Old blocks belong at the arena's front, young ones where the lists begin. */
  private takePlace(index: number, order: number): number {
    const { blocks, limit } = this;
    return blocks.has(index, OLD) ? blocks.takeLowest(order, limit) : blocks.take(order, limit);
  }

  private move(handle: number, from: number, to: number, order: number): void {
    this.blocks.copy(from, to, order);
    if (handle !== NULL) this.handles.moveTo(handle, to);
    this.bytesMoved += this.blocks.bytesOf(order);
    this.blocksMoved++;
  }

  // --- generations ---------------------------------------------------------------------------------------

  /** Takes unlocked blocks that have survived often enough to the arena's front, and makes them old. */
  promote(age: number): void {
    const { blocks, handles } = this;
    handles.eachLive((handle, index) => {
      if (blocks.has(index, FIXED | OLD) || handles.ageOf(handle) < age) return true;
      const order = blocks.orderAt(index);
      const to = blocks.takeBelow(index, order);
      if (to === NONE) {
        blocks.mark(index, OLD);
        return true;
      }
      if (!this.moveAllowed(order)) {
        blocks.give(to, order);
        return false;
      }
      this.move(handle, index, to, order);
      blocks.give(index, order);
      blocks.mark(to, OLD);
      return true;
    });
  }

  /** Every unlocked block has survived one more. */
  age(): void {
    const { blocks, handles } = this;
    handles.eachLive((handle, index) => {
      if (!blocks.has(index, FIXED | OLD)) handles.grow(handle);
      return true;
    });
  }
}
