/** The steps that deal with memory. */

import * as v from 'valibot';
import {
  agree,
  described,
  integer,
  MAXIMUM_WORD,
  positiveSize,
  positiveTime,
  scalarOrMap,
  size,
  sizeOrShare,
  sizeOrTime,
} from '../../input/files.js';
import { counts, positiveTimes, sizes, times } from './distributions.js';
import { name, whichOne } from './names.js';
import { blockName, blockStep, step } from './step-parts.js';

const BYTE_WORDS = 'a byte from 0 to 255, such as 0xA5';

const COMPACTION_WORDS = 'fully, or a map such as { budget: 512 B }';

/** What `compact` is to do this time. */
export const compaction = scalarOrMap(
  v.pipe(
    v.literal('fully', COMPACTION_WORDS),
    v.transform(() => ({ budget: undefined })),
  ),
  v.strictObject(
    { budget: described('How much it may do: bytes to move, or a time to take', sizeOrTime) },
    COMPACTION_WORDS,
  ),
);

/** `onOom`: the schema of a step's own policy, which itself contains steps. */
export function heapSteps<const Policy extends v.GenericSchema>(onOom: Policy) {
  return {
    alloc: step(
      'alloc',
      'Takes a block from the heap',
      { alloc: { name: 'frame', size: '64 B' } },
      v.pipe(
        v.strictObject({
          name: blockName,
          size: v.optional(described('How many bytes to ask for', sizes)),
          from: v.optional(described('The cache to take an object from', name)),
          count: v.optional(
            described('How many objects of the cache, side by side as an array; 1 if absent', counts),
          ),
          'on oom': onOom,
        }),
        agree(
          ['size', 'from'],
          ({ size, from }) => (size === undefined) !== (from === undefined),
          '"alloc" needs exactly one of "size" and "from"',
        ),
        agree(
          ['count', 'from'],
          ({ count, from }) => count === undefined || from !== undefined,
          '"count" is about objects of a cache: it needs "from"',
        ),
      ),
    ),
    cache: step(
      'cache',
      'Creates a cache of objects of one size, which exists until it is destroyed; a heap without caches serves them with malloc',
      { cache: { name: 'frames', bytes: '64 B' } },
      v.strictObject({
        name: described('The name of the cache, for `alloc` in any task', name),
        bytes: described('Bytes of an object', positiveSize),
      }),
    ),
    'destroy cache': step(
      'destroy cache',
      'Gives all memory of a cache back, and with it whatever has been allocated from it and is not freed; a heap without caches frees that one by one',
      { 'destroy cache': 'frames' },
      described('The name of the cache', name),
    ),
    calloc: step(
      'calloc',
      'Takes a block for several items and zeroes it',
      { calloc: { name: 'table', count: 4, size: '16 B' } },
      v.strictObject({
        name: blockName,
        count: described('How many items', counts),
        size: described('Bytes of each item', sizes),
        'on oom': onOom,
      }),
    ),
    realloc: step(
      'realloc',
      'Gives a block another size; its contents may move',
      { realloc: { name: 'frame', size: '128 B' } },
      v.strictObject({
        name: blockName,
        size: described('How many bytes it shall have', sizes),
        which: whichOne,
        'on oom': onOom,
      }),
    ),
    free: blockStep('free', 'Gives a block back to the heap', { free: 'frame' }),
    'defer free': step(
      'defer free',
      'Hands over all blocks held under the name, to be freed a few at each heartbeat of the heap; a heap without one frees them at once',
      { 'defer free': { name: 'tree', 'per heartbeat': 4 } },
      v.strictObject({
        name: blockName,
        'per heartbeat': described(
          'How many are freed each time, the oldest first; all where the heap has no room',
          integer(1, MAXIMUM_WORD, 'a whole number, at least 1'),
        ),
      }),
    ),
    lock: blockStep('lock', 'Pins a block to its address, so that a compacting heap cannot move it', {
      lock: 'frame',
    }),
    unlock: blockStep('unlock', 'Lets a compacting heap move the block again', { unlock: 'frame' }),
    compact: step(
      'compact',
      'Slides unlocked blocks together where the heap moves blocks; goes on where a budget stopped it before',
      { compact: { budget: '512 B' } },
      compaction,
    ),
    fill: blockStep('fill', 'Writes a pattern over the requested bytes of a block', { fill: 'frame' }),
    verify: blockStep('verify', 'Checks that the pattern which fill wrote is still there', {
      verify: 'frame',
    }),
    overflow: step(
      'overflow',
      'Writes behind the end of the newest block, as a bug would',
      { overflow: { name: 'frame', bytes: '4 B', value: 0xa5 } },
      v.strictObject({
        name: blockName,
        bytes: v.optional(described('How many bytes are written', size), 4),
        value: v.optional(described('What each of them becomes', integer(0, 255, BYTE_WORDS)), 0xff),
      }),
    ),
    churn: step(
      'churn',
      'A whole workload: blocks arrive, live for a while and are freed',
      { churn: { every: '1 ms', size: '64 B', lifetime: '20 ms' } },
      v.strictObject({
        every: described('Time from one block to the next', positiveTimes),
        size: described('Bytes of a block', sizes),
        lifetime: described('Time until a block is freed', times),
        fill: v.optional(
          described('No more blocks while so much of the heap, or so many bytes, are taken', sizeOrShare),
        ),
        duration: v.optional(described('When it ends; never if absent', positiveTime)),
        'on oom': onOom,
      }),
    ),
  };
}
