/**
 * Exact worst cases: of all that a client can do who never holds more than M units and never asks for more than
 * n at once, what needs the most memory? Found by trying everything, on the heap itself: from every layout
 * that can come about, every request and every free. The expected figures are from an independent search;
 * bounds.test.ts has more of them, on models. They say how far an arena is used that is larger than will ever be
 * needed. For best fit that is not the arena which suffices, see below.
 */

import { describe, expect, it } from 'vitest';
import { buddyOn, explore, machineOf, ORIGIN, type Search, UNIT } from './explore.js';

/** A fit on `units` units: two tags of 4 bytes in each block, a unit for those at the arena's ends. */
function fitOn(name: string, units: number): Search {
  return { machine: machineOf(name, (units + 1) * UNIT, {}), base: ORIGIN + UNIT, overheadBytes: 8 };
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
      const outcome = explore(fitOn(name, 40), most, upTo(largest));
      expect(outcome).toMatchObject({ highest: worst, fails: false });
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
    const outcome = explore(buddyOn(32, 'first'), most, powersUpTo(largest));
    expect(outcome).toMatchObject({ highest: worst, fails: false });
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
