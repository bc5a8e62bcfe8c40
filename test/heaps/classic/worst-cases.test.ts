/**
 * Exact worst cases: of all that a client can do who never holds more than M units and never asks for more than
 * n at once, what needs the most memory? Found by trying everything, on the heap itself: from every layout
 * that can come about, every request and every free. The expected figures are from an independent search;
 * bounds.test.ts has more of them, on models. They say how far an arena is used that is larger than will ever be
 * needed. For best fit that is not the arena which suffices, see below.
 */

import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { findHeap } from '../../../src/heaps/catalog.js';
import type { HeapOptions } from '../../../src/heaps/definition.js';
import { NULL } from '../../../src/heaps/heap.js';
import { type ReplayMachine, replayMachine } from '../../../src/traces/replay-machine.js';

const ORIGIN = 0x2000_0000;
const UNIT = 16;

/** Blocks in use by address: offset and size in units, flat. */
type Layout = readonly number[];

interface State {
  readonly layout: Layout;
  /** What lies in RAM then. */
  readonly words: Uint32Array;
}

interface Search {
  readonly machine: ReplayMachine;
  /** Address of the lowest block. */
  readonly base: number;
  /** Bytes of a block beside its payload. */
  readonly overheadBytes: number;
}

interface Extremes {
  /** End of the highest block there has been, in units. */
  readonly highest: number;
  readonly fails: boolean;
}

function ramOf({ machine }: Search): { from: number; bytes: number } {
  const { statics, regions } = machine.layout;
  return { from: statics, bytes: regions[0]!.origin + regions[0]!.bytes - statics };
}

function taken(search: Search): Uint32Array {
  const { from, bytes } = ramOf(search);
  return new Uint32Array(search.machine.memory.image(from, bytes).buffer);
}

function restore(search: Search, words: Uint32Array): void {
  const { from } = ramOf(search);
  for (let index = 0; index < words.length; index++) {
    search.machine.memory.storeWord(from + 4 * index, words[index]!);
  }
}

/** A layout says all that matters: none of these heaps remembers how it came to it. */
function explore(search: Search, most: number, sizes: readonly number[]): Extremes {
  const { heap } = search.machine;
  const seen = new Set(['']);
  const open: State[] = [{ layout: [], words: taken(search) }];
  let highest = 0;
  let fails = false;
  const visit = (layout: Layout) => {
    const key = layout.join();
    if (seen.has(key)) return;
    seen.add(key);
    open.push({ layout, words: taken(search) });
  };
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const { layout, words } = state;
    for (let index = 0; index < layout.length; index += 2) {
      restore(search, words);
      heap.free(search.base + layout[index]! * UNIT);
      visit(layout.toSpliced(index, 2));
    }
    const live = layout.reduce((sum, value, index) => (index % 2 === 0 ? sum : sum + value), 0);
    for (const size of sizes.filter((units) => live + units <= most)) {
      restore(search, words);
      const address = heap.malloc(size * UNIT - search.overheadBytes);
      if (address === NULL) {
        fails = true;
        continue;
      }
      const offset = (address - search.base) / UNIT;
      highest = Math.max(highest, offset + size);
      const above = layout.findIndex((value, index) => index % 2 === 0 && value > offset);
      visit(layout.toSpliced(above < 0 ? layout.length : above, 0, offset, size));
    }
  }
  return { highest, fails };
}

function machineOf(name: string, bytes: number, options: HeapOptions): ReplayMachine {
  const definition = findHeap(name)!;
  const region = { name: 'heap', origin: ORIGIN, bytes };
  return replayMachine(definition, v.parse(definition.options, options), [region], UNIT);
}

/** A fit on `units` units: two tags of 4 bytes in each block, a unit for those at the arena's ends. */
function fitOn(name: string, units: number): Search {
  return { machine: machineOf(name, (units + 1) * UNIT, {}), base: ORIGIN + UNIT, overheadBytes: 8 };
}

/** A buddy heap of exactly `units` smallest blocks, behind heads and table. */
function buddyOn(units: number, pick: string): Search {
  const heads = 4 * (Math.floor(Math.log2(units)) + 1);
  const base = Math.ceil((heads + units) / UNIT) * UNIT;
  const machine = machineOf('buddy', base + units * UNIT, { minimumBlock: UNIT, pick });
  return { machine, base: ORIGIN + base, overheadBytes: 0 };
}

const upTo = (most: number) => Array.from({ length: most }, (_, index) => index + 1);
const powersUpTo = (most: number) => upTo(most).filter((size) => (size & (size - 1)) === 0);

type Case = readonly [most: number, largest: number, worst: number];
const FITS: [string, Case[]][] = [
  [
    'first_fit',
    [
      [4, 2, 6],
      [6, 2, 9],
      [8, 2, 12],
      [6, 3, 10],
      [7, 4, 13],
    ],
  ],
  [
    'best_fit',
    [
      [4, 2, 6],
      [6, 2, 9],
      [8, 2, 13],
      [6, 3, 10],
      [7, 4, 14],
    ],
  ],
];

describe.each(FITS)('%s', (name, cases) => {
  it.each(cases)(
    'with at most %i units live in blocks of up to %i reaches unit %i',
    (most, largest, worst) => {
      const { highest, fails } = explore(fitOn(name, 40), most, upTo(largest));
      expect({ highest, fails }).toEqual({ highest: worst, fails: false });
    },
  );
});

it('best_fit fails on an arena of what it reaches on a larger one: the last hole is as good as any', () => {
  expect(explore(fitOn('best_fit', 10), 6, upTo(3)).fails).toBe(true);
  expect(explore(fitOn('best_fit', 12), 6, upTo(3)).fails).toBe(false);
});

it('first_fit does not: how far the arena goes on makes no difference to it', () => {
  expect(explore(fitOn('first_fit', 9), 6, upTo(3)).fails).toBe(true);
  expect(explore(fitOn('first_fit', 10), 6, upTo(3)).fails).toBe(false);
});

describe('first fit at aligned addresses, by a buddy heap', () => {
  it.each([
    [8, 2, 12],
    [8, 4, 16],
    [9, 4, 20],
    [8, 8, 16],
  ])('with at most %i units live in blocks of up to %i reaches unit %i', (most, largest, worst) => {
    const { highest, fails } = explore(buddyOn(32, 'first'), most, powersUpTo(largest));
    expect({ highest, fails }).toEqual({ highest: worst, fails: false });
  });
});

describe('buddy, smallest block and of these the lowest,', () => {
  it.each([
    [8, 2, 12],
    [7, 4, 16],
    [8, 4, 16],
    [8, 8, 16],
  ])('with at most %i units live in blocks of up to %i needs an arena of %i', (most, largest, worst) => {
    expect(explore(buddyOn(worst, 'lowest'), most, powersUpTo(largest)).fails).toBe(false);
    expect(explore(buddyOn(worst - largest, 'lowest'), most, powersUpTo(largest)).fails).toBe(true);
  });
});
