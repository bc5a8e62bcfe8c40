/** What a scenario asks of a target that it cannot give: found before anything runs. */

import { formatSeconds, type Position, type Problem } from '../input/index.js';
import type { Clock } from '../mcu/index.js';
import type { Scenario, Task } from '../scenario/scenario.js';
import { lessThanATick, toTicks } from '../scenario/times.js';
import type { Target } from '../targets/target.js';
import { waitsOf } from './waits.js';

/** What is wrong, and where it stands if that is known. */
interface Infeasibility {
  readonly message: string;
  readonly at: Position | undefined;
  readonly expected: string;
}

/** All of it: by task, then what scripts wait for. */
export function infeasibilities(scenario: Scenario, target: Target, clock: Clock): Problem[] {
  const found = [
    ...scenario.tasks.flatMap((task) => [
      ...priorityProblems(task, target),
      ...periodProblems(task, clock),
      ...stackProblems(task),
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

function stackProblems({ name, stackBytes, at }: Task): Infeasibility[] {
  return stackBytes === 0 ? [{ message: `task ${name} has no stack`, at, expected: 'some bytes' }] : [];
}

function waitProblems(scenario: Scenario, clock: Clock): Infeasibility[] {
  return waitsOf(scenario).flatMap(({ what, wait, at }) => {
    const problem = lessThanATick(wait, clock);
    if (problem === undefined) return [];
    return [{ message: `"${what}": ${problem.message}`, at, expected: problem.expected }];
  });
}
