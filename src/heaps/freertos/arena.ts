/**
 * What a debugger sees in the arena of heaps 2, 4 and 5: blocks lie end to end, each with its size in the
 * header, and a list in RAM should lead through exactly those that are not allocated.
 */

import type { Memory, Region } from '../../mcu/memory.js';
import { Corruption, type Heap, type PieceVisitor } from '../heap.js';
import { ALLOCATED, endlessList } from './request.js';

/** The blocks' part of an arena, and how to read a block's header there. */
export interface BlockRange {
  readonly first: number;
  readonly end: number;
  readonly sizeOffset: number;
  readonly headerBytes: number;
}

/** The blocks of `range`, and what the region holds before and behind them as bookkeeping. */
export function walkRegion(memory: Memory, region: Region, range: BlockRange, visit: PieceVisitor): void {
  walkEdge(region.origin, range.first, visit);
  walkBlocks(memory, range, visit);
  walkEdge(range.end, region.origin + region.bytes, visit);
}

/** The same before the heap's first call: one hole. */
export function walkUntouchedRegion(region: Region, first: number, end: number, visit: PieceVisitor): void {
  walkEdge(region.origin, first, visit);
  visit('hole', first, end - first, 0);
  walkEdge(end, region.origin + region.bytes, visit);
}

function walkEdge(from: number, to: number, visit: PieceVisitor): void {
  if (to > from) visit('bookkeeping', from, to - from, 0);
}

function walkBlocks(memory: Memory, range: BlockRange, visit: PieceVisitor): void {
  const { first, end, sizeOffset, headerBytes } = range;
  let block = first;
  while (block < end) {
    const word = memory.loadWord(block + sizeOffset);
    const size = word >= ALLOCATED ? word - ALLOCATED : word;
    // The last block keeps an odd size where the arena's is odd; every other one is a multiple of 4.
    if (size < headerBytes || block + size > end || (size % 4 !== 0 && block + size !== end)) {
      throw new Corruption(`a block's size word is ${word}: it does not lead to another block`, block);
    }
    if (word >= ALLOCATED) visit('used', block, size, block + headerBytes);
    else visit('hole', block, size, 0);
    block += size;
  }
}

/** Address and size of every hole that the arena shows. */
export function holesOf(heap: Heap): Map<number, number> {
  const holes = new Map<number, number>();
  heap.walk((kind, address, bytes) => {
    if (kind === 'hole') holes.set(address, bytes);
  });
  return holes;
}

/** What the blocks of a list say of their sizes, for vPortGetHeapStats. @throws Fault where it runs in a circle */
export function* listedSizes(
  memory: Memory,
  nodes: Iterable<number>,
  sizeOffset: number,
  maximumNodes: number,
): Generator<number> {
  let count = 0;
  for (const node of nodes) {
    if (++count > maximumNodes) throw endlessList(node);
    yield memory.loadWord(node + sizeOffset);
  }
}

/** Live blocks whose link is not what the heap stores there were overwritten from below. */
export function checkLiveLinks(heap: Heap, memory: Memory, linkOffset: number, expected: number): void {
  heap.walk((kind, address) => {
    if (kind === 'used' && memory.loadWord(address + linkOffset) !== expected) {
      throw new Corruption("a live block's link word has been overwritten", address);
    }
  });
}

/**
 * A list must lead through exactly the arena's holes, each once, in the order `inOrder` demands.
 * `nodes` are the addresses in list order; the walk stops as soon as there are more nodes than holes.
 */
export function checkHoleList(
  holes: ReadonlyMap<number, number>,
  nodes: Iterable<number>,
  inOrder: (
    previous: { address: number; bytes: number },
    next: { address: number; bytes: number },
  ) => boolean,
  order: string,
): void {
  let previous: { address: number; bytes: number } | undefined;
  let count = 0;
  const missing = new Set(holes.keys());
  for (const address of nodes) {
    missing.delete(address);
    const bytes = holes.get(address);
    if (bytes === undefined) throw new Corruption('the list of holes leads to what is no hole', address);
    if (++count > holes.size) throw new Corruption('the list of holes runs in a circle', address);
    const node = { address, bytes };
    if (previous !== undefined && !inOrder(previous, node)) {
      throw new Corruption(`the list of holes must ascend by ${order}`, address);
    }
    previous = node;
  }
  if (count !== holes.size) {
    const [lost] = missing;
    throw new Corruption(`holes missing from the list: ${missing.size} of ${holes.size}`, lost ?? 0);
  }
}

/** The free counter must equal what the holes add up to. */
export function checkFreeBytes(holes: ReadonlyMap<number, number>, freeBytes: number, at: number): void {
  let total = 0;
  for (const bytes of holes.values()) total += bytes;
  if (total !== freeBytes)
    throw new Corruption(`the free counter is ${freeBytes}, the holes hold ${total}`, at);
}
