/** Everything that can be said about an out-of-memory event from a run's result alone. */

import { type AgeBand, ageBands, type LeakSuspect, leakSuspects } from './age.js';
import { type Blockers, findBlockers } from './blockers.js';
import type { OutOfMemoryEvent, RunResult } from './result.js';
import { isRunningOut, type Tendency, tendencyOf } from './tendency.js';

export interface Analysis {
  /** undefined where no release of blocks would have made room. */
  readonly blockers: Blockers | undefined;
  readonly ages: readonly AgeBand[];
  readonly leakSuspects: readonly LeakSuspect[];
  readonly tendency: Tendency;
  /** Whether there was enough memory in sum, but not for much longer. */
  readonly isRunningOut: boolean;
}

/** Where joining holes would have made no difference, as to a size class, nothing stood in its way. */
function hasBlockers({ cause, classes = [] }: OutOfMemoryEvent): boolean {
  return cause !== 'too-large' && cause !== 'class-empty' && !classes.some(({ asked }) => asked);
}

export function analyse(result: RunResult, event: OutOfMemoryEvent): Analysis {
  const heapBytes = result.heap.regions.reduce((sum, region) => sum + region.bytes, 0);
  const tendency = tendencyOf(result.samples, event.cycle, heapBytes);
  return {
    blockers: hasBlockers(event) ? findBlockers(event.map, event.needed, event.gridOrigin) : undefined,
    ages: ageBands(event.map, event.cycle),
    leakSuspects: leakSuspects(event.map, event.cycle),
    tendency,
    isRunningOut: isRunningOut(tendency, event),
  };
}
