/**
 * dlmalloc: best fit from bins, with one hole kept at hand so that small blocks are carved side by side.
 *
 * Policy      Holes are filed in 32 small bins of one size each, 8 bytes apart, and 32 tree bins, two per power
 *             of two from 256 bytes on. A small request (a chunk below 256 bytes) takes, in this order: a hole
 *             of its size or of 8 bytes more; the designated victim, which is the rest of the last such split;
 *             the smallest hole in any bin, whose rest becomes the victim. A large one takes the smallest hole
 *             of all bins, or the victim if that is closer. What no hole serves comes from top, the hole at
 *             the arena's end. Freed chunks join the holes around them, victim and top among these, at once.
 *
 * Chunk             0         4         8                   bytes     bytes + 4
 *                   +---------+---------+---------------------+---------+
 *                   | foot    | head    | payload             : payload |
 *                   +---------+---------+---------------------+---------+
 *             head: bytes, a multiple of 8, 16 at least; bit 0: the chunk before is in use, bit 1: this one is.
 *             foot: of the chunk before, its bytes while it is free, else the last word of its payload. So the
 *             overhead is 4 bytes. A hole has links forward and back at 8, one in a tree bin two children,
 *             parent and the number of its bin behind them. With `footers` a live chunk keeps its foot, for
 *             the address of the statics xor a magic number: 8 bytes of overhead.
 *
 * Statics     malloc_state, 472 bytes: maps of the bins that hold something, bytes and address of victim and
 *             top, 32 list ends, 32 roots, the segment. malloc_params, 24 bytes: magic number, thresholds.
 *             The arena ends with 40 bytes that would describe another segment.
 *
 * Cost        malloc and free O(1) on small bins; on tree bins O(bits of the size), up to 30 steps.
 *
 * Use it      to compare with: it is the general-purpose malloc that others are measured against, and rmalloc's
 *             author did. Little waste in practice, and quick on average.
 * Not when    RAM is a few KiB; or time or RAM must be bounded: best fit's worst case is poor.
 *
 * Source      Doug Lea's malloc 2.8.6, by what is published of its design, with neither mmap nor locks, on one
 *             contiguous arena that it has from the start. There are no recorded answers to compare with.
 * Deviations  Nothing is trimmed, and no second segment is ever asked for. Magic is a constant. The count of
 *             free bytes (with heads; top without the 8 bytes that it never gives) is ours, and kept beside the
 *             RAM. A list or tree that runs in a circle is a fault instead of a hang.
 */

import * as v from 'valibot';
import type { Memory } from '../../mcu/memory.js';
import { lowestBit } from '../bits.js';
import { defineHeap, flag } from '../definition.js';
import { type Heap, HeapCall, type HeapLayout, NULL, NULL_CALL, type PieceVisitor } from '../heap.js';
import { alignDown, alignUp } from '../words.js';
import { Bins } from './bins.js';
import { checkDlmalloc, walkDlmalloc } from './check.js';
import { Chunks } from './chunks.js';
import {
  ALIGNMENT,
  BOTH_IN_USE,
  FLAGS,
  HEAD,
  LARGE_BYTES,
  layOutState,
  MAXIMUM_REQUEST,
  MINIMUM_ARENA_BYTES,
  MINIMUM_BYTES,
  PAYLOAD,
  RELEASE_CHECKS,
  SMALL_MAP,
  STATIC_BYTES,
  TOP,
  TOP_BYTES,
  TOP_FOOT_BYTES,
  TOP_KEEPS_BYTES,
  TREE_MAP,
  VICTIM,
  VICTIM_BYTES,
} from './layout.js';
import {
  EXACT,
  FREE_WORDS,
  FROM_TOP,
  FROM_VICTIM,
  INTO_TREE,
  MALLOC_WORDS,
  NEXT_BIN,
  REFILE,
  SPLIT,
  TREE,
} from './paths.js';
import { Release } from './release.js';
import { Resizer } from './resize.js';

const options = v.strictObject({
  asserts: flag(
    'A bad free or a broken link aborts; if false, as compiled with INSECURE, it is followed',
    true,
  ),
  footers: flag('Live chunks keep a word at their end that says whose they are, which free looks at', false),
});
export type DlmallocOptions = v.InferOutput<typeof options>;

export class Dlmalloc implements Heap {
  readonly lastCall = new HeapCall();

  private readonly state: number;
  private readonly bins: Bins;
  private readonly chunks: Chunks;
  private readonly release: Release;
  private readonly resizer: Resizer;
  private readonly overheadBytes: number;

  constructor(
    private readonly memory: Memory,
    private readonly layout: HeapLayout,
    private readonly options: DlmallocOptions,
  ) {
    const [region] = layout.regions;
    this.state = layout.statics;
    this.overheadBytes = options.footers ? 8 : 4;
    this.bins = new Bins(memory, this.state, options.asserts, this.lastCall);
    this.chunks = new Chunks(memory, this.state, options);
    this.release = new Release(memory, this.state, this.chunks, this.bins);
    this.resizer = new Resizer(memory, this.state, this.chunks, this.bins, this.release, this.lastCall);
    layOutState(memory, this.state, region!.origin, region!.bytes);
    this.layOutTop(region!.origin, region!.bytes);
  }

  malloc(bytes: number): number {
    const { lastCall: call } = this;
    call.begin();
    if (bytes > MAXIMUM_REQUEST) return NULL;
    const wanted = this.chunkBytes(bytes);
    let chunk = wanted < LARGE_BYTES ? this.takeSmall(wanted) : this.takeLarge(wanted);
    if (chunk === NULL) chunk = this.takeVictimOrTop(wanted);
    return chunk === NULL ? NULL : chunk + PAYLOAD;
  }

  free(address: number): void {
    const { memory, state, lastCall: call } = this;
    call.begin();
    if (address === NULL) {
      call.path = NULL_CALL;
      return;
    }
    const chunk = (address - PAYLOAD) >>> 0;
    const head = this.chunks.headOfLive(chunk);
    // Neither bit: as a chunk that has been mapped on its own. There is nothing to unmap.
    if ((head & BOTH_IN_USE) === 0) return;
    call.path = this.release.run(chunk, head);
    if ((call.path & INTO_TREE) === 0) return;
    // Now and then the real one would look for segments that it could give back.
    memory.storeWord(state + RELEASE_CHECKS, memory.loadWord(state + RELEASE_CHECKS) - 1);
  }

  resize(address: number, bytes: number): boolean {
    this.lastCall.begin();
    return bytes <= MAXIMUM_REQUEST && this.resizer.resize(address - PAYLOAD, this.chunkBytes(bytes));
  }

  /** With heads; without top's last 8 bytes, which cannot be had. */
  freeBytes(): number {
    return this.chunks.holeBytes;
  }

  blockBytesFor(bytes: number): number {
    return Math.max(MINIMUM_BYTES, alignUp(bytes + this.overheadBytes, ALIGNMENT));
  }

  private chunkBytes(request: number): number {
    const bytes = (request + this.overheadBytes + ALIGNMENT - 1) & ~FLAGS;
    return bytes < MINIMUM_BYTES ? MINIMUM_BYTES : bytes;
  }

  // --- malloc -------------------------------------------------------------------------------------------

  /** From a small bin or, where the victim will not do, from a tree; NULL: see to victim and top. */
  private takeSmall(wanted: number): number {
    const { memory, state, bins, lastCall: call } = this;
    const index = wanted >>> 3;
    const filled = memory.loadWord(state + SMALL_MAP) >>> index;
    if ((filled & 3) !== 0) {
      // 8 bytes more cannot be split off.
      const bytes = wanted + ((~filled & 1) << 3);
      call.path = EXACT;
      const chunk = bins.takeFirstSmall(bytes);
      return this.useWhole(chunk, bytes);
    }
    if (wanted <= memory.loadWord(state + VICTIM_BYTES)) return NULL;
    if (filled !== 0) {
      const bytes = (index + lowestBit(filled)) << 3;
      call.path = NEXT_BIN;
      return this.useFront(bins.takeFirstSmall(bytes), bytes, wanted);
    }
    if (memory.loadWord(state + TREE_MAP) === 0) return NULL;
    call.path = TREE;
    const chunk = bins.smallestLarge();
    const bytes = memory.loadWord(chunk + HEAD) & ~FLAGS;
    this.bins.expectFits(chunk, wanted);
    bins.unlinkLarge(chunk);
    return bytes - wanted < MINIMUM_BYTES ? this.useWhole(chunk, bytes) : this.useFront(chunk, bytes, wanted);
  }

  /** From a tree, unless the victim fits as closely; NULL: see to victim and top. */
  private takeLarge(wanted: number): number {
    const { memory, state, bins, lastCall: call } = this;
    if (memory.loadWord(state + TREE_MAP) === 0) return NULL;
    const chunk = bins.bestLarge(wanted);
    if (chunk === NULL) return NULL;
    const bytes = memory.loadWord(chunk + HEAD) & ~FLAGS;
    const victimBytes = memory.loadWord(state + VICTIM_BYTES);
    if (victimBytes >= wanted && bytes >= victimBytes) return NULL;
    this.bins.expectFits(chunk, wanted);
    call.path = TREE;
    bins.unlinkLarge(chunk);
    if (bytes - wanted < MINIMUM_BYTES) return this.useWhole(chunk, bytes);
    call.path += SPLIT;
    this.chunks.markUsed(chunk, wanted);
    this.chunks.markFree(chunk + wanted, bytes - wanted);
    bins.insert(chunk + wanted, bytes - wanted);
    this.chunks.holeBytes -= wanted;
    return chunk;
  }

  private takeVictimOrTop(wanted: number): number {
    const { memory, state, lastCall: call } = this;
    const victimBytes = memory.loadWord(state + VICTIM_BYTES);
    if (wanted <= victimBytes) {
      call.path = FROM_VICTIM;
      const chunk = memory.loadWord(state + VICTIM);
      if (victimBytes - wanted < MINIMUM_BYTES) {
        this.chunks.setVictim(NULL, 0);
        return this.useWhole(chunk, victimBytes);
      }
      call.path += SPLIT;
      this.chunks.setVictim(chunk + wanted, victimBytes - wanted);
      this.chunks.markFree(chunk + wanted, victimBytes - wanted);
      this.chunks.markUsed(chunk, wanted);
      this.chunks.holeBytes -= wanted;
      return chunk;
    }
    const topBytes = memory.loadWord(state + TOP_BYTES);
    if (wanted >= topBytes) return NULL;
    call.path = FROM_TOP;
    const chunk = memory.loadWord(state + TOP);
    this.chunks.setTop(chunk + wanted, topBytes - wanted);
    this.chunks.markUsed(chunk, wanted);
    this.chunks.holeBytes -= wanted;
    return chunk;
  }

  /** A chunk that has left its bin is used whole. */
  private useWhole(chunk: number, bytes: number): number {
    this.chunks.markUsedWhole(chunk, bytes);
    this.chunks.holeBytes -= bytes;
    return chunk;
  }

  /** The front of a chunk that has left its bin is used, for a small request; the rest is the next victim. */
  private useFront(chunk: number, bytes: number, wanted: number): number {
    const { memory, state, bins } = this;
    this.lastCall.path += SPLIT;
    this.chunks.markUsed(chunk, wanted);
    this.chunks.markFree(chunk + wanted, bytes - wanted);
    const victimBytes = memory.loadWord(state + VICTIM_BYTES);
    if (victimBytes !== 0) {
      this.lastCall.path += REFILE;
      // It was smaller than the request.
      bins.insertSmall(memory.loadWord(state + VICTIM), victimBytes);
    }
    this.chunks.setVictim(chunk + wanted, bytes - wanted);
    this.chunks.holeBytes -= wanted;
    return chunk;
  }

  /** All of the arena is top, where it is large enough for a chunk. Else all pointers stay NULL. */
  private layOutTop(origin: number, regionBytes: number): void {
    const first = alignUp(origin, ALIGNMENT);
    const bytes = alignDown(origin + regionBytes - first - TOP_FOOT_BYTES, ALIGNMENT);
    if (bytes < MINIMUM_BYTES + TOP_KEEPS_BYTES) return;
    this.chunks.setTop(first, bytes);
    this.memory.storeWord(first + bytes + HEAD, TOP_FOOT_BYTES);
    this.chunks.holeBytes = bytes - TOP_KEEPS_BYTES;
  }

  walk(visit: PieceVisitor): void {
    walkDlmalloc(this.memory, this.layout, visit);
  }

  check(): void {
    checkDlmalloc(this.memory, this.layout, this.options.footers, this.chunks.holeBytes);
  }
}

export const dlmalloc = defineHeap({
  name: 'dlmalloc',
  origin: "Doug Lea's malloc 2.8.6 on 32 bits, without mmap",
  facts: {
    policy: 'best fit from 32 exact and 32 tree bins, small blocks carved side by side; holes merged at once',
    block: 'head, 4 bytes; payloads aligned to 8, chunks are multiples of 8, 16 at least; statics take 496',
    mallocCost: 'O(1) where small bins, victim or top serve it, else O(bits of the size)',
    freeCost: 'O(1) among holes below 256 bytes, else O(bits of the size)',
    bound: 'max over r <= n of r * (M - r + 1) (holes merged at once)',
    useWhen: 'little waste and good speed on average matter; as the peer that others are measured against',
    notWhen: 'RAM is a few KiB, or must be bounded by a useful proof',
  },
  boundRow: 'eager-merge',
  // A rest that is smaller than a chunk stays.
  surplusBytes: () => MINIMUM_BYTES - ALIGNMENT,
  options,
  blockWords: ({ footers }) => ({
    used: ['head'],
    hole: ['head', 'forward', 'back'],
    lastOfHole: 'foot',
    behind: 'head of top',
    ...(footers && { lastOfUsed: 'foot' }),
  }),
  guards: { footers: true },
  pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
  coalesces: true,
  notAtZero: true,
  regions: 'one',
  payloadAlignment: () => ALIGNMENT,
  staticBytes: () => STATIC_BYTES,
  minimumArenaBytes: () => MINIMUM_ARENA_BYTES,
  create: (memory, layout, chosen) => new Dlmalloc(memory, layout, chosen),
});
