/** Bad pointers and overwritten bookkeeping: what dlmalloc notices itself, and what `check` finds. */

import { describe, expect, it } from 'vitest';
import type { Dlmalloc } from '../../../src/heaps/dlmalloc/dlmalloc.js';
import {
  LEAST_ADDRESS,
  MAGIC,
  PARAMETERS,
  SEGMENT_BYTES,
  SMALL_BINS,
  SMALL_MAP,
  TOP,
  TOP_BYTES,
  TREE_BINS,
  TREE_MAP,
  treeIndexOf,
  VICTIM,
  VICTIM_BYTES,
} from '../../../src/heaps/dlmalloc/layout.js';
import { Corruption } from '../../../src/heaps/heap.js';
import { device, faultOf, imageOf, ORIGIN, type Setup } from '../device.js';

const made = (setup: Setup = {}) => {
  const board = device('dlmalloc', setup);
  return { ...board, heap: board.heap as Dlmalloc };
};

/** Five blocks of 48 bytes with their heads, full of `fill`. */
function fiveBlocks(setup: Setup = {}, fill = 0xee) {
  const board = made(setup);
  const blocks = [44, 44, 44, 44, 44].map((bytes) => board.heap.malloc(bytes));
  for (const block of blocks) board.memory.fill(block, 40, fill);
  return { ...board, blocks: blocks as [number, number, number, number, number] };
}

/** With footers the word at a hole's end leads nowhere, and the look at it crashes before anything is asserted. */
const CHECKS = [
  ['by default', { asserts: true, footers: false }, 'assertion'],
  ['with footers', { asserts: true, footers: true }, 'unmapped'],
] as const;

describe.each(CHECKS)('%s, free of dlmalloc refuses', (_name, options, refusal) => {
  it('a block that is a hole', () => {
    const { heap, blocks } = fiveBlocks({ options });
    heap.free(blocks[1]);
    expect(faultOf(() => heap.free(blocks[1]))).toBe(refusal);
    heap.check();
  });

  it('a block that went into top', () => {
    const { heap, blocks } = fiveBlocks({ options });
    heap.free(blocks[4]);
    expect(faultOf(() => heap.free(blocks[4]))).toBe(refusal);
    heap.check();
  });

  it('a block that went into the hole before it', () => {
    const { heap, blocks } = fiveBlocks({ options });
    heap.free(blocks[1]);
    heap.free(blocks[2]);
    expect(faultOf(() => heap.free(blocks[2]))).toBe(refusal);
  });

  it.each([
    ['below the arena', ORIGIN - 0x100],
    ['at its start', ORIGIN],
  ])('a pointer %s', (_where, address) => {
    const { heap, memory } = fiveBlocks({ options });
    const before = imageOf(memory);
    expect(faultOf(() => heap.free(address))).toBe(refusal);
    expect(imageOf(memory) === before).toBe(true);
  });

  it('a pointer outside RAM, and one that is one off', () => {
    const { heap, blocks } = fiveBlocks({ options });
    expect(faultOf(() => heap.free(0xffff_fff8))).toBe('unmapped');
    expect(faultOf(() => heap.free(blocks[1] + 1))).toBe('unaligned');
    heap.check();
  });

  it.each([0xff, 0x55])('a pointer into a payload of %i', (fill) => {
    const { heap, blocks } = fiveBlocks({ options }, fill);
    expect(faultOf(() => heap.free(blocks[1] + 16))).toMatch(/assertion|unmapped|unaligned/);
    heap.check();
  });

  it('a block whose head was overrun', () => {
    const { heap, memory, blocks } = fiveBlocks({ options });
    memory.fill(blocks[1] - 8, 8, 0xff);
    expect(() => heap.check()).toThrow(Corruption);
    expect(faultOf(() => heap.free(blocks[1]))).toMatch(/assertion|unmapped|unaligned/);
  });

  it('realloc of what is no live block', () => {
    const { heap, memory, blocks } = fiveBlocks({ options });
    heap.free(blocks[1]);
    const before = imageOf(memory);
    expect(faultOf(() => heap.resize(blocks[1], 20))).toBe(refusal);
    expect(imageOf(memory) === before).toBe(true);
  });
});

describe('dlmalloc does not notice', () => {
  it('a second free when the block has a new owner', () => {
    const { heap, blocks } = fiveBlocks();
    heap.free(blocks[1]);
    expect(heap.malloc(44)).toBe(blocks[1]);
    expect(faultOf(() => heap.free(blocks[1]))).toBeUndefined();
    heap.check();
  });

  it('a pointer with zeroes before it: it passes for memory that was mapped, and nothing happens', () => {
    const { heap, memory, blocks } = fiveBlocks({}, 0);
    const before = imageOf(memory);
    expect(faultOf(() => heap.free(blocks[1] + 16))).toBeUndefined();
    expect(imageOf(memory) === before).toBe(true);
    heap.check();
  });

  it('a pointer into a payload that looks like a chunk, but footers do', () => {
    const forged = (footers: boolean) => {
      const board = fiveBlocks({ options: { footers } });
      // A live chunk of 16 bytes, and behind it one that knows.
      board.memory.storeWord(board.blocks[1] + 12, 16 + 3);
      board.memory.storeWord(board.blocks[1] + 28, 16 + 3);
      return board;
    };
    const plain = forged(false);
    expect(faultOf(() => plain.heap.free(plain.blocks[1] + 16))).toBeUndefined();
    expect(() => plain.heap.check()).toThrow(Corruption);
    const signed = forged(true);
    expect(faultOf(() => signed.heap.free(signed.blocks[1] + 16))).toMatch(/assertion|unmapped|unaligned/);
    signed.heap.check();
  });
});

describe('without asserts dlmalloc goes on, and check finds it', () => {
  const options = { asserts: false };

  it('after a second free: the hole is in its bin twice', () => {
    const { heap, blocks } = fiveBlocks({ options });
    heap.free(blocks[1]);
    expect(faultOf(() => heap.free(blocks[1]))).toBeUndefined();
    expect(() => heap.check()).toThrow(Corruption);
  });

  it('after a pointer below the arena', () => {
    const { heap, memory } = fiveBlocks({ options });
    memory.storeWord(ORIGIN - 0x100 - 4, 32 + 3);
    expect(faultOf(() => heap.free(ORIGIN - 0x100))).toBeUndefined();
    expect(() => heap.check()).toThrow(Corruption);
  });

  it('after a link was overwritten', () => {
    for (const asserts of [true, false]) {
      const { heap, memory, blocks } = fiveBlocks({ options: { asserts } });
      heap.free(blocks[1]);
      heap.free(blocks[3]);
      memory.storeWord(blocks[1] + 4, blocks[4]);
      const fault = faultOf(() => heap.free(blocks[0]));
      expect(fault).toBe(asserts ? 'assertion' : undefined);
      expect(() => heap.check()).toThrow(Corruption);
    }
  });
});

describe('a trie of dlmalloc that runs in a circle', () => {
  const circle = () => {
    const board = made();
    const [hole, , block] = [300, 1, 340, 1].map((bytes) => board.heap.malloc(bytes));
    board.heap.free(hole!);
    for (const child of [16, 20]) board.memory.storeWord(hole! - 8 + child, hole! - 8);
    return { ...board, block: block! };
  };

  it('is a fault for malloc, and for free', () => {
    const { heap, block } = circle();
    expect(faultOf(() => heap.malloc(310))).toBe('endless-loop');
    expect(faultOf(() => heap.malloc(100))).toBe('endless-loop');
    expect(faultOf(() => heap.free(block))).toBe('endless-loop');
  });

  it('is found by check', () => {
    expect(() => circle().heap.check()).toThrow(Corruption);
  });
});

describe('check of dlmalloc finds a change of', () => {
  /** Holes: the victim, two of 48 bytes in one bin, three of 304 and one of 352 in one tree. */
  const prepared = () => {
    const board = made({ bytes: 8192 });
    const { heap } = board;
    const blocks = [124, 44, 44, 300, 300, 300, 348].map((bytes) => {
      const block = heap.malloc(bytes);
      heap.malloc(4);
      return block;
    });
    for (const block of blocks) heap.free(block);
    heap.malloc(60);
    heap.check();
    const [victim, small, second, ring, ringed, last, leaf] = blocks.map((block) => block - 8);
    return { ...board, victim: victim! + 64, small, second, ring, ringed, last, leaf };
  };
  type Prepared = { readonly [K in keyof ReturnType<typeof prepared>]: ReturnType<typeof prepared>[K] };

  const at = (what: Exclude<keyof Prepared, 'heap' | 'memory'>, offset: number) => (board: Prepared) =>
    (board[what] as number) + offset;
  const tree = treeIndexOf(304);

  it.each([
    ['the least address', at('statics', LEAST_ADDRESS)],
    ['the magic number', at('statics', MAGIC)],
    ['the magic number of the parameters', at('statics', PARAMETERS)],
    ['the segment', at('statics', SEGMENT_BYTES)],
    ['the address of top', at('statics', TOP)],
    ['the size of top', at('statics', TOP_BYTES)],
    ['the address of the victim', at('statics', VICTIM)],
    ['the size of the victim', at('statics', VICTIM_BYTES)],
    ['the map of small bins', at('statics', SMALL_MAP)],
    ['the map of trees', at('statics', TREE_MAP)],
    ["a bin's link forward", at('statics', SMALL_BINS + 48 + 8)],
    ["a bin's link back", at('statics', SMALL_BINS + 48 + 12)],
    ['a root', at('statics', TREE_BINS + 4 * tree)],
    ['a root where no tree is', at('statics', TREE_BINS + 4 * tree + 4)],
    ["a live chunk's head", at('origin', 4 + 64)],
    ["the victim's head", at('victim', 4)],
    ["a hole's head", at('small', 4)],
    ["a hole's foot", at('small', 48)],
    ["a hole's link forward", at('small', 8)],
    ["a hole's link back", at('small', 12)],
    ["a node's foot", at('ring', 304)],
    ["a node's link forward", at('ring', 8)],
    ["a node's link back", at('ring', 12)],
    ["a node's left child", at('ring', 16)],
    ["a node's right child", at('ring', 20)],
    ["a node's parent", at('ring', 24)],
    ["a node's bin", at('ring', 28)],
    ["a leaf's parent", at('leaf', 24)],
    ["a leaf's child", at('leaf', 16)],
    ["a ring's link forward", at('ringed', 8)],
    ["a ring's link back", at('last', 12)],
    ["a ring's parent", at('ringed', 24)],
    ["a ring's bin", at('last', 28)],
    ['the end of the arena', at('origin', 8192 - 40 + 4)],
  ])('%s', (_what, where) => {
    const changes = [(word: number) => word ^ 16, (word: number) => (word === 0 ? 8 : 0)];
    for (const change of changes) {
      const board = prepared();
      const address = where(board);
      board.memory.storeWord(address, change(board.memory.loadWord(address)));
      expect(() => board.heap.check()).toThrow(Corruption);
    }
  });

  it('top, by its head', () => {
    const { heap, memory, statics } = prepared();
    const top = memory.loadWord(statics + TOP);
    memory.storeWord(top + 4, memory.loadWord(top + 4) + 16);
    expect(() => heap.check()).toThrow("top's head");
  });

  it.each([1, 2, 4])('bit %i of a head', (bit) => {
    for (const offset of [4, 4 + 64]) {
      const { heap, memory, origin } = prepared();
      memory.storeWord(origin + offset, memory.loadWord(origin + offset) ^ bit);
      expect(() => heap.check()).toThrow(Corruption);
    }
  });

  it('the branch a hole is in', () => {
    const { heap, memory, ring, leaf } = prepared();
    // 352 has the first bit that tells it from 304 set: right of it.
    expect([memory.loadWord(ring! + 16), memory.loadWord(ring! + 20)]).toEqual([0, leaf]);
    memory.storeWord(ring! + 16, leaf!);
    memory.storeWord(ring! + 20, 0);
    expect(() => heap.check()).toThrow('branch for other sizes');
  });

  it('a hole that is left out, and one that is filed twice', () => {
    const { heap, memory, ring, ringed, last, statics, small } = prepared();
    memory.storeWord(ring! + 8, ringed!);
    memory.storeWord(ringed! + 12, ring!);
    memory.storeWord(ringed! + 8, ring!);
    memory.storeWord(ring! + 12, ringed!);
    expect(() => heap.check()).toThrow('in no bin');
    expect(last).not.toBe(ringed);
    const twice = prepared();
    twice.memory.storeWord(statics + VICTIM, small!);
    twice.memory.storeWord(statics + VICTIM_BYTES, 48);
    expect(() => twice.heap.check()).toThrow('filed elsewhere');
  });

  it('the word that says whose a chunk is', () => {
    const { heap, memory, blocks } = fiveBlocks({ options: { footers: true } });
    memory.storeWord(blocks[2] - 8, 0);
    expect(() => heap.check()).toThrow('whose it is');
    expect(faultOf(() => heap.free(blocks[1]))).toMatch(/assertion|unmapped|unaligned/);
  });
});
