/** What a workload asks of a heap as that heap sees it: blocks with their headers and rounding. */

import type { Load } from '../heaps/bounds.js';
import type { HeapView } from '../heaps/heap.js';

export class AllocatorLoad {
  private live = 0;
  private peak = 0;
  private largest = 0;

  /** `surplusBytes`: the most by which a block may be larger than announced; see HeapDefinition. */
  constructor(
    private readonly heap: Pick<HeapView, 'blockBytesFor'>,
    private readonly unitBytes: number,
    private readonly surplusBytes: number,
  ) {}

  /** `requested`: bytes asked for. */
  allocated(requested: number): void {
    const bytes = this.blockBytes(requested);
    this.live += bytes;
    if (this.live > this.peak) this.peak = this.live;
    if (bytes > this.largest) this.largest = bytes;
  }

  freed(requested: number): void {
    this.live -= this.blockBytes(requested);
  }

  private blockBytes(requested: number): number {
    return this.heap.blockBytesFor(requested) + this.surplusBytes;
  }

  /** After a reset nothing is live. */
  forget(): void {
    this.live = 0;
  }

  get load(): Load {
    return {
      peakBytes: this.peak,
      largestBytes: this.largest,
      smallestBytes: this.heap.blockBytesFor(1),
      unitBytes: this.unitBytes,
    };
  }
}
