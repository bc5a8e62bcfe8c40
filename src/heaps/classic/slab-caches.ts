/**
 * Caches of objects of one size, in slabs that another heap gives (Bonwick, The Slab Allocator, USENIX 1994).
 * A slab is in one of its cache's three lists: partial, full, or empty. Nothing is ever written into an object:
 * which ones are free is in the slab's bitmap, so that an object keeps its constructed state until its slab is
 * given back.
 *
 * A cache's descriptor, 28 bytes: bytes of an object, bytes of a slab, objects in it, the first slab that is
 * partial, full, empty, and the next cache. A table, a word for each piece of memory as long as the smallest
 * slab, has the slab that begins in that piece, by which an object finds its slab.
 */

import { Fault } from '../../mcu/fault.js';
import type { Memory, Region } from '../../mcu/memory.js';
import { alignUp, endlessList } from '../freertos/request.js';
import { type Heap, type HeapCall, NULL } from '../heap.js';
import {
  BITMAP,
  bitmapWords,
  CACHE,
  firstObject,
  LIVE,
  MAXIMUM_CLASSES,
  NEXT,
  PREVIOUS,
  slabShape,
} from './slab-shape.js';

// A cache's descriptor.
export const OBJECT_BYTES = 0;
export const SLAB_BYTES = 4;
export const OBJECTS = 8;
export const PARTIAL = 12;
export const FULL = 16;
export const EMPTY = 20;
export const NEXT_CACHE = 24;
export const DESCRIPTOR_BYTES = 28;

// Statics, as offsets from their start. Behind them lie the descriptors of the classes.
const FREE_OBJECT_BYTES = 0;
const FIRST_CACHE = 4;
const REACH = 8;
export const CACHE_STATIC_BYTES = 12;

/** What happened in a call, for its path. */
export const GREW = 1;
export const REAPED = 2;

/** Where the slabs come from, and where what is known of them lies. */
export interface SlabPlace {
  readonly inner: Heap;
  /** The inner heap's memory. */
  readonly region: Region;
  readonly alignment: number;
  /** Address of {@link CACHE_STATIC_BYTES}. */
  readonly statics: number;
  /** Address of a word for each piece of the region. */
  readonly table: number;
  /** Of such a piece, and of the smallest slab. */
  readonly pieceBytes: number;
}

export class SlabCaches {
  /** {@link GREW}, {@link REAPED}: of the call at hand; the caller sets it to 0. */
  path = 0;
  readonly pieces: number;
  /** More than there can be. */
  readonly maximumCaches: number;

  constructor(
    readonly memory: Memory,
    readonly place: SlabPlace,
    private readonly call: HeapCall,
  ) {
    this.pieces = Math.ceil(place.region.bytes / place.pieceBytes);
    this.maximumCaches = place.region.bytes / DESCRIPTOR_BYTES + MAXIMUM_CLASSES;
    memory.fill(place.table, 4 * this.pieces, 0);
    for (const word of [FREE_OBJECT_BYTES, FIRST_CACHE, REACH]) memory.storeWord(place.statics + word, 0);
  }

  /** The cache made last; {@link NULL} if there is none. */
  get firstCache(): number {
    return this.memory.loadWord(this.place.statics + FIRST_CACHE);
  }

  /** Of all slabs. */
  get freeObjectBytes(): number {
    return this.memory.loadWord(this.place.statics + FREE_OBJECT_BYTES);
  }

  /** How many pieces of memory the longest slab may reach beyond the one it begins in. */
  get reach(): number {
    return this.memory.loadWord(this.place.statics + REACH);
  }

  /** Bytes of an object of a cache for `bytes`. */
  objectBytes(bytes: number): number {
    return alignUp(bytes, this.place.alignment);
  }

  /** Writes the descriptor of a cache for objects of at least `bytes`, which must be above 0. */
  describe(cache: number, bytes: number): void {
    const { memory, place } = this;
    const objectBytes = this.objectBytes(bytes);
    const { slabBytes, objects } = slabShape(objectBytes, place.pieceBytes, place.alignment);
    memory.storeWord(cache + OBJECT_BYTES, objectBytes);
    memory.storeWord(cache + SLAB_BYTES, slabBytes);
    memory.storeWord(cache + OBJECTS, objects);
    for (const list of [PARTIAL, FULL, EMPTY]) memory.storeWord(cache + list, NULL);
    memory.storeWord(cache + NEXT_CACHE, this.firstCache);
    memory.storeWord(place.statics + FIRST_CACHE, cache);
    const reach = Math.ceil(slabBytes / place.pieceBytes);
    if (reach > this.reach) memory.storeWord(place.statics + REACH, reach);
  }

  // --- objects ------------------------------------------------------------------------------------------

  /** An object of a cache; {@link NULL} where another slab was needed and there is no room for one. */
  allocate(cache: number): number {
    const { memory } = this;
    let slab = memory.loadWord(cache + PARTIAL);
    if (slab === NULL) {
      slab = this.unusedSlab(cache);
      if (slab === NULL) return NULL;
      this.link(slab, cache + PARTIAL);
    }
    const objects = memory.loadWord(cache + OBJECTS);
    const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
    const index = this.takeBit(slab, objects);
    const live = memory.loadWord(slab + LIVE) + 1;
    memory.storeWord(slab + LIVE, live);
    if (live === objects) {
      this.unlink(slab, cache + PARTIAL);
      this.link(slab, cache + FULL);
    }
    this.countFree(-objectBytes);
    return slab + firstObject(objects, this.place.alignment) + index * objectBytes;
  }

  /** Takes back an object of `slab`. @throws Fault where no live object begins at `address` */
  free(slab: number, address: number): void {
    const { memory } = this;
    const cache = memory.loadWord(slab + CACHE);
    const objects = memory.loadWord(cache + OBJECTS);
    const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
    const index = (address - slab - firstObject(objects, this.place.alignment)) / objectBytes;
    if (index < 0 || index >= objects || !Number.isInteger(index)) {
      throw new Fault('assertion', address, 'free: no object of the slab begins here');
    }
    const word = slab + BITMAP + 4 * (index >>> 5);
    const bits = memory.loadWord(word);
    if (((bits >>> index) & 1) !== 0)
      throw new Fault('assertion', address, 'free: the object is free already');
    memory.storeWord(word, bits | (1 << index));
    const live = memory.loadWord(slab + LIVE) - 1;
    memory.storeWord(slab + LIVE, live);
    this.refile(slab, cache, live + 1 === objects ? FULL : PARTIAL, live === 0 ? EMPTY : PARTIAL);
    this.countFree(objectBytes);
  }

  /** The slab that has `address` inside; {@link NULL} if none has. */
  slabOf(address: number): number {
    const { memory, place } = this;
    const { origin, bytes } = place.region;
    if (address < origin || address >= origin + bytes) return NULL;
    let piece = Math.floor((address - origin) / place.pieceBytes);
    const last = Math.max(0, piece - this.reach);
    for (; piece >= last; piece--) {
      const slab = memory.loadWord(place.table + 4 * piece);
      if (slab === NULL || slab > address) continue;
      return address < slab + memory.loadWord(memory.loadWord(slab + CACHE) + SLAB_BYTES) ? slab : NULL;
    }
    return NULL;
  }

  /** The lowest free object of a slab that has one. */
  private takeBit(slab: number, objects: number): number {
    const { memory } = this;
    const words = bitmapWords(objects);
    for (let word = 0; word < words; word++) {
      const bits = memory.loadWord(slab + BITMAP + 4 * word);
      if (bits === 0) continue;
      this.call.searchSteps += word;
      memory.storeWord(slab + BITMAP + 4 * word, bits & (bits - 1));
      return 32 * word + 31 - Math.clz32(bits & -bits);
    }
    throw new Fault('assertion', slab, 'malloc: a slab in the list of partial ones has no free object');
  }

  private countFree(bytes: number): void {
    this.memory.storeWord(this.place.statics + FREE_OBJECT_BYTES, this.freeObjectBytes + bytes);
  }

  // --- slabs --------------------------------------------------------------------------------------------

  /** One that was empty, with its objects as they were left, or a new one; in no list. */
  private unusedSlab(cache: number): number {
    const { memory } = this;
    const empty = memory.loadWord(cache + EMPTY);
    if (empty !== NULL) {
      this.unlink(empty, cache + EMPTY);
      return empty;
    }
    const slab = this.takeRoom(memory.loadWord(cache + SLAB_BYTES));
    if (slab === NULL) return NULL;
    this.path |= GREW;
    const objects = memory.loadWord(cache + OBJECTS);
    memory.storeWord(slab + CACHE, cache);
    memory.storeWord(slab + LIVE, 0);
    for (let word = 0, left = objects; left > 0; word++, left -= 32) {
      memory.storeWord(slab + BITMAP + 4 * word, left < 32 ? (1 << left) - 1 : 0xffff_ffff);
    }
    memory.storeWord(this.entryOf(slab), slab);
    this.countFree(objects * memory.loadWord(cache + OBJECT_BYTES));
    return slab;
  }

  /** Memory of the inner heap, if need be after giving it back all that is empty. */
  takeRoom(bytes: number): number {
    const { inner } = this.place;
    let address = inner.malloc(bytes);
    this.call.searchSteps += inner.lastCall.searchSteps;
    if (address !== NULL || !this.reap()) return address;
    address = inner.malloc(bytes);
    this.call.searchSteps += inner.lastCall.searchSteps;
    return address;
  }

  /** Gives the empty slabs of all caches back. */
  private reap(): boolean {
    const { memory, place } = this;
    let reaped = 0;
    let caches = 0;
    for (let cache = this.firstCache; cache !== NULL; cache = memory.loadWord(cache + NEXT_CACHE)) {
      if (++caches > this.maximumCaches) throw endlessList(cache);
      const objectBytes = memory.loadWord(cache + OBJECT_BYTES) * memory.loadWord(cache + OBJECTS);
      for (;;) {
        const slab = memory.loadWord(cache + EMPTY);
        if (slab === NULL) break;
        this.unlink(slab, cache + EMPTY);
        memory.storeWord(this.entryOf(slab), NULL);
        this.countFree(-objectBytes);
        place.inner.free(slab);
        reaped++;
      }
    }
    if (reaped > 0) this.path |= REAPED;
    return reaped > 0;
  }

  /** Whether the table has a slab at `address`, which may be anything. */
  isSlab(address: number): boolean {
    const { origin, bytes } = this.place.region;
    if (address < origin || address >= origin + bytes) return false;
    return this.memory.loadWord(this.entryOf(address)) === address;
  }

  /** The table's word for the piece of memory in which a slab begins. */
  entryOf(slab: number): number {
    const { table, region, pieceBytes } = this.place;
    return table + 4 * Math.floor((slab - region.origin) / pieceBytes);
  }

  // --- lists --------------------------------------------------------------------------------------------

  private refile(slab: number, cache: number, from: number, to: number): void {
    if (from === to) return;
    this.unlink(slab, cache + from);
    this.link(slab, cache + to);
  }

  /** `head`: of the list in its cache's descriptor. */
  private link(slab: number, head: number): void {
    const { memory } = this;
    const after = memory.loadWord(head);
    memory.storeWord(slab + NEXT, after);
    memory.storeWord(slab + PREVIOUS, NULL);
    if (after !== NULL) memory.storeWord(after + PREVIOUS, slab);
    memory.storeWord(head, slab);
  }

  private unlink(slab: number, head: number): void {
    const { memory } = this;
    const before = memory.loadWord(slab + PREVIOUS);
    const after = memory.loadWord(slab + NEXT);
    if (after !== NULL) memory.storeWord(after + PREVIOUS, before);
    memory.storeWord(before === NULL ? head : before + NEXT, after);
  }
}
