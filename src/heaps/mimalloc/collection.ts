/** What comes back late: blocks that others freed, pages nobody uses, and all that deleted tasks left behind. */

import type { Memory } from '../../mcu/memory.js';
import type { HeapCall } from '../heap.js';
import type { Blocks } from './blocks.js';
import { ALL, CURSOR, NONE, OWNER, SMALL, SPAN_FIRST } from './layout.js';
import type { PageTable } from './page-table.js';
import type { TaskHeaps } from './task-heaps.js';
import type { TaskPages } from './task-pages.js';

export class Collection {
  /** `limit`: how many pages of a deleted task, and how many blocks that others freed, are dealt with at a time. */
  constructor(
    private readonly memory: Memory,
    private readonly pages: PageTable,
    private readonly blocks: Blocks,
    private readonly taskPages: TaskPages,
    private readonly heaps: TaskHeaps,
    private readonly call: HeapCall,
    private readonly limit: number,
  ) {}

  /** Frees what others put onto a heap's delayedFree, but no more than `limit` blocks. */
  takeBack(heap: number, limit: number): void {
    for (let taken = 0; taken < limit; taken++) {
      const address = this.heaps.takeDelayed(heap);
      if (address === NONE) return;
      this.call.searchSteps++;
      this.giveBack(address);
    }
  }

  /** Frees a block on behalf of its owner. */
  private giveBack(address: number): void {
    const { pages, blocks } = this;
    const page = pages.pageAt(address);
    const entry = pages.entry(page);
    if (pages.kindOf(entry) === SPAN_FIRST) pages.releaseSpan(page);
    else this.taskPages.freeLocally(this.heapOf(entry), page, address, blocks.numberOf(page, entry, address));
  }

  /** The block that a task's heap was. */
  private giveBackHeap(heap: number): void {
    const { pages, blocks } = this;
    const page = pages.pageAt(heap);
    const entry = pages.entry(page);
    if (pages.kindOf(entry) === SPAN_FIRST) pages.freeBytes += pages.spanBytes(page);
    else blocks.countFreed(entry);
    this.giveBack(heap);
  }

  /** For all tasks, since none of them can run meanwhile. */
  collectAll(): void {
    const { heaps, pages, call, taskPages } = this;
    heaps.visit((heap) => {
      call.searchSteps++;
      this.takeBack(heap, ALL);
    });
    for (let page = 1; page <= pages.plan.pages; page++) {
      call.searchSteps++;
      const entry = pages.entry(page);
      if (!this.inherit(page, entry) && pages.kindOf(entry) === SMALL) {
        taskPages.tidy(this.heapOf(entry), page);
      }
    }
    while (heaps.firstDead() !== NONE) this.buryHeap();
  }

  /** Gives what a deleted task's heap had in this page to main()'s, which is everybody's; false: it has nothing there. */
  private inherit(page: number, entry: number): boolean {
    const { memory, heaps, pages } = this;
    const kind = pages.kindOf(entry);
    if (kind !== SMALL && kind !== SPAN_FIRST) return false;
    const heap = this.heapOf(entry);
    if (!heaps.isDead(heap)) return false;
    if (kind === SPAN_FIRST) memory.storeHalf(entry + OWNER, 0);
    else this.taskPages.adopt(heap, pages.plan.mainHeap, page);
    return true;
  }

  /** The end of a dead heap whose pages are all inherited. */
  private buryHeap(): void {
    const { heaps } = this;
    const heap = heaps.firstDead();
    this.takeBack(heap, ALL);
    heaps.removeDead();
    this.giveBackHeap(heap);
  }

  /** Whether there is a deleted task's heap to break up, or a page to reset. */
  isDue(): boolean {
    return this.heaps.firstDead() !== NONE || this.pages.resetIsDue();
  }

  /** A portion: some pages of a deleted task, or the reset of a page. */
  workIdly(): void {
    const { heaps, memory, pages, limit } = this;
    const heap = heaps.firstDead();
    if (heap === NONE) return pages.resetOne();
    const from = memory.loadHalf(heap + CURSOR);
    const to = Math.min(from + limit, pages.plan.pages + 1);
    for (let page = from; page < to; page++) this.inherit(page, pages.entry(page));
    memory.storeHalf(heap + CURSOR, to);
    if (to <= pages.plan.pages) return;
    this.takeBack(heap, limit);
    if (heaps.hasDelayed(heap)) return;
    heaps.removeDead();
    this.giveBackHeap(heap);
  }

  private heapOf(entry: number): number {
    return this.heaps.inSlot(this.memory.loadHalf(entry + OWNER));
  }
}
