/**
 * The wider contract that kernel and scenarios use: blocks are named by handles, have an address only while
 * they are locked, and may move otherwise. A heap that never moves a block becomes a handle heap through
 * {@link AddressHandles}, where the handle is the address and locking changes nothing.
 */

import { Fault } from '../mcu/fault.js';
import { type Heap, type HeapCall, type HeapView, NULL, type PieceVisitor } from './heap.js';

export interface HandleHeap {
  /** The heap underneath: its walk, check, counters and last call. */
  readonly heap: HeapView;
  /** Set where unlocked blocks may move. */
  readonly relocation: Relocation | undefined;
  /** A handle, or {@link NULL}. A heap that moves blocks may do so here. */
  allocate(bytes: number): number;
  /** Gives a block back, locked or not. @throws Fault where the real heap asserts */
  free(handle: number): void;
  /** Changes a block's size to `bytes` > 0 where it stands, if the heap can; false: nothing has changed. */
  readonly resize?: ((handle: number, bytes: number) => boolean) | undefined;
  /** See {@link Heap.keepsAtZero}. */
  readonly keepsAtZero?: boolean | undefined;
  /** Caches of objects of one size, where the heap has them: see {@link Heap.createCache}. */
  readonly createCache?: ((objectBytes: number) => number) | undefined;
  readonly destroyCache?: ((cache: number) => void) | undefined;
  /** A handle, or {@link NULL}. */
  readonly allocateFrom?: ((cache: number) => number) | undefined;
  /** Several objects as one block, where the heap has that: see {@link Heap.mallocArrayFrom}. */
  readonly allocateArrayFrom?: ((cache: number, count: number) => number) | undefined;
  readonly freeArray?: ((handle: number, count: number) => void) | undefined;
  /** The block's address, fixed until as many unlocks as locks have been made. @throws Fault for a freed handle */
  lock(handle: number): number;
  /** @throws Fault without a lock before it */
  unlock(handle: number): void;
  /** Slides unlocked blocks together as far as `budget` allows; a later call goes on where this one stopped. */
  compact(budget: CompactionBudget): Compaction;
}

/** How much a compaction may do. Heaps ask before each step. */
export interface CompactionBudget {
  /** Whether `bytes` more may be moved; 0 asks whether the next block may be looked at. */
  allows(bytes: number): boolean;
}

/** As much as there is to do. */
export const UNLIMITED: CompactionBudget = { allows: () => true };

/** So many bytes; the first block moves whatever its size, or a large one would stay for ever. */
export class ByteBudget implements CompactionBudget {
  private moved = false;

  constructor(private left: number) {}

  allows(bytes: number): boolean {
    if (bytes === 0) return this.left > 0;
    if (this.moved && bytes > this.left) return false;
    this.moved = true;
    this.left -= bytes;
    return true;
  }
}

/** Who asked for a compaction: a request that found no room, a threshold of fullness, or the firmware. */
export type CompactionTrigger = 'failure' | 'lower' | 'higher' | 'call';

/** What one compaction did. */
export interface Compaction {
  readonly trigger: CompactionTrigger;
  readonly bytesMoved: number;
  readonly blocksMoved: number;
  /** Locked blocks met with a hole below them. */
  readonly blocksInTheWay: number;
  /** Whether nothing movable is left above a hole, as far as this compaction was to look. */
  readonly finished: boolean;
}

/** The part of a handle heap that address heaps have no use for. The simulation sets what it wants to know. */
export interface Relocation {
  watcher: CompactionWatcher | undefined;
  /** Asked when the arena fills up. Undefined: the heap's own options answer. */
  client: FullnessClient | undefined;
}

export interface CompactionWatcher {
  began(): void;
  ended(compaction: Compaction): void;
}

/** Not yet, or go ahead. Whoever compacts himself says the former. */
export type FullnessAnswer = 'defer' | 'compact';

/** Asked before a request is served, so that it may call the heap itself. */
export type FullnessClient = () => FullnessAnswer;

const NOTHING_TO_MOVE: Compaction = {
  trigger: 'call',
  bytesMoved: 0,
  blocksMoved: 0,
  blocksInTheWay: 0,
  finished: true,
};

export class AddressHandles implements HandleHeap {
  readonly relocation = undefined;
  readonly resize: HandleHeap['resize'];
  readonly createCache: HandleHeap['createCache'];
  readonly destroyCache: HandleHeap['destroyCache'];
  readonly allocateFrom: HandleHeap['allocateFrom'];
  readonly allocateArrayFrom: HandleHeap['allocateArrayFrom'];
  readonly freeArray: HandleHeap['freeArray'];
  readonly keepsAtZero: boolean | undefined;

  constructor(readonly heap: Heap) {
    this.resize = heap.resize?.bind(heap);
    this.createCache = heap.createCache?.bind(heap);
    this.destroyCache = heap.destroyCache?.bind(heap);
    this.allocateFrom = heap.mallocFrom?.bind(heap);
    this.allocateArrayFrom = heap.mallocArrayFrom?.bind(heap);
    this.freeArray = heap.freeArray?.bind(heap);
    this.keepsAtZero = heap.keepsAtZero;
  }

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

  compact(): Compaction {
    return NOTHING_TO_MOVE;
  }
}

/** A plain heap is taken as it is where handles are expected. */
export function asHandles(heap: Heap | HandleHeap): HandleHeap {
  return 'allocate' in heap ? heap : new AddressHandles(heap);
}

/**
 * The other way round, for those who know only addresses: every block is locked for as long as it lives, so
 * that nothing ever moves. A free has to look for the handle.
 */
export class PinnedHeap implements Heap {
  constructor(private readonly handles: HandleHeap) {}

  malloc(bytes: number): number {
    const handle = this.handles.allocate(bytes);
    return handle === NULL ? NULL : this.handles.lock(handle);
  }

  free(address: number): void {
    this.handles.free(address === NULL ? NULL : this.handleAt(address));
  }

  private handleAt(address: number): number {
    let found = NULL;
    this.handles.heap.walk((kind, _address, _bytes, payload, handle = payload) => {
      if (kind === 'used' && payload === address) found = handle;
    });
    if (found === NULL) throw new Fault('assertion', address, 'no live block begins there');
    return found;
  }

  get lastCall(): HeapCall {
    return this.handles.heap.lastCall;
  }

  freeBytes(): number {
    return this.handles.heap.freeBytes();
  }

  blockBytesFor(bytes: number): number {
    return this.handles.heap.blockBytesFor(bytes);
  }

  walk(visit: PieceVisitor): void {
    this.handles.heap.walk(visit);
  }

  check(): void {
    this.handles.heap.check();
  }
}
