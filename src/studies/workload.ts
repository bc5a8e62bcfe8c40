/** What an arena is to be found for: a recorded trace, or a scenario on a target. Both are run again and again. */

import * as v from 'valibot';
import { catalog } from '../heaps/catalog.js';
import type { HeapDefinition, HeapOptions } from '../heaps/definition.js';
import { heap4 } from '../heaps/freertos/heap-4.js';
import type { HandleHeap } from '../heaps/handle-heap.js';
import { type HeapView, NULL } from '../heaps/heap.js';
import { Fault } from '../mcu/fault.js';
import type { Block } from '../scenario/firmware.js';
import type { Scenario } from '../scenario/scenario.js';
import { type CostChoice, costModel } from '../simulation/cost.js';
import type { RunObserver } from '../simulation/events.js';
import { run } from '../simulation/run.js';
import { withHeapOf } from '../targets/overrides.js';
import type { Target } from '../targets/target.js';
import { NO_BLOCK, Replay, type ReplaySummary } from '../traces/replay.js';
import { DEFAULT_ORIGIN, type ReplayMachine, replayMachine } from '../traces/replay-machine.js';
import {
  CACHE,
  CACHE_ALLOC,
  CALLOC,
  FREE,
  LOCK,
  MALLOC,
  REALLOC,
  type Trace,
  UNLOCK,
} from '../traces/trace.js';
import { AllocatorLoad } from './allocator-load.js';
import { failedOperation, faultAt, type Obstacle, ObstacleWatch, type RunFault } from './obstacle.js';

/** Where the search for a large enough arena ends: far above what any microcontroller has. */
export const MAXIMUM_ARENA_BYTES = 64 * 1024 * 1024;

/** A heap with all its options. */
export interface Candidate {
  readonly heap: HeapDefinition;
  readonly options: HeapOptions;
}

export interface Workload {
  readonly name: string;
  readonly alignment: number;
  /** Whether every request is served in an arena of `bytes`, and nothing else goes wrong. */
  passes(candidate: Candidate, bytes: number): boolean;
  /** What first goes wrong in an arena of `bytes`; undefined where it passes. */
  obstacle(candidate: Candidate, bytes: number): Obstacle | undefined;
  /** How far up blocks reach in an arena of `bytes`, from its origin; undefined where a request fails. */
  highWaterBytes(candidate: Candidate, bytes: number): number | undefined;
  /** Highest sum of bytes asked for and live at once, when nothing fails. */
  readonly peakLiveBytes: number;
}

/** A heap with its options' defaults, and those of `chosen` that it has. */
export function candidateFor(heap: HeapDefinition, chosen: HeapOptions = {}): Candidate {
  const known = v.parse(heap.options, {});
  const shared = Object.entries(chosen).filter(([name]) => Object.hasOwn(known, name));
  return { heap, options: v.parse(heap.options, Object.fromEntries(shared)) };
}

// --- traces -----------------------------------------------------------------------------------------------

export class TraceWorkload implements Workload {
  readonly name: string;
  readonly peakLiveBytes: number;
  /** The operation after which so much is live. */
  readonly peakIndex: number;
  readonly operations: number;

  constructor(
    private readonly trace: Trace,
    readonly alignment: number,
  ) {
    this.name = trace.name;
    this.operations = trace.length;
    const peak = peakLive(trace);
    this.peakLiveBytes = peak.bytes;
    this.peakIndex = peak.index;
  }

  /** The replay in an arena of `bytes`, not yet begun. `watched`: what it calls in the heap's place. */
  replayOn(
    { heap, options }: Candidate,
    bytes: number,
    watched = ({ handles }: ReplayMachine): HandleHeap => handles,
  ): { machine: ReplayMachine; replay: Replay } {
    const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes };
    const machine = replayMachine(heap, options, [region], this.alignment);
    return { machine, replay: new Replay(watched(machine), machine.memory, this.trace) };
  }

  /** A replay that ended early: `fault` was met by operation `index`, from 0. */
  faultAt(index: number, fault: Fault): RunFault {
    return faultAt(this.trace, index, fault);
  }

  /** Of the operation number `index`, from 0. */
  kindOf(index: number): number {
    return this.trace.kinds[index]!;
  }

  /** To be told of every operation of a replay on `heap`. */
  loadOn(heap: Pick<HeapView, 'blockBytesFor'>, surplusBytes: number): TraceLoad {
    return new TraceLoad(this.trace, new AllocatorLoad(heap, surplusBytes));
  }

  passes(candidate: Candidate, bytes: number): boolean {
    const { summary, fault } = this.firstFailure(candidate, bytes);
    return fault === undefined && summary.failures === 0;
  }

  obstacle(candidate: Candidate, bytes: number): Obstacle | undefined {
    const { summary, fault } = this.firstFailure(candidate, bytes);
    if (fault !== undefined) return faultAt(this.trace, summary.operations, fault);
    return summary.failures === 0 ? undefined : failedOperation(this.trace, summary.operations - 1);
  }

  private firstFailure(candidate: Candidate, bytes: number): { summary: ReplaySummary; fault?: Fault } {
    const { replay } = this.replayOn(candidate, bytes);
    const { summary } = replay;
    try {
      replay.runUntil(({ failures }) => failures > 0);
      return { summary };
    } catch (fault) {
      if (fault instanceof Fault) return { summary, fault };
      throw fault;
    }
  }

  highWaterBytes(candidate: Candidate, bytes: number): number | undefined {
    const { machine, replay } = this.replayOn(candidate, bytes);
    const mark = new HighWaterMark(machine.heap);
    const { kinds, bytes: sizes, counts } = this.trace;
    const note = (index: number, address: number) => {
      if (address > NULL && kinds[index] !== FREE) mark.note(address, sizes[index]! * counts[index]!);
    };
    const passed = withoutFault(() => replay.run(note).failures === 0);
    return passed ? mark.end - DEFAULT_ORIGIN : undefined;
  }
}

/** Of a replay in which every request is served. */
function peakLive(trace: Trace): { bytes: number; index: number } {
  const requested = new Float64Array(trace.idCount);
  let live = 0;
  let peak = { bytes: 0, index: -1 };
  for (let index = 0; index < trace.length; index++) {
    const asked = requestedBy(trace, index, requested);
    if (asked === undefined) continue;
    const id = trace.ids[index]!;
    live += asked - requested[id]!;
    requested[id] = asked;
    if (live > peak.bytes) peak = { bytes: live, index };
  }
  return peak;
}

/** What the operation's block holds after it; undefined where it changes nothing. */
function requestedBy(trace: Trace, index: number, requested: Float64Array): number | undefined {
  const bytes = trace.bytes[index]!;
  switch (trace.kinds[index]) {
    case MALLOC:
      return bytes;
    case CALLOC:
    case CACHE_ALLOC:
      return bytes * trace.counts[index]!;
    case FREE:
      return 0;
    case REALLOC:
      // An id that holds nothing has nothing to resize.
      return requested[trace.ids[index]!] === 0 ? undefined : bytes;
    default:
      return undefined;
  }
}

/** Follows which id holds how many bytes, for the load as the heap sees it. */
export class TraceLoad {
  private readonly held: Float64Array;

  constructor(
    private readonly trace: Trace,
    readonly load: AllocatorLoad,
  ) {
    this.held = new Float64Array(trace.idCount);
  }

  /** As a replay tells its observer. */
  operation(index: number, address: number): void {
    const { kinds, ids, bytes, counts } = this.trace;
    const kind = kinds[index]!;
    if (kind === LOCK || kind === UNLOCK || kind === CACHE || address === NO_BLOCK) return;
    const id = ids[index]!;
    const asked = kind === FREE ? 0 : bytes[index]! * counts[index]!;
    // A request that failed changes nothing, a realloc to nothing frees.
    if (address === NULL && asked !== 0) return;
    if (this.held[id]! > 0) this.load.freed(this.held[id]!);
    if (asked > 0) this.load.allocated(asked);
    this.held[id] = asked;
  }
}

/** The end of the highest block ever handed out. */
class HighWaterMark {
  end = 0;

  constructor(private readonly heap: Pick<HeapView, 'walk' | 'blockBytesFor'>) {}

  /** A block of at least `bytes` has been handed out. The map is only read where it may reach further up. */
  note(payload: number, bytes: number): void {
    if (payload + this.heap.blockBytesFor(bytes) <= this.end) return;
    // Of an array the heap shows the objects one by one.
    this.end = Math.max(this.end, payload + bytes);
    this.heap.walk((kind, address, pieceBytes, start) => {
      if (kind === 'used' && start === payload) this.end = Math.max(this.end, address + pieceBytes);
    });
  }
}

function withoutFault(attempt: () => boolean): boolean {
  try {
    return attempt();
  } catch (fault) {
    if (fault instanceof Fault) return false;
    throw fault;
  }
}

// --- scenarios --------------------------------------------------------------------------------------------

export class ScenarioWorkload implements Workload {
  readonly name: string;
  readonly alignment: number;
  readonly peakLiveBytes: number;

  constructor(
    private readonly scenario: Scenario,
    private readonly target: Target,
    private readonly seed: number,
    private readonly costChoice: CostChoice,
  ) {
    this.name = scenario.name;
    this.alignment = target.alignment;
    this.peakLiveBytes = this.measurePeak();
  }

  /** On the first heap that comes to the end: what one takes for a fault others may never notice. */
  private measurePeak(): number {
    let highest = 0;
    for (const heap of [heap4, ...catalog]) {
      const peak = new PeakLive();
      if (this.run(candidateFor(heap), MAXIMUM_ARENA_BYTES, [peak]) === 'finished') return peak.bytes;
      highest = Math.max(highest, peak.bytes);
    }
    return highest;
  }

  passes(candidate: Candidate, bytes: number): boolean {
    const failures = new Failures();
    return this.run(candidate, bytes, [failures], true) === 'finished' && failures.count === 0;
  }

  obstacle(candidate: Candidate, bytes: number): Obstacle | undefined {
    const watch = new ObstacleWatch(this.scenario);
    this.run(candidate, bytes, [watch], true);
    return watch.obstacle;
  }

  highWaterBytes(candidate: Candidate, bytes: number): number | undefined {
    const failures = new Failures();
    let mark: HighWaterMark | undefined;
    let origin = 0;
    const observer: RunObserver = {
      booted: ({ heap, layout }) => {
        origin = layout.regions[0]!.origin;
        mark = new HighWaterMark(heap);
      },
      allocated: (block) => mark!.note(block.handle, block.bytes),
    };
    const outcome = this.run(candidate, bytes, [observer, failures], true);
    return outcome === 'finished' && failures.count === 0 ? mark!.end - origin : undefined;
  }

  private run(
    { heap, options }: Candidate,
    bytes: number,
    observers: RunObserver[],
    stopAtFirstFailure = false,
  ) {
    const target = withHeapOf(this.target, bytes, heap.staticBytes(options));
    const cost = costModel(this.costChoice, heap, target, options);
    const { seed, costChoice } = this;
    return run(
      this.scenario,
      { target, heap, options, seed, cost, costChoice, stopAtFirstFailure },
      observers,
    );
  }
}

class Failures implements RunObserver {
  count = 0;

  outOfMemory(): void {
    this.count++;
  }
}

class PeakLive implements RunObserver {
  bytes = 0;
  private live = 0;

  booted(): void {
    this.live = 0;
  }

  allocated(block: Block): void {
    this.live += block.bytes;
    this.bytes = Math.max(this.bytes, this.live);
  }

  freed(block: Block): void {
    this.live -= block.bytes;
  }
}
