/** A heap that adds up what its calls cost, for replays. */

import type { Heap, HeapCall, PieceVisitor } from '../heaps/heap.js';
import type { CostTable, HeapCallKind } from './cost-table.js';

export class MeteredHeap implements Heap {
  calls = 0;
  /** Those that were priced by the nearest measured path. */
  estimatedCalls = 0;
  /** Of all calls since they were taken last. */
  private instructions = 0;

  constructor(
    private readonly heap: Heap,
    private readonly table: CostTable,
  ) {}

  malloc(bytes: number): number {
    const address = this.heap.malloc(bytes);
    this.add('malloc');
    return address;
  }

  free(address: number): void {
    this.heap.free(address);
    this.add('free');
  }

  /** False, and free of charge, where the heap cannot. */
  resize(address: number, bytes: number): boolean {
    if (this.heap.resize?.(address, bytes) !== true) return false;
    this.add('resize');
    return true;
  }

  private add(kind: HeapCallKind): void {
    const { table } = this;
    const { lastCall } = this.heap;
    const path = table.pathPrice(kind, lastCall);
    this.calls++;
    this.instructions += table.instructionsOf(path, lastCall);
    if (!path.measured || kind === 'resize') this.estimatedCalls++;
  }

  get build(): string {
    return this.table.build;
  }

  /** Instructions since the last time this was called. */
  takeInstructions(): number {
    const { instructions } = this;
    this.instructions = 0;
    return instructions;
  }

  get lastCall(): HeapCall {
    return this.heap.lastCall;
  }

  freeBytes(): number {
    return this.heap.freeBytes();
  }

  blockBytesFor(bytes: number): number {
    return this.heap.blockBytesFor(bytes);
  }

  walk(visit: PieceVisitor): void {
    this.heap.walk(visit);
  }

  check(): void {
    this.heap.check();
  }
}
