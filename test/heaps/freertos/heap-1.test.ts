/** heap_1's column of the table "API edge behaviour". */

import { describe, expect, it } from 'vitest';
import type { Heap1 } from '../../../src/heaps/freertos/heap-1.js';
import { asHandles } from '../../../src/heaps/handle-heap.js';
import { Corruption, NULL, NULL_CALL } from '../../../src/heaps/heap.js';
import { calloc } from '../../../src/heaps/library.js';
import { device, faultOf, imageOf, listed, ORIGIN, type Setup } from '../device.js';

const made = (setup?: Setup) => {
  const board = device('heap_1', setup);
  return { ...board, heap: board.heap as Heap1 };
};

describe('heap_1', () => {
  it('counts all but one alignment unit as free before its first use', () => {
    expect(made().heap.freeBytes()).toBe(4088);
    expect(made({ alignment: 16 }).heap.freeBytes()).toBe(4080);
  });

  it('never gives out the last bytes, and counts them as free', () => {
    const { heap } = made();
    expect(heap.malloc(4081)).toBe(NULL);
    expect(heap.malloc(4080)).toBe(ORIGIN);
    expect(heap.freeBytes()).toBe(8);
    expect(heap.malloc(1)).toBe(NULL);
  });

  it.each([0, 4096, 2 ** 31 - 9, 2 ** 31, 2 ** 32 - 16, 2 ** 32 - 8, 2 ** 32 - 7, 2 ** 32 - 1])(
    'gives nothing for %i bytes, and nothing changes',
    (bytes) => {
      const { heap, memory } = made();
      heap.malloc(1);
      const before = imageOf(memory);
      expect(heap.malloc(bytes)).toBe(NULL);
      expect(imageOf(memory) === before).toBe(true);
    },
  );

  it('gives blocks one behind the other, without headers, rounded to the alignment', () => {
    const { heap, ...rest } = made();
    expect([1, 8, 9, 100].map((bytes) => heap.malloc(bytes) - ORIGIN)).toEqual([0, 8, 16, 32]);
    expect(listed({ heap, ...rest }, 'used')).toEqual(['0:8', '8:8', '16:16', '32:104']);
    expect(listed({ heap, ...rest }, 'hole')).toEqual([`136:${4080 - 136}`]);
  });

  it('begins at the next multiple of the alignment', () => {
    expect(made({ origin: ORIGIN + 4 }).heap.malloc(8)).toBe(ORIGIN + 8);
  });

  it('says what a request takes: the rounding', () => {
    expect([1, 8, 9].map((bytes) => made().heap.blockBytesFor(bytes))).toEqual([8, 8, 16]);
  });

  it('with asserts stops at every free but that of NULL', () => {
    const { heap } = made();
    const block = heap.malloc(40);
    heap.free(NULL);
    expect(heap.lastCall.path).toBe(NULL_CALL);
    for (const address of [block, block + 8, ORIGIN - 64])
      expect(faultOf(() => heap.free(address))).toBe('assertion');
  });

  it('without asserts ignores every free: nothing is used again', () => {
    const { heap, memory } = made({ options: { asserts: false } });
    const block = heap.malloc(40);
    const before = imageOf(memory);
    for (const address of [block, block, block + 8, ORIGIN - 64]) heap.free(address);
    expect(imageOf(memory) === before).toBe(true);
    expect(heap.malloc(40)).toBe(block + 40);
  });

  it('zeroes exactly what calloc asks for', () => {
    const { heap, memory } = made();
    memory.fill(ORIGIN, 4096, 0xff);
    expect(calloc(asHandles(heap), memory, 3, 7)).toBe(ORIGIN);
    expect([...memory.image(ORIGIN, 24)]).toEqual([...Array(21).fill(0), 0xff, 0xff, 0xff]);
    expect(calloc(asHandles(heap), memory, 65_536, 65_536)).toBe(NULL);
  });

  it('gives the same addresses again after vPortHeapResetState', () => {
    const { heap, ...rest } = made();
    const first = [40, 8].map((bytes) => heap.malloc(bytes));
    heap.resetState();
    expect(heap.freeBytes()).toBe(4088);
    expect(listed({ heap, ...rest }, 'used')).toEqual([]);
    expect([40, 8].map((bytes) => heap.malloc(bytes))).toEqual(first);
  });

  it.each([
    ['the next free byte', 4, 4],
    ['the next free byte, far behind the end', 4, 0xffff_fff8],
    ["the pointer to the arena's start", 0, ORIGIN + 8],
  ])('check finds a change of %s', (_what, offset, word) => {
    const { heap, memory, statics } = made();
    heap.malloc(40);
    heap.check();
    memory.storeWord(statics + offset, word);
    expect(() => heap.check()).toThrow(Corruption);
  });
});
