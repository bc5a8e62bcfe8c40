import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { highestBit } from '../../../src/heaps/bits.js';
import {
  type BinBits,
  binOf,
  blockNumber,
  MAXIMUM_UNITS,
  onesFromAbove,
  onesFromBelow,
  reciprocal,
  runInWord,
  spanPages,
  unitsFor,
  unitsOfBin,
} from '../../../src/heaps/mimalloc/sizes.js';

describe.each<[bits: BinBits, waste: number]>([
  [2, 1 / 4],
  [3, 1 / 8],
])('size classes with %i bits', (bits, waste) => {
  it('follow each other without a gap, and each is used up to its size', () => {
    for (let units = 1; units <= MAXIMUM_UNITS; units++) {
      const bin = binOf(units, bits);
      const size = unitsOfBin(bin, bits);
      expect(size).toBeGreaterThanOrEqual(units);
      expect(size - units).toBeLessThan(waste * units);
      expect(binOf(size, bits)).toBe(bin);
      expect(binOf(size + 1, bits)).toBe(bin + 1);
    }
  });
});

it('the first classes are those of the original', () => {
  const sizes = Array.from({ length: 20 }, (_, index) => unitsOfBin(index + 1, 2));
  expect(sizes).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64]);
});

it('a block number is the quotient, for every size of block and every offset in a page', () => {
  for (let units = 1; units <= MAXIMUM_UNITS / 2; units++) {
    const factor = reciprocal(units);
    const wrong = Array.from({ length: MAXIMUM_UNITS }, (_, offset) => offset).find(
      (offset) => blockNumber(offset, factor) !== Math.floor(offset / units),
    );
    expect(wrong, `of blocks of ${units} units`).toBeUndefined();
  }
});

it('requests are rounded up to units and pages', () => {
  expect([1, 7, 8, 9, 16, 17].map((bytes) => unitsFor(bytes, 3))).toEqual([1, 1, 1, 2, 2, 3]);
  expect([1, 256, 257, 512, 2 ** 32 - 1].map((bytes) => spanPages(bytes, 8))).toEqual([1, 1, 2, 2, 2 ** 24]);
});

describe('a bitmap word', () => {
  const anyWord = fc.oneof(
    fc.nat(0xffff_ffff),
    fc.array(fc.tuple(fc.nat(31), fc.nat(31)), { maxLength: 3 }).map((runs) => {
      let word = 0;
      for (const [from, length] of runs) for (let bit = from; bit <= from + length; bit++) word |= 1 << bit;
      return word >>> 0;
    }),
  );
  const isSet = (word: number, bit: number) => ((word >>> bit) & 1) === 1;
  const bits = Array.from({ length: 32 }, (_, bit) => bit);

  it('has its lowest run of some length where counting finds it', () => {
    fc.assert(
      fc.property(anyWord, fc.integer({ min: 1, max: 32 }), (word, count) => {
        const starts = bits.filter((bit) => bit + count <= 32);
        const runs = starts.filter((start) =>
          bits.slice(start, start + count).every((bit) => isSet(word, bit)),
        );
        expect(runInWord(word, count)).toBe(runs[0] ?? -1);
      }),
    );
  });

  it('has its first and last bits where counting finds them', () => {
    fc.assert(
      fc.property(anyWord, (word) => {
        const clear = bits.filter((bit) => !isSet(word, bit));
        expect(onesFromBelow(word)).toBe(clear[0] ?? 32);
        expect(onesFromAbove(word)).toBe(31 - (clear.at(-1) ?? -1));
        const last = bits.filter((bit) => isSet(word, bit)).at(-1);
        if (last !== undefined) expect(highestBit(word)).toBe(last);
      }),
    );
  });
});
