/** What one malloc of mimalloc's heap does at most: the sums behind `boundOf`, and what keeps a page small. */

import { extensionOf, threadCount, threadHead, threadWord } from '../../src/heaps/mimalloc/blocks.js';
import { boundOf } from '../../src/heaps/mimalloc/bound.js';
import { EXTENSION_BLOCKS, FLAGS } from '../../src/heaps/mimalloc/layout.js';
import {
  type BinBits,
  binOf,
  bitsBetween,
  MAXIMUM_UNITS,
  unitsOfBin,
} from '../../src/heaps/mimalloc/sizes.js';
import { between, chapter, each } from '../proof.js';

const BOUND = 'src/heaps/mimalloc/bound.ts';
const BLOCKS = 'src/heaps/mimalloc/blocks.ts';
const SIZES = 'src/heaps/mimalloc/sizes.ts';

// --- a call's steps ---------------------------------------------------------------------------------------

const pagesPerCall = between(0, 1024);
const pages = between(1, 65535);
const bins = between(1, 80);
const slots = between(1, 65);
const some = between(0, 2 ** 17);
const options = { pagesPerCall, pages, bins };

/** Pages of a class, and blocks that others freed, which a call looks at. */
function limitOf(pagesPerCall: number, pages: number): number {
  return pagesPerCall === 0 ? pages : pagesPerCall;
}

function wordsOf(pages: number): number {
  return Math.ceil(pages / 32);
}

function usual(pagesPerCall: number, pages: number, bins: number): number {
  return boundOf({ pagesPerCall, pages, bins, slots: 1, heapPages: 1 }).usualSearch;
}

export function limitsOneSearch(
  pagesPerCall: number,
  pages: number,
  _bins: number,
  takenBack: number,
  visited: number,
  words: number,
): boolean {
  const limit = limitOf(pagesPerCall, pages);
  return takenBack <= limit && visited <= limit && words <= wordsOf(pages);
}

export function limitsRetired(
  _pagesPerCall: number,
  _pages: number,
  bins: number,
  _takenBack: number,
  _visited: number,
  _words: number,
  retired: number,
): boolean {
  return retired <= bins;
}

export function limitsHeapSearch(
  pagesPerCall: number,
  pages: number,
  _bins: number,
  _takenBack: number,
  _visited: number,
  _words: number,
  _retired: number,
  mainTakenBack: number,
  mainVisited: number,
  mainWords: number,
): boolean {
  const limit = limitOf(pagesPerCall, pages);
  return mainTakenBack <= limit && mainVisited <= limit && mainWords <= wordsOf(pages);
}

export function staysUsual(
  pagesPerCall: number,
  pages: number,
  bins: number,
  takenBack: number,
  visited: number,
  words: number,
  retired: number,
  mainTakenBack: number,
  mainVisited: number,
  mainWords: number,
): boolean {
  const own = takenBack + visited + words + retired;
  return own + mainTakenBack + mainVisited + mainWords <= usual(pagesPerCall, pages, bins);
}

export function limitsFrees(pagesPerCall: number, pages: number, slots: number, freed: number): boolean {
  return freed <= pages + slots * limitOf(pagesPerCall, pages);
}

export function limitsPages(
  _pagesPerCall: number,
  pages: number,
  slots: number,
  _freed: number,
  heaps: number,
  tidied: number,
  visited: number,
  words: number,
): boolean {
  return heaps <= slots && tidied <= pages && visited <= pages && words <= wordsOf(pages);
}

/** Behind a first attempt that took all it may, with 32 classes. */
export function staysInBound(
  pagesPerCall: number,
  pages: number,
  slots: number,
  freed: number,
  heaps: number,
  tidied: number,
  visited: number,
  words: number,
): boolean {
  const bins = 32;
  const { usualSearch, search } = boundOf({ pagesPerCall, pages, bins, slots, heapPages: 1 });
  return usualSearch + freed + heaps + tidied + visited + 2 * bins + words <= search;
}

/** What 32 pages more cost a call that is served at its first attempt. */
export function costsTwoSteps(pagesPerCall: number, pages: number, bins: number): boolean {
  return usual(pagesPerCall, pages + 32, bins) === usual(pagesPerCall, pages, bins) + 2;
}

// --- a page -----------------------------------------------------------------------------------------------

export function addsFew(capacity: number, reserved: number): boolean {
  const added = extensionOf(capacity, reserved);
  return added >= 0 && added <= EXTENSION_BLOCKS && capacity + added <= reserved;
}

export function addsSome(capacity: number, reserved: number): boolean {
  return extensionOf(capacity, reserved) > 0;
}

export function hasRoom(capacity: number, reserved: number): boolean {
  return capacity < reserved;
}

export function hasMade(capacity: number, reserved: number): boolean {
  return capacity <= reserved;
}

export function isAClass(bits: BinBits, pageUnits: number, bin: number): boolean {
  return bin <= binOf(pageUnits / 2, bits);
}

export function hasTwoToMany(bits: BinBits, pageUnits: number, bin: number): boolean {
  const units = unitsOfBin(bin, bits);
  return units >= 1 && 2 * units <= pageUnits && pageUnits <= MAXIMUM_UNITS * units;
}

export function comesOutAsItWentIn(count: number, block: number, flags: number): boolean {
  const word = threadWord(count, block, flags) >>> 0;
  return threadCount(word) === count && threadHead(word) === block && (word & FLAGS) === flags;
}

export function hasThoseBetween(first: number, end: number, bit: number): boolean {
  const has = ((bitsBetween(first, end & 31) >>> bit) & 1) === 1;
  return has === (bit >= first && bit < end);
}

const oneSearch = { says: 'takenBack, visited <= K, words <= W', holds: limitsOneSearch };
const mainSearch = { says: 'mainTakenBack, mainVisited <= K, mainWords <= W', holds: limitsHeapSearch };
const retiredClasses = { says: 'retired <= bins', holds: limitsRetired };

export const mimallocBound = chapter(
  import.meta.url,
  'mimalloc: the worst case of a malloc',
  'K is the option pagesPerCall, or all pages where that is 0; W the words of the bitmap, a 32nd of the pages, rounded\nup. That a call keeps to the limits that are given here is what the tests of the heap try to break; that the bound\n(`src/heaps/mimalloc/bound.ts`) follows from them is proved.',
  [
    {
      name: 'mimalloc-usual-steps',
      claim:
        'A call that is served at its first attempt takes 4 K + bins + 2 W steps at most, also if it makes a heap',
      over: {
        ...options,
        ...{ takenBack: some, visited: some, words: some, retired: some },
        ...{ mainTakenBack: some, mainVisited: some, mainWords: some },
      },
      given: { oneSearch, mainSearch, retiredClasses },
      holds: staysUsual,
      twins: [
        { says: '3 K', change: { file: BOUND, from: '4 * limit', to: '3 * limit' } },
        { says: 'W once', change: { file: BOUND, from: '+ 2 * words', to: '+ words' } },
        { says: 'any number of classes is kept empty', without: 'retiredClasses' },
      ],
    },
    {
      name: 'mimalloc-last-resort',
      claim: 'With a second attempt it takes no more steps than the bound of any call',
      over: {
        ...{ pagesPerCall, pages, slots, freed: between(0, 2 ** 23) },
        ...{ heaps: some, tidied: some, visited: some, words: some },
      },
      given: {
        frees: { says: 'freed <= pages + slots * K', holds: limitsFrees },
        rest: { says: 'heaps <= slots, tidied and visited <= pages, words <= W', holds: limitsPages },
      },
      holds: staysInBound,
      twins: [
        {
          says: 'the blocks that wait behind the first of each page are forgotten',
          change: { file: BOUND, from: '(pages + slots * limit)', to: 'pages' },
        },
        { says: 'any number of blocks freed by others', without: 'frees' },
      ],
    },
    {
      name: 'mimalloc-arena-size',
      claim: 'With pagesPerCall, 32 pages more cost a call two steps more, whatever lives in them',
      over: { ...options, pagesPerCall: between(1, 1024) },
      holds: costsTwoSteps,
      twins: [{ says: 'without a limit', over: { pagesPerCall: each([0]) } }],
    },
    {
      name: 'mimalloc-extension',
      claim: 'A page gets at most 16 blocks more at a time, and never more than it has room for',
      over: { capacity: between(0, MAXIMUM_UNITS), reserved: between(0, MAXIMUM_UNITS) },
      given: { made: { says: 'capacity <= reserved', holds: hasMade } },
      holds: addsFew,
      twins: [
        {
          says: 'always 16',
          change: {
            file: BLOCKS,
            from: 'Math.min(EXTENSION_BLOCKS, reserved - capacity)',
            to: 'EXTENSION_BLOCKS',
          },
        },
        { says: 'of a page that has made more than it has room for', without: 'made' },
      ],
    },
    {
      name: 'mimalloc-extension-goes-on',
      claim: 'As long as there is room it gets one at least',
      over: { capacity: between(0, MAXIMUM_UNITS), reserved: between(0, MAXIMUM_UNITS) },
      given: { room: { says: 'capacity < reserved', holds: hasRoom } },
      holds: addsSome,
      twins: [{ says: 'without room', without: 'room' }],
    },
    {
      name: 'mimalloc-heartbeat',
      claim: `After at most ${MAXIMUM_UNITS} blocks of one page a malloc takes the generic way, and the heart beats: a page has 2 to ${MAXIMUM_UNITS}`,
      over: {
        bits: each([2, 3]),
        pageUnits: each([4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]),
        bin: between(1, 80),
      },
      given: {
        class: { says: 'bin is a class of the page: its blocks take half of it at most', holds: isAClass },
      },
      holds: hasTwoToMany,
      twins: [{ says: 'any class', without: 'class' }],
    },
    {
      name: 'mimalloc-thread-free',
      claim: 'Count, block and flags come out of threadFree as they went in',
      over: { count: between(0, MAXIMUM_UNITS), block: between(0, MAXIMUM_UNITS), flags: between(0, 3) },
      holds: comesOutAsItWentIn,
      twins: [
        { says: 'pages of 4096 blocks', over: { block: between(0, 4096) } },
        {
          says: 'the flags have one bit',
          change: { file: 'src/heaps/mimalloc/layout.ts', from: 'HEAD_SHIFT = 2', to: 'HEAD_SHIFT = 1' },
        },
      ],
    },
    {
      name: 'mimalloc-bits-between',
      claim: 'Pages are marked with exactly their bits, up to the end of a word too',
      over: { first: between(0, 31), end: between(1, 32), bit: between(0, 31) },
      holds: hasThoseBetween,
      twins: [
        {
          says: 'one bit more',
          change: { file: SIZES, from: '-1 >>> (31 & -end)', to: '-1 >>> (31 & ~end)' },
        },
        { says: 'an end of 0', over: { end: between(0, 32) } },
      ],
    },
  ],
);
