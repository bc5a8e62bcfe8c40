/** The slab heap itself; what it is good for stands in slab.ts, what its slabs look like in slab-caches.ts. */

import { Fault } from '../../mcu/fault.js';
import type { Memory, Region } from '../../mcu/memory.js';
import {
  Corruption,
  type Heap,
  HeapCall,
  NULL,
  NULL_CALL,
  type PieceVisitor,
  type SizeClass,
} from '../heap.js';
import {
  CACHE,
  CACHE_BYTES,
  EMPTY,
  FULL,
  NONE,
  OBJECT_BYTES,
  OBJECTS,
  PARTIAL,
  SlabCaches,
  type SlabLayout,
  USED_OBJECTS,
} from './slab-caches.js';
import { checkSlabs } from './slab-check.js';

/** Objects of the classes that malloc serves from. */
const CLASSES = [16, 32, 64, 128] as const;
const LARGEST = 128;

// Statics, as offsets from their start.
const FREE_BYTES = 0;
const CACHES_MADE = 4;
const CACHES = 8;

/** The cost model's words, in the order of their bits. */
export const MALLOC_WORDS = ['inner', 'partial', 'empty', 'grow', 'reap', 'fill'] as const;
const FROM_PARTIAL = 2;
const FROM_EMPTY = 4;
const GROW = 8;
const REAP = 16;
const FILL = 32;
export const FREE_WORDS = ['inner', 'was_full', 'emptied'] as const;
const WAS_FULL = 2;
const EMPTIED = 4;
/** The first word of either. */
const INNER = 1;

/** What the heap keeps outside the arena when the firmware may create so many caches. */
export function slabStaticBytes(caches: number): number {
  return CACHES + (CLASSES.length + caches) * CACHE_BYTES;
}

/** Where {@link slabStaticBytes} bytes of statics have the caches. */
export function cachesIn(statics: number, caches: number): Pick<SlabLayout, 'caches' | 'maximumCaches'> {
  return { caches: statics + CACHES, maximumCaches: CLASSES.length + caches };
}

export class SlabHeap implements Heap {
  readonly lastCall = new HeapCall();

  private readonly caches: SlabCaches;
  private readonly freeCounter: number;
  private readonly cachesMade: number;
  private readonly classes0: number;
  /** The cache that the last malloc asked; like the last call, for who wants to know why it failed. */
  private asked = NONE;

  /** `region`: the whole arena; `layout.entries` words at `layout.directory` end it. */
  constructor(
    private readonly memory: Memory,
    private readonly region: Region,
    statics: number,
    layout: SlabLayout,
    private readonly inner: Heap,
  ) {
    this.caches = new SlabCaches(memory, layout);
    this.freeCounter = statics + FREE_BYTES;
    this.cachesMade = statics + CACHES_MADE;
    this.classes0 = layout.caches;
    memory.storeWord(this.freeCounter, 0);
    memory.fill(layout.directory, 4 * layout.entries, 0);
    for (const [index, bytes] of CLASSES.entries()) this.caches.create(index, bytes);
    memory.storeWord(this.cachesMade, CLASSES.length);
  }

  malloc(bytes: number): number {
    this.lastCall.begin();
    this.asked = NONE;
    if (bytes === 0) return NULL;
    return bytes > LARGEST ? this.mallocInner(bytes) : this.take(this.classOf(bytes));
  }

  free(address: number): void {
    const { memory, lastCall: call, caches } = this;
    call.begin();
    if (address === NULL) {
      call.path = NULL_CALL;
      return;
    }
    const slab = caches.slabOf(address);
    if (slab === NONE) return this.freeInner(address);
    const cache = memory.loadWord(slab + CACHE);
    const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
    const objects = memory.loadWord(cache + OBJECTS);
    const index = (address - slab - caches.firstOffset(objects)) / objectBytes;
    if (!Number.isInteger(index) || index < 0 || index >= objects || caches.isFree(slab, index)) {
      throw new Fault('assertion', address, 'free: no live object of the slab begins here');
    }
    caches.markFree(slab, index);
    memory.storeWord(this.freeCounter, memory.loadWord(this.freeCounter) + objectBytes);
    const used = memory.loadWord(slab + USED_OBJECTS) - 1;
    memory.storeWord(slab + USED_OBJECTS, used);
    const wasFull = used === objects - 1;
    if (wasFull) call.path = WAS_FULL;
    if (used === 0) call.path |= EMPTIED;
    if (wasFull || used === 0) {
      caches.unlink(slab, cache + (wasFull ? FULL : PARTIAL));
      caches.link(slab, cache + (used === 0 ? EMPTY : PARTIAL));
    }
  }

  // --- caches -------------------------------------------------------------------------------------------

  /** @throws Fault where the statics have no room for another */
  createCache(objectBytes: number): number {
    const { memory } = this;
    const made = memory.loadWord(this.cachesMade);
    if (made >= this.caches.layout.maximumCaches) {
      const room = `its statics have room for ${made - CLASSES.length} (option caches)`;
      throw new Fault('assertion', this.cachesMade, `slab: no room for another cache; ${room}`);
    }
    memory.storeWord(this.cachesMade, made + 1);
    return this.caches.create(made, objectBytes);
  }

  mallocFrom(cache: number): number {
    this.lastCall.begin();
    this.asked = NONE;
    const { memory } = this;
    const isSlabbed = memory.loadWord(cache + OBJECTS) > 0;
    return isSlabbed ? this.take(cache) : this.mallocInner(memory.loadWord(cache + OBJECT_BYTES));
  }

  /** The smallest class that a request of at most {@link LARGEST} bytes fits. */
  private classOf(bytes: number): number {
    let cache = this.classes0;
    for (let limit: number = CLASSES[0]; limit < bytes; limit *= 2) cache += CACHE_BYTES;
    return cache;
  }

  private take(cache: number): number {
    const { memory, caches, lastCall: call } = this;
    this.asked = cache;
    let list = cache + PARTIAL;
    let slab = memory.loadWord(list);
    if (slab === NONE) {
      list = cache + EMPTY;
      slab = memory.loadWord(list);
    }
    if (slab !== NONE) {
      call.path = list === cache + PARTIAL ? FROM_PARTIAL : FROM_EMPTY;
    } else {
      slab = this.grow(cache);
      if (slab === NONE) return NULL;
    }
    const objects = memory.loadWord(cache + OBJECTS);
    const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
    const index = caches.takeLowest(slab, objects);
    call.searchSteps += index >>> 5;
    const used = memory.loadWord(slab + USED_OBJECTS) + 1;
    memory.storeWord(slab + USED_OBJECTS, used);
    memory.storeWord(this.freeCounter, memory.loadWord(this.freeCounter) - objectBytes);
    this.relist(slab, list, cache + (used === objects ? FULL : PARTIAL));
    return slab + caches.firstOffset(objects) + index * objectBytes;
  }

  private relist(slab: number, from: number, to: number): void {
    if (to === from) return;
    this.caches.unlink(slab, from);
    this.caches.link(slab, to);
    if ((this.lastCall.path & FROM_PARTIAL) !== 0) this.lastCall.path |= FILL;
  }

  /** Another slab, in the list of the empty ones. */
  private grow(cache: number): number {
    const { memory, caches } = this;
    this.lastCall.path = GROW;
    const slab = this.request(caches.layout.slabBytes);
    if (slab === NULL) return NONE;
    caches.open(slab, cache);
    caches.link(slab, cache + EMPTY);
    const bytes = memory.loadWord(cache + OBJECTS) * memory.loadWord(cache + OBJECT_BYTES);
    memory.storeWord(this.freeCounter, memory.loadWord(this.freeCounter) + bytes);
    return slab;
  }

  // --- the inner heap -----------------------------------------------------------------------------------

  private mallocInner(bytes: number): number {
    this.lastCall.path = INNER;
    return this.request(bytes);
  }

  private freeInner(address: number): void {
    this.lastCall.path = INNER;
    this.inner.free(address);
    this.addSteps();
  }

  /** Asks the inner heap, and once more when it has got back what the caches do not use. */
  private request(bytes: number): number {
    const address = this.inner.malloc(bytes);
    this.addSteps();
    if (address !== NULL || !this.reap()) return address;
    const second = this.inner.malloc(bytes);
    this.addSteps();
    return second;
  }

  /** Gives all empty slabs back; whether there were any. */
  private reap(): boolean {
    const { memory, caches, classes0 } = this;
    const end = classes0 + memory.loadWord(this.cachesMade) * CACHE_BYTES;
    let bytes = 0;
    for (let cache = classes0; cache < end; cache += CACHE_BYTES) {
      const slabs = caches.listed(cache + EMPTY);
      if (slabs.length === 0) continue;
      memory.storeWord(cache + EMPTY, NONE);
      const slabObjects = memory.loadWord(cache + OBJECTS) * memory.loadWord(cache + OBJECT_BYTES);
      for (const slab of slabs) {
        caches.close(slab);
        this.inner.free(slab);
        this.addSteps();
        bytes += slabObjects;
      }
    }
    if (bytes === 0) return false;
    memory.storeWord(this.freeCounter, memory.loadWord(this.freeCounter) - bytes);
    this.lastCall.path |= REAP;
    return true;
  }

  private addSteps(): void {
    const { lastCall: call, inner } = this;
    call.searchSteps += inner.lastCall.searchSteps;
    call.insertSteps += inner.lastCall.insertSteps;
  }

  // --- what a debugger sees -----------------------------------------------------------------------------

  freeBytes(): number {
    return this.inner.freeBytes() + this.memory.loadWord(this.freeCounter);
  }

  blockBytesFor(bytes: number): number {
    if (bytes > LARGEST) return this.inner.blockBytesFor(bytes);
    return this.memory.loadWord(this.classOf(bytes) + OBJECT_BYTES);
  }

  /** What the slabs take would be free. */
  largestBlockBytes(): number {
    const known = this.inner.largestBlockBytes?.();
    if (known !== undefined) return known;
    let largest = 0;
    let span = 0;
    this.inner.walk((kind, _address, bytes) => {
      span = kind === 'bookkeeping' ? 0 : span + bytes;
      largest = Math.max(largest, span);
    });
    return largest;
  }

  classes(): SizeClass[] {
    const { memory, caches } = this;
    const made = memory.loadWord(this.cachesMade);
    const pageBytes = this.inner.blockBytesFor(caches.layout.slabBytes);
    const classes = Array.from({ length: made }, (_, index) => {
      const cache = this.classes0 + index * CACHE_BYTES;
      return {
        objectBytes: memory.loadWord(cache + OBJECT_BYTES),
        isCache: index >= CLASSES.length,
        asked: cache === this.asked,
        pageWord: 'slab' as const,
        pageBytes,
        pages: 0,
        liveObjects: 0,
        freeObjects: 0,
        freeBytes: 0,
      };
    });
    caches.visitSlabs((slab) => {
      const cache = memory.loadWord(slab + CACHE);
      const known = classes[caches.indexOf(cache) ?? made];
      if (known === undefined) throw new Corruption("a slab's cache is none", slab + CACHE);
      const live = memory.loadWord(slab + USED_OBJECTS);
      const free = memory.loadWord(cache + OBJECTS) - live;
      known.pages++;
      known.liveObjects += live;
      known.freeObjects += free;
      known.freeBytes += free * known.objectBytes;
    });
    return classes;
  }

  /** Slabs, as the inner heap's blocks that they are. */
  walkPages(visit: (address: number, bytes: number) => void): void {
    this.inner.walk((kind, address, bytes, payload) => {
      if (kind === 'used' && this.caches.slabOf(payload) === payload) visit(address, bytes);
    });
  }

  /** For what the inner heap serves. */
  get gridOrigin(): number | undefined {
    return this.inner.gridOrigin;
  }

  /** The inner heap's pieces; a slab is bookkeeping around its objects, of which the free ones are holes. */
  walk(visit: PieceVisitor): void {
    const { directory, entries } = this.caches.layout;
    this.inner.walk((kind, address, bytes, payload) => {
      if (kind !== 'used' || this.caches.slabOf(payload) !== payload) visit(kind, address, bytes, payload);
      else this.walkSlab(payload, address, bytes, visit);
    });
    const end = this.region.origin + this.region.bytes;
    if (entries > 0) visit('bookkeeping', directory, end - directory, 0);
  }

  private walkSlab(slab: number, address: number, bytes: number, visit: PieceVisitor): void {
    const { memory, caches } = this;
    const cache = memory.loadWord(slab + CACHE);
    if (caches.indexOf(cache) === undefined) throw new Corruption("a slab's cache is none", slab + CACHE);
    const objects = memory.loadWord(cache + OBJECTS);
    const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
    const first = slab + caches.firstOffset(objects);
    visit('bookkeeping', address, first - address, 0);
    for (let index = 0; index < objects; index++) {
      const object = first + index * objectBytes;
      if (caches.isFree(slab, index)) visit('hole', object, objectBytes, 0);
      else visit('used', object, objectBytes, object);
    }
    const end = first + objects * objectBytes;
    if (address + bytes > end) visit('bookkeeping', end, address + bytes - end, 0);
  }

  check(): void {
    const { memory, inner, caches } = this;
    checkSlabs(memory, inner, caches, { freeBytes: this.freeCounter, cachesMade: this.cachesMade });
  }
}
