/** mempool: runs of fragments in a cell, blocks in a heap page. */

import { lowestBit } from '../../src/heaps/bits.js';
import { CELL_BITS, cellsFor, lowestRun, NONE, placesFor, runOf } from '../../src/heaps/mempool/bitmap.js';
import {
  HEADER_BYTES,
  isLive,
  leftIn,
  MAXIMUM_UNITS,
  MINIMUM_UNITS,
  rightIn,
  UNIT_BYTES,
  unitsIn,
  withLeft,
  withRight,
} from '../../src/heaps/mempool/free-tree.js';
import { DATA, unitsFor } from '../../src/heaps/mempool/heap-pages.js';
import { between, chapter, eachFrom } from '../proof.js';

const BITS = 'src/heaps/bits.ts';
const BITMAP = 'src/heaps/mempool/bitmap.ts';
const TREE = 'src/heaps/mempool/free-tree.ts';
const PAGES = 'src/heaps/mempool/heap-pages.ts';

const MAXIMUM_PAGE_BYTES = 4096;
/** 12.5 fragments of 256 bytes, the original's limit, is the most that a page of 4 KiB is asked for. */
const MAXIMUM_REQUEST = 3200;

const cell = between(0, 2 ** 32 - 1);
const count = eachFrom(1, CELL_BITS);
const place = between(0, CELL_BITS - 1);

// --- a cell -----------------------------------------------------------------------------------------------

/** Whether the `count` bits from `first` on are clear, and there. */
function isRun(cell: number, count: number, first: number): boolean {
  return first + count <= CELL_BITS && (cell & runOf(count, first)) === 0;
}

export function isAsWritten(count: number, first: number, place: number): boolean {
  const has = ((runOf(count, first) >>> place) & 1) === 1;
  return has === (place >= first && place < first + count);
}

export function fitsACell(count: number, first: number): boolean {
  return first + count <= CELL_BITS;
}

export function findsARun(count: number, cell: number): boolean {
  const first = lowestRun(cell, count);
  return first === NONE || isRun(cell, count, first);
}

export function findsTheLowest(count: number, cell: number, place: number): boolean {
  if (!isRun(cell, count, place)) return true;
  const first = lowestRun(cell, count);
  return first !== NONE && first <= place;
}

/** What upstream does: only where the first clear bit is does it look for a run. */
export function findsFromTheFirst(count: number, cell: number, place: number): boolean {
  if (!isRun(cell, count, place)) return true;
  const first = lowestBit(~cell);
  return isRun(cell, count, first) && first <= place;
}

/** The first clear bit, by counting those that are set below it. */
export function countsToTheFirst(cell: number): boolean {
  const firstClear = (~cell & (cell + 1)) >>> 0;
  return lowestRun(cell, 1) === bitsIn(firstClear - 1);
}

function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Taken and given back: the cell is as before. */
export function givesBackWhatItTook(count: number, first: number, cell: number): boolean {
  const run = runOf(count, first);
  const taken = cell | run;
  return (taken & ~run) >>> 0 === cell && taken !== cell;
}

export function isClear(count: number, first: number, cell: number): boolean {
  return isRun(cell, count, first);
}

export function holdsTheFragments(count: number): boolean {
  const places = placesFor(count);
  const isWhole = count <= CELL_BITS ? places === count : places % CELL_BITS === 0;
  return places >= count && places < count + CELL_BITS && isWhole && cellsFor(places) === cellsFor(count);
}

// --- a block of a heap page -------------------------------------------------------------------------------

export function holdsTheRequest(bytes: number): boolean {
  const units = unitsFor(bytes);
  const room = UNIT_BYTES * units - HEADER_BYTES;
  return room >= bytes && (units === MINIMUM_UNITS || room < bytes + UNIT_BYTES);
}

export function fitsTenBits(bytes: number): boolean {
  return unitsFor(bytes) <= MAXIMUM_UNITS && unitsIn(unitsFor(bytes)) === unitsFor(bytes);
}

export function keepsItsFields(units: number, left: number, right: number): boolean {
  const header = withRight(withLeft(units, left), right);
  return unitsIn(header) === units && leftIn(header) === left && rightIn(header) === right;
}

/** Headers of two blocks in one page, as offsets in units from its first block. */
export function neverLooksLive(units: number, from: number, to: number): boolean {
  return !isLive(withRight(withLeft(units, to - from), to - from));
}

const header = between(0, (MAXIMUM_PAGE_BYTES - DATA) / UNIT_BYTES - MINIMUM_UNITS);
const units = between(MINIMUM_UNITS, MAXIMUM_UNITS);
const distance = between(-1024, 1023);

export const mempool = chapter(
  import.meta.url,
  'mempool: cells of fragments, blocks of a page',
  'A set bit of a cell is a taken fragment. Two defects of the original are here, as what z3 finds against it: the\nsearch that tries the first clear bit only, and the mask for all 32 fragments, which a shift makes empty.',
  [
    {
      name: 'mempool-run-mask',
      claim: 'The mask of a run has its bits and no others, that of all 32 too',
      over: { count, first: place, place },
      given: { fits: { says: 'the run fits into the cell', holds: fitsACell } },
      holds: isAsWritten,
      twins: [
        {
          says: 'as in the original, a shift by 32',
          change: { file: BITS, from: 'count === 32 ? -1 : (1 << count) - 1', to: '(1 << count) - 1' },
        },
        { says: 'runs that leave the cell', without: 'fits', over: { place: between(0, 63) } },
      ],
    },
    {
      name: 'mempool-run-found',
      claim: 'What the search finds is a run of clear bits, of whatever length from 1 to 32',
      over: { count, cell },
      holds: findsARun,
      twins: [
        {
          says: 'a length is doubled too often',
          change: {
            file: BITMAP,
            from: 'Math.min(length, count - length)',
            to: 'Math.max(length, count - length)',
          },
        },
      ],
    },
    {
      name: 'mempool-run-lowest',
      claim: 'Where there is a run of clear bits, the search finds the lowest',
      over: { count, cell, place },
      holds: findsTheLowest,
      twins: [
        { says: 'as in the original, the first clear bit only', holds: findsFromTheFirst },
        {
          says: 'the highest of the runs',
          change: { file: BITMAP, from: 'NONE : lowestBit(starts)', to: 'NONE : 31 - Math.clz32(starts)' },
        },
      ],
    },
    {
      name: 'mempool-first-clear',
      claim: 'The first clear bit is the count of the set bits below it',
      over: { cell: between(0, 2 ** 32 - 2) },
      holds: countsToTheFirst,
      twins: [{ says: 'in a full cell too', over: { cell } }],
    },
    {
      name: 'mempool-give-back',
      claim: 'A free clears the bits that the allocation set',
      over: { count, first: place, cell },
      given: { clear: { says: 'the run is in the cell, and clear', holds: isClear } },
      holds: givesBackWhatItTook,
      twins: [
        {
          says: 'with the mask of the original, 32 fragments are taken without a trace',
          change: { file: BITS, from: 'count === 32 ? -1 : (1 << count) - 1', to: '(1 << count) - 1' },
        },
        { says: 'what was taken already', without: 'clear' },
      ],
    },
    {
      name: 'mempool-places',
      claim: 'More than a cell of fragments takes whole cells, as few as it can',
      over: { count: between(1, 65535) },
      holds: holdsTheFragments,
      twins: [
        {
          says: 'the count of cells is rounded down, as in the original',
          change: { file: BITMAP, from: 'Math.ceil(bits / CELL_BITS)', to: 'Math.floor(bits / CELL_BITS)' },
        },
      ],
    },
    {
      name: 'mempool-units',
      claim: 'A block has room for the request behind its header, and less than a unit too much',
      over: { bytes: between(1, MAXIMUM_REQUEST) },
      holds: holdsTheRequest,
      twins: [
        {
          says: 'the header is forgotten',
          change: {
            file: PAGES,
            from: 'Math.ceil(bytes / UNIT_BYTES) + HEADER_BYTES / UNIT_BYTES',
            to: 'Math.ceil(bytes / UNIT_BYTES)',
          },
        },
      ],
    },
    {
      name: 'mempool-units-fit',
      claim: 'The size of a block for the largest request fits its ten bits',
      over: { bytes: between(1, MAXIMUM_PAGE_BYTES - DATA - 2 * HEADER_BYTES) },
      holds: fitsTenBits,
      twins: [{ says: 'any request below 4 KiB', over: { bytes: between(1, MAXIMUM_PAGE_BYTES - 1) } }],
    },
    {
      name: 'mempool-header',
      claim: 'Size and links come out of a header as they went in',
      over: { units, left: distance, right: distance },
      holds: keepsItsFields,
      twins: [
        {
          says: 'the left link comes out without its sign',
          change: { file: TREE, from: '(header << 11) >> 21', to: '(header << 11) >>> 21' },
        },
        { says: 'links of 12 bits', over: { left: between(-1024, 1024) } },
      ],
    },
    {
      name: 'mempool-live-mark',
      claim: 'No free block has the links that mark a live one',
      over: { units, from: header, to: header },
      holds: neverLooksLive,
      twins: [
        {
          says: 'blocks may begin anywhere in 8 KiB',
          over: { from: between(0, 2047), to: between(0, 2047) },
        },
        {
          says: 'with 512 as the mark',
          change: {
            file: TREE,
            from: '((1023 << 21) | (1023 << 10)) >>> 0',
            to: '((512 << 21) | (512 << 10)) >>> 0',
          },
        },
      ],
    },
  ],
);
