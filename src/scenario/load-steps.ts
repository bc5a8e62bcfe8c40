/** Turns checked steps, as a file spells them, into the {@link Step}s of a scenario. */

import type { Path } from '../input/files.js';
import type { Position } from '../input/index.js';
import type { FullnessPolicy, OomPolicy, Step, Timeout } from './scenario.js';
import type { ScenarioDocument } from './schema/scenario.js';
import {
  type StepArguments,
  type StepDocument,
  type StepDocuments,
  type StepName,
  type StepWord,
  stepSchemas,
} from './schema/steps.js';

/** Where steps stand, and what that means for them. */
export interface StepPlace {
  readonly source: { position(path: Path): Position };
  readonly path: Path;
  /** How long a `send` or `receive` waits that does not say: for ever in a task, not at all in an interrupt. */
  readonly timeout: Timeout;
}

type FullnessDocument = NonNullable<ScenarioDocument['on fullness']>;
type PolicyDocument = NonNullable<StepArguments<'alloc'>['alloc']['on oom']>;

/** Distributes over the union, which `Omit` alone does not. */
type Unplaced<S> = S extends Step ? Omit<S, 'at'> : never;
type StepBody = Unplaced<Step>;

/** The steps of a list at `place`. */
export function loadSteps(documents: StepDocuments, place: StepPlace): Step[] {
  return documents.map((document, index) => loadStep(document, inside(place, index)));
}

/** The policy at `place`. */
export function loadPolicy(document: PolicyDocument, place: StepPlace): OomPolicy {
  if (typeof document === 'string') return { kind: document };
  if ('retry' in document) return { kind: 'retry', ...document.retry };
  return { kind: 'hook', script: loadSteps(document.hook, inside(place, 'hook')) };
}

/** The same for `on fullness`. */
export function loadFullness(document: FullnessDocument, place: StepPlace): FullnessPolicy {
  if (typeof document === 'string') return { kind: document };
  return { kind: 'hook', script: loadSteps(document.hook, inside(place, 'hook')) };
}

function loadStep(document: StepDocument, place: StepPlace): Step {
  return { ...stepBody(document, place), at: place.source.position(place.path) } as Step;
}

function stepBody(document: StepDocument, place: StepPlace): StepBody {
  if (typeof document === 'string') return WORDS[document];
  const name = Object.keys(document).find((key) => Object.hasOwn(stepSchemas, key)) as StepName;
  // The schema has seen to it that the map is the one that this key's loader wants.
  const load = LOADERS[name] as (step: StepDocument, place: StepPlace) => StepBody;
  return load(document, place);
}

function inside(place: StepPlace, ...further: Path): StepPlace {
  return { ...place, path: [...place.path, ...further] };
}

function ownPolicy(
  document: PolicyDocument | undefined,
  step: StepName,
  place: StepPlace,
): { onOom?: OomPolicy } {
  return document === undefined ? {} : { onOom: loadPolicy(document, inside(place, step, 'on oom')) };
}

const WORDS: Readonly<Record<StepWord, StepBody>> = {
  yield: { kind: 'yield' },
  'suspend all': { kind: 'suspend-all' },
  'resume all': { kind: 'resume-all' },
};

type Loaders = {
  readonly [Name in StepName]: (step: StepArguments<Name>, place: StepPlace) => StepBody;
};

const LOADERS: Loaders = {
  // The schema has seen to it that there is either a size or a cache.
  alloc: ({ alloc: { name, size, from, count, 'on oom': policy } }, place) => ({
    ...(from === undefined
      ? { kind: 'alloc', name, size: size! }
      : { kind: 'alloc-from', name, cache: from, ...(count !== undefined && { count }) }),
    ...ownPolicy(policy, 'alloc', place),
  }),
  cache: ({ cache }) => ({ kind: 'cache', ...cache }),
  'destroy cache': (step) => ({ kind: 'destroy-cache', name: step['destroy cache'] }),
  calloc: ({ calloc: { 'on oom': policy, ...rest } }, place) => ({
    kind: 'calloc',
    ...rest,
    ...ownPolicy(policy, 'calloc', place),
  }),
  realloc: ({ realloc: { 'on oom': policy, ...rest } }, place) => ({
    kind: 'realloc',
    ...rest,
    ...ownPolicy(policy, 'realloc', place),
  }),
  free: ({ free }) => ({ kind: 'free', ...free }),
  lock: ({ lock }) => ({ kind: 'lock', ...lock }),
  unlock: ({ unlock }) => ({ kind: 'unlock', ...unlock }),
  compact: ({ compact: { budget } }) => ({ kind: 'compact', ...(budget !== undefined && { budget }) }),
  fill: ({ fill }) => ({ kind: 'fill', ...fill }),
  'defer free': ({ 'defer free': { name, 'per heartbeat': perHeartbeat } }) => ({
    kind: 'defer-free',
    name,
    perHeartbeat,
  }),
  verify: ({ verify }) => ({ kind: 'verify', ...verify }),
  overflow: ({ overflow }) => ({ kind: 'overflow', ...overflow }),
  compute: ({ compute }) => ({ kind: 'compute', time: compute }),
  delay: ({ delay }) => ({ kind: 'delay', time: delay }),
  'delay until': ({ 'delay until': period }) => ({ kind: 'delay-until', period }),
  send: ({ send: { queue, block, value, timeout } }, place) => ({
    kind: 'send',
    queue,
    message:
      block === undefined
        ? { kind: 'number', first: value?.from ?? 0, step: value?.step ?? 0 }
        : { kind: 'block', name: block },
    timeout: timeout ?? place.timeout,
  }),
  receive: ({ receive: { timeout, ...rest } }, place) => ({
    kind: 'receive',
    ...rest,
    timeout: timeout ?? place.timeout,
  }),
  repeat: ({ repeat }, place) => ({
    kind: 'repeat',
    times: repeat.times,
    steps: loadSteps(repeat.steps, inside(place, 'repeat', 'steps')),
  }),
  choose: ({ choose }, place) => ({
    kind: 'choose',
    branches: choose.map(({ weight, steps }, index) => ({
      weight,
      steps: loadSteps(steps, inside(place, 'choose', index, 'steps')),
    })),
  }),
  'if allocated': (step, place) => ({
    kind: 'if-allocated',
    name: step['if allocated'],
    // biome-ignore lint/suspicious/noThenProperty: the data model's word, and nobody awaits a step
    then: loadSteps(step.then ?? [], inside(place, 'then')),
    otherwise: loadSteps(step.else ?? [], inside(place, 'else')),
  }),
  suspend: ({ suspend }) => ({ kind: 'suspend', task: suspend }),
  resume: ({ resume }) => ({ kind: 'resume', task: resume }),
  'set priority': ({ 'set priority': { task, priority } }) => ({ kind: 'set-priority', task, priority }),
  'start task': ({ 'start task': task }) => ({ kind: 'start-task', task }),
  'delete task': ({ 'delete task': task }) => ({ kind: 'delete-task', task }),
  log: ({ log }) => ({ kind: 'log', text: log }),
  churn: ({ churn: { 'on oom': policy, ...rest } }, place) => ({
    kind: 'churn',
    ...rest,
    ...ownPolicy(policy, 'churn', place),
  }),
};
