/** The lists that a heap's small pages are in: one queue for each class, and one list of full pages for all. */

import type { Memory } from '../../mcu/memory.js';
import {
  BIN,
  FULL_PAGES,
  IN_FULL,
  LAST,
  NEXT,
  NONE,
  PREVIOUS,
  QUEUE_BYTES,
  QUEUES,
  STATE,
} from './layout.js';
import type { PageTable } from './page-table.js';

export class PageLists {
  constructor(
    private readonly memory: Memory,
    private readonly pages: PageTable,
  ) {}

  /** Where a heap has the first page of a class; the last one is 2 bytes behind. */
  queue(heap: number, bin: number): number {
    return heap + QUEUES + QUEUE_BYTES * (bin - 1);
  }

  isFull(entry: number): boolean {
    return (this.memory.loadByte(entry + STATE) & IN_FULL) !== 0;
  }

  /** Puts a page that is in no list in front of its class's queue. */
  linkFirst(heap: number, page: number): void {
    const { memory } = this;
    const entry = this.pages.entry(page);
    const queue = this.queue(heap, memory.loadByte(entry + BIN));
    const after = memory.loadHalf(queue);
    memory.storeHalf(entry + NEXT, after);
    memory.storeHalf(entry + PREVIOUS, NONE);
    memory.storeHalf(queue, page);
    memory.storeHalf(after === NONE ? queue + LAST : this.pages.entry(after) + PREVIOUS, page);
  }

  /** The same at the queue's end. */
  linkLast(heap: number, page: number): void {
    const { memory } = this;
    const entry = this.pages.entry(page);
    const queue = this.queue(heap, memory.loadByte(entry + BIN));
    const before = memory.loadHalf(queue + LAST);
    memory.storeHalf(entry + NEXT, NONE);
    memory.storeHalf(entry + PREVIOUS, before);
    memory.storeHalf(queue + LAST, page);
    memory.storeHalf(before === NONE ? queue : this.pages.entry(before) + NEXT, page);
  }

  /** Puts a page that is in no list into that of the full ones. */
  linkFull(heap: number, page: number): void {
    const { memory } = this;
    const entry = this.pages.entry(page);
    const after = memory.loadHalf(heap + FULL_PAGES);
    memory.storeHalf(entry + NEXT, after);
    memory.storeHalf(entry + PREVIOUS, NONE);
    memory.storeByte(entry + STATE, memory.loadByte(entry + STATE) | IN_FULL);
    memory.storeHalf(heap + FULL_PAGES, page);
    if (after !== NONE) memory.storeHalf(this.pages.entry(after) + PREVIOUS, page);
  }

  /** Takes a page out of whichever list it is in. */
  unlink(heap: number, page: number): void {
    const { memory } = this;
    const entry = this.pages.entry(page);
    const wasFull = this.isFull(entry);
    const queue = this.queue(heap, memory.loadByte(entry + BIN));
    const before = memory.loadHalf(entry + PREVIOUS);
    const after = memory.loadHalf(entry + NEXT);
    const first = wasFull ? heap + FULL_PAGES : queue;
    memory.storeHalf(before === NONE ? first : this.pages.entry(before) + NEXT, after);
    if (after !== NONE) memory.storeHalf(this.pages.entry(after) + PREVIOUS, before);
    else if (!wasFull) memory.storeHalf(queue + LAST, before);
    if (wasFull) memory.storeByte(entry + STATE, memory.loadByte(entry + STATE) & ~IN_FULL);
  }

  moveToFront(heap: number, page: number): void {
    if (this.memory.loadHalf(this.pages.entry(page) + PREVIOUS) === NONE) return;
    this.unlink(heap, page);
    this.linkFirst(heap, page);
  }

  isOnly(heap: number, page: number): boolean {
    const { memory } = this;
    const queue = this.queue(heap, memory.loadByte(this.pages.entry(page) + BIN));
    return memory.loadHalf(queue) === page && memory.loadHalf(queue + LAST) === page;
  }
}
