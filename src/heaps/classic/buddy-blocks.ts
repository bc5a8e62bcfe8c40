/**
 * Blocks of a binary buddy system, with all that is known of them outside of them: a table with a byte for
 * every smallest block, and list heads in front of it. A block is named by its index, counted in smallest
 * blocks; its size by its order, 2^order smallest blocks. Only holes are written to: their links.
 *
 *     | heads of the lists, a word per order | table, a byte per smallest block | padding | blocks ... |
 *
 * The arena need not be a power of two: it is as if cut into the powers of two that it is the sum of, largest
 * first. Each then lies at a multiple of its size, and what would be its buddy ends beyond the arena; so the
 * only rule is that a buddy must lie inside (Knuth 2.5, exercise 26).
 */

import type { Memory, Region } from '../../mcu/memory.js';
import { bitsFrom, highestBit, lowestBit, lowestBits } from '../bits.js';
import { alignUp, endlessList } from '../freertos/request.js';
import { Corruption, type HeapCall, NULL } from '../heap.js';
import { buddyOf, lowerOf, orderFor, upperOf } from './buddy-orders.js';

/** Bit of a table byte: the block that begins here is in use. */
export const USED = 0x80;
/** Its lower bits: the block's order + 1. The two between are for a heap that has a use for them. */
export const ORDER = 0x1f;

const NEXT = 0;
const PREVIOUS = 4;
const WORD_BYTES = 4;

/** Which of several holes a block is made from. */
export type Pick =
  /** The smallest that is large enough, of those the lowest. */
  | 'lowest'
  /** The smallest that is large enough, of those the one freed last. */
  | 'lifo'
  /** The lowest that is large enough. */
  | 'first'
  /** As lowest, from the other end: the highest, of which the block is the upper end. */
  | 'highest';

/** Told of every block that the table shows; `order` is its size, `marks` the other bits: none of a hole. */
export type BlockVisitor = (index: number, order: number, marks: number) => void;

export class BuddyBlocks {
  /** Of the smallest block; a power of two. */
  readonly unitBytes: number;
  /** How many smallest blocks there are. */
  readonly count: number;
  /** Address of the block with index 0. */
  readonly base: number;
  /** Of the largest block there can be. */
  readonly highestOrder: number;

  protected readonly table: number;
  protected readonly isDescending: boolean;
  private readonly heads: number;
  private readonly unitShift: number;
  private readonly isSorted: boolean;

  constructor(
    protected readonly memory: Memory,
    region: Region,
    unitBytes: number,
    alignment: number,
    /** Address of the word whose bit k is set while the list of order k is not empty. */
    private readonly bitmap: number,
    private readonly pick: Pick,
    private readonly call: HeapCall,
    /** Bits of a table byte that blocks may have set. */
    private readonly marks = USED,
  ) {
    this.unitBytes = unitBytes;
    this.unitShift = highestBit(unitBytes);
    this.isSorted = pick !== 'lifo';
    this.isDescending = pick === 'highest';
    this.heads = alignUp(region.origin, WORD_BYTES);
    const end = region.origin + region.bytes;
    // A table byte and its block for each; then fewer, until heads and padding fit in as well.
    let count = Math.floor(region.bytes / (unitBytes + 1));
    while (this.baseFor(count, alignment) + count * unitBytes > end) count--;
    this.count = count;
    this.highestOrder = orderWithin(count);
    this.table = this.heads + (this.highestOrder + 1) * WORD_BYTES;
    this.base = this.baseFor(count, alignment);
    this.initialise();
  }

  private baseFor(count: number, alignment: number): number {
    return alignUp(this.heads + (orderWithin(count) + 1) * WORD_BYTES + count, alignment);
  }

  private initialise(): void {
    const { memory, heads, highestOrder, count } = this;
    for (let order = 0; order <= highestOrder; order++) memory.storeWord(heads + order * WORD_BYTES, NULL);
    memory.fill(this.table, count, 0);
    memory.storeWord(this.bitmap, 0);
    let index = 0;
    for (let order = highestOrder; order >= 0; order--) {
      if ((count & (1 << order)) === 0) continue;
      this.file(index, order);
      index += 1 << order;
    }
  }

  // --- what a caller needs to know ----------------------------------------------------------------------

  /** The order of the smallest block with room for `bytes`, 1 to 2^32-1; may be more than the highest. */
  orderFor(bytes: number): number {
    return orderFor(bytes, this.unitShift);
  }

  /** Not limited to 32 bits. */
  bytesOf(order: number): number {
    return this.unitBytes * 2 ** order;
  }

  addressOf(index: number): number {
    return this.base + index * this.unitBytes;
  }

  /** -1 where no block can begin. */
  indexOf(address: number): number {
    const offset = address - this.base;
    if (offset < 0 || offset >= this.count * this.unitBytes || offset % this.unitBytes !== 0) return -1;
    return offset >>> this.unitShift;
  }

  /** What the table says of the block that begins at `index`: order + 1 and marks; 0 where none begins. */
  entry(index: number): number {
    return this.memory.loadByte(this.table + index);
  }

  // --- taking and giving --------------------------------------------------------------------------------

  /**
   * The index of a block that is now in use; -1 if no hole is large enough. Only holes of an order below `limit`
   * are taken. Counts splits as search steps.
   */
  take(order: number, limit = this.highestOrder + 1): number {
    const from = this.orderToTake(order, limit);
    if (from < 0) return -1;
    return this.carve(this.indexAt(this.head(from)), from, order, this.isDescending);
  }

  /** Makes one end of a hole a block in use, the rest of it smaller holes. */
  protected carve(hole: number, from: number, order: number, isUpperEnd: boolean): number {
    this.unlink(hole, from);
    let index = hole;
    for (let half = from - 1; half >= order; half--) {
      if (isUpperEnd) {
        this.file(index, half);
        index += 1 << half;
      } else this.file(index + (1 << half), half);
    }
    this.call.searchSteps = from - order;
    this.memory.storeByte(this.table + index, USED | (order + 1));
    return index;
  }

  /** Makes a block in use a hole, merged with its buddy as long as that is one. Returns how often it merged. */
  give(freed: number, freedOrder: number): number {
    let index = freed;
    let order = freedOrder;
    for (let buddy = buddyOf(index, order); this.isHole(buddy, order); buddy = buddyOf(index, order)) {
      this.unlink(buddy, order);
      index = this.joinBuddy(index, order);
      order++;
    }
    this.file(index, order);
    return order - freedOrder;
  }

  protected isHole(index: number, order: number): boolean {
    return index + (1 << order) <= this.count && this.entry(index) === order + 1;
  }

  /** Of the two the table shows the lower one only. Returns that. */
  protected joinBuddy(index: number, order: number): number {
    this.memory.storeByte(this.table + upperOf(index, order), 0);
    return lowerOf(index, order);
  }

  /** A bit for every order from `order` to below `limit` that has a hole. */
  protected ordersWithHoles(order: number, limit: number): number {
    if (order >= limit) return 0;
    return bitsFrom(this.memory.loadWord(this.bitmap) & lowestBits(limit), order);
  }

  /** The order whose first hole is to be used; -1 if there is none that is large enough. */
  private orderToTake(order: number, limit: number): number {
    let orders = this.ordersWithHoles(order, limit);
    if (orders === 0) return -1;
    let chosen = lowestBit(orders);
    if (this.pick !== 'first') return chosen;
    let lowest = this.head(chosen);
    for (orders &= orders - 1; orders !== 0; orders &= orders - 1) {
      const candidate = lowestBit(orders);
      const address = this.head(candidate);
      if (address >= lowest) continue;
      lowest = address;
      chosen = candidate;
    }
    return chosen;
  }

  // --- lists of holes -----------------------------------------------------------------------------------

  protected head(order: number): number {
    return this.memory.loadWord(this.heads + order * WORD_BYTES);
  }

  protected nextHole(hole: number): number {
    return this.memory.loadWord(hole + NEXT);
  }

  protected indexAt(address: number): number {
    return (address - this.base) >>> this.unitShift;
  }

  /** Enters a hole into the table and the list of its order. */
  private file(index: number, order: number): void {
    const { memory, count, isDescending } = this;
    memory.storeByte(this.table + index, order + 1);
    const hole = this.addressOf(index);
    let before = NULL;
    let after = this.head(order);
    if (this.isSorted) {
      let steps = 0;
      while (after !== NULL && after < hole !== isDescending) {
        before = after;
        after = memory.loadWord(before + NEXT);
        if (++steps > count) throw endlessList(after);
      }
      this.call.insertSteps += steps;
    }
    memory.storeWord(hole + NEXT, after);
    memory.storeWord(hole + PREVIOUS, before);
    if (after !== NULL) memory.storeWord(after + PREVIOUS, hole);
    if (before !== NULL) {
      memory.storeWord(before + NEXT, hole);
      return;
    }
    memory.storeWord(this.heads + order * WORD_BYTES, hole);
    if (after === NULL) memory.storeWord(this.bitmap, memory.loadWord(this.bitmap) | (1 << order));
  }

  protected unlink(index: number, order: number): void {
    const { memory } = this;
    const hole = this.addressOf(index);
    const after = memory.loadWord(hole + NEXT);
    const before = memory.loadWord(hole + PREVIOUS);
    if (after !== NULL) memory.storeWord(after + PREVIOUS, before);
    if (before !== NULL) {
      memory.storeWord(before + NEXT, after);
      return;
    }
    memory.storeWord(this.heads + order * WORD_BYTES, after);
    if (after === NULL) memory.storeWord(this.bitmap, memory.loadWord(this.bitmap) & ~(1 << order));
  }

  /** Makes all lists anew, in order of address, from what the table shows. */
  relist(): void {
    const { memory, heads, highestOrder, isDescending } = this;
    const ends = new Array<number>(highestOrder + 1).fill(NULL);
    for (let order = 0; order <= highestOrder; order++) memory.storeWord(heads + order * WORD_BYTES, NULL);
    let bits = 0;
    this.visit((index, order, marks) => {
      if (marks !== 0) return;
      const head = heads + order * WORD_BYTES;
      const hole = this.addressOf(index);
      const near = ends[order]!;
      memory.storeWord(hole + NEXT, isDescending ? near : NULL);
      memory.storeWord(hole + PREVIOUS, isDescending ? NULL : near);
      if (near !== NULL) memory.storeWord(near + (isDescending ? PREVIOUS : NEXT), hole);
      if (near === NULL || isDescending) memory.storeWord(head, hole);
      ends[order] = hole;
      bits |= 1 << order;
    });
    memory.storeWord(this.bitmap, bits);
  }

  // --- what a debugger sees -----------------------------------------------------------------------------

  /** @throws Corruption where the table shows no blocks that tile the arena */
  visit(visit: BlockVisitor): void {
    for (let index = 0; index < this.count; ) {
      const entry = this.entry(index);
      const order = (entry & ORDER) - 1;
      const marks = entry & ~ORDER;
      const blocks = 2 ** order;
      const isOne = order >= 0 && order <= this.highestOrder && (marks & ~this.marks) === 0;
      if (!isOne || index % blocks !== 0 || index + blocks > this.count) {
        throw new Corruption(`the table has ${entry} where a block begins`, this.table + index);
      }
      visit(index, order, marks);
      index += blocks;
    }
  }

  /** The table tiles the arena, no hole has its buddy free, lists and bitmap hold exactly the holes. */
  check(): void {
    const holes = new Map<number, number>();
    this.visit((index, order, marks) => {
      this.checkInside(index, order);
      if (marks === 0) holes.set(this.addressOf(index), order);
    });
    for (const [hole, order] of holes) {
      const buddy = this.addressOf(buddyOf(this.indexOf(hole), order));
      if (holes.get(buddy) === order) throw new Corruption('two buddies are free and were not merged', hole);
    }
    let listed = 0;
    let bits = 0;
    for (let order = 0; order <= this.highestOrder; order++) {
      const holesInList = this.checkList(order, holes);
      listed += holesInList;
      if (holesInList > 0) bits |= 1 << order;
    }
    if (listed !== holes.size) {
      throw new Corruption(`${holes.size - listed} of ${holes.size} holes are in no list`, this.heads);
    }
    if (this.memory.loadWord(this.bitmap) !== bits) {
      throw new Corruption('the bitmap is wrong about which lists are empty', this.bitmap);
    }
  }

  private checkInside(index: number, order: number): void {
    for (let inside = index + 1; inside < index + 2 ** order; inside++) {
      if (this.entry(inside) !== 0) {
        throw new Corruption('the table shows a block inside another', this.table + inside);
      }
    }
  }

  private checkList(order: number, holes: ReadonlyMap<number, number>): number {
    const { memory } = this;
    let listed = 0;
    let previous: number = NULL;
    for (let hole = this.head(order); hole !== NULL; hole = memory.loadWord(hole + NEXT)) {
      if (holes.get(hole) !== order)
        throw new Corruption('a list leads to what is no hole of its size', hole);
      if (memory.loadWord(hole + PREVIOUS) !== previous) {
        throw new Corruption('a list of holes does not lead back as it leads forth', hole);
      }
      if (this.isSorted && previous !== NULL && hole > previous === this.isDescending) {
        throw new Corruption('a list of holes must be in order of address', hole);
      }
      previous = hole;
      listed++;
    }
    return listed;
  }
}

/** Of the largest power of two that is not above `count`; 0 for 0. */
function orderWithin(count: number): number {
  return count === 0 ? 0 : highestBit(count);
}
