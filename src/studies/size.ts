/**
 * How much RAM does it take? The smallest arena in which a workload runs without a failed request.
 *
 * Where blocks go in a first fit by address does not depend on where the arena ends, so one run in a large one
 * shows how far up they reach, and that is the answer. Other heaps are tried: bisection finds a size that
 * passes next to one that does not, and because with these heaps a larger arena can fail where a smaller one
 * did not, sizes around it are tried too, below as well as above.
 */

import type { Obstacle } from './obstacle.js';
import { SizeSearch } from './smallest.js';
import { type Candidate, MAXIMUM_ARENA_BYTES, type Workload } from './workload.js';

export interface SizeResult {
  readonly heap: string;
  /** The smallest arena found that passes, in bytes; undefined where none up to 64 MiB does. */
  readonly arenaBytes: number | undefined;
  /** Variables outside the arena. */
  readonly staticBytes: number;
  /** `arenaBytes` over the peak of live requested bytes. */
  readonly overPeakLive: number | undefined;
  readonly method: 'high-water mark' | 'bisection and scan';
  /** Larger arenas that were tried and fail nevertheless, ascending. */
  readonly failingAbove: readonly number[];
  /** Runs it took. */
  readonly runs: number;
  /** Where no arena passes: what first goes wrong in the largest one. */
  readonly obstacle?: Obstacle;
}

export interface SizeSettings {
  /** How many sizes to try below what the bisection found, and above. */
  readonly scan: number;
  /** Not above: larger arenas that fail are not looked for, which takes half the time and changes no answer. */
  readonly belowOnly?: boolean;
}

export function smallestArena(workload: Workload, candidate: Candidate, settings: SizeSettings): SizeResult {
  return new Search(workload, candidate, settings).result();
}

class Search {
  private readonly search: SizeSearch;
  private readonly minimum: number;
  private readonly least: number;
  private readonly step: number;

  constructor(
    private readonly workload: Workload,
    private readonly candidate: Candidate,
    private readonly settings: SizeSettings,
  ) {
    const { alignment: step, peakLiveBytes } = workload;
    this.minimum = candidate.heap.minimumArenaBytes(step, candidate.options);
    this.step = step;
    this.least = this.roundUp(Math.max(this.minimum, peakLiveBytes));
    const range = { least: this.least, most: MAXIMUM_ARENA_BYTES, step, scan: settings.scan };
    this.search = new SizeSearch(range, (bytes) => workload.passes(candidate, bytes));
  }

  result(): SizeResult {
    const { heap, options } = this.candidate;
    const possible = this.least <= MAXIMUM_ARENA_BYTES;
    const exact = possible && heap.firstFitByAddress === true ? this.byHighWaterMark() : undefined;
    const arenaBytes = possible ? (exact ?? this.bySearch()) : undefined;
    const peak = this.workload.peakLiveBytes;
    return {
      heap: heap.name,
      arenaBytes,
      staticBytes: heap.staticBytes(options),
      overPeakLive: arenaBytes === undefined || peak === 0 ? undefined : arenaBytes / peak,
      method: exact === undefined ? 'bisection and scan' : 'high-water mark',
      failingAbove: this.search.failingAbove(arenaBytes ?? Number.POSITIVE_INFINITY),
      runs: this.search.runs,
      ...(arenaBytes === undefined && this.obstacle()),
    };
  }

  private obstacle(): { obstacle?: Obstacle } {
    if (this.minimum > MAXIMUM_ARENA_BYTES) return {};
    const obstacle = this.workload.obstacle(this.candidate, MAXIMUM_ARENA_BYTES);
    return obstacle === undefined ? {} : { obstacle };
  }

  /** The mark, and what the arena holds above it; confirmed by a run there and one just below. */
  private byHighWaterMark(): number | undefined {
    const mark = this.workload.highWaterBytes(this.candidate, MAXIMUM_ARENA_BYTES);
    if (mark === undefined) return undefined;
    let bytes = Math.max(this.least, this.roundUp(mark));
    while (!this.search.passes(bytes)) bytes += this.step;
    while (bytes > this.least && this.search.passes(bytes - this.step)) bytes -= this.step;
    return bytes;
  }

  private bySearch(): number | undefined {
    const smallest = this.search.smallest();
    if (smallest !== undefined && this.settings.belowOnly !== true) this.search.scanAbove(smallest);
    return smallest;
  }

  private roundUp(bytes: number): number {
    return Math.ceil(bytes / this.step) * this.step;
  }
}
