/**
 * What would have saved a failed request: not guessed but tried. The same run is made again on every other
 * heap, with more RAM, and with the blockers released in time.
 */

import * as v from 'valibot';
import { catalog, type HeapDefinition, type HeapOptions } from '../heaps/catalog.js';
import { UserError } from '../input/index.js';
import { analyse } from '../inspect/analysis.js';
import { Recorder } from '../inspect/recorder.js';
import type { OutOfMemoryEvent, RunResult } from '../inspect/result.js';
import type { Scenario } from '../scenario/scenario.js';
import { costModel } from '../simulation/cost.js';
import { type RunSettings, run } from '../simulation/run.js';
import type { Target } from '../targets/target.js';
import { smallestPassing } from './smallest.js';

/** One attempt. */
export interface Remedy {
  readonly kind: 'as it was' | 'heap' | 'RAM' | 'release';
  /** `heap_4`, `+1,024 B`, `3 blocks of sampler released in time`. */
  readonly what: string;
  /** Whether this request succeeds then. */
  readonly saved: boolean;
  /** Out-of-memory events of the whole run then. */
  readonly outOfMemoryCount: number;
  /** Bytes for heap and statics together, beyond what the run had. */
  readonly extraBytes: number;
  readonly minimumEverFreeBytes: number;
  /** Of malloc, in cycles. */
  readonly mallocP99Cycles: number;
  readonly longestSuspensionCycles: number;
  readonly missedDeadlines: number;
  /** Why it could not be tried: no room on the chip, no size that passes. */
  readonly note?: string;
}

/** Beyond this many times the heap's size no more RAM is tried. */
const MAXIMUM_GROWTH = 8;

/** `settings`: those of the run that `result` came from. */
export function remedies(
  scenario: Scenario,
  settings: RunSettings,
  result: RunResult,
  event: OutOfMemoryEvent,
): Remedy[] {
  const base = footprint(result);
  const others = catalog.filter((heap) => heap.name !== settings.heap.name);
  return [
    remedy('as it was', settings.heap.name, result, event, base),
    ...others.map((heap) => tryHeap(scenario, settings, heap, event, base)),
    tryMoreRam(scenario, settings, result, event, base),
    ...tryRelease(scenario, settings, result, event, base),
  ];
}

function tryHeap(
  scenario: Scenario,
  settings: RunSettings,
  heap: HeapDefinition,
  event: OutOfMemoryEvent,
  baseBytes: number,
): Remedy {
  const options = v.parse(heap.options, {}) as HeapOptions;
  const cost = costModel(settings.costChoice, heap, settings.target);
  return attempt('heap', heap.name, event, baseBytes, () =>
    record(scenario, { ...settings, heap, options, cost }),
  );
}

/** The smallest heap of the same kind with which the whole run passes; RAM grows with it. */
function tryMoreRam(
  scenario: Scenario,
  settings: RunSettings,
  result: RunResult,
  event: OutOfMemoryEvent,
  baseBytes: number,
): Remedy {
  const bytes = result.heap.regions[0]!.bytes;
  const { alignment } = settings.target;
  const passes = (size: number) =>
    !failsWith(scenario, { ...settings, target: enlarged(settings.target, bytes, size) });
  const smallest = smallestPassing(bytes + alignment, bytes * MAXIMUM_GROWTH, alignment, passes);
  if (smallest === undefined) {
    const note = `no size up to ${MAXIMUM_GROWTH} times as much passes`;
    return { ...remedy('RAM', 'more RAM', result, event, baseBytes), saved: false, note };
  }
  const target = enlarged(settings.target, bytes, smallest);
  return attempt('RAM', 'more RAM', event, baseBytes, () => record(scenario, { ...settings, target }));
}

/** The chip with a heap of `size` instead of `bytes`, and as much more RAM. */
function enlarged(target: Target, bytes: number, size: number): Target {
  const regions = target.regions.map((region, index) => {
    // Kept in words: a region ends at one.
    return index === 0 ? { ...region, bytes: region.bytes + Math.ceil((size - bytes) / 4) * 4 } : region;
  });
  return { ...target, regions, heapBytes: size };
}

/** Whether the run meets an out-of-memory event; ends at the first one. */
function failsWith(scenario: Scenario, settings: RunSettings): boolean {
  let failed = false;
  const watcher = {
    outOfMemory: () => {
      failed = true;
    },
  };
  run(scenario, { ...settings, stopAtFirstFailure: true }, [watcher]);
  return failed;
}

/** The blockers freed just before the request, as their owner could have done. */
function tryRelease(
  scenario: Scenario,
  settings: RunSettings,
  result: RunResult,
  event: OutOfMemoryEvent,
  baseBytes: number,
): Remedy[] {
  const { blockers } = analyse(result, event);
  if (blockers === undefined || blockers.blocks.length === 0) return [];
  const serials = blockers.blocks.flatMap((block) => (block.serial === undefined ? [] : [block.serial]));
  const owners = [...new Set(blockers.blocks.map((block) => block.owner ?? 'unknown'))].join(', ');
  const count = serials.length === 1 ? '1 block' : `${serials.length} blocks`;
  const release = { operation: event.operation, serials };
  return [
    attempt('release', `${count} of ${owners} released`, event, baseBytes, () =>
      record(scenario, { ...settings, release }),
    ),
  ];
}

function record(scenario: Scenario, settings: RunSettings): RunResult {
  const recorder = new Recorder();
  const outcome = run(scenario, settings, [recorder]);
  return recorder.result(scenario, settings, outcome);
}

/** Runs it, and notes why where that is impossible. */
function attempt(
  kind: Remedy['kind'],
  what: string,
  event: OutOfMemoryEvent,
  baseBytes: number,
  make: () => RunResult,
): Remedy {
  try {
    return remedy(kind, what, make(), event, baseBytes);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...IMPOSSIBLE, kind, what, note: error.problems[0]!.message };
  }
}

const IMPOSSIBLE = {
  saved: false,
  outOfMemoryCount: 0,
  extraBytes: 0,
  minimumEverFreeBytes: 0,
  mallocP99Cycles: 0,
  longestSuspensionCycles: 0,
  missedDeadlines: 0,
};

function remedy(
  kind: Remedy['kind'],
  what: string,
  result: RunResult,
  event: OutOfMemoryEvent,
  baseBytes: number,
): Remedy {
  return {
    kind,
    what,
    saved: kind !== 'as it was' && succeeded(result, event),
    outOfMemoryCount: result.outOfMemoryCount,
    extraBytes: footprint(result) - baseBytes,
    minimumEverFreeBytes: result.minimumEverFreeBytes,
    mallocP99Cycles: result.malloc.cycles.p99,
    longestSuspensionCycles: result.suspension.longest,
    missedDeadlines: result.missedDeadlines,
  };
}

/** Whether no request from the same line failed up to the moment at which this one did. */
function succeeded(result: RunResult, event: OutOfMemoryEvent): boolean {
  return !result.outOfMemory.some(
    (other) => other.at?.line === event.at?.line && other.label === event.label && other.cycle <= event.cycle,
  );
}

function footprint({ heap }: RunResult): number {
  return heap.staticBytes + heap.regions.reduce((sum, region) => sum + region.bytes, 0);
}
