/** What a scenario asks of a target that it cannot give: found before anything runs. */

import { formatBytes, type Problem, UserError } from '../input/index.js';
import { Clock } from '../mcu/index.js';
import type { Queue, Scenario, Task } from '../scenario/scenario.js';
import { toTicks } from '../scenario/times.js';
import { memoryPlan } from '../targets/plan.js';
import type { Target } from '../targets/target.js';
import type { BoardConfig } from './board.js';

/**
 * Refuses what can only fail. `file` is to blame where the target has no room for the heap; nobody if absent,
 * because flags may have a part in it.
 *
 * @throws UserError
 */
export function assertFeasible(scenario: Scenario, device: Omit<BoardConfig, 'cost'>, file?: string): void {
  const { target, heap, options } = device;
  const problems = infeasibilities(scenario, target);
  if (problems.length > 0) throw new UserError(problems);
  try {
    memoryPlan(target, heap.staticBytes(options), heap.regions);
  } catch (error) {
    if (file === undefined || !(error instanceof UserError)) throw error;
    throw new UserError(error.problems.map((problem) => ({ ...problem, file })));
  }
}

/** All of it, in the order of the queues and the tasks. */
function infeasibilities(scenario: Scenario, target: Target): Problem[] {
  const clock = new Clock(target.clockHertz, target.tickHertz);
  const queues = scenario.queues.flatMap((queue) => queueProblems(queue, scenario, target));
  const tasks = scenario.tasks.flatMap((task) => [
    ...priorityProblems(task, scenario, target),
    ...periodProblems(task, scenario, clock),
    ...stackProblems(task, scenario, target),
  ]);
  return [...queues, ...tasks];
}

function queueProblems(
  { name, length, itemBytes, at }: Queue,
  { file }: Scenario,
  target: Target,
): Problem[] {
  const bytes = target.kernel.queueBytes + length * itemBytes;
  return staticProblems(`queue ${name} takes ${formatBytes(bytes)}`, bytes, { file, start: at }, target);
}

/** What comes from the heap just finds no room there; what is static would not even link. */
function staticProblems(
  message: string,
  bytes: number,
  place: Pick<Problem, 'file' | 'start'>,
  target: Target,
): Problem[] {
  const ramBytes = target.regions.reduce((sum, region) => sum + region.bytes, 0);
  if (target.kernel.objectsFromHeap || bytes <= ramBytes) return [];
  const all = `${target.name} has ${formatBytes(ramBytes)} of RAM`;
  const expected = `at most ${formatBytes(ramBytes)}, or objects from the heap`;
  return [{ code: 'contradiction', message: `${message}, but ${all}`, ...place, expected }];
}

function priorityProblems({ name, priority, at }: Task, { file }: Scenario, target: Target): Problem[] {
  const highest = target.kernel.priorities - 1;
  if (priority <= highest) return [];
  const message = `task ${name} has priority ${priority}, but ${target.name} has only 0 to ${highest}`;
  return [{ code: 'contradiction', message, file, start: at, expected: `at most ${highest}` }];
}

/** FreeRTOS asserts in xTaskDelayUntil when a period comes to no tick at all. */
function periodProblems({ name, period, at }: Task, { file }: Scenario, clock: Clock): Problem[] {
  if (period === undefined || toTicks(period, clock) >= 1) return [];
  const message = `the period of task ${name} is shorter than a tick`;
  return [
    { code: 'contradiction', message, file, start: at, expected: `at least ${1000 / clock.tickHertz} ms` },
  ];
}

function stackProblems({ name, stackBytes, at }: Task, { file }: Scenario, target: Target): Problem[] {
  const place = { file, start: at };
  if (stackBytes === 0) {
    const message = `task ${name} has no stack`;
    return [{ code: 'contradiction', message, ...place, expected: 'some bytes' }];
  }
  const bytes = stackBytes ?? target.kernel.idleStackBytes;
  return staticProblems(`the stack of task ${name} takes ${formatBytes(bytes)}`, bytes, place, target);
}
