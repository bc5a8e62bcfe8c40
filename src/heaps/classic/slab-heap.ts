/** The slab heap itself; what it is good for stands in slab.ts, what its slabs look like in slab-caches.ts. */

import { Fault } from '../../mcu/fault.js';
import type { Memory } from '../../mcu/memory.js';
import {
  type Deferral,
  type Exhaustion,
  type Heap,
  HeapCall,
  type IdleWork,
  NULL,
  NULL_CALL,
  type PieceVisitor,
  type SizeClass,
} from '../heap.js';
import {
  CACHE,
  CACHE_BYTES,
  DESTROYED,
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
import { INNER_ASKED, NOTHING_ASKED, type SlabSource, SlabView } from './slab-view.js';

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

  // What the inner heap wants of kernel and firmware, where it wants something.
  readonly deferral: Deferral | undefined;
  readonly exhaustion: Exhaustion | undefined;
  readonly idleWork: IdleWork | undefined;
  readonly taskDeleted: Heap['taskDeleted'];

  private readonly caches: SlabCaches;
  private readonly view: SlabView;
  private readonly inner: Heap;
  private readonly freeCounter: number;
  private readonly cachesMade: number;
  private readonly classes0: number;
  /** A cache or {@link INNER_ASKED}: what the last malloc asked, for who wants to know why it failed. */
  private asked = NOTHING_ASKED;

  /** The directories are words at the ends of the regions, behind what the source has of them. */
  constructor(
    private readonly memory: Memory,
    statics: number,
    layout: SlabLayout,
    private readonly source: SlabSource,
  ) {
    const { heap: inner } = source;
    this.inner = inner;
    this.caches = new SlabCaches(memory, layout);
    this.freeCounter = statics + FREE_BYTES;
    this.cachesMade = statics + CACHES_MADE;
    this.classes0 = layout.caches;
    this.view = new SlabView(memory, this.caches, source, this.cachesMade, CLASSES.length);
    this.deferral = inner.deferral && this.clientOf(inner.deferral);
    this.exhaustion = inner.exhaustion && this.clientOf(inner.exhaustion);
    this.idleWork = inner.idleWork;
    this.taskDeleted = inner.taskDeleted?.bind(inner);
    memory.storeWord(this.freeCounter, 0);
    this.caches.clearDirectories();
    for (const [index, bytes] of CLASSES.entries()) this.caches.create(index, bytes);
    memory.storeWord(this.cachesMade, CLASSES.length);
  }

  malloc(bytes: number): number {
    this.lastCall.begin();
    this.asked = NOTHING_ASKED;
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
    return this.caches.create(this.placeForCache(), objectBytes);
  }

  /** That of a cache which has been destroyed, or one more. */
  private placeForCache(): number {
    const { memory, caches, classes0 } = this;
    const made = memory.loadWord(this.cachesMade);
    for (let index = CLASSES.length; index < made; index++) {
      if (memory.loadWord(classes0 + index * CACHE_BYTES + OBJECT_BYTES) === DESTROYED) return index;
    }
    if (made >= caches.layout.maximumCaches) {
      const room = `its statics have room for ${made - CLASSES.length} (option caches)`;
      throw new Fault('assertion', this.cachesMade, `slab: no room for another cache; ${room}`);
    }
    memory.storeWord(this.cachesMade, made + 1);
    return made;
  }

  mallocFrom(cache: number): number {
    this.lastCall.begin();
    const { memory } = this;
    if (memory.loadWord(cache + OBJECTS) > 0) return this.take(cache);
    const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
    if (objectBytes === DESTROYED) throw new Fault('assertion', cache, 'slab: the cache has been destroyed');
    return this.mallocInner(objectBytes);
  }

  /** Where the inner heap takes nothing back the cache keeps its slabs, all empty. */
  destroyCache(cache: number): void {
    const { memory, caches, source } = this;
    this.lastCall.begin();
    const lists = [PARTIAL, FULL, EMPTY].map((list) => cache + list);
    const slabs = lists.flatMap((list) => caches.listed(list));
    const objects = memory.loadWord(cache + OBJECTS);
    const used = slabs.reduce((sum, slab) => sum + memory.loadWord(slab + USED_OBJECTS), 0);
    const gained = source.takesBack ? used - slabs.length * objects : used;
    const bytes = gained * memory.loadWord(cache + OBJECT_BYTES);
    memory.storeWord(this.freeCounter, memory.loadWord(this.freeCounter) + bytes);
    for (const list of lists) memory.storeWord(list, NONE);
    if (source.takesBack) this.giveBack(slabs);
    else for (const slab of slabs) this.openIn(cache, slab);
    if (source.takesBack) caches.forget(cache);
  }

  private giveBack(slabs: readonly number[]): void {
    for (const slab of slabs) {
      this.caches.close(slab);
      this.inner.free(slab);
      this.addSteps();
    }
  }

  private openIn(cache: number, slab: number): void {
    this.caches.open(slab, cache);
    this.caches.link(slab, cache + EMPTY);
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
    this.openIn(cache, slab);
    const bytes = memory.loadWord(cache + OBJECTS) * memory.loadWord(cache + OBJECT_BYTES);
    memory.storeWord(this.freeCounter, memory.loadWord(this.freeCounter) + bytes);
    return slab;
  }

  // --- the inner heap -----------------------------------------------------------------------------------

  private mallocInner(bytes: number): number {
    this.asked = INNER_ASKED;
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

  /** Gives all empty slabs back, if that can be done; whether there were any. */
  private reap(): boolean {
    const { memory, caches, classes0 } = this;
    if (!this.source.takesBack) return false;
    const end = classes0 + memory.loadWord(this.cachesMade) * CACHE_BYTES;
    let bytes = 0;
    for (let cache = classes0; cache < end; cache += CACHE_BYTES) {
      const slabs = caches.listed(cache + EMPTY);
      if (slabs.length === 0) continue;
      memory.storeWord(cache + EMPTY, NONE);
      const slabObjects = memory.loadWord(cache + OBJECTS) * memory.loadWord(cache + OBJECT_BYTES);
      this.giveBack(slabs);
      bytes += slabs.length * slabObjects;
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

  /**
   * What the inner heap calls back through. It does so within a request, and who is called may call this heap: by then
   * nothing of the request is known here but what RAM holds.
   */
  private clientOf<Arguments extends unknown[]>(inner: {
    client: ((...given: Arguments) => void) | undefined;
  }) {
    const aside = (client: (...given: Arguments) => void, given: Arguments) => {
      const { lastCall: call, asked } = this;
      const { path, searchSteps, insertSteps } = call;
      client(...given);
      Object.assign(call, { path, searchSteps, insertSteps });
      this.asked = asked;
    };
    return {
      get client() {
        return inner.client;
      },
      set client(client) {
        inner.client = client && ((...given: Arguments) => aside(client, given));
      },
    };
  }

  // --- what a debugger sees -----------------------------------------------------------------------------

  freeBytes(): number {
    return this.inner.freeBytes() + this.memory.loadWord(this.freeCounter);
  }

  blockBytesFor(bytes: number): number {
    if (bytes > LARGEST) return this.inner.blockBytesFor(bytes);
    return this.memory.loadWord(this.classOf(bytes) + OBJECT_BYTES);
  }

  largestBlockBytes(): number {
    return this.view.largestBlockBytes();
  }

  classes(): SizeClass[] {
    return this.view.classes(this.asked);
  }

  walkPages(visit: (address: number, bytes: number, task?: number) => void): void {
    this.view.walkPages(visit);
  }

  /** For what the inner heap serves. */
  get gridOrigin(): number | undefined {
    return this.inner.gridOrigin;
  }

  wordAt(address: number, piece: number): string | undefined {
    return this.view.wordAt(address, piece);
  }

  pageWordAt(address: number): 'slab' | 'page' {
    return this.view.pageWordAt(address);
  }

  walk(visit: PieceVisitor): void {
    this.view.walk(visit);
  }

  check(): void {
    const { memory, inner, caches } = this;
    checkSlabs(memory, inner, caches, { freeBytes: this.freeCounter, cachesMade: this.cachesMade });
  }
}
