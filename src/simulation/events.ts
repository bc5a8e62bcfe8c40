/**
 * What a run tells those who watch it. An observer implements the methods it cares about; a kind that nobody
 * watches costs nothing. Arguments are live objects: copy what must outlast the call.
 */

import type { HeapCallKind } from '../costs/cost-table.js';
import type { Compaction } from '../heaps/handle-heap.js';
import type { Corruption } from '../heaps/heap.js';
import type { Position } from '../input/index.js';
import type { KernelEvents, KernelObject, Task } from '../kernel/index.js';
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

/** Where the firmware is. */
export interface Place {
  /** In main() before the scheduler runs, in a task, or in an interrupt's handler. */
  readonly context: 'main' | 'task' | 'interrupt';
  /** The task's or interrupt's name, `-` in main(). */
  readonly task: string;
  /** The line of its script, where that has begun. */
  readonly at: Position | undefined;
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

const KINDS = [
  'booted',
  'allocated',
  'freed',
  'freeIgnored',
  'outOfMemory',
  'zeroSizeRequest',
  'heapCalled',
  'compactionBegan',
  'compacted',
  'contentsLost',
  'notCreated',
  'logged',
  'taskEnded',
  'missedDeadline',
  'faulted',
  'corrupted',
  'reset',
  'ended',
  'switchedIn',
  'interruptRan',
  'sent',
  'sendFailed',
  'received',
  'receiveFailed',
  'suspensionEnded',
  'heldUp',
] as const satisfies readonly (keyof RunEvents)[];

/** One function per kind that tells all who watch that kind; they hear in the order given. */
export function broadcast(observers: readonly RunObserver[]): RunEvents {
  const events: Partial<Record<keyof RunEvents, (...values: never[]) => void>> = {};
  for (const kind of KINDS) {
    const listeners = observers.flatMap((observer) => {
      const method = observer[kind] as ((...values: unknown[]) => void) | undefined;
      return method === undefined ? [] : [method.bind(observer)];
    });
    events[kind] = tellAll(listeners);
  }
  return events as RunEvents;
}

type Listener = (...values: unknown[]) => void;

function tellAll(listeners: readonly Listener[]): (...values: unknown[]) => void {
  const [first, second] = listeners;
  if (first === undefined) return () => {};
  if (second === undefined) return first;
  return (...values) => {
    for (const listener of listeners) listener(...values);
  };
}
