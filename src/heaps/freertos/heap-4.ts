/**
 * heap_4: first fit in address order, holes merged at once.
 *
 * Policy      The list of holes ascends by address; the first that is large enough is taken and what is left
 *             over, if larger than two headers, takes its place in the list. A freed block joins the holes
 *             that touch it on either side.
 *
 * Block             0         4         8                       size
 *   (alignment 8)   +---------+---------+-----------------------+
 *                   | next    | size    | payload               |
 *                   +---------+---------+-----------------------+
 *             next: the next hole upwards; 0 while allocated. size: of the whole block; its top bit is set
 *             while allocated. The header is 8 bytes, padded to 16 at alignment 16. The arena ends with a
 *             marker {next 0, size 0} that the last hole points to.
 *
 * Statics     start {next, size}, end pointer, free bytes, minimum ever free, allocations, frees: 28 bytes,
 *             and the canary with the protector: 32.
 *
 * Cost        malloc O(holes below the one taken), free O(holes below the block); a split is free of charge.
 *             First fit with merging needs at most M * H(n) / ln 2 bytes (Knuth), so there is a bound.
 *
 * Use it      as the ordinary choice on one region of RAM: holes heal, the order by address keeps the upper
 *             part whole.
 * Not when    every call must be quick whatever the history: tlsf and o1heap are constant in time; or RAM
 *             comes in several pieces: heap_5.
 *
 * Source      FreeRTOS kernel V11, portable/MemMang/heap_4.c, by its behaviour. Equal to the recorded answers
 *             of the C code in offset, free bytes, minimum and largest hole (test/vectors/heap_4).
 * Deviations  A list that runs in a circle is a fault instead of a hang. The protector's canary is a
 *             constant, for the same input must give the same bytes.
 */

import * as v from 'valibot';
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
  walkRegion,
  walkUntouchedRegion,
} from './arena.js';
import { assertsOption, clearOnFreeOption, protectorOption } from './options.js';
import {
  ALLOCATED,
  alignDown,
  alignedHeader,
  alignUp,
  assertion,
  blockBytes,
  endlessList,
} from './request.js';

const NEXT = 0;
const SIZE = 4;
const LINK_BYTES = 8;

// Statics, as offsets from their start.
const START = 0;
const END = 8;
const FREE_BYTES = 12;
const MINIMUM_EVER_FREE_BYTES = 16;
const ALLOCATIONS = 20;
const FREES = 24;
const CANARY = 28;

/** What the protector XORs into every stored link. A device draws it at random. */
const CANARY_VALUE = 0xa5c3_5a3c;

/** The cost model's words, in the order of their bits. */
const MALLOC_WORDS = ['align', 'walk', 'found', 'split', 'nonzero'] as const;
const ALIGN = 1;
const WALK = 2;
const FOUND = 4;
const SPLIT = 8;
const NONZERO = 16;
const FREE_WORDS = ['merge_prev', 'merge_next', 'at_end', 'not_first'] as const;
const MERGE_PREVIOUS = 1;
const MERGE_NEXT = 2;
const AT_END = 4;
const NOT_FIRST = 8;

const options = v.strictObject({
  asserts: assertsOption,
  clearOnFree: clearOnFreeOption,
  protector: protectorOption,
});
export type Heap4Options = v.InferOutput<typeof options>;

export class Heap4 implements Heap {
  readonly lastCall = new HeapCall();

  private readonly statics: number;
  private readonly start: number;
  private readonly base: number;
  private readonly end: number;
  private readonly headerBytes: number;
  private readonly alignmentMask: number;
  private readonly maximumNodes: number;
  private readonly protector: boolean;

  constructor(
    private readonly memory: Memory,
    private readonly layout: HeapLayout,
    private readonly options: Heap4Options,
  ) {
    const [region] = layout.regions;
    this.headerBytes = alignedHeader(LINK_BYTES, layout.alignment);
    this.protector = options.protector;
    this.alignmentMask = layout.alignment - 1;
    this.statics = layout.statics;
    this.start = layout.statics + START;
    this.base = alignUp(region!.origin, layout.alignment);
    this.end = alignDown(region!.origin + region!.bytes - this.headerBytes, layout.alignment);
    this.maximumNodes = region!.bytes / LINK_BYTES + 2;
  }

  malloc(bytes: number): number {
    const { memory, lastCall: call, end, maximumNodes } = this;
    call.begin();
    let path = bytes === 0 ? 0 : NONZERO;
    if (((bytes + this.headerBytes) & this.alignmentMask) !== 0) path |= ALIGN;
    call.path = path;
    const wanted = blockBytes(bytes, this.headerBytes, this.layout.alignment);

    if (memory.loadWord(this.statics + END) === 0) this.initialise();
    const { canary } = this;
    const freeBytes = memory.loadWord(this.statics + FREE_BYTES);
    if (wanted === 0 || wanted >= ALLOCATED || wanted > freeBytes) return NULL;

    let previous = this.start;
    let block = this.loadLink(previous);
    this.assertInside(block);
    let size = memory.loadWord(block + SIZE);
    let steps = 0;
    while (size < wanted && block !== end) {
      previous = block;
      block = (memory.loadWord(block + NEXT) ^ canary) >>> 0;
      this.assertInside(block);
      size = memory.loadWord(block + SIZE);
      if (++steps > maximumNodes) throw endlessList(block);
    }
    call.searchSteps = steps;
    call.path = path | WALK;
    if (block === end) return NULL;

    call.path = path | WALK | FOUND;
    const taken = this.takeFromList(previous, block, size, wanted);
    memory.storeWord(block + SIZE, taken + ALLOCATED);
    this.storeLink(block, NULL);
    memory.storeWord(this.statics + FREE_BYTES, freeBytes - taken);
    if (freeBytes - taken < memory.loadWord(this.statics + MINIMUM_EVER_FREE_BYTES)) {
      memory.storeWord(this.statics + MINIMUM_EVER_FREE_BYTES, freeBytes - taken);
    }
    this.count(ALLOCATIONS);
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
    this.assertInside(block);
    const word = memory.loadWord(block + SIZE);
    if (word < ALLOCATED) return this.refuse(block, 'the block is allocated (top bit of its size)');
    if (this.loadLink(block) !== NULL) return this.refuse(block, 'next is NULL in a live block');

    const size = word - ALLOCATED;
    memory.storeWord(block + SIZE, size);
    if (this.options.clearOnFree && size >= this.headerBytes) {
      memory.fill(address, size - this.headerBytes, 0);
    }
    memory.storeWord(this.statics + FREE_BYTES, memory.loadWord(this.statics + FREE_BYTES) + size);
    this.insertByAddress(block, size);
    this.count(FREES);
  }

  freeBytes(): number {
    return this.memory.loadWord(this.statics + FREE_BYTES);
  }

  minimumEverFreeBytes(): number {
    return this.memory.loadWord(this.statics + MINIMUM_EVER_FREE_BYTES);
  }

  /** `xPortResetHeapMinimumEverFreeHeapSize`. */
  resetMinimumEverFreeBytes(): void {
    this.memory.storeWord(this.statics + MINIMUM_EVER_FREE_BYTES, this.freeBytes());
  }

  blockBytesFor(bytes: number): number {
    return alignUp(bytes + this.headerBytes, this.layout.alignment);
  }

  /** One hole up to the end marker. Happens in the first malloc, even in one of 0 bytes. */
  private initialise(): void {
    const { memory, base, end } = this;
    if (this.protector) memory.storeWord(this.statics + CANARY, CANARY_VALUE);
    this.storeLink(this.start, base);
    memory.storeWord(this.start + SIZE, 0);
    memory.storeWord(this.statics + END, end);
    this.storeLink(end, NULL);
    memory.storeWord(end + SIZE, 0);
    this.storeLink(base, end);
    memory.storeWord(base + SIZE, end - base);
    memory.storeWord(this.statics + FREE_BYTES, end - base);
    memory.storeWord(this.statics + MINIMUM_EVER_FREE_BYTES, end - base);
  }

  /** Puts the rest of `block`, or what follows it, in its place; returns the size the block ends up with. */
  private takeFromList(previous: number, block: number, size: number, wanted: number): number {
    const after = this.loadLink(block);
    const rest = size - wanted;
    if (rest <= 2 * this.headerBytes) {
      this.storeLink(previous, after);
      return size;
    }
    this.lastCall.path |= SPLIT;
    this.memory.storeWord(block + wanted + SIZE, rest);
    this.storeLink(block + wanted, after);
    this.storeLink(previous, block + wanted);
    return wanted;
  }

  /** Files a freed block between the holes around it and joins those that touch it. */
  private insertByAddress(freed: number, freedSize: number): void {
    const { memory, lastCall: call, canary, maximumNodes } = this;
    let block = freed;
    let size = freedSize;
    let before = this.start;
    let after = this.loadLink(before);
    let steps = 0;
    while (after < block) {
      before = after;
      after = (memory.loadWord(before + NEXT) ^ canary) >>> 0;
      if (++steps > maximumNodes) throw endlessList(after);
    }
    call.insertSteps = steps;

    let path = 0;
    if (before !== this.start) {
      path = NOT_FIRST;
      this.assertInside(before);
      const sizeBefore = memory.loadWord(before + SIZE);
      if (before + sizeBefore === block) {
        path |= MERGE_PREVIOUS;
        size += sizeBefore;
        memory.storeWord(before + SIZE, size);
        block = before;
      }
    }
    if (block + size === after && after !== this.end) {
      path |= MERGE_NEXT;
      memory.storeWord(block + SIZE, size + memory.loadWord(after + SIZE));
      after = this.loadLink(after);
    } else if (block + size === after) {
      path |= AT_END;
    }
    this.storeLink(block, after);
    if (block !== before) this.storeLink(before, block);
    call.path = path;
  }

  /** 0 until the first malloc, and for good without the protector. */
  private get canary(): number {
    return this.protector ? this.memory.loadWord(this.statics + CANARY) : 0;
  }

  private loadLink(node: number): number {
    return (this.memory.loadWord(node + NEXT) ^ this.canary) >>> 0;
  }

  private storeLink(node: number, link: number): void {
    this.memory.storeWord(node + NEXT, link ^ this.canary);
  }

  private count(statistic: number): void {
    const address = this.statics + statistic;
    this.memory.storeWord(address, this.memory.loadWord(address) + 1);
  }

  /** `heapVALIDATE_BLOCK_POINTER`: compiled in with or without the protector. */
  private assertInside(block: number): void {
    if ((block < this.base || block > this.end) && this.options.asserts) {
      throw assertion(block, 'the block pointer lies inside the heap');
    }
  }

  private refuse(block: number, statement: string): void {
    if (this.options.asserts) throw assertion(block, statement);
  }

  walk(visit: PieceVisitor): void {
    const [region] = this.layout.regions;
    if (!this.initialised()) return walkUntouchedRegion(region!, this.base, this.end, visit);
    const range = { first: this.base, end: this.end, sizeOffset: SIZE, headerBytes: this.headerBytes };
    walkRegion(this.memory, region!, range, visit);
  }

  check(): void {
    if (!this.initialised()) return;
    if (this.memory.loadWord(this.statics + END) !== this.end) {
      throw new Corruption('the pointer to the end marker has been overwritten', this.statics + END);
    }
    if (this.loadLink(this.end) !== NULL || this.memory.loadWord(this.end + SIZE) !== 0) {
      throw new Corruption('the end marker has been overwritten', this.end);
    }
    const holes = holesOf(this);
    checkLiveLinks(this, this.memory, NEXT, this.canary);
    const apart = (a: { address: number; bytes: number }, b: { address: number }) =>
      a.address + a.bytes < b.address;
    checkHoleList(holes, this.listNodes(), apart, 'address, holes never touching');
    checkFreeBytes(holes, this.freeBytes(), this.statics + FREE_BYTES);
  }

  private *listNodes(): Generator<number> {
    for (let node = this.loadLink(this.start); node !== this.end; node = this.loadLink(node)) yield node;
  }

  private initialised(): boolean {
    return this.memory.loadWord(this.statics + END) !== 0;
  }
}

export const heap4 = defineHeap({
  name: 'heap_4',
  origin: 'FreeRTOS V11, heap_4.c',
  facts: {
    policy: 'first fit in address order; holes merged at once',
    block: 'header {next, size}, 8 bytes (16 at alignment 16); an end marker of one header',
    mallocCost: 'O(holes below the one taken)',
    freeCost: 'O(holes below the block)',
    bound: 'M * H(n) / ln 2 (first fit, Knuth)',
    useWhen: 'as the ordinary choice on one region of RAM',
    notWhen: 'every call must be quick whatever the history',
  },
  options,
  pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
  coalesces: true,
  firstFitByAddress: true,
  regions: 'one',
  staticBytes: ({ protector }) => (protector ? 32 : 28),
  // One block and the end marker, and what aligning either end of the arena may lose.
  minimumArenaBytes: (alignment) => 2 * alignedHeader(LINK_BYTES, alignment) + 2 * alignment,
  create: (memory, layout, chosen) => new Heap4(memory, layout, chosen),
});
