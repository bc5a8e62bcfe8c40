/**
 * What heaps are measured with: programs that keep an arena close to full, in eleven ways. The larger the arena, the larger
 * the blocks and the more operations, so that what is measured in one size can be compared with another.
 */

import { RandomStream } from '../src/scenario/random.js';
import { ORDERS, Script, taken } from './trace-script.js';

/** Sizes that do not grow as fast as the arena: `at4KiB` there, 8 times as much at 64 KiB. */
function scaled(arena: number, at4KiB: number): number {
  return 2 ** Math.round(Math.log2(at4KiB * (arena / 4096) ** 0.75));
}

// --- blocks of some distribution that die at random --------------------------------------------------------

/** How full the arena is kept in each quarter of the time, from and to. */
const LEVELS = [
  [0.65, 0.95],
  [0.94, 1.04],
  [0.35, 0.85],
  [0.99, 1.06],
] as const;

function mixed(draw: (script: Script) => number, more: number) {
  return (script: Script): void => {
    while (!script.isDone) {
      const [from, to] = LEVELS[Math.floor(4 * script.progress)]!;
      const level = more + from + (to - from) * script.random.unit();
      for (let left = script.between(40, 200); left > 0 && !script.isDone; left--) {
        const mallocs = script.chance(script.filled < level ? 0.68 : 0.32);
        if (mallocs || script.live.length === 0) script.malloc(draw(script));
        else script.freeAny();
      }
    }
  };
}

function uniform(script: Script): number {
  return script.between(1, scaled(script.arena, 64));
}

/** Six of seven are small. */
function bimodal(script: Script): number {
  if (script.chance(0.85)) return script.between(4, 32);
  return script.between(Math.ceil(script.arena / 24), script.arena / 8);
}

function powerOfTwo(script: Script): number {
  let bytes = 4;
  while (bytes < script.arena / 16 && script.chance(0.71)) bytes *= 2;
  return bytes;
}

/** Most have one of a few sizes, as objects have; now and then everything goes. */
function exact(script: Script): void {
  while (!script.isDone) {
    const most = script.between(script.arena / 128, script.arena / 92);
    const sizes = Array.from({ length: 8 }, () => script.between(1, most));
    const level = 0.92 + 0.12 * script.random.unit();
    for (let left = script.between(200, 900); left > 0 && !script.isDone; ) {
      const before = script.lines.length;
      for (let more = script.between(1, 11); more > 0 || script.filled < level - 0.05; more--) {
        script.malloc(script.chance(0.7) ? script.one(sizes) : script.between(1, most));
      }
      for (let more = script.between(1, 11); more > 0 || script.filled > level; more--) script.freeAny();
      left -= script.lines.length - before;
    }
    if (script.chance(0.7)) script.freeSome(script.one(ORDERS), script.live.length);
  }
}

// --- blocks of a phase --------------------------------------------------------------------------------------

/** The largest block of a phase. */
function largest(script: Script): number {
  return Math.max(8, script.arena / 2 ** script.between(4, 8));
}

function fifo(script: Script): void {
  while (!script.isDone) {
    const most = largest(script);
    const level = 0.78 + 0.42 * script.random.unit();
    const burst = script.chance(0.3) ? script.between(5, 40) : 1;
    for (let left = script.between(100, 500); left > 0 && !script.isDone; left--) {
      script.malloc(script.between(1, most));
      if (script.filled <= level) continue;
      script.freeSome('oldest', burst);
      while (script.filled > level) script.free(0);
    }
  }
}

function lifo(script: Script): void {
  while (!script.isDone) {
    const most = largest(script);
    // Rises and falls.
    for (let turns = script.between(1, 3); turns > 0 && !script.isDone; turns--) {
      const top = 0.5 + 0.9 * script.random.unit();
      while (script.filled < top && !script.isDone) {
        for (let more = script.between(2, 14); more > 0; more--) script.malloc(script.between(1, most));
        script.freeSome('newest', script.between(1, 8));
      }
      const bottom = 0.5 * script.random.unit() * top;
      while (script.filled > bottom && !script.isDone) {
        script.freeSome('newest', script.between(2, 20));
        for (let more = script.between(0, 6); more > 0; more--) script.malloc(script.between(1, most));
      }
    }
    if (script.chance(0.6)) script.freeSome('newest', script.live.length);
  }
}

/** Sizes that rise or fall by the same step. */
function ramp(script: Script): void {
  while (!script.isDone) {
    const most = Math.floor(script.arena / (10 * 2 ** script.between(0, 3)));
    const step = script.one([1, 2, 4, 8, 16]);
    const rises = script.chance(0.5);
    const level = 0.5 + 0.75 * script.random.unit();
    for (let index = 1; script.filled < level; index++) {
      script.malloc(Math.max(1, rises ? Math.min(most, index * step) : most - index * step));
    }
    const share = script.chance(0.5) ? 1 : 0.7 + 0.3 * script.random.unit();
    script.freeSome(script.one(ORDERS), Math.ceil(share * script.live.length));
  }
}

// --- what some heaps do worst ---------------------------------------------------------------------------------

/** Many small blocks, of which every second goes, then the others; and each time a request that takes most of the arena. */
function manySmall(script: Script): void {
  while (!script.isDone) {
    const most = script.one([4, 8, 16, 24, 32, 48]);
    const same = script.chance(0.5);
    const count = (0.6 + 0.7 * script.random.unit()) * (script.arena / taken(most));
    for (let index = 0; index < count; index++) script.malloc(same ? most : script.between(1, most));
    for (let index = script.live.length - 1; index >= 0; index -= 2) script.free(index);
    requestMost(script);
    script.freeSome(script.one(ORDERS), script.live.length);
    requestMost(script);
  }
}

function requestMost(script: Script): void {
  for (const share of [0.5, 0.75, 1]) {
    if (!script.chance(0.6)) continue;
    script.malloc(Math.floor(share * script.arena) - 8 * script.between(1, 8));
    script.free(script.live.length - 1);
  }
}

/** Holes of many sizes, or many holes of one, between blocks that stay; then requests that few of them serve. */
function sizeList(script: Script): void {
  while (!script.isDone) {
    const before = script.live.length;
    const step = script.one([0, 0, 8, 8, 2]);
    const first = script.one([8, 16]);
    const level = script.filled + 0.25 + 0.6 * script.random.unit();
    for (let index = 1; script.filled < level; index++) {
      script.malloc(step === 0 ? first : Math.max(1, (index * step) % Math.ceil(script.arena / 40)));
      script.malloc(script.between(1, 8));
    }
    for (let index = script.live.length - 2; index >= before; index -= 2) script.free(index);
    const most = Math.floor(script.arena / script.one([4, 8, 16]));
    for (let turns = script.between(30, 160); turns > 0; turns--) {
      script.malloc(script.between(most / 3, most));
      script.malloc(script.between(1, 16));
      script.free(script.live.length - 2);
      if (script.chance(0.6)) script.free(script.live.length - 1);
    }
    if (script.chance(0.5)) {
      const count = script.between(script.arena / 2048, script.arena / 256);
      for (let left = count; left > 0; left--) script.malloc(script.between(most / 8, most / 2));
    }
    script.freeSome('any', script.chance(0.8) ? script.live.length : script.live.length >> 1);
  }
}

// --- programs ---------------------------------------------------------------------------------------------------

/** Buffers that grow and shrink: doubled, halved, a byte more. */
function resized(script: Script): void {
  const most = scaled(script.arena, 48);
  while (!script.isDone) {
    const kind = script.random.unit();
    if (kind < 0.24 || script.live.length === 0) {
      script.malloc(script.chance(0.08) ? script.between(most, 4 * most) : script.between(1, most));
    } else if (kind < 0.84) {
      const index = script.random.below(script.live.length);
      script.realloc(index, resizedBytes(script, script.live[index]!.bytes));
    } else script.freeAny();
    while (script.filled > 1) script.freeAny();
  }
}

function resizedBytes(script: Script, bytes: number): number {
  const grows = script.filled < 0.8 && bytes < script.arena / 8;
  const kind = script.random.unit();
  if (kind < 0.03) return 0;
  if (kind < 0.25) return grows ? 2 * bytes : Math.max(1, bytes >> 1);
  if (kind < 0.5) return Math.max(1, bytes >> 1);
  return kind < 0.6 ? bytes + 1 : script.between(Math.max(1, bytes >> 1), 2 * bytes);
}

/** Connections: each takes a few blocks, which go together, mostly in the order in which they came. */
function server(script: Script): void {
  const body = script.arena / 64;
  while (!script.isDone) {
    script.malloc(script.between(25, 56));
    script.malloc(script.between(body / 2, body));
    if (script.chance(0.5)) script.calloc(script.between(1, 8), script.between(4, Math.max(8, body >> 3)));
    if (script.chance(0.25)) script.malloc(script.between(body, Math.floor(2.6 * body)));
    if (script.chance(0.4)) {
      const index = script.random.below(script.live.length);
      const { bytes } = script.live[index]!;
      script.realloc(
        index,
        Math.max(1, script.chance(0.6) ? bytes >> 1 : Math.min(2 * bytes, script.arena >> 4)),
      );
    }
    while (script.filled > 0.97) {
      const from = Math.min(script.live.length - 1, script.random.below(8));
      const index = script.chance(0.8) ? from : script.random.below(script.live.length);
      for (let left = script.between(3, 5); left > 0 && index < script.live.length; left--)
        script.free(index);
    }
  }
}

/** By the name of the profile. */
export const PROFILES: ReadonlyMap<string, (script: Script) => void> = new Map([
  ['bimodal', mixed(bimodal, 0)],
  ['exact', exact],
  ['fifo', fifo],
  ['lifo', lifo],
  ['manysmall', manySmall],
  ['pow2', mixed(powerOfTwo, 0.05)],
  ['ramp', ramp],
  ['realloc', resized],
  ['server', server],
  ['sizelist', sizeList],
  ['uniform', mixed(uniform, 0.04)],
]);

/** More in a larger arena, where each operation changes less. */
function operationsFor(kib: number): number {
  return Math.round(1500 * Math.sqrt(kib));
}

/** A trace as it stands in a file. */
export function traceText(profile: string, kib: number, seed: number): string {
  const random = new RandomStream(seed, `${profile}-${kib}`);
  const script = new Script(1024 * kib, operationsFor(kib), random);
  PROFILES.get(profile)!(script);
  return `${script.lines.join('\n')}\n`;
}
