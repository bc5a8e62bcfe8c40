/**
 * The page-fragment allocator: the segment in fragments, a bitmap of them, and a descriptor for each.
 *
 *     descriptor   0       2        4
 *                  +-------+--------+
 *                  | type  | value  |     FIRST fragment of a block: whose it is, and how many fragments it has
 *                  +-------+--------+     REFERENCE: how many fragments behind the first it lies
 *
 * Up to 32 fragments lie in one cell of the bitmap; a larger block takes whole cells, of which its last one may be
 * partly of no use.
 */

import type { Memory } from '../../mcu/memory.js';
import type { HeapCall } from '../heap.js';
import { NULL } from '../heap.js';
import { type Bitmap, cellsFor, isTaken, NONE, placesFor, release, take } from './bitmap.js';

// Types, as 16 bits.
export const UNALLOCATED = 0xfffe;
const REFERENCE = 0xffff;
export const COMMON = 0;
export const SLAB = 1;
export const HEAP = 2;

/** A descriptor's distance has 16 bits. */
export const MAXIMUM_FRAGMENTS = 65535;
const DESCRIPTOR_BYTES = 4;

/** Where the segment and what is known of it lie. */
export interface Segment {
  readonly origin: number;
  readonly fragments: number;
  readonly fragmentBytes: number;
  readonly cells: number;
  readonly descriptors: number;
  /** How many times to look through the whole bitmap before there is no room. */
  readonly scans: number;
}

/** Bytes that cells and descriptors of so many fragments take. */
export function metadataBytes(fragments: number): number {
  return 4 * cellsFor(fragments) + DESCRIPTOR_BYTES * fragments;
}

export class Fragments {
  /** How many fragments no block has. Kept beside the RAM, for who looks at the heap from outside. */
  freeCount: number;
  private readonly map: Bitmap;

  constructor(
    private readonly memory: Memory,
    readonly segment: Segment,
    private readonly call: HeapCall,
  ) {
    const { cells, fragments } = segment;
    this.map = { cells, bits: fragments };
    this.freeCount = fragments;
    memory.fill(cells, 4 * cellsFor(fragments), 0);
    for (let index = 0; index < fragments; index++) this.describe(index, UNALLOCATED, 0);
  }

  /** A block of at least `bytes`, or {@link NULL}. */
  allocate(bytes: number, type: number): number {
    const { segment } = this;
    const count = Math.ceil(bytes / segment.fragmentBytes);
    const first = count > segment.fragments ? NONE : this.takeRun(count);
    if (first === NONE) return NULL;
    this.freeCount -= placesFor(count);
    this.describe(first, type, count);
    for (let distance = 1; distance < count; distance++) this.describe(first + distance, REFERENCE, distance);
    return segment.origin + first * segment.fragmentBytes;
  }

  private takeRun(count: number): number {
    for (let scan = 0; scan < this.segment.scans; scan++) {
      const first = take(this.memory, this.map, count);
      if (first !== NONE) {
        this.call.searchSteps += first >>> 5;
        return first;
      }
      this.call.searchSteps += cellsFor(this.map.bits);
    }
    return NONE;
  }

  /** `address`: where a block begins. Fragments are free before their bits are: an interrupt may come between. */
  free(address: number): void {
    const first = this.indexOf(address);
    const count = this.sizeOf(first);
    for (let index = first; index < first + count; index++) this.describe(index, UNALLOCATED, 0);
    release(this.memory, this.map, first, count);
    this.freeCount += placesFor(count);
  }

  // --- descriptors --------------------------------------------------------------------------------------

  /** Number of the fragment that an address lies in; it need not exist. */
  indexOf(address: number): number {
    return Math.floor((address - this.segment.origin) / this.segment.fragmentBytes);
  }

  addressOf(index: number): number {
    return this.segment.origin + index * this.segment.fragmentBytes;
  }

  contains(address: number): boolean {
    const index = this.indexOf(address);
    return index >= 0 && index < this.segment.fragments;
  }

  /** The first fragment of the block that an address of the segment lies in; its own where that is free. */
  firstOf(address: number): number {
    const index = this.indexOf(address);
    const word = this.descriptor(index);
    return (word & 0xffff) === REFERENCE ? index - (word >>> 16) : index;
  }

  typeOf(index: number): number {
    return this.descriptor(index) & 0xffff;
  }

  /** In fragments, of the block that begins there. */
  sizeOf(index: number): number {
    return this.descriptor(index) >>> 16;
  }

  /** What a block of so many bytes takes from the segment. */
  blockBytes(bytes: number): number {
    return placesFor(Math.ceil(bytes / this.segment.fragmentBytes)) * this.segment.fragmentBytes;
  }

  isTaken(index: number): boolean {
    return isTaken(this.memory, this.map, index);
  }

  private descriptor(index: number): number {
    return this.memory.loadWord(this.segment.descriptors + DESCRIPTOR_BYTES * index);
  }

  private describe(index: number, type: number, value: number): void {
    this.memory.storeWord(this.segment.descriptors + DESCRIPTOR_BYTES * index, type | (value << 16));
  }
}
