/** Which heap belongs to which task: in the firmware a pointer in the task's thread-local storage, here a slot. */

import type { Memory } from '../../mcu/memory.js';
import { A_DELETED_TASK, NO_TASK, type Surroundings } from '../heap.js';
import {
  BUSY,
  CURSOR,
  DELAYED_FREE,
  HEARTBEAT,
  heapBytes,
  NEXT_DEAD,
  NONE,
  type Plan,
  RETIRED_FROM,
  SLOT,
  TASK,
} from './layout.js';
import { NOT_RETIRED } from './task-pages.js';

export class TaskHeaps {
  constructor(
    private readonly memory: Memory,
    private readonly plan: Plan,
    private readonly surroundings: Surroundings,
  ) {}

  initialize(): void {
    const { memory, plan } = this;
    memory.storeWord(plan.deadHeaps, NONE);
    memory.fill(plan.slotTable, 4 * (plan.slots - 1), 0);
    this.open(plan.mainHeap, 0, NO_TASK);
  }

  /** Makes a heap without pages of {@link heapBytes} bytes. */
  open(heap: number, slot: number, task: number): void {
    const { memory, plan } = this;
    memory.fill(heap, heapBytes(plan.bins), 0);
    memory.storeWord(heap + TASK, task);
    memory.storeHalf(heap + SLOT, slot);
    memory.storeByte(heap + RETIRED_FROM, NOT_RETIRED);
    if (slot > 0) memory.storeWord(this.place(slot), heap);
  }

  private place(slot: number): number {
    return this.plan.slotTable + 4 * (slot - 1);
  }

  /** Tasks of the same slot: who comes first has it, others share the heap of main(). */
  slotOf(task: number): number {
    const { slots } = this.plan;
    return task === NO_TASK || slots === 1 ? 0 : 1 + ((task - 1) % (slots - 1));
  }

  /** The heap in a slot, or {@link NONE}; main()'s, which is always there, in slot 0. */
  inSlot(slot: number): number {
    return slot === 0 ? this.plan.mainHeap : this.memory.loadWord(this.place(slot));
  }

  /** The caller's own heap; {@link NONE} if it has none yet, and that of main() if it cannot have one. */
  ofCaller(): number {
    const task = this.surroundings.caller();
    const slot = this.slotOf(task);
    const heap = this.inSlot(slot);
    if (slot === 0 || heap === NONE) return heap;
    return this.memory.loadWord(heap + TASK) === task ? heap : this.plan.mainHeap;
  }

  /** Whether a task, not an interrupt, may free onto a page's localFree. The pages of main()'s heap are everybody's. */
  owns(task: number, owner: number): boolean {
    if (owner === 0) return true;
    return owner === this.slotOf(task) && this.memory.loadWord(this.inSlot(owner) + TASK) === task;
  }

  /** Every heap, that of main() first. */
  visit(visitor: (heap: number, slot: number) => void): void {
    for (let slot = 0; slot < this.plan.slots; slot++) {
      const heap = this.inSlot(slot);
      if (heap !== NONE) visitor(heap, slot);
    }
  }

  // --- deleted tasks ------------------------------------------------------------------------------------

  /** Notes that a task's heap is to be broken up. It keeps its slot until that is done. */
  bury(task: number): void {
    const { memory, plan } = this;
    const slot = this.slotOf(task);
    const heap = this.inSlot(slot);
    if (slot === 0 || heap === NONE || memory.loadWord(heap + TASK) !== task) return;
    memory.storeWord(heap + TASK, A_DELETED_TASK);
    memory.storeWord(heap + NEXT_DEAD, memory.loadWord(plan.deadHeaps));
    memory.storeHalf(heap + CURSOR, 0);
    memory.storeWord(plan.deadHeaps, heap);
  }

  isDead(heap: number): boolean {
    return this.memory.loadWord(heap + TASK) === A_DELETED_TASK;
  }

  /** The heap to be broken up next, or {@link NONE}. */
  firstDead(): number {
    return this.memory.loadWord(this.plan.deadHeaps);
  }

  /** Forgets the first dead heap, of which nothing is left. */
  removeDead(): void {
    const { memory, plan } = this;
    const heap = this.firstDead();
    memory.storeWord(plan.deadHeaps, memory.loadWord(heap + NEXT_DEAD));
    memory.storeWord(this.place(memory.loadHalf(heap + SLOT)), NONE);
  }

  // --- blocks that others freed -------------------------------------------------------------------------

  /** Onto a heap's delayedFree; anybody may do it at any time. */
  pushDelayed(heap: number, address: number): void {
    const { memory } = this;
    for (;;) {
      const first = memory.loadWord(heap + DELAYED_FREE);
      memory.storeWord(address, first);
      if (memory.compareAndSwap(heap + DELAYED_FREE, first, address)) return;
    }
  }

  /** The first block of delayedFree, or {@link NONE}; only one takes, so that its link holds. */
  takeDelayed(heap: number): number {
    const { memory } = this;
    for (;;) {
      const first = memory.loadWord(heap + DELAYED_FREE);
      if (first === NONE) return NONE;
      if (memory.compareAndSwap(heap + DELAYED_FREE, first, memory.loadWord(first))) return first;
    }
  }

  // --- heartbeat ----------------------------------------------------------------------------------------

  /** Counts a heartbeat. */
  beat(heap: number): number {
    const heartbeat = (this.memory.loadWord(heap + HEARTBEAT) + 1) >>> 0;
    this.memory.storeWord(heap + HEARTBEAT, heartbeat);
    return heartbeat;
  }

  isBusy(heap: number): boolean {
    return this.memory.loadByte(heap + BUSY) !== 0;
  }

  setBusy(heap: number, busy: boolean): void {
    this.memory.storeByte(heap + BUSY, busy ? 1 : 0);
  }
}
