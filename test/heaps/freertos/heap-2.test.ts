/** What is heap_2's own at the edges of its interface. */

import { describe, expect, it } from 'vitest';
import type { Heap2 } from '../../../src/heaps/freertos/heap-2.js';
import { NULL } from '../../../src/heaps/heap.js';
import { device, faultOf, listed, ORIGIN } from '../device.js';

const ALLOCATED = 0x8000_0000;
const MODES = [
  ['asserts', true],
  ['silence', false],
] as const;

describe('heap_2', () => {
  it.each(MODES)('with %s accepts a forged block above the heap and hands it out', (_mode, asserts) => {
    const { heap, memory } = device('heap_2', { options: { asserts } });
    heap.malloc(4080);
    const foreign = ORIGIN + 4096 + 0x80;
    memory.storeWord(foreign - 4, ALLOCATED + 24);
    heap.free(foreign);
    expect(heap.freeBytes()).toBe(24);
    expect(() => heap.check()).toThrow('heap corrupted');
    expect(heap.malloc(16)).toBe(foreign);
  });

  it('runs out of RAM when a hole whose header became 0xFF is taken', () => {
    const { heap, memory } = device('heap_2');
    const payload = heap.malloc(64);
    memory.fill(payload + 64, 8, 0xff);
    expect(faultOf(() => heap.malloc(64))).toMatch(/unmapped|unaligned/);
  });

  it('is laid out afresh by the first malloc after vPortHeapResetState', () => {
    const made = device('heap_2');
    const heap = made.heap as Heap2;
    const first = [40, 8].map((bytes) => heap.malloc(bytes));
    heap.resetState();
    expect(heap.freeBytes()).toBe(4088);
    expect([40, 8].map((bytes) => heap.malloc(bytes))).toEqual(first);
    heap.check();
  });

  it('gives up one alignment unit even where its array is aligned', () => {
    expect(listed(device('heap_2', { alignment: 16 }), 'hole')).toEqual(['0:4080']);
    expect(listed(device('heap_2', { origin: ORIGIN + 4 }), 'hole')).toEqual(['4:4088']);
  });

  it('is full of small blocks for ever: the worst case', () => {
    expect(freedSmallBlocks('heap_2')).toEqual({ free: 4088, holes: 255, large: NULL });
  });

  it.each(['heap_2_coalescing', 'heap_4', 'heap_5'])('differs in that from %s, which heals', (name) => {
    expect(freedSmallBlocks(name)).toMatchObject({ free: 4088, holes: 1, large: expect.toSatisfy(Boolean) });
  });
});

/** Many small blocks until the heap is full, all freed, then one large. */
function freedSmallBlocks(name: string): { free: number; holes: number; large: number } {
  const made = device(name);
  const blocks: number[] = [];
  for (let block = made.heap.malloc(8); block !== NULL; block = made.heap.malloc(8)) blocks.push(block);
  for (const block of blocks) made.heap.free(block);
  made.heap.check();
  const holes = listed(made, 'hole').length;
  return { free: made.heap.freeBytes(), holes, large: made.heap.malloc(2000) };
}
