/** One powered-on device: RAM, clock, heap. Made afresh at every reset. */

import { createHandles, type HeapDefinition, type HeapOptions, traitsOf } from '../heaps/definition.js';
import type { HandleHeap } from '../heaps/handle-heap.js';
import { AN_INTERRUPT, type HeapLayout, type HeapView, NO_TASK } from '../heaps/heap.js';
import type { Kernel } from '../kernel/index.js';
import { type Clock, Memory } from '../mcu/index.js';
import { INTERRUPT_OWNER } from '../scenario/firmware.js';
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
  /** What the firmware calls the heap's caches, by what the heap calls them. */
  readonly cacheNames = new Map<number, string>();
  /** Set by the simulation as soon as the kernel exists. */
  kernel!: Kernel;

  constructor(
    readonly config: BoardConfig,
    readonly clock: Clock,
  ) {
    const { heap, options } = config;
    const target = targetFor(config);
    const least = heap.minimumArenaBytes(target.alignment, options);
    const plan = memoryPlan(target, heap.staticBytes(options), traitsOf(heap, options).regions, least);
    this.memory = new Memory(plan.memory);
    this.layout = { statics: plan.statics, regions: plan.heapRegions, alignment: target.alignment };
    const { origin, bytes } = plan.heapRegions[0]!;
    this.blocks = new LiveBlocks(origin, bytes);
    this.handles = createHandles(heap, this.memory, this.layout, options, {
      ticks: () => this.kernel.scheduler.tick,
      caller: () => this.caller(),
    });
  }

  private caller(): number {
    const { interrupted, scheduler } = this.kernel;
    if (interrupted !== undefined) return AN_INTERRUPT;
    return scheduler.isRunning ? scheduler.current!.number : NO_TASK;
  }

  /** Whose a block becomes that `receiver`, whose code runs, takes out of a queue: see `Block.owner`. */
  holderOf(receiver: string): string {
    return this.kernel.interrupted === undefined ? receiver : `${INTERRUPT_OWNER}${receiver}`;
  }

  get heap(): HeapView {
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

/** Without the size asked for the heap where the heap takes whatever there is. */
function targetFor({ target, heap, options }: BoardConfig): Target {
  if (heap.takesAllRam?.(options) !== true) return target;
  const { heapBytes: _, ...rest } = target;
  return rest;
}
