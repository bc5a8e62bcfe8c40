import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { type BoundRow, type Load, lowerBoundBytes, sufficientBytes } from '../../src/heaps/bounds.js';
import { catalog, findHeap } from '../../src/heaps/catalog.js';
import { boundRowOf, type HeapOptions } from '../../src/heaps/definition.js';
import { NULL } from '../../src/heaps/heap.js';
import { device, ORIGIN } from './device.js';
import { alignedFirstFit, bestFit, buddy, firstFit, type MaskPlace, worstReach } from './layout-masks.js';
import { anySize, type Layout, leastArena, type Place, powersOfTwo, worstArena } from './worst-case.js';

const words = (peak: number, largest: number, smallest = 1): Load => ({
  peakBytes: 4 * peak,
  largestBytes: 4 * largest,
  smallestBytes: 4 * smallest,
  unitBytes: 4,
});
const sufficient = (row: BoundRow, load: Load) => sufficientBytes(row, load) / load.unitBytes;

describe('bounds for 4096 words live at most, blocks of 256 at most', () => {
  const load = words(4096, 256);

  it('no heap can do with less', () => {
    expect(lowerBoundBytes(load) / 4).toBe(20_225);
  });

  it.each([
    ['first-fit', 36_191],
    ['half-fit', 2 * 36_864],
    ['buddy', 36_864],
    ['aligned-first-fit', 20_480],
    ['eager-merge', 983_296],
  ] as const)('%s', (row, expected) => {
    // Knuth's figure is no whole number of words.
    expect(Math.abs(sufficient(row, load) - expected)).toBeLessThanOrEqual(1);
  });

  it.each([
    [4, 972],
    [8, 494],
  ])('eager-merge with blocks of at least %i words', (smallest, kibibytes) => {
    expect(Math.round(sufficientBytes('eager-merge', words(4096, 256, smallest)) / 1024)).toBe(kibibytes);
  });

  it.each([
    [8, 125.4],
    [16, 109.5],
  ])('first-fit in units of %i bytes', (unitBytes, kibibytes) => {
    const coarse = { ...load, unitBytes, smallestBytes: unitBytes };
    expect(sufficientBytes('first-fit', coarse) / 1024).toBeCloseTo(kibibytes, 1);
  });
});

describe('bounds', () => {
  it('are never below what is live', () => {
    for (const row of ['first-fit', 'half-fit', 'buddy', 'aligned-first-fit', 'eager-merge'] as const)
      expect(sufficient(row, words(5, 1))).toBeGreaterThanOrEqual(5);
    expect(lowerBoundBytes(words(5, 1))).toBe(20);
  });

  it('go by the smallest block there is: the client of the lower bound cannot ask for less', () => {
    const coarse = { ...words(64, 16, 4), unitBytes: 4 };
    expect(lowerBoundBytes(coarse)).toBe(lowerBoundBytes({ ...coarse, unitBytes: 16 }));
    expect(lowerBoundBytes(coarse)).toBeLessThan(lowerBoundBytes(words(64, 16)));
  });

  it.each<[string, HeapOptions, BoundRow]>([
    ['first_fit', {}, 'first-fit'],
    ['first_fit', { sizeLists: true }, 'eager-merge'],
    ['first_fit', { order: 'lifo' }, 'eager-merge'],
    ['best_fit', {}, 'eager-merge'],
    ['buddy', {}, 'buddy'],
    ['buddy', { pick: 'first' }, 'aligned-first-fit'],
    ['heap_3', { inner: 'o1heap' }, 'half-fit'],
  ])('of %s with %j are those of %s', (name, options, row) => {
    const heap = findHeap(name)!;
    expect(boundRowOf(heap, v.parse(heap.options, options))).toBe(row);
  });

  it('count holes of TLSF by class: 128 bytes and more are rounded up by up to a 32nd', () => {
    const exact = sufficientBytes('eager-merge', words(1000, 30));
    expect(sufficientBytes('eager-merge-by-class', words(1000, 30))).toBe(exact);
    const [peak, size] = [4000, 257];
    // 1028 bytes: classes are 32 bytes wide there, so that 1056 are searched for.
    expect(sufficient('eager-merge-by-class', words(peak, size))).toBe((peak - size + 1) * 264);
  });

  it('round the peak of a buddy heap up to multiples of the largest block', () => {
    expect(sufficient('buddy', words(9, 3))).toBe(36);
  });
});

type Case = readonly [peak: number, largest: number, arena: number];

/** Every sequence of requests, tried: arenas as published, and no bound broken. */
function searched(
  sizes: (largest: number) => number[],
  policy: (largest: number) => MaskPlace,
  row: BoundRow,
  cases: readonly Case[],
) {
  it.each(cases)('%i live, blocks of at most %i: %i', (peak, largest, arena) => {
    expect(worstReach(peak, sizes(largest), policy(largest))).toBe(arena);
    expect(sufficient(row, words(peak, largest))).toBeGreaterThanOrEqual(arena);
    expect(lowerBoundBytes(words(peak, largest)) / 4).toBeLessThanOrEqual(arena);
  });
}

describe('the worst case of first fit', () => {
  const cases: Case[] = [
    [4, 2, 6],
    [6, 2, 9],
    [8, 2, 12],
    [10, 2, 16],
    [6, 3, 10],
    [7, 4, 13],
    [8, 4, 16],
    [9, 4, 18],
    [10, 4, 20],
    [12, 4, 26],
    [8, 8, 16],
  ];
  searched(anySize, () => firstFit, 'first-fit', cases);
});

// How far an arena without an end is used, which is not what arena would do: best fit takes the last hole only
// where no other is large enough, and in an arena with an end that hole is one like any other.
describe('the worst case of best fit', () => {
  const cases: Case[] = [
    [4, 2, 6],
    [6, 2, 9],
    [8, 2, 13],
    [10, 2, 16],
    [6, 3, 10],
    [7, 4, 14],
    [8, 4, 17],
    [9, 4, 19],
    [10, 4, 22],
    [8, 8, 18],
  ];
  searched(anySize, () => bestFit, 'eager-merge', cases);
});

// Larger cases of powers of two have tens of millions of layouts: see classic/buddy-worst-cases.test.ts.
describe('the worst case of aligned first fit on powers of two', () => {
  const cases: Case[] = [
    [8, 2, 12],
    [12, 2, 18],
    [8, 4, 16],
    [9, 4, 20],
    [12, 4, 24],
    [8, 8, 16],
  ];
  searched(powersOfTwo, () => alignedFirstFit, 'aligned-first-fit', cases);

  const all = [1, 2, 4, 8].flatMap((largest) => {
    return Array.from({ length: 12 - largest }, (_, index) => [largest + index, largest] as const);
  });
  it.each(all)('is just what is said to be enough: %i live, blocks of at most %i', (peak, largest) => {
    const worst = worstReach(peak, powersOfTwo(largest), alignedFirstFit);
    expect(sufficient('aligned-first-fit', words(peak, largest))).toBe(worst);
  });
});

describe('the worst case of a buddy heap', () => {
  const cases: Case[] = [
    [8, 2, 12],
    [8, 4, 16],
    [7, 4, 16],
    [12, 4, 24],
    [8, 8, 16],
    [11, 8, 32],
  ];
  searched(powersOfTwo, buddy, 'buddy', cases);
});

describe('the least arena that any heap can do with', () => {
  it.each([
    [3, 2, 4],
    [4, 2, 5],
    [5, 2, 7],
    [4, 4, 5],
    [5, 4, 7],
  ])('%i live, blocks of at most %i: %i, as Robson says', (peak, largest, arena) => {
    expect(leastArena(peak, powersOfTwo(largest))).toBe(arena);
    expect(lowerBoundBytes(words(peak, largest)) / 4).toBe(arena);
  });
});

describe('the real heaps behave as the policy that their bound is about', () => {
  const UNIT = 32;
  const firstFitHeaps = catalog
    .filter((heap) => boundRowOf(heap, v.parse(heap.options, {})) === 'first-fit')
    .map((heap) => heap.name);

  it('are some', () =>
    expect(firstFitHeaps).toEqual(expect.arrayContaining(['heap_4', 'heap_5', 'first_fit', 'heap_3'])));

  /** The layout made on a heap whose blocks are units of 32 bytes, and where the next block goes. */
  function placeOn(name: string): Place {
    return (layout: Layout, size: number) => {
      const { heap } = device(name, { bytes: 1024 });
      const payloads = new Map<number, number>();
      const fill = (from: number, to: number) => {
        for (let at = from; at < to; at++) payloads.set(at, heap.malloc(payloadOf(1)));
      };
      const payloadOf = (units: number) => units * UNIT - (heap.blockBytesFor(1024) - 1024);
      let end = 0;
      for (const [start, units] of layout) {
        fill(end, start);
        heap.malloc(payloadOf(units));
        end = start + units;
      }
      for (const address of payloads.values()) heap.free(address);
      const first = device(name, { bytes: 1024 }).heap.malloc(payloadOf(1));
      const address = heap.malloc(payloadOf(size));
      if (address === NULL) throw new Error('the arena is large enough');
      return (address - first) / UNIT;
    };
  }

  it.each(firstFitHeaps)('%s', (name) => {
    expect(device(name).heap.malloc(8)).toBeGreaterThan(ORIGIN);
    expect(worstArena(6, anySize(2), placeOn(name))).toBe(9);
    expect(worstArena(6, anySize(3), placeOn(name))).toBe(10);
  });
});
