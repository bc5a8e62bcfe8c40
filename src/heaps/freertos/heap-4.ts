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

import type { Memory } from '../../mcu/memory.js';
import { defineHeap } from '../definition.js';
import { Corruption, type HeapLayout, NULL, type PieceVisitor } from '../heap.js';
import {
  AddressOrderedHeap,
  type AddressOrderedOptions,
  addressOrderedOptions,
  addressOrderedWords,
  END,
  FREE_WORDS,
  MALLOC_WORDS,
  SIZE,
  STATIC_BYTES,
} from './address-ordered.js';
import { walkRegion, walkUntouchedRegion } from './arena.js';
import { alignDown, alignUp, assertion } from './request.js';

export class Heap4 extends AddressOrderedHeap {
  private readonly origin: number;
  private readonly last: number;
  private readonly base: number;
  private readonly end: number;

  constructor(memory: Memory, layout: HeapLayout, options: AddressOrderedOptions) {
    super(memory, layout, options);
    const [region] = layout.regions;
    this.origin = region!.origin;
    this.last = region!.origin + region!.bytes - 1;
    this.base = alignUp(region!.origin, layout.alignment);
    this.end = alignDown(region!.origin + region!.bytes - this.headerBytes, layout.alignment);
  }

  /** One hole up to the end marker. Happens in the first malloc, even in one of 0 bytes. */
  protected override layOut(): void {
    const { memory, base, end } = this;
    this.drawCanary();
    this.storeLink(this.start, base);
    memory.storeWord(this.start + SIZE, 0);
    memory.storeWord(this.statics + END, end);
    this.storeLink(end, NULL);
    memory.storeWord(end + SIZE, 0);
    this.storeLink(base, end);
    memory.storeWord(base + SIZE, end - base);
    this.storeFreeBytes(end - base);
  }

  /** Compiled in with or without the protector. */
  protected override assertInside(address: number): void {
    if ((address < this.origin || address > this.last) && this.options.asserts) {
      throw assertion(address, 'the block pointer lies inside the heap');
    }
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
    this.checkHoles(this.listNodes());
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
  boundRow: 'first-fit',
  surplusBytes: (alignment) => 2 * alignUp(8, alignment),
  options: addressOrderedOptions,
  blockWords: () => addressOrderedWords,
  guards: { protector: true, asserts: true },
  pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
  coalesces: true,
  firstFitByAddress: true,
  regions: 'one',
  staticBytes: ({ protector }) => (protector ? STATIC_BYTES + 4 : STATIC_BYTES),
  // One block and the end marker, and what aligning either end of the arena may lose.
  minimumArenaBytes: (alignment) => 2 * alignUp(8, alignment) + 2 * alignment,
  create: (memory, layout, chosen) => new Heap4(memory, layout, chosen),
});
