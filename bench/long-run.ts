/** Ten million heap operations in one run: memory must stay flat and time linear. */

import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { findHeap } from '../src/heaps/catalog.js';
import { Recorder } from '../src/inspect/recorder.js';
import { loadScenario } from '../src/scenario/load.js';
import { costModel } from '../src/simulation/cost.js';
import type { RunObserver } from '../src/simulation/events.js';
import { run } from '../src/simulation/run.js';
import { loadTarget } from '../src/targets/load.js';

const SCENARIO = fileURLToPath(new URL('./churn.yaml', import.meta.url));
const OPERATIONS = 10_000_000;
const MARKS = [100_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000];

export interface LongRunMark {
  readonly operations: number;
  readonly seconds: number;
  readonly heapMegabytes: number;
}

/** Time and live JavaScript heap at some points of one run. Wants `--expose-gc` for the memory to be exact. */
export function measureLongRun(): LongRunMark[] {
  const scenario = loadScenario(SCENARIO, { heapNames: ['heap_4'] });
  const heap = findHeap('heap_4')!;
  const target = loadTarget(scenario.target);
  const marks: LongRunMark[] = [];
  const start = process.hrtime.bigint();
  let operations = 0;
  const watcher: RunObserver = {
    heapCalled: () => {
      operations++;
      if (operations !== MARKS[marks.length]) return;
      globalThis.gc?.();
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      marks.push({ operations, seconds, heapMegabytes: process.memoryUsage().heapUsed / 2 ** 20 });
    },
  };
  const settings = {
    target,
    heap,
    options: v.parse(heap.options, {}),
    costChoice: 'auto',
    cost: costModel('auto', heap, target),
    seed: 1,
  } as const;
  run({ ...scenario, length: { kind: 'operations', count: OPERATIONS } }, settings, [
    new Recorder(),
    watcher,
  ]);
  return marks;
}
