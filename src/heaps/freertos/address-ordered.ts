/**
 * What heap_4 and heap_5 do alike: the holes are in one list, ascending by address; the first that is large
 * enough is taken, and a freed block joins the holes that touch it. They differ in how the list is laid out
 * at the start and in what a block's pointer is checked against.
 */

import * as v from 'valibot';
import type { Memory } from '../../mcu/memory.js';
import type { BlockWords } from '../definition.js';
import {
  type Heap,
  HeapCall,
  type HeapLayout,
  type HeapStats,
  NULL,
  NULL_CALL,
  type PieceVisitor,
} from '../heap.js';
import { checkFreeBytes, checkHoleList, checkLiveLinks, holesOf } from './arena.js';
import { assertsOption, clearOnFreeOption, protectorOption } from './options.js';
import { ALLOCATED, alignedHeader, alignUp, assertion, blockBytes, endlessList } from './request.js';

export const NEXT = 0;
export const SIZE = 4;
const LINK_BYTES = 8;

// Statics, as offsets from their start. The canary is there with the protector only.
export const START = 0;
export const END = 8;
const FREE_BYTES = 12;
const MINIMUM_EVER_FREE_BYTES = 16;
const ALLOCATIONS = 20;
const FREES = 24;
const CANARY = 28;
export const STATIC_BYTES = 28;

/** What the protector XORs into every stored link. A device draws it at random. */
const CANARY_VALUE = 0xa5c3_5a3c;

/** The cost model's words, in the order of their bits. */
export const MALLOC_WORDS = ['align', 'walk', 'found', 'split', 'nonzero'] as const;
const ALIGN = 1;
const WALK = 2;
const FOUND = 4;
const SPLIT = 8;
const NONZERO = 16;
export const FREE_WORDS = ['merge_prev', 'merge_next', 'at_end', 'not_first'] as const;
const MERGE_PREVIOUS = 1;
const MERGE_NEXT = 2;
const AT_END = 4;
const NOT_FIRST = 8;

export const addressOrderedOptions = v.strictObject({
  asserts: assertsOption,
  clearOnFree: clearOnFreeOption,
  protector: protectorOption,
});
export type AddressOrderedOptions = v.InferOutput<typeof addressOrderedOptions>;

/** See HeapDefinition. */
export const addressOrderedWords: BlockWords = {
  used: ['next', 'size'],
  hole: ['next', 'size'],
  behind: 'end marker',
};

export abstract class AddressOrderedHeap implements Heap {
  readonly lastCall = new HeapCall();

  protected readonly statics: number;
  protected readonly start: number;
  protected readonly headerBytes: number;
  private readonly alignmentMask: number;
  private readonly maximumNodes: number;

  constructor(
    protected readonly memory: Memory,
    protected readonly layout: HeapLayout,
    protected readonly options: AddressOrderedOptions,
  ) {
    this.headerBytes = alignedHeader(LINK_BYTES, layout.alignment);
    this.alignmentMask = layout.alignment - 1;
    this.statics = layout.statics;
    this.start = layout.statics + START;
    const arenaBytes = layout.regions.reduce((sum, region) => sum + region.bytes, 0);
    this.maximumNodes = arenaBytes / LINK_BYTES + 2 + layout.regions.length;
  }

  /** Called by a malloc that finds no list yet. @throws Fault where the real heap asserts that there is one */
  protected abstract layOut(): void;

  /** `heapVALIDATE_BLOCK_POINTER`. @throws Fault */
  protected abstract assertInside(address: number): void;

  malloc(bytes: number): number {
    const { memory, lastCall: call, maximumNodes } = this;
    call.begin();
    let path = bytes === 0 ? 0 : NONZERO;
    if (((bytes + this.headerBytes) & this.alignmentMask) !== 0) path |= ALIGN;
    call.path = path;
    const wanted = blockBytes(bytes, this.headerBytes, this.layout.alignment);

    if (memory.loadWord(this.statics + END) === 0) this.layOut();
    const { canary } = this;
    const freeBytes = memory.loadWord(this.statics + FREE_BYTES);
    if (wanted === 0 || wanted >= ALLOCATED || wanted > freeBytes) return NULL;

    let previous = this.start;
    let block = (memory.loadWord(previous + NEXT) ^ canary) >>> 0;
    this.assertInside(block);
    let size = memory.loadWord(block + SIZE);
    let steps = 0;
    const end = memory.loadWord(this.statics + END);
    while (size < wanted) {
      // Only the end marker leads nowhere.
      const next = (memory.loadWord(block + NEXT) ^ canary) >>> 0;
      if (next === NULL) break;
      previous = block;
      block = next;
      if (block !== end) this.assertInside(block);
      size = memory.loadWord(block + SIZE);
      if (++steps > maximumNodes) throw endlessList(block);
    }
    call.searchSteps = steps;
    call.path = path | WALK;
    if (block === end) return NULL;

    call.path = path | WALK | FOUND;
    this.assertInside(block + this.headerBytes);
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
    if (this.loadLink(block) !== NULL) {
      const expected = this.options.protector ? 'the canary' : 'NULL';
      return this.refuse(block, `next is ${expected} in a live block`);
    }

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

  /** `vPortGetHeapStats`, with its oddities: whatever the list leads to counts as a hole, an end marker too. */
  stats(): HeapStats {
    const { memory, statics } = this;
    const end = memory.loadWord(statics + END);
    const stats = {
      freeBytes: this.freeBytes(),
      largestHoleBytes: 0,
      smallestHoleBytes: 0xffff_ffff,
      holes: 0,
      minimumEverFreeBytes: this.minimumEverFreeBytes(),
      allocations: memory.loadWord(statics + ALLOCATIONS),
      frees: memory.loadWord(statics + FREES),
    };
    let node = this.loadLink(this.start);
    while (node !== NULL && node !== end) {
      const size = memory.loadWord(node + SIZE);
      if (size > stats.largestHoleBytes) stats.largestHoleBytes = size;
      if (size < stats.smallestHoleBytes && this.countsAsSmallest(size)) stats.smallestHoleBytes = size;
      if (++stats.holes > this.maximumNodes) throw endlessList(node);
      node = this.loadLink(node);
    }
    return stats;
  }

  protected countsAsSmallest(_bytes: number): boolean {
    return true;
  }

  /** `vPortHeapResetState`: for a restart without a reset. The list's start stays as it is. */
  resetState(): void {
    for (const word of [END, FREE_BYTES, MINIMUM_EVER_FREE_BYTES, ALLOCATIONS, FREES]) {
      this.memory.storeWord(this.statics + word, 0);
    }
  }

  blockBytesFor(bytes: number): number {
    return alignUp(bytes + this.headerBytes, this.layout.alignment);
  }

  abstract walk(visit: PieceVisitor): void;
  abstract check(): void;

  /** Before anything is linked. */
  protected drawCanary(): void {
    if (this.options.protector) this.memory.storeWord(this.statics + CANARY, CANARY_VALUE);
  }

  /** What the list amounts to once it is laid out. */
  protected storeFreeBytes(bytes: number): void {
    this.memory.storeWord(this.statics + FREE_BYTES, bytes);
    this.memory.storeWord(this.statics + MINIMUM_EVER_FREE_BYTES, bytes);
  }

  /** What check() does with the list once `nodes`, the holes it leads to, are known. @throws Corruption */
  protected checkHoles(nodes: Iterable<number>): void {
    const holes = holesOf(this);
    checkLiveLinks(this, this.memory, NEXT, this.canary);
    const apart = (a: { address: number; bytes: number }, b: { address: number }) =>
      a.address + a.bytes < b.address;
    checkHoleList(holes, nodes, apart, 'address, holes never touching');
    checkFreeBytes(holes, this.freeBytes(), this.statics + FREE_BYTES);
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
    let after = (memory.loadWord(before + NEXT) ^ canary) >>> 0;
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
    if (block + size === after) {
      if (after === memory.loadWord(this.statics + END)) {
        path |= AT_END;
      } else {
        path |= MERGE_NEXT;
        memory.storeWord(block + SIZE, size + memory.loadWord(after + SIZE));
        after = this.loadLink(after);
      }
    }
    this.storeLink(block, after);
    if (block !== before) this.storeLink(before, block);
    call.path = path;
  }

  /** 0 until the list is laid out, and for good without the protector. */
  protected get canary(): number {
    return this.options.protector ? this.memory.loadWord(this.statics + CANARY) : 0;
  }

  protected loadLink(node: number): number {
    return (this.memory.loadWord(node + NEXT) ^ this.canary) >>> 0;
  }

  protected storeLink(node: number, link: number): void {
    this.memory.storeWord(node + NEXT, link ^ this.canary);
  }

  private count(statistic: number): void {
    const address = this.statics + statistic;
    this.memory.storeWord(address, this.memory.loadWord(address) + 1);
  }

  protected refuse(block: number, statement: string): void {
    if (this.options.asserts) throw assertion(block, statement);
  }
}
