/** What a handler may not do: it cannot wait. Works on the plain YAML value, as names are checked. */

import { isMap, type Path, type ProblemAt, readTime } from '../input/files.js';
import { nearest } from '../input/index.js';
import { type RawStep, visitSteps } from './raw-steps.js';

const ALLOWED: readonly string[] = [
  'send',
  'receive',
  'log',
  'compute',
  'alloc',
  'calloc',
  'free',
  'if allocated',
  'choose',
  'repeat',
];

/** What a task may wait for. */
const WAITED_FOR: Readonly<Record<string, string>> = {
  send: 'room in a queue',
  receive: 'a message in a queue',
};

/** Steps of interrupts that only a task can do. */
export function interruptProblems(value: unknown): ProblemAt[] {
  if (!isMap(value) || !isMap(value.interrupts)) return [];
  const problems: ProblemAt[] = [];
  for (const [name, interrupt] of Object.entries(value.interrupts)) {
    if (!isMap(interrupt)) continue;
    visitSteps(interrupt.script, ['interrupts', name, 'script'], (step) => {
      problems.push(...stepProblems(step));
    });
  }
  return problems;
}

function stepProblems({ name, argument, path }: RawStep): ProblemAt[] {
  if (!ALLOWED.includes(name)) {
    return [
      {
        code: 'wrong-value',
        message: `an interrupt cannot "${name}"`,
        path: argument === undefined ? path : [...path, name],
        at: argument === undefined ? 'value' : 'key',
        expected: `one of ${ALLOWED.join(', ')}`,
        nearest: nearest(name, ALLOWED),
      },
    ];
  }
  const until = WAITED_FOR[name];
  return until !== undefined && isMap(argument)
    ? waitProblems(until, argument, [...path, name, 'timeout'])
    : [];
}

function waitProblems(until: string, { timeout }: Record<string, unknown>, path: Path): ProblemAt[] {
  const waits = timeout === 'forever' || (readTime(timeout)?.amount ?? 0) > 0;
  if (!waits) return [];
  const message = `an interrupt cannot wait until there is ${until}`;
  return [{ code: 'contradiction', message, path, expected: 'no "timeout", or 0' }];
}
