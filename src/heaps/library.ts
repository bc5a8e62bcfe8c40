/**
 * calloc and realloc where the heap itself has none: written over allocate and free, as pvPortCalloc and as
 * firmware does it. Contents are touched under a lock.
 */

import type { Memory } from '../mcu/memory.js';
import type { HandleHeap } from './handle-heap.js';
import { NULL } from './heap.js';

const WORD_LIMIT = 2 ** 32;

/** free of a block, or of an array of so many objects of a cache, where the heap has such. */
export function freeObjects(heap: HandleHeap, handle: number, objects: number): void {
  if (objects > 1 && heap.freeArray !== undefined) heap.freeArray(handle, objects);
  else heap.free(handle);
}

/** `pvPortCalloc`: NULL on overflow without touching the heap; zeroes exactly `count * bytes`. */
export function calloc(heap: HandleHeap, memory: Memory, count: number, bytes: number): number {
  const total = count * bytes;
  if (total >= WORD_LIMIT) return NULL;
  const handle = heap.allocate(total);
  if (handle === NULL) return NULL;
  memory.fill(heap.lock(handle), total, 0);
  heap.unlock(handle);
  return handle;
}

/**
 * Where it stands if the heap can, else allocate, copy, free. 0 bytes free the block, unless the heap keeps it; when there is no room the
 * old block stays and NULL is returned.
 * `oldBytes`: what was asked for when the block was allocated; `objects`: of a cache, if it is an array.
 */
export function realloc(
  heap: HandleHeap,
  memory: Memory,
  handle: number,
  oldBytes: number,
  bytes: number,
  objects = 1,
): number {
  if (bytes === 0 && heap.keepsAtZero !== true) {
    freeObjects(heap, handle, objects);
    return NULL;
  }
  if (heap.resize?.(handle, bytes) === true) return handle;
  const replacement = heap.allocate(bytes);
  if (replacement === NULL) return NULL;
  memory.copy(heap.lock(replacement), heap.lock(handle), Math.min(oldBytes, bytes));
  heap.unlock(replacement);
  heap.unlock(handle);
  freeObjects(heap, handle, objects);
  return replacement;
}
