/** What can be chosen of mimalloc's heap. */

import * as v from 'valibot';
import { choice, flag, wholeNumber } from '../definition.js';

export const RESETS = ['none', 'madv_free', 'madv_dontneed'] as const;

export const mimallocOptions = v.strictObject({
  pageBytes: choice(
    'Bytes of a page; auto: by the size of the arena',
    ['auto', 128, 256, 512, 1024, 2048, 4096],
    'auto',
  ),
  binsPerOctave: choice('Size classes from one power of two to the next: 4 or 8', [4, 8], 4),
  heaps: choice(
    'task: each task has a heap of its own, whose pages only it allocates from; shared: one heap for all',
    ['task', 'shared'],
    'task',
  ),
  tasks: wholeNumber(
    'How many tasks may have a heap of their own, others share one; each takes 4 bytes of statics',
    [1, 64],
    8,
  ),
  pagesPerCall: wholeNumber(
    'Pages of a class, blocks and pages freed by others, pages of deleted tasks that a call looks at; 0: all there are',
    [0, 1024],
    8,
  ),
  largerClass: flag('Whether a request takes a block of a larger class before it fails', true),
  reset: choice(
    "What becomes of a free page: none, nothing; madv_free: it is marked as the system's, contents kept; madv_dontneed: it is zeroed",
    RESETS,
    'none',
  ),
  resetDelay: wholeNumber('Ticks for which a page is free before it is reset', [0, 1_000_000], 10),
  asserts: flag(
    'Whether free asserts what mimalloc does in a debug build; if not, misuse corrupts the heap',
    true,
  ),
});

export type MimallocOptions = v.InferOutput<typeof mimallocOptions>;
