/** The file format of scenarios. */

import * as v from 'valibot';
import {
  agree,
  described,
  integer,
  MAXIMUM_WORD,
  named,
  positiveTime,
  reading,
  readTime,
  scalarOrMap,
  share,
  size,
  time,
} from '../../input/files.js';
import { OUTCOMES, type RunLength } from '../scenario.js';
import { positiveTimes, times } from './distributions.js';
import { name, taskName } from './names.js';
import { priority } from './step-parts.js';
import { fullnessPolicy, oomPolicy, steps } from './steps.js';

const FLAG_WORDS = 'true or false';

function flag(description: string, byDefault: boolean) {
  return v.optional(described(description, v.boolean(FLAG_WORDS)), byDefault);
}

export const RUN_LENGTH_WORDS = 'how long the run lasts, such as 10 s, 5000 ticks or 100000 operations';

/** `10 s`, `5000 ticks`, `100000 operations`. */
export const runLength = named(
  reading<RunLength>(
    RUN_LENGTH_WORDS,
    { type: 'string', pattern: '^ *[0-9][0-9_]*([.][0-9]+)? *([a-z]+|µs) *$' },
    readRunLength,
  ),
);

/** undefined where `value` is none. */
export function readRunLength(value: unknown): RunLength | undefined {
  if (typeof value !== 'string') return undefined;
  const operations = /^\s*(\d[\d_]*)\s*operations?\s*$/.exec(value)?.[1];
  if (operations !== undefined) {
    const count = Number(operations.replaceAll('_', ''));
    return count > 0 && Number.isSafeInteger(count) ? { kind: 'operations', count } : undefined;
  }
  const duration = readTime(value);
  return duration !== undefined && duration.amount > 0 ? { kind: 'time', time: duration } : undefined;
}

const HEAP_WORDS = 'the name of a heap, or a map such as { name: heap_2, options: { asserts: false } }';
const OPTION_WORDS = 'true, false, a number or a word';

/** `heap_2`, or with options. */
export const heap = scalarOrMap(
  v.pipe(
    v.string(HEAP_WORDS),
    v.transform((heapName) => ({ name: heapName, options: {} as Record<string, boolean | number | string> })),
  ),
  v.strictObject({
    name: described('One of the heaps that `heaplab heaps` lists', v.string('the name of a heap')),
    options: v.optional(
      described(
        'What `heaplab heaps NAME` lists as options of that heap',
        v.record(
          v.string(),
          v.union([v.boolean(), v.number(), v.string()], OPTION_WORDS),
          'a map of options',
        ),
      ),
      {},
    ),
  }),
);

const queue = v.strictObject(
  {
    length: described('How many messages it holds', integer(1, MAXIMUM_WORD, 'a whole number, at least 1')),
    'item size': v.optional(described('Bytes of storage for each message', size), 4),
  },
  'a map such as { length: 8, item size: 4 B }',
);

const interrupt = v.strictObject(
  {
    first: v.optional(
      described("Time from the scheduler's start to the first one; one period if absent", times),
    ),
    period: described('Time from one to the next', positiveTimes),
    count: v.optional(
      described(
        'How often it comes; for ever if absent',
        integer(1, MAXIMUM_WORD, 'a whole number, at least 1'),
      ),
    ),
    script: described('What its handler does', steps),
  },
  'a map with "period" and "script"',
);

const task = v.pipe(
  v.strictObject(
    {
      priority,
      stack: v.optional(described("Bytes of its stack; as much as the idle task's if absent", size)),
      period: v.optional(described('The script runs once in each', positiveTime)),
      deadline: v.optional(
        described("Time from a period's start to the end of its script; the period if absent", positiveTime),
      ),
      loop: v.optional(
        described('Whether a script without a period starts again at its end', v.boolean(FLAG_WORDS)),
        false,
      ),
      autostart: flag('Whether it exists from the start; if not, `start task` creates it', true),
      script: described('What it does', steps),
    },
    'a map with "priority" and "script"',
  ),
  agree(
    ['period', 'deadline'],
    ({ period, deadline }) => deadline === undefined || period !== undefined,
    'a "deadline" needs a "period"',
  ),
  agree(
    ['period', 'loop'],
    ({ period, loop }) => !loop || period === undefined,
    'a task with a "period" repeats already, and cannot "loop" as well',
  ),
);

const LIMIT_WORDS = 'none, at least 1, at most 3 or exactly 2';

/** How many of something there may be. */
export const limit = named(
  reading<{ readonly atLeast?: number; readonly atMost?: number }>(
    LIMIT_WORDS,
    { type: 'string', pattern: '^(none|(at least|at most|exactly) [0-9]+)$' },
    readLimit,
  ),
);

function readLimit(value: unknown): { readonly atLeast?: number; readonly atMost?: number } | undefined {
  if (value === 'none') return { atMost: 0 };
  const match = typeof value === 'string' && /^(at least|at most|exactly) (\d{1,15})$/.exec(value);
  if (!match) return undefined;
  const count = Number(match[2]);
  if (match[1] === 'at least') return { atLeast: count };
  return match[1] === 'at most' ? { atMost: count } : { atLeast: count, atMost: count };
}

const expectations = v.strictObject(
  {
    outcome: v.optional(
      described(
        'How the run must end; if absent, a fault or a corrupted heap fails it',
        v.picklist(OUTCOMES, `one of ${OUTCOMES.join(', ')}`),
      ),
    ),
    resets: v.optional(described('How often the firmware may reset the chip', limit)),
    oom: v.optional(described('How many requests may return NULL', limit)),
    'missed deadlines': v.optional(described('How many deadlines may be missed', limit)),
    'minimum ever free': v.optional(described('The least that must always be free', size)),
    fragmentation: v.optional(described('The most that 1 - largest hole / free bytes may reach', share)),
    'longest suspension': v.optional(
      described('The longest time for which the scheduler may be suspended', time),
    ),
  },
  'a map such as { oom: none }',
);

const SCENARIO_WORDS = 'a scenario: a map with "name", "target", "heap", "duration" and "tasks"';
const TASKS_WORDS = 'a map with at least one task such as sampler: { priority: 3, script: [ … ] }';

export const scenarioSchema = v.strictObject(
  {
    name: described('What this scenario is called', v.string('text')),
    description: v.optional(described('What it shows, and what to look at', v.string('text')), ''),
    target: described(
      'One of the targets that `heaplab targets` lists, or the path of a profile from here, ending in .yaml',
      v.string('the name or path of a target'),
    ),
    heap: described('The heap that the firmware uses', heap),
    duration: described('When the run ends: a time, or a number of heap operations', runLength),
    seed: v.optional(
      described(
        'Where random numbers start',
        integer(0, MAXIMUM_WORD, 'a whole number from 0 to 4294967295'),
      ),
      1,
    ),
    globals: v.optional(
      described(
        'Block names that all tasks share; every other is its own in each task',
        v.array(name, 'a list of names'),
      ),
      [],
    ),
    'idle hook': v.optional(
      described('What is done once per tick while no task has anything to do', steps),
      [],
    ),
    'on oom': v.optional(
      described('What a task does when a request returns NULL, unless the step says', oomPolicy),
      'continue',
    ),
    'on fullness': v.optional(
      described(
        "What the firmware answers when a heap that moves blocks fills up; the heap's option if absent",
        fullnessPolicy,
      ),
    ),
    queues: v.optional(
      described('Queues by name', v.record(name, queue, 'a map such as samples: { length: 8 }')),
      {},
    ),
    interrupts: v.optional(
      described('Interrupts by name', v.record(name, interrupt, 'a map of interrupts by name')),
      {},
    ),
    tasks: described(
      'Tasks by name',
      v.pipe(v.record(taskName, task, TASKS_WORDS), v.minEntries(1, TASKS_WORDS)),
    ),
    expect: v.optional(described('What must hold at the end for the run to pass', expectations), {}),
  },
  SCENARIO_WORDS,
);

/** A scenario as written, checked, with numbers read and defaults filled in. */
export type ScenarioDocument = v.InferOutput<typeof scenarioSchema>;
