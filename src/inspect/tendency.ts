/** What the trend of free memory says: a leak, fragmentation, or neither. */

import type { Cause } from './cause.js';
import type { OutOfMemoryEvent, RunResult } from './result.js';

export type Tendency =
  /** Free memory falls steadily: something is not given back. */
  | 'leak'
  /** Free memory holds, the largest hole shrinks. */
  | 'fragmentation'
  /** Both hold: a burst, or simply too much at once. */
  | 'steady'
  /** Too short to tell. */
  | 'unknown';

type Sample = RunResult['samples'][number];

const MINIMUM_SAMPLES = 12;
/** Of the heap for free bytes, of itself for the largest hole. */
const NOTABLE_DROP = 0.1;
const NOTABLE_SHRINK = 0.3;

/**
 * Compares the middle third of the time before the event with the last third; the first is start-up. Only
 * what happened up to `untilCycle` counts.
 */
export function tendencyOf(samples: readonly Sample[], untilCycle: number, heapBytes: number): Tendency {
  const before = samples.filter((sample) => sample.cycle <= untilCycle);
  if (before.length < MINIMUM_SAMPLES) return 'unknown';
  const from = before[0]!.cycle;
  const third = (untilCycle - from) / 3;
  const middle = before.filter(({ cycle }) => cycle >= from + third && cycle < from + 2 * third);
  const last = before.filter(({ cycle }) => cycle >= from + 2 * third);
  if (middle.length === 0 || last.length === 0) return 'unknown';
  const drop = mean(middle, (sample) => sample.freeBytes) - mean(last, (sample) => sample.freeBytes);
  if (drop > NOTABLE_DROP * heapBytes) return 'leak';
  const early = mean(
    before.slice(0, Math.max(1, Math.floor(before.length / 6))),
    (sample) => sample.largestHole,
  );
  const late = mean(last, (sample) => sample.largestHole);
  return late < (1 - NOTABLE_SHRINK) * early ? 'fragmentation' : 'steady';
}

/** These say that there was enough memory in sum. */
const IN_PIECES: readonly Cause[] = ['fragmented', 'uncoalesced', 'pinned', 'region'];

/**
 * Whether memory was running out, although in sum there was still enough: it fell, and in one piece what was
 * left would have served this request, but not a second one. Merging holes would only have bought time.
 */
export function isRunningOut(
  tendency: Tendency,
  { cause, freeBytes, needed }: Pick<OutOfMemoryEvent, 'cause' | 'freeBytes' | 'needed'>,
): boolean {
  return tendency === 'leak' && IN_PIECES.includes(cause) && freeBytes < 2 * needed;
}

function mean(samples: readonly Sample[], value: (sample: Sample) => number): number {
  return samples.reduce((sum, sample) => sum + value(sample), 0) / samples.length;
}
