/**
 * Where mimalloc's heap has what.
 *
 *     statics   +------------+---------------------------+----------------+----------------+-----+
 *               | dead heaps | pages to be reset: 1st,   | heap in slot 1 | heap in slot 2 | ... |
 *               |            | last                      |                |                |     |
 *               +------------+---------------------------+----------------+----------------+-----+
 *     arena     +-----------+---------------+------------+--------+--------+-----+--------+------+
 *               | main heap | bitmaps       | page table | page 1 | page 2 | ... | page N | rest |
 *               +-----------+---------------+------------+--------+--------+-----+--------+------+
 *
 *     bitmaps   a bit for each page: is it unused? And another: was its last block in use freed elsewhere?
 *
 *     page table, an entry of 24 bytes (b: number of a block from 1, p: number of a page from 1, 0: none)
 *     0      2           4                             8      10         12         14    15      16      18     20        22      24
 *     +------+-----------+-----------------------------+------+----------+----------+-----+-------+-------+------+---------+-------+
 *     | free | localFree | threadFree: flags, b, count | used | capacity | reserved | bin | state | owner | next | previous| span  |
 *     | b    | b         | or the tick of its reset    |      |          |          |     |       |       | p    | p       |       |
 *     +------+-----------+-----------------------------+------+----------+----------+-----+-------+-------+------+---------+-------+
 *
 *     heap
 *     0            4              8      12     14          16              18       20
 *     +------------+--------------+------+------+-----------+---------------+--------+-------------------------+-----+
 *     | heartbeat, | delayedFree: | task | slot | full      | retired bins, | busy   | class 1: first, last    | ... |
 *     | next dead  | address      |      |      | pages: p  | or the cursor |        | page                    |     |
 *     +------------+--------------+------+------+-----------+---------------+--------+-------------------------+-----+
 *
 * A free block begins with the number of the next one in its list; one in delayedFree with the next one's address.
 */

import { highestBit } from '../bits.js';
import type { HeapLayout } from '../heap.js';
import type { MimallocOptions } from './options.js';
import { alignUp, type BinBits, binOf, reciprocal, unitsOfBin } from './sizes.js';

// An entry of the page table.
export const FREE = 0;
export const LOCAL_FREE = 2;
export const THREAD_FREE = 4;
export const RESET_TICK = 4;
export const USED = 8;
export const CAPACITY = 10;
export const RESERVED = 12;
export const BIN = 14;
export const STATE = 15;
export const OWNER = 16;
export const NEXT = 18;
export const PREVIOUS = 20;
/** Of a span's first page: its pages. Of a small page: cycles until it retires. */
export const SPAN = 22;
export const PAGE_ENTRY_BYTES = 24;

// What a page is, in the two low bits of its state.
export const KIND = 3;
export const UNUSED = 0;
export const SMALL = 1;
/** The first page of a span. Those behind it are marked in the bitmap only. */
export const SPAN_FIRST = 2;
/** A small page that had nothing to give when it was looked at last. */
export const IN_FULL = 4;
// Of an unused page: what became of its memory.
export const RESET_PENDING = 8;
export const RESET_DONE = 16;

// A page's threadFree: how a block comes back from elsewhere.
export const FLAGS = 3;
/** Onto threadFree. */
export const NO_DELAYED = 0;
/** The first one onto its heap's delayedFree: the page is full, and its heap must hear of it. */
export const USE_DELAYED = 1;
/** Somebody is just doing that. */
export const FREEING = 2;
export const HEAD_SHIFT = 2;
export const HEAD_MASK = 0x3ffc;
export const COUNT_SHIFT = 16;

// A heap.
export const HEARTBEAT = 0;
export const NEXT_DEAD = 0;
export const DELAYED_FREE = 4;
export const TASK = 8;
export const SLOT = 12;
export const FULL_PAGES = 14;
/** Lowest and highest class whose only page may be retired; lowest above highest: none. */
export const RETIRED_FROM = 16;
export const RETIRED_TO = 17;
/** Of a deleted task's heap: the list whose pages are given away next, 0 that of full ones, then by class. */
export const CURSOR = 16;
/** Whether it is calling its client. */
export const BUSY = 18;
export const QUEUES = 20;
export const QUEUE_BYTES = 4;
export const LAST = 2;

/** No page, no block. */
export const NONE = 0;
/** As many as there are. */
export const ALL = Number.POSITIVE_INFINITY;

// Statics.
const DEAD_HEAPS = 0;
const RESET_QUEUE = 4;
const SLOTS = 8;

/** Blocks that one call may add to a page's free list. */
export const EXTENSION_BLOCKS = 16;
/** Generic calls for which the only page of a class is kept while it is empty. */
export const RETIRE_CYCLES = 16;

const MAXIMUM_PAGES = 0xffff;
/** Of the largest arena that was measured; with the largest pages there may be more. */
const MOST_PAGES = 2048;

/** What a heap is built of, all of it known when the firmware is linked. */
export interface Plan {
  readonly alignment: number;
  readonly unitShift: number;
  readonly pageShift: number;
  readonly pageBytes: number;
  readonly bits: BinBits;
  /** Classes, from 1; the largest has half a page. */
  readonly bins: number;
  readonly smallBytes: number;
  /** By class: units of a block, what {@link blockNumber} multiplies with, and bytes behind a page's last block. */
  readonly units: readonly number[];
  readonly reciprocals: readonly number[];
  readonly rests: readonly number[];
  readonly pages: number;
  readonly slots: number;
  readonly origin: number;
  readonly end: number;
  readonly deadHeaps: number;
  /** First and last page that waits for its reset. */
  readonly resetQueue: number;
  readonly slotTable: number;
  readonly mainHeap: number;
  readonly bitmap: number;
  readonly emptied: number;
  readonly table: number;
  /** Where page 1 begins. */
  readonly base: number;
}

/** Bytes of a heap with so many classes. */
export function heapBytes(bins: number): number {
  return QUEUES + QUEUE_BYTES * bins;
}

/** Slots for heaps: that of main(), which is 0, and those of tasks. */
export function slotsFor({ heaps, tasks }: MimallocOptions): number {
  return heaps === 'shared' ? 1 : 1 + tasks;
}

export function staticBytesFor(options: MimallocOptions): number {
  return SLOTS + 4 * (slotsFor(options) - 1);
}

/** The classes of pages of some size: the last one's blocks take half a page. */
export function binsFor(pageBytes: number, alignment: number, bits: BinBits): number {
  return binOf(pageBytes / 2 / alignment, bits);
}

export function bitsFor({ binsPerOctave }: Pick<MimallocOptions, 'binsPerOctave'>): BinBits {
  return binsPerOctave === 8 ? 3 : 2;
}

/**
 * Bytes of a page: as the options say, else by the arena, as was measured from 1 to 512 KiB (docs/mimalloc.md). In
 * larger ones it doubles with the arena, so that looking for pages takes no longer.
 */
export function pageBytesFor({ pageBytes }: MimallocOptions, arenaBytes: number): number {
  if (typeof pageBytes === 'number') return pageBytes;
  let bytes = arenaBytes < 4096 ? 128 : 256;
  while (bytes < 4096 && arenaBytes > MOST_PAGES * bytes) bytes *= 2;
  return bytes;
}

/** What lies before the pages, from an origin that is aligned. */
function headBytes(bins: number, pages: number, alignment: number): number {
  return alignUp(heapBytes(bins) + 8 * Math.ceil(pages / 32) + PAGE_ENTRY_BYTES * pages, alignment);
}

/** The least arena in which there is a page, wherever at a multiple of 4 it begins. */
export function minimumArenaBytes(alignment: number, options: MimallocOptions): number {
  const pageBytes = pageBytesFor(options, 0);
  const bins = binsFor(pageBytes, alignment, bitsFor(options));
  return alignment + headBytes(bins, 1, alignment) + pageBytes;
}

export function planFor({ statics, regions, alignment }: HeapLayout, options: MimallocOptions): Plan {
  const [region] = regions;
  const end = region!.origin + region!.bytes;
  const origin = alignUp(region!.origin, alignment);
  const pageBytes = pageBytesFor(options, region!.bytes);
  const bits = bitsFor(options);
  const bins = binsFor(pageBytes, alignment, bits);
  let pages = Math.min(MAXIMUM_PAGES, Math.floor((end - origin) / (pageBytes + PAGE_ENTRY_BYTES)));
  while (origin + headBytes(bins, pages, alignment) + pages * pageBytes > end) pages--;
  const bitmap = origin + heapBytes(bins);
  const units = Array.from({ length: bins + 1 }, (_, bin) => unitsOfBin(bin, bits));
  return {
    alignment,
    unitShift: highestBit(alignment),
    pageShift: highestBit(pageBytes),
    pageBytes,
    bits,
    bins,
    smallBytes: pageBytes / 2,
    units,
    reciprocals: units.map((count) => (count === 0 ? 0 : reciprocal(count))),
    rests: units.map((count) => (count === 0 ? 0 : pageBytes % (count * alignment))),
    pages,
    slots: slotsFor(options),
    origin: region!.origin,
    end,
    deadHeaps: statics + DEAD_HEAPS,
    resetQueue: statics + RESET_QUEUE,
    slotTable: statics + SLOTS,
    mainHeap: origin,
    bitmap,
    emptied: bitmap + 4 * Math.ceil(pages / 32),
    table: bitmap + 8 * Math.ceil(pages / 32),
    base: origin + headBytes(bins, pages, alignment),
  };
}
