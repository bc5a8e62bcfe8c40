/**
 * The handles, in pages: blocks of the heap that never move, each taken as near to the arena's end as there was
 * a hole. A handle is the address of its entry.
 *
 *     0         4         8                        64, or the smallest block if that is larger
 *     +---------+---------+---------+-- ... --+
 *     | next    | entry   | entry   |         |     entry of a block   | index (21 bits) | age (2) | locks (8) | 1 |
 *     | page    |         |         |         |     spare one          | address of the next spare one             |
 *     +---------+---------+---------+-- ... --+
 */

import type { Memory } from '../../../mcu/memory.js';
import { endlessList } from '../../freertos/request.js';
import { NULL } from '../../heap.js';
import { USED } from '../buddy-blocks.js';
import { FIXED, type MovableBlocks } from './movable-blocks.js';

const WORD_BYTES = 4;
const PAGE_BYTES = 64;

const LIVE = 1;
const LOCK = 1 << 1;
const LOCK_SHIFT = 1;
const LOCKS = 0xff;
const AGE = 1 << 9;
const AGE_SHIFT = 9;
export const MAXIMUM_AGE = 3;
const INDEX_SHIFT = 11;
/** As many smallest blocks as an entry can tell apart. */
export const MAXIMUM_BLOCKS = 2 ** (32 - INDEX_SHIFT);

// Statics, as offsets from their start.
const PAGES = 0;
const SPARE = 4;
export const PAGES_STATIC_BYTES = 8;

export class HandlePages {
  /** Of a page. */
  readonly order: number;

  constructor(
    private readonly memory: Memory,
    private readonly statics: number,
    private readonly blocks: MovableBlocks,
  ) {
    this.order = pageOrder(blocks.unitBytes);
    memory.storeWord(statics + PAGES, NULL);
    memory.storeWord(statics + SPARE, NULL);
  }

  // --- pages ---------------------------------------------------------------------------------------------

  get firstPage(): number {
    return this.memory.loadWord(this.statics + PAGES);
  }

  get firstSpare(): number {
    return this.memory.loadWord(this.statics + SPARE);
  }

  /** Makes a block just taken a page. */
  addPage(index: number): void {
    const { memory, statics, blocks } = this;
    const page = blocks.addressOf(index);
    blocks.reserve(index);
    memory.storeWord(page, this.firstPage);
    memory.storeWord(statics + PAGES, page);
    for (let entry = this.endOf(page) - WORD_BYTES; entry > page; entry -= WORD_BYTES) this.addSpare(entry);
  }

  /** Gives pages without a live handle back to the heap. Returns how many. */
  releasePages(): number {
    const { memory, statics, blocks } = this;
    let released = 0;
    let before = statics + PAGES;
    this.eachPage((page) => {
      if (!this.isEmpty(page)) {
        before = page;
        return;
      }
      memory.storeWord(before, memory.loadWord(page));
      blocks.give(blocks.indexOf(page), this.order);
      released++;
    });
    if (released > 0) this.findSpares();
    return released;
  }

  private findSpares(): void {
    const { memory, statics } = this;
    memory.storeWord(statics + SPARE, NULL);
    this.eachPage((page) => {
      for (let entry = this.endOf(page) - WORD_BYTES; entry > page; entry -= WORD_BYTES) {
        if ((memory.loadWord(entry) & LIVE) === 0) this.addSpare(entry);
      }
    });
  }

  private isEmpty(page: number): boolean {
    for (let entry = page + WORD_BYTES; entry < this.endOf(page); entry += WORD_BYTES) {
      if ((this.memory.loadWord(entry) & LIVE) !== 0) return false;
    }
    return true;
  }

  private addSpare(entry: number): void {
    this.memory.storeWord(entry, this.firstSpare);
    this.memory.storeWord(this.statics + SPARE, entry);
  }

  /** @throws Fault where the pages lead in a circle */
  eachPage(visit: (page: number) => void): void {
    const { memory, blocks } = this;
    let steps = blocks.count;
    for (let page = this.firstPage; page !== NULL; ) {
      const next = memory.loadWord(page);
      visit(page);
      page = next;
      if (--steps < 0) throw endlessList(page);
    }
  }

  endOf(page: number): number {
    return page + this.blocks.bytesOf(this.order);
  }

  // --- handles -------------------------------------------------------------------------------------------

  /** The handle of the block at `index`, unlocked and of no age. There must be a spare entry. */
  take(index: number): number {
    const { memory, statics } = this;
    const handle = this.firstSpare;
    memory.storeWord(statics + SPARE, memory.loadWord(handle));
    memory.storeWord(handle, (index << INDEX_SHIFT) | LIVE);
    return handle;
  }

  give(handle: number): void {
    this.addSpare(handle);
  }

  /** Whether it is the address of an entry, in use or spare. */
  isHandle(handle: number): boolean {
    const { blocks } = this;
    const pageBytes = blocks.bytesOf(this.order);
    const offset = handle - blocks.base;
    const entry = offset % pageBytes;
    const page = blocks.indexOf(handle - entry);
    if (offset < 0 || page < 0 || entry === 0 || entry % WORD_BYTES !== 0) return false;
    return blocks.entry(page) === (FIXED | (this.order + 1));
  }

  isUsed(handle: number): boolean {
    return (this.memory.loadWord(handle) & LIVE) !== 0;
  }

  /** Visits the live ones, page by page, until there is one for which `visit` says false; then that. */
  eachLive(visit: (handle: number, index: number) => boolean): boolean {
    const { memory } = this;
    let goesOn = true;
    this.eachPage((page) => {
      for (let entry = page + WORD_BYTES; goesOn && entry < this.endOf(page); entry += WORD_BYTES) {
        const word = memory.loadWord(entry);
        if ((word & LIVE) !== 0) goesOn = visit(entry, word >>> INDEX_SHIFT) !== false;
      }
    });
    return goesOn;
  }

  // --- from a block to its handle ------------------------------------------------------------------------

  /**
   * Has every block that is not locked lead to its handle: its first word becomes the handle's address, with the
   * age in the two lowest bits, and the entry takes that word for as long. No other method may be called then.
   */
  turn(): void {
    const { memory, blocks } = this;
    this.eachLive((handle, index) => {
      if (this.locksOf(handle) > 0) return true;
      const block = blocks.addressOf(index);
      const age = this.ageOf(handle);
      memory.storeWord(handle, memory.loadWord(block));
      memory.storeWord(block, handle | age);
      return true;
    });
  }

  /** The other way round, wherever the blocks are by now. */
  turnBack(): void {
    const { memory, blocks } = this;
    blocks.visit((index, _order, marks) => {
      if ((marks & (USED | FIXED)) !== USED) return;
      const block = blocks.addressOf(index);
      const word = memory.loadWord(block);
      const handle = (word & ~MAXIMUM_AGE) >>> 0;
      memory.storeWord(block, memory.loadWord(handle));
      memory.storeWord(handle, (index << INDEX_SHIFT) | ((word & MAXIMUM_AGE) << AGE_SHIFT) | LIVE);
    });
  }

  // --- an entry ------------------------------------------------------------------------------------------

  indexOf(handle: number): number {
    return this.memory.loadWord(handle) >>> INDEX_SHIFT;
  }

  moveTo(handle: number, index: number): void {
    const rest = this.memory.loadWord(handle) & ((1 << INDEX_SHIFT) - 1);
    this.memory.storeWord(handle, (index << INDEX_SHIFT) | rest);
  }

  locksOf(handle: number): number {
    return (this.memory.loadWord(handle) >>> LOCK_SHIFT) & LOCKS;
  }

  addLocks(handle: number, change: 1 | -1): void {
    this.memory.storeWord(handle, this.memory.loadWord(handle) + change * LOCK);
  }

  ageOf(handle: number): number {
    return (this.memory.loadWord(handle) >>> AGE_SHIFT) & MAXIMUM_AGE;
  }

  /** Another compaction survived. */
  grow(handle: number): void {
    if (this.ageOf(handle) < MAXIMUM_AGE) this.memory.storeWord(handle, this.memory.loadWord(handle) + AGE);
  }
}

/** Of a page, where the smallest block has `unitBytes`. */
export function pageOrder(unitBytes: number): number {
  return Math.max(0, Math.log2(PAGE_BYTES / unitBytes));
}
