/**
 * The data structures of rmalloc's arena: the table of headers, their chain in address order, and the lists of
 * holes by size. All of it is in RAM; see rmalloc.ts for the picture.
 */

import type { Memory } from '../../mcu/memory.js';
import { highestBit } from '../bits.js';
import { endlessList } from '../freertos/request.js';

/** {address and flags, locks and age and link}. */
export const HEADER_BYTES = 8;
/** A hole holds {next, previous} of its list. */
export const LINK_BYTES = 8;
/** No header. */
export const NONE = 0;

// Statics, as offsets from their start. The root is a header of size 0 in front of the chain.
const ROOT = 0;
const LAST = 8;
const TOP = 12;
const BOTTOM = 16;
const SPARE = 20;
const HOLE_BYTES = 24;
const RESUME = 28;
const ARENA_ORIGIN = 32;
const ARENA_END = 36;
export const FULLNESS = 40;
/** With generations. */
const OLD = 44;
const YOUNG_PASSES = 48;

export function blockStaticBytes(generations: boolean): number {
  return generations ? 52 : 44;
}

// The first word of a header: the payload's address, a multiple of 4, and two flags.
const USED = 1;
/** A hole that is in a list; others only compaction will find. */
const LISTED = 2;
const FLAGS = 3;

// The second: locks, compactions survived, and the header that follows in address order, as words below the
// end of the table.
const LOCK = 2 ** 24;
const AGE = 2 ** 22;
export const MAXIMUM_AGE = 3;
const LINK_MASK = AGE - 1;
const MAXIMUM_TABLE_BYTES = LINK_MASK * HEADER_BYTES;

export class Blocks {
  readonly root: number;
  /** Where payloads begin; the heads of the lists lie before. */
  readonly base: number;
  /** No block is smaller: as a hole it must hold its links. */
  readonly minimumBytes: number;
  private readonly lists: number;
  private readonly listCount: number;
  /** Where the table begins, which grows down. */
  private readonly end: number;

  /** Formats the arena, of which `end` may be any address. `origin` is a multiple of 4. */
  constructor(
    private readonly memory: Memory,
    private readonly statics: number,
    readonly origin: number,
    end: number,
    alignment: number,
    readonly generations: boolean,
  ) {
    this.root = statics + ROOT;
    this.end = end - (end % 4);
    this.lists = origin;
    this.listCount = listsFor(end - origin);
    this.base = baseFor(origin, end - origin, alignment);
    this.minimumBytes = Math.max(LINK_BYTES, alignment);
    this.format();
  }

  private format(): void {
    const { memory, statics, root } = this;
    memory.storeWord(root, this.base + USED);
    memory.storeWord(root + 4, 0);
    memory.storeWord(statics + LAST, root);
    memory.storeWord(statics + TOP, this.base);
    memory.storeWord(statics + BOTTOM, this.end);
    memory.storeWord(statics + SPARE, NONE);
    memory.storeWord(statics + HOLE_BYTES, 0);
    memory.storeWord(statics + RESUME, root);
    memory.storeWord(statics + ARENA_ORIGIN, this.origin);
    memory.storeWord(statics + ARENA_END, this.end);
    memory.storeWord(statics + FULLNESS, 0);
    if (this.generations) {
      memory.storeWord(statics + OLD, root);
      memory.storeWord(statics + YOUNG_PASSES, 0);
    }
    memory.fill(this.lists, 4 * this.listCount, 0);
  }

  /** Whether what does not change is still as it was. */
  isFormatted(): boolean {
    const { memory, statics } = this;
    const words: readonly [offset: number, word: number][] = [
      [ROOT, this.base + USED],
      [ARENA_ORIGIN, this.origin],
      [ARENA_END, this.end],
    ];
    return words.every(([offset, word]) => memory.loadWord(statics + offset) === word);
  }

  // --- one header ---------------------------------------------------------------------------------------

  addressOf(header: number): number {
    const word = this.memory.loadWord(header);
    return word - (word & FLAGS);
  }

  isUsed(header: number): boolean {
    return (this.memory.loadWord(header) & USED) !== 0;
  }

  isListed(header: number): boolean {
    return (this.memory.loadWord(header) & LISTED) !== 0;
  }

  locksOf(header: number): number {
    return this.memory.loadWord(header + 4) >>> 24;
  }

  /** `change`: 1 or -1. */
  addLocks(header: number, change: number): void {
    this.memory.storeWord(header + 4, this.memory.loadWord(header + 4) + change * LOCK);
  }

  ageOf(header: number): number {
    return (this.memory.loadWord(header + 4) >>> 22) & MAXIMUM_AGE;
  }

  /** Another compaction survived. */
  grow(header: number): void {
    const word = this.memory.loadWord(header + 4);
    if (((word >>> 22) & MAXIMUM_AGE) < MAXIMUM_AGE) this.memory.storeWord(header + 4, word + AGE);
  }

  /** The next in address order, or {@link NONE}. */
  nextOf(header: number): number {
    const link = this.memory.loadWord(header + 4) & LINK_MASK;
    return link === 0 ? NONE : this.end - link * HEADER_BYTES;
  }

  /** Where the block ends: a block's size is nowhere but in the distance to the next. */
  endOf(header: number): number {
    const next = this.nextOf(header);
    return next === NONE ? this.top : this.addressOf(next);
  }

  setNext(header: number, next: number): void {
    const { memory } = this;
    const word = memory.loadWord(header + 4);
    memory.storeWord(header + 4, word - (word & LINK_MASK) + this.linkTo(next));
  }

  private linkTo(header: number): number {
    return header === NONE ? 0 : (this.end - header) / HEADER_BYTES;
  }

  /** A new live block, or a hole that is given out: no lock, no age. */
  makeUsed(header: number, address: number, next: number): void {
    this.memory.storeWord(header, address + USED);
    this.memory.storeWord(header + 4, this.linkTo(next));
  }

  /** A hole that is in no list yet. */
  makeHole(header: number, address: number, next: number): void {
    this.memory.storeWord(header, address);
    this.memory.storeWord(header + 4, this.linkTo(next));
  }

  /** A live block whose payload has been moved. */
  moveTo(header: number, address: number): void {
    this.memory.storeWord(header, address + USED);
  }

  // --- the table ----------------------------------------------------------------------------------------

  get top(): number {
    return this.memory.loadWord(this.statics + TOP);
  }

  set top(address: number) {
    this.memory.storeWord(this.statics + TOP, address);
  }

  /** Where the table ends; between the top and here nothing has been used. */
  get bottom(): number {
    return this.memory.loadWord(this.statics + BOTTOM);
  }

  get last(): number {
    return this.memory.loadWord(this.statics + LAST);
  }

  set last(header: number) {
    this.memory.storeWord(this.statics + LAST, header);
  }

  get holeBytes(): number {
    return this.memory.loadWord(this.statics + HOLE_BYTES);
  }

  set holeBytes(bytes: number) {
    this.memory.storeWord(this.statics + HOLE_BYTES, bytes);
  }

  get tableEnd(): number {
    return this.end;
  }

  /** No chain is longer. */
  get maximumHeaders(): number {
    return (this.end - this.bottom) / HEADER_BYTES;
  }

  get spare(): number {
    return this.memory.loadWord(this.statics + SPARE);
  }

  isHandle(header: number): boolean {
    return header >= this.bottom && header < this.end && (this.end - header) % HEADER_BYTES === 0;
  }

  /** A header that nobody uses, or a new one if `bytes` are left besides; {@link NONE} if neither. */
  takeHeader(bytes: number): number {
    const { memory, statics } = this;
    const spare = memory.loadWord(statics + SPARE);
    const bottom = memory.loadWord(statics + BOTTOM);
    const room = bottom - memory.loadWord(statics + TOP) - bytes;
    if (spare !== NONE) {
      if (room < 0) return NONE;
      memory.storeWord(statics + SPARE, this.nextOf(spare));
      return spare;
    }
    if (room < HEADER_BYTES || this.end - bottom >= MAXIMUM_TABLE_BYTES) return NONE;
    memory.storeWord(statics + BOTTOM, bottom - HEADER_BYTES);
    return bottom - HEADER_BYTES;
  }

  /** An address of 0 tells a spare header from a hole's. */
  giveHeader(header: number): void {
    this.memory.storeWord(header, 0);
    this.memory.storeWord(header + 4, this.linkTo(this.spare));
    this.memory.storeWord(this.statics + SPARE, header);
  }

  /** Gives spare headers at the table's end back to the gap, and orders the others: the first taken is inmost. */
  trimTable(): void {
    const { memory, statics, end } = this;
    let bottom = this.bottom;
    if (bottom === end || memory.loadWord(bottom) !== 0) return;
    while (bottom < end && memory.loadWord(bottom) === 0) bottom += HEADER_BYTES;
    memory.storeWord(statics + BOTTOM, bottom);
    memory.storeWord(statics + SPARE, NONE);
    for (let header = bottom; header < end; header += HEADER_BYTES) {
      if (memory.loadWord(header) === 0) this.giveHeader(header);
    }
  }

  // --- the lists of holes -------------------------------------------------------------------------------

  /** The list of holes of 2^k to 2^(k+1) - 1 bytes is number k. */
  listHead(list: number): number {
    return this.memory.loadWord(this.lists + 4 * list);
  }

  get lastList(): number {
    return this.listCount - 1;
  }

  nextInList(hole: number): number {
    return this.memory.loadWord(this.addressOf(hole));
  }

  /** Makes `hole`, of `bytes`, the first of its list. */
  list(hole: number, bytes: number): void {
    const { memory } = this;
    const address = this.addressOf(hole);
    const head = this.lists + 4 * listOf(bytes);
    const next = memory.loadWord(head);
    memory.storeWord(address, next);
    memory.storeWord(address + 4, NONE);
    if (next !== NONE) memory.storeWord(this.addressOf(next) + 4, hole);
    memory.storeWord(head, hole);
    memory.storeWord(hole, address + LISTED);
  }

  /** Takes `hole`, of `bytes`, out of its list if it is in one. */
  unlist(hole: number, bytes: number): void {
    const { memory } = this;
    const word = memory.loadWord(hole);
    if ((word & LISTED) === 0) return;
    const address = word - LISTED;
    const next = memory.loadWord(address);
    const previous = memory.loadWord(address + 4);
    if (previous === NONE) memory.storeWord(this.lists + 4 * listOf(bytes), next);
    else memory.storeWord(this.addressOf(previous), next);
    if (next !== NONE) memory.storeWord(this.addressOf(next) + 4, previous);
    memory.storeWord(hole, address);
  }

  // --- the chain ----------------------------------------------------------------------------------------

  /** Puts `header`, which has its address and successor, behind `before`. */
  insertAfter(before: number, header: number): void {
    this.setNext(before, header);
    if (this.last === before) this.last = header;
  }

  /** Takes the header behind `before` out of the chain: its bytes are `before`'s now. Its own use is over. */
  removeAfter(before: number, header: number): void {
    this.setNext(before, this.nextOf(header));
    if (this.last === header) this.last = before;
    if (this.resume === header) this.resume = before;
    if (this.generations && this.old === header) this.old = before;
  }

  /** The header before `header`: a search from the front. @throws Fault when the chain runs in a circle */
  before(header: number): number {
    let before = this.root;
    let steps = this.maximumHeaders;
    for (let next = this.nextOf(before); next !== header; next = this.nextOf(next)) {
      before = next;
      if (--steps < 0) throw endlessList(next);
    }
    return before;
  }

  // --- bookmarks ----------------------------------------------------------------------------------------

  /** Behind this header the last compaction stopped before it was through; the root if it was. */
  get resume(): number {
    return this.memory.loadWord(this.statics + RESUME);
  }

  set resume(header: number) {
    this.memory.storeWord(this.statics + RESUME, header);
  }

  /** The last block of the old generation, or the root. */
  get old(): number {
    return this.generations ? this.memory.loadWord(this.statics + OLD) : this.root;
  }

  set old(header: number) {
    this.memory.storeWord(this.statics + OLD, header);
  }

  /** Since the old generation was compacted too. */
  get youngPasses(): number {
    return this.memory.loadWord(this.statics + YOUNG_PASSES);
  }

  set youngPasses(count: number) {
    this.memory.storeWord(this.statics + YOUNG_PASSES, count);
  }
}

/** floor(log2(bytes)). */
export function listOf(bytes: number): number {
  return highestBit(bytes);
}

function listsFor(arenaBytes: number): number {
  return listOf(arenaBytes) + 1;
}

/** Where payloads begin in an arena. */
export function baseFor(origin: number, arenaBytes: number, alignment: number): number {
  const listEnd = origin + 4 * listsFor(arenaBytes);
  return listEnd + (-listEnd & (alignment - 1));
}
