/**
 * What a malloc and a free cost while so many blocks are live: accesses to RAM, which depend on nothing but
 * the heap and the load, and so come out the same everywhere.
 */

import * as v from 'valibot';
import type { HeapDefinition } from '../heaps/definition.js';
import { NULL } from '../heaps/heap.js';
import { accessesSince, type Memory } from '../mcu/memory.js';
import { RandomStream } from '../scenario/random.js';
import {
  DEFAULT_ORIGIN,
  type ReplayMachine,
  replayMachine,
  replayOptions,
} from '../traces/replay-machine.js';

/** Live blocks at the points of a curve. */
export const LIVE_BLOCKS: readonly number[] = [10, 100, 1_000, 10_000, 100_000];

/** Between these a cost is called constant or linear: a hundred times as many blocks. */
export const GROWTH_FROM = 1_000;
export const GROWTH_TO = 100_000;
const CONSTANT_UP_TO = 1.5;
const LINEAR_FROM = 30;

const SEED = 1;
export const CURVE_ALIGNMENT = 8;
/** A size is one of these, each as often, plus less than as much again. */
const LEAST_SIZES = [8, 16, 32, 64, 128];
/** So often every block is replaced on average before anything is measured. */
const WARM_UP_ROUNDS = 2;
/** Arenas to try, in shares of the most that live blocks take: the first in which nothing fails. */
const ARENA_SHARES = [1.25, 1.5, 2, 3, 4, 6, 8, 12, 16];
const LARGEST_SHARE = ARENA_SHARES.at(-1)!;
const MINIMUM_WARM_UP = 1_000;
const MEASURED_PAIRS = 10_000;
/** Slow heaps are let off with fewer pairs, both before and while it is measured. */
const WARM_UP_ACCESSES = 500_000_000;
const MEASURED_ACCESSES = 100_000_000;

/** What the load is, for those who read the figures. */
export const CURVE_LOAD = [
  'As many blocks as the first column says are allocated; then, again and again, a random one of them is freed and',
  'a new one allocated. Sizes are 8 to 255 bytes, each doubling as likely as the next, at alignment',
  `${CURVE_ALIGNMENT}. After ${WARM_UP_ROUNDS} such pairs for every block (at least 1,000 pairs) the next 10,000`,
  `are measured. A slow heap is let off earlier: after ${WARM_UP_ACCESSES / 1e6} million accesses before, and`,
  `${MEASURED_ACCESSES / 1e6} million during the measurement. The arena is the smallest of 1.25, 1.5, 2, 3, 4, 6, 8,`,
  "12 and 16 times the most that the blocks take, headers and rounding included, plus the heap's fixed part, in",
  'which no request fails. No block is ever locked, and what a compaction costs is counted in the call that made it.',
].join('\n');

/** Accesses (loads and stores) of one kind of call. */
export interface CallAccesses {
  readonly mean: number;
  /** Of the most expensive single call. */
  readonly worst: number;
}

export interface CurvePoint {
  readonly liveBlocks: number;
  /** Of the arena in which nothing failed. */
  readonly arenaBytes: number;
  readonly warmUpPairs: number;
  readonly measuredPairs: number;
  readonly malloc: CallAccesses;
  readonly free: CallAccesses;
}

/** Its points, or why there are none. */
export type CostCurve = readonly CurvePoint[] | { readonly none: string };

export type Growth = 'constant' | 'less than linear' | 'linear';

/** From {@link GROWTH_FROM} to {@link GROWTH_TO} live blocks, of the mean or of the worst call. */
export function growthOf(points: readonly CurvePoint[], cost: (point: CurvePoint) => number): Growth {
  const at = (blocks: number) => cost(points.find(({ liveBlocks }) => liveBlocks === blocks)!);
  const factor = at(GROWTH_TO) / at(GROWTH_FROM);
  if (factor <= CONSTANT_UP_TO) return 'constant';
  return factor >= LINEAR_FROM ? 'linear' : 'less than linear';
}

/** The requests of a load: sizes in the order of the mallocs, and which block each later one replaces. */
interface Load {
  readonly liveBlocks: number;
  readonly sizes: Uint16Array;
  readonly replaced: Uint32Array;
  readonly warmUpPairs: number;
}

export function measureCurve(heap: HeapDefinition, liveBlocks: readonly number[] = LIVE_BLOCKS): CostCurve {
  if (heap.neverFrees === true) return { none: 'it never frees, so that no block can be replaced' };
  const points: CurvePoint[] = [];
  for (const count of liveBlocks) {
    const point = measurePoint(heap, count);
    if (point === undefined) {
      return {
        none: `with ${count} live blocks requests fail even in ${LARGEST_SHARE} times what the blocks take`,
      };
    }
    points.push(point);
  }
  return points;
}

/** undefined where no arena of reasonable size serves the load. */
function measurePoint(heap: HeapDefinition, liveBlocks: number): CurvePoint | undefined {
  const load = loadOf(liveBlocks);
  const peakBytes = peakOf(heap, load);
  for (const share of ARENA_SHARES) {
    const point = new Churn(machineFor(heap, share * peakBytes), load).run();
    if (point !== undefined) return point;
  }
  return undefined;
}

function loadOf(liveBlocks: number): Load {
  const stream = new RandomStream(SEED, 'curve');
  const warmUpPairs = Math.max(WARM_UP_ROUNDS * liveBlocks, MINIMUM_WARM_UP);
  const pairs = warmUpPairs + MEASURED_PAIRS;
  const sizes = Uint16Array.from({ length: liveBlocks + pairs }, () => {
    const least = LEAST_SIZES[stream.below(LEAST_SIZES.length)]!;
    return least + stream.below(least);
  });
  const replaced = Uint32Array.from({ length: pairs }, () => stream.below(liveBlocks));
  return { liveBlocks, sizes, replaced, warmUpPairs };
}

/** The most that live blocks take at once. */
function peakOf(heap: HeapDefinition, { liveBlocks, sizes, replaced }: Load): number {
  const { heap: view } = machineFor(heap, 0);
  const taken = Array.from(sizes.subarray(0, liveBlocks), (bytes) => view.blockBytesFor(bytes));
  let live = taken.reduce((sum, bytes) => sum + bytes, 0);
  let peak = live;
  for (const [pair, index] of replaced.entries()) {
    const bytes = view.blockBytesFor(sizes[liveBlocks + pair]!);
    live += bytes - taken[index]!;
    taken[index] = bytes;
    peak = Math.max(peak, live);
  }
  return peak;
}

/** `bytes` for blocks; what the heap takes for itself comes on top. */
function machineFor(heap: HeapDefinition, bytes: number): ReplayMachine {
  const options = v.parse(heap.options, replayOptions(heap));
  const whole = Math.ceil(bytes) + heap.minimumArenaBytes(CURVE_ALIGNMENT, options);
  const arenaBytes = Math.ceil(whole / CURVE_ALIGNMENT) * CURVE_ALIGNMENT;
  const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes: arenaBytes };
  return replayMachine(heap, options, [region], CURVE_ALIGNMENT);
}

/** One load on one heap. */
class Churn {
  private readonly handles: Uint32Array;
  private readonly memory: Memory;

  constructor(
    private readonly machine: ReplayMachine,
    private readonly load: Load,
  ) {
    this.memory = machine.memory;
    this.handles = new Uint32Array(load.liveBlocks);
  }

  /** undefined when a request fails. */
  run(): CurvePoint | undefined {
    const { load, machine } = this;
    for (let index = 0; index < load.liveBlocks; index++) if (!this.fill(index, index)) return undefined;
    const warmUp = this.pairs(0, load.warmUpPairs, WARM_UP_ACCESSES);
    if (warmUp === undefined) return undefined;
    const measured = this.pairs(warmUp.mallocs.calls, MEASURED_PAIRS, MEASURED_ACCESSES);
    if (measured === undefined) return undefined;
    return {
      liveBlocks: load.liveBlocks,
      arenaBytes: machine.layout.regions[0]!.bytes,
      warmUpPairs: warmUp.mallocs.calls,
      measuredPairs: measured.mallocs.calls,
      malloc: measured.mallocs.summary(),
      free: measured.frees.summary(),
    };
  }

  /** Pairs from the load's number `from` on, until `accesses` are used up; undefined when a request fails. */
  private pairs(from: number, count: number, accesses: number): Pairs | undefined {
    const { load, handles, machine } = this;
    const pairs: Pairs = { mallocs: new Tally(), frees: new Tally() };
    for (let pair = from; pair < from + count; pair++) {
      if (pairs.mallocs.sum + pairs.frees.sum > accesses) break;
      const index = load.replaced[pair]!;
      const before = this.accesses();
      machine.handles.free(handles[index]!);
      const between = this.accesses();
      if (!this.fill(index, load.liveBlocks + pair)) return undefined;
      pairs.frees.add(accessesSince(before, between));
      pairs.mallocs.add(accessesSince(between, this.accesses()));
    }
    return pairs;
  }

  private fill(index: number, request: number): boolean {
    this.handles[index] = this.machine.handles.allocate(this.load.sizes[request]!);
    return this.handles[index] !== NULL;
  }

  private accesses(): number {
    return (this.memory.loads + this.memory.stores) | 0;
  }
}

interface Pairs {
  readonly mallocs: Tally;
  readonly frees: Tally;
}

class Tally {
  calls = 0;
  sum = 0;
  private worst = 0;

  add(accesses: number): void {
    this.calls++;
    this.sum += accesses;
    this.worst = Math.max(this.worst, accesses);
  }

  /** The mean to a tenth. */
  summary(): CallAccesses {
    return { mean: Math.round((10 * this.sum) / this.calls) / 10, worst: this.worst };
  }
}
