/** From a {@link ScenarioDescription} to a scenario: put into the words of YAML files, it is checked like one. */

import { isMap, type Path, type ProblemAt, valueAt } from '../input/files.js';
import type { Position, Problem } from '../input/index.js';
import { assemble, type LoadOptions, type ScenarioSource } from './assemble.js';
import type { FullnessPolicy, OomPolicy, Scenario, ScriptFunction, TaskScript } from './scenario.js';

/** Where a description stands. */
export interface DescriptionPlace {
  /** As the user named it. */
  readonly file: string;
  readonly text: string;
  /** Where the part of the description at `path` stands, or the nearest part above it. */
  range(path: Path, at: 'key' | 'value'): { readonly start: Position; readonly end?: Position };
}

/**
 * `scriptAt` gives what runs for the script at a path; `options` as for files.
 *
 * @throws UserError with all that is wrong with the description
 */
export function describedScenario(
  description: unknown,
  place: DescriptionPlace,
  options: LoadOptions | undefined,
  scriptAt: (path: Path) => ScriptFunction,
): Scenario {
  const scenario = assemble(new DescribedSource(description, place), options);
  const scriptFor = (path: Path, steps: TaskScript) =>
    typeof valueAt(description, path) === 'function' ? scriptAt(path) : steps;
  const withScript = <Part extends { readonly name: string; readonly script: TaskScript }>(
    key: string,
    part: Part,
  ): Part => ({ ...part, script: scriptFor([key, part.name, 'script'], part.script) });
  return {
    ...scenario,
    tasks: scenario.tasks.map((task) => withScript('tasks', task)),
    interrupts: scenario.interrupts.map((interrupt) => withScript('interrupts', interrupt)),
    idleHook: scriptFor(['idleHook'], scenario.idleHook),
    onOom: withHook('onOom', scenario.onOom, scriptFor),
    ...(scenario.onFullness !== undefined && {
      onFullness: withHook('onFullness', scenario.onFullness, scriptFor),
    }),
  };
}

function withHook<Policy extends OomPolicy | FullnessPolicy>(
  key: string,
  policy: Policy,
  scriptFor: (path: Path, steps: TaskScript) => TaskScript,
): Policy {
  return policy.kind === 'hook' ? { ...policy, script: scriptFor([key, 'hook'], policy.script) } : policy;
}

/** Calls the function at `path` as the method that it is. */
export function scriptIn(description: unknown, path: Path): ScriptFunction {
  const owner = valueAt(description, path.slice(0, -1)) as Record<string, ScriptFunction>;
  const name = String(path.at(-1));
  return (task) => owner[name]!(task);
}

/** Words that are written differently in YAML. */
const WORDS = {
  onOom: 'on oom',
  onFullness: 'on fullness',
  idleHook: 'idle hook',
  itemSize: 'item size',
  missedDeadlines: 'missed deadlines',
  minimumEverFree: 'minimum ever free',
  longestSuspension: 'longest suspension',
} as const;
const YAML_WORDS: ReadonlyMap<string, string> = new Map(Object.entries(WORDS));
const OWN_WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries(WORDS).map(([own, yaml]) => [yaml, own]),
);

class DescribedSource implements ScenarioSource {
  readonly value: unknown;

  constructor(
    description: unknown,
    private readonly place: DescriptionPlace,
  ) {
    this.value = isMap(description) ? documentOf(description) : description;
  }

  get file(): string {
    return this.place.file;
  }

  get text(): string {
    return this.place.text;
  }

  position(path: Path): Position {
    return this.place.range(ownPath(path), 'value').start;
  }

  keyPosition(path: Path): Position {
    return this.place.range(ownPath(path), 'key').start;
  }

  problem({ path, at = 'value', message, expected, nearest, ...rest }: ProblemAt): Problem {
    const { file, text } = this;
    return {
      ...rest,
      message: inOwnWords(message),
      ...(expected !== undefined && { expected: inOwnWords(expected) }),
      ...(nearest !== undefined && { nearest: OWN_WORDS.get(nearest) ?? nearest }),
      file,
      ...this.place.range(ownPath(path), at),
      ...(text !== '' && { source: text }),
    };
  }
}

type Part = Record<string, unknown>;

/** The description as a YAML file would say it, without scripts. */
function documentOf(description: Part): Part {
  const document: Part = { ...renamed(description) };
  for (const key of ['tasks', 'interrupts']) document[key] = inEach(description[key], withoutFunctions);
  document.queues = inEach(description.queues, renamed);
  if (isMap(description.expect)) document.expect = renamed(description.expect);
  for (const key of ['onOom', 'onFullness'] as const) {
    const policy = description[key];
    if (isMap(policy)) document[WORDS[key]] = withoutFunctions(policy);
  }
  return withoutFunctions(document);
}

function inEach(parts: unknown, change: (part: Part) => Part): unknown {
  if (!isMap(parts)) return parts;
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, isMap(part) ? change(part) : part]),
  );
}

function renamed(part: Part): Part {
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [YAML_WORDS.get(key) ?? key, value]));
}

/** A script without steps stands for each function. Keys without a value are as good as absent. */
function withoutFunctions(part: Part): Part {
  return Object.fromEntries(
    Object.entries(part)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, typeof value === 'function' ? [] : value]),
  );
}

/** The way to the same part in the description. Names of tasks and the like are never translated. */
function ownPath(path: Path): Path {
  const isWord = (index: number) =>
    index === 0 || (path[0] === 'queues' && index === 2) || (path[0] === 'expect' && index === 1);
  return path.map((step, index) => (isWord(index) ? (OWN_WORDS.get(String(step)) ?? step) : step));
}

function inOwnWords(text: string): string {
  let own = text;
  for (const [yaml, word] of OWN_WORDS) own = own.replaceAll(`"${yaml}"`, `"${word}"`);
  return own;
}
