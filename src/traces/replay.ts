/**
 * Replays a trace on a heap, without kernel, tasks or time: the bare operations, as the reference answers
 * were recorded.
 */

import { type Heap, NULL } from '../heaps/heap.js';
import { calloc, realloc } from '../heaps/library.js';
import type { Memory } from '../mcu/memory.js';
import { CALLOC, FREE, LOCK, MALLOC, REALLOC, type Trace, UNLOCK } from './trace.js';

/** Offset column of an operation on an id that holds nothing. */
export const NO_BLOCK = -2;

/**
 * Told after every operation: its index and the payload's address; {@link NULL} when the heap refused (or a
 * realloc to 0 bytes freed), {@link NO_BLOCK} when the id held nothing (a free is then a free(NULL)).
 */
export type ReplayObserver = (index: number, address: number) => void;

export interface ReplaySummary {
  operations: number;
  allocations: number;
  /** Requests that got NULL, those for 0 bytes left out. */
  failures: number;
  frees: number;
  /** Blocks that were never freed because their id was given to another one. */
  lost: number;
  /** Operations on an id that held nothing. */
  idle: number;
  /** Highest sum of requested bytes live at once. */
  peakLiveBytes: number;
  liveBytes: number;
  liveBlocks: number;
}

/** One replay: the heap, and which block each id holds. */
export class Replay {
  readonly summary: ReplaySummary = {
    operations: 0,
    allocations: 0,
    failures: 0,
    frees: 0,
    lost: 0,
    idle: 0,
    peakLiveBytes: 0,
    liveBytes: 0,
    liveBlocks: 0,
  };
  private readonly addresses: Uint32Array;
  private readonly requested: Uint32Array;

  constructor(
    private readonly heap: Heap,
    private readonly memory: Memory,
    private readonly trace: Trace,
  ) {
    this.addresses = new Uint32Array(trace.idCount);
    this.requested = new Uint32Array(trace.idCount);
  }

  /** @throws Fault when the heap asserts or leaves its RAM */
  run(observe?: ReplayObserver): ReplaySummary {
    const { length } = this.trace;
    for (let index = 0; index < length; index++) {
      const address = this.step(index);
      this.summary.operations++;
      if (observe !== undefined) observe(index, address);
    }
    return this.summary;
  }

  /** Goes on until `enough` of what has happened, or to the end. @throws Fault as {@link run} does */
  runUntil(enough: (summary: ReplaySummary) => boolean): ReplaySummary {
    const { summary } = this;
    while (summary.operations < this.trace.length && !enough(summary)) {
      this.step(summary.operations);
      summary.operations++;
    }
    return summary;
  }

  private step(index: number): number {
    const { kinds, ids, bytes, counts } = this.trace;
    const id = ids[index]!;
    const size = bytes[index]!;
    switch (kinds[index]) {
      case MALLOC:
        return this.hold(id, size, this.heap.malloc(size));
      case CALLOC:
        return this.hold(id, size * counts[index]!, calloc(this.heap, this.memory, counts[index]!, size));
      case FREE:
        return this.free(id);
      case REALLOC:
        return this.realloc(id, size);
      case LOCK:
      case UNLOCK:
        // A heap that never moves a block has nothing to lock.
        return this.addresses[id]! === NULL ? this.idle() : this.addresses[id]!;
      default:
        throw new RangeError(`unknown kind of operation ${kinds[index]}`);
    }
  }

  private hold(id: number, size: number, address: number): number {
    const { summary } = this;
    if (address === NULL) {
      if (size !== 0) summary.failures++;
      return NULL;
    }
    if (this.addresses[id] !== NULL) summary.lost++;
    this.addresses[id] = address;
    this.requested[id] = size;
    summary.allocations++;
    summary.liveBlocks++;
    summary.liveBytes += size;
    if (summary.liveBytes > summary.peakLiveBytes) summary.peakLiveBytes = summary.liveBytes;
    return address;
  }

  private release(id: number): void {
    this.addresses[id] = NULL;
    this.summary.frees++;
    this.summary.liveBlocks--;
    this.summary.liveBytes -= this.requested[id]!;
  }

  private free(id: number): number {
    const address = this.addresses[id]!;
    // Firmware calls free with the NULL that malloc gave it; the heap ignores that.
    this.heap.free(address);
    if (address === NULL) return this.idle();
    this.release(id);
    return address;
  }

  private realloc(id: number, size: number): number {
    const address = this.addresses[id]!;
    if (address === NULL) return this.idle();
    const moved = realloc(this.heap, this.memory, address, this.requested[id]!, size);
    if (moved !== NULL || size === 0) this.release(id);
    return this.hold(id, size, moved);
  }

  private idle(): number {
    this.summary.idle++;
    return NO_BLOCK;
  }
}
