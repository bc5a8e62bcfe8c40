/** What a debugger sees of dlmalloc: the chunks of the arena, and whether heads, bins and state agree. */

import type { Memory } from '../../mcu/memory.js';
import { Corruption, type HeapLayout, NULL, type PieceVisitor } from '../heap.js';
import { alignDown, alignUp } from '../words.js';
import {
  ALIGNMENT,
  BACK,
  BEFORE_IN_USE,
  BOTH_IN_USE,
  CHILD,
  FLAGS,
  FOOT_BEFORE,
  FORWARD,
  HEAD,
  IN_USE,
  INDEX,
  LARGE_BYTES,
  LEAST_ADDRESS,
  MAGIC,
  MAGIC_NUMBER,
  MAXIMUM_DEPTH,
  MINIMUM_BYTES,
  PARAMETERS,
  PARENT,
  PAYLOAD,
  SEGMENT_BASE,
  SEGMENT_BYTES,
  SMALL_BINS,
  SMALL_COUNT,
  SMALL_MAP,
  TOP,
  TOP_BYTES,
  TOP_FOOT_BYTES,
  TOP_KEEPS_BYTES,
  TREE_BINS,
  TREE_COUNT,
  TREE_MAP,
  treeIndexOf,
  treeShift,
  VICTIM,
  VICTIM_BYTES,
} from './layout.js';

/** Pieces begin with their head. The last bytes of top, which cannot be had, go with what lies behind it. */
export function walkDlmalloc(memory: Memory, { statics, regions }: HeapLayout, visit: PieceVisitor): void {
  const { origin, bytes } = regions[0]!;
  const first = alignUp(origin, ALIGNMENT);
  const end = first + alignDown(origin + bytes - first - TOP_FOOT_BYTES, ALIGNMENT);
  if (end - first < MINIMUM_BYTES + TOP_KEEPS_BYTES) return visit('bookkeeping', origin, bytes, 0);
  const top = memory.loadWord(statics + TOP);
  if (top + memory.loadWord(statics + TOP_BYTES) !== end || top >= end || top < first) {
    throw new Corruption('top has been overwritten: it does not end with the arena', statics + TOP);
  }
  visit('bookkeeping', origin, first + HEAD - origin, 0);
  for (let chunk = first; chunk < top; ) {
    const head = memory.loadWord(chunk + HEAD);
    const size = (head & ~FLAGS) >>> 0;
    if (size < MINIMUM_BYTES || chunk + size > top || (head & FLAGS & ~BOTH_IN_USE) !== 0) {
      throw new Corruption(`a chunk's head is ${head}: it does not lead to another chunk`, chunk);
    }
    if ((head & IN_USE) !== 0) visit('used', chunk + HEAD, size, chunk + PAYLOAD);
    else visit('hole', chunk + HEAD, size, 0);
    chunk += size;
  }
  const lost = end - TOP_KEEPS_BYTES;
  if (lost > top) visit('hole', top + HEAD, lost - top, 0);
  visit('bookkeeping', lost + HEAD, origin + bytes - lost - HEAD, 0);
}

/** `holeBytes`: what the holes should add up to. */
export function checkDlmalloc(memory: Memory, layout: HeapLayout, footers: boolean, holeBytes: number): void {
  new DlmallocCheck(memory, layout, footers).run(holeBytes);
}

class DlmallocCheck {
  private readonly state: number;
  /** Holes that no bin has led to so far, with their bytes; top is not among them. */
  private readonly holes = new Map<number, number>();

  /** Of the tree bin being looked at. */
  private readonly treeSizes = new Set<number>();

  constructor(
    private readonly memory: Memory,
    private readonly layout: HeapLayout,
    private readonly footers: boolean,
  ) {
    this.state = layout.statics;
  }

  run(holeBytes: number): void {
    this.checkState();
    const total = this.checkChunks();
    if (total !== holeBytes) {
      throw new Corruption(`the holes hold ${total} bytes, but ${holeBytes} are free`, this.state);
    }
    this.checkVictim();
    for (let index = 0; index < SMALL_COUNT; index++) this.checkSmallBin(index);
    for (let index = 0; index < TREE_COUNT; index++) this.checkTreeBin(index);
    for (const hole of this.holes.keys()) throw new Corruption('a hole is in no bin', hole);
  }

  /** What never changes. */
  private checkState(): void {
    const { state } = this;
    const { origin, bytes } = this.layout.regions[0]!;
    const expected = [
      [LEAST_ADDRESS, origin],
      [MAGIC, MAGIC_NUMBER],
      [PARAMETERS, MAGIC_NUMBER],
      [SEGMENT_BASE, origin],
      [SEGMENT_BYTES, bytes],
    ] as const;
    for (const [offset, word] of expected) {
      if (this.memory.loadWord(state + offset) === word) continue;
      throw new Corruption("the allocator's state has been overwritten", state + offset);
    }
  }

  /** Heads and feet; collects the holes. Returns their bytes, those of top included. */
  private checkChunks(): number {
    const { memory, state, layout, holes } = this;
    const top = memory.loadWord(state + TOP);
    let total = 0;
    let beforeInUse = true;
    walkDlmalloc(memory, layout, (kind, address, bytes) => {
      const chunk = address - HEAD;
      if (kind === 'hole') total += bytes;
      if (kind === 'bookkeeping' || chunk === top) return;
      if (kind === 'hole') holes.set(chunk, bytes);
      this.checkChunk(chunk, bytes, kind === 'used', beforeInUse);
      beforeInUse = kind === 'used';
    });
    if (top !== NULL) this.checkTop(top, beforeInUse);
    return total;
  }

  private checkChunk(chunk: number, bytes: number, inUse: boolean, beforeInUse: boolean): void {
    const { memory } = this;
    if (((memory.loadWord(chunk + HEAD) & BEFORE_IN_USE) !== 0) !== beforeInUse) {
      throw new Corruption('a chunk is wrong about whether the one before it is in use', chunk);
    }
    if (!inUse && !beforeInUse) throw new Corruption('two holes touch: they should be one', chunk);
    const foot = memory.loadWord(chunk + bytes + FOOT_BEFORE);
    if (!inUse && foot !== bytes) throw new Corruption("a hole's foot differs from its head", chunk);
    if (inUse && this.footers && foot !== (this.state ^ MAGIC_NUMBER) >>> 0) {
      throw new Corruption("the word at a chunk's end does not say whose it is", chunk);
    }
  }

  private checkTop(top: number, beforeInUse: boolean): void {
    const { memory } = this;
    const bytes = memory.loadWord(this.state + TOP_BYTES);
    if (!beforeInUse) throw new Corruption('a hole touches top: they should be one', top);
    if (memory.loadWord(top + HEAD) !== (bytes | BEFORE_IN_USE) >>> 0) {
      throw new Corruption("top's head has been overwritten", top);
    }
    if (memory.loadWord(top + bytes + HEAD) !== TOP_FOOT_BYTES) {
      throw new Corruption('the head at the end of the arena has been overwritten', top + bytes);
    }
  }

  /** It is a hole, in no bin, or there is none. */
  private checkVictim(): void {
    const { memory, state, holes } = this;
    const victim = memory.loadWord(state + VICTIM);
    const bytes = memory.loadWord(state + VICTIM_BYTES);
    if (victim === NULL && bytes === 0) return;
    if (holes.get(victim) !== bytes) {
      throw new Corruption('the designated victim is no hole of its size', state + VICTIM);
    }
    holes.delete(victim);
  }

  /** A hole that a bin leads to; each may be met once. Returns its bytes. */
  private take(hole: number): number {
    const bytes = this.holes.get(hole);
    if (bytes === undefined) {
      throw new Corruption('a bin leads to what is no hole, or is filed elsewhere too', hole);
    }
    this.holes.delete(hole);
    return bytes;
  }

  private checkSmallBin(index: number): void {
    const { memory, state } = this;
    // The end of an empty list says nothing.
    if (((memory.loadWord(state + SMALL_MAP) >>> index) & 1) === 0) return;
    const bin = state + SMALL_BINS + 8 * index;
    let previous = bin;
    let hole = memory.loadWord(bin + FORWARD);
    if (hole === bin) throw new Corruption('a bin is empty where its bit is set', state + SMALL_MAP);
    while (hole !== bin) {
      if (this.take(hole) !== 8 * index) throw new Corruption('a hole is in the bin of another size', hole);
      this.expectBack(hole, previous);
      previous = hole;
      hole = memory.loadWord(hole + FORWARD);
    }
    this.expectBack(bin, previous);
  }

  private expectBack(node: number, previous: number): void {
    if (this.memory.loadWord(node + BACK) === previous) return;
    throw new Corruption("a hole's link back has been overwritten", node);
  }

  private checkTreeBin(index: number): void {
    const { memory, state } = this;
    const bin = state + TREE_BINS + 4 * index;
    const root = memory.loadWord(bin);
    if (((memory.loadWord(state + TREE_MAP) >>> index) & 1) !== Number(root !== NULL)) {
      throw new Corruption('a tree is there where its bit is clear, or the other way round', bin);
    }
    this.treeSizes.clear();
    if (root !== NULL) this.checkNode(root, bin, index, 0, 0);
  }

  /** `path`: the bits that led here, highest first, `depth` of them. */
  private checkNode(node: number, parent: number, index: number, path: number, depth: number): void {
    const { memory } = this;
    const bytes = this.take(node);
    if (bytes < LARGE_BYTES || treeIndexOf(bytes) !== index) {
      throw new Corruption('a hole is in the tree bin of another size', node);
    }
    const bits = (bytes << treeShift(index)) >>> 0;
    if (depth > MAXIMUM_DEPTH || (depth > 0 && bits >>> (32 - depth) !== path)) {
      throw new Corruption('a hole is in a branch for other sizes', node);
    }
    if (memory.loadWord(node + PARENT) !== parent) {
      throw new Corruption("a hole's link to its parent has been overwritten", node);
    }
    if (this.treeSizes.has(bytes)) throw new Corruption('a size is twice in its tree', node);
    this.treeSizes.add(bytes);
    this.checkIndex(node, index);
    this.checkRing(node, bytes, index);
    for (const side of [0, 1]) {
      const child = memory.loadWord(node + CHILD + 4 * side);
      if (child === NULL) continue;
      this.checkNode(child, node, index, ((path << 1) | side) >>> 0, depth + 1);
    }
  }

  /** The others of the same size, which are outside the trie. */
  private checkRing(node: number, bytes: number, index: number): void {
    const { memory } = this;
    let previous = node;
    for (let hole = memory.loadWord(node + FORWARD); hole !== node; hole = memory.loadWord(hole + FORWARD)) {
      if (this.take(hole) !== bytes) throw new Corruption('holes of two sizes are in one ring', hole);
      if (memory.loadWord(hole + PARENT) !== NULL) {
        throw new Corruption('a hole that is in a ring only has a parent', hole);
      }
      this.checkIndex(hole, index);
      this.expectBack(hole, previous);
      previous = hole;
    }
    this.expectBack(node, previous);
  }

  private checkIndex(hole: number, index: number): void {
    if (this.memory.loadWord(hole + INDEX) === index) return;
    throw new Corruption("a hole's number of its bin has been overwritten", hole);
  }
}
