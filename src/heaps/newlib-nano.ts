/**
 * newlib_nano: the malloc of newlib's small build, which `--specs=nano.specs` links: first fit in address
 * order, holes merged at once, the arena taken into use from the bottom as it is needed.
 *
 * Policy      The list of holes ascends by address; the first that is large enough is taken, from its lower
 *             end. Where none is, memory that was never used is: `sbrk` moves the break up. Where that is too
 *             little, the last hole is widened, if it ends at the break. A freed block joins the holes that
 *             touch it; the break never moves down.
 *
 * Block             0         4                                size
 *   at 8n + 4       +---------+---------------------------------+
 *                   | size    | payload                     +4  |
 *                   +---------+---------------------------------+
 *                   0         4         8                      size
 *   at 8n           +---------+---------+-----------------------+
 *                   | size    | -4      | payload               |
 *                   +---------+---------+-----------------------+
 *             Payloads lie at multiples of 8 whatever the target wants. A block is its payload, rounded to 4,
 *             and 8 bytes; where the header takes but 4 of them the payload has the rest. The -4 leads free
 *             back to the size. A hole has the next hole's address where the payload began at the earliest.
 *
 * Statics     list, start of the arena, break: 12 bytes.
 *
 * Cost        malloc O(holes below the one taken), free O(holes below the block). First fit with merging needs
 *             at most M * H(n) / ln 2 bytes (Knuth).
 *
 * Use it      where the C library's malloc is in use already; in FreeRTOS through heap_3.
 * Not when    mistakes should be noticed: there is no mark on live blocks, no assert, and hardly a check.
 *
 * Source      newlib, libc/stdlib/nano-mallocr.c, by its documented behaviour as of 2023 (before, blocks came
 *             from the upper end of a hole). There are no recorded answers to compare with.
 * Deviations  A list that runs in a circle is a fault instead of a hang.
 */

import * as v from 'valibot';
import type { Memory } from '../mcu/memory.js';
import { defineHeap } from './definition.js';
import {
  Corruption,
  type Heap,
  HeapCall,
  type HeapLayout,
  NULL,
  NULL_CALL,
  type PieceVisitor,
} from './heap.js';
import { alignUp, endlessList } from './words.js';

const PAYLOAD_ALIGNMENT = 8;
const SIZE = 0;
const NEXT = 4;
/** Size word and the bytes that align the payload. */
const OVERHEAD_BYTES = 8;
const MINIMUM_BYTES = 12;
const MAXIMUM_BYTES = 2 ** 31;
/** In front of a payload that does not follow its size: -4, the way back. */
const BACK = 0xffff_fffc;

// Statics, as offsets from their start.
const LIST = 0;
const ARENA_START = 4;
const BREAK = 8;
const STATIC_BYTES = 12;

export class NewlibNano implements Heap {
  readonly lastCall = new HeapCall();

  private readonly statics: number;
  private readonly base: number;
  private readonly end: number;
  private readonly maximumNodes: number;

  constructor(
    private readonly memory: Memory,
    private readonly layout: HeapLayout,
  ) {
    const [region] = layout.regions;
    this.statics = layout.statics;
    this.base = alignUp(region!.origin, 4);
    this.end = region!.origin + region!.bytes;
    this.maximumNodes = region!.bytes / MINIMUM_BYTES + 2;
    memory.storeWord(this.statics + BREAK, this.base);
  }

  malloc(bytes: number): number {
    const { memory, lastCall: call } = this;
    call.begin();
    const wanted = this.blockBytesFor(bytes);
    if (wanted >= MAXIMUM_BYTES) return NULL;

    let previous = NULL;
    let hole = memory.loadWord(this.statics + LIST);
    let steps = 0;
    while (hole !== NULL && memory.loadWord(hole + SIZE) < wanted) {
      previous = hole;
      hole = memory.loadWord(hole + NEXT);
      if (++steps > this.maximumNodes) throw endlessList(hole);
    }
    call.searchSteps = steps;
    if (hole !== NULL) {
      this.takeFromList(previous, hole, wanted);
      return this.payloadOf(hole);
    }
    const block = this.extendArena(previous, wanted);
    return block === NULL ? NULL : this.payloadOf(block);
  }

  free(address: number): void {
    const { memory, lastCall: call } = this;
    call.begin();
    if (address === NULL) {
      call.path = NULL_CALL;
      return;
    }
    const block = this.blockOf(address);
    let before = NULL;
    let after = memory.loadWord(this.statics + LIST);
    let steps = 0;
    while (after !== NULL && after <= block) {
      before = after;
      after = memory.loadWord(after + NEXT);
      if (++steps > this.maximumNodes) throw endlessList(after);
    }
    call.insertSteps = steps;
    this.insertBetween(before, block, after);
  }

  /** The block stays as large as it is: only where it has room, and would not be half empty. */
  resize(address: number, bytes: number): boolean {
    this.lastCall.begin();
    const block = this.blockOf(address);
    const usable = block + this.memory.loadWord(block + SIZE) - address;
    return bytes <= usable && usable < 2 * bytes;
  }

  /** As `mallinfo` would add it up: there is no counter. */
  freeBytes(): number {
    const { memory } = this;
    let bytes = this.end - memory.loadWord(this.statics + BREAK);
    let count = 0;
    for (
      let hole = memory.loadWord(this.statics + LIST);
      hole !== NULL;
      hole = memory.loadWord(hole + NEXT)
    ) {
      bytes += memory.loadWord(hole + SIZE);
      if (++count > this.maximumNodes) throw endlessList(hole);
    }
    return bytes;
  }

  blockBytesFor(bytes: number): number {
    return Math.max(alignUp(bytes, 4) + OVERHEAD_BYTES, MINIMUM_BYTES);
  }

  /** Cuts `wanted` off the lower end of a hole, or takes it whole where the rest would be too small. */
  private takeFromList(previous: number, hole: number, wanted: number): void {
    const { memory } = this;
    const rest = memory.loadWord(hole + SIZE) - wanted;
    let follower = memory.loadWord(hole + NEXT);
    if (rest >= MINIMUM_BYTES) {
      memory.storeWord(hole + SIZE, wanted);
      memory.storeWord(hole + wanted + SIZE, rest);
      memory.storeWord(hole + wanted + NEXT, follower);
      follower = hole + wanted;
    }
    this.link(previous, follower);
  }

  /** Moves the break up for a new block, or to widen `last`, the last hole, where only that will do. */
  private extendArena(last: number, wanted: number): number {
    const { memory, statics } = this;
    const top = memory.loadWord(statics + BREAK);
    if (memory.loadWord(statics + ARENA_START) === 0) memory.storeWord(statics + ARENA_START, top);
    if (wanted <= this.end - top) {
      memory.storeWord(statics + BREAK, top + wanted);
      memory.storeWord(top + SIZE, wanted);
      return top;
    }
    if (last === NULL) return NULL;
    const held = memory.loadWord(last + SIZE);
    if (last + held !== top || wanted - held > this.end - top) return NULL;
    memory.storeWord(statics + BREAK, last + wanted);
    this.unlinkLast(last);
    memory.storeWord(last + SIZE, wanted);
    return last;
  }

  private unlinkLast(last: number): void {
    const { memory } = this;
    let previous = NULL;
    let hole = memory.loadWord(this.statics + LIST);
    while (hole !== last) {
      previous = hole;
      hole = memory.loadWord(hole + NEXT);
    }
    this.link(previous, NULL);
  }

  /** Files a freed block between the holes around it and joins those that touch it. */
  private insertBetween(before: number, block: number, after: number): void {
    const { memory } = this;
    let size = memory.loadWord(block + SIZE);
    let joined = block;
    if (before !== NULL) {
      const sizeBefore = memory.loadWord(before + SIZE);
      // The block, or a part of it, is free already: the library gives up without a word.
      if (before + sizeBefore > block) return;
      if (before + sizeBefore === block) {
        joined = before;
        size += sizeBefore;
      }
    }
    let follower = after;
    if (joined + size === after) {
      size += memory.loadWord(after + SIZE);
      follower = memory.loadWord(after + NEXT);
    }
    memory.storeWord(joined + SIZE, size);
    memory.storeWord(joined + NEXT, follower);
    if (joined === block) this.link(before, block);
  }

  /** Has `previous`, or the list's start where that is NULL, lead to `hole`. */
  private link(previous: number, hole: number): void {
    this.memory.storeWord(previous === NULL ? this.statics + LIST : previous + NEXT, hole);
  }

  /** Marks the way back where the payload does not follow the size at once. */
  private payloadOf(block: number): number {
    const payload = alignUp(block + 4, PAYLOAD_ALIGNMENT);
    if (payload !== block + 4) this.memory.storeWord(block + 4, BACK);
    return payload;
  }

  private blockOf(payload: number): number {
    const word = this.memory.loadWord(payload - 4);
    return word >= MAXIMUM_BYTES ? (payload - 4 + word) % 2 ** 32 : payload - 4;
  }

  walk(visit: PieceVisitor): void {
    const { memory } = this;
    const [region] = this.layout.regions;
    const top = memory.loadWord(this.statics + BREAK);
    if (top < this.base || top > this.end)
      throw new Corruption('the break has been overwritten', this.statics);
    if (this.base > region!.origin) visit('bookkeeping', region!.origin, this.base - region!.origin, 0);
    let hole = memory.loadWord(this.statics + LIST);
    let block = this.base;
    while (block < top) {
      const size = memory.loadWord(block + SIZE);
      if (size < MINIMUM_BYTES || size % 4 !== 0 || block + size > top) {
        throw new Corruption(`a block's size word is ${size}: it does not lead to another block`, block);
      }
      if (block !== hole) visit('used', block, size, alignUp(block + 4, PAYLOAD_ALIGNMENT));
      // What lies behind the break can be had together with the hole in front of it.
      else if (block + size < top) visit('hole', block, size, 0);
      else return visit('hole', block, this.end - block, 0);
      if (block === hole) hole = memory.loadWord(hole + NEXT);
      block += size;
    }
    if (top < this.end) visit('hole', top, this.end - top, 0);
  }

  check(): void {
    const { memory } = this;
    const holes: number[] = [];
    let endOfHole = NULL;
    this.walk((kind, address, bytes, payload) => {
      if (kind === 'hole') holes.push(address);
      if (kind === 'used' && payload !== address + 4 && memory.loadWord(address + 4) !== BACK) {
        throw new Corruption('the word that leads from a payload to its size has been overwritten', address);
      }
      if (kind === 'hole' && address === endOfHole) {
        throw new Corruption('two holes touch: they should be one', address);
      }
      endOfHole = kind === 'hole' ? address + bytes : NULL;
    });
    if (holes.at(-1) === memory.loadWord(this.statics + BREAK)) holes.pop();
    let hole = memory.loadWord(this.statics + LIST);
    for (const address of holes) {
      if (hole !== address) throw new Corruption('the list of holes leads to what is no hole', hole);
      hole = memory.loadWord(hole + NEXT);
    }
    if (hole !== NULL) throw new Corruption('the list of holes leads to what is no hole', hole);
  }
}

export const newlibNano = defineHeap({
  name: 'newlib_nano',
  origin: "newlib's nano malloc (--specs=nano.specs)",
  facts: {
    policy: 'first fit in address order; holes merged at once; the break moves up as needed',
    block: 'size and alignment, 8 bytes; payloads are multiples of 8, sizes of 4, 12 at least',
    mallocCost: 'O(holes below the one taken)',
    freeCost: 'O(holes below the block)',
    bound: 'M * H(n) / ln 2 (first fit, Knuth)',
    useWhen: "the C library's malloc is in use already",
    notWhen: 'mistakes should be noticed: live blocks carry no mark, and nothing is asserted',
  },
  boundRow: 'first-fit',
  surplusBytes: () => MINIMUM_BYTES - 4,
  options: v.strictObject({}),
  blockWords: () => ({ used: ['size', 'way back to it'], hole: ['size', 'next'] }),
  pathWords: { malloc: [], free: [] },
  coalesces: true,
  notAtZero: true,
  regions: 'one',
  payloadAlignment: () => PAYLOAD_ALIGNMENT,
  staticBytes: () => STATIC_BYTES,
  minimumArenaBytes: () => 32,
  create: (memory, layout) => new NewlibNano(memory, layout),
});
