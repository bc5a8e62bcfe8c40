/** What must hold between calls of the slab heap, beyond what its inner heap sees to. */

import type { Memory } from '../../mcu/memory.js';
import { Corruption, type HeapView } from '../heap.js';
import {
  CACHE,
  CACHE_BYTES,
  EMPTY,
  FREE_MAP,
  FULL,
  mapWords,
  OBJECT_BYTES,
  OBJECTS,
  PARTIAL,
  PREVIOUS,
  type SlabCaches,
  USED_OBJECTS,
} from './slab-caches.js';

/** Where the heap's own counters lie. */
export interface SlabCounters {
  /** Of bytes in free objects. */
  readonly freeBytes: number;
  /** Of caches made. */
  readonly cachesMade: number;
}

/**
 * The inner heap is whole; every slab is a block of it and belongs to a cache; maps, counts and lists agree.
 *
 * @throws Corruption
 */
export function checkSlabs(memory: Memory, inner: HeapView, caches: SlabCaches, at: SlabCounters): void {
  inner.check();
  const blocks = new Map<number, number>();
  inner.walk((kind, address, bytes, payload) => {
    if (kind === 'used') blocks.set(payload, address + bytes - payload);
  });
  const made = memory.loadWord(at.cachesMade);
  let freeBytes = 0;
  const lists = new Map<number, number>();
  caches.visitSlabs((slab) => {
    if ((blocks.get(slab) ?? 0) < caches.layout.slabBytes || caches.slabOf(slab) !== slab) {
      throw new Corruption('the directory leads to what is no slab', slab);
    }
    const cache = memory.loadWord(slab + CACHE);
    const index = caches.indexOf(cache);
    if (index === undefined || index >= made) throw new Corruption("a slab's cache is none", slab + CACHE);
    const objects = memory.loadWord(cache + OBJECTS);
    const free = freeObjects(memory, slab, objects);
    if (memory.loadWord(slab + USED_OBJECTS) !== objects - free) {
      throw new Corruption("a slab's count of objects in use differs from its map", slab + USED_OBJECTS);
    }
    freeBytes += free * memory.loadWord(cache + OBJECT_BYTES);
    lists.set(slab, cache + (free === 0 ? FULL : free === objects ? EMPTY : PARTIAL));
  });
  checkLists(memory, caches, made, lists);
  if (memory.loadWord(at.freeBytes) !== freeBytes) {
    throw new Corruption('the counter of bytes in free objects differs from their sum', at.freeBytes);
  }
}

/** Counts the bits of a map, of which those behind the last object must be clear. */
function freeObjects(memory: Memory, slab: number, objects: number): number {
  let free = 0;
  for (let word = 0; word < mapWords(objects); word++) {
    const address = slab + FREE_MAP + 4 * word;
    const bits = memory.loadWord(address);
    const beyond = objects - 32 * word;
    if (beyond < 32 && bits >>> beyond !== 0) {
      throw new Corruption('a map of free objects has more of them than a slab holds', address);
    }
    for (let rest = bits; rest !== 0; rest &= rest - 1) free++;
  }
  return free;
}

/** Every slab is in the list that its objects say, and lists lead back as they lead forth. */
function checkLists(
  memory: Memory,
  caches: SlabCaches,
  made: number,
  lists: ReadonlyMap<number, number>,
): void {
  let listed = 0;
  const first = caches.layout.caches;
  for (let cache = first; cache < first + made * CACHE_BYTES; cache += CACHE_BYTES) {
    for (const head of [cache + PARTIAL, cache + FULL, cache + EMPTY]) {
      let previous = 0;
      for (const slab of caches.listed(head)) {
        if (lists.get(slab) !== head) throw new Corruption('a slab is in the wrong list', slab);
        if (memory.loadWord(slab + PREVIOUS) !== previous) {
          throw new Corruption('a list of slabs does not lead back as it leads forth', slab + PREVIOUS);
        }
        previous = slab;
        listed++;
      }
    }
  }
  if (listed !== lists.size) throw new Corruption('a slab is in no list', caches.layout.caches);
}
