/** mempool's front end, which joins its three allocators; what it is good for stands in mempool.ts. */

import { Fault } from '../../mcu/fault.js';
import type { Memory } from '../../mcu/memory.js';
import {
  AN_INTERRUPT,
  type Exhaustion,
  type Heap,
  HeapCall,
  type HeapLayout,
  NULL,
  NULL_CALL,
  type PieceVisitor,
  type SizeClass,
  type Surroundings,
} from '../heap.js';
import { alignUp, assertion } from '../words.js';
import { cellsFor, placesFor } from './bitmap.js';
import { CACHE_BYTES, Caches, DESTROYED, OBJECT_BYTES, OBJECTS_PER_PAGE } from './caches.js';
import { checkMempool } from './check.js';
import { COMMON, Fragments, HEAP, type Segment, SLAB } from './fragments.js';
import { UNIT_BYTES } from './free-tree.js';
import { HeapPages, unitsFor } from './heap-pages.js';
import { makeEmpty, NODE_BYTES } from './list.js';
import {
  divide,
  heapPageSettings,
  type MempoolOptions,
  outsideMetadataBytes,
  type Shape,
} from './options.js';
import { FROM_CACHE, FROM_FRAGMENTS, FROM_HEAP, RECLAIM } from './paths.js';
import { HEAP_POOL, poolsIn } from './pools.js';
import { freeBytesIn, type Parts, walkMempool, walkPages, wordAt } from './walk.js';

// Statics, as offsets from their start. What is outside of the arena follows the caches.
const SEGMENT = 0;
const FRAGMENTS = 4;
const CELLS = 8;
const DESCRIPTORS = 12;
const HEAP_LIST = 16;
const CACHES_MADE = HEAP_LIST + NODE_BYTES;
const CACHE_TABLE = CACHES_MADE + 4;

export function staticBytes(chosen: MempoolOptions): number {
  return CACHE_TABLE + chosen.caches * CACHE_BYTES + outsideMetadataBytes(chosen);
}

export class Mempool implements Heap {
  readonly lastCall = new HeapCall();
  readonly keepsAtZero = true;
  readonly interruptsMayFree = true;
  readonly exhaustion: Exhaustion = { client: undefined };

  private readonly shape: Shape;
  private readonly fragments: Fragments;
  private readonly heapPages: HeapPages;
  private readonly caches: Caches;
  private readonly parts: Parts;
  private asksHook = false;
  /** What the last request went to, for who wants to know why it failed; undefined: fragments. */
  private asked: number | undefined;

  constructor(
    private readonly memory: Memory,
    private readonly layout: HeapLayout,
    private readonly options: MempoolOptions,
    private readonly surroundings: Surroundings,
  ) {
    const { statics } = layout;
    const { shape, segment } = this.layOut();
    const { lastCall: call } = this;
    this.shape = shape;
    this.fragments = new Fragments(memory, segment, call);
    const settings = heapPageSettings(options, shape);
    const ticks = () => surroundings.ticks();
    this.heapPages = new HeapPages(memory, this.fragments, statics + HEAP_LIST, settings, ticks, call);
    this.caches = new Caches(memory, this.fragments, shape.cachePageBytes, call);
    const { fragments, heapPages, caches } = this;
    const cacheTable = {
      count: () => memory.loadWord(statics + CACHES_MADE),
      at: (index: number) => statics + CACHE_TABLE + index * CACHE_BYTES,
    };
    this.parts = { memory, region: layout.regions[0]!, fragments, heapPages, caches, cacheTable };
  }

  /** `mempool_init`, up to the fragments themselves. */
  private layOut(): { shape: Shape; segment: Segment } {
    const { memory, options } = this;
    const { statics, regions, alignment } = this.layout;
    const { origin, bytes } = regions[0]!;
    const { shape, segment, fragments, metadata } = divide(options, origin, bytes, alignment);
    const cells = metadata ?? statics + CACHE_TABLE + options.caches * CACHE_BYTES;
    const descriptors = cells + 4 * cellsFor(fragments);
    memory.storeWord(statics + SEGMENT, segment);
    memory.storeWord(statics + FRAGMENTS, fragments);
    memory.storeWord(statics + CELLS, cells);
    memory.storeWord(statics + DESCRIPTORS, descriptors);
    memory.storeWord(statics + CACHES_MADE, 0);
    makeEmpty(memory, statics + HEAP_LIST);
    const { fragmentBytes } = shape;
    const { scans } = options;
    return { shape, segment: { origin: segment, fragments, fragmentBytes, cells, descriptors, scans } };
  }

  // --- mp_malloc ----------------------------------------------------------------------------------------

  malloc(bytes: number): number {
    this.lastCall.begin();
    const address = this.request(bytes);
    return address === NULL ? this.tryOn(() => this.request(bytes)) : address;
  }

  private request(bytes: number): number {
    if (this.isForHeap(bytes)) {
      this.lastCall.path |= FROM_HEAP;
      this.asked = HEAP_POOL;
      return this.heapPages.allocate(bytes);
    }
    this.lastCall.path |= FROM_FRAGMENTS;
    this.asked = undefined;
    return this.fragments.allocate(bytes, COMMON);
  }

  private isForHeap(bytes: number): boolean {
    const { fragmentBytes, heapMaximumBytes } = this.shape;
    return bytes === 0 || (bytes <= heapMaximumBytes && bytes % fragmentBytes !== 0);
  }

  /** Further attempts where the first one found no room and something can be done about it. */
  private tryOn(attempt: () => number): number {
    const address = this.attemptAfterReclaim(attempt);
    if (address !== NULL) return address;
    switch (this.options.atExhaustion) {
      case 'null':
        return NULL;
      case 'hook':
        return this.attemptAfterHook(attempt);
      case 'abort':
        throw new Fault('assertion', NULL, 'abort(): mempool is out of memory');
    }
  }

  private attemptAfterReclaim(attempt: () => number): number {
    if (!this.options.reclaim) return NULL;
    this.lastCall.path |= RECLAIM;
    return this.reclaim() ? attempt() : NULL;
  }

  /** What the hook itself asks for must do with what there is. */
  private attemptAfterHook(attempt: () => number): number {
    const { client } = this.exhaustion;
    if (client === undefined || this.asksHook) return NULL;
    this.asksHook = true;
    try {
      client();
    } finally {
      this.asksHook = false;
    }
    // What the hook has called was the last call until now.
    this.lastCall.begin();
    const address = attempt();
    return address === NULL ? this.attemptAfterReclaim(attempt) : address;
  }

  /** Defragments and gives empty pages back; whether anything has come of it. */
  private reclaim(): boolean {
    const { cacheTable } = this.parts;
    let changed = this.heapPages.reclaim();
    for (let index = 0; index < cacheTable.count(); index++) {
      if (this.caches.reclaim(cacheTable.at(index))) changed = true;
    }
    return changed;
  }

  // --- mp_free ------------------------------------------------------------------------------------------

  free(address: number): void {
    this.freeArray(address, 1);
  }

  freeArray(address: number, count: number): void {
    this.lastCall.begin();
    if (address === NULL) {
      this.lastCall.path = NULL_CALL;
      return;
    }
    if (this.giveBack(address, count) || !this.options.asserts) return;
    throw assertion(address, 'a live block begins here', 'mp_free');
  }

  /** By whose it is; false: nothing that is live begins there. */
  private giveBack(address: number, count: number): boolean {
    const { fragments, heapPages, caches, lastCall: call } = this;
    if (!fragments.contains(address)) return false;
    const first = fragments.firstOf(address);
    const start = fragments.addressOf(first);
    switch (fragments.typeOf(first)) {
      case COMMON:
        if (address !== start) return false;
        call.path |= FROM_FRAGMENTS;
        fragments.free(start);
        return true;
      case SLAB:
        call.path |= FROM_CACHE;
        return caches.free(start, address, count);
      case HEAP:
        this.assertInTask(address);
        call.path |= FROM_HEAP;
        return heapPages.free(address);
      default:
        return false;
    }
  }

  private assertInTask(address: number): void {
    if (this.surroundings.caller() !== AN_INTERRUPT) return;
    const may = 'an interrupt may give back fragments and objects of caches only';
    throw new Fault('illegal-call', address, `free of a block of the heap: ${may}`);
  }

  // --- mp_realloc ---------------------------------------------------------------------------------------

  /** Never shrinks: what fits into the block stays where it is. */
  resize(address: number, bytes: number): boolean {
    this.lastCall.begin();
    return bytes <= this.usableBytes(address);
  }

  private usableBytes(address: number): number {
    const { fragments } = this;
    if (!fragments.contains(address)) return 0;
    const first = fragments.firstOf(address);
    switch (fragments.typeOf(first)) {
      case COMMON:
        return fragments.sizeOf(first) * this.shape.fragmentBytes;
      case SLAB:
        return this.caches.objectBytesOf(fragments.addressOf(first));
      case HEAP:
        return this.heapPages.usableBytes(address);
      default:
        return 0;
    }
  }

  // --- caches -------------------------------------------------------------------------------------------

  /** `mp_cache_init`. @throws Fault where the statics have no room for another */
  createCache(objectBytes: number): number {
    const { cacheTable } = this.parts;
    const index = this.placeForCache();
    const cache = cacheTable.at(index);
    this.caches.initialize(cache, alignUp(objectBytes, UNIT_BYTES), `cache ${index}`);
    return cache;
  }

  /** That of a cache which has been destroyed, or one more. */
  private placeForCache(): number {
    const { memory, options } = this;
    const { cacheTable } = this.parts;
    const made = cacheTable.count();
    const counter = this.layout.statics + CACHES_MADE;
    for (let index = 0; index < made; index++) {
      if (memory.loadWord(cacheTable.at(index) + OBJECT_BYTES) === DESTROYED) return index;
    }
    if (made >= options.caches) {
      const room = `its statics have room for ${options.caches} (option caches)`;
      throw new Fault('assertion', counter, `mempool: no room for another cache; ${room}`);
    }
    memory.storeWord(counter, made + 1);
    return made;
  }

  /** `mp_cache_alloc`. */
  mallocFrom(cache: number): number {
    return this.mallocArrayFrom(cache, 1);
  }

  /** `mp_cache_alloc_array`. */
  mallocArrayFrom(cache: number, count: number): number {
    const { memory } = this;
    if (placesFor(count) > memory.loadWord(cache + OBJECTS_PER_PAGE)) {
      const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
      if (objectBytes === DESTROYED) throw assertion(cache, 'the cache exists', 'mp_cache_alloc');
      return this.malloc(count * objectBytes);
    }
    this.lastCall.begin();
    const address = this.requestFrom(cache, count);
    return address === NULL ? this.tryOn(() => this.requestFrom(cache, count)) : address;
  }

  private requestFrom(cache: number, count: number): number {
    this.lastCall.path |= FROM_CACHE;
    this.asked = cache;
    return this.caches.allocate(cache, count);
  }

  /** `mp_cache_destroy`. */
  destroyCache(cache: number): void {
    this.lastCall.begin();
    this.caches.destroy(cache);
  }

  // --- what a debugger sees -----------------------------------------------------------------------------

  freeBytes(): number {
    return freeBytesIn(this.parts);
  }

  blockBytesFor(bytes: number): number {
    return this.isForHeap(bytes) ? unitsFor(bytes) * UNIT_BYTES : this.fragments.blockBytes(bytes);
  }

  /** An empty segment's whole cells, or what there is of its only one. */
  largestBlockBytes(): number {
    const { fragments, fragmentBytes } = this.fragments.segment;
    const largest = fragments < 32 ? fragments : fragments - (fragments % 32);
    return largest * fragmentBytes;
  }

  classes(): SizeClass[] {
    return poolsIn(this.parts, this.shape, this.asked);
  }

  walkPages(visit: (address: number, bytes: number) => void): void {
    walkPages(this.parts, visit);
  }

  readonly wordAt = (address: number, piece: number) => wordAt(this.parts, address, piece);

  walk(visit: PieceVisitor): void {
    walkMempool(this.parts, visit);
  }

  check(): void {
    checkMempool(this.parts);
  }
}
