/** The recorded kernel schedules as a TypeScript scenario would make them: every call of the task object. */

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Block, defineScenario, type Patience, type Script, type TaskCalls } from '../../src/index.js';
import {
  KERNEL_VECTORS,
  readLog,
  readWorkload,
  type Workload,
  type WorkloadStep,
} from '../kernel/workload.js';
import { ran } from '../scenario/running.js';

const names = readdirSync(KERNEL_VECTORS)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace('.json', ''))
  .sort();

/** Workload time units are tenths of a tick. */
const units = (count: unknown) => `${Number(count) / 10} ticks` as const;
const ticks = (count: unknown): Patience => (count === -1 ? 'forever' : `${Number(count)} ticks`);

/** Blocks belong to no task there: whoever has the number may free it. */
type Blocks = Map<unknown, Block | undefined>;

function* perform(task: TaskCalls, [name, first, second, third]: WorkloadStep, blocks: Blocks): Script {
  switch (name) {
    case 'compute':
      return yield* task.compute(units(first));
    case 'mark':
      return yield* task.log(first!);
    case 'delay':
      return yield* task.delay(`${Number(first)} ticks`);
    case 'delayUntil':
      return yield* task.delayUntil(`${Number(first)} ticks`);
    case 'send':
      yield* task.send(String(first), Number(second), ticks(third));
      return;
    case 'receive':
      yield* task.receiveNumber(String(first), ticks(second));
      return;
    case 'malloc':
      blocks.set(first, yield* task.malloc(Number(second), String(first)));
      return;
    case 'free':
      return yield* task.free(blocks.get(first));
    case 'suspendAll':
      return yield* task.suspendAll();
    case 'resumeAll':
      return yield* task.resumeAll();
    case 'yield':
      return yield* task.yield();
    case 'suspend':
      return yield* task.suspend(String(first));
    case 'resume':
      return yield* task.resume(String(first));
    case 'setPriority':
      return yield* task.setPriority(String(first), Number(second));
    case 'delete':
      return yield* task.deleteTask(String(first));
    default:
      throw new Error(`unknown step ${name}`);
  }
}

function scenarioOf({ name, ticks: length, interrupt, queues, tasks }: Workload) {
  const blocks: Blocks = new Map();
  let value = interrupt?.value ?? 0;
  return defineScenario<string, string>({
    name,
    target: 'mps2-an385',
    heap: 'heap_4',
    duration: `${length} ticks`,
    queues: Object.fromEntries(queues.map((queue) => [queue.name, { length: queue.length }])),
    ...(interrupt !== undefined && {
      interrupts: {
        ISR: {
          first: units(interrupt.firstUnits),
          period: units(interrupt.periodUnits),
          ...(interrupt.count !== undefined && { count: interrupt.count }),
          *script(handler) {
            yield* handler.send(interrupt.queue, value++);
          },
        },
      },
    }),
    tasks: Object.fromEntries(
      tasks.map(({ name: task, priority, loop, script, stackWords }) => [
        task,
        {
          priority,
          stack: (stackWords ?? 128) * 4,
          loop,
          *script(calls) {
            for (const step of script) yield* perform(calls, step, blocks);
          },
        },
      ]),
    ),
  });
}

describe('recorded schedules as code', () => {
  it.each(names)('%s', (name) => {
    const workload = readWorkload(name);
    const { schedule } = ran(scenarioOf(workload), { heapBytes: workload.heapBytes });
    expect(schedule).toEqual(readLog(name));
  });
});
