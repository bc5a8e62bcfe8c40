/** The settings that the heaps share which move blocks. */

import { choice, flag, wholeNumber } from '../definition.js';

/** With generations, so many compactions leave the old blocks where they are before one moves them too. */
export const YOUNG_PASSES_PER_FULL = 8;

/** More RAM than any microcontroller has. */
const MAXIMUM_BYTES = 2 ** 30;

/** `reuse`: whether freed blocks are given out again before the heap is full, unless an option says otherwise. */
export function relocationOptions(reuse: boolean) {
  return {
    compactOnFailure: flag('compact and ask again when a request finds no room', true),
    reuse: flag(
      'give out freed blocks, from lists by power of two; if false only compaction wins them',
      reuse,
    ),
    mergeAtFree: flag('merge a freed block with the holes that touch it at once, not in compaction', false),
    init: choice(
      'where the arena is: given (RM_USER_SUPPLIED), all RAM that is left (RM_SYSTEM_MEMORY), or a block of ' +
        'another heap (RM_SYSTEM_MALLOC)',
      ['given', 'ram', 'heap'],
      'given',
    ),
    arenaBytes: wholeNumber('bytes of the arena; 0 is as many as there are', [0, MAXIMUM_BYTES], 0),
    outer: choice('with init heap: which', ['heap_2', 'heap_2_coalescing', 'heap_4'], 'heap_4'),
    fullness: choice(
      'what the client answers to the notification of fullness, unless the scenario says',
      ['none', 'defer', 'compact'],
      'none',
    ),
    lower: wholeNumber('percent of the arena in use from which the client is asked', [1, 100], 70),
    higher: wholeNumber('percent from which compaction happens if none did since', [1, 100], 90),
  };
}

/** As the catalog's schemas give them. */
export interface RelocationOptions {
  readonly compactOnFailure: boolean;
  readonly reuse: boolean;
  readonly mergeAtFree: boolean;
  readonly init: 'given' | 'ram' | 'heap';
  readonly arenaBytes: number;
  readonly outer: 'heap_2' | 'heap_2_coalescing' | 'heap_4';
  readonly fullness: 'none' | 'defer' | 'compact';
  readonly lower: number;
  readonly higher: number;
}
