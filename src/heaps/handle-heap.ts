/**
 * The wider contract that kernel and scenarios use: blocks are named by handles, have an address only while
 * they are locked, and may move otherwise. A heap that never moves a block becomes a handle heap through
 * {@link AddressHandles}, where the handle is the address and locking changes nothing.
 */

import { type Heap, NULL } from './heap.js';

export interface HandleHeap {
  /** The heap underneath: its walk, check, counters and last call. */
  readonly heap: Heap;
  /** A handle, or {@link NULL}. */
  allocate(bytes: number): number;
  free(handle: number): void;
  /** The block's address, fixed until as many unlocks as locks have been made. */
  lock(handle: number): number;
  unlock(handle: number): void;
}

export class AddressHandles implements HandleHeap {
  constructor(readonly heap: Heap) {}

  allocate(bytes: number): number {
    return this.heap.malloc(bytes);
  }

  free(handle: number): void {
    this.heap.free(handle);
  }

  lock(handle: number): number {
    return handle;
  }

  unlock(_handle: number): void {}
}

export { NULL };
