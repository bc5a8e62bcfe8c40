/** What a scenario asks of a target that it cannot give: found before anything runs. */

import type { Problem } from '../input/index.js';
import type { Clock } from '../mcu/index.js';
import type { Scenario, Task } from '../scenario/scenario.js';
import { toTicks } from '../scenario/times.js';
import type { Target } from '../targets/target.js';

/** All of it, in the order of the tasks. */
export function infeasibilities(scenario: Scenario, target: Target, clock: Clock): Problem[] {
  return scenario.tasks.flatMap((task) => [
    ...priorityProblems(task, scenario, target),
    ...periodProblems(task, scenario, clock),
    ...stackProblems(task, scenario),
  ]);
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

function stackProblems({ name, stackBytes, at }: Task, { file }: Scenario): Problem[] {
  if (stackBytes !== 0) return [];
  return [
    { code: 'contradiction', message: `task ${name} has no stack`, file, start: at, expected: 'some bytes' },
  ];
}
