/** mimalloc: size classes, block numbers by multiplication, runs of pages. */

import { lowestBits } from '../../src/heaps/bits.js';
import {
  type BinBits,
  binOf,
  blockNumber,
  MAXIMUM_UNITS,
  NUMBER_SHIFT,
  onesFromAbove,
  onesFromBelow,
  reciprocal,
  runInWord,
  spanPages,
  unitsFor,
  unitsOfBin,
} from '../../src/heaps/mimalloc/sizes.js';
import { between, chapter, each, eachFrom, numberText } from '../proof.js';

const SIZES = 'src/heaps/mimalloc/sizes.ts';

const bits = each([2, 3]);
/** Far beyond the largest class that any page has. */
const units = between(1, 2 ** 17);
const unitShift = eachFrom(2, 5);
/** Of a block in a page, and of a unit in the block. */
const number = between(0, 2 ** 21);
const rest = between(0, MAXIMUM_UNITS / 2 - 1);
const word = between(0, 2 ** 32 - 1);

// --- classes ----------------------------------------------------------------------------------------------

export function isRoundedUp(unitShift: number, bytes: number): boolean {
  const size = unitsFor(bytes, unitShift) * 2 ** unitShift;
  return size >= bytes && size < bytes + 2 ** unitShift;
}

export function ascends(bits: BinBits, smaller: number, larger: number): boolean {
  return binOf(smaller, bits) <= binOf(larger, bits);
}

export function isInOrder(_bits: BinBits, smaller: number, larger: number): boolean {
  return smaller <= larger;
}

export function isLargeEnough(bits: BinBits, units: number): boolean {
  return unitsOfBin(binOf(units, bits), bits) >= units;
}

export function isSmallest(bits: BinBits, units: number): boolean {
  const bin = binOf(units, bits);
  return bin >= 1 && (bin === 1 || unitsOfBin(Math.max(bin, 2) - 1, bits) < units);
}

export function wastesLess(bits: BinBits, units: number): boolean {
  const waste = unitsOfBin(binOf(units, bits), bits) - units;
  return waste * 2 ** bits < units;
}

export function wastesLessOfBlock(bits: BinBits, units: number): boolean {
  const block = unitsOfBin(binOf(units, bits), bits);
  return (block - units) * (2 ** bits + 1) < block;
}

export function wastesLessThanAnEighth(bits: BinBits, units: number): boolean {
  return (unitsOfBin(binOf(units, bits), bits) - units) * 8 < units;
}

export function wastesLessThanASixteenth(bits: BinBits, units: number): boolean {
  return (unitsOfBin(binOf(units, bits), bits) - units) * 16 < units;
}

// --- numbers of blocks ------------------------------------------------------------------------------------

/** Units of all blocks that a page of {@link MAXIMUM_UNITS} has with 8 classes per octave, those with 4 among them. */
const BLOCK_UNITS = Array.from({ length: binOf(MAXIMUM_UNITS / 2, 3) }, (_, index) =>
  unitsOfBin(index + 1, 3),
);

/** `rest` units into block `number`, both from 0. */
export function isTheNumber(units: number, number: number, rest: number): boolean {
  return blockNumber(number * units + rest, reciprocal(units)) === number;
}

export function isInTheBlock(units: number, _number: number, rest: number): boolean {
  return rest < units;
}

export function isInAPage(units: number, number: number, rest: number): boolean {
  return number * units + rest < MAXIMUM_UNITS;
}

/**
 * The first offset for which {@link blockNumber} is wrong: the last one of a block at which the factor's excess, by
 * which it was rounded up, adds up to 1; or where the product no longer fits 32 bits.
 */
export function firstWrong(units: number): number {
  const factor = reciprocal(units);
  const excess = factor * units - 2 ** NUMBER_SHIFT;
  const wraps = Math.ceil(2 ** 32 / factor);
  if (excess === 0) return wraps;
  const reached = Math.ceil(2 ** NUMBER_SHIFT / excess);
  return Math.min(wraps, reached + ((2 * units - 1 - (reached % units)) % units));
}

export function isBeforeFirstWrong(units: number, number: number, rest: number): boolean {
  return number * units + rest < firstWrong(units);
}

export function isWrongAt(units: number): boolean {
  const offset = firstWrong(units);
  return blockNumber(offset, reciprocal(units)) !== Math.floor(offset / units);
}

export function isRightAt(units: number): boolean {
  return !isWrongAt(units);
}

function exactRanges(): string {
  const ranges = BLOCK_UNITS.map((units) => `${units}: ${numberText(firstWrong(units) - 1)}`);
  return `The last offset for which it is right, by the units of a block: ${ranges.join(', ')}.`;
}

// --- pages ------------------------------------------------------------------------------------------------

export function spansEnough(bytes: number, pageShift: number): boolean {
  const room = spanPages(bytes, pageShift) * 2 ** pageShift;
  return room >= bytes && room < bytes + 2 ** pageShift;
}

function isRun(word: number, count: number, first: number): boolean {
  return first + count <= 32 && ((word >>> first) & lowestBits(count)) >>> 0 === lowestBits(count) >>> 0;
}

export function findsARun(count: number, word: number): boolean {
  const first = runInWord(word, count);
  return first === -1 || isRun(word, count, first);
}

export function findsTheLowest(count: number, word: number, place: number): boolean {
  if (!isRun(word, count, place)) return true;
  const first = runInWord(word, count);
  return first !== -1 && first <= place;
}

export function countsFromBelow(word: number): boolean {
  const ones = onesFromBelow(word);
  const isAll = ones === 32;
  return (word & lowestBits(ones)) >>> 0 === lowestBits(ones) >>> 0 && (isAll || ((word >>> ones) & 1) === 0);
}

export function countsFromAbove(word: number): boolean {
  const ones = onesFromAbove(word);
  const rest = 32 - ones;
  return (word | lowestBits(rest)) >>> 0 === 2 ** 32 - 1 && (rest === 0 || ((word >>> (rest - 1)) & 1) === 0);
}

const block = { says: 'rest < units', holds: isInTheBlock };

export const mimalloc = chapter(
  import.meta.url,
  'mimalloc: classes, block numbers, runs of pages',
  'Sizes are in units of the alignment. With two bits below the highest there are 4 classes in an octave, with three 8\n(`bits`).',
  [
    {
      name: 'mimalloc-units',
      claim: 'A request is rounded up to units, and by less than one',
      over: { unitShift, bytes: between(1, 2 ** 31) },
      holds: isRoundedUp,
      twins: [
        {
          says: 'not rounded up',
          change: {
            file: SIZES,
            from: '(bytes + (1 << unitShift) - 1) >>> unitShift',
            to: 'bytes >>> unitShift',
          },
        },
        { says: 'any request: the sum wraps (the heap asks for small ones only)', over: { bytes: word } },
      ],
    },
    {
      name: 'mimalloc-bin-monotone',
      claim: 'A larger request is never in a lower class',
      over: { bits, smaller: units, larger: units },
      given: { order: { says: 'smaller <= larger', holds: isInOrder } },
      holds: ascends,
      twins: [
        {
          says: 'each size has its own class for an octave more',
          change: {
            file: SIZES,
            from: 'if (units <= 2 << bits) return units;',
            to: 'if (units <= 4 << bits) return units;',
          },
        },
        { says: 'in either order', without: 'order' },
      ],
    },
    {
      name: 'mimalloc-bin-holds',
      claim: 'The blocks of the class of a request are large enough for it',
      over: { bits, units },
      holds: isLargeEnough,
      twins: [
        {
          says: 'by the size, not by the one below it',
          change: { file: SIZES, from: 'const last = units - 1;', to: 'const last = units - 2;' },
        },
      ],
    },
    {
      name: 'mimalloc-bin-tight',
      claim: 'Those of the class below are too small',
      over: { bits, units },
      holds: isSmallest,
      twins: [
        {
          says: 'by the size, not by the one below it',
          change: { file: SIZES, from: 'const last = units - 1;', to: 'const last = units;' },
        },
      ],
    },
    {
      name: 'mimalloc-waste',
      claim: 'Less than 2^-bits of the request is wasted: 25 % with 4 classes in an octave, 12.5 % with 8',
      over: { bits, units },
      holds: wastesLess,
      twins: [
        { says: '12.5 % with 4 classes', holds: wastesLessThanAnEighth, over: { bits: each([2]) } },
        { says: '6.25 % with 8 classes', holds: wastesLessThanASixteenth, over: { bits: each([3]) } },
      ],
    },
    {
      name: 'mimalloc-waste-of-block',
      claim: 'Of the block, less than 20 % is wasted with 4 classes in an octave, and a 9th with 8',
      over: { bits, units },
      holds: wastesLessOfBlock,
      twins: [
        {
          says: '12.5 % of the request, with 4 classes',
          holds: wastesLessThanAnEighth,
          over: { bits: each([2]) },
        },
      ],
    },
    {
      name: 'mimalloc-block-number',
      claim: `Multiplied and shifted by ${NUMBER_SHIFT}, every offset in a page gives the number of its block`,
      over: { units: each(BLOCK_UNITS), number, rest },
      given: {
        block,
        page: { says: `number * units + rest < ${MAXIMUM_UNITS}`, holds: isInAPage },
      },
      holds: isTheNumber,
      twins: [
        {
          says: 'the factor is rounded down',
          change: {
            file: SIZES,
            from: 'Math.ceil(2 ** NUMBER_SHIFT / units)',
            to: 'Math.floor(2 ** NUMBER_SHIFT / units)',
          },
        },
        {
          says: 'a shift by 12',
          change: { file: SIZES, from: 'NUMBER_SHIFT = 21', to: 'NUMBER_SHIFT = 12' },
        },
        { says: 'any offset', without: 'page' },
      ],
    },
    {
      name: 'mimalloc-block-number-range',
      claim: 'For each size of block it is right up to an offset that is known',
      over: { units: each(BLOCK_UNITS), number, rest },
      given: {
        block,
        range: { says: 'number * units + rest is below the first wrong offset', holds: isBeforeFirstWrong },
      },
      holds: isTheNumber,
      note: exactRanges(),
      twins: [{ says: 'any offset', without: 'range' }],
    },
    {
      name: 'mimalloc-block-number-end',
      claim: 'At the next offset it is wrong',
      over: { units: each(BLOCK_UNITS) },
      holds: isWrongAt,
      twins: [{ says: 'it is right there', holds: isRightAt }],
    },
    {
      name: 'mimalloc-span',
      claim: 'A span has room for its request, and less than a page too much',
      over: { bytes: between(1, 2 ** 32 - 1), pageShift: eachFrom(7, 12) },
      holds: spansEnough,
      twins: [
        {
          says: 'rounded down',
          change: {
            file: SIZES,
            from: 'Math.ceil(bytes / 2 ** pageShift)',
            to: 'Math.floor(bytes / 2 ** pageShift)',
          },
        },
      ],
    },
    {
      name: 'mimalloc-run-found',
      claim:
        'What the search in a word of the bitmap finds is a run of set bits, of whatever length from 1 to 32',
      over: { count: eachFrom(1, 32), word },
      holds: findsARun,
      twins: [
        {
          says: 'a length is doubled too often',
          change: { file: SIZES, from: 'Math.min(have, count - have)', to: 'Math.max(have, count - have)' },
        },
        {
          says: 'one step is left out',
          change: {
            file: SIZES,
            from: 'have < count && starts !== 0',
            to: 'have < count - 1 && starts !== 0',
          },
        },
      ],
    },
    {
      name: 'mimalloc-run-lowest',
      claim: 'Where there is such a run in a word, the search finds the lowest',
      over: { count: eachFrom(1, 32), word, place: between(0, 31) },
      holds: findsTheLowest,
      twins: [
        {
          says: 'the highest of the runs',
          change: { file: SIZES, from: '-1 : lowestBit(starts)', to: '-1 : highestBit(starts)' },
        },
      ],
    },
    {
      name: 'mimalloc-ones',
      claim: 'onesFromBelow counts the set bits up to the first clear one',
      over: { word },
      holds: countsFromBelow,
      twins: [
        {
          says: 'without the exception for a full word',
          change: { file: SIZES, from: 'zeros === 0 ? 32 : ', to: '' },
        },
      ],
    },
    {
      name: 'mimalloc-ones-above',
      claim: 'onesFromAbove counts those from the highest down',
      over: { word },
      holds: countsFromAbove,
      twins: [
        {
          says: 'it counts clear bits',
          change: { file: SIZES, from: 'Math.clz32(~word)', to: 'Math.clz32(word)' },
        },
      ],
    },
  ],
);
