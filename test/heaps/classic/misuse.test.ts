/** What is given back and was never handed out: the classic heaps notice at once, and are whole afterwards. */

import { describe, expect, it } from 'vitest';
import { NULL } from '../../../src/heaps/heap.js';
import { device, faultOf, imageOf, ORIGIN } from '../device.js';

const HEAPS = ['first_fit', 'next_fit', 'best_fit', 'worst_fit', 'buddy'];

describe.each(HEAPS)('free on %s', (name) => {
  const threeBlocks = () => {
    const made = device(name);
    const blocks = [40, 100, 40].map((bytes) => made.heap.malloc(bytes));
    for (const block of blocks) made.memory.fill(block, 40, 0xee);
    return { ...made, blocks: blocks as [number, number, number] };
  };

  const refused = (address: (blocks: readonly [number, number, number]) => number) => {
    const { heap, memory, blocks } = threeBlocks();
    const before = imageOf(memory);
    expect(faultOf(() => heap.free(address(blocks)))).toBe('assertion');
    expect(imageOf(memory) === before).toBe(true);
    heap.check();
  };

  it('refuses a block that has been freed, with live neighbours', () => {
    const { heap, blocks } = threeBlocks();
    heap.free(blocks[1]);
    expect(faultOf(() => heap.free(blocks[1]))).toBe('assertion');
    heap.check();
  });

  it('refuses a block that has been freed and merged', () => {
    const { heap, blocks } = threeBlocks();
    for (const block of [blocks[0], blocks[1]]) heap.free(block);
    for (const block of [blocks[1], blocks[0]]) expect(faultOf(() => heap.free(block))).toBe('assertion');
    heap.check();
  });

  it.each([1, 4, 8, 32])('refuses a pointer %i bytes into a block', (offset) => {
    refused((blocks) => blocks[1] + offset);
  });

  it.each([
    ['below the arena', ORIGIN - 0x100],
    ['at its start', ORIGIN],
    ['behind its end', ORIGIN + 4096],
    ['far above it', ORIGIN + 4096 + 0x80],
    ['outside RAM', 0xffff_fff8],
  ])('refuses a pointer %s', (_where, address) => {
    refused(() => address);
  });

  it('does nothing for NULL', () => {
    const { heap, memory } = threeBlocks();
    const before = imageOf(memory);
    heap.free(NULL);
    expect(imageOf(memory) === before).toBe(true);
  });
});
