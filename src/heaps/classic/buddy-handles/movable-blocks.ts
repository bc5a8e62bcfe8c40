/**
 * Buddies that can change places. Two more bits of a table byte say what must stay where it is, and a chunk (an
 * aligned stretch as large as a block could be) can be closed while it is emptied: then its holes are in no list,
 * so that nothing is put into it, and its blocks count as fixed, so that no smaller chunk in it is emptied.
 *
 *     bits 7 to 5   0   hole            USED           block                 FIXED         handles, or a hole
 *                                       USED | FIXED   locked block                        of a closed chunk
 *                                       USED | OLD     block of the old generation
 */

import type { Memory, Region } from '../../../mcu/memory.js';
import { lowestBit, withoutLowest } from '../../bits.js';
import { endlessList } from '../../freertos/request.js';
import { type HeapCall, NULL } from '../../heap.js';
import { BuddyBlocks, ORDER, USED } from '../buddy-blocks.js';
import { buddyOf } from '../buddy-orders.js';

export const FIXED = 0x40;
export const OLD = 0x20;

/** No block, no chunk. */
export const NONE = -1;

export class MovableBlocks extends BuddyBlocks {
  constructor(
    memory: Memory,
    region: Region,
    unitBytes: number,
    alignment: number,
    bitmap: number,
    call: HeapCall,
    generations: boolean,
  ) {
    const pick = generations ? 'highest' : 'lowest';
    super(memory, region, unitBytes, alignment, bitmap, pick, call, USED | FIXED | (generations ? OLD : 0));
  }

  /** Of the block or hole that begins at `index`. */
  orderAt(index: number): number {
    return (this.entry(index) & ORDER) - 1;
  }

  has(index: number, mark: number): boolean {
    return (this.entry(index) & mark) !== 0;
  }

  mark(index: number, mark: number): void {
    this.memory.storeByte(this.table + index, this.entry(index) | mark);
  }

  unmark(index: number, mark: number): void {
    this.memory.storeByte(this.table + index, this.entry(index) & ~mark);
  }

  /** Turns a block in use into one that is not for the caller. */
  reserve(index: number): void {
    this.memory.storeByte(this.table + index, (this.entry(index) & ORDER) | FIXED);
  }

  // --- holes at the ends of the arena --------------------------------------------------------------------

  hasHole(order: number, limit: number): boolean {
    return this.ordersWithHoles(order, limit) !== 0;
  }

  /** A block out of the highest hole of all that are large enough, its upper end. */
  takeHighest(order: number): number {
    return this.takeAtEnd(order, this.highestOrder + 1, true);
  }

  /** A block out of the lowest hole of all that are large enough, if it lies below `index`. */
  takeBelow(index: number, order: number): number {
    return this.takeAtEnd(order, this.highestOrder + 1, false, index);
  }

  /** The lowest of the smallest holes that are large enough. */
  takeLowest(order: number, limit: number): number {
    const orders = this.ordersWithHoles(order, limit);
    return orders === 0 ? NONE : this.takeAtEnd(order, lowestBit(orders) + 1, false);
  }

  private takeAtEnd(order: number, limit: number, isUpperEnd: boolean, ceiling = this.count): number {
    let best = NONE;
    let from = NONE;
    for (let orders = this.ordersWithHoles(order, limit); orders !== 0; orders = withoutLowest(orders)) {
      const candidate = lowestBit(orders);
      const hole = this.indexAt(this.endOfList(candidate, isUpperEnd));
      if (best !== NONE && hole > best !== isUpperEnd) continue;
      best = hole;
      from = candidate;
    }
    return best === NONE || best >= ceiling ? NONE : this.carve(best, from, order, isUpperEnd);
  }

  private endOfList(order: number, highest: boolean): number {
    let hole = this.head(order);
    if (highest === this.isDescending) return hole;
    let steps = this.count;
    for (let next = this.nextHole(hole); next !== NULL; next = this.nextHole(next)) {
      hole = next;
      if (--steps < 0) throw endlessList(next);
    }
    return hole;
  }

  // --- chunks --------------------------------------------------------------------------------------------

  /** Takes a chunk's holes out of their lists and fixes its blocks. */
  close(chunk: number, order: number): void {
    for (let index = chunk; index < chunk + (1 << order); index += 1 << this.orderAt(index)) {
      if (!this.has(index, USED)) this.unlink(index, this.orderAt(index));
      this.mark(index, FIXED);
    }
  }

  /** The other way round: holes that became buddies are merged. */
  open(chunk: number, order: number): void {
    const end = chunk + (1 << order);
    for (let index = chunk; index < end; ) {
      const size = this.orderAt(index);
      if (this.has(index, USED)) this.unmark(index, FIXED);
      else this.give(index, size);
      index += 1 << size;
    }
  }

  /** A chunk with nothing in it becomes a hole, which is in no list before {@link relist}. */
  openEmpty(chunk: number, order: number): void {
    for (let index = chunk; index < chunk + (1 << order); ) {
      const size = this.orderAt(index);
      this.memory.storeByte(this.table + index, 0);
      index += 1 << size;
    }
    let hole = chunk;
    let size = order;
    for (; this.isHole(buddyOf(hole, size), size); size++) hole = this.joinBuddy(hole, size);
    this.memory.storeByte(this.table + hole, size + 1);
  }

  /** Visits the blocks of `size` in a chunk until there is one for which `visit` says false; then that. */
  eachUsed(chunk: number, order: number, size: number, visit: (index: number) => boolean): boolean {
    const end = chunk + (1 << order);
    for (let index = chunk; index < end; ) {
      const entry = this.entry(index);
      const found = (entry & ORDER) - 1;
      if (found === size && (entry & USED) !== 0 && !visit(index)) return false;
      index += 1 << found;
    }
    return true;
  }

  /** Copies the block at `from` to the one just taken at `to`, with its age group. */
  copy(from: number, to: number, order: number): void {
    this.memory.copy(this.addressOf(to), this.addressOf(from), this.bytesOf(order));
    if (this.has(from, OLD)) this.mark(to, OLD);
  }

  /** A bit for every order of which there is a block in a chunk. */
  ordersUsed(chunk: number, order: number): number {
    let orders = 0;
    for (let index = chunk; index < chunk + (1 << order); index += 1 << this.orderAt(index)) {
      if (this.has(index, USED)) orders |= 1 << this.orderAt(index);
    }
    return orders;
  }
}
