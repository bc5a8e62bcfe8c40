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
 *             FreeRTOS has no statistics here, nor the minimum ever free: as an extension both are kept by heap_4's
 *             rules, beside the RAM, so that statics and costs stay the real ones.
 */

import type { Memory } from '../../mcu/memory.js';
import { defineHeap } from '../definition.js';
import {
  Corruption,
  type Heap,
  HeapCall,
  type HeapLayout,
  NULL,
  NULL_CALL,
  type PieceVisitor,
} from '../heap.js';
import {
  checkFreeBytes,
  checkHoleList,
  checkLiveLinks,
  holesOf,
  listedSizes,
  walkRegion,
  walkUntouchedRegion,
} from './arena.js';
import { CountedHeap } from './counted-heap.js';
import { type Heap2Options, heap2Options } from './options.js';
import { ALLOCATED, alignedHeader, alignUp, assertion, blockBytes, endlessList } from './request.js';

const NEXT = 0;
const SIZE = 4;
const LINK_BYTES = 8;

// Statics, as offsets from their start.
const START = 0;
const END = 8;
const FREE_BYTES = 16;
const INITIALISED = 20;
const STATIC_BYTES = 24;

/** The cost model's words for a malloc, in the order of their bits. */
const MALLOC_WORDS = ['align', 'walk', 'found', 'split', 'nonzero'] as const;
const ALIGN = 1;
const WALK = 2;
const FOUND = 4;
const SPLIT = 8;
const NONZERO = 16;

export class Heap2 extends CountedHeap implements Heap {
  readonly lastCall = new HeapCall();

  private readonly statics: number;
  private readonly start: number;
  private readonly end: number;
  private readonly base: number;
  private readonly arenaBytes: number;
  private readonly headerBytes: number;
  private readonly alignmentMask: number;
  private readonly maximumNodes: number;

  constructor(
    private readonly memory: Memory,
    private readonly layout: HeapLayout,
    private readonly options: Heap2Options,
  ) {
    const [region] = layout.regions;
    super(region!.bytes - layout.alignment);
    this.alignmentMask = layout.alignment - 1;
    this.statics = layout.statics;
    this.start = layout.statics + START;
    this.end = layout.statics + END;
    // FreeRTOS gives up one alignment unit for good, even where ucHeap is aligned already.
    this.base = alignUp(region!.origin, layout.alignment);
    this.arenaBytes = region!.bytes - layout.alignment;
    this.headerBytes = alignedHeader(LINK_BYTES, layout.alignment);
    this.maximumNodes = region!.bytes / LINK_BYTES + 2;
    memory.storeWord(this.statics + FREE_BYTES, this.arenaBytes);
  }

  malloc(bytes: number): number {
    const { memory, lastCall: call, end, maximumNodes } = this;
    call.begin();
    let path = bytes === 0 ? 0 : NONZERO;
    if (((bytes + this.headerBytes) & this.alignmentMask) !== 0) path |= ALIGN;
    call.path = path;
    const wanted = blockBytes(bytes, this.headerBytes, this.layout.alignment);

    if (!this.initialised()) this.initialise();
    const freeBytes = memory.loadWord(this.statics + FREE_BYTES);
    if (wanted === 0 || wanted >= ALLOCATED || wanted > freeBytes) return NULL;

    let previous = this.start;
    let block = memory.loadWord(previous + NEXT);
    let size = memory.loadWord(block + SIZE);
    let steps = 0;
    while (size < wanted && block !== end) {
      previous = block;
      block = memory.loadWord(block + NEXT);
      size = memory.loadWord(block + SIZE);
      if (++steps > maximumNodes) throw endlessList(block);
    }
    call.searchSteps = steps;
    call.path = path | WALK;
    if (block === end) return NULL;

    call.path = path | WALK | FOUND;
    memory.storeWord(previous + NEXT, memory.loadWord(block + NEXT));
    const taken = this.splitTo(block, size, wanted);
    memory.storeWord(this.statics + FREE_BYTES, freeBytes - taken);
    memory.storeWord(block + SIZE, taken + ALLOCATED);
    memory.storeWord(block + NEXT, NULL);
    this.noteAllocated(freeBytes - taken);
    return block + this.headerBytes;
  }

  free(address: number): void {
    const { memory, lastCall: call } = this;
    call.begin();
    if (address === NULL) {
      call.path = NULL_CALL;
      return;
    }
    const block = address - this.headerBytes;
    const word = memory.loadWord(block + SIZE);
    if (word < ALLOCATED) return this.refuse(block, 'the block is allocated (top bit of its size)');
    if (memory.loadWord(block + NEXT) !== NULL) return this.refuse(block, 'next is NULL in a live block');

    const size = word - ALLOCATED;
    memory.storeWord(block + SIZE, size);
    if (this.options.clearOnFree) memory.fill(address, size - this.headerBytes, 0);
    this.insertBySize(block, size);
    memory.storeWord(this.statics + FREE_BYTES, memory.loadWord(this.statics + FREE_BYTES) + size);
    this.noteFreed();
  }

  freeBytes(): number {
    return this.memory.loadWord(this.statics + FREE_BYTES);
  }

  /** There is no list before the heap is laid out. */
  protected override holeSizes(): Iterable<number> {
    if (!this.initialised()) return [];
    return listedSizes(this.memory, this.listNodes(), SIZE, this.maximumNodes);
  }

  /** `vPortHeapResetState`: the next malloc lays out the heap afresh, whoever still uses a block. */
  resetState(): void {
    this.memory.storeWord(this.statics + FREE_BYTES, this.arenaBytes);
    this.memory.storeWord(this.statics + INITIALISED, 0);
    this.restartCounts();
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
    memory.storeWord(this.statics + INITIALISED, 1);
  }

  /** Cuts `block` of `size` down to `wanted` if a usable rest remains; returns the size it ends up with. */
  private splitTo(block: number, size: number, wanted: number): number {
    const rest = size - wanted;
    if (rest <= 2 * this.headerBytes) return size;
    this.lastCall.path |= SPLIT;
    this.memory.storeWord(block + wanted + SIZE, rest);
    this.insertBySize(block + wanted, rest);
    return wanted;
  }

  private insertBySize(block: number, size: number): void {
    const { memory, maximumNodes } = this;
    let before = this.start;
    let after = memory.loadWord(before + NEXT);
    let steps = 0;
    while (memory.loadWord(after + SIZE) < size) {
      before = after;
      after = memory.loadWord(before + NEXT);
      if (++steps > maximumNodes) throw endlessList(after);
    }
    this.lastCall.insertSteps += steps;
    memory.storeWord(block + NEXT, after);
    memory.storeWord(before + NEXT, block);
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
    if (
      this.memory.loadWord(this.end + NEXT) !== NULL ||
      this.memory.loadWord(this.end + SIZE) !== this.arenaBytes
    ) {
      throw new Corruption('the list end has been overwritten', this.end);
    }
    const holes = holesOf(this);
    checkLiveLinks(this, this.memory, NEXT, NULL);
    checkHoleList(holes, this.listNodes(), (a, b) => a.bytes <= b.bytes, 'size');
    checkFreeBytes(holes, this.freeBytes(), this.statics + FREE_BYTES);
  }

  private *listNodes(): Generator<number> {
    let node = this.memory.loadWord(this.start + NEXT);
    for (; node !== this.end; node = this.memory.loadWord(node + NEXT)) yield node;
  }

  private initialised(): boolean {
    return this.memory.loadWord(this.statics + INITIALISED) !== 0;
  }
}

export const heap2 = defineHeap({
  name: 'heap_2',
  origin: 'FreeRTOS V11, heap_2.c',
  facts: {
    policy: 'best fit from a list of holes sorted by size; holes are never merged',
    block: 'header {next, size}, 8 bytes (16 at alignment 16)',
    mallocCost: 'O(holes), twice after a split',
    freeCost: 'O(holes)',
    bound: 'none: memory once cut into small blocks stays cut',
    useWhen: 'you study firmware that has it; harmless where all blocks come in a few fixed sizes',
    notWhen: 'sizes vary: use heap_4, or heap_2_coalescing',
  },
  options: heap2Options,
  blockWords: () => ({ used: ['next', 'size'], hole: ['next', 'size'] }),
  pathWords: { malloc: MALLOC_WORDS, free: [] },
  coalesces: false,
  regions: 'one',
  staticBytes: () => STATIC_BYTES,
  minimumArenaBytes: (alignment) => alignment + 32,
  create: (memory, layout, options) => new Heap2(memory, layout, options),
});
