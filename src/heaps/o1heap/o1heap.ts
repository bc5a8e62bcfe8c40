/**
 * o1heap: half fit, in constant time and with a proof of how much RAM is enough.
 *
 * Policy      A request, header added, is rounded up to a power of two. Holes are filed in 32 bins, bin i holding
 *             sizes from 32 * 2^i to just below twice that. The first hole of the lowest bin all of whose holes
 *             are large enough is cut to size, the rest filed again. A freed fragment joins the holes that touch
 *             it; bins are last in, first out.
 *
 * Fragment          0         4         8         12   13    16                   size
 *                   +---------+---------+---------+----+-----+---------------------+
 *                   | next    | prev    | size    |used|     | payload             |
 *                   +---------+---------+---------+----+-----+---------------------+
 *             next and prev: the neighbours in memory, NULL at the ends. size: with the header, a multiple of
 *             32, a power of two while in use. used: one byte. A hole keeps the links of its bin, next and
 *             previous, where the payload begins.
 *
 * Instance    At the arena's start, 160 bytes: 32 bin heads, the mask of bins that hold something, capacity,
 *             allocated bytes, their peak, the largest request, and the number of requests that failed.
 *             No statics.
 *
 * Cost        malloc and free O(1). With 2 * M * (1 + ceil(log2 n)) bytes no request can fail (readme).
 *
 * Use it      where time and memory must be bounded by proof.
 * Not when    RAM is tight: 17 bytes take 64, and nothing smaller than 32 is given out.
 *
 * Source      o1heap 2.2 (P. Kirienko) on a 32-bit ARM, by its behaviour. Equal to the recorded answers of the C
 *             code in offset, free bytes and largest hole (test/vectors/o1heap).
 * Deviations  None known. realloc, which it does not have, is malloc, copy, free.
 */

import * as v from 'valibot';
import type { Memory } from '../../mcu/memory.js';
import { bitsFrom, lowestBit } from '../bits.js';
import { defineHeap, flag } from '../definition.js';
import { type Heap, HeapCall, type HeapLayout, NULL, NULL_CALL, type PieceVisitor } from '../heap.js';
import { alignDown, alignUp, assertion } from '../words.js';
import { checkO1Heap, walkO1Heap } from './check.js';
import {
  ALIGNMENT,
  ALLOCATED,
  binOf,
  CAPACITY,
  FAILURES,
  fragmentBytes,
  HEADER_BYTES,
  INSTANCE_BYTES,
  MASK,
  MAXIMUM_BYTES,
  MINIMUM_BYTES,
  NEXT,
  NEXT_FREE,
  PEAK_ALLOCATED,
  PEAK_REQUEST,
  PREVIOUS,
  PREVIOUS_FREE,
  SIZE,
  USED,
} from './layout.js';

/** The cost model's words; those that stand twice are counted in two bits. */
const MALLOC_WORDS = [
  ...['unbin', 'unbin', 'unbin_next', 'unbin_next', 'unbin_prev', 'unbin_prev', 'unbin_head', 'unbin_head'],
  ...['unbin_empty', 'unbin_empty', 'rebin', 'rebin_nonempty', 'link_left', 'link_left'],
  ...['link_right', 'link_right', 'nonzero', 'tiny', 'found', 'split', 'peak', 'peakreq', 'oom'],
] as const;
const UNBIN = 1;
const UNBIN_NEXT = 1 << 2;
const UNBIN_PREVIOUS = 1 << 4;
const UNBIN_HEAD = 1 << 6;
const UNBIN_EMPTY = 1 << 8;
const REBIN = 1 << 10;
const REBIN_NONEMPTY = 1 << 11;
const LINK_LEFT = 1 << 12;
const LINK_RIGHT = 1 << 14;
const NONZERO = 1 << 16;
const TINY = 1 << 17;
const FOUND = 1 << 18;
const SPLIT = 1 << 19;
const PEAK = 1 << 20;
const PEAK_REQUESTED = 1 << 21;
const OUT_OF_MEMORY = 1 << 22;
const FREE_WORDS = [
  ...MALLOC_WORDS.slice(0, 16),
  ...['has_prev', 'has_next', 'join_left', 'join_right', 'join_both'],
] as const;
const HAS_PREVIOUS = 1 << 16;
const HAS_NEXT = 1 << 17;
const JOIN_LEFT = 1 << 18;
const JOIN_RIGHT = 1 << 19;
const JOIN_BOTH = 1 << 20;

const options = v.strictObject({
  asserts: flag('O1HEAP_ASSERT stops the device at a bad free; if false the chain is corrupted', true),
});
export type O1HeapOptions = v.InferOutput<typeof options>;

export class O1Heap implements Heap {
  readonly lastCall = new HeapCall();

  private readonly instance: number;
  private readonly capacity: number;

  constructor(
    private readonly memory: Memory,
    private readonly layout: HeapLayout,
    private readonly options: O1HeapOptions,
  ) {
    const [region] = layout.regions;
    this.instance = alignUp(region!.origin, ALIGNMENT);
    const bytes = region!.origin + region!.bytes - this.instance - INSTANCE_BYTES;
    this.capacity = Math.min(alignDown(bytes, MINIMUM_BYTES), MAXIMUM_BYTES);
    this.initialise();
  }

  malloc(bytes: number): number {
    const { memory, instance, lastCall: call } = this;
    call.begin();
    let address = NULL;
    if (bytes > 0 && bytes <= memory.loadWord(instance + CAPACITY) - HEADER_BYTES) {
      const wanted = fragmentBytes(bytes);
      call.path = wanted === MINIMUM_BYTES ? NONZERO + TINY : NONZERO;
      const bins = bitsFrom(memory.loadWord(instance + MASK), binOf(wanted));
      if (bins !== 0) {
        const hole = memory.loadWord(instance + 4 * lowestBit(bins));
        address = this.takeFrom(hole, wanted) + HEADER_BYTES;
      }
    }
    if (memory.loadWord(instance + PEAK_REQUEST) < bytes) {
      memory.storeWord(instance + PEAK_REQUEST, bytes);
      call.path += PEAK_REQUESTED;
    }
    if (address === NULL && bytes > 0) this.countFailure();
    return address;
  }

  free(address: number): void {
    const { memory, instance, lastCall: call } = this;
    call.begin();
    if (address === NULL) {
      call.path = NULL_CALL;
      return;
    }
    const fragment = address - HEADER_BYTES;
    if (this.options.asserts) this.assertLive(fragment);

    memory.storeByte(fragment + USED, 0);
    const size = memory.loadWord(fragment + SIZE);
    memory.storeWord(instance + ALLOCATED, memory.loadWord(instance + ALLOCATED) - size);
    this.join(fragment, size);
  }

  freeBytes(): number {
    return this.memory.loadWord(this.instance + CAPACITY) - this.memory.loadWord(this.instance + ALLOCATED);
  }

  minimumEverFreeBytes(): number {
    const { memory, instance } = this;
    return memory.loadWord(instance + CAPACITY) - memory.loadWord(instance + PEAK_ALLOCATED);
  }

  blockBytesFor(bytes: number): number {
    return fragmentBytes(bytes);
  }

  /** Cuts a hole to `wanted` bytes. */
  private takeFrom(fragment: number, wanted: number): number {
    const { memory, instance, lastCall: call } = this;
    const size = memory.loadWord(fragment + SIZE);
    if (size < wanted) this.refuse(fragment, 'a hole is as large as its bin says');
    this.unbin(fragment, size);
    call.path += FOUND;
    if (size > wanted) {
      call.path += SPLIT;
      const rest = fragment + wanted;
      memory.storeWord(fragment + SIZE, wanted);
      memory.storeWord(rest + SIZE, size - wanted);
      memory.storeByte(rest + USED, 0);
      this.link(rest, memory.loadWord(fragment + NEXT));
      this.link(fragment, rest);
      this.rebin(rest, size - wanted);
    }
    const allocated = memory.loadWord(instance + ALLOCATED) + wanted;
    memory.storeWord(instance + ALLOCATED, allocated);
    if (memory.loadWord(instance + PEAK_ALLOCATED) < allocated) {
      memory.storeWord(instance + PEAK_ALLOCATED, allocated);
      call.path += PEAK;
    }
    memory.storeByte(fragment + USED, 1);
    return fragment;
  }

  /** Makes a freed fragment and the holes beside it one, and files that. */
  private join(fragment: number, size: number): void {
    const { memory, lastCall: call } = this;
    const previous = memory.loadWord(fragment + PREVIOUS);
    const next = memory.loadWord(fragment + NEXT);
    if (previous !== NULL) call.path += HAS_PREVIOUS;
    if (next !== NULL) call.path += HAS_NEXT;
    const left = previous !== NULL && memory.loadByte(previous + USED) === 0;
    const right = next !== NULL && memory.loadByte(next + USED) === 0;
    if (left && right) call.path += JOIN_BOTH;

    let joined = fragment;
    let bytes = size;
    let behind = next;
    if (left) {
      call.path += JOIN_LEFT;
      const before = memory.loadWord(previous + SIZE);
      this.unbin(previous, before);
      joined = previous;
      bytes += before;
    }
    if (right) {
      call.path += JOIN_RIGHT;
      const after = memory.loadWord(next + SIZE);
      this.unbin(next, after);
      bytes += after;
      behind = memory.loadWord(next + NEXT);
      memory.storeWord(next + SIZE, 0);
    }
    if (left) memory.storeWord(fragment + SIZE, 0);
    if (left || right) {
      memory.storeWord(joined + SIZE, bytes);
      this.link(joined, behind);
    }
    this.rebin(joined, bytes);
  }

  /** Makes two fragments neighbours; either may be NULL. */
  private link(left: number, right: number): void {
    const { memory, lastCall: call } = this;
    if (left !== NULL) {
      memory.storeWord(left + NEXT, right);
      call.path += LINK_LEFT;
    }
    if (right !== NULL) {
      memory.storeWord(right + PREVIOUS, left);
      call.path += LINK_RIGHT;
    }
  }

  private rebin(fragment: number, size: number): void {
    const { memory, instance, lastCall: call } = this;
    const bin = binOf(size);
    const head = memory.loadWord(instance + 4 * bin);
    memory.storeWord(fragment + NEXT_FREE, head);
    memory.storeWord(fragment + PREVIOUS_FREE, NULL);
    call.path += REBIN;
    if (head !== NULL) {
      memory.storeWord(head + PREVIOUS_FREE, fragment);
      call.path += REBIN_NONEMPTY;
    }
    memory.storeWord(instance + 4 * bin, fragment);
    memory.storeWord(instance + MASK, memory.loadWord(instance + MASK) | (1 << bin));
  }

  private unbin(fragment: number, size: number): void {
    const { memory, instance } = this;
    const bin = binOf(size);
    const next = memory.loadWord(fragment + NEXT_FREE);
    const previous = memory.loadWord(fragment + PREVIOUS_FREE);
    let path = UNBIN;
    if (next !== NULL) {
      memory.storeWord(next + PREVIOUS_FREE, previous);
      path += UNBIN_NEXT;
    }
    if (previous !== NULL) {
      memory.storeWord(previous + NEXT_FREE, next);
      path += UNBIN_PREVIOUS;
    }
    if (memory.loadWord(instance + 4 * bin) === fragment) {
      memory.storeWord(instance + 4 * bin, next);
      path += UNBIN_HEAD;
      if (next === NULL) {
        memory.storeWord(instance + MASK, memory.loadWord(instance + MASK) & ~(1 << bin));
        path += UNBIN_EMPTY;
      }
    }
    this.lastCall.path += path;
  }

  /** One hole over all of it. */
  private initialise(): void {
    const { memory, instance, capacity } = this;
    memory.fill(instance, INSTANCE_BYTES, 0);
    memory.storeWord(instance + CAPACITY, capacity);
    const fragment = instance + INSTANCE_BYTES;
    memory.storeWord(fragment + NEXT, NULL);
    memory.storeWord(fragment + PREVIOUS, NULL);
    memory.storeWord(fragment + SIZE, capacity);
    memory.storeByte(fragment + USED, 0);
    this.rebin(fragment, capacity);
  }

  /** A counter of 64 bits. */
  private countFailure(): void {
    const { memory, instance, lastCall: call } = this;
    call.path += OUT_OF_MEMORY;
    const low = (memory.loadWord(instance + FAILURES) + 1) % 2 ** 32;
    memory.storeWord(instance + FAILURES, low);
    if (low === 0) {
      memory.storeWord(instance + FAILURES + 4, memory.loadWord(instance + FAILURES + 4) + 1);
    }
  }

  private assertLive(fragment: number): void {
    const { memory, instance } = this;
    const capacity = memory.loadWord(instance + CAPACITY);
    const first = instance + INSTANCE_BYTES;
    const inside = fragment >= first && fragment <= first + capacity - MINIMUM_BYTES;
    if (fragment % 4 !== 0 || !inside) this.refuse(fragment, 'the fragment lies inside the arena');
    if (memory.loadByte(fragment + USED) === 0) this.refuse(fragment, 'the fragment is in use');
    const links = memory.loadWord(fragment + NEXT) | memory.loadWord(fragment + PREVIOUS);
    if ((links & 3) !== 0) this.refuse(fragment, "the neighbours' addresses are aligned");
    const size = memory.loadWord(fragment + SIZE);
    const plausible = size >= MINIMUM_BYTES && size <= capacity && size % MINIMUM_BYTES === 0;
    if (!plausible) this.refuse(fragment, "the fragment's size is possible");
    if (memory.loadWord(instance + ALLOCATED) < size) {
      this.refuse(fragment, 'no more is freed than was allocated');
    }
  }

  private refuse(fragment: number, statement: string): void {
    if (this.options.asserts) throw assertion(fragment, statement, 'O1HEAP_ASSERT');
  }

  walk(visit: PieceVisitor): void {
    walkO1Heap(this.memory, this.layout.regions[0]!, this.instance, this.capacity, visit);
  }

  check(): void {
    checkO1Heap(this, this.memory, this.instance, this.capacity);
  }
}

export const o1heap = defineHeap({
  name: 'o1heap',
  origin: 'o1heap 2.2 (Kirienko), half fit',
  facts: {
    policy: 'powers of two from bins by size class; holes merged at once; every call in constant time',
    block:
      'header {next, prev, size, used}, 16 bytes; with it a power of two, 32 at least; 160 bytes of the arena for the instance',
    mallocCost: 'O(1)',
    freeCost: 'O(1)',
    bound: '2 * M * (1 + ceil(log2 n)) (half fit)',
    useWhen: 'time and memory must be bounded by proof',
    notWhen: 'RAM is tight: 17 bytes take 64',
  },
  boundRow: 'half-fit',
  options,
  blockWords: () => {
    const used = ['next', 'prev', 'size', 'used'];
    return { used, hole: [...used, 'next in bin', 'previous in bin'] };
  },
  pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
  coalesces: true,
  regions: 'one',
  payloadAlignment: () => ALIGNMENT,
  staticBytes: () => 0,
  minimumArenaBytes: () => INSTANCE_BYTES + MINIMUM_BYTES + ALIGNMENT,
  create: (memory, layout, chosen) => new O1Heap(memory, layout, chosen),
});
