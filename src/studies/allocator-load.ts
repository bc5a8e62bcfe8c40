/** What a workload asks of a heap as that heap sees it: blocks with their headers and rounding. */

import type { Load } from '../heaps/bounds.js';
import type { HeapView } from '../heaps/heap.js';

/** Requests that show what every block is a multiple of. */
const REQUESTS_FOR_UNIT = 256;

export class AllocatorLoad {
  private live = 0;
  private blocks = 0;
  private peak = 0;
  private peakWithSurplus = 0;
  private largest = 0;

  /** `surplusBytes`: the most by which a block may be larger than announced; see HeapDefinition. */
  constructor(
    private readonly heap: Pick<HeapView, 'blockBytesFor'>,
    private readonly surplusBytes: number,
  ) {}

  /** `requested`: bytes asked for. */
  allocated(requested: number): void {
    const bytes = this.heap.blockBytesFor(requested);
    this.live += bytes;
    this.blocks++;
    if (this.live > this.peak) this.peak = this.live;
    const withSurplus = this.live + this.blocks * this.surplusBytes;
    if (withSurplus > this.peakWithSurplus) this.peakWithSurplus = withSurplus;
    if (bytes > this.largest) this.largest = bytes;
  }

  freed(requested: number): void {
    this.live -= this.heap.blockBytesFor(requested);
    this.blocks--;
  }

  /** After a reset nothing is live. */
  forget(): void {
    this.live = 0;
    this.blocks = 0;
  }

  /** Blocks as announced. */
  get load(): Load {
    return {
      peakBytes: this.peak,
      largestBytes: this.largest,
      smallestBytes: this.heap.blockBytesFor(1),
      unitBytes: blockUnit(this.heap),
    };
  }

  /** Every block as large as it may turn out: what a proof that some arena is enough has to assume. */
  get largestLoad(): Load {
    const { load, surplusBytes, peakWithSurplus } = this;
    return { ...load, peakBytes: peakWithSurplus, largestBytes: load.largestBytes + surplusBytes };
  }
}

/** What all blocks of a heap are multiples of. */
export function blockUnit(heap: Pick<HeapView, 'blockBytesFor'>): number {
  let unit = 0;
  for (let bytes = 1; bytes <= REQUESTS_FOR_UNIT; bytes++)
    unit = commonDivisor(heap.blockBytesFor(bytes), unit);
  return unit;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
