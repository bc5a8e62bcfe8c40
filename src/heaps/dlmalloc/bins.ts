/**
 * dlmalloc's bins: where free chunks wait, all but top and the designated victim.
 *
 * A small bin is a circular list of chunks of one size, the last freed first. A tree bin is a trie by the bits
 * of the size, highest first; chunks of one size hang in a ring from the one that is in the trie (whose `parent`
 * is NULL for all others), so that a search meets each size once.
 */

import type { Memory } from '../../mcu/memory.js';
import { lowestBit } from '../bits.js';
import { type HeapCall, NULL } from '../heap.js';
import { assertion, endlessList } from '../words.js';
import {
  BACK,
  CHILD,
  FLAGS,
  FORWARD,
  HEAD,
  INDEX,
  LARGE_BYTES,
  LEAST_ADDRESS,
  MAXIMUM_DEPTH,
  PARENT,
  SMALL_BINS,
  SMALL_MAP,
  TREE_BINS,
  TREE_MAP,
  treeIndexOf,
  treeShift,
} from './layout.js';

export class Bins {
  /** `asserts`: whether links are looked at before they are followed. */
  constructor(
    private readonly memory: Memory,
    private readonly state: number,
    private readonly asserts: boolean,
    private readonly call: HeapCall,
  ) {}

  /** Whether it is that of a tree bin. */
  insert(chunk: number, bytes: number): boolean {
    const isLarge = bytes >>> 0 >= LARGE_BYTES;
    if (isLarge) this.insertLarge(chunk, bytes);
    else this.insertSmall(chunk, bytes);
    return isLarge;
  }

  unlink(chunk: number, bytes: number): void {
    if (bytes >>> 0 >= LARGE_BYTES) this.unlinkLarge(chunk);
    else this.unlinkSmall(chunk, bytes);
  }

  /** All lie above this one: the only test of an address that there is. */
  isPossible(chunk: number): boolean {
    return chunk >= this.memory.loadWord(this.state + LEAST_ADDRESS);
  }

  /** A chunk from a bin, before it is cut to `wanted` bytes. @throws Fault */
  expectFits(chunk: number, wanted: number): void {
    if (!this.asserts || (this.isPossible(chunk) && chunk < chunk + wanted)) return;
    throw corruption(chunk);
  }

  // --- small bins ---------------------------------------------------------------------------------------

  insertSmall(chunk: number, bytes: number): void {
    const { memory, state } = this;
    const bin = this.smallBin(bytes);
    const map = memory.loadWord(state + SMALL_MAP);
    const bit = 1 << (bytes >>> 3);
    let first = bin;
    if ((map & bit) === 0) memory.storeWord(state + SMALL_MAP, map | bit);
    else {
      first = memory.loadWord(bin + FORWARD);
      if (this.asserts && !this.isPossible(first)) throw corruption(bin);
    }
    memory.storeWord(bin + FORWARD, chunk);
    memory.storeWord(first + BACK, chunk);
    memory.storeWord(chunk + FORWARD, first);
    memory.storeWord(chunk + BACK, bin);
  }

  /** From a bin that holds something. When that was all, the bit says so; the list's end stays as it is. */
  takeFirstSmall(bytes: number): number {
    const { memory } = this;
    const bin = this.smallBin(bytes);
    const chunk = memory.loadWord(bin + FORWARD);
    const next = memory.loadWord(chunk + FORWARD);
    if (next === bin) this.clearSmallBit(bytes);
    else {
      if (this.asserts && !(this.isPossible(next) && memory.loadWord(next + BACK) === chunk)) {
        throw corruption(chunk);
      }
      memory.storeWord(next + BACK, bin);
      memory.storeWord(bin + FORWARD, next);
    }
    return chunk;
  }

  private unlinkSmall(chunk: number, bytes: number): void {
    const { memory } = this;
    const next = memory.loadWord(chunk + FORWARD);
    const previous = memory.loadWord(chunk + BACK);
    const bin = this.smallBin(bytes);
    if (this.asserts && next !== bin) this.expectLink(chunk, next, BACK);
    if (next === previous) {
      this.clearSmallBit(bytes);
      return;
    }
    if (this.asserts && previous !== bin) this.expectLink(chunk, previous, FORWARD);
    memory.storeWord(next + BACK, previous);
    memory.storeWord(previous + FORWARD, next);
  }

  private smallBin(bytes: number): number {
    return this.state + SMALL_BINS + (bytes & ~FLAGS);
  }

  private clearSmallBit(bytes: number): void {
    const { memory, state } = this;
    memory.storeWord(state + SMALL_MAP, memory.loadWord(state + SMALL_MAP) & ~(1 << (bytes >>> 3)));
  }

  // --- tree bins ----------------------------------------------------------------------------------------

  /** The smallest chunk of all trees, of which one at least is filled. */
  smallestLarge(): number {
    const { memory, state } = this;
    const index = lowestBit(memory.loadWord(state + TREE_MAP));
    return this.smallestBelow(memory.loadWord(state + TREE_BINS + 4 * index), 0, NULL);
  }

  /** The smallest chunk that holds `wanted` bytes, or NULL. */
  bestLarge(wanted: number): number {
    const { memory, state, call } = this;
    const index = treeIndexOf(wanted);
    let best: number = NULL;
    let bestBytes = Number.POSITIVE_INFINITY;
    let node = memory.loadWord(state + TREE_BINS + 4 * index);
    let larger: number = NULL;
    for (let bits = wanted << treeShift(index); node !== NULL; bits <<= 1) {
      const bytes = memory.loadWord(node + HEAD) & ~FLAGS;
      if (bytes >= wanted && bytes < bestBytes) {
        best = node;
        bestBytes = bytes;
        if (bytes === wanted) return best;
      }
      // Where the path goes left, all that lies to the right is larger; the last such is the closest.
      const right = memory.loadWord(node + CHILD + 4);
      if (++call.searchSteps > MAXIMUM_DEPTH) throw endlessList(node);
      node = bits < 0 ? right : memory.loadWord(node + CHILD);
      if (right !== NULL && right !== node) larger = right;
    }
    if (larger === NULL && best === NULL) {
      const bins = memory.loadWord(state + TREE_MAP) & (-2 << index);
      if (bins === 0) return NULL;
      larger = memory.loadWord(state + TREE_BINS + 4 * lowestBit(bins));
    }
    return this.smallestBelow(larger, wanted, best);
  }

  /** The smallest from `node` down that has `least` bytes, if it is smaller than `best`. */
  private smallestBelow(node: number, least: number, best: number): number {
    const { memory, call } = this;
    let chosen = best;
    let chosenBytes = best === NULL ? Number.POSITIVE_INFINITY : memory.loadWord(best + HEAD) & ~FLAGS;
    for (let next = node; next !== NULL; ) {
      const bytes = memory.loadWord(next + HEAD) & ~FLAGS;
      if (bytes >= least && bytes < chosenBytes) {
        chosen = next;
        chosenBytes = bytes;
      }
      if (++call.searchSteps > 2 * MAXIMUM_DEPTH) throw endlessList(next);
      const left = memory.loadWord(next + CHILD);
      next = left !== NULL ? left : memory.loadWord(next + CHILD + 4);
    }
    return chosen;
  }

  private insertLarge(chunk: number, bytes: number): void {
    const { memory, state } = this;
    const index = treeIndexOf(bytes);
    const bin = state + TREE_BINS + 4 * index;
    memory.storeWord(chunk + INDEX, index);
    memory.storeWord(chunk + CHILD, NULL);
    memory.storeWord(chunk + CHILD + 4, NULL);
    const map = memory.loadWord(state + TREE_MAP);
    if ((map & (1 << index)) === 0) {
      memory.storeWord(state + TREE_MAP, map | (1 << index));
      this.hang(chunk, bin, bin);
      return;
    }
    let node = memory.loadWord(bin);
    let steps = 0;
    for (let bits = bytes << treeShift(index); ; bits <<= 1) {
      if ((memory.loadWord(node + HEAD) & ~FLAGS) === bytes) return this.joinRing(chunk, node);
      const link = node + CHILD + 4 * (bits >>> 31);
      const child = memory.loadWord(link);
      this.call.insertSteps = ++steps;
      if (child === NULL) {
        if (this.asserts && !this.isPossible(link)) throw corruption(node);
        return this.hang(chunk, link, node);
      }
      if (steps > MAXIMUM_DEPTH) throw endlessList(node);
      node = child;
    }
  }

  /** Into the trie, as a ring of one. `link`: the word that leads there. */
  private hang(chunk: number, link: number, parent: number): void {
    const { memory } = this;
    memory.storeWord(link, chunk);
    memory.storeWord(chunk + PARENT, parent);
    memory.storeWord(chunk + FORWARD, chunk);
    memory.storeWord(chunk + BACK, chunk);
  }

  /** Behind the chunk of the same size that is in the trie. */
  private joinRing(chunk: number, node: number): void {
    const { memory } = this;
    const next = memory.loadWord(node + FORWARD);
    if (this.asserts && !(this.isPossible(node) && this.isPossible(next))) throw corruption(node);
    memory.storeWord(node + FORWARD, chunk);
    memory.storeWord(next + BACK, chunk);
    memory.storeWord(chunk + FORWARD, next);
    memory.storeWord(chunk + BACK, node);
    memory.storeWord(chunk + PARENT, NULL);
  }

  unlinkLarge(chunk: number): void {
    const { memory } = this;
    const parent = memory.loadWord(chunk + PARENT);
    const heir = this.leaveRing(chunk);
    if (parent === NULL) return;
    const bin = this.state + TREE_BINS + 4 * memory.loadWord(chunk + INDEX);
    if (memory.loadWord(bin) === chunk) {
      memory.storeWord(bin, heir);
      if (heir === NULL) this.clearTreeBit(memory.loadWord(chunk + INDEX));
    } else {
      if (this.asserts && !this.isPossible(parent)) throw corruption(chunk);
      const isLeft = memory.loadWord(parent + CHILD) === chunk;
      memory.storeWord(parent + CHILD + (isLeft ? 0 : 4), heir);
    }
    if (heir !== NULL) this.takePlace(heir, chunk, parent);
  }

  /** Returns who takes the chunk's place in the trie: another of its ring, else a leaf from below, or NULL. */
  private leaveRing(chunk: number): number {
    const { memory } = this;
    const previous = memory.loadWord(chunk + BACK);
    if (previous === chunk) return this.cutLeaf(chunk);
    const next = memory.loadWord(chunk + FORWARD);
    if (this.asserts) {
      this.expectLink(chunk, next, BACK);
      if (memory.loadWord(previous + FORWARD) !== chunk) throw corruption(chunk);
    }
    memory.storeWord(next + BACK, previous);
    memory.storeWord(previous + FORWARD, next);
    return previous;
  }

  /** The right child's rightmost leaf or the left one's: any leaf shares the bits that led to the chunk. */
  private cutLeaf(chunk: number): number {
    const { memory } = this;
    let link: number = NULL;
    let steps = 0;
    for (let down = this.linkDown(chunk); down !== NULL; down = this.linkDown(memory.loadWord(link))) {
      link = down;
      if (++steps > MAXIMUM_DEPTH) throw endlessList(chunk);
    }
    if (link === NULL) return NULL;
    if (this.asserts && !this.isPossible(link)) throw corruption(chunk);
    const leaf = memory.loadWord(link);
    memory.storeWord(link, NULL);
    return leaf;
  }

  /** The word that leads to a child, the right one if there are two; NULL at a leaf. */
  private linkDown(node: number): number {
    const { memory } = this;
    if (memory.loadWord(node + CHILD + 4) !== NULL) return node + CHILD + 4;
    return memory.loadWord(node + CHILD) !== NULL ? node + CHILD : NULL;
  }

  private takePlace(heir: number, chunk: number, parent: number): void {
    const { memory } = this;
    if (this.asserts && !this.isPossible(heir)) throw corruption(chunk);
    memory.storeWord(heir + PARENT, parent);
    for (let side = CHILD; side <= CHILD + 4; side += 4) {
      const child = memory.loadWord(chunk + side);
      if (child === NULL) continue;
      if (this.asserts && !this.isPossible(child)) throw corruption(chunk);
      memory.storeWord(heir + side, child);
      memory.storeWord(child + PARENT, heir);
    }
  }

  private clearTreeBit(index: number): void {
    const { memory, state } = this;
    memory.storeWord(state + TREE_MAP, memory.loadWord(state + TREE_MAP) & ~(1 << index));
  }

  private expectLink(chunk: number, neighbour: number, backToChunk: number): void {
    if (this.isPossible(neighbour) && this.memory.loadWord(neighbour + backToChunk) === chunk) return;
    throw corruption(chunk);
  }
}

function corruption(chunk: number) {
  return assertion(chunk, "a free chunk's links are whole", 'CORRUPTION_ERROR_ACTION');
}
