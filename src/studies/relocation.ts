/**
 * What moving blocks buys and costs, as rmalloc's author wanted to know: the smallest arena for a recorded
 * trace, and in that arena the bytes moved, the longest call, and all calls together.
 */

import type { Compaction } from '../heaps/handle-heap.js';
import type { HeapView } from '../heaps/heap.js';
import { EstimatedCost } from '../simulation/cost.js';
import { FREE, LOCK } from '../traces/trace.js';
import { type SizeResult, smallestArena } from './size.js';
import type { Candidate, TraceWorkload } from './workload.js';

export interface RelocationResult {
  readonly size: SizeResult;
  /** Absent where no arena would do. */
  readonly run?: RelocationRun;
}

export interface RelocationRun {
  /** Headers, rounding, tables and the heap's variables, when most was live. */
  readonly metadataBytes: number;
  readonly bytesMoved: number;
  readonly blocksMoved: number;
  readonly compactions: number;
  /** Of the longest call, what it moved included: estimated from memory accesses, alike for all heaps. */
  readonly longestCallCycles: number;
  /** Of all calls. */
  readonly totalCycles: number;
}

export function relocationOf(workload: TraceWorkload, candidate: Candidate, scan: number): RelocationResult {
  const size = smallestArena(workload, candidate, { scan });
  if (size.arenaBytes === undefined) return { size };
  return { size, run: runAt(workload, candidate, size.arenaBytes) };
}

function runAt(workload: TraceWorkload, candidate: Candidate, arenaBytes: number): RelocationRun {
  const { machine, replay } = workload.replayOn(candidate, arenaBytes);
  const { memory, handles } = machine;
  const moves = new Moves();
  if (handles.relocation !== undefined) handles.relocation.watcher = moves;
  const cost = new EstimatedCost();
  let { loads, stores } = memory;
  let longestCallCycles = 0;
  let totalCycles = 0;
  let metadataBytes = 0;
  replay.run((index) => {
    const kind = workload.kindOf(index);
    if (kind < LOCK) {
      // What is moved is copied four registers at a time, quicker than word by word.
      const words = moves.takeWords();
      const call = kind === FREE ? 'free' : 'malloc';
      const cycles =
        cost.price(call, handles.heap, memory, loads + words, stores + words) + cost.work(0, words);
      longestCallCycles = Math.max(longestCallCycles, cycles);
      totalCycles += cycles;
    }
    if (index === workload.peakIndex) {
      metadataBytes = usedBytes(handles.heap, arenaBytes) - workload.peakLiveBytes;
    }
    ({ loads, stores } = memory);
  });
  const { heap, options } = candidate;
  return {
    metadataBytes: metadataBytes + heap.staticBytes(options),
    bytesMoved: moves.bytes,
    blocksMoved: moves.blocks,
    compactions: moves.compactions,
    longestCallCycles,
    totalCycles,
  };
}

/** What is not free. */
function usedBytes(heap: HeapView, arenaBytes: number): number {
  let free = 0;
  heap.walk((kind, _address, bytes) => {
    if (kind === 'hole') free += bytes;
  });
  return arenaBytes - free;
}

class Moves {
  bytes = 0;
  blocks = 0;
  compactions = 0;
  private words = 0;

  began(): void {}

  /** Words moved since it was asked last. */
  takeWords(): number {
    const { words } = this;
    this.words = 0;
    return words;
  }

  ended({ bytesMoved, blocksMoved }: Compaction): void {
    this.bytes += bytesMoved;
    this.words += Math.ceil(bytesMoved / 4);
    this.blocks += blocksMoved;
    this.compactions++;
  }
}
