/**
 * The steps of scripts: one entry each in {@link stepSchemas}, from which come the checks, the JSON Schema and
 * the reference of the file format.
 */

import * as v from 'valibot';
import {
  agree,
  choice,
  described,
  integer,
  keyedMaps,
  MAXIMUM_WORD,
  suchAs,
  time,
} from '../../input/files.js';
import { counts, weight } from './distributions.js';
import { heapSteps } from './heap-steps.js';
import { blockName, step } from './step-parts.js';
import { taskSteps } from './task-steps.js';

/** Steps as written, checked, with numbers read and defaults filled in. */
export interface StepDocuments extends ReadonlyArray<StepDocument> {}
export type StepDocument = StepWord | { [Name in StepName]: StepArguments<Name> }[StepName];

/** Steps that are one word. */
export type StepWord = keyof typeof stepWords;
/** Steps that are a map, by the key that names them. */
export type StepName = keyof typeof stepSchemas;
/** The whole map of a step. */
export type StepArguments<Name extends StepName> = v.InferOutput<(typeof stepSchemas)[Name]>;

/** A list of steps, wherever one may stand. */
export const steps: v.LazySchema<v.GenericSchema<unknown, StepDocuments>> = v.lazy(() => stepList);

/** `on oom`, for the whole scenario or a step. */
export const oomPolicy = keyedMaps(
  'out-of-memory policy',
  v.picklist(
    ['continue', 'halt', 'reset'],
    'continue, halt, reset, or a map such as { retry: { delay: 10 ms, times: 3 } } or { hook: [ … ] }',
  ),
  {
    hook: v.strictObject({ hook: described('Runs these steps, then goes on without the block', steps) }),
    retry: v.strictObject({
      retry: described(
        'Asks again after a while, and goes on without the block in the end',
        v.strictObject({
          delay: described('How long to wait before each try', time),
          times: described('How often to try again', integer(1, MAXIMUM_WORD, 'a whole number, at least 1')),
        }),
      ),
    }),
  },
);

/** `on fullness`. */
export const fullnessPolicy = keyedMaps(
  'answer to fullness',
  v.picklist(['defer', 'compact'], 'defer, compact, or a map such as { hook: [ … ] }'),
  {
    hook: v.strictObject({ hook: described('Does these steps, which cannot wait, instead', steps) }),
  },
);

const branchWords = 'a map such as { weight: 3, steps: [ … ] }';
const branches = v.pipe(
  v.array(
    v.strictObject({ weight, steps: described('What is done then', steps) }, branchWords),
    `a list, each item ${branchWords}`,
  ),
  v.minLength(1, `a list of at least one: ${branchWords}`),
);

const REPETITION_WORDS = 'a whole number, forever, or a distribution';
const forever = v.literal('forever', REPETITION_WORDS);
/** How often, for `repeat`. */
export const repetitions = choice<typeof forever | typeof counts>([forever, counts], (value) =>
  typeof value === 'string' ? forever : counts,
);

// biome-ignore lint/suspicious/noThenProperty: the file format's word, and nobody awaits a step
const conditionalExample = { 'if allocated': 'frame', then: [{ free: 'frame' }] };
const conditionalHelp = 'Does steps only while a block is held under the name, or only while none is';
const conditional = v.pipe(
  v.strictObject(
    {
      'if allocated': described(conditionalHelp, blockName),
      // biome-ignore lint/suspicious/noThenProperty: as above
      then: v.optional(described('What is done if so', steps)),
      else: v.optional(described('What is done if not', steps)),
    },
    suchAs(conditionalExample),
  ),
  agree(
    ['then', 'else'],
    (branch) => branch.then !== undefined || branch.else !== undefined,
    '"if allocated" needs "then" or "else"',
  ),
  v.description(conditionalHelp),
  v.metadata({ examples: [conditionalExample] }),
);

/** In the order in which the reference lists them. */
export const stepSchemas = {
  ...heapSteps(
    v.optional(described("What to do if there is no memory; the scenario's `on oom` if absent", oomPolicy)),
  ),
  ...taskSteps,
  repeat: step(
    'repeat',
    'Does steps several times',
    { repeat: { times: 50, steps: [{ delay: '10 ms' }] } },
    v.strictObject({
      times: described('How often, or forever', repetitions),
      steps: described('What is done each time', steps),
    }),
  ),
  choose: step(
    'choose',
    'Does one of several lists of steps, drawn by weight',
    {
      choose: [
        { weight: 3, steps: ['yield'] },
        { weight: 1, steps: [{ delay: '10 ms' }] },
      ],
    },
    branches,
  ),
  'if allocated': conditional,
};

/** Steps that are one word. */
export const stepWords = {
  yield: 'Lets another task of the same priority run',
  'suspend all': 'Keeps every other task from running, as vTaskSuspendAll does',
  'resume all': 'Ends what `suspend all` began, once for each',
} as const;

const STEP_WORDS = 'a step such as yield or { delay: 10 ms }';
const anyName = v.pipe(
  v.picklist([...Object.keys(stepWords), ...Object.keys(stepSchemas)], STEP_WORDS),
  v.title('step'),
);
/** A step without anything behind it. */
export const word = choice(
  Object.entries(stepWords).map(([text, help]) => described(help, v.literal(text as StepWord))),
  // Asked only about words that name no map: all names, so that the nearest of all is found.
  () => anyName,
);

const loneWord = v.pipe(
  v.unknown(),
  v.check(() => false, 'the word alone, without a colon'),
);

export const anyStep = keyedMaps('step', word, stepSchemas, (keys) =>
  keys.some((key) => Object.hasOwn(stepWords, key)) ? loneWord : undefined,
);
const stepList = v.array(anyStep, `a list of steps, each ${STEP_WORDS}`) as v.GenericSchema<
  unknown,
  StepDocuments
>;
