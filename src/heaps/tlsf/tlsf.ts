/**
 * tlsf: two-level segregated fit, in constant time.
 *
 * Policy      Holes are filed in 24 x 32 lists by size: a level per power of two, each cut into 32 equal classes.
 *             Two bit searches find the lowest list all of whose holes are large enough; its first is taken. A
 *             freed block joins the holes that touch it at once. Lists are last in, first out.
 *
 * Block             0         4         8                   8 + size
 *                   +---------+---------+---------------------+
 *                   | pred    | size    | payload             |
 *                   +---------+---------+---------------------+
 *             pred, the block before, lies in the last word of that block's payload and is valid only while
 *             that block is free: the overhead is 4 bytes. size: of the payload, a multiple of 4, 12 at least;
 *             bit 0: this block is free, bit 1: the one before is. A hole keeps the links of its list, next
 *             and previous, where the payload begins.
 *
 * Control     At the arena's start, 3,188 bytes: a null block that empty lists lead to, a bit map of the first
 *             level, 24 of the second, 768 list heads. The arena ends with a size word of 0. No statics.
 *
 * Cost        malloc and free O(1). Below 256 bytes the classes are exact; above, a hole in the class of the
 *             request itself is passed over, as it may be up to a 32nd too small.
 *
 * Use it      where all calls must take about the same time, in arenas of 16 KiB and more.
 * Not when    RAM is small, for the control structure is 3 KiB; or payloads must be aligned to 8.
 *
 * Source      Masmano and others, ECRTS 2004; layout and parameters of mattconte/tlsf 3.1 on 32 bits, by its
 *             behaviour. Equal to the recorded answers of the C code in offset, free bytes and largest hole.
 * Deviations  Payloads are aligned to 4, as the real ones are on 32 bits, also where the target asks for 8.
 *             Requests of 2^32 - 3 bytes and more, and resizing beyond 2^30 - 4, are refused, where the real
 *             one wraps. The count of free bytes (without size words) is ours, and kept beside the RAM.
 */

import * as v from 'valibot';
import type { Memory } from '../../mcu/memory.js';
import { bitsFrom, lowestBit } from '../bits.js';
import { defineHeap, flag } from '../definition.js';
import { type Heap, HeapCall, type HeapLayout, NULL, NULL_CALL, type PieceVisitor } from '../heap.js';
import { alignDown, alignUp, assertion } from '../words.js';
import { checkTlsf, walkTlsf } from './check.js';
import {
  ALIGNMENT,
  BEFORE_IS_FREE,
  CONTROL_BYTES,
  classOf,
  FIRST_LEVELS,
  FIRST_MAP,
  FLAGS,
  HEADS,
  IS_FREE,
  layOutControl,
  MINIMUM_ARENA_BYTES,
  MINIMUM_BYTES,
  NEXT_FREE,
  OVERHEAD_BYTES,
  PAYLOAD,
  PREDECESSOR,
  PREVIOUS_FREE,
  requestBytes,
  SECOND_LEVELS,
  SECOND_MAPS,
  SIZE,
  SMALL_BYTES,
  SPLIT_BYTES,
  searchBytes,
} from './layout.js';
import {
  EXHAUSTED,
  FIRST_EMPTY,
  FOUND,
  FREE_WORDS,
  INSERTED,
  MALLOC_WORDS,
  MAP_LARGE,
  MAP_SMALL,
  MERGE_NEXT,
  MERGE_PREVIOUS,
  NO_WORD,
  REMOVED,
  REMOVED_HEAD,
  SEARCH_FIRST,
  SEARCH_LARGE,
  SECOND_EMPTY,
  SPLIT,
  TINY,
} from './paths.js';

const options = v.strictObject({
  asserts: flag('tlsf_assert stops the device at a bad free; if false the lists are corrupted', true),
});
export type TlsfOptions = v.InferOutput<typeof options>;

export class Tlsf implements Heap {
  readonly lastCall = new HeapCall();

  /** Of the control structure, which begins with the null block. */
  private readonly control: number;
  /** What all holes hold, beside the RAM. */
  private holeBytes = 0;

  constructor(
    private readonly memory: Memory,
    private readonly layout: HeapLayout,
    private readonly options: TlsfOptions,
  ) {
    const [region] = layout.regions;
    this.control = region!.origin;
    layOutControl(memory, this.control);
    const poolBytes = alignDown(region!.bytes - CONTROL_BYTES - 2 * OVERHEAD_BYTES, ALIGNMENT);
    if (poolBytes >= MINIMUM_BYTES) this.layOutPool(poolBytes);
  }

  malloc(bytes: number): number {
    const { memory, control, lastCall: call } = this;
    call.begin();
    const wanted = requestBytes(bytes);
    if (wanted === 0) return NULL;
    let path = bytes <= MINIMUM_BYTES - ALIGNMENT ? TINY : 0;
    path += wanted < SMALL_BYTES ? MAP_SMALL : MAP_LARGE + SEARCH_LARGE;
    const lowest = classOf(searchBytes(wanted));
    let first = lowest >>> 5;
    call.path = path;
    if (first >= FIRST_LEVELS) return NULL;
    let lists = bitsFrom(memory.loadWord(control + SECOND_MAPS + 4 * first), lowest & 31);
    if (lists === 0) {
      path += SEARCH_FIRST;
      const levels = bitsFrom(memory.loadWord(control + FIRST_MAP), first + 1);
      if (levels === 0) {
        call.path = path + EXHAUSTED;
        return NULL;
      }
      first = lowestBit(levels);
      lists = memory.loadWord(control + SECOND_MAPS + 4 * first);
    }
    const list = first * SECOND_LEVELS + lowestBit(lists);
    const block = memory.loadWord(control + HEADS + 4 * list);
    const word = memory.loadWord(block + SIZE);
    if ((word & ~FLAGS) < wanted) this.refuse(block, 'a hole is as large as its list says');

    call.path = path + FOUND;
    this.unlink(block, list);
    this.use(block, word, wanted);
    return block + PAYLOAD;
  }

  free(address: number): void {
    const { memory, lastCall: call } = this;
    call.begin();
    if (address === NULL) {
      call.path = NULL_CALL;
      return;
    }
    const block = address - PAYLOAD;
    const word = memory.loadWord(block + SIZE);
    const size = word & ~FLAGS;
    if ((word & IS_FREE) !== 0) this.refuse(block, 'the block is not free already');
    if (size === 0) this.refuse(block, "the block is not the arena's end");

    this.markFree(block, size);
    this.holeBytes += size;
    const merged = this.mergeWithNext(this.mergeWithPrevious(block), MERGE_NEXT);
    this.insert(merged, memory.loadWord(merged + SIZE) & ~FLAGS);
  }

  resize(address: number, bytes: number): boolean {
    const { memory, lastCall: call } = this;
    call.begin();
    const wanted = requestBytes(bytes);
    if (wanted === 0) return false;
    const block = address - PAYLOAD;
    const size = memory.loadWord(block + SIZE) & ~FLAGS;
    if (wanted > size) {
      const next = this.nextOf(block, size);
      const nextWord = memory.loadWord(next + SIZE);
      if ((nextWord & IS_FREE) === 0 || wanted > size + (nextWord & ~FLAGS) + OVERHEAD_BYTES) return false;
      this.holeBytes -= nextWord & ~FLAGS;
      this.unlinkBySize(next, nextWord);
      this.absorb(block, nextWord);
      this.markUsed(block);
    }
    call.path |= FOUND;
    this.giveBackRest(block, wanted);
    return true;
  }

  /** Without size words: two holes that become one have 4 more. */
  freeBytes(): number {
    return this.holeBytes;
  }

  blockBytesFor(bytes: number): number {
    return Math.max(alignUp(bytes, ALIGNMENT), MINIMUM_BYTES) + OVERHEAD_BYTES;
  }

  private nextOf(block: number, size: number): number {
    return (block + OVERHEAD_BYTES + size) >>> 0;
  }

  /** Has the block behind lead back to `block`; returns the block behind. */
  private linkNext(block: number, size: number): number {
    const next = this.nextOf(block, size);
    this.memory.storeWord(next + PREDECESSOR, block);
    return next;
  }

  /** What the words hold is read again at each step, as in C: where a size is nonsense they overlap. */
  private markFree(block: number, size: number): void {
    const { memory } = this;
    const next = this.linkNext(block, size);
    memory.storeWord(next + SIZE, memory.loadWord(next + SIZE) | BEFORE_IS_FREE);
    memory.storeWord(block + SIZE, memory.loadWord(block + SIZE) | IS_FREE);
  }

  private markUsed(block: number): void {
    const { memory } = this;
    const word = memory.loadWord(block + SIZE);
    const next = this.nextOf(block, word & ~FLAGS);
    memory.storeWord(next + SIZE, memory.loadWord(next + SIZE) & ~BEFORE_IS_FREE);
    memory.storeWord(block + SIZE, word & ~IS_FREE);
  }

  /** A hole that has left its list becomes a block of `wanted` bytes, the rest a hole again. */
  private use(block: number, word: number, wanted: number): void {
    const { memory } = this;
    const size = word & ~FLAGS;
    this.holeBytes -= size;
    if (size >= wanted + SPLIT_BYTES) {
      this.lastCall.path += SPLIT;
      const rest = this.splitOff(block, word, wanted);
      memory.storeWord(rest + PREDECESSOR, block);
      memory.storeWord(rest + SIZE, memory.loadWord(rest + SIZE) | BEFORE_IS_FREE);
      this.holeBytes += size - wanted - OVERHEAD_BYTES;
      this.insert(rest, size - wanted - OVERHEAD_BYTES);
    }
    this.markUsed(block);
  }

  /** Cuts a block down to `wanted`; what is left is marked as free, its flag of the block before cleared. */
  private splitOff(block: number, word: number, wanted: number): number {
    const { memory } = this;
    const rest = this.nextOf(block, wanted);
    const restBytes = (word & ~FLAGS) - wanted - OVERHEAD_BYTES;
    memory.storeWord(block + SIZE, wanted | (word & FLAGS));
    memory.storeWord(rest + SIZE, restBytes);
    this.markFree(rest, restBytes);
    return rest;
  }

  /** The end of a live block that is not needed becomes a hole, together with a hole behind it. */
  private giveBackRest(block: number, wanted: number): void {
    const { memory } = this;
    const word = memory.loadWord(block + SIZE);
    if ((word & ~FLAGS) < wanted + SPLIT_BYTES) return;
    this.lastCall.path += SPLIT;
    const rest = this.splitOff(block, word, wanted);
    this.holeBytes += (word & ~FLAGS) - wanted - OVERHEAD_BYTES;
    const merged = this.mergeWithNext(rest, NO_WORD);
    this.insert(merged, memory.loadWord(merged + SIZE) & ~FLAGS);
  }

  private mergeWithPrevious(block: number): number {
    const { memory } = this;
    if ((memory.loadWord(block + SIZE) & BEFORE_IS_FREE) === 0) return block;
    const previous = memory.loadWord(block + PREDECESSOR);
    const previousWord = memory.loadWord(previous + SIZE);
    if ((previousWord & IS_FREE) === 0) this.refuse(previous, 'the block before is free as this one says');
    this.lastCall.path += MERGE_PREVIOUS;
    this.unlinkBySize(previous, previousWord);
    this.absorb(previous, memory.loadWord(block + SIZE));
    this.holeBytes += OVERHEAD_BYTES;
    return previous;
  }

  /** `path`: the word for it. */
  private mergeWithNext(block: number, path: number): number {
    const { memory } = this;
    const next = this.nextOf(block, memory.loadWord(block + SIZE) & ~FLAGS);
    const word = memory.loadWord(next + SIZE);
    if ((word & IS_FREE) === 0) return block;
    this.lastCall.path += path;
    this.unlinkBySize(next, word);
    this.absorb(block, word);
    this.holeBytes += OVERHEAD_BYTES;
    return block;
  }

  /** The block behind, whose size word is `otherWord`, becomes part of `block`, which keeps its flags. */
  private absorb(block: number, otherWord: number): void {
    const { memory } = this;
    const word = memory.loadWord(block + SIZE) + (otherWord & ~FLAGS) + OVERHEAD_BYTES;
    memory.storeWord(block + SIZE, word);
    this.linkNext(block, word & ~FLAGS);
  }

  private unlinkBySize(block: number, word: number): void {
    const size = word & ~FLAGS;
    this.lastCall.path += size < SMALL_BYTES ? MAP_SMALL : MAP_LARGE;
    this.unlink(block, classOf(size));
  }

  private unlink(block: number, list: number): void {
    const { memory, control } = this;
    let path = REMOVED;
    const previous = memory.loadWord(block + PREVIOUS_FREE);
    const next = memory.loadWord(block + NEXT_FREE);
    if (previous === NULL || next === NULL) this.refuse(block, "a hole's links are not NULL");
    memory.storeWord(next + PREVIOUS_FREE, previous);
    memory.storeWord(previous + NEXT_FREE, next);
    const head = control + HEADS + 4 * list;
    if (memory.loadWord(head) === block) {
      memory.storeWord(head, next);
      path += REMOVED_HEAD;
      if (next === control) path += this.noteEmptyList(list);
    }
    this.lastCall.path += path;
  }

  /** Returns the words for the cost model. */
  private noteEmptyList(list: number): number {
    const { memory, control } = this;
    const first = list >>> 5;
    const map = control + SECOND_MAPS + 4 * first;
    const lists = memory.loadWord(map) & ~(1 << (list & 31));
    memory.storeWord(map, lists);
    if (lists !== 0) return SECOND_EMPTY;
    memory.storeWord(control + FIRST_MAP, memory.loadWord(control + FIRST_MAP) & ~(1 << first));
    return SECOND_EMPTY + FIRST_EMPTY;
  }

  private insert(block: number, size: number): void {
    const { memory, control } = this;
    this.lastCall.path += INSERTED + (size < SMALL_BYTES ? MAP_SMALL : MAP_LARGE);
    const list = classOf(size);
    const first = list >>> 5;
    const head = control + HEADS + 4 * list;
    const current = memory.loadWord(head);
    memory.storeWord(block + NEXT_FREE, current);
    memory.storeWord(block + PREVIOUS_FREE, control);
    memory.storeWord(current + PREVIOUS_FREE, block);
    memory.storeWord(head, block);
    memory.storeWord(control + FIRST_MAP, memory.loadWord(control + FIRST_MAP) | (1 << first));
    const map = control + SECOND_MAPS + 4 * first;
    memory.storeWord(map, memory.loadWord(map) | (1 << (list & 31)));
  }

  /** One hole and, behind it, the size word that ends the arena. */
  private layOutPool(bytes: number): void {
    const { memory } = this;
    const block = this.control + CONTROL_BYTES - SIZE;
    memory.storeWord(block + SIZE, bytes | IS_FREE);
    this.insert(block, bytes);
    const end = this.linkNext(block, bytes);
    memory.storeWord(end + SIZE, BEFORE_IS_FREE);
    this.holeBytes = bytes;
  }

  private refuse(block: number, statement: string): void {
    if (this.options.asserts) throw assertion(block, statement, 'tlsf_assert');
  }

  walk(visit: PieceVisitor): void {
    walkTlsf(this.memory, this.layout.regions[0]!, visit);
  }

  check(): void {
    checkTlsf(this.memory, this.layout.regions[0]!, this.holeBytes);
  }
}

export const tlsf = defineHeap({
  name: 'tlsf',
  origin: 'two-level segregated fit (Masmano 2004), as mattconte/tlsf 3.1 on 32 bits',
  facts: {
    policy: 'good fit from lists by size class; holes merged at once; every call in constant time',
    block:
      'size word, 4 bytes; payloads aligned to 4 only, 12 at least; control takes 3,196 bytes of the arena',
    mallocCost: 'O(1)',
    freeCost: 'O(1)',
    bound: 'max over r <= n of class(r) * (M - r + 1), class(r) being r rounded up to the next class',
    useWhen: 'all calls must take about the same time, in arenas of 16 KiB and more',
    notWhen: 'RAM is small, or payloads must be aligned to 8',
  },
  boundRow: 'eager-merge-by-class',
  surplusBytes: () => MINIMUM_BYTES,
  options,
  blockWords: () => ({
    used: ['size'],
    hole: ['size', 'next', 'previous'],
    lastOfHole: 'pred',
    behind: 'last size word',
  }),
  pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
  coalesces: true,
  mayPassOverAHole: true,
  notAtZero: true,
  regions: 'one',
  payloadAlignment: () => ALIGNMENT,
  staticBytes: () => 0,
  minimumArenaBytes: () => MINIMUM_ARENA_BYTES,
  create: (memory, layout, chosen) => new Tlsf(memory, layout, chosen),
});
