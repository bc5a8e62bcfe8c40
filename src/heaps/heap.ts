/**
 * The contract of every allocator.
 *
 * A heap keeps all its bookkeeping in simulated RAM, laid out as the real one lays it out on a 32-bit
 * machine: in its arena, and in its statics (list ends, counters), which lie outside. There is no JavaScript
 * object per block, so an image of the RAM can be held against a real device's.
 */

import type { Region } from '../mcu/memory.js';

/** What a request that could not be served returns. */
export const NULL = 0;

/** The path of a free(NULL), which does nothing. */
export const NULL_CALL = -1;

/** Where a heap lives. */
export interface HeapLayout {
  /** Address of the heap's own variables, `staticBytes` long. */
  readonly statics: number;
  /** What it may hand out, in ascending order. Only heap_5 takes more than one. */
  readonly regions: readonly Region[];
  /** `portBYTE_ALIGNMENT`: a power of two, 4 to 32. Payload addresses are multiples of it. */
  readonly alignment: number;
}

/** A piece of the arena: a live block, a hole, or bytes that are neither (end markers, alignment losses). */
export type PieceKind = 'used' | 'hole' | 'bookkeeping';

/**
 * Called for each piece. `address` and `bytes` are those of the whole piece, header included; `payload` is
 * what the caller of malloc holds for a used block (its header is `payload - address` bytes), else 0.
 */
export type PieceVisitor = (kind: PieceKind, address: number, bytes: number, payload: number) => void;

/**
 * What the last malloc or free did, for the cost tables. A path is a bit set: bit i is the i-th word of the
 * heap's vocabulary (see catalog). Steps are list nodes stepped over.
 */
export class HeapCall {
  path = 0;
  searchSteps = 0;
  insertSteps = 0;

  begin(): void {
    this.path = 0;
    this.searchSteps = 0;
    this.insertSteps = 0;
  }
}

/**
 * Caches of objects of one size. An object keeps what is in it from its free to the next allocation from the
 * same cache, as long as the heap is not short of memory.
 */
export interface Caches {
  /** What a new cache takes out of the heap. */
  readonly descriptorBytes: number;

  /** A new cache of objects of `bytes` bytes, or {@link NULL}. There is no way to give one back. */
  create(bytes: number): number;

  /** An object of a cache, or {@link NULL}. The heap's own free takes it back. */
  allocate(cache: number): number;
}

/** Blocks of one size that a heap keeps apart from all others: what is free among them serves no other class. */
export interface SizeClass {
  /** Address of what the heap knows of it; of a cache, what {@link Caches.create} gave. */
  readonly id: number;
  readonly blockBytes: number;
  readonly freeBlocks: number;
  /** What the heap must find in one piece to have more of them. */
  readonly refillBytes: number;
}

export interface Heap {
  /** An address whose payload holds at least `bytes` (0 to 2^32-1), or {@link NULL}. */
  malloc(bytes: number): number;

  /** Gives a block back. @throws Fault where the real heap asserts */
  free(address: number): void;

  /** The heap's own count of free bytes, headers included (`xPortGetFreeHeapSize`). */
  freeBytes(): number;

  /** The lowest that count has been, where the real heap keeps one. */
  minimumEverFreeBytes?(): number;

  /** What a request takes out of the arena: header and rounding included. Not limited to 32 bits. */
  blockBytesFor(bytes: number): number;

  /** Visits pieces in address order. They tile every region: no gap, no overlap. */
  walk(visit: PieceVisitor): void;

  /** @throws Corruption naming the invariant that no longer holds, and where */
  check(): void;

  /** Where the heap has caches. Elsewhere firmware allocates their objects one by one. */
  readonly caches?: Caches;

  /** Where room is not enough: a block lies at a multiple of its own size from here, as a buddy does. */
  readonly gridOrigin?: number;

  /** The class that alone can serve a request; undefined where any hole that is large enough does. */
  classFor?(bytes: number): number | undefined;

  /** All classes, where the heap has some. @throws Corruption */
  sizeClasses?(): readonly SizeClass[];

  /** Overwritten by every call. */
  readonly lastCall: HeapCall;
}

/** A heap whose invariants no longer hold: somebody wrote where they should not have. */
export class Corruption extends Error {
  override readonly name = 'Corruption';

  constructor(
    /** Which promise broke, in words. */
    readonly invariant: string,
    readonly address: number,
  ) {
    super(`heap corrupted at 0x${address.toString(16).padStart(8, '0')}: ${invariant}`);
  }
}
