/** How a heap's small pages change hands: into use, full, free again, empty. What an owner does, never an interrupt. */

import type { Memory } from '../../mcu/memory.js';
import type { HeapCall } from '../heap.js';
import { type Blocks, threadCount } from './blocks.js';
import {
  BIN,
  CAPACITY,
  FLAGS,
  FREE,
  NO_DELAYED,
  NONE,
  OWNER,
  RESERVED,
  RETIRE_CYCLES,
  RETIRED_FROM,
  RETIRED_TO,
  SLOT,
  SMALL,
  SPAN,
  STATE,
  THREAD_FREE,
  USE_DELAYED,
  USED,
} from './layout.js';
import type { PageLists } from './page-lists.js';
import type { PageTable } from './page-table.js';

export class TaskPages {
  constructor(
    private readonly memory: Memory,
    private readonly pages: PageTable,
    private readonly blocks: Blocks,
    private readonly lists: PageLists,
    private readonly call: HeapCall,
  ) {}

  /** An unused page for the class, in front of its queue; {@link NONE} if there is none. */
  open(heap: number, bin: number): number {
    const page = this.pages.take();
    if (page === NONE) return NONE;
    const { memory } = this;
    const { plan } = this.pages;
    const entry = this.pages.entry(page);
    memory.storeWord(entry + THREAD_FREE, NO_DELAYED);
    memory.storeHalf(entry + RESERVED, Math.floor(plan.pageBytes / (plan.units[bin]! << plan.unitShift)));
    memory.storeByte(entry + BIN, bin);
    memory.storeByte(entry + STATE, SMALL);
    memory.storeHalf(entry + OWNER, memory.loadHalf(heap + SLOT));
    this.lists.linkFirst(heap, page);
    this.pages.freeBytes -= plan.rests[bin]!;
    this.blocks.extend(page, entry);
    return page;
  }

  /** Has a page that came to an end give what it can: what was freed, else blocks that were never used. */
  refill(page: number, entry: number): boolean {
    const { memory } = this;
    if (memory.loadHalf(entry + FREE) === NONE) this.blocks.collect(entry);
    if (memory.loadHalf(entry + FREE) === NONE) this.blocks.extend(page, entry);
    return memory.loadHalf(entry + FREE) !== NONE;
  }

  /** From the queue to the full pages; the next block freed elsewhere tells the heap. */
  toFull(heap: number, page: number, entry: number): void {
    this.lists.unlink(heap, page);
    this.putFull(heap, page, entry);
  }

  private putFull(heap: number, page: number, entry: number): void {
    this.lists.linkFull(heap, page);
    this.setFlags(entry, USE_DELAYED);
    // What came onto threadFree until the flag stood tells nobody.
    const used = this.blocks.collect(entry);
    if (this.memory.loadHalf(entry + FREE) !== NONE) this.settle(heap, page, entry, used);
  }

  /** A page of the class that is empty need not be kept for it any more. */
  private unfull(heap: number, page: number, entry: number): void {
    const { memory, lists } = this;
    this.setFlags(entry, NO_DELAYED);
    lists.unlink(heap, page);
    const first = memory.loadHalf(lists.queue(heap, memory.loadByte(entry + BIN)));
    if (first !== NONE && memory.loadHalf(this.pages.entry(first) + USED) === 0) this.close(heap, first);
    lists.linkFirst(heap, page);
  }

  private setFlags(entry: number, flags: number): void {
    const { memory } = this;
    for (;;) {
      const word = memory.loadWord(entry + THREAD_FREE);
      if (memory.compareAndSwap(entry + THREAD_FREE, word, (word & ~FLAGS) | flags)) return;
    }
  }

  /** A free by the page's owner, or on its behalf. */
  freeLocally(heap: number, page: number, address: number, block: number): void {
    const { memory } = this;
    const entry = this.pages.entry(page);
    const used = this.blocks.push(entry, address, block);
    if (used === 0) return this.retire(heap, page, entry);
    // What waits on threadFree is in use until it is collected: there may be nothing else left.
    const isLast = threadCount(memory.loadWord(entry + THREAD_FREE)) === used;
    this.settle(heap, page, entry, isLast ? this.blocks.collect(entry) : used);
  }

  /** Where a page belongs of which a block has come back. */
  private settle(heap: number, page: number, entry: number, used: number): void {
    if (used === 0) this.retire(heap, page, entry);
    else if (this.lists.isFull(entry)) this.unfull(heap, page, entry);
  }

  /** An empty page goes, unless it is the only one of its class: that is kept for a while. */
  private retire(heap: number, page: number, entry: number): void {
    if (this.lists.isFull(entry) || !this.lists.isOnly(heap, page)) return this.close(heap, page);
    const { memory } = this;
    const bin = memory.loadByte(entry + BIN);
    memory.storeHalf(entry + SPAN, RETIRE_CYCLES);
    if (bin < memory.loadByte(heap + RETIRED_FROM)) memory.storeByte(heap + RETIRED_FROM, bin);
    if (bin > memory.loadByte(heap + RETIRED_TO)) memory.storeByte(heap + RETIRED_TO, bin);
  }

  /** Gives an empty page back to the arena. */
  close(heap: number, page: number): void {
    this.lists.unlink(heap, page);
    this.pages.release(page);
  }

  /** Once for each generic call: what has been kept empty long enough goes. */
  ageRetired(heap: number): void {
    const { memory, call } = this;
    const to = memory.loadByte(heap + RETIRED_TO);
    const from = memory.loadByte(heap + RETIRED_FROM);
    if (from > to) return;
    let lowest = NOT_RETIRED;
    let highest = 0;
    for (let bin = from; bin <= to; bin++) {
      call.searchSteps++;
      if (!this.isKept(heap, bin)) continue;
      lowest = Math.min(lowest, bin);
      highest = bin;
    }
    memory.storeByte(heap + RETIRED_FROM, lowest);
    memory.storeByte(heap + RETIRED_TO, highest);
  }

  /** Whether the first page of the class is empty and stays so for now. */
  private isKept(heap: number, bin: number): boolean {
    const { memory } = this;
    const page = memory.loadHalf(this.lists.queue(heap, bin));
    if (page === NONE) return false;
    const entry = this.pages.entry(page);
    const cycles = memory.loadHalf(entry + SPAN);
    if (cycles === 0) return false;
    const isEmpty = memory.loadHalf(entry + USED) === 0;
    memory.storeHalf(entry + SPAN, isEmpty ? cycles - 1 : 0);
    if (isEmpty && cycles === 1) this.close(heap, page);
    return isEmpty && cycles > 1;
  }

  /** Gives back pages that are kept empty; looks at `limit` classes at most. Returns what is left of that. */
  closeRetired(heap: number, limit: number): number {
    const { memory, call } = this;
    const to = memory.loadByte(heap + RETIRED_TO);
    let bin = memory.loadByte(heap + RETIRED_FROM);
    if (bin > to) return limit;
    let left = limit;
    for (; bin <= to && left > 0; bin++, left--) {
      call.searchSteps++;
      const page = memory.loadHalf(this.lists.queue(heap, bin));
      if (page !== NONE && memory.loadHalf(this.pages.entry(page) + USED) === 0) this.close(heap, page);
    }
    memory.storeByte(heap + RETIRED_FROM, bin <= to ? bin : NOT_RETIRED);
    if (bin > to) memory.storeByte(heap + RETIRED_TO, 0);
    return left;
  }

  /** Gives back a page that nobody uses any more, if that is so. */
  closeEmptied(heap: number, page: number): void {
    if (this.blocks.collect(this.pages.entry(page)) === 0) this.close(heap, page);
  }

  /** Gives a page of a heap that is broken up to another one, if anything in it is live. */
  adopt(from: number, to: number, page: number): void {
    const { memory, lists } = this;
    const entry = this.pages.entry(page);
    lists.unlink(from, page);
    if (this.blocks.collect(entry) === 0) return this.pages.release(page);
    memory.storeHalf(entry + SPAN, 0);
    memory.storeHalf(entry + OWNER, memory.loadHalf(to + SLOT));
    if (!this.hasRoom(entry)) return this.putFull(to, page, entry);
    this.setFlags(entry, NO_DELAYED);
    lists.linkLast(to, page);
  }

  private hasRoom(entry: number): boolean {
    const { memory } = this;
    return (
      memory.loadHalf(entry + FREE) !== NONE ||
      memory.loadHalf(entry + CAPACITY) < memory.loadHalf(entry + RESERVED)
    );
  }
}

/** Above every class. */
export const NOT_RETIRED = 0xff;
