/** What a debugger sees of slabs, and whether all that is known of them agrees. */

import type { Memory } from '../../mcu/memory.js';
import { Corruption, NULL, type PieceVisitor } from '../heap.js';
import {
  DESCRIPTOR_BYTES,
  EMPTY,
  FULL,
  NEXT_CACHE,
  OBJECT_BYTES,
  OBJECTS,
  PARTIAL,
  SLAB_BYTES,
  type SlabCaches,
} from './slab-caches.js';
import { BITMAP, bitmapWords, CACHE, firstObject, LIVE, NEXT, PREVIOUS, slabShape } from './slab-shape.js';

/** All caches, the one made last first. @throws Corruption where the chain of them runs in a circle */
export function cachesOf({ memory, firstCache, maximumCaches }: SlabCaches): number[] {
  const caches: number[] = [];
  for (let cache = firstCache; cache !== NULL; cache = memory.loadWord(cache + NEXT_CACHE)) {
    expectDescriptor(memory, cache);
    if (caches.length > maximumCaches) throw new Corruption('the chain of caches runs in a circle', cache);
    caches.push(cache);
  }
  return caches;
}

/** Before anything is read from where a broken pointer may lead. */
function expectDescriptor(memory: Memory, cache: number): void {
  if (cache % 4 !== 0 || !memory.contains(cache, DESCRIPTOR_BYTES)) {
    throw new Corruption('what should lead to a cache leads out of memory', cache);
  }
}

/** The slabs in one of a cache's lists. @throws Corruption where it does not lead back as it leads forth */
export function slabsIn(caches: SlabCaches, head: number): number[] {
  const { memory } = caches;
  const slabs: number[] = [];
  let previous: number = NULL;
  for (let slab = memory.loadWord(head); slab !== NULL; slab = memory.loadWord(slab + NEXT)) {
    if (!caches.isSlab(slab)) throw new Corruption('a list of slabs leads to what is no slab', slab);
    if (memory.loadWord(slab + PREVIOUS) !== previous) {
      throw new Corruption('a list of slabs does not lead back as it leads forth', slab);
    }
    slabs.push(slab);
    previous = slab;
  }
  return slabs;
}

/** The pieces of the inner heap, those that are slabs taken apart into their objects. */
export function walkSlabs(caches: SlabCaches, visit: PieceVisitor): void {
  const { memory, place } = caches;
  const descriptors = new Set(cachesOf(caches));
  place.inner.walk((kind, address, bytes, payload) => {
    if (kind !== 'used' || !caches.isSlab(payload)) {
      visit(kind, address, bytes, payload);
      return;
    }
    const cache = memory.loadWord(payload + CACHE);
    expectDescriptor(memory, cache);
    const objects = memory.loadWord(cache + OBJECTS);
    const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
    const first = payload + firstObject(objects, place.alignment);
    const behind = first + objects * objectBytes;
    if (objectBytes === 0 || behind > address + bytes)
      throw new Corruption('a slab is larger than its block', payload);
    visit('bookkeeping', address, first - address, 0);
    for (let index = 0; index < objects; index++) {
      const object = first + index * objectBytes;
      if (isFree(memory, payload, index)) visit('hole', object, objectBytes, 0);
      else if (descriptors.has(object)) visit('bookkeeping', object, objectBytes, 0);
      else visit('used', object, objectBytes, object);
    }
    if (behind < address + bytes) visit('bookkeeping', behind, address + bytes - behind, 0);
  });
}

function isFree(memory: Memory, slab: number, index: number): boolean {
  return ((memory.loadWord(slab + BITMAP + 4 * (index >>> 5)) >>> index) & 1) !== 0;
}

/** Descriptors, lists, bitmaps, table and counter agree, and every slab is a live block of the inner heap. */
export function checkSlabs(caches: SlabCaches): void {
  const { memory, place, freeObjectBytes } = caches;
  const slabs = new Set<number>();
  let free = 0;
  let reach = 0;
  for (const cache of cachesOf(caches)) {
    checkDescriptor(caches, cache);
    reach = Math.max(reach, Math.ceil(memory.loadWord(cache + SLAB_BYTES) / place.pieceBytes));
    for (const list of [PARTIAL, FULL, EMPTY]) {
      for (const slab of slabsIn(caches, cache + list)) {
        free += checkSlab(caches, cache, slab, list) * memory.loadWord(cache + OBJECT_BYTES);
        slabs.add(slab);
      }
    }
  }
  checkTable(caches, slabs);
  checkBlocks(caches, slabs);
  checkDescriptorBlocks(caches, slabs);
  if (free !== freeObjectBytes) {
    const message = `the counter of free objects is ${freeObjectBytes}, the slabs hold ${free}`;
    throw new Corruption(message, place.statics);
  }
  if (reach !== caches.reach) {
    throw new Corruption('the reach of the longest slab has been overwritten', place.statics);
  }
}

function checkDescriptor({ memory, place }: SlabCaches, cache: number): void {
  const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
  const plausible = objectBytes > 0 && objectBytes % place.alignment === 0;
  const shape = plausible ? slabShape(objectBytes, place.pieceBytes, place.alignment) : undefined;
  if (
    memory.loadWord(cache + SLAB_BYTES) !== shape?.slabBytes ||
    memory.loadWord(cache + OBJECTS) !== shape.objects
  ) {
    throw new Corruption("a cache's descriptor has been overwritten", cache);
  }
}

/** Returns how many free objects it has. */
function checkSlab({ memory }: SlabCaches, cache: number, slab: number, list: number): number {
  if (memory.loadWord(slab + CACHE) !== cache) {
    throw new Corruption('a slab is in a list of another cache', slab);
  }
  const objects = memory.loadWord(cache + OBJECTS);
  let free = 0;
  for (let index = 0; index < 32 * bitmapWords(objects); index++) {
    if (!isFree(memory, slab, index)) continue;
    if (index >= objects) throw new Corruption("a slab's bitmap shows more objects than there are", slab);
    free++;
  }
  if (memory.loadWord(slab + LIVE) !== objects - free) {
    throw new Corruption("a slab's count of live objects is not that of its bitmap", slab);
  }
  const expected = free === 0 ? FULL : free === objects ? EMPTY : PARTIAL;
  if (list !== expected) throw new Corruption('a slab is in the wrong list of its cache', slab);
  return free;
}

function checkTable(caches: SlabCaches, slabs: ReadonlySet<number>): void {
  const { memory, pieces, place } = caches;
  let entries = 0;
  for (let piece = 0; piece < pieces; piece++) {
    const entry = place.table + 4 * piece;
    const slab = memory.loadWord(entry);
    if (slab === NULL) continue;
    entries++;
    if (!slabs.has(slab) || caches.entryOf(slab) !== entry) {
      throw new Corruption('the table has a slab that is none', entry);
    }
  }
  if (entries !== slabs.size) throw new Corruption('a slab is not in the table', place.table);
}

/** Every slab is a block of the inner heap. */
function checkBlocks(caches: SlabCaches, slabs: ReadonlySet<number>): void {
  const { memory, place } = caches;
  const blocks = new Map<number, number>();
  place.inner.walk((kind, address, bytes, payload) => {
    if (kind === 'used') blocks.set(payload, address + bytes);
  });
  for (const slab of slabs) {
    const slabBytes = memory.loadWord(memory.loadWord(slab + CACHE) + SLAB_BYTES);
    if (slab + slabBytes > (blocks.get(slab) ?? 0)) {
      throw new Corruption('a slab is no live block of the heap below', slab);
    }
  }
}

/** A descriptor in the arena is a live object: nobody has freed it. */
function checkDescriptorBlocks(caches: SlabCaches, slabs: ReadonlySet<number>): void {
  const { memory, place } = caches;
  const { origin, bytes } = place.region;
  for (const cache of cachesOf(caches)) {
    if (cache < origin || cache >= origin + bytes) continue;
    const slab = caches.slabOf(cache);
    const of = slabs.has(slab) ? memory.loadWord(slab + CACHE) : NULL;
    const first = slab + (of === NULL ? 0 : firstObject(memory.loadWord(of + OBJECTS), place.alignment));
    const index = of === NULL ? -1 : (cache - first) / memory.loadWord(of + OBJECT_BYTES);
    if (!Number.isInteger(index) || index < 0 || isFree(memory, slab, index)) {
      throw new Corruption("a cache's descriptor is no live object", cache);
    }
  }
}
