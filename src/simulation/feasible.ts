/** What a scenario asks of a target that it cannot give: found before anything runs. */

import { traitsOf } from '../heaps/definition.js';
import { formatBytes, formatSeconds, type Position, type Problem, UserError } from '../input/index.js';
import { Clock } from '../mcu/index.js';
import type { Queue, Scenario, Task } from '../scenario/scenario.js';
import { lessThanATick, toTicks } from '../scenario/times.js';
import { memoryPlan } from '../targets/plan.js';
import type { Target } from '../targets/target.js';
import type { BoardConfig } from './board.js';
import { waitsOf } from './waits.js';

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
    const least = heap.minimumArenaBytes(target.alignment, options);
    memoryPlan(target, heap.staticBytes(options), traitsOf(heap, options).regions, least);
  } catch (error) {
    if (file === undefined || !(error instanceof UserError)) throw error;
    throw new UserError(error.problems.map((problem) => ({ ...problem, file })));
  }
}

/** What is wrong, and where it stands if that is known. */
interface Infeasibility {
  readonly message: string;
  readonly at: Position | undefined;
  readonly expected: string;
}

/** All of it: by queue, by task, then what scripts wait for. */
export function infeasibilities(scenario: Scenario, target: Target): Problem[] {
  const clock = new Clock(target.clockHertz, target.tickHertz);
  const found = [
    ...scenario.queues.flatMap((queue) => queueProblems(queue, target)),
    ...scenario.tasks.flatMap((task) => [
      ...priorityProblems(task, target),
      ...periodProblems(task, clock),
      ...stackProblems(task, target),
    ]),
    ...waitProblems(scenario, clock),
  ];
  const { file, source } = scenario;
  return found.map(({ message, at, expected }) => ({
    code: 'contradiction',
    message,
    file,
    expected,
    ...(at !== undefined && { start: at }),
    ...(source !== '' && { source }),
  }));
}

function queueProblems({ name, length, itemBytes, at }: Queue, target: Target): Infeasibility[] {
  const bytes = target.kernel.queueBytes + length * itemBytes;
  return staticProblems(`queue ${name} takes ${formatBytes(bytes)}`, bytes, at, target);
}

/** What comes from the heap just finds no room there; what is static would not even link. */
function staticProblems(
  message: string,
  bytes: number,
  at: Position | undefined,
  target: Target,
): Infeasibility[] {
  const ramBytes = target.regions.reduce((sum, region) => sum + region.bytes, 0);
  if (target.kernel.objectsFromHeap || bytes <= ramBytes) return [];
  const all = `${target.name} has ${formatBytes(ramBytes)} of RAM`;
  const expected = `at most ${formatBytes(ramBytes)}, or objects from the heap`;
  return [{ message: `${message}, but ${all}`, at, expected }];
}

function priorityProblems({ name, priority, at }: Task, target: Target): Infeasibility[] {
  const highest = target.kernel.priorities - 1;
  if (priority <= highest) return [];
  const message = `task ${name} has priority ${priority}, but ${target.name} has only 0 to ${highest}`;
  return [{ message, at, expected: `at most ${highest}` }];
}

/** FreeRTOS asserts in xTaskDelayUntil when a period comes to no tick at all. */
function periodProblems({ name, period, at }: Task, clock: Clock): Infeasibility[] {
  if (period === undefined || toTicks(period, clock) >= 1) return [];
  const message = `the period of task ${name} is shorter than a tick`;
  return [{ message, at, expected: `at least ${formatSeconds(1 / clock.tickHertz)}` }];
}

function stackProblems({ name, stackBytes, at }: Task, target: Target): Infeasibility[] {
  if (stackBytes === 0) return [{ message: `task ${name} has no stack`, at, expected: 'some bytes' }];
  const bytes = stackBytes ?? target.kernel.idleStackBytes;
  return staticProblems(`the stack of task ${name} takes ${formatBytes(bytes)}`, bytes, at, target);
}

function waitProblems(scenario: Scenario, clock: Clock): Infeasibility[] {
  return waitsOf(scenario).flatMap(({ what, wait, at }) => {
    const problem = lessThanATick(wait, clock);
    if (problem === undefined) return [];
    return [{ message: `"${what}": ${problem.message}`, at, expected: problem.expected }];
  });
}
