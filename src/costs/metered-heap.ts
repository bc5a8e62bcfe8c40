/** A heap that adds up what its calls cost, for replays. */

import type { Heap, HeapCall, PieceVisitor } from '../heaps/heap.js';
import type { CostTable } from './cost-table.js';

export class MeteredHeap implements Heap {
  /** Of all calls since they were taken last. */
  private instructions = 0;

  constructor(
    private readonly heap: Heap,
    private readonly table: CostTable,
  ) {}

  malloc(bytes: number): number {
    const address = this.heap.malloc(bytes);
    this.instructions += this.table.instructions('malloc', this.heap.lastCall);
    return address;
  }

  free(address: number): void {
    this.heap.free(address);
    this.instructions += this.table.instructions('free', this.heap.lastCall);
  }

  /** False, and free of charge, where the heap cannot. */
  resize(address: number, bytes: number): boolean {
    if (this.heap.resize?.(address, bytes) !== true) return false;
    this.instructions += this.table.instructions('malloc', this.heap.lastCall);
    return true;
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
