/** Reads a scenario's file: all of it checked, all problems together, and the result plain data. */

import type * as v from 'valibot';
import { byPlace, validate, valueAt, YamlFile } from '../input/files.js';
import { nearest, type Problem, UserError } from '../input/index.js';
import { interruptProblems } from './interrupt-rules.js';
import { loadPolicy, loadSteps, type StepPlace } from './load-steps.js';
import { nameProblems } from './names.js';
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

/** @throws UserError with everything that is wrong with the file */
export function loadScenario(path: string, options: LoadOptions): Scenario {
  return scenarioOf(YamlFile.read(path), options);
}

/** The same for a text; `file` is the name under which problems are reported. @throws UserError */
export function parseScenario(text: string, file: string, options: LoadOptions): Scenario {
  return scenarioOf(new YamlFile(file, text), options);
}

function scenarioOf(file: YamlFile, options: LoadOptions): Scenario {
  if (file.value === undefined) throw new UserError(byPlace(file.problems));
  const { output, problems } = validate(file, scenarioSchema);
  const named = [...nameProblems(file.value), ...interruptProblems(file.value)];
  const all = [
    ...file.problems,
    ...problems,
    ...named.map((problem) => file.problem(problem)),
    ...heapProblems(file, options),
    ...targetProblems(file, options),
  ];
  if (output === undefined || all.length > 0) throw new UserError(byPlace(all));
  return assembled(output, file);
}

function heapProblems(file: YamlFile, { heapNames, heapOptions }: LoadOptions): readonly Problem[] {
  const heap = valueAt(file.value, ['heap']);
  const path = typeof heap === 'string' ? ['heap'] : ['heap', 'name'];
  const name = valueAt(file.value, path);
  if (typeof name !== 'string') return [];
  if (!heapNames.includes(name)) {
    const message = `unknown heap "${name}"`;
    const expected = 'one of those that `heaplab heaps` lists';
    return [
      file.problem({ code: 'unknown-name', message, path, expected, nearest: nearest(name, heapNames) }),
    ];
  }
  const schema = heapOptions?.(name);
  const given = ['heap', 'options'];
  return schema !== undefined && file.has(given) ? validate(file, schema, given).problems : [];
}

function targetProblems(file: YamlFile, { targetNames }: LoadOptions): readonly Problem[] {
  const path = ['target'];
  const target = valueAt(file.value, path);
  const isPath = typeof target !== 'string' || /\.ya?ml$|[/\\]/.test(target);
  if (isPath || targetNames === undefined || targetNames.includes(target)) return [];
  const expected = 'one of those that `heaplab targets` lists, or the path of a profile, ending in .yaml';
  const near = nearest(target, targetNames);
  return [
    file.problem({
      code: 'unknown-name',
      message: `unknown target "${target}"`,
      path,
      expected,
      nearest: near,
    }),
  ];
}

function assembled(document: ScenarioDocument, file: YamlFile): Scenario {
  const place: StepPlace = { file, path: [], sendTimeout: 'forever' };
  return {
    file: file.file,
    source: file.text,
    name: document.name,
    description: document.description,
    target: document.target,
    heap: document.heap,
    length: document.duration,
    seed: document.seed,
    globals: document.globals,
    queues: queuesOf(document, file),
    interrupts: interruptsOf(document, file),
    tasks: tasksOf(document, place),
    idleHook: loadSteps(document['idle hook'], { ...place, path: ['idle hook'] }),
    onOom: loadPolicy(document['on oom'], { ...place, path: ['on oom'] }),
    expect: expectationsOf(document.expect),
  };
}

function queuesOf({ queues }: ScenarioDocument, file: YamlFile): Queue[] {
  return Object.entries(queues).map(([name, queue]) => ({
    name,
    length: queue.length,
    itemBytes: queue['item size'],
    at: file.keyPosition(['queues', name]),
  }));
}

function interruptsOf({ interrupts }: ScenarioDocument, file: YamlFile): Interrupt[] {
  return Object.entries(interrupts).map(([name, { first, period, count, script }]) => {
    const path = ['interrupts', name];
    const place: StepPlace = { file, path: [...path, 'script'], sendTimeout: { amount: 0, unit: 'seconds' } };
    return {
      name,
      first: first ?? period,
      period,
      ...(count !== undefined && { count }),
      script: loadSteps(script, place),
      at: file.keyPosition(path),
    };
  });
}

function tasksOf({ tasks }: ScenarioDocument, place: StepPlace): Task[] {
  return Object.entries(tasks).map(([name, { stack, script, ...rest }]) => ({
    name,
    ...rest,
    ...(stack !== undefined && { stackBytes: stack }),
    script: loadSteps(script, { ...place, path: ['tasks', name, 'script'] }),
    at: place.file.keyPosition(['tasks', name]),
  }));
}

function expectationsOf(expect: ScenarioDocument['expect']): Expectations {
  return {
    oom: expect.oom,
    missedDeadlines: expect['missed deadlines'],
    minimumEverFreeBytes: expect['minimum ever free'],
    fragmentation: expect.fragmentation,
    longestSuspension: expect['longest suspension'],
  };
}
