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

  /** Where room is not enough: a block lies at a multiple of its own size from here, as a buddy does. */
  readonly gridOrigin?: number;

  /** @throws Corruption naming the invariant that no longer holds, and where */
  check(): void;

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
