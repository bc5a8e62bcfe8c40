/** The layout and the corners of newlib's nano malloc, and of heap_3, which is put around it. */

import { describe, expect, it } from 'vitest';
import { asHandles } from '../../src/heaps/handle-heap.js';
import { Corruption, NULL, NULL_CALL } from '../../src/heaps/heap.js';
import { realloc } from '../../src/heaps/library.js';
import { type Device, device, faultOf, imageOf, listed, ORIGIN } from './device.js';

const LIST = 0;
const BREAK = 8;

const offset = (made: Device, bytes: number) => made.heap.malloc(bytes) - ORIGIN;
const word = ({ memory }: Device, at: number) => memory.loadWord(ORIGIN + at);
const top = ({ memory, statics }: Device) => memory.loadWord(statics + BREAK) - ORIGIN;

describe('newlib_nano', () => {
  it('has all of its arena, and uses it from the bottom', () => {
    const made = device('newlib_nano');
    expect(made.heap.freeBytes()).toBe(4096);
    expect(listed(made, 'hole')).toEqual(['0:4096']);
    expect(offset(made, 4088)).toBe(8);
    expect(made.heap.freeBytes()).toBe(0);
  });

  it('puts payloads at multiples of 8, with a way back to the size where they do not follow it', () => {
    const made = device('newlib_nano');
    expect([1, 40, 5].map((bytes) => offset(made, bytes))).toEqual([8, 16, 64]);
    expect(listed(made, 'used')).toEqual(['0:12', '12:48', '60:16']);
    expect([word(made, 0), word(made, 4)]).toEqual([12, 0xffff_fffc]);
    expect(word(made, 12)).toBe(48);
    expect(top(made)).toBe(76);
  });

  it('gives even 0 bytes a block', () => {
    const made = device('newlib_nano');
    expect([0, 0].map((bytes) => offset(made, bytes))).toEqual([8, 16]);
  });

  it.each([4077, 2 ** 31 - 12, 2 ** 31, 2 ** 32 - 1])('has nothing for %i bytes', (bytes) => {
    const { heap, memory } = device('newlib_nano');
    heap.malloc(0);
    const before = imageOf(memory);
    expect(heap.malloc(bytes)).toBe(NULL);
    expect(imageOf(memory) === before).toBe(true);
  });

  it('takes the lower end of the first hole that is large enough', () => {
    const made = device('newlib_nano');
    const blocks = [16, 16, 64, 16].map((bytes) => made.heap.malloc(bytes));
    made.heap.free(blocks[2]!);
    made.heap.free(blocks[0]!);
    expect(offset(made, 24)).toBe(blocks[2]! - ORIGIN);
    expect(listed(made, 'hole')).toEqual(['0:24', '80:40', `144:${4096 - 144}`]);
  });

  it('leaves a rest of less than 12 bytes in the block', () => {
    const made = device('newlib_nano');
    const [hole] = [made.heap.malloc(32), made.heap.malloc(8)];
    made.heap.free(hole!);
    made.heap.malloc(24);
    expect(listed(made, 'used')).toEqual(['0:40', '40:16']);
  });

  it('widens the last hole where only that will do', () => {
    const made = device('newlib_nano');
    const [, last] = [made.heap.malloc(2000), made.heap.malloc(1000)];
    made.heap.free(last!);
    expect(listed(made, 'hole')).toEqual([`2008:${4096 - 2008}`]);
    // Fits behind the break: the hole before it stays.
    expect(offset(made, 1000)).toBe(last! - ORIGIN);
    made.heap.free(last!);
    expect(offset(made, 2080)).toBe(last! - ORIGIN);
    expect(made.heap.freeBytes()).toBe(0);
    made.heap.check();
  });

  it('widens the last of several holes', () => {
    const made = device('newlib_nano');
    const [first, , last] = [64, 2000, 1000].map((bytes) => made.heap.malloc(bytes));
    made.heap.free(first!);
    made.heap.free(last!);
    expect(offset(made, 2008)).toBe(last! - ORIGIN);
    expect(listed(made, 'hole')).toEqual(['0:72']);
    made.heap.check();
  });

  it('does not widen a hole that does not end at the break', () => {
    const made = device('newlib_nano');
    const [first] = [64, 3000].map((bytes) => made.heap.malloc(bytes));
    made.heap.free(first!);
    expect(made.heap.malloc(1020)).toBe(NULL);
    expect(top(made)).toBe(3080);
  });

  it.each([
    ['before', [0, 1]],
    ['behind', [1, 0]],
    ['on either side', [0, 2, 1]],
  ])('joins the hole %s', (_where, order) => {
    const made = device('newlib_nano');
    const blocks = [16, 16, 16, 16].map((bytes) => made.heap.malloc(bytes));
    for (const index of order) made.heap.free(blocks[index]!);
    expect(listed(made, 'hole')[0]).toBe(`0:${24 * order.length}`);
    made.heap.check();
  });

  it('resizes in place where the block has room and would not be half empty', () => {
    const { heap, memory } = device('newlib_nano');
    const block = heap.malloc(40);
    // At 8n: 40 bytes behind the header of 8.
    for (const bytes of [40, 30, 21]) expect(realloc(asHandles(heap), memory, block, 40, bytes)).toBe(block);
    expect(realloc(asHandles(heap), memory, block, 40, 41)).toBe(block + 48);
    // At 8n + 4 the header takes but 4, and the block has 4 bytes more.
    const [, other] = [heap.malloc(1), heap.malloc(20)];
    expect(realloc(asHandles(heap), memory, other!, 20, 24)).toBe(other);
    expect(realloc(asHandles(heap), memory, other!, 24, 12)).not.toBe(other);
    heap.check();
  });

  it('frees NULL without effect', () => {
    const { heap, memory } = device('newlib_nano');
    const before = imageOf(memory);
    heap.free(NULL);
    expect(heap.lastCall.path).toBe(NULL_CALL);
    expect(imageOf(memory) === before).toBe(true);
  });

  it('ignores a second free where it can tell, and corrupts the list where it cannot', () => {
    const made = device('newlib_nano');
    const blocks = [16, 16, 16].map((bytes) => made.heap.malloc(bytes));
    made.heap.free(blocks[1]!);
    made.heap.free(blocks[1]!);
    made.heap.check();
    made.heap.free(blocks[0]!);
    made.heap.free(blocks[1]!);
    made.heap.check();
    // In front of all holes nobody looks.
    const other = device('newlib_nano');
    const [first, , third] = [16, 16, 16].map((bytes) => other.heap.malloc(bytes));
    other.heap.free(third!);
    other.heap.free(first! + 8);
    expect(() => other.heap.check()).toThrow(Corruption);
  });

  it('hangs where the list runs in a circle', () => {
    const made = device('newlib_nano');
    const [first] = [made.heap.malloc(16), made.heap.malloc(16)];
    made.heap.free(first!);
    made.memory.storeWord(ORIGIN + 4, ORIGIN);
    expect(faultOf(() => made.heap.malloc(100))).toBe('endless-loop');
    expect(faultOf(() => made.heap.free(first! + 24))).toBe('endless-loop');
  });

  describe('check finds', () => {
    const prepared = () => {
      const made = device('newlib_nano');
      const blocks = [16, 16, 16, 16, 16].map((bytes) => made.heap.malloc(bytes));
      made.heap.free(blocks[1]!);
      made.heap.free(blocks[3]!);
      made.heap.check();
      return made;
    };

    it.each([
      ["a live block's size", 0, 16],
      ["a hole's size", 24, 1000],
      ["a hole's link", 28, ORIGIN],
      ["the last hole's link", 76, ORIGIN],
      ['the way back', 4, 0],
    ])('a change of %s', (_what, at, value) => {
      const made = prepared();
      made.memory.storeWord(ORIGIN + at, value);
      expect(() => made.heap.check()).toThrow(Corruption);
    });

    it.each([
      ['the list', LIST, ORIGIN + 72],
      ['the break', BREAK, ORIGIN - 4],
    ])('a change of %s', (_what, at, value) => {
      const made = prepared();
      made.memory.storeWord(made.statics + at, value);
      expect(() => made.heap.check()).toThrow(Corruption);
    });

    it('holes that touch', () => {
      const made = prepared();
      // The live block between the two holes becomes one that the list knows.
      made.memory.storeWord(ORIGIN + 28, ORIGIN + 48);
      made.memory.storeWord(ORIGIN + 52, ORIGIN + 72);
      expect(() => made.heap.check()).toThrow('touch');
    });
  });
});

describe('heap_3', () => {
  it('answers as the heap it is put around', () => {
    const [outer, inner] = ['heap_3', 'newlib_nano'].map((name) => {
      const made = device(name);
      const first = made.heap.malloc(100);
      const answers = [first, made.heap.malloc(20), made.heap.malloc(5000)];
      made.heap.free(first);
      made.heap.free(NULL);
      return {
        answers,
        free: made.heap.freeBytes(),
        holes: listed(made, 'hole'),
        image: imageOf(made.memory),
      };
    });
    expect(outer).toEqual(inner);
  });

  it('tells the steps of the inner heap, but no path', () => {
    const { heap } = device('heap_3');
    const blocks = [16, 16, 16, 16].map((bytes) => heap.malloc(bytes));
    heap.free(blocks[0]!);
    heap.free(blocks[2]!);
    expect([heap.lastCall.path, heap.lastCall.insertSteps]).toEqual([0, 1]);
    heap.malloc(64);
    expect([heap.lastCall.path, heap.lastCall.searchSteps]).toEqual([0, 2]);
  });
});
