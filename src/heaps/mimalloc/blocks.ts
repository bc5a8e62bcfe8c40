/**
 * The blocks of a small page and their three lists: `free`, from which only malloc takes; `localFree`, onto which
 * only the page's owner frees; `threadFree`, onto which everybody else does. No list is ever walked: they change
 * places whole.
 */

import type { Memory } from '../../mcu/memory.js';
import type { HeapCall } from '../heap.js';
import {
  BIN,
  CAPACITY,
  COUNT_SHIFT,
  EXTENSION_BLOCKS,
  FLAGS,
  FREE,
  HEAD_MASK,
  HEAD_SHIFT,
  LOCAL_FREE,
  NONE,
  RESERVED,
  THREAD_FREE,
  USED,
} from './layout.js';
import type { PageTable } from './page-table.js';
import { EXTEND } from './paths.js';
import { blockNumber } from './sizes.js';

/** What a word of threadFree says. */
export function threadHead(word: number): number {
  return (word & HEAD_MASK) >>> HEAD_SHIFT;
}

export function threadCount(word: number): number {
  return word >>> COUNT_SHIFT;
}

/** `count` blocks, of which the first is `block`. */
export function threadWord(count: number, block: number, flags: number): number {
  return (count << COUNT_SHIFT) | (block << HEAD_SHIFT) | flags;
}

/** Blocks that a page which has made `capacity` of `reserved` blocks makes at the next opportunity. */
export function extensionOf(capacity: number, reserved: number): number {
  return Math.min(EXTENSION_BLOCKS, reserved - capacity);
}

export class Blocks {
  constructor(
    private readonly memory: Memory,
    private readonly pages: PageTable,
    private readonly call: HeapCall,
  ) {}

  /** Bytes of a block of the page with this entry. */
  bytesIn(entry: number): number {
    const { plan } = this.pages;
    return plan.units[this.memory.loadByte(entry + BIN)]! << plan.unitShift;
  }

  /** The number, from 1, of the block that an address in the page lies in. */
  numberOf(page: number, entry: number, address: number): number {
    const { plan } = this.pages;
    const offset = (address - this.pages.addressOf(page)) >>> plan.unitShift;
    return blockNumber(offset, plan.reciprocals[this.memory.loadByte(entry + BIN)]!) + 1;
  }

  addressOf(page: number, entry: number, block: number): number {
    return this.pages.addressOf(page) + (block - 1) * this.bytesIn(entry);
  }

  /** Counts a block as free. Costs the device nothing. */
  countFreed(entry: number): void {
    const { plan } = this.pages;
    const bytes = plan.units[this.memory.peekByte(entry + BIN)]! << plan.unitShift;
    this.pages.freeBytes += bytes;
  }

  /** The first block of `free`, or {@link NONE}. */
  pop(page: number, entry: number): number {
    const { memory, pages } = this;
    const block = memory.loadHalf(entry + FREE);
    if (block === NONE) return NONE;
    const bytes = this.bytesIn(entry);
    const address = pages.addressOf(page) + (block - 1) * bytes;
    memory.storeHalf(entry + FREE, memory.loadHalf(address));
    memory.storeHalf(entry + USED, memory.loadHalf(entry + USED) + 1);
    pages.freeBytes -= bytes;
    return address;
  }

  /** Onto localFree; how many blocks are in use then. */
  push(entry: number, address: number, block: number): number {
    const { memory } = this;
    memory.storeHalf(address, memory.loadHalf(entry + LOCAL_FREE));
    memory.storeHalf(entry + LOCAL_FREE, block);
    const used = memory.loadHalf(entry + USED) - 1;
    memory.storeHalf(entry + USED, used);
    return used;
  }

  /**
   * Makes of localFree and threadFree what can be made without walking them: an empty list takes over another. While
   * both have blocks threadFree waits. Returns how many blocks are in use.
   */
  collect(entry: number): number {
    const { memory } = this;
    if (memory.loadHalf(entry + FREE) === NONE) {
      const local = memory.loadHalf(entry + LOCAL_FREE);
      if (local !== NONE) {
        memory.storeHalf(entry + FREE, local);
        memory.storeHalf(entry + LOCAL_FREE, NONE);
      }
    }
    if (memory.loadWord(entry + THREAD_FREE) > FLAGS) this.collectThreadFree(entry);
    return memory.loadHalf(entry + USED);
  }

  private collectThreadFree(entry: number): void {
    const { memory } = this;
    const used = memory.loadHalf(entry + USED);
    const empties = threadCount(memory.loadWord(entry + THREAD_FREE)) === used;
    const list = [FREE, LOCAL_FREE].find((field) => memory.loadHalf(entry + field) === NONE);
    // Of a page that nobody uses any more no list is needed.
    if (list === undefined && !empties) return;
    const taken = this.takeThreadFree(entry);
    memory.storeHalf(entry + USED, used - threadCount(taken));
    if (list !== undefined) memory.storeHalf(entry + list, threadHead(taken));
  }

  /** All of threadFree at once; its flags stay. */
  private takeThreadFree(entry: number): number {
    const { memory } = this;
    for (;;) {
      const word = memory.loadWord(entry + THREAD_FREE);
      if (memory.compareAndSwap(entry + THREAD_FREE, word, word & FLAGS)) return word;
    }
  }

  /** More blocks at the end of a page whose `free` is empty, as long as there is room: they were never used. */
  extend(page: number, entry: number): void {
    const { memory, call } = this;
    const capacity = memory.loadHalf(entry + CAPACITY);
    const count = extensionOf(capacity, memory.loadHalf(entry + RESERVED));
    if (count === 0) return;
    call.path |= EXTEND;
    const bytes = this.bytesIn(entry);
    let address = this.addressOf(page, entry, capacity + 1);
    for (let block = capacity + 1; block <= capacity + count; block++, address += bytes) {
      memory.storeHalf(address, block === capacity + count ? NONE : block + 1);
      call.insertSteps++;
    }
    memory.storeHalf(entry + FREE, capacity + 1);
    memory.storeHalf(entry + CAPACITY, capacity + count);
  }
}
