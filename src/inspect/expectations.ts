/** Holds a run against what its scenario expects of it. */

import { formatBytes, formatSeconds } from '../input/index.js';
import type { Clock } from '../mcu/index.js';
import type { Expectations } from '../scenario/scenario.js';
import { toCycles } from '../scenario/times.js';
import type { ExpectationResult, RunResult } from './result.js';

type Measured = Pick<
  RunResult,
  | 'outcome'
  | 'resets'
  | 'outOfMemoryCount'
  | 'missedDeadlines'
  | 'minimumEverFreeBytes'
  | 'worstFragmentation'
  | 'suspension'
>;

/** The name of the expectation about how a run ends. */
export const OUTCOME = 'outcome';

/** One line per expectation, in the order of the file format. */
export function judge(expect: Expectations, measured: Measured, clock: Clock): ExpectationResult[] {
  const results: ExpectationResult[] = [];
  if (expect.outcome !== undefined) {
    const { outcome } = measured;
    const holds = outcome === expect.outcome;
    results.push({ what: OUTCOME, expected: expect.outcome, actual: outcome, holds });
  }
  if (expect.resets !== undefined) results.push(countHolds('resets', expect.resets, measured.resets));
  if (expect.oom !== undefined) {
    results.push(countHolds('out-of-memory events', expect.oom, measured.outOfMemoryCount));
  }
  if (expect.missedDeadlines !== undefined) {
    results.push(countHolds('missed deadlines', expect.missedDeadlines, measured.missedDeadlines));
  }
  if (expect.minimumEverFreeBytes !== undefined) {
    results.push({
      what: 'minimum ever free',
      expected: `at least ${formatBytes(expect.minimumEverFreeBytes)}`,
      actual: formatBytes(measured.minimumEverFreeBytes),
      holds: measured.minimumEverFreeBytes >= expect.minimumEverFreeBytes,
    });
  }
  if (expect.fragmentation !== undefined) {
    results.push({
      what: 'fragmentation',
      expected: `at most ${percent(expect.fragmentation)}`,
      actual: percent(measured.worstFragmentation),
      holds: measured.worstFragmentation <= expect.fragmentation,
    });
  }
  if (expect.longestSuspension !== undefined) {
    const limit = toCycles(expect.longestSuspension, clock);
    results.push({
      what: 'longest suspension',
      expected: `at most ${formatSeconds(clock.seconds(limit))}`,
      actual: formatSeconds(clock.seconds(measured.suspension.longest)),
      holds: measured.suspension.longest <= limit,
    });
  }
  return results;
}

function countHolds(
  what: string,
  { atLeast = 0, atMost = Number.POSITIVE_INFINITY }: { atLeast?: number; atMost?: number },
  count: number,
): ExpectationResult {
  return {
    what,
    expected: countText(atLeast, atMost),
    actual: String(count),
    holds: count >= atLeast && count <= atMost,
  };
}

function countText(atLeast: number, atMost: number): string {
  if (atMost === 0) return 'none';
  if (atMost === Number.POSITIVE_INFINITY) return `at least ${atLeast}`;
  if (atLeast === atMost) return `exactly ${atLeast}`;
  return atLeast === 0 ? `at most ${atMost}` : `${atLeast} to ${atMost}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
