/** A heap of which every call is priced, as a replay makes them: a realloc may be two, and those it copies between. */

import type { HeapCallKind } from '../costs/cost-table.js';
import type { Compaction, CompactionBudget, HandleHeap, Relocation } from '../heaps/handle-heap.js';
import type { HeapView } from '../heaps/heap.js';
import type { Memory } from '../mcu/memory.js';
import type { CostModel } from '../simulation/cost.js';
import type { RunEvents } from '../simulation/events.js';

export class PricedHandles implements HandleHeap {
  readonly heap: HeapView;
  readonly relocation: Relocation | undefined;
  readonly resize: HandleHeap['resize'];
  /** Without a price, as it is in a run. */
  readonly createCache: HandleHeap['createCache'];
  readonly destroyCache: HandleHeap['destroyCache'];
  readonly allocateFrom: HandleHeap['allocateFrom'];
  readonly allocateArrayFrom: HandleHeap['allocateArrayFrom'];
  readonly freeArray: HandleHeap['freeArray'];

  constructor(
    private readonly inner: HandleHeap,
    private readonly memory: Memory,
    private readonly cost: CostModel,
    private readonly watcher: Pick<RunEvents, 'heapCalled'>,
  ) {
    this.heap = inner.heap;
    this.relocation = inner.relocation;
    this.createCache = inner.createCache;
    this.destroyCache = inner.destroyCache;
    const { resize, allocateFrom, allocateArrayFrom, freeArray } = inner;
    this.resize = resize && ((handle, bytes) => this.resizing(() => resize(handle, bytes)));
    this.allocateFrom = allocateFrom && ((cache) => this.allocating(() => allocateFrom(cache)));
    this.allocateArrayFrom =
      allocateArrayFrom && ((cache, count) => this.allocating(() => allocateArrayFrom(cache, count)));
    this.freeArray = freeArray && ((handle, count) => this.freeing(() => freeArray(handle, count)));
  }

  allocate(bytes: number): number {
    return this.allocating(() => this.inner.allocate(bytes));
  }

  free(handle: number): void {
    this.freeing(() => this.inner.free(handle));
  }

  lock(handle: number): number {
    return this.inner.lock(handle);
  }

  unlock(handle: number): void {
    this.inner.unlock(handle);
  }

  compact(budget: CompactionBudget): Compaction {
    return this.inner.compact(budget);
  }

  private allocating(call: () => number): number {
    const { loads, stores } = this.memory;
    const handle = call();
    this.price('malloc', loads, stores);
    return handle;
  }

  private freeing(call: () => void): void {
    const { loads, stores } = this.memory;
    call();
    this.price('free', loads, stores);
  }

  /** Free of charge where the heap cannot. */
  private resizing(attempt: () => boolean): boolean {
    const { loads, stores } = this.memory;
    if (!attempt()) return false;
    this.price('resize', loads, stores);
    return true;
  }

  private price(kind: HeapCallKind, loads: number, stores: number): void {
    const { cost, watcher, heap, memory } = this;
    watcher.heapCalled(kind, cost.price(kind, heap, memory, loads, stores), cost);
  }
}
