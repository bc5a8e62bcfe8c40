/** From what somebody wrote, in whichever form, to a scenario: all of it checked, all problems together. */

import type * as v from 'valibot';
import { byPlace, type Path, type Source, validate, valueAt } from '../input/files.js';
import { beginningWith, nearest, type Position, type Problem, UserError } from '../input/index.js';
import { loadFullness, loadPolicy, loadSteps, type StepPlace } from './load-steps.js';
import type { Expectations, Interrupt, Queue, Scenario, Task } from './scenario.js';
import { type ScenarioDocument, scenarioSchema } from './schema/scenario.js';

/** What only the caller knows. */
export interface LoadOptions {
  readonly heapNames: readonly string[];
  /** If given, a target that is no path must be one of these. */
  readonly targetNames?: readonly string[];
  /** If given, the schema of a heap's options, so that wrong ones are found where they stand. */
  readonly heapOptions?: (heap: string) => v.GenericSchema | undefined;
}

/** A scenario as written, as the plain data of a YAML file. */
export interface ScenarioSource extends Source {
  readonly file: string;
  readonly text: string;
  /** Where the value at `path` begins. */
  position(path: Path): Position;
  /** Where its key does. */
  keyPosition(path: Path): Position;
}

/**
 * `found`: what is wrong beyond what can be told from the value itself; `options`: undefined where heap and
 * target are nobody's business yet.
 *
 * @throws UserError
 */
export function assemble(
  source: ScenarioSource,
  options: LoadOptions | undefined,
  found: readonly Problem[] = [],
): Scenario {
  const { output, problems } = validate(source, scenarioSchema);
  const outside =
    options === undefined ? [] : [...heapProblems(source, options), ...targetProblems(source, options)];
  const all = [...found, ...problems, ...outside];
  if (output === undefined || all.length > 0) throw new UserError(byPlace(all));
  return assembled(output, source);
}

function heapProblems(source: ScenarioSource, { heapNames, heapOptions }: LoadOptions): readonly Problem[] {
  const heap = valueAt(source.value, ['heap']);
  const path = typeof heap === 'string' ? ['heap'] : ['heap', 'name'];
  const name = valueAt(source.value, path);
  if (typeof name !== 'string') return [];
  if (!heapNames.includes(name)) {
    const message = `unknown heap "${name}"`;
    const expected = 'one of those that `heaplab heaps` lists';
    return [
      source.problem({ code: 'unknown-name', message, path, expected, nearest: nearest(name, heapNames) }),
    ];
  }
  const schema = heapOptions?.(name);
  const given = ['heap', 'options'];
  return schema !== undefined && valueAt(source.value, given) !== undefined
    ? validate(source, schema, given).problems
    : [];
}

function targetProblems(source: ScenarioSource, { targetNames }: LoadOptions): readonly Problem[] {
  const path = ['target'];
  const target = valueAt(source.value, path);
  const isPath = typeof target !== 'string' || /\.ya?ml$|[/\\]/.test(target);
  if (isPath || targetNames === undefined || targetNames.includes(target)) return [];
  const begun = beginningWith(target, targetNames);
  const known = begun.length === 0 ? 'those that `heaplab targets` lists' : begun.join(', ');
  const expected = `one of ${known}, or the path of a profile, ending in .yaml`;
  const near = nearest(target, targetNames) ?? (begun.length === 1 ? begun[0] : undefined);
  return [
    source.problem({
      code: 'unknown-name',
      message: `unknown target "${target}"`,
      path,
      expected,
      nearest: near,
    }),
  ];
}

function assembled(document: ScenarioDocument, source: ScenarioSource): Scenario {
  const place: StepPlace = { source, path: [], timeout: 'forever' };
  const fullness = document['on fullness'];
  return {
    file: source.file,
    source: source.text,
    name: document.name,
    description: document.description,
    target: document.target,
    targetAt: source.position(['target']),
    heap: document.heap,
    length: document.duration,
    seed: document.seed,
    globals: document.globals,
    queues: queuesOf(document, source),
    interrupts: interruptsOf(document, source),
    tasks: tasksOf(document, source),
    idleHook: loadSteps(document['idle hook'], { ...place, path: ['idle hook'] }),
    onOom: loadPolicy(document['on oom'], { ...place, path: ['on oom'] }),
    ...(fullness !== undefined && {
      onFullness: loadFullness(fullness, { ...place, path: ['on fullness'] }),
    }),
    expect: expectationsOf(document.expect),
  };
}

function queuesOf({ queues }: ScenarioDocument, source: ScenarioSource): Queue[] {
  return Object.entries(queues).map(([name, queue]) => ({
    name,
    length: queue.length,
    itemBytes: queue['item size'],
    at: source.keyPosition(['queues', name]),
  }));
}

function interruptsOf({ interrupts }: ScenarioDocument, source: ScenarioSource): Interrupt[] {
  return Object.entries(interrupts).map(([name, { first, period, count, script }]) => {
    const path = ['interrupts', name];
    const place: StepPlace = {
      source,
      path: [...path, 'script'],
      timeout: { amount: 0, unit: 'seconds' },
    };
    return {
      name,
      first: first ?? period,
      period,
      ...(count !== undefined && { count }),
      script: loadSteps(script, place),
      at: source.keyPosition(path),
    };
  });
}

function tasksOf({ tasks }: ScenarioDocument, source: ScenarioSource): Task[] {
  return Object.entries(tasks).map(([name, { stack, script, ...rest }]) => ({
    name,
    ...rest,
    ...(stack !== undefined && { stackBytes: stack }),
    script: loadSteps(script, { source, path: ['tasks', name, 'script'], timeout: 'forever' }),
    at: source.keyPosition(['tasks', name]),
  }));
}

function expectationsOf(expect: ScenarioDocument['expect']): Expectations {
  return {
    outcome: expect.outcome,
    resets: expect.resets,
    oom: expect.oom,
    missedDeadlines: expect['missed deadlines'],
    minimumEverFreeBytes: expect['minimum ever free'],
    fragmentation: expect.fragmentation,
    longestSuspension: expect['longest suspension'],
  };
}
