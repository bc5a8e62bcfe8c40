/** What a debugger sees of mempool: the pieces of the arena, in order. */

import type { Memory, Region } from '../../mcu/memory.js';
import { Corruption, type PieceVisitor } from '../heap.js';
import { CELL_BITS, cellsFor, isTaken, placesFor } from './bitmap.js';
import {
  BITMAP,
  bitmapOf,
  CACHE,
  CACHE_BYTES,
  CACHE_PAGE_WORDS,
  type Caches,
  OBJECT_BYTES,
  OBJECTS_PER_PAGE,
} from './caches.js';
import { COMMON, type Fragments, HEAP, metadataBytes, type Segment, SLAB, UNALLOCATED } from './fragments.js';
import { BLOCK_WORD, HEADER_BYTES, UNIT_BYTES } from './free-tree.js';
import { DATA, type HeapPages, PAGE_WORDS } from './heap-pages.js';

/** What the walk leads through. */
export interface Parts {
  readonly memory: Memory;
  readonly region: Region;
  readonly fragments: Fragments;
  readonly heapPages: HeapPages;
  readonly caches: Caches;
  /** Of the caches that exist. */
  readonly cacheTable: { at(index: number): number; count(): number };
}

export function walkMempool(parts: Parts, visit: PieceVisitor): void {
  const { region, fragments } = parts;
  const { segment } = fragments;
  if (segment.origin > region.origin) visit('bookkeeping', region.origin, segment.origin - region.origin, 0);
  for (let index = 0; index < segment.fragments; ) index += walkBlock(parts, index, visit);
  const end = fragments.addressOf(segment.fragments);
  const rest = region.origin + region.bytes - end;
  if (rest > 0) visit('bookkeeping', end, rest, 0);
}

/** Pages of heap and caches. */
export function walkPages({ fragments }: Parts, visit: (address: number, bytes: number) => void): void {
  const { segment } = fragments;
  for (let index = 0; index < segment.fragments; index++) {
    const type = fragments.typeOf(index);
    if (type !== HEAP && type !== SLAB) continue;
    visit(fragments.addressOf(index), fragments.sizeOf(index) * segment.fragmentBytes);
  }
}

/** As it is counted. */
export function freeBytesIn({ fragments, heapPages, caches }: Parts): number {
  const inFragments = fragments.freeCount * fragments.segment.fragmentBytes;
  return inFragments + heapPages.freeUnits * UNIT_BYTES + caches.freeBytes;
}

/** The heap's own word in a hole or a piece of bookkeeping that begins at `piece`; undefined: nobody uses it. */
export function wordAt(parts: Parts, address: number, piece: number): string | undefined {
  const { memory, fragments, heapPages } = parts;
  if (!fragments.contains(address)) return wordOfMetadata(fragments.segment, address);
  const first = fragments.firstOf(address);
  const page = fragments.addressOf(first);
  const offset = address - page;
  switch (fragments.typeOf(first)) {
    case HEAP:
      if (offset < DATA) return PAGE_WORDS[offset >>> 2];
      return address < heapPages.endOf(page) && address < piece + HEADER_BYTES ? BLOCK_WORD : undefined;
    case SLAB: {
      if (offset < BITMAP) return CACHE_PAGE_WORDS[offset >>> 2];
      const objects = memory.loadWord(cacheOf(parts, page) + OBJECTS_PER_PAGE);
      return offset < BITMAP + 4 * cellsFor(objects) ? 'bitmap' : undefined;
    }
    default:
      return undefined;
  }
}

function wordOfMetadata({ cells, descriptors, fragments }: Segment, address: number): string | undefined {
  if (address < cells || address >= cells + metadataBytes(fragments)) return undefined;
  return address < descriptors ? 'bitmap' : 'descriptors';
}

/** Visits what begins with a fragment; returns how many fragments it is long. */
function walkBlock(parts: Parts, index: number, visit: PieceVisitor): number {
  const { fragments } = parts;
  const address = fragments.addressOf(index);
  const type = fragments.typeOf(index);
  if (type === UNALLOCATED) {
    const free = freeRun(fragments, index);
    visit('hole', address, free * fragments.segment.fragmentBytes, 0);
    return free;
  }
  const count = placesFor(fragments.sizeOf(index));
  if (count === 0 || index + count > fragments.segment.fragments) {
    throw new Corruption(`a descriptor says ${count} fragments: it does not lead to another block`, address);
  }
  const bytes = count * fragments.segment.fragmentBytes;
  if (type === COMMON) visit('used', address, bytes, address);
  else if (type === HEAP) walkHeapPage(parts, address, visit);
  else if (type === SLAB) walkCachePage(parts, address, bytes, visit);
  else throw new Corruption('a descriptor in whose place a block begins has no known type', address);
  return count;
}

/**
 * How many fragments are free from `index` on, as far as one block could have them: to the end of the cell, and
 * where all of it is free, over the cells behind that are free as well.
 */
function freeRun(fragments: Fragments, index: number): number {
  const { segment } = fragments;
  let end = index;
  for (let cellEnd = nextCell(index); ; cellEnd += CELL_BITS) {
    const limit = Math.min(cellEnd, segment.fragments);
    let next = end;
    while (next < limit && !fragments.isTaken(next)) next++;
    const isWhole = next === cellEnd && index % CELL_BITS === 0;
    // A cell that is free in part is no place for what begins in another.
    if (end === index || isWhole) end = next;
    if (!isWhole) break;
  }
  if (end === index)
    throw new Corruption('a fragment that no block has is not free', fragments.addressOf(index));
  return end - index;
}

function nextCell(index: number): number {
  return index - (index % CELL_BITS) + CELL_BITS;
}

function walkHeapPage({ heapPages }: Parts, page: number, visit: PieceVisitor): void {
  const { tree } = heapPages;
  const end = heapPages.endOf(page);
  visit('bookkeeping', page, DATA, 0);
  for (let block = page + DATA; block < end; ) {
    const next = block + UNIT_BYTES * tree.units(block);
    if (next <= block || next > end) throw new Corruption("a block's size does not lead to another", block);
    if (tree.isLive(block)) visit('used', block, next - block, block + HEADER_BYTES);
    else visit('hole', block, next - block, 0);
    block = next;
  }
  visit('bookkeeping', end, HEADER_BYTES, 0);
}

function walkCachePage(parts: Parts, page: number, bytes: number, visit: PieceVisitor): void {
  const { memory, caches } = parts;
  const cache = cacheOf(parts, page);
  const objects = memory.loadWord(cache + OBJECTS_PER_PAGE);
  const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
  const first = caches.addressOf(page, 0);
  const end = first + objects * objectBytes;
  if (first < page + BITMAP || end > page + bytes)
    throw new Corruption('a page has objects outside it', page);
  visit('bookkeeping', page, first - page, 0);
  for (let index = 0; index < objects; index++) {
    const object = first + index * objectBytes;
    if (isTaken(memory, bitmapOf(page, objects), index)) visit('used', object, objectBytes, object);
    else visit('hole', object, objectBytes, 0);
  }
  if (page + bytes > end) visit('bookkeeping', end, page + bytes - end, 0);
}

/** @throws Corruption where a page belongs to no cache */
export function cacheOf({ memory, cacheTable }: Parts, page: number): number {
  const cache = memory.loadWord(page + CACHE);
  const index = (cache - cacheTable.at(0)) / CACHE_BYTES;
  if (!Number.isInteger(index) || index < 0 || index >= cacheTable.count()) {
    throw new Corruption("a page's cache is none", page + CACHE);
  }
  return cache;
}
