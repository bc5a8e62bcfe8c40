/** A scenario with kernel, statistics and event recording, beside the bare replay of the calls it made. */

import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { catalog, findHeap } from '../src/heaps/catalog.js';
import { traitsOf } from '../src/heaps/definition.js';
import { Recorder } from '../src/inspect/recorder.js';
import type { Block } from '../src/scenario/firmware.js';
import { loadScenario } from '../src/scenario/load.js';
import { costModel } from '../src/simulation/cost.js';
import type { RunObserver } from '../src/simulation/events.js';
import { type RunSettings, run } from '../src/simulation/run.js';
import { loadTarget } from '../src/targets/load.js';
import { memoryPlan } from '../src/targets/plan.js';
import { Replay } from '../src/traces/replay.js';
import { replayMachine } from '../src/traces/replay-machine.js';
import { FREE, MALLOC, type Trace } from '../src/traces/trace.js';

const SCENARIO = fileURLToPath(new URL('./churn.yaml', import.meta.url));
const ROUNDS = 5;

export interface ScenarioFigure {
  readonly heap: string;
  readonly operations: number;
  readonly scenarioNanoseconds: number;
  readonly replayNanoseconds: number;
}

/** ns per heap operation, the fastest of some rounds in turn; or why the scenario does not come to its end. */
export function measureScenario(heap: string): ScenarioFigure | { unfit: string } {
  const scenario = loadScenario(SCENARIO, { heapNames: catalog.map(({ name }) => name) });
  const definition = findHeap(heap)!;
  const options = v.parse(definition.options, {});
  const target = loadTarget(scenario.target);
  const settings: RunSettings = {
    target,
    heap: definition,
    options,
    cost: costModel('auto', definition, target),
    costChoice: 'auto',
    seed: 1,
  };
  const calls = new CallTrace();
  const outcome = run(scenario, settings, [calls]);
  if (outcome !== 'finished') return { unfit: `the run ends (${outcome}) after ${calls.length} calls` };
  if (calls.failures > 0) return { unfit: `${calls.failures} requests find no room` };
  const trace = calls.toTrace();
  const { regions: count } = traitsOf(definition, options);
  const regions = memoryPlan(target, definition.staticBytes(options), count).heapRegions;

  let scenarioNanoseconds = Number.POSITIVE_INFINITY;
  let replayNanoseconds = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    scenarioNanoseconds = Math.min(
      scenarioNanoseconds,
      timed(trace.length, () => run(scenario, settings, [new Recorder()])),
    );
    const machine = replayMachine(definition, options, regions, target.alignment);
    const replay = new Replay(machine.handles, machine.memory, trace);
    replayNanoseconds = Math.min(
      replayNanoseconds,
      timed(trace.length, () => replay.run()),
    );
  }
  return { heap, operations: trace.length, scenarioNanoseconds, replayNanoseconds };
}

function timed(operations: number, work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / operations;
}

/** Notes a run's heap calls as a trace. */
class CallTrace implements RunObserver {
  private readonly kinds: number[] = [];
  private readonly ids: number[] = [];
  private readonly bytes: number[] = [];
  failures = 0;

  allocated(block: Block): void {
    this.note(MALLOC, block.serial, block.bytes);
  }

  outOfMemory(_request: unknown, bytes: number): void {
    this.note(MALLOC, 0, bytes);
    this.failures++;
  }

  freed(block: Block): void {
    this.note(FREE, block.serial, 0);
  }

  private note(kind: number, id: number, bytes: number): void {
    this.kinds.push(kind);
    this.ids.push(id);
    this.bytes.push(bytes);
  }

  get length(): number {
    return this.kinds.length;
  }

  toTrace(): Trace {
    const length = this.kinds.length;
    return {
      name: 'churn',
      length,
      kinds: Uint8Array.from(this.kinds),
      ids: Uint32Array.from(this.ids),
      counts: new Uint32Array(length).fill(1),
      bytes: Uint32Array.from(this.bytes),
      idCount: this.ids.reduce((most, id) => Math.max(most, id), 0) + 1,
    };
  }
}
