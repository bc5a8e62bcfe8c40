/** What comes back late: blocks that others freed, pages nobody uses, and all that deleted tasks left behind. */

import type { Memory } from '../../mcu/memory.js';
import type { HeapCall } from '../heap.js';
import type { Blocks } from './blocks.js';
import { ALL, CURSOR, FULL_PAGES, NONE, OWNER, SMALL, SPAN_FIRST } from './layout.js';
import type { PageLists } from './page-lists.js';
import type { PageTable } from './page-table.js';
import type { TaskHeaps } from './task-heaps.js';
import type { TaskPages } from './task-pages.js';

export class Collection {
  /**
   * `limit`: how many blocks that others freed, how many classes that keep an empty page, and how many pages of
   * deleted tasks are dealt with at a time. Nothing is looked for: all of these are in lists.
   */
  constructor(
    private readonly memory: Memory,
    private readonly pages: PageTable,
    private readonly lists: PageLists,
    private readonly blocks: Blocks,
    private readonly taskPages: TaskPages,
    private readonly heaps: TaskHeaps,
    private readonly call: HeapCall,
    private readonly limit: number,
  ) {}

  // --- blocks that others freed ---------------------------------------------------------------------------

  /** Frees what others put onto a heap's delayedFree, and then what is on that of main(), `limit` blocks at most. */
  takeBack(heap: number): void {
    const { mainHeap } = this.pages.plan;
    const left = this.drain(heap, this.limit);
    if (heap !== mainHeap) this.drain(mainHeap, left);
  }

  /** Returns what is left of the limit. */
  private drain(heap: number, limit: number): number {
    let left = limit;
    for (; left > 0; left--) {
      const address = this.heaps.takeDelayed(heap);
      if (address === NONE) break;
      this.call.searchSteps++;
      this.giveBack(address);
    }
    return left;
  }

  /** Frees a block on behalf of its owner. */
  private giveBack(address: number): void {
    const { pages, blocks } = this;
    const page = pages.pageAt(address);
    const entry = pages.entry(page);
    if (pages.kindOf(entry) === SPAN_FIRST) return pages.releaseSpan(page);
    this.taskPages.freeLocally(this.heapOf(entry), page, address, blocks.numberOf(page, entry, address));
  }

  // --- before a request fails -------------------------------------------------------------------------------

  /** For all tasks, since none of them can run meanwhile; first of all for the heap that has no room. */
  collect(heap: number): void {
    const { heaps, call, taskPages, limit } = this;
    const { mainHeap, slots } = this.pages.plan;
    taskPages.closeRetired(heap, ALL);
    if (heap !== mainHeap) taskPages.closeRetired(mainHeap, ALL);
    let blocks = limit;
    let classes = limit;
    for (let slot = 0; slot < slots; slot++) {
      call.searchSteps++;
      const other = heaps.inSlot(slot);
      if (other === NONE || heaps.isDead(other)) continue;
      blocks = this.drain(other, blocks);
      classes = taskPages.closeRetired(other, classes);
    }
    this.collectEmptied();
    for (let left = limit; left > 0 && heaps.firstDead() !== NONE; ) left = this.breakUp(left);
  }

  /** Pages whose last blocks were freed elsewhere. */
  private collectEmptied(): void {
    const { pages, call, limit } = this;
    let left = limit;
    for (let word = 0; word < pages.words && left > 0; word++) {
      call.searchSteps++;
      for (let page = pages.takeEmptied(word); page !== NONE; page = pages.takeEmptied(word)) {
        call.searchSteps++;
        const entry = pages.entry(page);
        // It may have come to another use meanwhile.
        if (pages.kindOf(entry) === SMALL) this.taskPages.closeEmptied(this.heapOf(entry), page);
        if (--left === 0) break;
      }
    }
  }

  // --- deleted tasks ----------------------------------------------------------------------------------------

  /**
   * Goes on with the deleted task's heap whose turn it is: its pages go to main()'s, which is everybody's, then blocks
   * that others freed come back, then the heap itself goes. Looks at `limit` lists, pages and blocks at most; returns
   * what is left of that.
   */
  private breakUp(limit: number): number {
    const { heaps, memory, pages, call } = this;
    const heap = heaps.firstDead();
    let left = limit;
    for (; left > 0; left--) {
      const cursor = memory.loadHalf(heap + CURSOR);
      if (cursor > pages.plan.bins) return this.bury(heap, left);
      call.searchSteps++;
      const list = cursor === 0 ? heap + FULL_PAGES : this.lists.queue(heap, cursor);
      const page = memory.loadHalf(list);
      if (page === NONE) memory.storeHalf(heap + CURSOR, cursor + 1);
      else this.taskPages.adopt(heap, pages.plan.mainHeap, page);
    }
    return 0;
  }

  /** The end of a heap that has no pages any more, if what others freed is few enough. */
  private bury(heap: number, limit: number): number {
    const { heaps } = this;
    const left = this.drain(heap, limit);
    if (left === 0) return 0;
    this.call.searchSteps++;
    heaps.removeDead();
    this.giveBackHeap(heap);
    return left - 1;
  }

  /** The block that a task's heap was. */
  private giveBackHeap(heap: number): void {
    const { pages, blocks } = this;
    const page = pages.pageAt(heap);
    const entry = pages.entry(page);
    if (pages.kindOf(entry) === SPAN_FIRST) {
      pages.freeBytes += pages.spanBytes(page);
      return pages.releaseSpan(page);
    }
    this.taskPages.freeLocally(this.heapOf(entry), page, heap, blocks.numberOfFreed(page, entry, heap));
  }

  // --- idle -------------------------------------------------------------------------------------------------

  /** Whether there is a deleted task's heap to break up, or a page to reset. */
  isDue(): boolean {
    return this.heaps.firstDead() !== NONE || this.pages.resetIsDue();
  }

  /** A portion: some of what a deleted task left behind, or the reset of a page. */
  workIdly(): void {
    if (this.heaps.firstDead() === NONE) this.pages.resetOne();
    else this.breakUp(this.limit);
  }

  private heapOf(entry: number): number {
    return this.heaps.inSlot(this.memory.loadHalf(entry + OWNER));
  }
}
