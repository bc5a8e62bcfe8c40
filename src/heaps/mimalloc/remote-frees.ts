/** Frees by whoever does not own the page: another task, or an interrupt, which may come in between at any access. */

import type { Memory } from '../../mcu/memory.js';
import type { HeapCall } from '../heap.js';
import { threadCount, threadHead, threadWord } from './blocks.js';
import { FLAGS, FREEING, NO_DELAYED, OWNER, THREAD_FREE, USE_DELAYED, USED } from './layout.js';
import type { PageTable } from './page-table.js';
import { DELAYED, REMOTE } from './paths.js';
import type { TaskHeaps } from './task-heaps.js';

export class RemoteFrees {
  constructor(
    private readonly memory: Memory,
    private readonly pages: PageTable,
    private readonly heaps: TaskHeaps,
    private readonly call: HeapCall,
  ) {}

  /**
   * Onto the page's threadFree, or if the page is full, and nobody has said so yet, onto its heap's delayedFree. With the
   * last block in use the page is noted as one that can be had.
   */
  free(page: number, address: number, block: number): void {
    const { memory, call, pages } = this;
    const entry = pages.entry(page);
    call.path |= REMOTE;
    for (;;) {
      const word = memory.loadWord(entry + THREAD_FREE);
      if ((word & FLAGS) === USE_DELAYED) {
        if (!memory.compareAndSwap(entry + THREAD_FREE, word, (word & ~FLAGS) | FREEING)) continue;
        this.delay(entry, address);
        return this.endFreeing(entry);
      }
      const count = threadCount(word) + 1;
      memory.storeHalf(address, threadHead(word));
      if (!memory.compareAndSwap(entry + THREAD_FREE, word, threadWord(count, block, word & FLAGS))) continue;
      if (count === memory.loadHalf(entry + USED)) pages.noteEmptied(page);
      return;
    }
  }

  /** Onto the delayedFree of the heap that has the page. */
  delay(entry: number, address: number): void {
    this.call.path |= REMOTE | DELAYED;
    this.heaps.pushDelayed(this.heaps.inSlot(this.memory.loadHalf(entry + OWNER)), address);
  }

  private endFreeing(entry: number): void {
    const { memory } = this;
    for (;;) {
      const word = memory.loadWord(entry + THREAD_FREE);
      if (memory.compareAndSwap(entry + THREAD_FREE, word, (word & ~FLAGS) | NO_DELAYED)) return;
    }
  }
}
