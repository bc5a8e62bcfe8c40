/** Who watches a run looks at heaps whose structure may be broken by then. That is no fault of the device's. */

import { Fault } from '../mcu/fault.js';
import { Corruption, type HeapView } from './heap.js';

/** Whether that is why looking at a heap failed. */
export function isBroken(error: unknown): boolean {
  return error instanceof Corruption || error instanceof Fault;
}

/** The heap's own count; undefined where it is broken. */
export function freeBytesOf(heap: Pick<HeapView, 'freeBytes'>): number | undefined {
  try {
    return heap.freeBytes();
  } catch (error) {
    if (isBroken(error)) return undefined;
    throw error;
  }
}
