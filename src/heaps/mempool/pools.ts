/** Whose pages the segment is made of: the pool of heap pages, and the caches. */

import type { SizeClass } from '../heap.js';
import { DESTROYED, FREE_OBJECTS, OBJECT_BYTES, OBJECTS_PER_PAGE } from './caches.js';
import { UNIT_BYTES } from './free-tree.js';
import { FREE_BLOCKS, FREE_UNITS, LIVE_BLOCKS } from './heap-pages.js';
import type { Shape } from './options.js';
import type { Parts } from './walk.js';

/** What a request can be served from, beside the fragments themselves: {@link HEAP_POOL} or a cache. */
export const HEAP_POOL = 0;

/** `asked`: by the last request; undefined if it went to the fragments. */
export function poolsIn(parts: Parts, shape: Shape, asked: number | undefined): SizeClass[] {
  const { memory, cacheTable } = parts;
  const pools = [heapPool(parts, shape, asked === HEAP_POOL)];
  for (let index = 0; index < cacheTable.count(); index++) {
    const cache = cacheTable.at(index);
    if (memory.loadWord(cache + OBJECT_BYTES) === DESTROYED) continue;
    pools.push(cachePool(parts, shape, cache, asked === cache));
  }
  return pools;
}

function heapPool({ memory, heapPages }: Parts, shape: Shape, asked: boolean): SizeClass {
  const sums = { pages: 0, liveObjects: 0, freeObjects: 0, freeBytes: 0 };
  for (const page of heapPages.pages()) {
    sums.pages++;
    sums.liveObjects += memory.loadWord(page + LIVE_BLOCKS);
    sums.freeObjects += memory.loadWord(page + FREE_BLOCKS);
    sums.freeBytes += memory.loadWord(page + FREE_UNITS) * UNIT_BYTES;
  }
  const name = 'pool of heap pages';
  return { name, asked, pageWord: 'page', pageBytes: shape.heapPageBytes, ...sums };
}

function cachePool({ memory, caches }: Parts, shape: Shape, cache: number, asked: boolean): SizeClass {
  const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
  const perPage = memory.loadWord(cache + OBJECTS_PER_PAGE);
  let pages = 0;
  let freeObjects = 0;
  for (const page of caches.pagesOf(cache)) {
    pages++;
    freeObjects += memory.loadWord(page + FREE_OBJECTS);
  }
  return {
    objectBytes,
    cache,
    asked,
    pageWord: 'page',
    pageBytes: shape.cachePageBytes,
    pages,
    liveObjects: pages * perPage - freeObjects,
    freeObjects,
    freeBytes: freeObjects * objectBytes,
  };
}
