/** What one malloc of mimalloc's heap does at most: the sums behind `boundOf`. */

import { extensionOf } from '../../src/heaps/mimalloc/blocks.js';
import { boundOf } from '../../src/heaps/mimalloc/bound.js';
import { MAXIMUM_UNITS } from '../../src/heaps/mimalloc/sizes.js';
import { between, chapter, each } from '../proof.js';

const BOUND = 'src/heaps/mimalloc/bound.ts';

const pagesPerCall = between(0, 1024);
const pages = between(1, 65535);
const bins = between(1, 80);
const slots = between(1, 65);
const some = between(0, 2 ** 17);
const many = between(0, 2 ** 20);
const options = { pagesPerCall, pages, bins };

/** Where the proofs do not ask for any number of classes and of pages of a task's heap. */
const BINS = 32;
const HEAP_PAGES = 2;

/** Pages of a class, and blocks that others freed, which a call looks at. */
function limitOf(pagesPerCall: number, pages: number): number {
  return pagesPerCall === 0 ? pages : pagesPerCall;
}

/** Classes of other heaps that keep an empty page. */
function othersOf(pagesPerCall: number, slots: number): number {
  return pagesPerCall === 0 ? slots * BINS : pagesPerCall;
}

/** Pages, blocks and lists of deleted tasks; a heap's end counts as one. */
function leftOf(pagesPerCall: number, pages: number, slots: number): number {
  return pagesPerCall === 0 ? pages + pages + slots * (BINS + 2) : pagesPerCall;
}

function boundWith(pagesPerCall: number, pages: number, slots: number, resets: boolean) {
  return boundOf({ pagesPerCall, pages, bins: BINS, slots, resets, heapPages: HEAP_PAGES });
}

function wordsOf(pages: number): number {
  return Math.ceil(pages / 32);
}

function usual(pagesPerCall: number, pages: number, bins: number): number {
  return boundOf({ pagesPerCall, pages, bins, slots: 1, resets: false, heapPages: 1 }).usualSearch;
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

export function limitsCollection(
  pagesPerCall: number,
  pages: number,
  slots: number,
  heaps: number,
  blocks: number,
  others: number,
  left: number,
): boolean {
  const isBlocks = blocks <= 2 * limitOf(pagesPerCall, pages);
  const isOthers = others <= othersOf(pagesPerCall, slots);
  return heaps <= slots && isBlocks && isOthers && left <= leftOf(pagesPerCall, pages, slots);
}

export function limitsSecondSearch(
  pagesPerCall: number,
  pages: number,
  _slots: number,
  _heaps: number,
  _blocks: number,
  _others: number,
  _left: number,
  classes: number,
  visited: number,
  words: number,
): boolean {
  return classes <= 4 * BINS && visited <= 4 * limitOf(pagesPerCall, pages) && words <= 2 * wordsOf(pages);
}

/** Behind a first attempt that took all it may. */
export function staysInBound(
  pagesPerCall: number,
  pages: number,
  slots: number,
  heaps: number,
  blocks: number,
  others: number,
  left: number,
  classes: number,
  visited: number,
  words: number,
): boolean {
  const { usualSearch, search } = boundWith(pagesPerCall, pages, slots, false);
  return usualSearch + heaps + blocks + others + left + classes + visited + words <= search;
}

export function limitsGivenBack(
  pagesPerCall: number,
  pages: number,
  slots: number,
  blocks: number,
  kept: number,
  others: number,
  left: number,
): boolean {
  const isBlocks = blocks <= 4 * limitOf(pagesPerCall, pages);
  const isOthers = others <= othersOf(pagesPerCall, slots);
  return isBlocks && kept <= 3 * BINS && isOthers && left <= leftOf(pagesPerCall, pages, slots);
}

export function limitsWords(
  _pagesPerCall: number,
  pages: number,
  _slots: number,
  _blocks: number,
  _kept: number,
  _others: number,
  _left: number,
  taken: number,
  ofSpans: number,
): boolean {
  return taken <= 2 * wordsOf(pages) && ofSpans <= wordsOf(pages);
}

export function limitsPages(
  _pagesPerCall: number,
  pages: number,
  _slots: number,
  _blocks: number,
  _kept: number,
  _others: number,
  _left: number,
  _taken: number,
  _ofSpans: number,
  pagesTaken: number,
  pagesBack: number,
): boolean {
  return pagesTaken <= pages + HEAP_PAGES && pagesBack <= pages;
}

export function linksInBound(
  pagesPerCall: number,
  pages: number,
  slots: number,
  blocks: number,
  kept: number,
  others: number,
  left: number,
  taken: number,
  ofSpans: number,
  pagesTaken: number,
  pagesBack: number,
): boolean {
  const added = 2 * extensionOf(0, MAXIMUM_UNITS);
  const words = blocks + kept + others + left + taken + ofSpans;
  const linked = added + words + pagesTaken + pagesBack;
  return linked <= boundWith(pagesPerCall, pages, slots, true).insert;
}

/** What 32 pages more cost a call that is served at its first attempt. */
export function costsTwoSteps(pagesPerCall: number, pages: number, bins: number): boolean {
  return usual(pagesPerCall, pages + 32, bins) === usual(pagesPerCall, pages, bins) + 2;
}

/** What they cost any call, and idle. */
export function costsFourSteps(pagesPerCall: number, pages: number, slots: number): boolean {
  const small = boundWith(pagesPerCall, pages, slots, false);
  const large = boundWith(pagesPerCall, pages + 32, slots, false);
  const isSo = large.search === small.search + 4 && large.insert === small.insert + 3;
  return isSo && large.idle === small.idle;
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
        {
          says: '3 K',
          change: { file: BOUND, from: 'usualSearch = 4 * limit', to: 'usualSearch = 3 * limit' },
        },
        { says: 'W once', change: { file: BOUND, from: 'bins + 2 * words', to: 'bins + words' } },
        { says: 'any number of classes is kept empty', without: 'retiredClasses' },
      ],
    },
    {
      name: 'mimalloc-last-resort',
      claim:
        'With a second attempt it takes no more steps than the bound of any call, whatever deleted tasks left',
      over: {
        ...{ pagesPerCall, pages, slots, heaps: some, blocks: some, others: some, left: many },
        ...{ classes: some, visited: many, words: some },
      },
      given: {
        collection: {
          says: 'heaps <= slots, blocks and emptied pages <= 2 K, and others, left <= K or all there are',
          holds: limitsCollection,
        },
        search: { says: 'classes <= 4 bins, visited <= 4 K, words <= 2 W', holds: limitsSecondSearch },
      },
      holds: staysInBound,
      twins: [
        {
          says: 'what deleted tasks left behind is forgotten',
          change: { file: BOUND, from: '+ (2 * bins + others) + left', to: '+ (2 * bins + others)' },
        },
        {
          says: "larger classes are looked for in the task's heap only",
          change: { file: BOUND, from: '4 * limit + 2 * bins + words', to: '3 * limit + bins + words' },
        },
        { says: 'any number of blocks, classes and pages is collected', without: 'collection' },
      ],
    },
    {
      name: 'mimalloc-linked',
      claim: 'No call links or marks more blocks, words and pages than the bound says',
      over: {
        ...{ pagesPerCall, pages, slots, blocks: many, kept: some, others: some, left: many },
        ...{ taken: some, ofSpans: some, pagesTaken: some, pagesBack: some },
      },
      given: {
        back: {
          says: 'blocks and emptied pages <= 4 K, kept <= 3 bins, and others, left <= K or all there are',
          holds: limitsGivenBack,
        },
        words: { says: 'taken <= 2 W, ofSpans <= W', holds: limitsWords },
        pages: { says: 'pagesTaken <= N + H, pagesBack <= N', holds: limitsPages },
      },
      holds: linksInBound,
      twins: [
        {
          says: 'a page is taken or given back, not both',
          change: { file: BOUND, from: '2 * pages + heapPages : 0', to: 'pages + heapPages : 0' },
        },
        {
          says: 'spans given back are forgotten',
          change: { file: BOUND, from: '3 * words', to: '2 * words' },
        },
        { says: 'any number of pages is given back', without: 'pages' },
      ],
    },
    {
      name: 'mimalloc-arena-size',
      claim:
        'With pagesPerCall, 32 pages more cost a call that is served two steps more, whatever lives in them',
      over: { ...options, pagesPerCall: between(1, 1024) },
      holds: costsTwoSteps,
      twins: [{ says: 'without a limit', over: { pagesPerCall: each([0]) } }],
    },
    {
      name: 'mimalloc-arena-size-any',
      claim: 'They cost any call four steps and three words more, also one that fails, and idle none',
      over: { pagesPerCall: between(1, 1024), pages, slots },
      holds: costsFourSteps,
      twins: [{ says: 'without a limit', over: { pagesPerCall: each([0]) } }],
    },
  ],
);
