/** What the scripts of a scenario wait for: times that become ticks as soon as there is a target. */

import type { Duration, Position } from '../input/index.js';
import type { OomPolicy, Scenario, Step, TaskScript, Timeout } from '../scenario/scenario.js';

export interface Wait {
  /** The key that it is written under. */
  readonly what: string;
  readonly wait: Duration;
  readonly at: Position | undefined;
}

/** Constant times only, in the order of the file. Code says what it waits for when it runs. */
export function waitsOf(scenario: Scenario): Wait[] {
  return [
    ...waitsIn(scenario.idleHook),
    ...policyWaits(scenario.onOom, undefined),
    ...scenario.tasks.flatMap((task) => waitsIn(task.script)),
  ];
}

function waitsIn(script: TaskScript): Wait[] {
  return typeof script === 'function' ? [] : script.flatMap(stepWaits);
}

function stepWaits(step: Step): Wait[] {
  const { at } = step;
  switch (step.kind) {
    case 'delay':
      return step.time.kind === 'constant' ? [{ what: 'delay', wait: step.time.value, at }] : [];
    case 'delay-until':
      return [{ what: 'delay until', wait: step.period, at }];
    case 'send':
    case 'receive':
      return timeoutWaits(step.timeout, at);
    case 'repeat':
      return waitsIn(step.steps);
    case 'choose':
      return step.branches.flatMap(({ steps }) => waitsIn(steps));
    case 'if-allocated':
      return [...waitsIn(step.then), ...waitsIn(step.otherwise)];
    case 'alloc':
    case 'calloc':
    case 'realloc':
    case 'churn':
      return step.onOom === undefined ? [] : policyWaits(step.onOom, at);
    default:
      return [];
  }
}

function timeoutWaits(timeout: Timeout, at: Position): Wait[] {
  return timeout === 'forever' ? [] : [{ what: 'timeout', wait: timeout, at }];
}

function policyWaits(policy: OomPolicy, at: Position | undefined): Wait[] {
  if (policy.kind === 'retry') return [{ what: 'retry', wait: policy.delay, at }];
  return policy.kind === 'hook' ? waitsIn(policy.script) : [];
}
