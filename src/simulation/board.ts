/** One powered-on device: RAM, clock, heap. Made afresh at every reset. */

import type { HeapDefinition, HeapOptions } from '../heaps/definition.js';
import { AddressHandles, type HandleHeap } from '../heaps/handle-heap.js';
import type { Heap, HeapLayout } from '../heaps/heap.js';
import type { Kernel } from '../kernel/index.js';
import { type Clock, Memory } from '../mcu/index.js';
import { memoryPlan } from '../targets/plan.js';
import type { Target } from '../targets/target.js';
import type { CostModel } from './cost.js';
import { LiveBlocks } from './live-blocks.js';

export interface BoardConfig {
  readonly target: Target;
  readonly heap: HeapDefinition;
  readonly options: HeapOptions;
  readonly cost: CostModel;
}

export class Board {
  readonly memory: Memory;
  readonly layout: HeapLayout;
  readonly handles: HandleHeap;
  /** Every live block. */
  readonly blocks: LiveBlocks;
  /** Set by the simulation as soon as the kernel exists. */
  kernel!: Kernel;

  constructor(
    readonly config: BoardConfig,
    readonly clock: Clock,
  ) {
    const { target, heap, options } = config;
    const plan = memoryPlan(target, heap.staticBytes(options), heap.regions);
    this.memory = new Memory(plan.memory);
    this.layout = { statics: plan.statics, regions: plan.heapRegions, alignment: target.alignment };
    const { origin, bytes } = plan.heapRegions[0]!;
    this.blocks = new LiveBlocks(origin, bytes);
    this.handles = new AddressHandles(heap.create(this.memory, this.layout, options));
  }

  get heap(): Heap {
    return this.handles.heap;
  }

  /** Bytes given to the heap, its bookkeeping included. */
  get heapBytes(): number {
    return this.layout.regions.reduce((sum, region) => sum + region.bytes, 0);
  }

  /** Address from which payload offsets count, as the reference answers do. */
  get heapOrigin(): number {
    return this.layout.regions[0]!.origin;
  }
}
