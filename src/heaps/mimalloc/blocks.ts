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
    return this.numberIn(page, this.memory.loadByte(entry + BIN), address);
  }

  /** The same of a block that is being freed, and counted as free from now on. */
  numberOfFreed(page: number, entry: number, address: number): number {
    const { memory, pages } = this;
    const { plan } = pages;
    const bin = memory.loadByte(entry + BIN);
    pages.freeBytes += plan.units[bin]! << plan.unitShift;
    return this.numberIn(page, bin, address);
  }

  private numberIn(page: number, bin: number, address: number): number {
    const { plan } = this.pages;
    const offset = (address - this.pages.addressOf(page)) >>> plan.unitShift;
    return blockNumber(offset, plan.reciprocals[bin]!) + 1;
  }

  addressOf(page: number, entry: number, block: number): number {
    return this.pages.addressOf(page) + (block - 1) * this.bytesIn(entry);
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
   * `free` and localFree have blocks threadFree waits. Returns how many blocks are in use.
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
    return this.collectThreadFree(entry);
  }

  /**
   * An interrupt that frees the last block in use meanwhile does not see that it is the last, as `used` is not up to date:
   * so one more look until nothing has come.
   */
  private collectThreadFree(entry: number): number {
    const { memory } = this;
    for (;;) {
      const count = threadCount(memory.loadWord(entry + THREAD_FREE));
      const used = memory.loadHalf(entry + USED);
      if (count === 0) return used;
      const list = this.emptyList(entry);
      if (list === undefined && count !== used) return used;
      const taken = this.takeThreadFree(entry);
      memory.storeHalf(entry + USED, used - threadCount(taken));
      if (list === undefined) this.beginAnew(entry);
      else memory.storeHalf(entry + list, threadHead(taken));
    }
  }

  /** Where another list can go. */
  private emptyList(entry: number): number | undefined {
    const { memory } = this;
    if (memory.loadHalf(entry + FREE) === NONE) return FREE;
    return memory.loadHalf(entry + LOCAL_FREE) === NONE ? LOCAL_FREE : undefined;
  }

  /** A page that nobody uses any more needs none of its lists. */
  private beginAnew(entry: number): void {
    const { memory } = this;
    memory.storeHalf(entry + FREE, NONE);
    memory.storeHalf(entry + LOCAL_FREE, NONE);
    memory.storeHalf(entry + CAPACITY, 0);
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
