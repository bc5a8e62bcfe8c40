/**
 * The heap of pages: blocks of 16 bytes and more in pages of several fragments, each page with a tree of its free
 * blocks.
 *
 *     page   0     4       8     12        16      24      28    32    36     40
 *            +-----+-------+-----+---------+-------+-------+-----+-----+------+---------+---------+-----+
 *            | lock| free  | next| previous| birth | defrag| live| free| root | block 0 | block 1 | ... |
 *            |     | units |     |         |       | in    | blocks    |      |         |         |     |
 *            +-----+-------+-----+---------+-------+-------+-----+-----+------+---------+---------+-----+
 *
 * Nothing is merged at a free. Defragmentation is lazy: it runs at the first free that finds more than `defragFree`
 * free blocks in the page, then at every `defragPeriod`th.
 */

import type { Memory } from '../../mcu/memory.js';
import { type HeapCall, NULL } from '../heap.js';
import { endlessList } from '../words.js';
import { COMMON, type Fragments, HEAP } from './fragments.js';
import { FreeTree, HEADER_BYTES, MINIMUM_UNITS, NONE, UNIT_BYTES } from './free-tree.js';
import { addFirst, nextOf, nodesOf, remove } from './list.js';
import { DEFRAG, NEW_PAGE, PAGE_BACK, SPLIT } from './paths.js';

// A page. The lock is never taken: heap calls run with the scheduler suspended.
const LOCK = 0;
export const FREE_UNITS = 4;
const NODE = 8;
const BIRTH = 16;
const PERIOD = 24;
export const LIVE_BLOCKS = 28;
export const FREE_BLOCKS = 32;
export const ROOT = 36;
export const DATA = 40;
/** The header's words, in order. */
export const PAGE_WORDS = [
  'lock',
  'free units',
  'next',
  'previous',
  'birth',
  'birth',
  'defrag in',
  'live blocks',
  'free blocks',
  'root',
] as const;

export interface HeapPageSettings {
  readonly pageBytes: number;
  /** How old, in ticks, an empty page must be to go back. */
  readonly lifetimeTicks: number;
  readonly defragFree: number;
  readonly defragPeriod: number;
  /** Whether a block's page is looked up by its fragment instead of in the list. */
  readonly lookup: boolean;
  /** Without a list of the page's free blocks, for which the segment might have no room. */
  readonly defragInPlace: boolean;
}

export class HeapPages {
  readonly tree: FreeTree;
  /** In all pages. Kept beside the RAM, for who looks at the heap from outside. */
  freeUnits = 0;

  /** `list`: head of the ring of pages. */
  constructor(
    private readonly memory: Memory,
    private readonly fragments: Fragments,
    readonly list: number,
    private readonly settings: HeapPageSettings,
    private readonly ticks: () => number,
    private readonly call: HeapCall,
  ) {
    this.tree = new FreeTree(memory, call);
  }

  /** From the first page that has room, else from a new one; {@link NULL} where there is none. */
  allocate(bytes: number): number {
    const { memory, tree } = this;
    const units = unitsFor(bytes);
    // A loop of its own, since a generator would cost as much as the rest of the call.
    let node = nextOf(memory, this.list);
    for (let count = 0; node !== this.list; count++) {
      if (count >= this.fragments.segment.fragments) throw endlessList(node);
      const page = node - NODE;
      node = nextOf(memory, node);
      this.call.searchSteps++;
      if (memory.loadWord(page + FREE_UNITS) < units) continue;
      const block = tree.takeBestFit(page + ROOT, units);
      if (block !== NONE) return this.give(page, block, units);
    }
    const page = this.open();
    return page === NONE ? NULL : this.give(page, tree.takeBestFit(page + ROOT, units), units);
  }

  /**
   * Marks a block live, and puts what it has beyond `units` back as a block of its own, if that is worth one. Returns
   * what its owner gets.
   */
  private give(page: number, block: number, units: number): number {
    const { tree } = this;
    const had = tree.units(block);
    const rest = had - units;
    const isSplit = rest > MINIMUM_UNITS;
    if (isSplit) this.call.path |= SPLIT;
    const taken = isSplit ? units : had;
    tree.markLive(block, taken);
    if (isSplit) {
      const behind = block + UNIT_BYTES * units;
      tree.markFree(behind, rest);
      tree.insert(page + ROOT, behind);
    } else {
      this.count(page, FREE_BLOCKS, -1);
    }
    this.count(page, LIVE_BLOCKS, 1);
    this.count(page, FREE_UNITS, -taken);
    this.freeUnits -= taken;
    return block + HEADER_BYTES;
  }

  /** A page of its own with one free block, first in the list; {@link NONE} where the segment has no room. */
  private open(): number {
    const { memory, tree, settings } = this;
    const page = this.fragments.allocate(settings.pageBytes, HEAP);
    if (page === NULL) return NONE;
    this.call.path |= NEW_PAGE;
    const block = page + DATA;
    const units = this.unitsPerPage();
    memory.storeWord(page + LOCK, 0);
    memory.storeWord(page + FREE_UNITS, units);
    memory.storeWord(page + BIRTH, this.ticks());
    memory.storeWord(page + BIRTH + 4, 0);
    memory.storeWord(page + PERIOD, 1);
    memory.storeWord(page + LIVE_BLOCKS, 0);
    memory.storeWord(page + FREE_BLOCKS, 1);
    memory.storeWord(page + ROOT, NONE);
    tree.markFree(block, units);
    tree.insert(page + ROOT, block);
    addFirst(memory, this.list, page + NODE);
    this.freeUnits += units;
    return page;
  }

  /** `address`: in a fragment of a heap page. False: no live block begins there. */
  free(address: number): boolean {
    const { tree, settings } = this;
    const page = this.pageOf(address);
    const block = address - HEADER_BYTES;
    if (page === NONE || !this.mayBegin(page, block) || !tree.isLive(block)) return false;
    const units = tree.units(block);
    tree.markFree(block, units);
    tree.insert(page + ROOT, block);
    const freeBlocks = this.count(page, FREE_BLOCKS, 1);
    this.count(page, FREE_UNITS, units);
    this.freeUnits += units;
    if (this.count(page, LIVE_BLOCKS, -1) === 0) {
      if (this.ageOf(page) >= settings.lifetimeTicks) {
        this.close(page);
        this.call.path |= PAGE_BACK;
      }
    } else if (freeBlocks > settings.defragFree && this.count(page, PERIOD, -1) <= 0) {
      this.defragmentAtFree(page, freeBlocks);
    }
    return true;
  }

  /** Bytes of a live block that are its owner's. */
  usableBytes(address: number): number {
    return this.tree.units(address - HEADER_BYTES) * UNIT_BYTES - HEADER_BYTES;
  }

  private mayBegin(page: number, block: number): boolean {
    return block % UNIT_BYTES === 0 && block >= page + DATA && block < this.endOf(page);
  }

  /** Of an empty page. */
  private close(page: number): void {
    this.freeUnits -= this.unitsPerPage();
    remove(this.memory, page + NODE);
    this.fragments.free(page);
  }

  private unitsPerPage(): number {
    return (this.settings.pageBytes - DATA - HEADER_BYTES) / UNIT_BYTES;
  }

  // --- what waits until it is needed --------------------------------------------------------------------

  /** The original makes a list of the free blocks, in fragments; where it finds none, the next free tries again. */
  private defragmentAtFree(page: number, freeBlocks: number): void {
    const { fragments, settings } = this;
    const list = settings.defragInPlace ? NULL : fragments.allocate(UNIT_BYTES * freeBlocks, COMMON);
    if (!settings.defragInPlace && list === NULL) return;
    this.call.path |= DEFRAG;
    this.defragment(page);
    if (list !== NULL) fragments.free(list);
  }

  /** Merges what is free in every page and gives empty pages back; whether anything has changed. */
  reclaim(): boolean {
    let changed = false;
    for (const page of this.pages()) {
      if (this.memory.loadWord(page + LIVE_BLOCKS) === 0) {
        this.close(page);
        changed = true;
      } else if (this.defragment(page)) {
        changed = true;
      }
    }
    return changed;
  }

  /**
   * Merges free neighbours, and builds the tree anew in the order of addresses. Blocks tile the page, so it takes no
   * list of them. Whether there were any neighbours.
   */
  defragment(page: number): boolean {
    const { memory, tree, settings } = this;
    const end = this.endOf(page);
    const before = memory.loadWord(page + FREE_BLOCKS);
    let freeBlocks = 0;
    memory.storeWord(page + ROOT, NONE);
    memory.storeWord(page + PERIOD, settings.defragPeriod);
    for (let block = page + DATA; block < end; ) {
      let next = this.behind(block);
      if (!tree.isLive(block)) {
        while (next < end && !tree.isLive(next)) next = this.behind(next);
        tree.markFree(block, (next - block) / UNIT_BYTES);
        tree.insert(page + ROOT, block);
        freeBlocks++;
      }
      block = next;
    }
    memory.storeWord(page + FREE_BLOCKS, freeBlocks);
    return freeBlocks < before;
  }

  /** Where the block after this one begins. @throws Fault where the size is overwritten and leads nowhere */
  private behind(block: number): number {
    const units = this.tree.units(block);
    if (units === 0) throw endlessList(block);
    return block + UNIT_BYTES * units;
  }

  // --- pages --------------------------------------------------------------------------------------------

  *pages(): Generator<number> {
    for (const node of nodesOf(this.memory, this.list, this.fragments.segment.fragments)) yield node - NODE;
  }

  /** Where a page's blocks end. */
  endOf(page: number): number {
    return page + this.settings.pageBytes - HEADER_BYTES;
  }

  /** {@link NONE} where the list has no page with that address. */
  private pageOf(address: number): number {
    const { fragments, settings } = this;
    if (settings.lookup) return fragments.addressOf(fragments.firstOf(address));
    for (const page of this.pages()) {
      this.call.searchSteps++;
      if (address >= page && address < page + settings.pageBytes) return page;
    }
    return NONE;
  }

  private ageOf(page: number): number {
    return (this.ticks() - this.memory.loadWord(page + BIRTH)) >>> 0;
  }

  /** Adds to one of a page's counters, and returns what it is then. */
  private count(page: number, counter: number, by: number): number {
    const value = (this.memory.loadWord(page + counter) + by) | 0;
    this.memory.storeWord(page + counter, value);
    return value;
  }
}

/** Of a block for a request, header included. */
export function unitsFor(bytes: number): number {
  return Math.max(MINIMUM_UNITS, Math.ceil(bytes / UNIT_BYTES) + HEADER_BYTES / UNIT_BYTES);
}
