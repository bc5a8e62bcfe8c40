/** What can be chosen, and what follows from it. */

import * as v from 'valibot';
import { choice, flag, wholeNumber } from '../definition.js';
import { alignUp } from '../words.js';
import { CELL_BITS } from './bitmap.js';
import { BITMAP, FIRST_ALIGNMENT } from './caches.js';
import { MAXIMUM_FRAGMENTS, metadataBytes } from './fragments.js';
import { HEADER_BYTES, MINIMUM_UNITS, UNIT_BYTES } from './free-tree.js';
import { DATA, type HeapPageSettings } from './heap-pages.js';

const FRAGMENT_SIZES = [16, 32, 64, 128, 256, 512] as const;
/** Ten bits of size in every header of a heap page. */
const MAXIMUM_HEAP_PAGE_BYTES = 4096;
/** With a block of the smallest size. */
const LEAST_HEAP_PAGE_BYTES = DATA + HEADER_BYTES + MINIMUM_UNITS * UNIT_BYTES;
const LEAST_FRAGMENTS = 4;
/** With one of its smallest objects. */
const LEAST_CACHE_PAGE_BYTES = alignUp(BITMAP + 4, FIRST_ALIGNMENT) + UNIT_BYTES;
/** Of an arena for which the fragments' size is chosen. */
const MAXIMUM_ARENA_BYTES = 2 ** 30;
/** With metadata outside, how long a segment the statics have room for unless told. */
const OUTSIDE_SEGMENT_BYTES = 64 * 1024;

const each = v.strictObject({
  fragmentBytes: choice(
    'bytes of a fragment; auto: by the segment, 32 below 1 KiB, 64 below 2.5 KiB, 128 below 256 KiB, 256 from there on, and less where a heap page of the given size would not fit',
    ['auto', ...FRAGMENT_SIZES],
    'auto',
  ),
  heapPageFragments: wholeNumber(
    `fragments of a heap page, of ${LEAST_HEAP_PAGE_BYTES} bytes to 4 KiB; 0: 16, or half of a segment that has fewer than 32, or 8 where that ` +
      'leaves less of its last 32 to no page',
    [0, 32],
    0,
  ),
  heapMaximumBytes: wholeNumber(
    'largest request that a heap page serves; 0: 12.5 fragments, and never more than a page holds',
    [0, MAXIMUM_HEAP_PAGE_BYTES],
    0,
  ),
  cachePageFragments: wholeNumber("fragments of a cache's page", [1, 32], 4),
  caches: wholeNumber('how many caches the firmware may create; each takes 88 bytes of statics', [0, 64], 4),
  segmentBytes: wholeNumber(
    'at most so many bytes are managed; 0: the whole arena, or with metadata outside 64 KiB of it',
    [0, MAXIMUM_ARENA_BYTES],
    0,
  ),
  metadata: choice(
    'where cells and descriptors lie: inside the arena, or outside in statics as long as segmentBytes needs',
    ['inside', 'outside'],
    'inside',
  ),
  scans: wholeNumber('how often the whole bitmap is looked through before there is no room', [1, 10], 1),
  pageLifetimeTicks: wholeNumber('how old an empty heap page must be to go back at a free', [0, 2 ** 31], 0),
  defragFree: wholeNumber('free blocks in a heap page above which a free may defragment it', [1, 1023], 16),
  defragPeriod: wholeNumber('which of such frees does', [1, 1023], 8),
  reclaim: flag('before a request fails, defragment all heap pages and give back all empty pages', true),
  lookup: flag("find a block's page by its descriptor; if false through the list of pages", true),
  atExhaustion: choice(
    "what happens then: null (the request gets NULL), hook (the scenario's `on oom` hook may free, then once more), " +
      'abort (a fault)',
    ['null', 'hook', 'abort'],
    'null',
  ),
  defragInPlace: flag(
    'a heap page is defragmented along its headers; if false with a list in fragments, which may not be had',
    true,
  ),
  asserts: flag('a bad free stops the device; if false it is ignored where that can be told', true),
});

export type MempoolOptions = v.InferOutput<typeof each>;

/** What would do instead of a value that does not go with the others; undefined where it does. */
const EXPECTED = {
  cachePageFragments: (chosen: MempoolOptions) => {
    const least = Math.ceil(LEAST_CACHE_PAGE_BYTES / smallestFragmentBytes(chosen));
    if (chosen.cachePageFragments >= least) return undefined;
    return `a whole number from ${least} to ${CELL_BITS}: a page with room for an object`;
  },
  segmentBytes: (chosen: MempoolOptions) => {
    const fragments = leastFragments(chosen);
    const least = fragments * smallestFragmentBytes(chosen);
    if (chosen.segmentBytes === 0 || chosen.segmentBytes >= least) return undefined;
    return `0, or a whole number from ${least} to ${MAXIMUM_ARENA_BYTES}: ${fragments} fragments`;
  },
};

export const options = v.pipe(
  each,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.issues !== undefined) return;
    const { value: chosen } = dataset;
    for (const key of ['cachePageFragments', 'segmentBytes'] as const) {
      const message = EXPECTED[key](chosen);
      if (message === undefined) continue;
      const value = chosen[key];
      const path = [{ type: 'object', origin: 'value', input: chosen, key, value }] as const;
      addIssue({ input: value, received: String(value), message, path: [...path] });
    }
  }),
);

/** For a heap page, if its size is given. */
function leastFragments({ heapPageFragments }: MempoolOptions): number {
  return Math.max(heapPageFragments, LEAST_FRAGMENTS);
}

/** That a segment can have, whatever its length. */
function smallestFragmentBytes(chosen: MempoolOptions): number {
  return fragmentBytesFor(chosen, 0);
}

/** How many bytes each kind of page has. */
export interface Shape {
  readonly fragmentBytes: number;
  readonly heapPageBytes: number;
  readonly heapMaximumBytes: number;
  readonly cachePageBytes: number;
}

/** Of a segment with so many fragments. */
function shapeFor(chosen: MempoolOptions, fragmentBytes: number, fragments: number): Shape {
  const pageFragments = chosen.heapPageFragments === 0 ? heapPageFor(fragments) : chosen.heapPageFragments;
  const usefulFragments = Math.max(pageFragments, Math.ceil(LEAST_HEAP_PAGE_BYTES / fragmentBytes));
  const heapPageBytes = Math.min(usefulFragments * fragmentBytes, MAXIMUM_HEAP_PAGE_BYTES);
  const wanted = chosen.heapMaximumBytes === 0 ? (25 * fragmentBytes) / 2 : chosen.heapMaximumBytes;
  return {
    fragmentBytes,
    heapPageBytes,
    heapMaximumBytes: Math.min(wanted, heapPageBytes - DATA - 2 * HEADER_BYTES),
    cachePageBytes: chosen.cachePageFragments * fragmentBytes,
  };
}

/** Two pages fit into a cell, if there is only one; else what the last cell has beyond its pages is kept small. */
function heapPageFor(fragments: number): number {
  if (fragments < CELL_BITS) return Math.floor(fragments / 2);
  const last = fragments % CELL_BITS;
  return last % 16 > fragments / 20 && last % 8 < last % 16 ? 8 : 16;
}

/** Of a segment, or of an arena with its metadata inside. */
function fragmentBytesFor(chosen: MempoolOptions, bytes: number): number {
  const { fragmentBytes, metadata } = chosen;
  if (fragmentBytes !== 'auto') return fragmentBytes;
  const least = leastFragments(chosen);
  const overhead = metadata === 'inside' ? metadataBytes(least) : 0;
  let size = bytes < 1024 ? 32 : bytes < 2560 ? 64 : bytes < 256 * 1024 ? 128 : 256;
  while (size > 32 && least * size + overhead > bytes) size /= 2;
  return size;
}

export function heapPageSettings(chosen: MempoolOptions, shape: Shape): HeapPageSettings {
  const { pageLifetimeTicks: lifetimeTicks, defragFree, defragPeriod, lookup, defragInPlace } = chosen;
  return { pageBytes: shape.heapPageBytes, lifetimeTicks, defragFree, defragPeriod, lookup, defragInPlace };
}

// --- where everything lies --------------------------------------------------------------------------------

/** The segment that metadata outside is made for; 0 where it is not. */
function outsideSegmentBytes({ metadata, segmentBytes }: MempoolOptions): number {
  if (metadata === 'inside') return 0;
  return segmentBytes === 0 ? OUTSIDE_SEGMENT_BYTES : segmentBytes;
}

/** Statics for cells and descriptors. */
export function outsideMetadataBytes(chosen: MempoolOptions): number {
  const bytes = outsideSegmentBytes(chosen);
  return metadataBytes(Math.min(Math.floor(bytes / fragmentBytesFor(chosen, bytes)), MAXIMUM_FRAGMENTS));
}

/** How an arena is divided: rounding, segment, metadata if it is inside, rest. */
export interface Division {
  readonly shape: Shape;
  readonly segment: number;
  readonly fragments: number;
  /** Address of the metadata inside; undefined where it is outside. */
  readonly metadata: number | undefined;
}

export function divide(chosen: MempoolOptions, origin: number, bytes: number, alignment: number): Division {
  const segment = alignUp(origin, alignment);
  const room = Math.max(0, origin + bytes - segment);
  const outside = outsideSegmentBytes(chosen);
  const isInside = outside === 0;
  const limit = isInside ? chosen.segmentBytes : outside;
  const segmentBytes = limit === 0 ? room : Math.min(room, limit);
  // Outside, the statics were made for a fragment's size, whatever the arena turns out to be.
  const fragmentBytes = fragmentBytesFor(chosen, isInside ? segmentBytes : outside);
  let fragments = Math.min(Math.floor(segmentBytes / fragmentBytes), MAXIMUM_FRAGMENTS);
  const end = (count: number) => count * fragmentBytes + metadataBytes(count);
  if (isInside) while (fragments > 0 && end(fragments) > room) fragments--;
  const metadata = isInside ? segment + fragments * fragmentBytes : undefined;
  return { shape: shapeFor(chosen, fragmentBytes, fragments), segment, fragments, metadata };
}

/** A few fragments, or a heap page if its size is given, with their metadata, wherever the arena begins. */
export function minimumArenaBytes(chosen: MempoolOptions, alignment: number): number {
  const fragmentBytes = fragmentBytesFor(chosen, outsideSegmentBytes(chosen));
  const fragments = leastFragments(chosen);
  const metadata = chosen.metadata === 'inside' ? metadataBytes(fragments) : 0;
  return fragments * fragmentBytes + metadata + alignment;
}
