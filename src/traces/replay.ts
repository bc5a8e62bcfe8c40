/**
 * Replays a trace on a heap, without kernel, tasks or time: the bare operations, as the reference answers
 * were recorded.
 */

import { asHandles, type HandleHeap } from '../heaps/handle-heap.js';
import { type Heap, NULL } from '../heaps/heap.js';
import { calloc, freeObjects, realloc } from '../heaps/library.js';
import type { Memory } from '../mcu/memory.js';
import { CACHE, CACHE_ALLOC, CALLOC, FREE, LOCK, MALLOC, REALLOC, type Trace, UNLOCK } from './trace.js';

/** Offset column of an operation on an id that holds nothing. */
export const NO_BLOCK = -2;
/** That of an operation that made a cache, which is about no block. */
export const CACHE_MADE = -3;

/**
 * Told after every operation: its index and the payload's address, of a freed block where it was; {@link NULL}
 * when the heap refused (or a realloc to 0 bytes freed), {@link NO_BLOCK} when the id held nothing (a free is
 * then a free(NULL)), {@link CACHE_MADE} when a cache was made.
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

/** One replay: the heap, and which block each id holds. Blocks are locked only where the trace says so. */
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
  private readonly handles: Uint32Array;
  private readonly requested: Uint32Array;
  /** Objects that a block has as an array of a cache, else 1; empty where the trace has no caches. */
  private readonly objects: Uint32Array;
  /** What the heap calls a cache, by its id; empty where it has none. */
  private readonly caches = new Map<number, number>();
  private readonly heap: HandleHeap;
  private watched = false;

  constructor(
    heap: Heap | HandleHeap,
    private readonly memory: Memory,
    private readonly trace: Trace,
  ) {
    this.heap = asHandles(heap);
    this.handles = new Uint32Array(trace.idCount);
    this.requested = new Uint32Array(trace.idCount);
    this.objects = new Uint32Array(trace.caches === undefined ? 0 : trace.idCount);
  }

  /** @throws Fault when the heap asserts or leaves its RAM */
  run(observe?: ReplayObserver): ReplaySummary {
    const { length } = this.trace;
    this.watched = observe !== undefined;
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
        return this.hold(id, size, this.heap.allocate(size));
      case CALLOC:
        return this.hold(id, size * counts[index]!, calloc(this.heap, this.memory, counts[index]!, size));
      case FREE:
        return this.free(id);
      case REALLOC:
        return this.realloc(id, size);
      case LOCK:
        return this.handles[id]! === NULL ? this.idle() : this.heap.lock(this.handles[id]!);
      case UNLOCK:
        return this.handles[id]! === NULL ? this.idle() : this.unlock(this.handles[id]!);
      case CACHE:
        return this.makeCache(id, size);
      case CACHE_ALLOC:
        return this.allocateFrom(this.trace.caches![index]!, id, counts[index]!, size);
      default:
        throw new RangeError(`unknown kind of operation ${kinds[index]}`);
    }
  }

  // --- caches -------------------------------------------------------------------------------------------

  private makeCache(id: number, objectBytes: number): number {
    const { heap } = this;
    if (heap.createCache !== undefined) this.caches.set(id, heap.createCache(objectBytes));
    return CACHE_MADE;
  }

  /** Where the heap has no caches, or no arrays of them, malloc serves in their place. */
  private allocateFrom(cacheId: number, id: number, count: number, objectBytes: number): number {
    const { heap } = this;
    const cache = this.caches.get(cacheId);
    const isOne = count === 1 && cache !== undefined;
    if (isOne) return this.hold(id, objectBytes, heap.allocateFrom!(cache));
    const isArray = cache !== undefined && heap.allocateArrayFrom !== undefined;
    const handle = isArray ? heap.allocateArrayFrom(cache, count) : heap.allocate(count * objectBytes);
    return this.hold(id, count * objectBytes, handle, isArray ? count : 1);
  }

  private objectsOf(id: number): number {
    return this.objects.length === 0 ? 1 : this.objects[id]!;
  }

  // --- blocks -------------------------------------------------------------------------------------------

  private hold(id: number, size: number, handle: number, objects = 1): number {
    const { summary } = this;
    if (handle === NULL) {
      if (size !== 0) summary.failures++;
      return NULL;
    }
    if (this.handles[id] !== NULL) summary.lost++;
    this.handles[id] = handle;
    this.requested[id] = size;
    if (this.objects.length > 0) this.objects[id] = objects;
    summary.allocations++;
    summary.liveBlocks++;
    summary.liveBytes += size;
    if (summary.liveBytes > summary.peakLiveBytes) summary.peakLiveBytes = summary.liveBytes;
    return this.addressOf(handle);
  }

  private release(id: number): void {
    this.handles[id] = NULL;
    this.summary.frees++;
    this.summary.liveBlocks--;
    this.summary.liveBytes -= this.requested[id]!;
  }

  private free(id: number): number {
    const handle = this.handles[id]!;
    if (handle === NULL) {
      // Firmware calls free with the NULL that malloc gave it; the heap ignores that.
      this.heap.free(NULL);
      return this.idle();
    }
    const address = this.addressOf(handle);
    freeObjects(this.heap, handle, this.objectsOf(id));
    this.release(id);
    return address;
  }

  private realloc(id: number, size: number): number {
    const handle = this.handles[id]!;
    if (handle === NULL) return this.idle();
    const objects = this.objectsOf(id);
    const replacement = realloc(this.heap, this.memory, handle, this.requested[id]!, size, objects);
    if (replacement !== NULL || size === 0) this.release(id);
    return this.hold(id, size, replacement, replacement === handle ? objects : 1);
  }

  private unlock(handle: number): number {
    const address = this.addressOf(handle);
    this.heap.unlock(handle);
    return address;
  }

  /** Where a block lies now. Only of interest to who watches. */
  private addressOf(handle: number): number {
    if (!this.watched || this.heap.relocation === undefined) return handle;
    const address = this.heap.lock(handle);
    this.heap.unlock(handle);
    return address;
  }

  private idle(): number {
    this.summary.idle++;
    return NO_BLOCK;
  }
}
