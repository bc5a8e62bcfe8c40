/** For tests: runs a scenario on its own target and says what happened, a line per event. */

import * as v from 'valibot';
import { findHeap } from '../../src/heaps/catalog.js';
import { Recorder } from '../../src/inspect/recorder.js';
import type { RunResult } from '../../src/inspect/result.js';
import { ScheduleLog } from '../../src/report/schedule.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import { type CostChoice, costModel } from '../../src/simulation/cost.js';
import { run } from '../../src/simulation/run.js';
import { loadTarget } from '../../src/targets/load.js';
import { type TargetOverrides, withOverrides } from '../../src/targets/overrides.js';

export interface Variation extends TargetOverrides {
  readonly cost?: CostChoice;
  readonly seed?: number;
  readonly heap?: string;
  readonly heapOptions?: Readonly<Record<string, unknown>>;
  /** Whether the heap is checked after every call. */
  readonly checks?: boolean;
}

export interface Ran {
  readonly schedule: string[];
  readonly result: RunResult;
}

export function ran(scenario: Scenario, variation: Variation = {}): Ran {
  const {
    cost = 'none',
    seed = scenario.seed,
    heap: name = scenario.heap.name,
    heapOptions = scenario.heap.options,
    checks = false,
    ...overrides
  } = variation;
  const heap = findHeap(name)!;
  const target = withOverrides(loadTarget(scenario.target), overrides);
  const settings = {
    target,
    heap,
    options: v.parse(heap.options, heapOptions),
    costChoice: cost,
    cost: costModel(cost, heap, target),
    seed,
    checkEveryCall: checks,
  };
  const schedule: string[] = [];
  const recorder = new Recorder();
  const outcome = run(scenario, settings, [recorder, new ScheduleLog((line) => schedule.push(line))]);
  return { schedule, result: recorder.result(scenario, settings, outcome) };
}
