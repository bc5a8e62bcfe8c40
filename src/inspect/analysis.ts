/** Everything that can be said about an out-of-memory event from a run's result alone. */

import { type AgeBand, ageBands, type LeakSuspect, leakSuspects } from './age.js';
import { type Blockers, findBlockers } from './blockers.js';
import type { OutOfMemoryEvent, RunResult } from './result.js';
import { type Tendency, tendencyOf } from './tendency.js';

export interface Analysis {
  /** undefined where no release of blocks would have made room. */
  readonly blockers: Blockers | undefined;
  readonly ages: readonly AgeBand[];
  readonly leakSuspects: readonly LeakSuspect[];
  readonly tendency: Tendency;
}

export function analyse(result: RunResult, event: OutOfMemoryEvent): Analysis {
  const heapBytes = result.heap.regions.reduce((sum, region) => sum + region.bytes, 0);
  return {
    blockers: event.cause === 'too-large' ? undefined : findBlockers(event.map, event.needed),
    ages: ageBands(event.map, event.cycle),
    leakSuspects: leakSuspects(event.map, event.cycle),
    tendency: tendencyOf(result.samples, event.cycle, heapBytes),
  };
}
