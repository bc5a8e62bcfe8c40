/**
 * rmalloc_2008: the relocating heap's first generation, with every block's header in front of it.
 *
 * Policy      Blocks are cut from the gap at the top; freed ones are not given out again. When the gap is used
 *             up, compact: the hypothesis was that this needs less RAM than clever reuse. Option reuse keeps free
 *             blocks in buckets by power of two.
 *
 * Block             0         4         8         12        16        20        24            24 + size
 *   (alignment 8)   +---------+---------+---------+---------+---------+---------+-------------+
 *                   | state   | pointer | size    | previous| next    | bucket  | payload     |
 *                   +---------+---------+---------+---------+---------+---------+-------------+
 *             state: locks in the low byte, used, dead. The header is the client's handle and never moves; the
 *             payload may, and then `pointer` leads to it while the header stays alone until the block is freed.
 *             The header is padded to 32 bytes at alignment 16. A payload is no smaller than a header, so that
 *             what it leaves can become a hole. A root block of size 0 stands first; previous and next lead
 *             through blocks and holes in address order of the payloads.
 *
 * Statics     arena's origin and end, top, last, bytes in holes, fullness: 24 bytes. With reuse the buckets'
 *             heads stand at the arena's start.
 *
 * Cost        allocate O(1) from the gap, with reuse O(buckets) or O(blocks in its bucket); free O(1), with reuse
 *             and mergeAtFree O(blocks in the neighbours' buckets); compact O(blocks + bytes moved).
 *
 * Use it      to see what the notes of 2008 describe: 24 bytes for each block, and headers left behind that cut
 *             up the room which compaction wins.
 * Not when    RAM is short: rmalloc needs a third of that and leaves nothing behind.
 *
 * Source      Notes of 2008; written from their description.
 * Deviations  Word aligned. The notes move a header with its payload and know that the client then holds a
 *             stale one; here it stays, as the author settled it. A freed header that stands alone is won back by
 *             the next compaction. Locks are counted. Use of a freed handle is a fault.
 */

import * as v from 'valibot';
import type { Memory } from '../../mcu/memory.js';
import { defineHandleHeap } from '../definition.js';
import { alignUp, endlessList } from '../freertos/request.js';
import {
  type Compaction,
  type CompactionBudget,
  type CompactionTrigger,
  type HandleHeap,
  type Relocation,
  UNLIMITED,
} from '../handle-heap.js';
import { addLock, misuse, removeLock } from '../handle-locks.js';
import { HeapCall, type HeapLayout, type HeapView, NULL, NULL_CALL, type PieceVisitor } from '../heap.js';
import { checkNodes } from './check-2008.js';
import { CompactionPass2008 } from './compaction-2008.js';
import { Fullness } from './fullness.js';
import { bucketOf, FULLNESS, headerBytesFor, NONE, Nodes, STATIC_BYTES } from './nodes-2008.js';
import { relocationOptions } from './options.js';
import { ArenaPlace, placeOverheadBytes, placeStaticBytes } from './place.js';

/** The cost model's words, in the order of their bits. */
const ALLOCATE_WORDS = ['gap', 'bucket', 'split', 'compacted'] as const;
const GAP = 1;
const BUCKET = 2;
const SPLIT = 4;
const COMPACTED = 8;
const FREE_WORDS = ['merged', 'header_alone'] as const;
const MERGED = 1;
const HEADER_ALONE = 2;

const options = v.strictObject(relocationOptions(false));
export type Rmalloc2008Options = v.InferOutput<typeof options>;

export class Rmalloc2008 implements HandleHeap, HeapView {
  readonly heap = this;
  readonly lastCall = new HeapCall();
  readonly relocation: Relocation = { watcher: undefined, client: undefined };
  private readonly place: ArenaPlace;
  private readonly nodes: Nodes;
  private readonly fullness: Fullness;
  private readonly alignment: number;

  constructor(
    private readonly memory: Memory,
    layout: HeapLayout,
    private readonly options: Rmalloc2008Options,
  ) {
    this.alignment = layout.alignment;
    this.place = new ArenaPlace(memory, layout, options, STATIC_BYTES);
    const { origin, end, bytes } = this.place;
    this.nodes = new Nodes(memory, layout.statics, origin, end, layout.alignment, options.reuse);
    this.fullness = new Fullness(memory, layout.statics + FULLNESS, options, this.relocation, bytes);
  }

  // --- requests -----------------------------------------------------------------------------------------

  allocate(bytes: number): number {
    this.lastCall.begin();
    if (bytes === 0 || bytes > this.place.bytes) return NULL;
    const wanted = this.payloadBytes(bytes);
    if (this.fullness.watched) this.watchFullness();
    const block = this.take(wanted);
    if (block !== NONE || !this.options.compactOnFailure) return block;
    this.lastCall.path |= COMPACTED;
    this.compactFor('failure', UNLIMITED);
    return this.take(wanted);
  }

  private payloadBytes(bytes: number): number {
    return Math.max(alignUp(bytes, this.alignment), this.nodes.headerBytes);
  }

  private take(wanted: number): number {
    const { nodes, lastCall: call } = this;
    const { top } = nodes;
    if (nodes.end - top < nodes.headerBytes + wanted) {
      return this.options.reuse ? this.takeFromBucket(wanted) : NONE;
    }
    call.path |= GAP;
    nodes.makeUsed(top, wanted);
    nodes.insertBehind(nodes.last, top);
    nodes.top = top + nodes.headerBytes + wanted;
    return top;
  }

  private takeFromBucket(wanted: number): number {
    const { nodes, lastCall: call } = this;
    const block = this.findFree(wanted);
    if (block === NONE) return NONE;
    call.path |= BUCKET;
    nodes.takeOutOfBucket(block);
    const size = nodes.sizeOf(block);
    const splits = size - wanted >= nodes.headerBytes;
    nodes.makeUsed(block, splits ? wanted : size);
    nodes.holeBytes -= nodes.headerBytes + (splits ? wanted : size);
    if (splits) {
      call.path |= SPLIT;
      const rest = nodes.endOf(block);
      nodes.makeFree(rest, size - wanted);
      nodes.insertBehind(block, rest);
      nodes.putInBucket(rest);
    }
    return block;
  }

  /** Every block of a bucket above the request's own is large enough. */
  private findFree(wanted: number): number {
    const { nodes, lastCall: call } = this;
    const own = bucketOf(wanted);
    for (let bucket = own + 1; bucket <= nodes.lastBucket; bucket++) {
      const head = nodes.bucketHead(bucket);
      call.searchSteps++;
      if (head !== NONE) return head;
    }
    let steps = nodes.maximumNodes;
    let block = own > nodes.lastBucket ? NONE : nodes.bucketHead(own);
    while (block !== NONE && nodes.sizeOf(block) < wanted) {
      block = nodes.nextInBucket(block);
      call.searchSteps++;
      if (--steps < 0) throw endlessList(block);
    }
    return block;
  }

  free(handle: number): void {
    const { nodes, lastCall: call } = this;
    call.begin();
    if (handle === NULL) {
      call.path = NULL_CALL;
      return;
    }
    this.assertLive(handle);
    const start = nodes.startOf(handle);
    const bytes = nodes.endOf(handle) - start;
    if (start !== handle) {
      call.path |= HEADER_ALONE;
      const before = nodes.previousOf(handle);
      nodes.remove(handle);
      nodes.makeDead(handle);
      nodes.makeFree(start, bytes);
      nodes.insertBehind(before, start);
    } else nodes.makeFree(handle, bytes);
    nodes.holeBytes += bytes;
    if (this.options.mergeAtFree) this.merge(start);
    else nodes.putInBucket(start);
  }

  /** Joins a hole, not in a bucket yet, with those that touch it, and with the gap. */
  private merge(freed: number): void {
    const { nodes } = this;
    let hole = freed;
    const previous = nodes.previousOf(hole);
    const next = nodes.nextOf(hole);
    if (next !== NONE && nodes.isFree(next) && next === nodes.endOf(hole)) {
      nodes.takeOutOfBucket(next);
      this.swallow(hole);
    }
    if (previous !== nodes.root && nodes.isFree(previous) && nodes.endOf(previous) === hole) {
      nodes.takeOutOfBucket(previous);
      this.swallow(previous);
      hole = previous;
    }
    if (nodes.endOf(hole) !== nodes.top) return nodes.putInBucket(hole);
    this.lastCall.path |= MERGED;
    nodes.holeBytes -= nodes.endOf(hole) - hole;
    nodes.remove(hole);
    nodes.top = hole;
  }

  private swallow(hole: number): void {
    this.lastCall.path |= MERGED;
    this.nodes.swallowNext(hole);
  }

  // --- locks --------------------------------------------------------------------------------------------

  lock(handle: number): number {
    this.assertLive(handle);
    addLock(this.nodes, handle);
    return this.nodes.pointerOf(handle);
  }

  unlock(handle: number): void {
    this.assertLive(handle);
    removeLock(this.nodes, handle);
  }

  private assertLive(handle: number): void {
    if (!this.nodes.isInChain(handle))
      throw misuse(handle, 'a handle is what allocate gave, until it is freed');
  }

  // --- compaction ---------------------------------------------------------------------------------------

  /** What has been moved stays there, so that the next call goes on where this one stopped. */
  compact(budget: CompactionBudget): Compaction {
    return this.compactFor('call', budget);
  }

  private watchFullness(): void {
    const due = this.fullness.due(this.nodes.end - this.nodes.top);
    if (due !== undefined) this.compactFor(due, UNLIMITED);
  }

  private compactFor(trigger: CompactionTrigger, budget: CompactionBudget): Compaction {
    const { relocation } = this;
    relocation.watcher?.began();
    const compaction = new CompactionPass2008(this.memory, this.nodes, budget).run(trigger);
    if (compaction.finished) this.fullness.compacted();
    relocation.watcher?.ended(compaction);
    return compaction;
  }

  // --- what it shows ------------------------------------------------------------------------------------

  /** Headers that stand alone and are dead count when compaction has found them. */
  freeBytes(): number {
    const { nodes } = this;
    return nodes.holeBytes + nodes.end - nodes.top;
  }

  blockBytesFor(bytes: number): number {
    return this.nodes.headerBytes + this.payloadBytes(bytes);
  }

  largestBlockBytes(): number {
    return this.nodes.end - this.nodes.root - this.nodes.headerBytes;
  }

  walk(visit: PieceVisitor): void {
    this.place.walk(visit, () => this.walkArena(visit));
  }

  private walkArena(visit: PieceVisitor): void {
    const { nodes, place } = this;
    let at = place.origin;
    const skipTo = (address: number) => {
      if (address > at) visit('bookkeeping', at, address - at, 0);
    };
    for (let node = nodes.nextOf(nodes.root); node !== NONE; node = nodes.nextOf(node)) {
      const start = nodes.startOf(node);
      skipTo(start);
      at = nodes.endOf(node);
      if (!nodes.isUsed(node)) visit('hole', start, at - start, 0);
      else visit('used', start, at - start, nodes.pointerOf(node), node, nodes.locksOf(node));
    }
    skipTo(nodes.top);
    if (nodes.end > nodes.top) visit('hole', nodes.top, nodes.end - nodes.top, 0);
  }

  check(): void {
    this.place.check();
    checkNodes(this.nodes);
  }
}

export const rmalloc2008 = defineHandleHeap({
  name: 'rmalloc_2008',
  origin: 'rmalloc, notes of 2008, first generation',
  facts: {
    policy: 'bump, and compact when full: freed blocks are not given out again; headers stay, payloads move',
    block: 'header of 24 bytes (32 at alignment 16) before each payload, which is no smaller',
    mallocCost: 'O(1) from the gap; O(blocks + bytes) when it compacts',
    freeCost: 'O(1)',
    bound: 'none: headers left behind cut up what compaction wins',
    useWhen: 'to see what the notes of 2008 describe',
    notWhen: 'RAM is short: rmalloc needs a third of the bookkeeping',
  },
  options,
  blockWords: () => {
    const words = ['state', 'pointer', 'size', 'previous', 'next', 'bucket'];
    return { used: words, hole: words };
  },
  pathWords: { malloc: ALLOCATE_WORDS, free: FREE_WORDS },
  coalesces: false,
  mayPassOverAHole: true,
  regions: 'one',
  staticBytes: (chosen) => placeStaticBytes(STATIC_BYTES, chosen),
  minimumArenaBytes: (alignment, chosen) => {
    const bucketBytes = chosen.reuse ? 4 * (bucketOf(512) + 1) : 0;
    return placeOverheadBytes(alignment, chosen) + bucketBytes + alignment + 3 * headerBytesFor(alignment);
  },
  takesAllRam: ({ init }) => init === 'ram',
  createHandles: (memory, layout, chosen) => new Rmalloc2008(memory, layout, chosen),
});
