/** What a debugger sees of o1heap: the fragments of the arena, and whether chain, bins and counters agree. */

import type { Memory, Region } from '../../mcu/memory.js';
import { Corruption, type Heap, NULL, type PieceVisitor } from '../heap.js';
import {
  ALLOCATED,
  BINS,
  binOf,
  CAPACITY,
  HEADER_BYTES,
  INSTANCE_BYTES,
  MASK,
  MINIMUM_BYTES,
  NEXT,
  NEXT_FREE,
  PEAK_ALLOCATED,
  PREVIOUS,
  PREVIOUS_FREE,
  SIZE,
  USED,
} from './layout.js';

export function walkO1Heap(
  memory: Memory,
  { origin, bytes }: Region,
  instance: number,
  capacity: number,
  visit: PieceVisitor,
): void {
  const first = instance + INSTANCE_BYTES;
  const end = first + capacity;
  visit('bookkeeping', origin, first - origin, 0);
  let fragment = first;
  while (fragment < end) {
    const size = memory.loadWord(fragment + SIZE);
    if (size < MINIMUM_BYTES || size % MINIMUM_BYTES !== 0 || fragment + size > end) {
      throw new Corruption(`a fragment's size is ${size}: it does not lead to another one`, fragment);
    }
    const used = memory.loadByte(fragment + USED) !== 0;
    visit(used ? 'used' : 'hole', fragment, size, used ? fragment + HEADER_BYTES : 0);
    fragment += size;
  }
  if (origin + bytes > end) visit('bookkeeping', end, origin + bytes - end, 0);
}

export function checkO1Heap(heap: Heap, memory: Memory, instance: number, capacity: number): void {
  if (memory.loadWord(instance + CAPACITY) !== capacity) {
    throw new Corruption('the capacity has been overwritten', instance + CAPACITY);
  }
  const holes = checkChain(heap, memory, instance);
  let free = 0;
  for (const bytes of holes.values()) free += bytes;
  if (free !== heap.freeBytes()) {
    throw new Corruption(`${heap.freeBytes()} bytes are counted as free, the holes hold ${free}`, instance);
  }
  if (memory.loadWord(instance + PEAK_ALLOCATED) < memory.loadWord(instance + ALLOCATED)) {
    throw new Corruption('the peak is lower than what is allocated', instance + PEAK_ALLOCATED);
  }
  checkBins(memory, instance, holes);
}

/** The neighbours of every fragment. Returns address and size of every hole. */
function checkChain(heap: Heap, memory: Memory, instance: number): Map<number, number> {
  const holes = new Map<number, number>();
  let previous: number = NULL;
  let previousKind = 'bookkeeping';
  let next = instance + INSTANCE_BYTES;
  heap.walk((kind, fragment, bytes) => {
    if (kind === 'bookkeeping') return;
    if (fragment !== next || memory.loadWord(fragment + PREVIOUS) !== previous) {
      throw new Corruption('a fragment is wrong about its neighbour in memory', fragment);
    }
    if (kind === 'used' && (bytes & (bytes - 1)) !== 0) {
      throw new Corruption("a live fragment's size is no power of two", fragment);
    }
    if (kind === 'hole' && previousKind === 'hole') {
      throw new Corruption('two holes touch: they should be one', fragment);
    }
    if (kind === 'hole') holes.set(fragment, bytes);
    previous = fragment;
    previousKind = kind;
    next = memory.loadWord(fragment + NEXT);
  });
  if (next !== NULL) throw new Corruption('the last fragment has a neighbour', previous);
  return holes;
}

/** The bins lead through exactly the holes, each in the bin of its size. */
function checkBins(memory: Memory, instance: number, holes: ReadonlyMap<number, number>): void {
  const mask = memory.loadWord(instance + MASK);
  let count = 0;
  for (let bin = 0; bin < BINS; bin++) {
    let fragment = memory.loadWord(instance + 4 * bin);
    if (((mask >>> bin) & 1) !== Number(fragment !== NULL)) {
      throw new Corruption('a bin is filled where its bit is clear, or the other way round', instance + MASK);
    }
    let previous: number = NULL;
    while (fragment !== NULL) {
      const bytes = holes.get(fragment);
      if (bytes === undefined) throw new Corruption('a bin leads to what is no hole', fragment);
      if (binOf(bytes) !== bin) throw new Corruption('a hole is in the bin of another size', fragment);
      if (memory.loadWord(fragment + PREVIOUS_FREE) !== previous) {
        throw new Corruption("a hole's link back has been overwritten", fragment);
      }
      if (++count > holes.size) throw new Corruption('a bin runs in a circle', fragment);
      previous = fragment;
      fragment = memory.loadWord(fragment + NEXT_FREE);
    }
  }
  if (count !== holes.size) {
    throw new Corruption(`${holes.size - count} of ${holes.size} holes are in no bin`, instance);
  }
}
