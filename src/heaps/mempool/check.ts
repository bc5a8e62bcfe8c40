/** What must hold between calls of mempool. */

import { Corruption } from '../heap.js';
import { type Bitmap, CELL_BITS, cellsFor, isTaken, placesFor } from './bitmap.js';
import { bitmapOf, FREE_OBJECTS, OBJECTS_PER_PAGE, PAGE_LIST } from './caches.js';
import { COMMON, HEAP, SLAB, UNALLOCATED } from './fragments.js';
import { NONE, UNIT_BYTES } from './free-tree.js';
import { DATA, FREE_BLOCKS, FREE_UNITS, LIVE_BLOCKS, ROOT } from './heap-pages.js';
import { checkRing } from './list.js';
import { cacheOf, freeBytesIn, type Parts, walkMempool } from './walk.js';

/** @throws Corruption */
export function checkMempool(parts: Parts): void {
  // Blocks tile the segment, and pages, objects and headers lie in them: the walk throws where they do not.
  let freeBytes = 0;
  walkMempool(parts, (kind, _address, bytes) => {
    if (kind === 'hole') freeBytes += bytes;
  });
  const pages = checkFragments(parts);
  checkHeapPages(parts, pages.heap);
  checkCachePages(parts, pages.cache);
  expectCount(parts, freeBytes);
}

/** What is counted beside the RAM is what the holes hold. */
function expectCount(parts: Parts, freeBytes: number): void {
  const counted = freeBytesIn(parts);
  if (counted === freeBytes) return;
  const message = `${counted} bytes are counted as free, the holes hold ${freeBytes}`;
  throw new Corruption(message, parts.fragments.segment.cells);
}

interface Pages {
  readonly heap: Set<number>;
  readonly cache: Set<number>;
}

/** Bits are set where blocks are, and a block's fragments lead to its first. Returns the pages met. */
function checkFragments({ memory, fragments }: Parts): Pages {
  const { segment } = fragments;
  const pages: Pages = { heap: new Set(), cache: new Set() };
  for (let index = 0; index < segment.fragments; ) {
    const address = fragments.addressOf(index);
    if (!fragments.isTaken(index)) {
      if (fragments.typeOf(index) !== UNALLOCATED)
        throw new Corruption('a fragment of a live block is free', address);
      index++;
      continue;
    }
    const type = fragments.typeOf(index);
    if (type !== COMMON && type !== HEAP && type !== SLAB) {
      throw new Corruption('a fragment is taken and begins no block', address);
    }
    const count = fragments.sizeOf(index);
    for (let other = index + 1; other < index + count; other++) {
      if (fragments.firstOf(fragments.addressOf(other)) !== index) {
        throw new Corruption("a fragment does not lead to its block's first", fragments.addressOf(other));
      }
    }
    for (let other = index; other < index + placesFor(count); other++) {
      if (!fragments.isTaken(other)) {
        throw new Corruption('a fragment of a live block is free', fragments.addressOf(other));
      }
    }
    if (type === HEAP) pages.heap.add(address);
    if (type === SLAB) pages.cache.add(address);
    index += placesFor(count);
  }
  const lastCell = segment.cells + 4 * (cellsFor(segment.fragments) - 1);
  expectClearEnd(memory.loadWord(lastCell), segment.fragments, lastCell);
  return pages;
}

/** No bit of the last cell is set for a place that does not exist. */
function expectClearEnd(cell: number, bits: number, address: number): void {
  const used = bits % CELL_BITS;
  if (used !== 0 && cell >>> used !== 0)
    throw new Corruption('a bit is set for what does not exist', address);
}

// --- heap pages -------------------------------------------------------------------------------------------

/** `pages`: by the descriptors. */
function checkHeapPages({ memory, heapPages }: Parts, pages: ReadonlySet<number>): void {
  checkRing(memory, heapPages.list, pages.size);
  let listed = 0;
  for (const page of heapPages.pages()) {
    if (!pages.has(page)) throw new Corruption('the list of heap pages leads to what is none', page);
    listed++;
    checkHeapPage(heapPages, memory.loadWord.bind(memory), page);
  }
  if (listed !== pages.size) throw new Corruption('a heap page is not in the list', heapPages.list);
}

/** Its tree has its free blocks, in order of size, and its counters are right. */
function checkHeapPage(heapPages: Parts['heapPages'], load: (address: number) => number, page: number): void {
  const { tree } = heapPages;
  const free = new Set<number>();
  let live = 0;
  let freeUnits = 0;
  const end = heapPages.endOf(page);
  for (let block = page + DATA; block < end; block += UNIT_BYTES * tree.units(block)) {
    if (tree.isLive(block)) live++;
    else {
      free.add(block);
      freeUnits += tree.units(block);
    }
  }
  const counters = [
    ['live blocks', LIVE_BLOCKS, live],
    ['free blocks', FREE_BLOCKS, free.size],
    ['free units', FREE_UNITS, freeUnits],
  ] as const;
  for (const [what, offset, count] of counters) {
    if (load(page + offset) !== count) {
      throw new Corruption(`a heap page's count of ${what} is not ${count}`, page + offset);
    }
  }
  checkTree(tree, load(page + ROOT), free);
  if (free.size > 0) throw new Corruption('a free block is not in the tree of its page', [...free][0]!);
}

/** Takes the blocks of the tree out of `free`. Left of a node nothing is larger, right of it all is. */
function checkTree(tree: Parts['heapPages']['tree'], root: number, free: Set<number>): void {
  const open = [{ node: root, above: 0, atMost: Number.POSITIVE_INFINITY }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, above, atMost } = next;
    if (node === NONE) continue;
    if (!free.delete(node)) throw new Corruption('a tree leads to what is no free block, or twice', node);
    const units = tree.units(node);
    if (units < above || units > atMost) throw new Corruption('a tree is not in order of size', node);
    open.push({ node: tree.left(node), above, atMost: units });
    open.push({ node: tree.right(node), above: units, atMost });
  }
}

// --- caches -----------------------------------------------------------------------------------------------

function checkCachePages(parts: Parts, pages: ReadonlySet<number>): void {
  const { memory, caches, cacheTable } = parts;
  let listed = 0;
  for (let index = 0; index < cacheTable.count(); index++) {
    const cache = cacheTable.at(index);
    checkRing(memory, cache + PAGE_LIST, pages.size);
    for (const page of caches.pagesOf(cache)) {
      if (!pages.has(page) || cacheOf(parts, page) !== cache) {
        throw new Corruption("a cache's list leads to what is no page of it", page);
      }
      listed++;
      checkCachePage(parts, page, memory.loadWord(cache + OBJECTS_PER_PAGE));
    }
  }
  if (listed !== pages.size) throw new Corruption("a cache's page is in no list", cacheTable.at(0));
}

function checkCachePage({ memory }: Parts, page: number, objects: number): void {
  const map: Bitmap = bitmapOf(page, objects);
  let free = 0;
  for (let index = 0; index < objects; index++) if (!isTaken(memory, map, index)) free++;
  if (memory.loadWord(page + FREE_OBJECTS) !== free) {
    throw new Corruption("a page's count of free objects differs from its bitmap", page + FREE_OBJECTS);
  }
  const lastCell = map.cells + 4 * (cellsFor(objects) - 1);
  expectClearEnd(memory.loadWord(lastCell), objects, lastCell);
}
