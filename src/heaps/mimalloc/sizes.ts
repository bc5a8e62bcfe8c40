/**
 * The arithmetic of mimalloc's heap, without memory: size classes, spans, block numbers by multiplication, and runs
 * in a bitmap. Sizes of classes count units; a unit is the alignment, 4 to 32 bytes.
 */

import { highestBit, lowestBit } from '../bits.js';

export { alignUp } from '../words.js';

/** Bits below the highest that tell classes apart: 2 make 4 classes in each octave, 3 make 8. */
export type BinBits = 2 | 3;

/** A page has at most so many units, so that block numbers come out exact and fit 12 bits. */
export const MAXIMUM_UNITS = 2048;

/** {@link blockNumber} divides by a multiplication and a shift by so many bits. */
export const NUMBER_SHIFT = 21;

/** Units that a request of `bytes` > 0 takes; `unitShift` is the binary logarithm of a unit's bytes. */
export function unitsFor(bytes: number, unitShift: number): number {
  return (bytes + (1 << unitShift) - 1) >>> unitShift;
}

/**
 * The class, from 1, that serves a request of `units` > 0. Up to 2^(bits+1) units each number has its own; from there
 * the highest bit of `units - 1` and the `bits` below it name the class.
 */
export function binOf(units: number, bits: BinBits): number {
  if (units <= 2 << bits) return units;
  const last = units - 1;
  const top = highestBit(last);
  const below = (last >>> (top - bits)) & ((1 << bits) - 1);
  return (top << bits) + below - ((bits - 1) << bits) + 1;
}

/** Units of the blocks of class `bin`: the most that {@link binOf} sends there. */
export function unitsOfBin(bin: number, bits: BinBits): number {
  if (bin <= 2 << bits) return bin;
  const number = bin - 1 + ((bits - 1) << bits);
  const top = number >>> bits;
  const below = number & ((1 << bits) - 1);
  return ((1 << bits) + below + 1) << (top - bits);
}

/** Pages that an object of `bytes` > 0 spans. */
export function spanPages(bytes: number, pageShift: number): number {
  return Math.ceil(bytes / 2 ** pageShift);
}

/** The factor with which {@link blockNumber} divides by `units`, from 1 to {@link MAXIMUM_UNITS} / 2. */
export function reciprocal(units: number): number {
  return Math.ceil(2 ** NUMBER_SHIFT / units);
}

/** `offset / units`, rounded down, for an `offset` of fewer units than a page may have; `factor`: {@link reciprocal}. */
export function blockNumber(offset: number, factor: number): number {
  return Math.imul(offset, factor) >>> NUMBER_SHIFT;
}

/** The lowest bit with which a run of `count` (1 to 32) set bits begins in `word`; -1 if there is none. */
export function runInWord(word: number, count: number): number {
  let starts = word;
  // Each bit of `starts` begins a run of `have`; anding it with itself shifted makes longer ones.
  for (let have = 1; have < count && starts !== 0; ) {
    const step = Math.min(have, count - have);
    starts &= starts >>> step;
    have += step;
  }
  return starts === 0 ? -1 : lowestBit(starts);
}

/** How many bits are set from the lowest on. */
export function onesFromBelow(word: number): number {
  const zeros = ~word;
  return zeros === 0 ? 32 : lowestBit(zeros);
}

/** How many bits are set from the highest down. */
export function onesFromAbove(word: number): number {
  return Math.clz32(~word);
}

/** The bits from `first` to before `end`, both in one word; `end` is 0 where that is the next word's first bit. */
export function bitsBetween(first: number, end: number): number {
  return (-1 << first) & (-1 >>> (31 & -end));
}
