/** The steps that deal with memory. */

import * as v from 'valibot';
import { described, integer, positiveTime, size, sizeOrShare } from '../../input/files.js';
import { counts, positiveTimes, sizes, times } from './distributions.js';
import { whichOne } from './names.js';
import { blockName, blockStep, step } from './step-parts.js';

const BYTE_WORDS = 'a byte from 0 to 255, such as 0xA5';

/** `onOom`: the schema of a step's own policy, which itself contains steps. */
export function heapSteps<const Policy extends v.GenericSchema>(onOom: Policy) {
  return {
    alloc: step(
      'alloc',
      'Takes a block from the heap',
      { alloc: { name: 'frame', size: '64 B' } },
      v.strictObject({
        name: blockName,
        size: described('How many bytes to ask for', sizes),
        'on oom': onOom,
      }),
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
    lock: blockStep('lock', 'Pins a block to its address, so that a compacting heap cannot move it', {
      lock: 'frame',
    }),
    unlock: blockStep('unlock', 'Lets a compacting heap move the block again', { unlock: 'frame' }),
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
