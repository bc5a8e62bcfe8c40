/**
 * heap_5: heap_4 over several regions of RAM.
 *
 * Policy      First fit in address order, holes merged at once (see heap_4), along one list that leads through
 *             all regions. Blocks never reach over the end of a region.
 *
 * Block             0         4         8                       size
 *   (alignment 8)   +---------+---------+-----------------------+
 *                   | next    | size    | payload               |
 *                   +---------+---------+-----------------------+
 *             as in heap_4. Every region ends with a marker {next, size 0}; all but the last one are members
 *             of the list, between the holes of their region and those of the next:
 *
 *                   start -> hole .. marker -> hole .. marker -> hole .. end marker
 *                           |  region 1   |   |  region 2   |   |   region 3      |
 *
 *             A block that is freed in front of such a marker absorbs it like a hole of no bytes: from then on
 *             the list leads past it. Its bytes stay reserved.
 *
 * Statics     start {next, size}, end pointer, free bytes, minimum ever free, allocations, frees: 28 bytes;
 *             with the protector also canary, lowest and highest address: 40.
 *
 * Cost        malloc O(holes below the one taken), free O(holes below the block), as in heap_4, markers
 *             included. First fit with merging needs at most M * H(n) / ln 2 bytes in one piece; for RAM in
 *             pieces nothing can be proved.
 *
 * Use it      where RAM comes in pieces that one request need not span.
 * Not when    there is one region: heap_4 does the same with bounds checks.
 *
 * Source      FreeRTOS kernel V11, portable/MemMang/heap_5.c, by its behaviour. Equal to the recorded answers
 *             of the C code in offset, free bytes, minimum and largest hole (test/vectors/heap_5).
 * Deviations  As heap_4: a list that runs in a circle is a fault instead of a hang, the canary is a constant.
 *             `vPortDefineHeapRegions` has been called with the target's regions before the first task runs.
 */

import type { Memory, Region } from '../../mcu/memory.js';
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
import { walkRegion } from './arena.js';
import { alignDown, alignUp, assertion } from './request.js';

// Statics that heap_4 does not have, with the protector only.
const LOWEST = 32;
const HIGHEST = 36;
const PROTECTOR_BYTES = 12;

/** A region's blocks lie from `first` up to the marker at `end`. */
interface Part {
  readonly region: Region;
  readonly first: number;
  readonly end: number;
}

export class Heap5 extends AddressOrderedHeap {
  private readonly parts: readonly Part[];

  constructor(memory: Memory, layout: HeapLayout, options: AddressOrderedOptions) {
    super(memory, layout, options);
    this.parts = layout.regions.map((region) => this.partOf(region));
  }

  /**
   * `vPortDefineHeapRegions`: lays out the list over `table`, up to the first entry of 0 bytes. Done once,
   * with regions in ascending order.
   *
   * @throws Fault where the real one asserts
   */
  defineRegions(table: readonly Region[]): void {
    const { memory, statics } = this;
    this.require(memory.loadWord(statics + END) === 0, 'the heap regions are defined once');
    this.drawCanary();
    let total = 0;
    for (const [index, region] of table.entries()) {
      if (region.bytes === 0) break;
      const part = this.partOf(region);
      if (index === 0) {
        this.storeLink(this.start, part.first);
        memory.storeWord(this.start + SIZE, 0);
      } else {
        const above = part.first > memory.loadWord(statics + END);
        this.require(above, 'heap regions ascend and do not overlap');
      }
      this.append(part);
      total += memory.loadWord(part.first + SIZE);
    }
    this.storeFreeBytes(total);
    this.require(total !== 0, 'there is a heap region');
  }

  /** Alignment loss at either end, and the marker behind the blocks. */
  private partOf(region: Region): Part {
    const { alignment } = this.layout;
    const first = alignUp(region.origin, alignment);
    const end = alignDown(region.origin + region.bytes - this.headerBytes, alignment);
    return { region, first, end };
  }

  /**
   * One hole and its marker behind all that is in the list. A region that is smaller than a header gets a
   * hole of nearly 2^32 bytes; in one that is exactly a header the marker is the hole, and leads to itself.
   */
  private append({ first, end }: Part): void {
    const { memory, statics } = this;
    const previousEnd = memory.loadWord(statics + END);
    memory.storeWord(statics + END, end);
    memory.storeWord(end + SIZE, 0);
    this.storeLink(end, NULL);
    memory.storeWord(first + SIZE, end - first);
    this.storeLink(first, end);
    if (previousEnd !== 0) this.storeLink(previousEnd, first);
    if (this.options.protector) this.widenBounds(first, end);
  }

  private widenBounds(first: number, end: number): void {
    const { memory, statics } = this;
    const highest = memory.loadWord(statics + HIGHEST);
    if (highest === 0 || first < memory.loadWord(statics + LOWEST)) memory.storeWord(statics + LOWEST, first);
    if (end > highest) memory.storeWord(statics + HIGHEST, end);
  }

  /** Nobody may ask before the regions are defined; without asserts there is just nothing to be had. */
  protected override layOut(): void {
    this.require(false, 'the heap regions are defined before the first malloc');
  }

  /** Compiled in with the protector only: without it a pointer from outside goes unnoticed. */
  protected override assertInside(address: number): void {
    const { protector, asserts } = this.options;
    if (!protector || !asserts) return;
    const { memory, statics } = this;
    if (address < memory.loadWord(statics + LOWEST) || address >= memory.loadWord(statics + HIGHEST)) {
      throw assertion(address, 'the block pointer lies inside the heap');
    }
  }

  /** The markers in the list have a size of 0 and say nothing about holes. They are counted, though. */
  protected override countsAsSmallest(bytes: number): boolean {
    return bytes !== 0;
  }

  override resetState(): void {
    super.resetState();
    if (!this.options.protector) return;
    this.memory.storeWord(this.statics + LOWEST, 0);
    this.memory.storeWord(this.statics + HIGHEST, 0);
  }

  private require(holds: boolean, statement: string): void {
    if (!holds) this.refuse(this.statics + END, statement);
  }

  walk(visit: PieceVisitor): void {
    for (const { region, first, end } of this.parts) {
      if (end < first) {
        visit('bookkeeping', region.origin, region.bytes, 0);
      } else {
        const range = { first, end, sizeOffset: SIZE, headerBytes: this.headerBytes };
        walkRegion(this.memory, region, range, visit);
      }
    }
  }

  check(): void {
    const { memory, statics } = this;
    const last = this.parts.at(-1)!;
    if (memory.loadWord(statics + END) !== last.end) {
      throw new Corruption('the pointer to the end marker has been overwritten', statics + END);
    }
    for (const { end } of this.parts) {
      if (memory.loadWord(end + SIZE) !== 0) {
        throw new Corruption("the marker at a region's end has been overwritten", end);
      }
    }
    const behindLast = last.first === last.end ? last.end : NULL;
    if (this.loadLink(last.end) !== behindLast) {
      throw new Corruption('the end marker has been overwritten', last.end);
    }
    this.checkHoles(this.holesInList());
  }

  /** The list without the markers that are still in it. */
  private *holesInList(): Generator<number> {
    const { end } = this.parts.at(-1)!;
    const markers = new Set(this.parts.map((part) => part.end));
    let previous = 0;
    for (let node = this.loadLink(this.start); node !== end; node = this.loadLink(node)) {
      if (markers.has(node) && node <= previous) {
        throw new Corruption('the list of holes runs in a circle', node);
      }
      if (!markers.has(node)) yield node;
      previous = node;
    }
  }
}

export const heap5 = defineHeap({
  name: 'heap_5',
  origin: 'FreeRTOS V11, heap_5.c',
  facts: {
    policy: 'heap_4 over several regions of RAM: first fit in address order; holes merged at once',
    block: 'header {next, size}, 8 bytes (16 at alignment 16); an end marker of one header per region',
    mallocCost: 'O(holes below the one taken, in all regions)',
    freeCost: 'O(holes below the block, in all regions)',
    bound: 'M * H(n) / ln 2 (first fit, Knuth) in one region; none for several',
    useWhen: 'RAM comes in pieces that no single request needs to span',
    notWhen: 'there is one region: heap_4 does the same',
  },
  boundRow: 'first-fit',
  surplusBytes: (alignment) => 2 * alignUp(8, alignment),
  options: addressOrderedOptions,
  blockWords: () => addressOrderedWords,
  guards: { protector: true, asserts: true },
  pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
  coalesces: true,
  firstFitByAddress: true,
  regions: 'several',
  staticBytes: ({ protector }) => (protector ? STATIC_BYTES + PROTECTOR_BYTES : STATIC_BYTES),
  // One block and the end marker, and what aligning either end of the arena may lose.
  minimumArenaBytes: (alignment) => 2 * alignUp(8, alignment) + 2 * alignment,
  create: (memory, layout, chosen) => {
    const heap = new Heap5(memory, layout, chosen);
    heap.defineRegions(layout.regions);
    return heap;
  },
});
