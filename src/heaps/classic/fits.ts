/**
 * First, next, best and worst fit: four ways to choose a hole, over one heap with boundary tags, so that the
 * fit is all that differs.
 *
 * Policy      first_fit   the first hole that is large enough, from the start of the list
 *             next_fit    the same from where the last search ended
 *             best_fit    the smallest that is large enough, of several the first in the list
 *             worst_fit   the largest, of several the first in the list
 *             The block is cut from the hole's lower end; a rest that could be a block of its own stays in
 *             the list where the hole was. A freed block is merged with the holes on either side at once.
 *             The list is sorted by address, or with `order` lifo has the hole freed last in front. With
 *             `sizeLists` first_fit keeps three lists, for holes below 256 and 1024 bytes and for the rest,
 *             and looks for a block in that of its size, then in those above.
 *
 * Block             0            4          8                    bytes-4
 *   (alignment 8)   +------------+----------+----------+---------+------------+
 *                   | bytes, used| payload (of a hole: next, previous)        | bytes, used|
 *                   +------------+--------------------------------------------+------------+
 *             The tags are the same word, its lowest bit set while the block is in use. They lie 4 bytes
 *             off the alignment, so that no padding is lost beyond rounding. At least 16 bytes; a tag as of
 *             a block in use ends the arena on either side.
 *
 * Statics     free bytes, {next, previous} of each list (one, or three with `sizeLists`): 12 or 28 bytes;
 *             next_fit's rover: 16 bytes.
 *
 * Cost        malloc O(holes): first and next fit stop at the first that does, best fit at an exact one,
 *             worst fit never. free O(1) if a neighbour is a hole or with `order` lifo, else O(holes below).
 *
 * Use it      first_fit: the ordinary choice, the only one of the four with a useful bound. best_fit: as good
 *             in practice (Johnstone and Wilson 1998), far worse in the worst case. next_fit and worst_fit: to
 *             see what they cost; both cut into the large holes that the others leave whole.
 * Not when    every call must be quick whatever the history: tlsf, buddy.
 *
 * Source      Knuth, The Art of Computer Programming 1, section 2.5: algorithms A and C, exercise 6 for the
 *             rover. The three lists are those of Linux's SLOB.
 * Deviations  Knuth's algorithm A cuts from the upper end, his algorithm C files by no order, and blocks in use
 *             need not know their size. SLOB sorts pages by the requests they serve; here are no pages, and
 *             holes go by their own size. A request for 0 bytes gets NULL. free refuses what its tags do not
 *             know as a live block. A list that runs in a circle is a fault instead of a hang.
 */

import * as v from 'valibot';
import type { Memory } from '../../mcu/memory.js';
import { choice, defineHeap, flag, type HeapFacts } from '../definition.js';
import { checkFreeBytes } from '../freertos/arena.js';
import { alignUp, endlessList } from '../freertos/request.js';
import { type Heap, HeapCall, type HeapLayout, NULL, NULL_CALL, type PieceVisitor } from '../heap.js';
import { NEXT, OVERHEAD_BYTES, TAG_BYTES, TaggedArena, USED } from './boundary-tags.js';
import { HoleLists, listBytes } from './hole-lists.js';

export type Fit = 'first' | 'next' | 'best' | 'worst';

// Statics, as offsets from their start. Behind the list heads lies the rover.
const FREE_BYTES = 0;
const LISTS = 4;

/** The cost model's words, in the order of their bits. */
const MALLOC_WORDS = ['walk', 'found', 'split'] as const;
const WALK = 1;
const FOUND = 2;
const SPLIT = 4;
const FREE_WORDS = ['merge_below', 'merge_above'] as const;
const MERGE_BELOW = 1;
const MERGE_ABOVE = 2;

const orderOption = choice(
  'In which order the list has holes: by address, or lifo, the last freed first',
  ['address', 'lifo'],
  'address',
);
const options = v.strictObject({ order: orderOption });
const firstFitOptions = v.strictObject({
  order: orderOption,
  sizeLists: flag('Three lists, of holes below 256 bytes, below 1024, and the rest, as in SLOB', false),
});

export interface FitOptions {
  readonly order: 'address' | 'lifo';
  readonly sizeLists?: boolean;
}

export class FitHeap implements Heap {
  readonly lastCall = new HeapCall();

  private readonly arena: TaggedArena;
  private readonly lists: HoleLists;
  private readonly freeCounter: number;

  constructor(
    private readonly fit: Fit,
    private readonly memory: Memory,
    { statics, regions, alignment }: HeapLayout,
    { order, sizeLists = false }: FitOptions,
  ) {
    const [region] = regions;
    const arena = new TaggedArena(memory, region!, alignment);
    const maximumNodes = region!.bytes / arena.minimumBytes + 2;
    this.arena = arena;
    this.freeCounter = statics + FREE_BYTES;
    this.lists = new HoleLists(
      memory,
      statics + LISTS,
      { order, sizeLists, rover: fit === 'next' },
      maximumNodes,
      this.lastCall,
    );
    arena.storeFences();
    arena.storeTags(arena.first, arena.bytes, 0);
    this.lists.insert(arena.first, arena.bytes);
    memory.storeWord(this.freeCounter, arena.bytes);
  }

  malloc(bytes: number): number {
    const { memory, lastCall: call, arena } = this;
    call.begin();
    if (bytes === 0) return NULL;
    const wanted = arena.blockBytes(bytes);
    const freeBytes = memory.loadWord(this.freeCounter);
    if (wanted > freeBytes) return NULL;

    call.path = WALK;
    const hole = this.find(wanted);
    if (hole === NULL) return NULL;
    call.path |= FOUND;
    const taken = this.cut(hole, memory.loadWord(hole - TAG_BYTES), wanted);
    arena.storeTags(hole, taken, USED);
    memory.storeWord(this.freeCounter, freeBytes - taken);
    return hole;
  }

  free(address: number): void {
    const { memory, lastCall: call, arena } = this;
    call.begin();
    if (address === NULL) {
      call.path = NULL_CALL;
      return;
    }
    const bytes = arena.liveBytes(address);
    memory.storeWord(this.freeCounter, memory.loadWord(this.freeCounter) + bytes);
    this.coalesce(address, bytes);
  }

  freeBytes(): number {
    return this.memory.loadWord(this.freeCounter);
  }

  blockBytesFor(bytes: number): number {
    return this.arena.blockBytes(bytes);
  }

  // --- the fits -----------------------------------------------------------------------------------------

  private find(wanted: number): number {
    if (this.fit === 'first') return this.firstFit(wanted);
    if (this.fit === 'next') return this.nextFit(wanted);
    return this.fit === 'best' ? this.bestFit(wanted) : this.worstFit(wanted);
  }

  private firstFit(wanted: number): number {
    const { memory, lists } = this;
    const { maximumNodes } = lists;
    let steps = 0;
    for (let list = lists.of(wanted); list !== 0; list = lists.after(list)) {
      let hole = memory.loadWord(list + NEXT);
      while (hole !== list && memory.loadWord(hole - TAG_BYTES) < wanted) {
        hole = memory.loadWord(hole + NEXT);
        if (++steps > maximumNodes) throw endlessList(hole);
      }
      this.lastCall.searchSteps = steps;
      if (hole !== list) return hole;
    }
    return NULL;
  }

  private nextFit(wanted: number): number {
    const { memory, lists } = this;
    const { maximumNodes, rover } = lists;
    const list = lists.of(wanted);
    const start = memory.loadWord(rover);
    let hole = start;
    let steps = 0;
    while (hole === list || memory.loadWord(hole - TAG_BYTES) < wanted) {
      hole = memory.loadWord(hole + NEXT);
      this.lastCall.searchSteps = ++steps;
      if (hole === start) return NULL;
      if (steps > maximumNodes) throw endlessList(hole);
    }
    memory.storeWord(rover, hole);
    return hole;
  }

  private bestFit(wanted: number): number {
    const { memory, lists } = this;
    const { maximumNodes } = lists;
    const list = lists.of(wanted);
    let best = NULL;
    let bestBytes = Number.POSITIVE_INFINITY;
    let steps = 0;
    for (let hole = memory.loadWord(list + NEXT); hole !== list; hole = memory.loadWord(hole + NEXT)) {
      if (++steps > maximumNodes) throw endlessList(hole);
      const bytes = memory.loadWord(hole - TAG_BYTES);
      if (bytes < wanted || bytes >= bestBytes) continue;
      best = hole;
      bestBytes = bytes;
      if (bytes === wanted) break;
    }
    this.lastCall.searchSteps = steps;
    return best;
  }

  private worstFit(wanted: number): number {
    const { memory, lists } = this;
    const { maximumNodes } = lists;
    const list = lists.of(wanted);
    let worst = NULL;
    let worstBytes = wanted - 1;
    let steps = 0;
    for (let hole = memory.loadWord(list + NEXT); hole !== list; hole = memory.loadWord(hole + NEXT)) {
      if (++steps > maximumNodes) throw endlessList(hole);
      const bytes = memory.loadWord(hole - TAG_BYTES);
      if (bytes <= worstBytes) continue;
      worst = hole;
      worstBytes = bytes;
    }
    this.lastCall.searchSteps = steps;
    return worst;
  }

  // --- splitting and merging ----------------------------------------------------------------------------

  /** Leaves what is above `wanted` bytes of a hole as a hole; returns the bytes that the block ends up with. */
  private cut(hole: number, bytes: number, wanted: number): number {
    const rest = bytes - wanted;
    if (rest < this.arena.minimumBytes) {
      this.lists.unlink(hole);
      return bytes;
    }
    this.lastCall.path |= SPLIT;
    this.arena.storeTags(hole + wanted, rest, 0);
    this.lists.replace(hole, bytes, hole + wanted, rest);
    return wanted;
  }

  private coalesce(freed: number, freedBytes: number): void {
    const { memory, arena } = this;
    const below = memory.loadWord(freed - OVERHEAD_BYTES);
    const above = memory.loadWord(freed + freedBytes - TAG_BYTES);
    let hole = freed;
    let bytes = freedBytes;
    let path = 0;
    if ((above & USED) === 0) {
      path = MERGE_ABOVE;
      bytes += above;
    }
    if ((below & USED) === 0) {
      if (path !== 0) this.lists.unlink(freed + freedBytes);
      path |= MERGE_BELOW;
      hole = freed - below;
      bytes += below;
      this.lists.replace(hole, below, hole, bytes);
    } else if (path !== 0) {
      this.lists.replace(freed + freedBytes, above, hole, bytes);
    } else {
      this.lists.insert(hole, bytes);
    }
    arena.storeTags(hole, bytes, 0);
    this.lastCall.path = path;
  }

  // --- what a debugger sees -----------------------------------------------------------------------------

  walk(visit: PieceVisitor): void {
    this.arena.walk(visit);
  }

  check(): void {
    const holes = this.arena.check();
    this.lists.check(this.arena, holes);
    checkFreeBytes(holes, this.freeBytes(), this.freeCounter);
  }
}

// --- the catalog's entries --------------------------------------------------------------------------------

const BLOCK =
  'a tag of 4 bytes at either end, at least 16 bytes; a tag of 4 bytes at either end of the arena';
const ANY_FIT_BOUND =
  'max over r of r(M-r+1), as any that merges at once and takes a hole if one is large enough';

const shared = {
  blockWords: () => ({
    used: ['tag'],
    hole: ['tag', 'next', 'previous'],
    lastOfUsed: 'tag',
    lastOfHole: 'tag',
    behind: 'fence',
  }),
  pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
  // In any order of the holes.
  boundRow: 'eager-merge',
  surplusBytes: (alignment: number) => alignUp(16, alignment) - alignment,
  coalesces: true,
  regions: 'one',
  minimumArenaBytes: (alignment: number) => 2 * alignment + 24,
} as const;

const facts = (own: Omit<HeapFacts, 'block' | 'freeCost'>): HeapFacts => ({
  ...own,
  block: BLOCK,
  freeCost: 'O(1) beside a hole or with lifo, else O(holes below)',
});

export const firstFit = defineHeap({
  ...shared,
  name: 'first_fit',
  origin: 'Knuth, section 2.5, boundary tags; lists by size as in SLOB',
  facts: facts({
    policy: 'first fit in address order; holes merged at once by boundary tags',
    mallocCost: 'O(holes below the one taken)',
    bound: `M * H(n) / ln 2 in address order (Knuth); with lifo or sizeLists ${ANY_FIT_BOUND}`,
    useWhen: 'in doubt, and to see what another policy gains over it',
    notWhen: 'every call must be quick whatever the history',
  }),
  options: firstFitOptions,
  boundRow: ({ order, sizeLists }) => (order === 'address' && !sizeLists ? 'first-fit' : 'eager-merge'),
  staticBytes: ({ sizeLists }) => LISTS + listBytes({ sizeLists, rover: false }),
  create: (memory, layout, chosen) => new FitHeap('first', memory, layout, chosen),
});

export const nextFit = defineHeap({
  ...shared,
  name: 'next_fit',
  origin: 'Knuth, section 2.5, exercise 6',
  facts: facts({
    policy: 'first fit from where the last search ended; holes merged at once by boundary tags',
    mallocCost: 'O(holes), few on average',
    bound: ANY_FIT_BOUND,
    useWhen: 'searches must be short on average and memory is plenty',
    notWhen: 'memory is short: it cuts into every hole, the large ones too',
  }),
  options,
  staticBytes: () => LISTS + listBytes({ sizeLists: false, rover: true }),
  create: (memory, layout, chosen) => new FitHeap('next', memory, layout, chosen),
});

export const bestFit = defineHeap({
  ...shared,
  name: 'best_fit',
  origin: 'Knuth, section 2.5, exercise 42 for its worst case',
  facts: facts({
    policy: 'best fit, of several holes the lowest; holes merged at once by boundary tags',
    mallocCost: 'O(holes); an exact fit ends the search',
    bound: `${ANY_FIT_BOUND}; a client exists that needs nearly M * n`,
    useWhen: 'sizes recur, and large holes must stay whole',
    notWhen: 'the worst case must be good: that of first_fit is far better',
  }),
  options,
  staticBytes: () => LISTS + listBytes({ sizeLists: false, rover: false }),
  create: (memory, layout, chosen) => new FitHeap('best', memory, layout, chosen),
});

export const worstFit = defineHeap({
  ...shared,
  name: 'worst_fit',
  origin: 'Knuth, section 2.5, the opposite of best fit',
  facts: facts({
    policy: 'worst fit: the largest hole, of several the lowest; holes merged at once by boundary tags',
    mallocCost: 'O(holes), always all of them',
    bound: ANY_FIT_BOUND,
    useWhen: 'never; here to be compared with',
    notWhen: 'there is ever a request for a large block',
  }),
  options,
  staticBytes: () => LISTS + listBytes({ sizeLists: false, rover: false }),
  create: (memory, layout, chosen) => new FitHeap('worst', memory, layout, chosen),
});
