/**
 * Checks that what a scenario refers to by name exists. Works on the plain YAML value, so that misspelt names
 * are reported together with whatever else is wrong.
 */

import { isMap, type Path, type ProblemAt } from '../input/files.js';
import { nearest } from '../input/index.js';
import { type RawStep, visitHook, visitSteps } from './raw-steps.js';
import { NAME, RESERVED_TASK_NAMES } from './schema/names.js';

/** The steps that put a block under a name; `realloc` where none is there yet, as realloc(NULL) does. */
const HOLDING_STEPS: readonly string[] = ['alloc', 'calloc', 'realloc', 'receive'];
/** The steps that want one to be there; their argument is the name, or a map with it. */
const BLOCK_STEPS: readonly string[] = [
  'free',
  'defer free',
  'lock',
  'unlock',
  'fill',
  'verify',
  'overflow',
  'if allocated',
];
/** The steps about a task, and those of them that may mean the task itself. */
const TASK_STEPS: readonly string[] = ['suspend', 'resume', 'set priority', 'start task', 'delete task'];
const SELF_STEPS: readonly string[] = ['suspend', 'set priority', 'delete task'];

/** A name that a step uses, and where it stands. */
interface Use {
  readonly name: string;
  readonly path: Path;
}

/** Who runs a script: block names are its own. */
interface Owner {
  /** `task "sampler"`. */
  readonly title: string;
  readonly steps: readonly RawStep[];
}

/** All names in a scenario's value that lead nowhere, and tasks started that run already. */
export function nameProblems(value: unknown): ProblemAt[] {
  if (!isMap(value)) return [];
  const owners = [
    ...ownersIn(value, 'tasks', 'task'),
    ...ownersIn(value, 'interrupts', 'interrupt'),
    { title: 'the idle hook', steps: stepsIn(value['idle hook'], ['idle hook']) },
    { title: 'the fullness hook', steps: hookIn(value, 'on fullness') },
  ];
  const hook = hookIn(value, 'on oom');
  const steps = [...owners.flatMap((owner) => owner.steps), ...hook];
  return [
    ...queueProblems(steps, namesOf(value.queues)),
    ...cacheProblems(steps),
    ...taskProblems(steps, isMap(value.tasks) ? value.tasks : {}),
    ...blockProblems(owners, hook, globalsOf(value.globals)),
  ];
}

function ownersIn(value: Record<string, unknown>, key: string, noun: string): Owner[] {
  const owners = value[key];
  if (!isMap(owners)) return [];
  return Object.entries(owners).map(([name, owner]) => ({
    title: `${noun} "${name}"`,
    steps: isMap(owner) ? stepsIn(owner.script, [key, name, 'script']) : [],
  }));
}

function stepsIn(list: unknown, path: Path): RawStep[] {
  const steps: RawStep[] = [];
  visitSteps(list, path, (step) => steps.push(step));
  return steps;
}

function hookIn(value: Record<string, unknown>, key: string): RawStep[] {
  const steps: RawStep[] = [];
  visitHook(value[key], [key], (step) => steps.push(step));
  return steps;
}

function queueProblems(steps: readonly RawStep[], queues: readonly string[]): ProblemAt[] {
  const none = 'a queue listed under "queues", where there is none';
  return steps
    .filter((step) => step.name === 'send' || step.name === 'receive')
    .flatMap((step) => useIn(step, 'queue'))
    .filter((use) => !queues.includes(use.name))
    .map((use) => unknown('queue', use, queues, none));
}

/** A cache may be created by another task than the one that uses or destroys it. */
function cacheProblems(steps: readonly RawStep[]): ProblemAt[] {
  const created = steps
    .filter((step) => step.name === 'cache')
    .flatMap((step) => useIn(step, 'name').map((use) => use.name));
  const names = [...new Set(created)];
  return steps
    .flatMap((step) => {
      if (step.name === 'destroy cache') return useIn(step, 'name');
      return step.name === 'alloc' ? useIn(step, 'from') : [];
    })
    .filter((use) => !names.includes(use.name))
    .map((use) => unknown('cache', use, names, 'a "cache" step of that name'));
}

function taskProblems(steps: readonly RawStep[], tasks: Record<string, unknown>): ProblemAt[] {
  const names = Object.keys(tasks).filter((name) => !RESERVED_TASK_NAMES.includes(name));
  return steps
    .filter((step) => TASK_STEPS.includes(step.name))
    .flatMap((step) => useIn(step, 'task').flatMap((use) => taskProblem(step.name, use, tasks, names)));
}

function taskProblem(
  step: string,
  use: Use,
  tasks: Record<string, unknown>,
  names: readonly string[],
): ProblemAt[] {
  if (use.name === 'self' && SELF_STEPS.includes(step)) return [];
  if (!names.includes(use.name)) return [unknown('task', use, names, 'a task listed under "tasks"')];
  const task = tasks[use.name];
  if (step !== 'start task' || !isMap(task) || task.autostart === false) return [];
  return [
    {
      code: 'contradiction',
      message: `task "${use.name}" runs from the start and cannot be started again`,
      path: use.path,
      expected: '"autostart: false" at that task',
    },
  ];
}

function blockProblems(
  owners: readonly Owner[],
  hook: readonly RawStep[],
  globals: readonly string[],
): ProblemAt[] {
  const hookHeld = heldIn(hook);
  const everywhere = new Set([...owners.flatMap((owner) => heldIn(owner.steps)), ...hookHeld]);
  const heldGlobals = globals.filter((name) => everywhere.has(name));
  const problems = owners.flatMap(({ title, steps }) =>
    unheld(steps, [...heldIn(steps), ...hookHeld, ...heldGlobals], `nothing in ${title}`),
  );
  // The scenario's hook runs in whichever task met the failure.
  return [...problems, ...unheld(hook, [...everywhere], 'nothing in this scenario')];
}

function unheld(steps: readonly RawStep[], held: readonly string[], nobody: string): ProblemAt[] {
  const names = [...new Set(held)];
  return steps
    .flatMap((step) => {
      if (step.name === 'send') return useIn(step, 'block');
      return BLOCK_STEPS.includes(step.name) ? useIn(step, 'name') : [];
    })
    .filter((use) => !names.includes(use.name))
    .map((use) => ({
      code: 'unknown-name',
      message: `${nobody} allocates or receives a block named "${use.name}"`,
      path: use.path,
      expected: names.length === 0 ? 'an "alloc" of that name' : listed(names),
      nearest: nearest(use.name, names),
    }));
}

function heldIn(steps: readonly RawStep[]): string[] {
  return steps
    .filter((step) => HOLDING_STEPS.includes(step.name))
    .flatMap((step) => useIn(step, 'name').map((use) => use.name));
}

/** The name that a step's argument is, or has under `key`. What is no name at all is the schema's business. */
function useIn({ name: step, argument, path }: RawStep, key: string): Use[] {
  const isWhole = (key === 'name' || key === 'task') && typeof argument === 'string';
  const name = isWhole ? argument : isMap(argument) ? argument[key] : undefined;
  if (typeof name !== 'string' || !NAME.test(name)) return [];
  return [{ name, path: isWhole ? [...path, step] : [...path, step, key] }];
}

function unknown(noun: string, use: Use, names: readonly string[], none: string): ProblemAt {
  return {
    code: 'unknown-name',
    message: `unknown ${noun} "${use.name}"`,
    path: use.path,
    expected: names.length === 0 ? none : listed(names),
    nearest: nearest(use.name, names),
  };
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `one of ${names.join(', ')}`;
}

function namesOf(map: unknown): string[] {
  return isMap(map) ? Object.keys(map) : [];
}

function globalsOf(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((name) => typeof name === 'string') : [];
}
