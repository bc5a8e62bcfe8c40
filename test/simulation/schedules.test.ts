/** The recorded kernel schedules once more, the way a user takes: scenario text, loader, simulation, `--schedule`. */

import { readdirSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { findHeap } from '../../src/heaps/catalog.js';
import { ScheduleLog } from '../../src/report/schedule.js';
import { parseScenario } from '../../src/scenario/load.js';
import { NoCost } from '../../src/simulation/cost.js';
import { run } from '../../src/simulation/run.js';
import { loadTarget } from '../../src/targets/load.js';
import { withOverrides } from '../../src/targets/overrides.js';
import {
  KERNEL_VECTORS,
  readLog,
  readWorkload,
  type Workload,
  type WorkloadStep,
} from '../kernel/workload.js';

const names = readdirSync(KERNEL_VECTORS)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace('.json', ''))
  .sort();

/** Workload time units are tenths of a tick. */
const units = (count: unknown) => `${Number(count) / 10} ticks`;
const ticks = (count: unknown) => (count === -1 ? 'forever' : `${count} ticks`);
const block = (id: unknown) => `b${id}`;

function stepDocument([name, first, second, third]: WorkloadStep): unknown {
  switch (name) {
    case 'compute':
      return { compute: units(first) };
    case 'mark':
      return { log: String(first) };
    case 'delay':
      return { delay: ticks(first) };
    case 'delayUntil':
      return { 'delay until': ticks(first) };
    case 'send':
      return { send: { queue: first, value: second, timeout: ticks(third) } };
    case 'receive':
      return { receive: { queue: first, timeout: ticks(second) } };
    case 'malloc':
      return { alloc: { name: block(first), size: `${second} B` } };
    case 'free':
      return { free: block(first) };
    case 'suspendAll':
      return 'suspend all';
    case 'resumeAll':
      return 'resume all';
    case 'yield':
      return 'yield';
    case 'suspend':
      return { suspend: first };
    case 'resume':
      return { resume: first };
    case 'setPriority':
      return { 'set priority': { task: first, priority: second } };
    case 'delete':
      return { 'delete task': first };
    default:
      throw new Error(`unknown step ${name}`);
  }
}

function document({ name, ticks: length, interrupt, queues, tasks }: Workload): unknown {
  return {
    name,
    target: 'mps2-an385',
    heap: 'heap_4',
    duration: `${length} ticks`,
    queues: Object.fromEntries(queues.map((queue) => [queue.name, { length: queue.length }])),
    ...(interrupt === undefined ? {} : { interrupts: { ISR: interruptDocument(interrupt) } }),
    tasks: Object.fromEntries(
      tasks.map(({ name: task, priority, loop, script, stackWords }) => [
        task,
        { priority, stack: (stackWords ?? 128) * 4, loop, script: script.map(stepDocument) },
      ]),
    ),
  };
}

function interruptDocument({
  firstUnits,
  periodUnits,
  queue,
  value,
  count,
}: NonNullable<Workload['interrupt']>) {
  return {
    first: units(firstUnits),
    period: units(periodUnits),
    ...(count === undefined ? {} : { count }),
    script: [{ send: { queue, value: { from: value, step: 1 } } }],
  };
}

/** Block names must be words in a scenario. */
function withNames(line: string): string {
  return line.replace(
    /^(\d+ (?:malloc|free) \S+) (\d+)/,
    (_, head: string, id: string) => `${head} ${block(id)}`,
  );
}

describe('recorded schedules as scenario files', () => {
  const heap = findHeap('heap_4')!;
  const options = v.parse(heap.options, {});

  it.each(names)('%s', (name) => {
    const workload = readWorkload(name);
    const text = stringify(document(workload));
    const scenario = parseScenario(text, `${name}.yaml`, { heapNames: ['heap_4'] });
    const target = withOverrides(loadTarget(scenario.target), { heapBytes: workload.heapBytes });
    const lines: string[] = [];
    run(scenario, { target, heap, options, costChoice: 'none', cost: new NoCost(), seed: 1 }, [
      new ScheduleLog((line) => lines.push(line)),
    ]);
    expect(lines).toEqual(readLog(name).map(withNames));
  });
});
