/** The arena's pages: which are unused, spans of several, and what becomes of the memory of unused ones. */

import type { Memory } from '../../mcu/memory.js';
import { highestBit, lowestBit, withoutLowest } from '../bits.js';
import type { HeapCall, Surroundings } from '../heap.js';
import {
  BIN,
  KIND,
  NEXT,
  NONE,
  PAGE_ENTRY_BYTES,
  type Plan,
  PREVIOUS,
  RESET_DONE,
  RESET_PENDING,
  RESET_TICK,
  SPAN,
  SPAN_FIRST,
  STATE,
  UNUSED,
} from './layout.js';
import type { MimallocOptions } from './options.js';
import { bitsBetween, onesFromAbove, onesFromBelow, runInWord } from './sizes.js';

const ALL_FREE = 0xffff_ffff;

export class PageTable {
  /**
   * Bytes of all holes. The original keeps no such count: this one is the simulator's, costs no cycle, and stands
   * beside the simulated memory, so that statistics need not add up all pages after each call.
   */
  freeBytes = 0;
  /** How many pages have been reset and not been used since, and at most; counted likewise. */
  resetPages = 0;
  mostResetPages = 0;
  /** Of either bitmap. */
  readonly words: number;

  constructor(
    private readonly memory: Memory,
    readonly plan: Plan,
    private readonly options: Pick<MimallocOptions, 'reset' | 'resetDelay'>,
    private readonly surroundings: Surroundings,
    private readonly call: HeapCall,
  ) {
    this.words = Math.ceil(plan.pages / 32);
  }

  /** All pages are unused; nothing is said of their contents. */
  initialize(): void {
    const { memory, plan } = this;
    memory.fill(plan.table, PAGE_ENTRY_BYTES * plan.pages, 0);
    for (let word = 0; word < this.words; word++) {
      const rest = plan.pages - 32 * word;
      memory.storeWord(plan.bitmap + 4 * word, rest >= 32 ? ALL_FREE : 2 ** rest - 1);
      memory.storeWord(plan.emptied + 4 * word, 0);
    }
    memory.storeWord(plan.resetQueue, 0);
    this.freeBytes = plan.pages * plan.pageBytes;
  }

  /** The entry of a page, which has a number from 1. */
  entry(page: number): number {
    return this.plan.table + PAGE_ENTRY_BYTES * (page - 1);
  }

  /** The number of the page that an address lies in: none of the arena's, if it lies in none. */
  pageAt(address: number): number {
    return ((address - this.plan.base) >>> this.plan.pageShift) + 1;
  }

  addressOf(page: number): number {
    return this.plan.base + (page - 1) * this.plan.pageBytes;
  }

  kindOf(entry: number): number {
    return this.memory.loadByte(entry + STATE) & KIND;
  }

  isFree(page: number): boolean {
    const word = this.memory.loadWord(this.plan.bitmap + 4 * ((page - 1) >>> 5));
    return ((word >>> ((page - 1) & 31)) & 1) === 1;
  }

  // --- taking -------------------------------------------------------------------------------------------

  /** The highest unused page, or {@link NONE}: spans grow from below. */
  take(): number {
    const { memory, plan, call } = this;
    for (let word = this.words - 1; word >= 0; word--) {
      call.searchSteps++;
      const bits = memory.loadWord(plan.bitmap + 4 * word);
      if (bits === 0) continue;
      const page = 32 * word + highestBit(bits) + 1;
      this.claim(page, 1);
      return page;
    }
    return NONE;
  }

  /** The lowest run of `count` unused pages, made a span; {@link NONE} if there is none. */
  takeSpan(count: number): number {
    const first = this.findRun(count);
    if (first === NONE) return NONE;
    const { memory, plan } = this;
    this.claim(first, count);
    const entry = this.entry(first);
    memory.storeByte(entry + STATE, SPAN_FIRST);
    memory.storeHalf(entry + SPAN, count);
    this.freeBytes -= count * plan.pageBytes;
    return first;
  }

  private findRun(count: number): number {
    const { memory, plan, call } = this;
    // Unused pages right below the word at hand.
    let below = 0;
    for (let word = 0; word < this.words; word++) {
      call.searchSteps++;
      const bits = memory.loadWord(plan.bitmap + 4 * word);
      if (below + onesFromBelow(bits) >= count) return 32 * word - below + 1;
      if (bits === ALL_FREE) {
        below += 32;
        continue;
      }
      const inside = count <= 32 ? runInWord(bits, count) : -1;
      if (inside >= 0) return 32 * word + inside + 1;
      below = onesFromAbove(bits);
    }
    return NONE;
  }

  /** Marks pages as no longer unused. What waits for its reset is spared it. */
  private claim(first: number, count: number): void {
    this.mark(first, count, false);
    if (this.options.reset === 'none') return;
    const { memory, call } = this;
    for (let page = first; page < first + count; page++) {
      call.insertSteps++;
      const entry = this.entry(page);
      const state = memory.loadByte(entry + STATE);
      if ((state & RESET_PENDING) !== 0) this.unlinkReset(page);
      if ((state & RESET_DONE) !== 0) this.resetPages--;
      memory.storeByte(entry + STATE, UNUSED);
    }
  }

  // --- giving back --------------------------------------------------------------------------------------

  /** Makes an empty small page unused that is in no list. */
  release(page: number): void {
    const entry = this.entry(page);
    this.freeBytes += this.plan.rests[this.peekHalf(entry, BIN) & 0xff] ?? 0;
    this.memory.fill(entry, PAGE_ENTRY_BYTES, 0);
    this.disclaim(page, 1);
  }

  /** Bytes of the span that begins with a page. Costs the device nothing. */
  spanBytes(first: number): number {
    return this.peekHalf(this.entry(first), SPAN) * this.plan.pageBytes;
  }

  /** What a debugger reads there: at an even place of an entry. */
  private peekHalf(entry: number, place: number): number {
    return (this.memory.peekWord(entry + (place & ~3)) >>> (8 * (place & 3))) & 0xffff;
  }

  /** Gives back the span that begins with a page; its bytes are counted as free already. */
  releaseSpan(first: number): void {
    const { memory } = this;
    const entry = this.entry(first);
    const count = memory.loadHalf(entry + SPAN);
    memory.storeByte(entry + STATE, UNUSED);
    memory.storeHalf(entry + SPAN, 0);
    this.disclaim(first, count);
  }

  private disclaim(first: number, count: number): void {
    this.mark(first, count, true);
    if (this.options.reset === 'none') return;
    for (let page = first; page < first + count; page++) this.awaitReset(page);
  }

  /** Sets or clears the bits of some pages, a word at a time. */
  private mark(first: number, count: number, free: boolean): void {
    const { memory, plan, call } = this;
    const end = first - 1 + count;
    for (let bit = first - 1; bit < end; ) {
      call.insertSteps++;
      const word = plan.bitmap + 4 * (bit >>> 5);
      const upTo = Math.min(end, (bit | 31) + 1);
      const mask = bitsBetween(bit & 31, upTo & 31);
      const bits = memory.loadWord(word);
      memory.storeWord(word, free ? bits | mask : bits & ~mask);
      bit = upTo;
    }
  }

  // --- emptied elsewhere --------------------------------------------------------------------------------

  /** Notes that the last block in use of a page was freed elsewhere; anybody may do it at any time. */
  noteEmptied(page: number): void {
    const { memory, plan } = this;
    const word = plan.emptied + 4 * ((page - 1) >>> 5);
    const bit = 1 << ((page - 1) & 31);
    for (;;) {
      const bits = memory.loadWord(word);
      if ((bits & bit) !== 0 || memory.compareAndSwap(word, bits, bits | bit)) return;
    }
  }

  wasEmptied(page: number): boolean {
    const word = this.memory.loadWord(this.plan.emptied + 4 * ((page - 1) >>> 5));
    return ((word >>> ((page - 1) & 31)) & 1) === 1;
  }

  /** A page of which a word of the bitmap notes that, and does no more; or {@link NONE}. */
  takeEmptied(word: number): number {
    const { memory, plan } = this;
    const address = plan.emptied + 4 * word;
    for (;;) {
      const bits = memory.loadWord(address);
      if (bits === 0) return NONE;
      if (memory.compareAndSwap(address, bits, withoutLowest(bits))) return 32 * word + lowestBit(bits) + 1;
    }
  }

  // --- reset --------------------------------------------------------------------------------------------

  /** Behind the others: all wait equally long. */
  private awaitReset(page: number): void {
    const { memory, plan, options } = this;
    this.call.insertSteps++;
    const entry = this.entry(page);
    const last = memory.loadHalf(plan.resetQueue + 2);
    memory.storeByte(entry + STATE, UNUSED | RESET_PENDING);
    memory.storeWord(entry + RESET_TICK, this.surroundings.ticks() + options.resetDelay);
    memory.storeHalf(entry + PREVIOUS, last);
    memory.storeHalf(last === NONE ? plan.resetQueue : this.entry(last) + NEXT, page);
    memory.storeHalf(plan.resetQueue + 2, page);
  }

  private unlinkReset(page: number): void {
    const { memory, plan } = this;
    const entry = this.entry(page);
    const before = memory.loadHalf(entry + PREVIOUS);
    const after = memory.loadHalf(entry + NEXT);
    memory.storeHalf(before === NONE ? plan.resetQueue : this.entry(before) + NEXT, after);
    memory.storeHalf(after === NONE ? plan.resetQueue + 2 : this.entry(after) + PREVIOUS, before);
    memory.storeHalf(entry + NEXT, NONE);
    memory.storeHalf(entry + PREVIOUS, NONE);
  }

  /** Whether a page has waited long enough. */
  resetIsDue(): boolean {
    const { memory, plan, options, surroundings } = this;
    if (options.reset === 'none') return false;
    const page = memory.loadHalf(plan.resetQueue);
    if (page === NONE) return false;
    return ((surroundings.ticks() - memory.loadWord(this.entry(page) + RESET_TICK)) | 0) >= 0;
  }

  /** Resets the page that has waited longest, if that was long enough. */
  resetOne(): void {
    if (!this.resetIsDue()) return;
    const { memory, plan, options } = this;
    const page = memory.loadHalf(plan.resetQueue);
    this.unlinkReset(page);
    const entry = this.entry(page);
    memory.storeByte(entry + STATE, UNUSED | RESET_DONE);
    memory.storeWord(entry + RESET_TICK, 0);
    this.resetPages++;
    this.mostResetPages = Math.max(this.mostResetPages, this.resetPages);
    if (options.reset === 'madv_dontneed') memory.fill(this.addressOf(page), plan.pageBytes, 0);
  }
}
