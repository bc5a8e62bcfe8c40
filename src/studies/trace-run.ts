/** One replay of a trace in an arena of a given size, watched closely: what failed, and what room was left. */

import { NULL } from '../heaps/heap.js';
import { Fault } from '../mcu/fault.js';
import type { ReplayMachine } from '../traces/replay-machine.js';
import type { RunFault } from './obstacle.js';
import type { Candidate, TraceWorkload } from './workload.js';

export interface TraceRun {
  readonly heap: string;
  readonly arenaBytes: number;
  readonly staticBytes: number;
  readonly allocations: number;
  readonly failures: number;
  /** The operation, from 0, after which failed requests outnumbered those served: the replay ends there. */
  readonly gaveUpAt?: number;
  /** What ended the replay early. */
  readonly fault?: RunFault;
  /** The largest request that would have been served, at evenly spread points of the run. */
  readonly largestRequests: readonly { readonly operation: number; readonly bytes: number }[];
}

/** `points`: how often to look for the largest request possible. */
export function runTrace(
  workload: TraceWorkload,
  candidate: Candidate,
  arenaBytes: number,
  points: number,
): TraceRun {
  const { machine, replay } = workload.replayOn(candidate, arenaBytes);
  const largestRequests: { operation: number; bytes: number }[] = [];
  const look = (operations: number) => {
    const due = Math.ceil(((largestRequests.length + 1) * workload.operations) / points);
    if (operations < due || operations === 0) return;
    largestRequests.push({ operation: operations - 1, bytes: largestRequest(machine, arenaBytes) });
  };
  const { summary } = replay;
  let gaveUpAt: number | undefined;
  let fault: RunFault | undefined;
  try {
    replay.runUntil(({ operations }) => {
      look(operations);
      if (summary.failures > summary.allocations) gaveUpAt = operations - 1;
      return gaveUpAt !== undefined;
    });
    look(summary.operations);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    fault = workload.faultAt(summary.operations, error);
  }
  const { allocations, failures } = summary;
  const { heap, options } = candidate;
  return {
    heap: heap.name,
    arenaBytes,
    staticBytes: heap.staticBytes(options),
    allocations,
    failures,
    ...(gaveUpAt !== undefined && { gaveUpAt }),
    ...(fault !== undefined && { fault }),
    largestRequests,
  };
}

/**
 * The largest request, in bytes, that the heap would serve now, found by making it; RAM is put back each time.
 * Heaps serve whatever is smaller than what they serve, or nearly: what is found is served, one byte more not.
 */
function largestRequest({ handles, memory }: ReplayMachine, arenaBytes: number): number {
  const before = memory.save();
  const serves = (bytes: number) => {
    const served = handles.allocate(bytes) !== NULL;
    memory.restore(before);
    return served;
  };
  let served = 0;
  let refused = arenaBytes + 1;
  while (refused - served > 1) {
    const middle = Math.floor((served + refused) / 2);
    if (serves(middle)) served = middle;
    else refused = middle;
  }
  return served;
}
