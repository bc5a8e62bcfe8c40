/**
 * The caches of the slab heap in RAM: what each knows, its three lists of slabs, and the directory that leads
 * from an object's address to its slab.
 *
 *     cache (statics)   0              4         8        12      16      20
 *                       +--------------+---------+--------+-------+-------+
 *                       | object bytes | objects | partial| full  | empty |     heads of lists, 0: none
 *                       +--------------+---------+--------+-------+-------+
 *     slab (a block     0      4          8       12     16
 *     of another heap)  +------+----------+-------+------+-----------+---------+----------+-----+------+
 *                       | next | previous | cache | used | free map  | rounding| object 0 | ... | rest |
 *                       +------+----------+-------+------+-----------+---------+----------+-----+------+
 *
 * Bit i of the map is set while object i is free, so that a free object keeps every byte of its contents.
 * Every region has a directory at its end. Entry i is the slab that begins in the region's i-th stretch of
 * `slabBytes`: there is at most one, since slabs are that long. An object's slab begins in its own stretch or in the
 * one below.
 */

import { Fault } from '../../mcu/fault.js';
import type { Memory } from '../../mcu/memory.js';
import { lowestBit, lowestBits, withoutLowest } from '../bits.js';
import { alignUp, endlessList } from '../words.js';

// A cache.
export const OBJECT_BYTES = 0;
/** What they are of a cache that has been destroyed. */
export const DESTROYED = 0;
/** How many a slab holds; 0: they are too large for slabs. */
export const OBJECTS = 4;
export const PARTIAL = 8;
export const FULL = 12;
export const EMPTY = 16;
export const CACHE_BYTES = 20;

// A slab.
export const NEXT = 0;
export const PREVIOUS = 4;
export const CACHE = 8;
export const USED_OBJECTS = 12;
export const FREE_MAP = 16;

/** No list and no slab. */
export const NONE = 0;

/** A region's stretches, from `origin` up, and the words from `directory` on that say which slab begins in each. */
export interface Stretches {
  readonly origin: number;
  readonly directory: number;
  readonly entries: number;
  /** Of the region. */
  readonly end: number;
}

/** Where the caches and the directories lie, and what they are about. */
export interface SlabLayout {
  readonly caches: number;
  readonly maximumCaches: number;
  /** Of the regions that slabs fit in, ascending; fixed when the firmware is linked. */
  readonly stretches: readonly Stretches[];
  readonly slabBytes: number;
  /** Objects are multiples of it, and lie at such. */
  readonly alignment: number;
}

export class SlabCaches {
  /** There are never more slabs. */
  private readonly entries: number;

  constructor(
    private readonly memory: Memory,
    readonly layout: SlabLayout,
  ) {
    this.entries = layout.stretches.reduce((sum, { entries }) => sum + entries, 0);
  }

  /** Makes the cache with a number, without a slab. */
  create(index: number, requestBytes: number): number {
    const { memory, layout } = this;
    const cache = layout.caches + index * CACHE_BYTES;
    const objectBytes = alignUp(Math.max(requestBytes, 1), layout.alignment);
    memory.storeWord(cache + OBJECT_BYTES, objectBytes);
    memory.storeWord(cache + OBJECTS, this.objectsPerSlab(objectBytes));
    for (const list of [PARTIAL, FULL, EMPTY]) memory.storeWord(cache + list, NONE);
    return cache;
  }

  /** Of a cache without slabs: its place may be taken by another. */
  forget(cache: number): void {
    this.memory.storeWord(cache + OBJECTS, 0);
    this.memory.storeWord(cache + OBJECT_BYTES, DESTROYED);
  }

  private objectsPerSlab(objectBytes: number): number {
    const { slabBytes } = this.layout;
    let objects = Math.floor(slabBytes / objectBytes);
    while (objects > 0 && this.firstOffset(objects) + objects * objectBytes > slabBytes) objects--;
    return objects;
  }

  /** From a slab to its first object. */
  firstOffset(objects: number): number {
    return alignUp(FREE_MAP + 4 * mapWords(objects), this.layout.alignment);
  }

  // --- slabs --------------------------------------------------------------------------------------------

  /** Makes a slab of what `slabBytes` bytes at `slab` were before; it is in no list yet. */
  open(slab: number, cache: number): void {
    const { memory } = this;
    const objects = memory.loadWord(cache + OBJECTS);
    memory.storeWord(slab + CACHE, cache);
    memory.storeWord(slab + USED_OBJECTS, 0);
    for (let first = 0; first < objects; first += 32) {
      memory.storeWord(slab + FREE_MAP + first / 8, lowestBits(Math.min(objects - first, 32)));
    }
    memory.storeWord(this.entryOf(slab), slab);
  }

  /** The directory forgets a slab. */
  close(slab: number): void {
    this.memory.storeWord(this.entryOf(slab), NONE);
  }

  /** The slab that an address lies in, or {@link NONE}. */
  slabOf(address: number): number {
    for (const stretches of this.layout.stretches) {
      const slab = this.slabIn(stretches, address);
      if (slab !== NONE) return slab;
    }
    return NONE;
  }

  private slabIn({ origin, directory, entries }: Stretches, address: number): number {
    const { memory, layout } = this;
    const { slabBytes } = layout;
    const stretch = stretchOf(address - origin, slabBytes);
    if (stretch < 0 || stretch >= entries) return NONE;
    const own = memory.loadWord(directory + 4 * stretch);
    if (own !== NONE && own <= address) return own;
    if (stretch === 0) return NONE;
    const below = memory.loadWord(directory + 4 * stretch - 4);
    return below !== NONE && address - below < slabBytes ? below : NONE;
  }

  /** The directory's word for a slab. */
  private entryOf(slab: number): number {
    const { stretches, slabBytes } = this.layout;
    for (const { origin, directory, end } of stretches) {
      if (slab >= origin && slab < end) return directory + 4 * stretchOf(slab - origin, slabBytes);
    }
    throw new Fault('assertion', slab, 'slab: the inner heap gave a block from outside its regions');
  }

  /** A cache's number; undefined if there is none at that address. */
  indexOf(cache: number): number | undefined {
    const index = (cache - this.layout.caches) / CACHE_BYTES;
    return Number.isInteger(index) && index >= 0 && index < this.layout.maximumCaches ? index : undefined;
  }

  // --- objects ------------------------------------------------------------------------------------------

  /** Marks the lowest free object of a slab as used, and returns its number. @throws Fault if none is free */
  takeLowest(slab: number, objects: number): number {
    const { memory } = this;
    for (let first = 0; first < objects; first += 32) {
      const word = slab + FREE_MAP + first / 8;
      const free = memory.loadWord(word);
      if (free === 0) continue;
      memory.storeWord(word, withoutLowest(free));
      return first + lowestBit(free);
    }
    throw new Fault('assertion', slab, 'malloc: a slab that is listed as partial has no free object');
  }

  isFree(slab: number, index: number): boolean {
    return ((this.memory.loadWord(slab + mapOffset(index)) >>> (index & 31)) & 1) === 1;
  }

  markFree(slab: number, index: number): void {
    const word = slab + mapOffset(index);
    this.memory.storeWord(word, this.memory.loadWord(word) | (1 << (index & 31)));
  }

  // --- lists --------------------------------------------------------------------------------------------

  /** Puts a slab in front of one of its cache's lists. */
  link(slab: number, head: number): void {
    const { memory } = this;
    const after = memory.loadWord(head);
    memory.storeWord(slab + NEXT, after);
    memory.storeWord(slab + PREVIOUS, NONE);
    if (after !== NONE) memory.storeWord(after + PREVIOUS, slab);
    memory.storeWord(head, slab);
  }

  unlink(slab: number, head: number): void {
    const { memory } = this;
    const before = memory.loadWord(slab + PREVIOUS);
    const after = memory.loadWord(slab + NEXT);
    memory.storeWord(before === NONE ? head : before + NEXT, after);
    if (after !== NONE) memory.storeWord(after + PREVIOUS, before);
  }

  /** Forgets whatever RAM held before. */
  clearDirectories(): void {
    for (const { directory, entries } of this.layout.stretches) this.memory.fill(directory, 4 * entries, 0);
  }

  /** Visits every slab in the directories, by address. */
  visitSlabs(visit: (slab: number) => void): void {
    for (const { directory, entries } of this.layout.stretches) {
      for (let entry = directory; entry < directory + 4 * entries; entry += 4) {
        const slab = this.memory.loadWord(entry);
        if (slab !== NONE) visit(slab);
      }
    }
  }

  /** The slabs of a list. @throws Fault where it runs in a circle */
  listed(head: number): number[] {
    const slabs: number[] = [];
    for (let slab = this.memory.loadWord(head); slab !== NONE; slab = this.memory.loadWord(slab + NEXT)) {
      if (slabs.push(slab) > this.entries) throw endlessList(slab);
    }
    return slabs;
  }
}

/** Number of the stretch that an offset from the first one's start lies in; negative below that. */
export function stretchOf(offset: number, slabBytes: number): number {
  return Math.floor(offset / slabBytes);
}

/** Words of the map of so many objects. */
export function mapWords(objects: number): number {
  return Math.ceil(objects / 32);
}

function mapOffset(index: number): number {
  return FREE_MAP + 4 * (index >>> 5);
}
