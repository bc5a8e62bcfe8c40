/**
 * What a run tells those who watch it. An observer implements the methods it cares about; a kind that nobody
 * watches costs nothing. Arguments are live objects: copy what must outlast the call.
 */

import type { HeapCallKind } from '../costs/cost-table.js';
import type { Compaction } from '../heaps/handle-heap.js';
import type { Corruption } from '../heaps/heap.js';
import type { Position } from '../input/index.js';
import type { KernelEvents, KernelObject, Queue, Task } from '../kernel/index.js';
import type { Fault } from '../mcu/index.js';
import type { Block, Request } from '../scenario/firmware.js';
import type { Board } from './board.js';
import type { CostModel } from './cost.js';

/** What was to be created, and what there was no room for. */
export interface CreationFailure {
  readonly kind: 'task' | 'queue';
  readonly name: string;
  readonly object: KernelObject;
  readonly bytes: number;
}

/** A heap call that is being made, and for which block. */
export interface HeapCallInProgress {
  readonly kind: HeapCallKind;
  readonly block: Request;
}

/** Where the firmware is. */
export interface Place {
  /** In main() before the scheduler runs, in a task, or in an interrupt's handler. */
  readonly context: 'main' | 'task' | 'interrupt';
  /** The task's or interrupt's name, `-` in main(). */
  readonly task: string;
  /** The line of its script, where that has begun. */
  readonly at: Position | undefined;
  /** Absent outside heap calls, and in those that only kernel objects or an experiment make. */
  readonly call?: HeapCallInProgress | undefined;
}

export interface RunEvents extends KernelEvents {
  /** The board is made; nothing has been allocated yet. Again after every reset. */
  booted(board: Board): void;
  /** Inside the call's suspension, after its cycles have passed. */
  allocated(block: Block): void;
  freed(block: Block): void;
  /** The heap took no notice of the free: its asserts are off and the block's header is broken. */
  freeIgnored(block: Block): void;
  /** A request of `bytes` > 0 returned NULL. */
  outOfMemory(request: Request, bytes: number): void;
  /** A request of 0 bytes, which FreeRTOS answers with NULL; no lack of memory. */
  zeroSizeRequest(request: Request): void;
  /** Every call of the heap, also those that failed, with what it cost; `cost` is what priced it. */
  heapCalled(kind: HeapCallKind, cycles: number, cost: CostModel): void;
  /** The heap is about to move blocks, inside a call of whoever runs. */
  compactionBegan(): void;
  /** What that did, and what it took of the call's time. */
  compacted(compaction: Compaction, cycles: number): void;
  /** A verified block held other bytes than were written. */
  contentsLost(block: Block, address: number): void;
  /** The firmware is about to write `bytes` bytes from `address` on, behind what the block was asked for. */
  overflows(block: Block, address: number, bytes: number, place: Place): void;
  /** A task or queue that the firmware went on without. */
  notCreated(failure: CreationFailure): void;
  logged(task: string, text: string): void;
  taskEnded(task: Task): void;
  /** `lateCycles` past the deadline, and still running if `finished` is false. */
  missedDeadline(task: Task, releaseCycle: number, lateCycles: number, finished: boolean): void;
  faulted(fault: Fault, place: Place): void;
  corrupted(corruption: Corruption, place: Place): void;
  /** The firmware reset the chip. */
  reset(): void;
  /** Nothing follows. */
  ended(): void;
}

export type RunObserver = Partial<RunEvents>;

/**
 * Tells all who watch; they hear in the order given. Heap calls come by the million, and nearly always one
 * observer watches: it is called by name, so that the engine can put its code in the place of the call.
 */
export class Broadcast implements RunEvents {
  private readonly first: RunObserver;
  private readonly others: Broadcast | undefined;

  constructor([first = {}, ...others]: readonly RunObserver[]) {
    this.first = first;
    this.others = others.length === 0 ? undefined : new Broadcast(others);
  }

  booted(board: Board): void {
    this.first.booted?.(board);
    this.others?.booted(board);
  }

  allocated(block: Block): void {
    this.first.allocated?.(block);
    this.others?.allocated(block);
  }

  freed(block: Block): void {
    this.first.freed?.(block);
    this.others?.freed(block);
  }

  freeIgnored(block: Block): void {
    this.first.freeIgnored?.(block);
    this.others?.freeIgnored(block);
  }

  outOfMemory(request: Request, bytes: number): void {
    this.first.outOfMemory?.(request, bytes);
    this.others?.outOfMemory(request, bytes);
  }

  zeroSizeRequest(request: Request): void {
    this.first.zeroSizeRequest?.(request);
    this.others?.zeroSizeRequest(request);
  }

  heapCalled(kind: HeapCallKind, cycles: number, cost: CostModel): void {
    this.first.heapCalled?.(kind, cycles, cost);
    this.others?.heapCalled(kind, cycles, cost);
  }

  compactionBegan(): void {
    this.first.compactionBegan?.();
    this.others?.compactionBegan();
  }

  compacted(compaction: Compaction, cycles: number): void {
    this.first.compacted?.(compaction, cycles);
    this.others?.compacted(compaction, cycles);
  }

  contentsLost(block: Block, address: number): void {
    this.first.contentsLost?.(block, address);
    this.others?.contentsLost(block, address);
  }

  overflows(block: Block, address: number, bytes: number, place: Place): void {
    this.first.overflows?.(block, address, bytes, place);
    this.others?.overflows(block, address, bytes, place);
  }

  notCreated(failure: CreationFailure): void {
    this.first.notCreated?.(failure);
    this.others?.notCreated(failure);
  }

  logged(task: string, text: string): void {
    this.first.logged?.(task, text);
    this.others?.logged(task, text);
  }

  taskEnded(task: Task): void {
    this.first.taskEnded?.(task);
    this.others?.taskEnded(task);
  }

  missedDeadline(task: Task, releaseCycle: number, lateCycles: number, finished: boolean): void {
    this.first.missedDeadline?.(task, releaseCycle, lateCycles, finished);
    this.others?.missedDeadline(task, releaseCycle, lateCycles, finished);
  }

  faulted(fault: Fault, place: Place): void {
    this.first.faulted?.(fault, place);
    this.others?.faulted(fault, place);
  }

  corrupted(corruption: Corruption, place: Place): void {
    this.first.corrupted?.(corruption, place);
    this.others?.corrupted(corruption, place);
  }

  reset(): void {
    this.first.reset?.();
    this.others?.reset();
  }

  ended(): void {
    this.first.ended?.();
    this.others?.ended();
  }

  switchedIn(task: Task): void {
    this.first.switchedIn?.(task);
    this.others?.switchedIn(task);
  }

  sent(sender: string, queue: Queue, message: unknown): void {
    this.first.sent?.(sender, queue, message);
    this.others?.sent(sender, queue, message);
  }

  sendFailed(sender: string, queue: Queue, message: unknown): void {
    this.first.sendFailed?.(sender, queue, message);
    this.others?.sendFailed(sender, queue, message);
  }

  received(receiver: string, queue: Queue, message: unknown): void {
    this.first.received?.(receiver, queue, message);
    this.others?.received(receiver, queue, message);
  }

  receiveFailed(receiver: string, queue: Queue): void {
    this.first.receiveFailed?.(receiver, queue);
    this.others?.receiveFailed(receiver, queue);
  }

  interruptRan(name: string, cycles: number): void {
    this.first.interruptRan?.(name, cycles);
    this.others?.interruptRan(name, cycles);
  }

  suspensionEnded(holder: Task, cycles: number): void {
    this.first.suspensionEnded?.(holder, cycles);
    this.others?.suspensionEnded(holder, cycles);
  }

  heldUp(victim: Task, holder: Task, cycles: number): void {
    this.first.heldUp?.(victim, holder, cycles);
    this.others?.heldUp(victim, holder, cycles);
  }
}
