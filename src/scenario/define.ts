/**
 * All that a scenario in TypeScript needs: what its file imports from `heaplab`, by type and at run time. The
 * library exports the same.
 */

import { fileURLToPath } from 'node:url';
import type { Position } from '../input/index.js';
import { type DescriptionPlace, describedScenario, scriptIn } from './described.js';
import type { ScenarioDescription } from './description.js';
import type { Scenario } from './scenario.js';

export type { HeapStats } from '../heaps/heap.js';
export type { Call, InterruptCalls, Script, ScriptRandom, TaskCalls, Waiting } from './calls.js';
export type {
  ExpectationsDescription,
  FullnessDescription,
  InterruptDescription,
  OomDescription,
  QueueDescription,
  ScenarioDescription,
  TaskDescription,
} from './description.js';
export type { Block } from './firmware.js';
export type { DistributionOf, Drawn, Patience, Size, Time } from './quantity-texts.js';

/**
 * A scenario whose scripts are generator functions. Names of queues and tasks are checked where scripts use
 * them.
 *
 * @throws UserError with all that the compiler cannot find wrong
 */
export function defineScenario<const Queue extends string = never, const Task extends string = never>(
  description: ScenarioDescription<Queue, Task>,
): Scenario {
  const place = callerOf(defineScenario);
  return describedScenario(description, place, undefined, (path) => scriptIn(description, path));
}

/** The place in a program from which `callee` is called. */
function callerOf(callee: (...values: never[]) => unknown): DescriptionPlace {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callee);
  const [, where, line, column] = /^\s*at (?:.*?\()?(.*?):(\d+):(\d+)\)?$/m.exec(holder.stack ?? '') ?? [];
  const start: Position = { line: Number(line ?? 1), column: Number(column ?? 1) };
  return { file: pathOf(where ?? 'scenario'), text: '', range: () => ({ start }) };
}

function pathOf(where: string): string {
  return where.startsWith('file:') ? fileURLToPath(where) : where;
}
