/** What keeps a workload from coming through: the first thing that goes wrong in a run of it, and where. */

import type { Corruption } from '../heaps/heap.js';
import type { RunResult } from '../inspect/result.js';
import type { Fault, FaultKind } from '../mcu/index.js';
import type { Request } from '../scenario/firmware.js';
import type { Scenario } from '../scenario/scenario.js';
import type { Board } from '../simulation/board.js';
import type { Place, RunObserver } from '../simulation/events.js';
import type { Trace } from '../traces/trace.js';

export type Obstacle = FailedRequest | RunFault;

export interface FailedRequest {
  readonly kind: 'request';
  readonly bytes: number;
  readonly place: ObstaclePlace;
}

/** What ends a run however much memory there is. */
export interface RunFault {
  readonly kind: 'fault';
  readonly fault: FaultKind | 'corruption';
  readonly reason: string;
  readonly place: ObstaclePlace;
}

/** Absent: the line, where no script and no file has anything to do with it. */
export type ObstaclePlace =
  | {
      readonly kind: 'trace';
      /** From 0. */
      readonly operation: number;
      readonly file?: string;
      readonly line?: number;
    }
  | {
      readonly kind: 'scenario';
      readonly context: Place['context'];
      readonly task: string;
      readonly tick: number;
      readonly file: string;
      readonly line?: number;
    };

/** How a recorded run ended early. */
export function faultOf({ fault, scenario }: RunResult): RunFault | undefined {
  if (fault === undefined) return undefined;
  const { kind, reason, context, task, tick, at } = fault;
  const line = at === undefined ? {} : { line: at.line };
  const place = { kind: 'scenario', context, task, tick, file: scenario.file, ...line } as const;
  return { kind: 'fault', fault: kind, reason, place };
}

/** A request of a trace that fails. */
export function failedOperation(trace: Trace, operation: number): Obstacle {
  const bytes = trace.bytes[operation]! * trace.counts[operation]!;
  return { kind: 'request', bytes, place: placeIn(trace, operation) };
}

/** `operation`: the one that met it. */
export function faultAt(trace: Trace, operation: number, { kind: fault, reason }: Fault): RunFault {
  return { kind: 'fault', fault, reason, place: placeIn(trace, operation) };
}

function placeIn({ source }: Trace, operation: number): ObstaclePlace {
  if (source === undefined) return { kind: 'trace', operation };
  return { kind: 'trace', operation, file: source.file, line: source.lines[operation]! };
}

/** Watches a run for the first request that fails, or the fault that ends it. */
export class ObstacleWatch implements RunObserver {
  obstacle: Obstacle | undefined;
  private board!: Board;

  constructor(private readonly scenario: Scenario) {}

  booted(board: Board): void {
    this.board = board;
  }

  outOfMemory({ at }: Request, bytes: number): void {
    // Interrupts cannot ask for memory.
    const { current, isRunning } = this.board.kernel.scheduler;
    const who = isRunning
      ? ({ context: 'task', task: current!.name } as const)
      : ({ context: 'main', task: '-' } as const);
    this.obstacle ??= { kind: 'request', bytes, place: this.placed({ ...who, at }) };
  }

  faulted({ kind: fault, reason }: Fault, place: Place): void {
    this.obstacle ??= { kind: 'fault', fault, reason, place: this.placed(place) };
  }

  corrupted({ invariant: reason }: Corruption, place: Place): void {
    this.obstacle ??= { kind: 'fault', fault: 'corruption', reason, place: this.placed(place) };
  }

  private placed({ context, task, at }: Place): ObstaclePlace {
    const { tick } = this.board.kernel.scheduler;
    const { file } = this.scenario;
    return { kind: 'scenario', context, task, tick, file, ...(at !== undefined && { line: at.line }) };
  }
}
