/**
 * What compaction costs: its curve over the number of blocks, a replay in which none happens beside heap_4's,
 * whether generations pay, and what moving buys a buddy heap.
 */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { findHeap } from '../src/heaps/catalog.js';
import { type Compaction, type HandleHeap, UNLIMITED } from '../src/heaps/handle-heap.js';
import { NULL } from '../src/heaps/heap.js';
import { accessesSince, type Memory } from '../src/mcu/index.js';
import { RandomStream } from '../src/scenario/random.js';
import { smallestPassing } from '../src/studies/smallest.js';
import { simulateLocks } from '../src/traces/lock-simulation.js';
import { readTrace } from '../src/traces/read.js';
import { Replay } from '../src/traces/replay.js';
import { DEFAULT_ORIGIN, replayMachine } from '../src/traces/replay-machine.js';
import { FREE, LOCK, MALLOC, type Trace } from '../src/traces/trace.js';

const TRACES = fileURLToPath(new URL('../test/vectors/traces/', import.meta.url));
const ALIGNMENT = 8;

function machineWith(heap: string, bytes: number, chosen: Record<string, unknown> = {}) {
  const definition = findHeap(heap)!;
  const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes };
  return replayMachine(definition, v.parse(definition.options, chosen), [region], ALIGNMENT);
}

function accesses(memory: Memory): number {
  return accessesSince(0, memory.loads) + accessesSince(0, memory.stores);
}

// --- the curve --------------------------------------------------------------------------------------------

const SIZES = [100, 1000, 10_000, 100_000];
const ROUNDS = 5;
const CURVES = ['rmalloc', 'rmalloc_2008', 'buddy_handles'];

/** Prints accesses and time of one whole compaction per block; half the blocks are freed, some are locked. */
export function measureCurve(): void {
  console.log('one compaction of n blocks of 16 to 256 bytes, every second one freed at random');
  console.log('  heap            locked        n  blocks moved   bytes moved  accesses/block  ns/block');
  for (const heap of CURVES) {
    for (const lockedEvery of [0, 10]) for (const n of SIZES) curvePoint(heap, n, lockedEvery);
  }
}

function curvePoint(heap: string, n: number, lockedEvery: number): void {
  let best = Number.POSITIVE_INFINITY;
  let made!: Compaction;
  let words = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const { handles, memory } = scattered(heap, n, lockedEvery);
    const before = accesses(memory);
    const start = process.hrtime.bigint();
    made = handles.compact(UNLIMITED);
    best = Math.min(best, Number(process.hrtime.bigint() - start));
    // What is copied counts a load and a store for each word.
    words = accesses(memory) - before - made.bytesMoved / 2;
  }
  const cells = [
    heap.padEnd(14),
    (lockedEvery === 0 ? 'none' : `1 in ${lockedEvery}`).padStart(8),
    String(n).padStart(9),
    String(made.blocksMoved).padStart(14),
    String(made.bytesMoved).padStart(14),
    (words / n).toFixed(1).padStart(16),
    (best / n).toFixed(0).padStart(10),
  ];
  console.log(`  ${cells.join('')}`);
}

function scattered(heap: string, n: number, lockedEvery: number) {
  const machine = machineWith(heap, 320 * n + 4096);
  const random = new RandomStream(1, 'curve');
  const blocks = Array.from({ length: n }, () => machine.handles.allocate(16 + random.below(241)));
  blocks.forEach((block, index) => {
    if (block === NULL) throw new Error('the curve’s arena is too small');
    if (random.below(2) === 0) machine.handles.free(block);
    else if (lockedEvery > 0 && index % lockedEvery === 0) machine.handles.lock(block);
  });
  return machine;
}

// --- replay without compaction ----------------------------------------------------------------------------

const REPLAYS = 60;

/** Prints ns per operation of heap_4 and of rmalloc without compaction, in turns, and the ratios' mean. */
export function measureReplayWithoutCompaction(): void {
  console.log('replay without compaction: ns per operation, heap_4, rmalloc, ratio');
  let logarithms = 0;
  const files = readdirSync(TRACES).sort();
  for (const file of files) {
    const trace = readTrace(`${TRACES}${file}`);
    // As large as it takes for neither to fail: the traces' own sizes are too small for that.
    const bytes = 16 * peakOf(trace);
    const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round < REPLAYS; round++) {
      ['heap_4', 'rmalloc'].forEach((heap, index) => {
        const { handles, memory } = machineWith(heap, bytes);
        const replay = new Replay(handles, memory, trace);
        const start = process.hrtime.bigint();
        replay.run();
        best[index] = Math.min(best[index]!, Number(process.hrtime.bigint() - start) / trace.length);
      });
    }
    const [theirs, ours] = best as [number, number];
    logarithms += Math.log(ours / theirs);
    const cells = [theirs.toFixed(1), ours.toFixed(1), (ours / theirs).toFixed(2)];
    console.log(`  ${trace.name.padEnd(24)}${cells.map((cell) => cell.padStart(8)).join('')}`);
  }
  console.log(`  geometric mean of the ratios: ${Math.exp(logarithms / files.length).toFixed(2)}`);
}

function peakOf(trace: Trace): number {
  const { handles, memory } = machineWith('heap_4', 2 ** 26);
  return new Replay(handles, memory, trace).run().peakLiveBytes;
}

// --- generations ------------------------------------------------------------------------------------------

const VARIANTS: readonly (readonly [name: string, options: Record<string, unknown>])[] = [
  ['plain', {}],
  ['after 1', { generations: true, promoteAfter: 1 }],
  ['after 2', { generations: true, promoteAfter: 2 }],
  ['after 3', { generations: true, promoteAfter: 3 }],
];

/** Prints by how much less RAM a buddy heap does with where it may move blocks. `files`: further traces. */
export function measureBuddies(files: readonly string[]): void {
  console.log('buddy heaps: smallest arena ÷ peak live bytes of buddy, of buddy_handles without and with');
  console.log('compaction; bytes moved in the last one ÷ bytes allocated, in how many compactions');
  for (const trace of tracesFor(files)) {
    const still = smallestArena('buddy', trace, {});
    const unmoved = smallestArena('buddy_handles', trace, { compactOnFailure: false });
    const moved = smallestArena('buddy_handles', trace, {});
    const work = compactionWork('buddy_handles', trace, moved, {});
    const cells = [still, unmoved, moved].map((bytes) => (bytes / work.peak).toFixed(3));
    cells.push((work.bytesMoved / work.bytesAllocated).toFixed(5), String(work.count));
    console.log(`  ${trace.name.padEnd(41)}${cells.map((cell) => cell.padStart(10)).join('')}`);
  }
}

function tracesFor(files: readonly string[]): Trace[] {
  const generated = ['gen-server-4-s1', 'gen-uniform-20-s1'].map((name) => `${TRACES}${name}.trace.gz`);
  return [twoLifetimes(), twoLifetimes(true), ...[...generated, ...files].map(lockedTrace)];
}

/** How much larger than the smallest the arena is in which compaction is looked at; a buddy heap moves less. */
const MOVING_HEAPS: readonly (readonly [heap: string, spare: number])[] = [
  ['rmalloc', 1.1],
  ['buddy_handles', 1],
];

/** `files`: further traces. Prints smallest arenas, and what compaction did in them or in somewhat larger ones. */
export function measureGenerations(files: readonly string[]): void {
  console.log(
    'generations: smallest arena ÷ peak live bytes; then compactions, bytes moved ÷ bytes allocated,',
  );
  console.log('accesses beside that, longest compaction in accesses and words moved');
  const traces = tracesFor(files);
  for (const [heap, spare] of MOVING_HEAPS) {
    console.log(`  ${heap}, in ${spare} times the smallest arena without generations`);
    for (const trace of traces) generationsOn(heap, trace, spare);
  }
}

/** Where a recording has accesses, locks are simulated from them. */
function lockedTrace(file: string): Trace {
  const trace = readTrace(file);
  return trace.kinds.includes(LOCK) ? simulateLocks(trace) : trace;
}

function generationsOn(heap: string, trace: Trace, spare: number): void {
  const smallest = VARIANTS.map(([, options]) => smallestArena(heap, trace, options));
  VARIANTS.forEach(([name, options], index) => {
    const row = compactionWork(heap, trace, Math.floor(smallest[0]! * spare), options);
    const cells = [
      (smallest[index]! / row.peak).toFixed(3),
      String(row.count),
      (row.bytesMoved / row.bytesAllocated).toFixed(5),
      String(row.accesses),
      String(row.longest),
    ];
    console.log(`  ${trace.name.padEnd(41)}${name.padEnd(9)}${cells.map((c) => c.padStart(10)).join('')}`);
  });
}

function smallestArena(heap: string, trace: Trace, options: Record<string, unknown>): number {
  const peak = peakOf(trace);
  const step = Math.max(ALIGNMENT, Math.floor(peak / 1000 / ALIGNMENT) * ALIGNMENT);
  const served = (bytes: number) => {
    const { handles, memory } = machineWith(heap, bytes, options);
    return new Replay(handles, memory, trace).run().failures === 0;
  };
  return smallestPassing(peak, 8 * peak, step, served)!;
}

function compactionWork(heap: string, trace: Trace, bytes: number, options: Record<string, unknown>) {
  const { handles, memory } = machineWith(heap, bytes, options);
  const work = { count: 0, bytesMoved: 0, accesses: 0, longest: 0 };
  watch(handles, memory, (made, spent) => {
    work.count++;
    work.bytesMoved += made.bytesMoved;
    work.accesses += spent - made.bytesMoved / 2;
    work.longest = Math.max(work.longest, spent - made.bytesMoved / 4);
  });
  const { peakLiveBytes: peak } = new Replay(handles, memory, trace).run();
  let bytesAllocated = 0;
  trace.kinds.forEach((kind, index) => {
    if (kind === MALLOC) bytesAllocated += trace.bytes[index]!;
  });
  return { ...work, peak, bytesAllocated };
}

function watch(handles: HandleHeap, memory: Memory, told: (made: Compaction, spent: number) => void): void {
  let before = 0;
  handles.relocation!.watcher = {
    began: () => {
      before = accesses(memory);
    },
    ended: (made) => told(made, accesses(memory) - before),
  };
}

/** What generations are made for: some blocks live long, nine of ten die soon. */
function twoLifetimes(inPowersOfTwo = false): Trace {
  const random = new RandomStream(1, 'lifetimes');
  const kinds: number[] = [];
  const ids: number[] = [];
  const bytes: number[] = [];
  const deaths = new Map<number, number[]>();
  const note = (kind: number, id: number, size: number) => {
    kinds.push(kind);
    ids.push(id);
    bytes.push(size);
  };
  for (let id = 0; id < 40_000; id++) {
    for (const dead of deaths.get(id) ?? []) note(FREE, dead, 0);
    deaths.delete(id);
    note(MALLOC, id, inPowersOfTwo ? 16 << random.below(5) : 16 + random.below(200));
    const lifetime = random.below(10) === 0 ? 2000 + random.below(6000) : 1 + random.below(100);
    const death = id + lifetime;
    deaths.set(death, [...(deaths.get(death) ?? []), id]);
  }
  return {
    name: inPowersOfTwo ? 'two lifetimes, powers of two' : 'two lifetimes',
    length: kinds.length,
    kinds: Uint8Array.from(kinds),
    ids: Uint32Array.from(ids),
    counts: new Uint32Array(kinds.length).fill(1),
    bytes: Uint32Array.from(bytes),
    idCount: 40_000,
  };
}
