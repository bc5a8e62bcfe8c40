/**
 * The data structures of the first generation's arena: headers, their chain in address order of what they stand
 * for, and the buckets of free blocks. See rmalloc-2008.ts for the picture.
 */

import type { Memory } from '../../mcu/memory.js';
import { highestBit } from '../bits.js';
import { alignUp, endlessList } from '../freertos/request.js';

// A header, as offsets from its start.
const STATE = 0;
const POINTER = 4;
const SIZE = 8;
const PREVIOUS = 12;
const NEXT = 16;
const BUCKET_NEXT = 20;
const HEADER_BYTES = 24;

/** No block. */
export const NONE = 0;

// The state's low byte counts locks.
const LOCKS = 0xff;
const FREE = 0;
const USED = 0x100;
/** The header of a freed block that was elsewhere: its bytes are won by the next compaction. */
const DEAD = 0x200;

// Statics, as offsets from their start.
const ARENA_ORIGIN = 0;
const ARENA_END = 4;
const TOP = 8;
const LAST = 12;
const HOLE_BYTES = 16;
export const FULLNESS = 20;
export const STATIC_BYTES = 24;

export class Nodes {
  /** Of a header, padded to the alignment. */
  readonly headerBytes: number;
  /** The block of size 0 in front of the chain. */
  readonly root: number;
  private readonly buckets: number;
  private readonly bucketCount: number;

  /** Formats the arena. `reuse`: whether there are buckets. */
  constructor(
    private readonly memory: Memory,
    private readonly statics: number,
    private readonly origin: number,
    readonly end: number,
    private readonly alignment: number,
    reuse: boolean,
  ) {
    this.headerBytes = headerBytesFor(alignment);
    this.buckets = origin;
    this.bucketCount = reuse ? bucketOf(end - origin) + 1 : 0;
    this.root = alignUp(origin + 4 * this.bucketCount, alignment);
    memory.fill(this.buckets, 4 * this.bucketCount, 0);
    memory.fill(this.root, HEADER_BYTES, 0);
    memory.storeWord(statics + ARENA_ORIGIN, origin);
    memory.storeWord(statics + ARENA_END, end);
    memory.storeWord(statics + FULLNESS, 0);
    this.top = this.root + this.headerBytes;
    this.last = this.root;
    this.holeBytes = 0;
  }

  /** Whether what does not change is still as it was. */
  isFormatted(): boolean {
    const { memory, statics } = this;
    const bounds = memory.loadWord(statics + ARENA_ORIGIN) === this.origin;
    return bounds && memory.loadWord(statics + ARENA_END) === this.end && this.sizeOf(this.root) === 0;
  }

  // --- one block ----------------------------------------------------------------------------------------

  isUsed(node: number): boolean {
    return (this.memory.loadWord(node + STATE) & USED) !== 0;
  }

  isFree(node: number): boolean {
    return this.memory.loadWord(node + STATE) === FREE;
  }

  isDead(node: number): boolean {
    return this.memory.loadWord(node + STATE) === DEAD;
  }

  locksOf(node: number): number {
    return this.memory.loadWord(node + STATE) & LOCKS;
  }

  /** `change`: 1 or -1. */
  addLocks(node: number, change: number): void {
    this.memory.storeWord(node + STATE, this.memory.loadWord(node + STATE) + change);
  }

  pointerOf(node: number): number {
    return this.memory.loadWord(node + POINTER);
  }

  sizeOf(node: number): number {
    return this.memory.loadWord(node + SIZE);
  }

  nextOf(node: number): number {
    return this.memory.loadWord(node + NEXT);
  }

  previousOf(node: number): number {
    return this.memory.loadWord(node + PREVIOUS);
  }

  /** Whether the payload lies behind its header, as it does until it is moved. */
  isWhole(node: number): boolean {
    return this.pointerOf(node) === node + this.headerBytes;
  }

  /** Where what the header stands for begins: the header itself, or a payload that was moved away from it. */
  startOf(node: number): number {
    return this.isWhole(node) ? node : this.pointerOf(node);
  }

  endOf(node: number): number {
    return node === this.root ? node + this.headerBytes : this.pointerOf(node) + this.sizeOf(node);
  }

  makeUsed(node: number, size: number): void {
    this.memory.storeWord(node + STATE, USED);
    this.memory.storeWord(node + POINTER, node + this.headerBytes);
    this.memory.storeWord(node + SIZE, size);
  }

  /** `bytes`: of the whole hole, header included. */
  makeFree(node: number, bytes: number): void {
    this.memory.storeWord(node + STATE, FREE);
    this.memory.storeWord(node + POINTER, node + this.headerBytes);
    this.memory.storeWord(node + SIZE, bytes - this.headerBytes);
  }

  makeDead(node: number): void {
    this.memory.storeWord(node + STATE, DEAD);
  }

  /** The payload is elsewhere now. */
  pointTo(node: number, address: number): void {
    this.memory.storeWord(node + POINTER, address);
  }

  /** Whether `node` can be a block at all, and the chain knows of it. */
  isInChain(node: number): boolean {
    const inside = node > this.root && node < this.top && (node - this.root) % this.alignment === 0;
    return inside && this.isUsed(node) && this.nextOf(this.previousOf(node)) === node;
  }

  // --- the chain ----------------------------------------------------------------------------------------

  insertBehind(before: number, node: number): void {
    const next = this.nextOf(before);
    this.memory.storeWord(node + PREVIOUS, before);
    this.memory.storeWord(node + NEXT, next);
    this.memory.storeWord(before + NEXT, node);
    if (next === NONE) this.last = node;
    else this.memory.storeWord(next + PREVIOUS, node);
  }

  remove(node: number): void {
    const previous = this.previousOf(node);
    const next = this.nextOf(node);
    this.memory.storeWord(previous + NEXT, next);
    if (next === NONE) this.last = previous;
    else this.memory.storeWord(next + PREVIOUS, previous);
  }

  /** Joins `node` with the hole behind it if they touch: it takes the swallowed header's bytes as well. */
  swallowNext(node: number): boolean {
    const next = this.nextOf(node);
    if (next === NONE || !this.isFree(next) || next !== this.endOf(node)) return false;
    this.memory.storeWord(node + SIZE, this.endOf(next) - this.pointerOf(node));
    this.remove(next);
    return true;
  }

  // --- statics ------------------------------------------------------------------------------------------

  get top(): number {
    return this.memory.loadWord(this.statics + TOP);
  }

  set top(address: number) {
    this.memory.storeWord(this.statics + TOP, address);
  }

  get last(): number {
    return this.memory.loadWord(this.statics + LAST);
  }

  set last(node: number) {
    this.memory.storeWord(this.statics + LAST, node);
  }

  get holeBytes(): number {
    return this.memory.loadWord(this.statics + HOLE_BYTES);
  }

  set holeBytes(bytes: number) {
    this.memory.storeWord(this.statics + HOLE_BYTES, bytes);
  }

  /** No chain is longer. */
  get maximumNodes(): number {
    return (this.top - this.root) / this.headerBytes;
  }

  // --- the buckets --------------------------------------------------------------------------------------

  get lastBucket(): number {
    return this.bucketCount - 1;
  }

  /** The bucket of free blocks with payloads of 2^k to 2^(k+1) - 1 bytes is number k. */
  bucketHead(bucket: number): number {
    return this.memory.loadWord(this.buckets + 4 * bucket);
  }

  nextInBucket(node: number): number {
    return this.memory.loadWord(node + BUCKET_NEXT);
  }

  /** Free blocks that no payload fits into are in none. */
  isBucketed(node: number): boolean {
    return this.bucketCount > 0 && this.sizeOf(node) >= this.headerBytes;
  }

  putInBucket(node: number): void {
    if (!this.isBucketed(node)) return;
    const head = this.buckets + 4 * bucketOf(this.sizeOf(node));
    this.memory.storeWord(node + BUCKET_NEXT, this.memory.loadWord(head));
    this.memory.storeWord(head, node);
  }

  /** Looks for it from the front. */
  takeOutOfBucket(node: number): void {
    if (!this.isBucketed(node)) return;
    let link = this.buckets + 4 * bucketOf(this.sizeOf(node));
    let steps = this.maximumNodes;
    for (let at = this.memory.loadWord(link); at !== node; at = this.memory.loadWord(link)) {
      link = at + BUCKET_NEXT;
      if (--steps < 0) throw endlessList(at);
    }
    this.memory.storeWord(link, this.nextInBucket(node));
  }

  /** After a compaction, which takes no notice of them. */
  refillBuckets(): void {
    if (this.bucketCount === 0) return;
    this.memory.fill(this.buckets, 4 * this.bucketCount, 0);
    for (let node = this.nextOf(this.root); node !== NONE; node = this.nextOf(node)) {
      if (this.isFree(node)) this.putInBucket(node);
    }
  }
}

export function headerBytesFor(alignment: number): number {
  return alignUp(HEADER_BYTES, alignment);
}

/** floor(log2(bytes)). */
export function bucketOf(bytes: number): number {
  return highestBit(bytes);
}
