/** The steps that deal with time, tasks and queues. */

import * as v from 'valibot';
import {
  agree,
  described,
  integer,
  MAXIMUM_WORD,
  named,
  positiveTime,
  reading,
  scalarOrMap,
} from '../../input/files.js';
import { times } from './distributions.js';
import { name, timeout } from './names.js';
import { priority, step } from './step-parts.js';

const queueName = described('The name of a queue', name);
const oneTask = described('The name of a task', name);
const taskOrSelf = described('The name of a task, or self', name);

const NUMBER_WORDS = 'a whole number of 32 bits';
const number = (words: string) => integer(-(2 ** 31), MAXIMUM_WORD, words);

/** What `send` puts into a queue when it is no block. */
export const messageValue = scalarOrMap(
  v.pipe(
    number(`${NUMBER_WORDS}, or a map such as { from: 50, step: 1 }`),
    v.transform((value) => ({ from: value, step: 0 })),
  ),
  v.strictObject({
    from: described('The first number sent', number(NUMBER_WORDS)),
    step: v.optional(described('What is added for each further one', number(NUMBER_WORDS)), 1),
  }),
);

/** Numbers and such need no quotes. */
export const logText = named(
  reading('text or a number', { type: ['string', 'number', 'boolean'] }, (value) =>
    ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined,
  ),
);

export const taskSteps = {
  compute: step('compute', 'Keeps the CPU busy', { compute: '200 us' }, times),
  delay: step('delay', 'Sleeps; 0 lets tasks of the same priority run', { delay: '10 ms' }, times),
  'delay until': step(
    'delay until',
    'Sleeps until the next point of a grid in time that began when the task first ran',
    { 'delay until': '10 ms' },
    positiveTime,
  ),
  send: step(
    'send',
    'Puts a block, which then belongs to whoever receives it, or a number into a queue',
    { send: { queue: 'samples', block: 'frame', timeout: '10 ms' } },
    v.pipe(
      v.strictObject({
        queue: queueName,
        block: v.optional(described('The block to pass on, the newest under its name', name)),
        value: v.optional(described('A number, or one that counts up at each send', messageValue)),
        timeout: v.optional(
          described(
            'How long to wait while the queue is full: for ever if absent, never in an interrupt',
            timeout,
          ),
        ),
      }),
      agree(
        ['block', 'value'],
        ({ block, value }) => (block === undefined) !== (value === undefined),
        '"send" needs exactly one of "block" and "value"',
      ),
    ),
  ),
  receive: step(
    'receive',
    'Takes the oldest message out of a queue',
    { receive: { queue: 'samples', name: 'frame' } },
    v.strictObject({
      queue: queueName,
      name: v.optional(described('The name under which a received block is held; numbers are dropped', name)),
      timeout: v.optional(
        described(
          'How long to wait while the queue is empty: for ever if absent, never in an interrupt',
          timeout,
        ),
      ),
    }),
  ),
  suspend: step('suspend', 'Stops a task until it is resumed', { suspend: 'self' }, taskOrSelf),
  resume: step('resume', 'Lets a suspended task run again', { resume: 'logger' }, oneTask),
  'set priority': step(
    'set priority',
    'Changes the priority of a task',
    { 'set priority': { task: 'self', priority: 4 } },
    v.strictObject({ task: taskOrSelf, priority }),
  ),
  'start task': step(
    'start task',
    'Creates a task whose `autostart` is false',
    { 'start task': 'logger' },
    oneTask,
  ),
  'delete task': step('delete task', 'Ends a task', { 'delete task': 'self' }, taskOrSelf),
  log: step('log', 'Writes a line into the record of the run', { log: 'frame sent' }, logText),
};
