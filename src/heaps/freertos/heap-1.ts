/**
 * heap_1: hands out RAM from bottom to top and takes nothing back.
 *
 * Policy      A request gets the next bytes, rounded up to the alignment. There is no list and no header.
 *
 * Arena             0                next                    size
 *                   +-------+--------+-----------------------+
 *                   | block | block  | not yet given out     |
 *                   +-------+--------+-----------------------+
 *             One alignment unit is given up for good, and the last bytes are never given out: a request must
 *             end before the arena's last byte.
 *
 * Statics     aligned start, next free byte: 8 bytes.
 *
 * Cost        malloc O(1); no fragmentation, as nothing is ever free again. The bound is the sum of all
 *             requests, rounded.
 *
 * Use it      where everything is allocated once, at start-up: safety standards that forbid more accept it.
 * Not when    anything is ever freed: heap_4.
 *
 * Source      FreeRTOS kernel V11, portable/MemMang/heap_1.c, by its behaviour. Equal to the recorded answers
 *             of the C code in every offset and free count (test/vectors/heap_1).
 * Deviations  The C code leaves no trace of where a block begins. Maps need it, so a bit per alignment unit is
 *             kept beside the RAM, as a debugger's log of malloc would.
 *             FreeRTOS has no statistics here, nor the minimum ever free: as an extension both are kept by heap_4's
 *             rules, beside the RAM, so that statics and costs stay the real ones.
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
import { CountedHeap } from './counted-heap.js';
import { assertsOption } from './options.js';
import { alignUp, assertion, blockBytes } from './request.js';

// Statics, as offsets from their start.
const ALIGNED_START = 0;
const NEXT_FREE_BYTE = 4;
const STATIC_BYTES = 8;

/** The cost model's words for a malloc, in the order of their bits. */
const MALLOC_WORDS = ['align', 'found', 'nonzero'] as const;
const ALIGN = 1;
const FOUND = 2;
const NONZERO = 4;

const options = v.strictObject({ asserts: assertsOption });
export type Heap1Options = v.InferOutput<typeof options>;

export class Heap1 extends CountedHeap implements Heap {
  readonly lastCall = new HeapCall();

  private readonly statics: number;
  private readonly base: number;
  private readonly arenaBytes: number;
  private readonly alignment: number;
  /** A bit per alignment unit of the arena: a block begins here. */
  private readonly blockStarts: Uint32Array;

  constructor(
    private readonly memory: Memory,
    private readonly layout: HeapLayout,
    private readonly options: Heap1Options,
  ) {
    const [region] = layout.regions;
    super(region!.bytes - layout.alignment);
    this.alignment = layout.alignment;
    this.statics = layout.statics;
    this.base = alignUp(region!.origin, layout.alignment);
    this.arenaBytes = region!.bytes - layout.alignment;
    this.blockStarts = new Uint32Array(Math.ceil(region!.bytes / layout.alignment / 32) + 1);
  }

  malloc(bytes: number): number {
    const { memory, statics, base, lastCall: call } = this;
    call.begin();
    call.path = bytes === 0 ? 0 : NONZERO;
    if ((bytes & (this.alignment - 1)) !== 0) call.path |= ALIGN;
    const wanted = blockBytes(bytes, 0, this.alignment);

    if (memory.loadWord(statics + ALIGNED_START) === 0) memory.storeWord(statics + ALIGNED_START, base);
    const next = memory.loadWord(statics + NEXT_FREE_BYTE);
    if (wanted === 0 || next + wanted >= this.arenaBytes) return NULL;

    call.path |= FOUND;
    memory.storeWord(statics + NEXT_FREE_BYTE, next + wanted);
    this.noteBlock(next);
    this.noteAllocated(this.arenaBytes - next - wanted);
    return base + next;
  }

  /** Only NULL may be freed. */
  free(address: number): void {
    const { lastCall: call } = this;
    call.begin();
    if (address === NULL) call.path = NULL_CALL;
    else if (this.options.asserts) throw assertion(address, 'only NULL is freed: heap_1 takes nothing back');
  }

  freeBytes(): number {
    return this.arenaBytes - this.memory.loadWord(this.statics + NEXT_FREE_BYTE);
  }

  /** What is left counts as one hole. */
  protected override holeSizes(): number[] {
    const hole = this.largestRequest(this.memory.loadWord(this.statics + NEXT_FREE_BYTE));
    return hole > 0 ? [hole] : [];
  }

  /** `vPortHeapResetState`: everything is free again, whoever still uses it. */
  resetState(): void {
    this.memory.storeWord(this.statics + NEXT_FREE_BYTE, 0);
    this.blockStarts.fill(0);
    this.restartCounts();
  }

  blockBytesFor(bytes: number): number {
    return alignUp(bytes, this.alignment);
  }

  private noteBlock(offset: number): void {
    const unit = offset / this.alignment;
    this.blockStarts[unit >>> 5]! |= 1 << (unit & 31);
  }

  private startsBlock(offset: number): boolean {
    const unit = offset / this.alignment;
    return (this.blockStarts[unit >>> 5]! & (1 << (unit & 31))) !== 0;
  }

  walk(visit: PieceVisitor): void {
    const [region] = this.layout.regions;
    const { base, alignment } = this;
    const next = this.nextFreeByte();
    if (base > region!.origin) visit('bookkeeping', region!.origin, base - region!.origin, 0);
    for (let start = 0; start < next; ) {
      let end = start + alignment;
      while (end < next && !this.startsBlock(end)) end += alignment;
      visit('used', base + start, end - start, base + start);
      start = end;
    }
    const hole = this.largestRequest(next);
    if (hole > 0) visit('hole', base + next, hole, 0);
    const end = base + next + hole;
    visit('bookkeeping', end, region!.origin + region!.bytes - end, 0);
  }

  /** What is left, without the last bytes, which no request can have. */
  private largestRequest(next: number): number {
    const below = this.arenaBytes - next;
    return Math.max(0, below - 1 - ((below - 1) % this.alignment));
  }

  check(): void {
    const start = this.memory.loadWord(this.statics + ALIGNED_START);
    if (start !== 0 && start !== this.base) {
      throw new Corruption("the pointer to the arena's start has been overwritten", this.statics);
    }
    this.nextFreeByte();
  }

  /** @throws Corruption where it cannot be one */
  private nextFreeByte(): number {
    const address = this.statics + NEXT_FREE_BYTE;
    const next = this.memory.loadWord(address);
    if (next < this.arenaBytes && next % this.alignment === 0) return next;
    throw new Corruption(`the next free byte is ${next}: no block ends there`, address);
  }
}

export const heap1 = defineHeap({
  name: 'heap_1',
  origin: 'FreeRTOS V11, heap_1.c',
  facts: {
    policy: 'hands out RAM from bottom to top; nothing can be freed',
    block: 'no header; only the rounding to the alignment',
    mallocCost: 'O(1)',
    freeCost: 'none: free is an assertion, or nothing happens',
    bound: 'the sum of all requests, rounded',
    useWhen: 'everything is allocated once, at start-up',
    notWhen: 'anything is ever freed',
  },
  options,
  pathWords: { malloc: MALLOC_WORDS, free: [] },
  coalesces: false,
  neverFrees: true,
  notAtZero: true,
  regions: 'one',
  staticBytes: () => STATIC_BYTES,
  minimumArenaBytes: (alignment) => 3 * alignment,
  create: (memory, layout, chosen) => new Heap1(memory, layout, chosen),
});
