/**
 * What heap_4 and heap_5 keep for xPortGetMinimumEverFreeHeapSize, its reset and vPortGetHeapStats, for FreeRTOS's heaps
 * that have none of them: counted by the same rules, but beside the RAM, as a debugger would that watches the calls.
 * So the statics stay as the real ones, and no call costs more than it does there.
 */

import type { HeapStats } from '../heap.js';

export abstract class CountedHeap {
  private minimum: number;
  private allocations = 0;
  private frees = 0;

  /** `freeBytes`: before the first call. */
  constructor(freeBytes: number) {
    this.minimum = freeBytes;
  }

  abstract freeBytes(): number;

  /** Whatever the heap's list leads to, by size. @throws Fault where it runs in a circle */
  protected abstract holeSizes(): Iterable<number>;

  /** A malloc has succeeded, and left so much free. Those that fail do not count. */
  protected noteAllocated(freeBytes: number): void {
    this.allocations++;
    if (freeBytes < this.minimum) this.minimum = freeBytes;
  }

  /** A block has been taken back. Frees that are ignored do not count, nor does that of NULL. */
  protected noteFreed(): void {
    this.frees++;
  }

  /** `vPortHeapResetState`. */
  protected restartCounts(): void {
    this.allocations = 0;
    this.frees = 0;
    this.minimum = this.freeBytes();
  }

  minimumEverFreeBytes(): number {
    return this.minimum;
  }

  resetMinimumEverFreeBytes(): void {
    this.minimum = this.freeBytes();
  }

  stats(): HeapStats {
    let largestHoleBytes = 0;
    let smallestHoleBytes = 0xffff_ffff;
    let holes = 0;
    for (const bytes of this.holeSizes()) {
      largestHoleBytes = Math.max(largestHoleBytes, bytes);
      smallestHoleBytes = Math.min(smallestHoleBytes, bytes);
      holes++;
    }
    return {
      freeBytes: this.freeBytes(),
      largestHoleBytes,
      smallestHoleBytes,
      holes,
      minimumEverFreeBytes: this.minimum,
      allocations: this.allocations,
      frees: this.frees,
      extension: true,
    };
  }
}
