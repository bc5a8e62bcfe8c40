/**
 * heap_2: best fit from a list of holes sorted by size; holes are never merged.
 *
 * Policy      The list of holes ascends by size, so the first that is large enough is the best fit. What is
 *             left over becomes a hole of its own if it is larger than two headers. A freed block goes back
 *             to the list as it is, in front of holes of its size.
 *
 * Block             0         4         8                       size
 *   (alignment 8)   +---------+---------+-----------------------+
 *                   | next    | size    | payload               |
 *                   +---------+---------+-----------------------+
 *             next: the next larger hole, 0 while allocated. size: of the whole block; its top bit is set
 *             while allocated. The header is 8 bytes, padded to 16 at alignment 16.
 *
 * Statics     start {next, size}, end {next, size}, free bytes, initialised: 24 bytes.
 *
 * Cost        malloc O(holes) to search and, after a split, O(holes) again to file the remainder;
 *             free O(holes). No bound on fragmentation can be proved.
 *
 * Use it      never in a new design; here to understand firmware that has it. It is harmless where all
 *             blocks ever asked for come in a few fixed sizes.
 * Not when    sizes vary: memory cut into small blocks stays cut, and one large request fails while almost
 *             everything is free. heap_4 or heap_2_coalescing repair that.
 *
 * Source      FreeRTOS kernel V11, portable/MemMang/heap_2.c, by its behaviour. Equal to the recorded
 *             answers of the C code in every offset and free count (test/vectors/heap_2).
 * Deviations  A list that runs in a circle (after an overflow) is a fault instead of a hang.
 */

import type { Memory } from '../../mcu/memory.js';
import { type Heap, HeapCall, type HeapLayout, NULL, type PieceVisitor } from '../heap.js';
import {
  checkFreeBytes,
  checkHoleList,
  checkLiveLinks,
  holesOf,
  walkRegion,
  walkUntouchedRegion,
} from './arena.js';
import { ALLOCATED, alignedHeader, alignUp, assertion, blockBytes, endlessList } from './request.js';

const NEXT = 0;
const SIZE = 4;
const LINK_BYTES = 8;

// Statics, as offsets from their start.
const START = 0;
const END = 8;
const FREE_BYTES = 16;
const INITIALISED = 20;
export const HEAP_2_STATIC_BYTES = 24;

/** The cost model's words for a malloc, in the order of their bits. */
export const HEAP_2_MALLOC_WORDS = ['align', 'walk', 'found', 'split', 'nonzero'] as const;
const ALIGN = 1;
const WALK = 2;
const FOUND = 4;
const SPLIT = 8;
const NONZERO = 16;

export interface Heap2Options {
  /** Whether `configASSERT` stops the device; if not, a bad free is ignored in silence. */
  readonly asserts: boolean;
  /** `configHEAP_CLEAR_MEMORY_ON_FREE`: freed payloads are zeroed. */
  readonly clearOnFree: boolean;
}

export class Heap2 implements Heap {
  readonly lastCall = new HeapCall();

  private readonly start: number;
  private readonly end: number;
  private readonly base: number;
  private readonly arenaBytes: number;
  private readonly headerBytes: number;
  private readonly maximumNodes: number;

  constructor(
    private readonly memory: Memory,
    private readonly layout: HeapLayout,
    private readonly options: Heap2Options,
  ) {
    const [region] = layout.regions;
    this.start = layout.statics + START;
    this.end = layout.statics + END;
    // FreeRTOS gives up one alignment unit for good, even where ucHeap is aligned already.
    this.base = alignUp(region!.origin, layout.alignment);
    this.arenaBytes = region!.bytes - layout.alignment;
    this.headerBytes = alignedHeader(LINK_BYTES, layout.alignment);
    this.maximumNodes = region!.bytes / LINK_BYTES + 2;
    memory.storeWord(layout.statics + FREE_BYTES, this.arenaBytes);
  }

  malloc(bytes: number): number {
    const { memory, lastCall: call } = this;
    call.begin();
    if (bytes !== 0) call.path |= NONZERO;
    if (((bytes + this.headerBytes) & (this.layout.alignment - 1)) !== 0) call.path |= ALIGN;
    const wanted = blockBytes(bytes, this.headerBytes, this.layout.alignment);

    if (!this.initialised()) this.initialise();
    if (wanted === 0 || wanted >= ALLOCATED || wanted > this.freeBytes()) return NULL;

    call.path |= WALK;
    let previous = this.start;
    let block = memory.loadWord(previous + NEXT);
    let steps = 0;
    while (block !== this.end && memory.loadWord(block + SIZE) < wanted) {
      previous = block;
      block = memory.loadWord(block + NEXT);
      if (++steps > this.maximumNodes) throw endlessList(block);
    }
    call.searchSteps = steps;
    if (block === this.end) return NULL;

    call.path |= FOUND;
    memory.storeWord(previous + NEXT, memory.loadWord(block + NEXT));
    const size = this.splitTo(block, wanted);
    this.addFreeBytes(-size);
    memory.storeWord(block + SIZE, size + ALLOCATED);
    memory.storeWord(block + NEXT, NULL);
    return block + this.headerBytes;
  }

  free(address: number): void {
    const { memory, lastCall: call } = this;
    call.begin();
    if (address === NULL) return;
    const block = address - this.headerBytes;
    const size = memory.loadWord(block + SIZE);
    if (size < ALLOCATED) return this.refuse(block, 'the block is allocated (top bit of its size)');
    if (memory.loadWord(block + NEXT) !== NULL) return this.refuse(block, 'next is NULL in a live block');

    memory.storeWord(block + SIZE, size - ALLOCATED);
    if (this.options.clearOnFree) memory.fill(address, size - ALLOCATED - this.headerBytes, 0);
    this.insertBySize(block, size - ALLOCATED);
    this.addFreeBytes(size - ALLOCATED);
  }

  freeBytes(): number {
    return this.memory.loadWord(this.layout.statics + FREE_BYTES);
  }

  blockBytesFor(bytes: number): number {
    return alignUp(bytes + this.headerBytes, this.layout.alignment);
  }

  /** One hole over the whole arena, between the two list ends. */
  private initialise(): void {
    const { memory, start, end, base, arenaBytes } = this;
    memory.storeWord(start + NEXT, base);
    memory.storeWord(start + SIZE, 0);
    memory.storeWord(end + NEXT, NULL);
    memory.storeWord(end + SIZE, arenaBytes);
    memory.storeWord(base + NEXT, end);
    memory.storeWord(base + SIZE, arenaBytes);
    memory.storeWord(this.layout.statics + INITIALISED, 1);
  }

  /** Cuts `block` down to `wanted` bytes if a usable rest remains; returns the size it ends up with. */
  private splitTo(block: number, wanted: number): number {
    const size = this.memory.loadWord(block + SIZE);
    const rest = size - wanted;
    if (rest <= 2 * this.headerBytes) return size;
    this.lastCall.path |= SPLIT;
    this.memory.storeWord(block + wanted + SIZE, rest);
    this.insertBySize(block + wanted, rest);
    return wanted;
  }

  private insertBySize(block: number, size: number): void {
    const { memory } = this;
    let before = this.start;
    let after = memory.loadWord(before + NEXT);
    let steps = 0;
    while (memory.loadWord(after + SIZE) < size) {
      before = after;
      after = memory.loadWord(before + NEXT);
      if (++steps > this.maximumNodes) throw endlessList(after);
    }
    this.lastCall.insertSteps += steps;
    memory.storeWord(block + NEXT, after);
    memory.storeWord(before + NEXT, block);
  }

  private addFreeBytes(bytes: number): void {
    this.memory.storeWord(this.layout.statics + FREE_BYTES, this.freeBytes() + bytes);
  }

  private refuse(block: number, statement: string): void {
    if (this.options.asserts) throw assertion(block, statement);
  }

  walk(visit: PieceVisitor): void {
    const [region] = this.layout.regions;
    const end = this.base + this.arenaBytes;
    if (!this.initialised()) return walkUntouchedRegion(region!, this.base, end, visit);
    const range = { first: this.base, end, sizeOffset: SIZE, headerBytes: this.headerBytes };
    walkRegion(this.memory, region!, range, visit);
  }

  check(): void {
    if (!this.initialised()) return;
    const holes = holesOf(this);
    checkLiveLinks(this, this.memory, NEXT, NULL);
    checkHoleList(holes, this.listNodes(), (a, b) => a.bytes <= b.bytes, 'size');
    checkFreeBytes(holes, this.freeBytes(), this.layout.statics + FREE_BYTES);
  }

  private *listNodes(): Generator<number> {
    let node = this.memory.loadWord(this.start + NEXT);
    for (; node !== this.end; node = this.memory.loadWord(node + NEXT)) yield node;
  }

  private initialised(): boolean {
    return this.memory.loadWord(this.layout.statics + INITIALISED) !== 0;
  }
}
