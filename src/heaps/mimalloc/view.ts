/** What a debugger sees of mimalloc's heap: its pages, and in them what is live and what is free. */

import type { Memory } from '../../mcu/memory.js';
import { Corruption, type PieceVisitor, type SizeClass } from '../heap.js';
import { type Blocks, threadCount, threadHead } from './blocks.js';
import {
  BIN,
  CAPACITY,
  DELAYED_FREE,
  FREE,
  LOCAL_FREE,
  NONE,
  OWNER,
  PAGE_ENTRY_BYTES,
  type Plan,
  RESERVED,
  SMALL,
  SPAN,
  SPAN_FIRST,
  STATE,
  TASK,
  THREAD_FREE,
  UNUSED,
  USED,
} from './layout.js';
import type { PageTable } from './page-table.js';
import type { TaskHeaps } from './task-heaps.js';

export class MimallocView {
  constructor(
    private readonly memory: Memory,
    private readonly pages: PageTable,
    private readonly blocks: Blocks,
    private readonly heaps: TaskHeaps,
  ) {}

  /** Visits small pages and spans by address. */
  private visitPages(visit: (page: number, entry: number, kind: number, count: number) => void): void {
    const { pages, memory } = this;
    const { plan } = pages;
    for (let page = 1; page <= plan.pages; ) {
      const entry = pages.entry(page);
      const kind = pages.kindOf(entry);
      const count = kind === SPAN_FIRST ? memory.loadHalf(entry + SPAN) : 1;
      if (count === 0 || page + count - 1 > plan.pages) {
        throw new Corruption('a span has more pages than there are', entry + SPAN);
      }
      visit(page, entry, kind, count);
      page += count;
    }
  }

  walk(visit: PieceVisitor): void {
    const { plan } = this.pages;
    const delayed = this.delayedBlocks();
    const structures = this.structures();
    visit('bookkeeping', plan.origin, plan.base - plan.origin, 0);
    let unusedFrom = 0;
    const flush = (end: number) => {
      if (unusedFrom !== 0) visit('hole', unusedFrom, end - unusedFrom, 0);
      unusedFrom = 0;
    };
    this.visitPages((page, entry, kind, count) => {
      const address = this.pages.addressOf(page);
      if (kind === UNUSED) {
        if (unusedFrom === 0) unusedFrom = address;
        return;
      }
      flush(address);
      if (kind === SMALL) return this.walkBlocks(page, entry, delayed, structures, visit);
      const isFree = delayed.has(address);
      const isOurs = structures.has(address);
      const piece = isOurs ? 'bookkeeping' : isFree ? 'hole' : 'used';
      visit(piece, address, count * plan.pageBytes, piece === 'used' ? address : 0);
    });
    const end = this.pages.addressOf(plan.pages + 1);
    flush(end);
    if (end < plan.end) visit('bookkeeping', end, plan.end - end, 0);
  }

  private walkBlocks(
    page: number,
    entry: number,
    delayed: ReadonlySet<number>,
    structures: ReadonlySet<number>,
    visit: PieceVisitor,
  ): void {
    const { memory, blocks, pages } = this;
    const bytes = blocks.bytesIn(entry);
    if (bytes === 0) throw new Corruption('the class of a page is none', entry + BIN);
    const free = this.freeBlocks(page, entry);
    const reserved = memory.loadHalf(entry + RESERVED);
    const capacity = memory.loadHalf(entry + CAPACITY);
    const start = pages.addressOf(page);
    let address = start;
    for (let block = 1; block <= reserved; block++, address += bytes) {
      if (structures.has(address)) visit('bookkeeping', address, bytes, 0);
      else if (block > capacity || free.has(block) || delayed.has(address)) visit('hole', address, bytes, 0);
      else visit('used', address, bytes, address);
    }
    const rest = start + pages.plan.pageBytes - address;
    if (rest < 0) throw new Corruption('a page has more blocks than fit', entry + RESERVED);
    if (rest > 0) visit('bookkeeping', address, rest, 0);
  }

  /** The numbers of the blocks in a page's three lists. @throws Corruption where they are none */
  freeBlocks(page: number, entry: number): Set<number> {
    const { memory } = this;
    const free = new Set<number>();
    for (const first of [
      memory.loadHalf(entry + FREE),
      memory.loadHalf(entry + LOCAL_FREE),
      threadHead(memory.loadWord(entry + THREAD_FREE)),
    ]) {
      this.follow(page, entry, first, free);
    }
    return free;
  }

  /** Adds a list of blocks to those found already. Returns how many they are. */
  follow(page: number, entry: number, first: number, found: Set<number>): number {
    const { memory, blocks } = this;
    const capacity = memory.loadHalf(entry + CAPACITY);
    let count = 0;
    for (let block = first; block !== NONE; count++) {
      if (block > capacity) throw new Corruption('a list of free blocks leads out of its page', entry);
      const address = blocks.addressOf(page, entry, block);
      if (found.has(block)) throw new Corruption('a block is in the lists of free ones twice', address);
      found.add(block);
      block = memory.loadHalf(address);
    }
    return count;
  }

  /** Addresses of what was freed elsewhere and has not come back to its page. @throws Corruption */
  delayedBlocks(): Set<number> {
    const { memory } = this;
    const delayed = new Set<number>();
    this.heaps.visit((heap) => {
      for (let block = memory.loadWord(heap + DELAYED_FREE); block !== NONE; block = memory.loadWord(block)) {
        if (delayed.has(block)) throw new Corruption('a block is in delayedFree twice', block);
        const page = this.pages.pageAt(block);
        if (block % 4 !== 0 || page > this.pages.plan.pages) {
          throw new Corruption('delayedFree leads out of the arena', heap + DELAYED_FREE);
        }
        delayed.add(block);
      }
    });
    return delayed;
  }

  /** Addresses of the blocks that hold the heaps of tasks. */
  structures(): Set<number> {
    const structures = new Set<number>();
    this.heaps.visit((heap, slot) => {
      if (slot > 0) structures.add(heap);
    });
    return structures;
  }

  /** The bytes of all holes, from what the pages count. */
  freeBytes(): number {
    const { memory, pages, blocks } = this;
    const { plan } = pages;
    let bytes = 0;
    this.visitPages((_page, entry, kind) => {
      if (kind === UNUSED) bytes += plan.pageBytes;
      if (kind !== SMALL) return;
      const away = threadCount(memory.loadWord(entry + THREAD_FREE));
      const free = memory.loadHalf(entry + RESERVED) - memory.loadHalf(entry + USED) + away;
      bytes += free * blocks.bytesIn(entry);
    });
    for (const address of this.delayedBlocks()) {
      const entry = pages.entry(pages.pageAt(address));
      const isSpan = pages.kindOf(entry) === SPAN_FIRST;
      bytes += isSpan ? memory.loadHalf(entry + SPAN) * plan.pageBytes : blocks.bytesIn(entry);
    }
    return bytes;
  }

  /** How many unused pages wait for their reset, or have had it. */
  unusedPages(state: number): number {
    const { memory } = this;
    let count = 0;
    this.visitPages((_page, entry) => {
      if (memory.loadByte(entry + STATE) === (UNUSED | state)) count++;
    });
    return count;
  }

  /** One entry for each class, the smallest first. */
  classes(asked: number): SizeClass[] {
    const { memory, pages } = this;
    const { plan } = pages;
    const delayed = this.delayedBlocks();
    const classes = Array.from({ length: plan.bins }, (_, index) => ({
      objectBytes: plan.units[index + 1]! << plan.unitShift,
      asked: index + 1 === asked,
      pageWord: 'page' as const,
      pageBytes: plan.pageBytes,
      pages: 0,
      liveObjects: 0,
      freeObjects: 0,
      freeBytes: 0,
    }));
    this.visitPages((page, entry, kind) => {
      if (kind !== SMALL) return;
      const known = classes[memory.loadByte(entry + BIN) - 1];
      if (known === undefined) throw new Corruption('the class of a page is none', entry + BIN);
      const reserved = memory.loadHalf(entry + RESERVED);
      let free = reserved - memory.loadHalf(entry + CAPACITY) + this.freeBlocks(page, entry).size;
      for (const address of delayed) if (pages.pageAt(address) === page) free++;
      known.pages++;
      known.liveObjects += reserved - free;
      known.freeObjects += free;
      known.freeBytes += free * known.objectBytes;
    });
    return classes;
  }

  /** The heap's own word at an address outside of live blocks; undefined: nobody uses it. */
  wordAt(address: number, piece: number): string | undefined {
    const { memory, pages, blocks } = this;
    const { plan } = pages;
    if (address < plan.base) return wordOfHead(plan, address);
    if (this.structures().has(piece)) return 'heap of a task';
    const page = pages.pageAt(address);
    if (page > plan.pages) return undefined;
    const entry = pages.entry(page);
    const kind = pages.kindOf(entry);
    if (kind === UNUSED) return undefined;
    let start = pages.addressOf(page);
    if (kind === SMALL) {
      const block = blocks.numberOf(page, entry, address);
      // Blocks that were never made have no links, and behind the last one there is nothing.
      if (block > memory.loadHalf(entry + CAPACITY)) return undefined;
      start = blocks.addressOf(page, entry, block);
    }
    return address < start + 4 ? 'next' : undefined;
  }

  /** The pages that belong to classes. */
  walkPages(visit: (address: number, bytes: number, task: number) => void): void {
    const { pages, heaps, memory } = this;
    this.visitPages((page, entry, kind) => {
      if (kind !== SMALL) return;
      const task = memory.loadWord(heaps.inSlot(memory.loadHalf(entry + OWNER)) + TASK);
      visit(pages.addressOf(page), pages.plan.pageBytes, task);
    });
  }
}

/** Of what lies before the pages. */
function wordOfHead({ mainHeap, bitmap, table, pages }: Plan, address: number): string | undefined {
  if (address < mainHeap || address >= table + PAGE_ENTRY_BYTES * pages) return undefined;
  if (address < bitmap) return 'main heap';
  return address < table ? 'bitmap' : 'page table';
}
