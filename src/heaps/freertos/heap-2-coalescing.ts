/**
 * heap_2 with coalescing: best fit from a list sorted by size, holes merged at free through a second list
 * sorted by address.
 *
 * This is NOT what ships as heap_2 in FreeRTOS; that one never merges. It follows an attempt, published with
 * the notes on heap_2, to add merging without giving up best fit. The published code unlinked the wrong hole
 * where two had the same size (W1), read an uninitialised successor when no hole was left (W2), counted a
 * merged neighbour's bytes as freed again (W3), let sizes near 2^32 wrap (W4), padded the header too far and
 * left the start unaligned (W5), relied on where the linker puts the list end and compared addresses as
 * signed (W6), and had no mark for allocated blocks nor a place for a request of the whole arena (W7). Each
 * of these is a test here (test/heaps/freertos/heap-2-coalescing.test.ts).
 *
 * Policy      As heap_2: the first hole that is large enough in a list ascending by size, the rest split off
 *             if larger than two headers. At free the block joins the holes that touch it on either side,
 *             the joined holes leave the size list, and the result is filed in front of holes of its size.
 *
 * Block             0          4          8         12                    size
 *   (alignment 4)   +----------+----------+---------+---------------------+
 *                   | next by  | next by  | size    | payload             |
 *                   | size     | address  |         |                     |
 *                   +----------+----------+---------+---------------------+
 *             Both links are 0 while allocated; the size's top bit is set while allocated. The header is
 *             12 bytes, padded to 16 at alignments 8 and 16.
 *
 * Statics     start {both links, size}, end {both links, size}, free bytes, initialised: 32 bytes. The start
 *             heads both lists.
 *
 * Cost        malloc and free O(holes): up to three list walks each.
 *
 * Use it      where best fit keeps large holes whole and lists are short.
 * Not when    blocks are small: the third header word is paid for each; or calls must be quick: heap_4 walks
 *             less, tlsf not at all.
 *
 * Source      heap_2 of FreeRTOS V11 by its behaviour, the notes' idea, the faults corrected. Equal to
 *             recorded answers of the corrected C code (test/vectors/heap_2_coalescing).
 * Deviations  A list that runs in a circle (after an overflow) is a fault instead of a hang.
 *             Statistics and the minimum ever free, which the published code has not, are kept by heap_4's rules,
 *             beside the RAM.
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

const NEXT_BY_SIZE = 0;
const NEXT_BY_ADDRESS = 4;
const SIZE = 8;
const LINK_BYTES = 12;

// Statics, as offsets from their start.
const START = 0;
const END = 12;
const FREE_BYTES = 24;
const INITIALISED = 28;
const STATIC_BYTES = 32;

/** The cost model's words, in the order of their bits. */
const MALLOC_WORDS = ['align', 'walk', 'found', 'split', 'nonzero'] as const;
const FREE_WORDS = ['merge_prev', 'merge_next'] as const;
const ALIGN = 1;
const WALK = 2;
const FOUND = 4;
const SPLIT = 8;
const NONZERO = 16;
const MERGE_PREVIOUS = 1;
const MERGE_NEXT = 2;

export class Heap2Coalescing extends CountedHeap implements Heap {
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
    let block = memory.loadWord(previous + NEXT_BY_SIZE);
    let size = memory.loadWord(block + SIZE);
    let steps = 0;
    while (size < wanted && block !== end) {
      previous = block;
      block = memory.loadWord(block + NEXT_BY_SIZE);
      size = memory.loadWord(block + SIZE);
      if (++steps > maximumNodes) throw endlessList(block);
    }
    call.searchSteps = steps;
    call.path = path | WALK;
    if (block === end) return NULL;

    call.path = path | WALK | FOUND;
    memory.storeWord(previous + NEXT_BY_SIZE, memory.loadWord(block + NEXT_BY_SIZE));
    const taken = this.takeFromAddressList(block, size, wanted);
    memory.storeWord(this.statics + FREE_BYTES, freeBytes - taken);
    memory.storeWord(block + SIZE, taken + ALLOCATED);
    memory.storeWord(block + NEXT_BY_SIZE, NULL);
    memory.storeWord(block + NEXT_BY_ADDRESS, NULL);
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
    if (memory.loadWord(block + NEXT_BY_SIZE) !== NULL || memory.loadWord(block + NEXT_BY_ADDRESS) !== NULL) {
      return this.refuse(block, 'both links are NULL in a live block');
    }
    const size = word - ALLOCATED;
    memory.storeWord(block + SIZE, size);
    if (this.options.clearOnFree) memory.fill(address, size - this.headerBytes, 0);
    this.coalesce(block, size);
    memory.storeWord(this.statics + FREE_BYTES, memory.loadWord(this.statics + FREE_BYTES) + size);
    this.noteFreed();
  }

  freeBytes(): number {
    return this.memory.loadWord(this.statics + FREE_BYTES);
  }

  /** There is no list before the heap is laid out. */
  protected override holeSizes(): Iterable<number> {
    if (!this.initialised()) return [];
    return listedSizes(this.memory, this.listNodes(NEXT_BY_SIZE), SIZE, this.maximumNodes);
  }

  blockBytesFor(bytes: number): number {
    return alignUp(bytes + this.headerBytes, this.layout.alignment);
  }

  /** One hole over the whole arena, on both lists. */
  private initialise(): void {
    const { memory, start, end, base, arenaBytes } = this;
    for (const link of [NEXT_BY_SIZE, NEXT_BY_ADDRESS]) {
      memory.storeWord(start + link, base);
      memory.storeWord(base + link, end);
      memory.storeWord(end + link, NULL);
    }
    memory.storeWord(start + SIZE, 0);
    memory.storeWord(base + SIZE, arenaBytes);
    memory.storeWord(end + SIZE, arenaBytes);
    memory.storeWord(this.statics + INITIALISED, 1);
  }

  /** Puts the rest of `block`, or what follows it, in its place; returns the size the block ends up with. */
  private takeFromAddressList(block: number, size: number, wanted: number): number {
    const { memory } = this;
    const before = this.lastHoleBelow(block);
    const after = memory.loadWord(block + NEXT_BY_ADDRESS);
    const rest = size - wanted;
    if (rest <= 2 * this.headerBytes) {
      memory.storeWord(before + NEXT_BY_ADDRESS, after);
      return size;
    }
    this.lastCall.path |= SPLIT;
    memory.storeWord(before + NEXT_BY_ADDRESS, block + wanted);
    memory.storeWord(block + wanted + NEXT_BY_ADDRESS, after);
    memory.storeWord(block + wanted + SIZE, rest);
    this.insertBySize(block + wanted, rest);
    return wanted;
  }

  /** Joins the freed block with the holes that touch it and files the result on both lists. */
  private coalesce(freed: number, freedSize: number): void {
    const { memory } = this;
    let path = 0;
    let block = freed;
    let size = freedSize;
    const before = this.lastHoleBelow(block);
    let after = memory.loadWord(before + NEXT_BY_ADDRESS);

    if (after !== this.end && block + size === after) {
      path |= MERGE_NEXT;
      this.unlinkBySize(after);
      size += memory.loadWord(after + SIZE);
      after = memory.loadWord(after + NEXT_BY_ADDRESS);
    }
    const sizeBefore = before === this.start ? 0 : memory.loadWord(before + SIZE);
    if (before + sizeBefore === block) {
      path |= MERGE_PREVIOUS;
      this.unlinkBySize(before);
      size += sizeBefore;
      block = before;
    } else {
      memory.storeWord(before + NEXT_BY_ADDRESS, block);
    }
    memory.storeWord(block + NEXT_BY_ADDRESS, after);
    memory.storeWord(block + SIZE, size);
    this.insertBySize(block, size);
    this.lastCall.path = path;
  }

  /** The hole (or the start) after which `block` belongs in the address list. */
  private lastHoleBelow(block: number): number {
    const { memory, maximumNodes } = this;
    let before = this.start;
    let after = memory.loadWord(before + NEXT_BY_ADDRESS);
    let steps = 0;
    while (after !== this.end && after < block) {
      before = after;
      after = memory.loadWord(before + NEXT_BY_ADDRESS);
      if (++steps > maximumNodes) throw endlessList(after);
    }
    this.lastCall.insertSteps += steps;
    return before;
  }

  private insertBySize(block: number, size: number): void {
    const { memory, maximumNodes } = this;
    let before = this.start;
    let after = memory.loadWord(before + NEXT_BY_SIZE);
    let steps = 0;
    while (after !== this.end && memory.loadWord(after + SIZE) < size) {
      before = after;
      after = memory.loadWord(before + NEXT_BY_SIZE);
      if (++steps > maximumNodes) throw endlessList(after);
    }
    this.lastCall.insertSteps += steps;
    memory.storeWord(block + NEXT_BY_SIZE, after);
    memory.storeWord(before + NEXT_BY_SIZE, block);
  }

  /** Takes out the victim itself, not the first hole of its size (W1). */
  private unlinkBySize(victim: number): void {
    const { memory, maximumNodes } = this;
    let before = this.start;
    let node = memory.loadWord(before + NEXT_BY_SIZE);
    let steps = 0;
    while (node !== victim) {
      before = node;
      node = memory.loadWord(before + NEXT_BY_SIZE);
      if (++steps > maximumNodes) throw endlessList(node);
    }
    this.lastCall.insertSteps += steps;
    memory.storeWord(before + NEXT_BY_SIZE, memory.loadWord(victim + NEXT_BY_SIZE));
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
      this.memory.loadWord(this.end + NEXT_BY_SIZE) !== NULL ||
      this.memory.loadWord(this.end + SIZE) !== this.arenaBytes
    ) {
      throw new Corruption('the list end has been overwritten', this.end);
    }
    const holes = holesOf(this);
    checkLiveLinks(this, this.memory, NEXT_BY_SIZE, NULL);
    checkLiveLinks(this, this.memory, NEXT_BY_ADDRESS, NULL);
    checkHoleList(holes, this.listNodes(NEXT_BY_SIZE), (a, b) => a.bytes <= b.bytes, 'size');
    // Strictly apart: holes that touch should have been merged.
    const apart = (a: { address: number; bytes: number }, b: { address: number }) =>
      a.address + a.bytes < b.address;
    checkHoleList(holes, this.listNodes(NEXT_BY_ADDRESS), apart, 'address, holes never touching');
    checkFreeBytes(holes, this.freeBytes(), this.statics + FREE_BYTES);
  }

  private *listNodes(link: number): Generator<number> {
    let node = this.memory.loadWord(this.start + link);
    for (; node !== this.end; node = this.memory.loadWord(node + link)) yield node;
  }

  private initialised(): boolean {
    return this.memory.loadWord(this.statics + INITIALISED) !== 0;
  }
}

export const heap2Coalescing = defineHeap({
  name: 'heap_2_coalescing',
  origin: 'heap_2 extended after the heap_2 notes, their faults corrected; not what ships as heap_2',
  facts: {
    policy: 'best fit from a list sorted by size; holes merged at free through a list sorted by address',
    block: 'header {next by size, next by address, size}, 12 bytes (16 at alignments 8 and 16)',
    mallocCost: 'O(holes), up to three list walks',
    freeCost: 'O(holes), up to four list walks',
    bound: 'as any best fit that merges at once: max over r of r(M-r+1)',
    useWhen: 'best fit should keep large holes whole, and lists are short',
    notWhen: 'blocks are small (12 bytes of header) or calls must be quick',
  },
  options: heap2Options,
  blockWords: () => {
    const words = ['next by size', 'next by address', 'size'];
    return { used: words, hole: words };
  },
  pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
  boundRow: 'eager-merge',
  surplusBytes: (alignment) => 2 * alignedHeader(12, alignment),
  coalesces: true,
  regions: 'one',
  staticBytes: () => STATIC_BYTES,
  minimumArenaBytes: (alignment) => alignment + 32,
  create: (memory, layout, options) => new Heap2Coalescing(memory, layout, options),
});
