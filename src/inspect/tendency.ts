/** What the trend of free memory says: a leak, fragmentation, or neither. */

import type { RunResult } from './result.js';

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

function mean(samples: readonly Sample[], value: (sample: Sample) => number): number {
  return samples.reduce((sum, sample) => sum + value(sample), 0) / samples.length;
}
