/**
 * calloc and realloc where the heap itself has none: written over malloc and free, as pvPortCalloc and as
 * firmware does it.
 */

import type { Memory } from '../mcu/memory.js';
import { type Heap, NULL } from './heap.js';

const WORD_LIMIT = 2 ** 32;

/** `pvPortCalloc`: NULL on overflow without touching the heap; zeroes exactly `count * bytes`. */
export function calloc(heap: Heap, memory: Memory, count: number, bytes: number): number {
  const total = count * bytes;
  if (total >= WORD_LIMIT) return NULL;
  const address = heap.malloc(total);
  if (address !== NULL) memory.fill(address, total, 0);
  return address;
}

/**
 * Where it stands if the heap can, else malloc, copy, free. 0 bytes free the block; when there is no room the old block stays and NULL is returned.
 * `oldBytes`: what was asked for when the block was allocated.
 */
export function realloc(
  heap: Heap,
  memory: Memory,
  address: number,
  oldBytes: number,
  bytes: number,
): number {
  if (bytes === 0) {
    heap.free(address);
    return NULL;
  }
  if (heap.resize?.(address, bytes) === true) return address;
  const moved = heap.malloc(bytes);
  if (moved === NULL) return NULL;
  memory.copy(moved, address, Math.min(oldBytes, bytes));
  heap.free(address);
  return moved;
}
