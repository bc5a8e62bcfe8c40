/**
 * Slab-like caches: objects of one size in pages of fragments, each page with a bitmap.
 *
 *     cache  0     4     8      12        16          40         44         48        52          56        88
 *            +-----+-----+------+---------+-----------+----------+----------+---------+-----------+---------+
 *            | page| list| next | previous| list name | last page| object   | objects | first     | name    |
 *            | lock| lock|      |         |           |          | bytes    | per page| object at |         |
 *            +-----+-----+------+---------+-----------+----------+----------+---------+-----------+---------+
 *     page   0       4      8          12          16            20
 *            +-------+------+----------+-----------+-------------+-----------+----------+-----+
 *            | cache | next | previous | free      | first       | bitmap    | object 0 | ... |
 *            |       |      |          | objects   | object      |           |          |     |
 *            +-------+------+----------+-----------+-------------+-----------+----------+-----+
 *
 * An array is several neighbouring objects; above 32 it takes a multiple of 32.
 */

import type { Memory } from '../../mcu/memory.js';
import { type HeapCall, NULL } from '../heap.js';
import { alignUp, endlessList } from '../words.js';
import { type Bitmap, cellsFor, isTaken, NONE as NO_PLACE, placesFor, release, take } from './bitmap.js';
import { type Fragments, SLAB } from './fragments.js';
import { addFirst, makeEmpty, nextOf, nodesOf, remove } from './list.js';
import { NEW_PAGE } from './paths.js';

// A cache. The locks are never taken: heap calls run with the scheduler suspended.
export const PAGE_LIST = 8;
const LAST_PAGE = 40;
export const OBJECT_BYTES = 44;
/** 0: no page could hold an object. */
export const OBJECTS_PER_PAGE = 48;
const FIRST_OFFSET = 52;
const NAME = 56;
/** With the 0 at its end. */
const NAME_BYTES = 32;
export const CACHE_BYTES = 88;
/** What {@link OBJECT_BYTES} are then. */
export const DESTROYED = 0;

// A page.
export const CACHE = 0;
const NODE = 4;
export const FREE_OBJECTS = 12;
const FIRST_OBJECT = 16;
export const BITMAP = 20;
/** The words before the bitmap, in order. */
export const CACHE_PAGE_WORDS = ['cache', 'next', 'previous', 'free objects', 'first object'] as const;
/** Of the first object, from its page. */
export const FIRST_ALIGNMENT = 8;

/** No page. */
const NONE = 0;

export class Caches {
  /** In free objects of all pages. Kept beside the RAM, for who looks at the heap from outside. */
  freeBytes = 0;

  constructor(
    private readonly memory: Memory,
    private readonly fragments: Fragments,
    private readonly pageBytes: number,
    private readonly call: HeapCall,
  ) {}

  /** `mp_cache_init`. `objectBytes` is a multiple of 4. */
  initialize(cache: number, objectBytes: number, name: string): void {
    const { memory, pageBytes } = this;
    let objects = Math.floor(pageBytes / objectBytes);
    const first = alignUp(BITMAP + 4 * cellsFor(objects), FIRST_ALIGNMENT);
    while (objects > 0 && first + objects * objectBytes > pageBytes) objects--;
    memory.fill(cache, CACHE_BYTES, 0);
    makeEmpty(memory, cache + PAGE_LIST);
    memory.storeWord(cache + OBJECT_BYTES, objectBytes);
    memory.storeWord(cache + OBJECTS_PER_PAGE, objects);
    memory.storeWord(cache + FIRST_OFFSET, first);
    for (let index = 0; index < Math.min(name.length, NAME_BYTES - 1); index++) {
      memory.storeByte(cache + NAME + index, name.charCodeAt(index));
    }
  }

  /** `mp_cache_alloc_array`: `count` neighbouring objects, no more than a page can hold, or {@link NULL}. */
  allocate(cache: number, count: number): number {
    const { memory } = this;
    const perPage = memory.loadWord(cache + OBJECTS_PER_PAGE);
    const places = placesFor(count);
    // As in the heap of pages, no generator where every call passes.
    const list = cache + PAGE_LIST;
    let node = nextOf(memory, list);
    for (let seen = 0; node !== list; seen++) {
      if (seen >= this.fragments.segment.fragments) throw endlessList(node);
      const page = node - NODE;
      node = nextOf(memory, node);
      this.call.searchSteps++;
      const object = this.takeFrom(page, places, perPage);
      if (object !== NULL) return object;
    }
    const page = this.open(cache, perPage);
    return page === NONE ? NULL : this.takeFrom(page, places, perPage);
  }

  /** Objects are counted before their places are looked for, so that a page that is full costs no search. */
  private takeFrom(page: number, places: number, perPage: number): number {
    if (!this.reserve(page, places)) return NULL;
    const first = take(this.memory, bitmapOf(page, perPage), places);
    if (first === NO_PLACE) {
      this.addFree(page, places);
      return NULL;
    }
    const objectBytes = this.objectBytesOf(page);
    this.freeBytes -= places * objectBytes;
    return this.memory.loadWord(page + FIRST_OBJECT) + first * objectBytes;
  }

  private open(cache: number, perPage: number): number {
    const { memory } = this;
    const page = this.fragments.allocate(this.pageBytes, SLAB);
    if (page === NULL) return NONE;
    this.call.path |= NEW_PAGE;
    memory.storeWord(page + CACHE, cache);
    memory.storeWord(page + FREE_OBJECTS, perPage);
    memory.storeWord(page + FIRST_OBJECT, page + memory.loadWord(cache + FIRST_OFFSET));
    memory.fill(page + BITMAP, 4 * cellsFor(perPage), 0);
    addFirst(memory, cache + PAGE_LIST, page + NODE);
    memory.storeWord(cache + LAST_PAGE, page);
    this.freeBytes += perPage * memory.peekWord(cache + OBJECT_BYTES);
    return page;
  }

  /** `mp_cache_free_array`. False: no array of `count` live objects begins there. */
  free(page: number, address: number, count: number): boolean {
    const { memory } = this;
    const cache = memory.loadWord(page + CACHE);
    const perPage = memory.loadWord(cache + OBJECTS_PER_PAGE);
    const objectBytes = this.objectBytesOf(page);
    const first = (address - memory.loadWord(page + FIRST_OBJECT)) / objectBytes;
    const map = bitmapOf(page, perPage);
    const places = placesFor(count);
    const isWhole = places <= 32 ? (first & 31) + places <= 32 : first % 32 === 0;
    if (!Number.isInteger(first) || first < 0 || first + places > perPage || !isWhole) return false;
    for (let index = first; index < first + places; index++) if (!isTaken(memory, map, index)) return false;
    release(memory, map, first, places);
    this.addFree(page, places);
    this.freeBytes += places * objectBytes;
    return true;
  }

  addressOf(page: number, index: number): number {
    return this.memory.loadWord(page + FIRST_OBJECT) + index * this.objectBytesOf(page);
  }

  objectBytesOf(page: number): number {
    return this.memory.loadWord(this.memory.loadWord(page + CACHE) + OBJECT_BYTES);
  }

  /** `mp_cache_destroy`: all pages go back, live objects or not. */
  destroy(cache: number): void {
    const { memory } = this;
    for (const page of this.pagesOf(cache)) this.close(page, memory.peekWord(page + FREE_OBJECTS));
    memory.storeWord(cache + OBJECTS_PER_PAGE, 0);
    memory.storeWord(cache + OBJECT_BYTES, DESTROYED);
  }

  /** Gives empty pages back; whether there were any. Once all objects are reserved nobody else gets one. */
  reclaim(cache: number): boolean {
    let changed = false;
    const perPage = this.memory.loadWord(cache + OBJECTS_PER_PAGE);
    for (const page of this.pagesOf(cache)) {
      if (!this.reserve(page, perPage)) continue;
      this.close(page, perPage);
      changed = true;
    }
    return changed;
  }

  /** `free`: how many free objects have been in it. */
  private close(page: number, free: number): void {
    const { memory } = this;
    const cache = memory.loadWord(page + CACHE);
    this.freeBytes -= free * memory.peekWord(cache + OBJECT_BYTES);
    remove(memory, page + NODE);
    if (memory.loadWord(cache + LAST_PAGE) === page) memory.storeWord(cache + LAST_PAGE, NONE);
    this.fragments.free(page);
  }

  *pagesOf(cache: number): Generator<number> {
    const { fragments } = this.fragments.segment;
    for (const node of nodesOf(this.memory, cache + PAGE_LIST, fragments)) yield node - NODE;
  }

  // --- the count of free objects, which the chip changes atomically -------------------------------------

  /** Whether the page had so many. */
  private reserve(page: number, count: number): boolean {
    if (this.addFree(page, -count) >= count) return true;
    this.addFree(page, count);
    return false;
  }

  /** Returns what the count was. */
  private addFree(page: number, by: number): number {
    const before = this.memory.loadWord(page + FREE_OBJECTS) | 0;
    this.memory.storeWord(page + FREE_OBJECTS, before + by);
    return before;
  }
}

/** The bitmap of a page with so many objects. */
export function bitmapOf(page: number, objects: number): Bitmap {
  return { cells: page + BITMAP, bits: objects };
}
