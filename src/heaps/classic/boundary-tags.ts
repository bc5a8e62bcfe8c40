/**
 * Blocks with boundary tags (Knuth, The Art of Computer Programming 1, section 2.5): the same word at both
 * ends says how long the block is and whether it is in use, so that a block finds its neighbours on either
 * side without a search. What every fit has in common, whatever order it looks at holes in.
 *
 *     payload - 4   0         4          8                      payload + bytes - 8
 *     +-------------+---------+----------+----------------------+-----------+
 *     | bytes, used | next    | previous |                      | bytes,used|
 *     +-------------+---------+----------+----------------------+-----------+
 *
 * Addresses of blocks are those of their payloads. Only holes have links.
 */

import { Fault } from '../../mcu/fault.js';
import type { Memory, Region } from '../../mcu/memory.js';
import { alignDown, alignUp } from '../freertos/request.js';
import { Corruption, type PieceVisitor } from '../heap.js';

/** Lowest bit of a tag: set while the block is in use. Sizes are multiples of 4. */
export const USED = 1;

/** From a payload back to its block's lower tag, and that of the block's upper one from its end. */
export const TAG_BYTES = 4;
/** Both tags. */
export const OVERHEAD_BYTES = 2 * TAG_BYTES;

export const NEXT = 0;
export const PREVIOUS = 4;
const LINK_BYTES = 8;

/** A hole and what its own links lead to. */
export interface HoleNode {
  readonly hole: number;
  readonly bytes: number;
}

export class TaggedArena {
  /** Payload of the lowest block. */
  readonly first: number;
  /** Where a block behind the highest one would have its payload. */
  readonly end: number;
  readonly minimumBytes: number;

  constructor(
    private readonly memory: Memory,
    private readonly region: Region,
    private readonly alignment: number,
  ) {
    this.minimumBytes = alignUp(OVERHEAD_BYTES + LINK_BYTES, alignment);
    this.first = alignUp(region.origin + OVERHEAD_BYTES, alignment);
    this.end = alignDown(region.origin + region.bytes, alignment);
  }

  /** Of the single hole in an empty arena. */
  get bytes(): number {
    return this.end - this.first;
  }

  /** Tags of a block in use on either side, where merging stops. */
  storeFences(): void {
    this.memory.storeWord(this.first - OVERHEAD_BYTES, USED);
    this.memory.storeWord(this.end - TAG_BYTES, USED);
  }

  storeTags(block: number, bytes: number, used: number): void {
    this.memory.storeWord(block - TAG_BYTES, bytes | used);
    this.memory.storeWord(block + bytes - OVERHEAD_BYTES, bytes | used);
  }

  /** Of the block for a request, tags included; more than the arena has where 32 bits would overflow. */
  blockBytes(requestBytes: number): number {
    return Math.max(this.minimumBytes, alignUp(requestBytes + OVERHEAD_BYTES, this.alignment));
  }

  /** Bytes of the live block at `address`. @throws Fault where its tags say that there is none */
  liveBytes(address: number): number {
    const { memory, first, end } = this;
    if (address < first || address >= end || address % this.alignment !== 0) {
      throw new Fault('assertion', address, 'free: no block of the heap can begin here');
    }
    const tag = memory.loadWord(address - TAG_BYTES);
    const bytes = tag - USED;
    const fits = (tag & 3) === USED && bytes >= this.minimumBytes && address + bytes <= end;
    if (!fits || memory.loadWord(address + bytes - OVERHEAD_BYTES) !== tag) {
      throw new Fault('assertion', address, 'free: the tags at both ends are not those of a live block');
    }
    return bytes;
  }

  walk(visit: PieceVisitor): void {
    const { origin, bytes } = this.region;
    const lowest = this.first - TAG_BYTES;
    const behind = this.end - TAG_BYTES;
    visit('bookkeeping', origin, lowest - origin, 0);
    this.walkBlocks(visit);
    visit('bookkeeping', behind, origin + bytes - behind, 0);
  }

  private walkBlocks(visit: PieceVisitor): void {
    const { memory, first, end, minimumBytes, alignment } = this;
    for (let block = first; block < end; ) {
      const tag = memory.loadWord(block - TAG_BYTES);
      const bytes = tag - (tag & USED);
      if (bytes < minimumBytes || bytes % alignment !== 0 || block + bytes > end) {
        throw new Corruption(`a block's lower tag is ${tag}: it leads to no other block`, block - TAG_BYTES);
      }
      if ((tag & USED) !== 0) visit('used', block - TAG_BYTES, bytes, block);
      else visit('hole', block - TAG_BYTES, bytes, 0);
      block += bytes;
    }
  }

  /**
   * Fences stand, both tags of every block agree, no two holes touch.
   *
   * @returns bytes of each hole
   */
  check(): Map<number, number> {
    const { memory, first, end } = this;
    for (const fence of [first - OVERHEAD_BYTES, end - TAG_BYTES]) {
      if (memory.loadWord(fence) !== USED) {
        throw new Corruption('the tag that ends the arena has been overwritten', fence);
      }
    }
    const holes = new Map<number, number>();
    let previousKind = 'used';
    this.walkBlocks((kind, address, bytes) => {
      const upper = address + bytes - TAG_BYTES;
      if (memory.loadWord(upper) !== memory.loadWord(address)) {
        throw new Corruption('the tags at both ends of a block differ', upper);
      }
      if (kind === 'hole') holes.set(address + TAG_BYTES, bytes);
      if (kind === 'hole' && previousKind === 'hole') throw new Corruption('two holes touch', address);
      previousKind = kind;
    });
    return holes;
  }

  /**
   * A circular list must lead through holes only, back as well as forth, from `head` to `head`.
   *
   * @returns its holes in order
   */
  checkList(head: number, holes: ReadonlyMap<number, number>): HoleNode[] {
    const { memory } = this;
    const nodes: HoleNode[] = [];
    let previous = head;
    for (let node = memory.loadWord(head + NEXT); ; node = memory.loadWord(node + NEXT)) {
      const bytes = holes.get(node);
      if (node !== head && bytes === undefined) {
        throw new Corruption('the list of holes leads to what is no hole', node);
      }
      if (memory.loadWord(node + PREVIOUS) !== previous) {
        throw new Corruption('the list of holes does not lead back as it leads forth', node);
      }
      if (bytes === undefined) return nodes;
      nodes.push({ hole: node, bytes });
      previous = node;
    }
  }
}
