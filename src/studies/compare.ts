/** The same workload on every heap, side by side: what fails, how much RAM it takes, what it costs in time. */

import { BOUND_FORMULAS, type Load, lowerBoundBytes, sufficientBytes } from '../heaps/bounds.js';
import { boundRowOf, type HeapOptions, ownOptions } from '../heaps/definition.js';
import type { HeapView } from '../heaps/heap.js';
import { freeBytesOf } from '../heaps/look.js';
import { UserError } from '../input/index.js';
import { externalFragmentation } from '../inspect/fragmentation.js';
import { IntegerHistogram } from '../inspect/histogram.js';
import { Recorder } from '../inspect/recorder.js';
import { Fault } from '../mcu/fault.js';
import type { Block } from '../scenario/firmware.js';
import type { Scenario } from '../scenario/scenario.js';
import type { Board } from '../simulation/board.js';
import { type CostChoice, type CostModel, costModel } from '../simulation/cost.js';
import type { RunObserver } from '../simulation/events.js';
import { run } from '../simulation/run.js';
import { memoryPlan } from '../targets/plan.js';
import type { Target } from '../targets/target.js';
import { AllocatorLoad } from './allocator-load.js';
import { faultOf, type Obstacle, type RunFault } from './obstacle.js';
import { type OverflowStudy, overflowStudy } from './overflow.js';
import { PricedHandles } from './priced-handles.js';
import { smallestArena } from './size.js';
import { type Candidate, ScenarioWorkload, type TraceWorkload } from './workload.js';

/** One heap's line. Absent where a figure does not exist: a trace knows no tasks, a heap may have no proof. */
export interface Contender {
  readonly heap: string;
  /** Those that are not as the heap has them by default. */
  readonly options?: HeapOptions;
  /** Why it could not be tried, or how the run ended early. */
  readonly note?: string;
  /** The fault that ended the run, and where. */
  readonly fault?: RunFault;
  readonly outOfMemoryCount: number;
  /** Seconds since power-on; of a trace the operation, from 0. */
  readonly firstOutOfMemory?: number;
  /** Without a failed request, where that was looked for and found. */
  readonly smallestArenaBytes?: number;
  /** Why there is none, where it was looked for in vain. */
  readonly obstacle?: Obstacle;
  /** The most that was not free, headers and fixed bookkeeping included, and the heap's variables. */
  readonly peakFootprintBytes: number;
  readonly staticBytes: number;
  /** Worst share of free memory outside the largest hole; of a trace at its end. */
  readonly fragmentation: number;
  /** What times rest on; absent where it was not tried. */
  readonly cost?: ContenderCost;
  /** Of malloc and free together. */
  readonly p99Cycles: number;
  readonly worstCycles: number;
  readonly longestSuspensionCycles?: number;
  readonly missedDeadlines?: number;
  /** What this heap was asked, as it sees it: what bounds go by. */
  readonly load?: Load;
  /** The arena that is proved to be enough for that, and by which formula; absent without a proof. */
  readonly provableBytes?: number;
  readonly boundFormula?: string;
  /** What no heap that leaves blocks where they are could do with less for certain (Robson). */
  readonly lowerBoundBytes?: number;
}

export interface ContenderCost {
  readonly source: string;
  /** Not by paths that were measured with this heap on the target's core. */
  readonly estimated: boolean;
  /** Calls whose path was never measured: the nearest one that was stands in. */
  readonly byNearestPath: number;
}

export interface Comparison {
  readonly workload: string;
  readonly kind: 'scenario' | 'trace';
  readonly target: string;
  readonly clockHertz: number;
  /** For the heap, in the regions the chip has. */
  readonly heapBytes: number;
  /** Best first. */
  readonly contenders: readonly Contender[];
  /** Where the firmware writes behind its blocks: what comes of it. */
  readonly overflows?: OverflowStudy;
}

export interface CompareSettings {
  readonly costChoice: CostChoice;
  /** Sizes to try beside what bisection finds; undefined: the smallest arena is not looked for. */
  readonly scan: number | undefined;
  /** Told before each heap. */
  readonly onHeap?: (heap: string) => void;
}

// --- scenarios --------------------------------------------------------------------------------------------

export function compareScenario(
  scenario: Scenario,
  target: Target,
  seed: number,
  candidates: readonly Candidate[],
  settings: CompareSettings,
): Comparison {
  const sizing =
    settings.scan === undefined
      ? undefined
      : new ScenarioWorkload(scenario, target, seed, settings.costChoice);
  let heapBytes = 0;
  const seen = { overflows: false };
  const contenders = candidates.map((candidate) => {
    settings.onHeap?.(candidate.heap.name);
    return trial(candidate, () => {
      const { contender, arenaBytes, ...more } = scenarioTrial(
        scenario,
        target,
        seed,
        candidate,
        settings.costChoice,
      );
      heapBytes = Math.max(heapBytes, arenaBytes);
      seen.overflows ||= more.overflows;
      return { ...contender, ...smallest(sizing, candidate, settings) };
    });
  });
  return {
    workload: scenario.name,
    kind: 'scenario',
    target: target.name,
    clockHertz: target.clockHertz,
    heapBytes,
    contenders: ranked(contenders),
    ...(seen.overflows && { overflows: overflowStudy(scenario, target, seed, candidates, settings) }),
  };
}

function scenarioTrial(
  scenario: Scenario,
  target: Target,
  seed: number,
  candidate: Candidate,
  costChoice: CostChoice,
): { contender: Contender; arenaBytes: number; overflows: boolean } {
  const { heap, options } = candidate;
  const settings = {
    target,
    heap,
    options,
    seed,
    costChoice,
    cost: costModel(costChoice, heap, target, options),
  };
  const recorder = new Recorder(1);
  const costs = new CallCycles();
  const load = new LoadWatch(surplusOf(candidate, target.alignment));
  let overflows = false;
  const overflowWatch: RunObserver = {
    overflows: () => {
      overflows = true;
    },
  };
  const outcome = run(scenario, settings, [recorder, costs, load, overflowWatch]);
  const result = recorder.result(scenario, settings, outcome);
  const [first] = result.outOfMemory;
  const arenaBytes = result.heap.regions.reduce((sum, region) => sum + region.bytes, 0);
  const contender: Contender = {
    ...identity(candidate),
    ...ended(faultOf(result)),
    outOfMemoryCount: result.outOfMemoryCount,
    ...(first !== undefined && { firstOutOfMemory: first.cycle / target.clockHertz }),
    peakFootprintBytes: arenaBytes - result.minimumEverFreeBytes + result.heap.staticBytes,
    staticBytes: result.heap.staticBytes,
    fragmentation: result.worstFragmentation,
    cost: costOf(settings.cost, costs.byNearestPath),
    p99Cycles: costs.cycles.percentile(0.99),
    worstCycles: costs.cycles.maximum,
    longestSuspensionCycles: result.suspension.longest,
    missedDeadlines: result.missedDeadlines,
    ...bounds(candidate, load.load),
  };
  return { contender, arenaBytes, overflows };
}

class CallCycles implements RunObserver {
  readonly cycles = new IntegerHistogram();
  byNearestPath = 0;

  heapCalled(_kind: string, cycles: number, cost: CostModel): void {
    this.cycles.add(cycles);
    if (cost.byNearestPath) this.byNearestPath++;
  }
}

class LoadWatch implements RunObserver {
  load!: AllocatorLoad;

  constructor(private readonly surplusBytes: number) {}

  booted({ heap }: Board): void {
    this.load ??= new AllocatorLoad(heap, this.surplusBytes);
    this.load.forget();
  }

  allocated(block: Block): void {
    this.load.allocated(block.bytes);
  }

  freed(block: Block): void {
    this.load.freed(block.bytes);
  }
}

// --- traces -----------------------------------------------------------------------------------------------

/** In the heap that the target has room for; without kernel and tasks. */
export function compareTrace(
  workload: TraceWorkload,
  target: Target,
  candidates: readonly Candidate[],
  settings: CompareSettings,
): Comparison {
  let heapBytes = 0;
  const contenders = candidates.map((candidate) => {
    settings.onHeap?.(candidate.heap.name);
    return trial(candidate, () => {
      const { heap, options } = candidate;
      const least = heap.minimumArenaBytes(target.alignment, options);
      const { heapRegions } = memoryPlan(target, heap.staticBytes(options), 'one', least);
      const arenaBytes = heapRegions[0]!.bytes;
      heapBytes = Math.max(heapBytes, arenaBytes);
      const contender = traceTrial(workload, target, candidate, arenaBytes, settings.costChoice);
      return { ...contender, ...smallest(workload, candidate, settings) };
    });
  });
  return {
    workload: workload.name,
    kind: 'trace',
    target: target.name,
    clockHertz: target.clockHertz,
    heapBytes,
    contenders: ranked(contenders),
  };
}

function traceTrial(
  workload: TraceWorkload,
  target: Target,
  candidate: Candidate,
  arenaBytes: number,
  costChoice: CostChoice,
): Contender {
  const { heap, options } = candidate;
  const cost = costModel(costChoice, heap, target, options);
  const costs = new CallCycles();
  const { machine, replay } = workload.replayOn(
    candidate,
    arenaBytes,
    ({ handles, memory }) => new PricedHandles(handles, memory, cost, costs),
  );
  let firstFailure: number | undefined;
  let lowestFree = holesOf(machine.heap).free;
  const load = workload.loadOn(machine.heap, surplusOf(candidate, workload.alignment));
  let ending: RunFault | undefined;
  try {
    replay.run((index, address) => {
      load.operation(index, address);
      if (replay.summary.failures > 0) firstFailure ??= index;
      lowestFree = Math.min(lowestFree, freeBytesOf(machine.heap) ?? arenaBytes);
    });
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    ending = workload.faultAt(replay.summary.operations, fault);
  }
  return {
    ...identity(candidate),
    ...ended(ending),
    outOfMemoryCount: replay.summary.failures,
    ...(firstFailure !== undefined && { firstOutOfMemory: firstFailure }),
    peakFootprintBytes: arenaBytes - lowestFree + heap.staticBytes(options),
    staticBytes: heap.staticBytes(options),
    fragmentation: fragmentationOf(machine.heap),
    cost: costOf(cost, costs.byNearestPath),
    p99Cycles: costs.cycles.percentile(0.99),
    worstCycles: costs.cycles.maximum,
    ...bounds(candidate, load.load),
  };
}

/** Share of free memory outside the largest hole, now. */
function fragmentationOf(heap: HeapView): number {
  const { free, largest } = holesOf(heap);
  return externalFragmentation(free, largest);
}

function holesOf(heap: HeapView): { free: number; largest: number } {
  let free = 0;
  let largest = 0;
  heap.walk((kind, _address, bytes) => {
    if (kind !== 'hole') return;
    free += bytes;
    largest = Math.max(largest, bytes);
  });
  return { free, largest };
}

// --- both -------------------------------------------------------------------------------------------------

function identity({ heap, options }: Candidate): Pick<Contender, 'heap' | 'options'> {
  const own = ownOptions(heap, options);
  return Object.keys(own).length === 0 ? { heap: heap.name } : { heap: heap.name, options: own };
}

/** A heap that the chip has no room for takes part with a note. */
function trial(candidate: Candidate, attempt: () => Contender): Contender {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return {
      ...identity(candidate),
      note: error.problems[0]!.message,
      outOfMemoryCount: 0,
      peakFootprintBytes: 0,
      staticBytes: candidate.heap.staticBytes(candidate.options),
      fragmentation: 0,
      p99Cycles: 0,
      worstCycles: 0,
    };
  }
}

function smallest(
  workload: ScenarioWorkload | TraceWorkload | undefined,
  candidate: Candidate,
  { scan }: CompareSettings,
): Pick<Contender, 'smallestArenaBytes' | 'obstacle'> {
  if (workload === undefined || scan === undefined) return {};
  const { arenaBytes, obstacle } = smallestArena(workload, candidate, { scan, belowOnly: true });
  if (arenaBytes !== undefined) return { smallestArenaBytes: arenaBytes };
  return obstacle === undefined ? {} : { obstacle };
}

function ended(fault: RunFault | undefined): Pick<Contender, 'note' | 'fault'> {
  return fault === undefined ? {} : { note: fault.reason, fault };
}

function costOf({ source, estimated }: CostModel, byNearestPath: number): ContenderCost {
  return { source, estimated, byNearestPath };
}

function surplusOf({ heap, options }: Candidate, alignment: number): number {
  return heap.surplusBytes?.(alignment, options) ?? 0;
}

function bounds({ heap, options }: Candidate, { load, largestLoad }: AllocatorLoad) {
  if (load.largestBytes === 0) return {};
  const row = boundRowOf(heap, options);
  return {
    load,
    ...(row !== undefined && {
      provableBytes: sufficientBytes(row, largestLoad),
      boundFormula: BOUND_FORMULAS[row],
    }),
    lowerBoundBytes: lowerBoundBytes(load),
  };
}

function ranked(contenders: readonly Contender[]): Contender[] {
  return [...contenders].sort(rankOf);
}

/**
 * Below 0 where `a` is better: sound before broken, then by failures, whether deadlines are missed at all, whether
 * any arena would do, RAM, missed deadlines, and the longest time for which all must wait.
 */
export function rankOf(a: Contender, b: Contender): number {
  const [missedByA, missedByB] = [a.missedDeadlines ?? 0, b.missedDeadlines ?? 0];
  return (
    Number(a.note !== undefined) - Number(b.note !== undefined) ||
    a.outOfMemoryCount - b.outOfMemoryCount ||
    Number(missedByA > 0) - Number(missedByB > 0) ||
    Number(a.obstacle !== undefined) - Number(b.obstacle !== undefined) ||
    ramBytes(a) - ramBytes(b) ||
    missedByA - missedByB ||
    longestWait(a) - longestWait(b)
  );
}

/** What it takes: the smallest arena that will do, else what was in use at the peak. */
export function ramBytes({ smallestArenaBytes, staticBytes, peakFootprintBytes }: Contender): number {
  return smallestArenaBytes === undefined ? peakFootprintBytes : smallestArenaBytes + staticBytes;
}

export function longestWait({ longestSuspensionCycles, worstCycles }: Contender): number {
  return longestSuspensionCycles ?? worstCycles;
}
