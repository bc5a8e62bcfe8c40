/** o1heap's layout, its counters, and the edges of its interface. */

import { describe, expect, it } from 'vitest';
import { asHandles } from '../../../src/heaps/handle-heap.js';
import { Corruption, NULL, NULL_CALL } from '../../../src/heaps/heap.js';
import { calloc, realloc } from '../../../src/heaps/library.js';
import type { O1Heap } from '../../../src/heaps/o1heap/o1heap.js';
import { device, faultOf, imageOf, listed, ORIGIN, type Setup } from '../device.js';

const FIRST = 160;
const CAPACITY = 136;
const ALLOCATED = 140;
const PEAK_ALLOCATED = 144;
const PEAK_REQUEST = 148;
const FAILURES = 152;

const made = (setup: Setup = {}) => {
  const board = device('o1heap', setup);
  const word = (at: number) => board.memory.loadWord(ORIGIN + at);
  return { ...board, heap: board.heap as O1Heap, word };
};
const MODES = [
  ['asserts', true],
  ['silence', false],
] as const;

describe('a fresh o1heap', () => {
  it.each([
    [4096, 3936, 2032],
    [20 * 1024, 20_320, 16_368],
    [64 * 1024, 65_376, 32_752],
  ])('of %i bytes has %i free, and gives at most %i', (bytes, free, largest) => {
    const { heap } = made({ bytes });
    expect(heap.freeBytes()).toBe(free);
    expect(heap.malloc(largest + 1)).toBe(NULL);
    expect(heap.malloc(largest)).toBe(ORIGIN + FIRST + 16);
  });

  it('is one hole behind the instance, in the bin of its size', () => {
    const { word } = made();
    expect([0, 4, 8, 12].map((at) => word(FIRST + at))).toEqual([NULL, NULL, 3936, 0]);
    expect(word(128)).toBe(1 << 6);
    expect(word(4 * 6)).toBe(ORIGIN + FIRST);
    expect([CAPACITY, ALLOCATED, PEAK_ALLOCATED, PEAK_REQUEST, FAILURES].map(word)).toEqual([
      3936, 0, 0, 0, 0,
    ]);
  });

  it('begins at a multiple of 16 and uses multiples of 32', () => {
    expect(listed(made({ origin: ORIGIN + 4, bytes: 1000 }), 'hole')).toEqual(['172:800']);
  });
});

describe('malloc of o1heap', () => {
  it('of 0 bytes gives nothing, which is no failure', () => {
    const { heap, memory } = made();
    const before = imageOf(memory);
    expect(heap.malloc(0)).toBe(NULL);
    expect(imageOf(memory) === before).toBe(true);
  });

  it.each([2033, 3921, 2 ** 31 - 16, 2 ** 31, 2 ** 32 - 17, 2 ** 32 - 3, 2 ** 32 - 1])(
    'of %i bytes fails, and is counted',
    (bytes) => {
      const { heap, word } = made();
      expect(heap.malloc(bytes)).toBe(NULL);
      expect([word(FAILURES), word(PEAK_REQUEST), word(ALLOCATED)]).toEqual([1, bytes, 0]);
      heap.check();
    },
  );

  it('counts failures in 64 bits', () => {
    const { heap, memory, word } = made();
    memory.storeWord(ORIGIN + FAILURES, 2 ** 32 - 1);
    heap.malloc(5000);
    expect([word(FAILURES), word(FAILURES + 4)]).toEqual([0, 1]);
  });

  it.each([
    [1, 32],
    [16, 32],
    [17, 64],
    [48, 64],
    [49, 128],
    [112, 128],
    [496, 512],
    [2 ** 31 - 16, 2 ** 31],
    [2 ** 31, 2 ** 32],
    [2 ** 32 - 16, 2 ** 32],
    [2 ** 32 - 1, 2 ** 33],
  ])('of %i bytes takes a fragment of %i', (bytes, fragment) => {
    expect(made().heap.blockBytesFor(bytes)).toBe(fragment);
  });

  it('aligns payloads to 16, whatever the target asks for', () => {
    for (const alignment of [4, 8]) {
      const { heap } = made({ alignment });
      expect([1, 1, 40].map((bytes) => heap.malloc(bytes) - ORIGIN)).toEqual([176, 208, 240]);
    }
  });

  it('keeps the highest allocation and the largest request', () => {
    const { heap, word } = made();
    const block = heap.malloc(100);
    heap.free(heap.malloc(20));
    heap.free(block);
    expect([word(ALLOCATED), word(PEAK_ALLOCATED), word(PEAK_REQUEST)]).toEqual([0, 192, 100]);
    expect([heap.freeBytes(), heap.minimumEverFreeBytes()]).toEqual([3936, 3936 - 192]);
  });

  it('takes the hole that was freed last', () => {
    const { heap } = made();
    const blocks = [40, 1, 40, 1].map((bytes) => heap.malloc(bytes));
    heap.free(blocks[0]!);
    heap.free(blocks[2]!);
    expect([heap.malloc(40), heap.malloc(40)]).toEqual([blocks[2], blocks[0]]);
  });

  it('touches one byte of the word that says whether a fragment is in use', () => {
    const { heap, memory, word } = made();
    memory.storeWord(ORIGIN + FIRST + 12, 0xaabb_cc00);
    const block = heap.malloc(1);
    expect(word(FIRST + 12)).toBe(0xaabb_cc01);
    heap.free(block);
    expect(word(FIRST + 12)).toBe(0xaabb_cc00);
  });

  it('zeroes what calloc asks for, and is not asked where a product overflows', () => {
    const { heap, memory, word } = made();
    const first = heap.malloc(24);
    memory.fill(first, 24, 0xff);
    heap.free(first);
    expect(calloc(asHandles(heap), memory, 3, 7)).toBe(first);
    expect(memory.image(first, 21).every((byte) => byte === 0)).toBe(true);
    expect(calloc(asHandles(heap), memory, 65_536, 65_536)).toBe(NULL);
    expect(word(FAILURES)).toBe(0);
  });
});

describe('free of o1heap', () => {
  it('of NULL has no effect', () => {
    const { heap, memory } = made();
    const before = imageOf(memory);
    heap.free(NULL);
    expect(heap.lastCall.path).toBe(NULL_CALL);
    expect(imageOf(memory) === before).toBe(true);
  });

  it.each([
    ['alone', [1], '64:64'],
    ['with the hole before', [0, 1], '0:128'],
    ['with the hole behind', [2, 1], '64:128'],
    ['with both', [0, 2, 1], '0:192'],
  ])('files a fragment %s; sizes that went into others become 0', (_how, order, hole) => {
    const { heap, word, ...rest } = made();
    const blocks = [40, 40, 40, 40].map((bytes) => heap.malloc(bytes));
    for (const index of order) heap.free(blocks[index]!);
    const [offset, bytes] = hole.split(':').map(Number) as [number, number];
    expect(listed({ heap, ...rest }, 'hole')).toContain(`${FIRST + offset}:${bytes}`);
    for (let inside = 64; inside < bytes; inside += 64) expect(word(FIRST + offset + inside + 8)).toBe(0);
    heap.check();
  });

  it('has no realloc: malloc, copy, free', () => {
    const { heap, memory } = made();
    const block = heap.malloc(40);
    memory.fill(block, 40, 0x5a);
    const moved = realloc(asHandles(heap), memory, block, 40, 44);
    expect(moved).toBe(block + 64);
    expect(memory.image(moved, 40).every((byte) => byte === 0x5a)).toBe(true);
    expect(realloc(asHandles(heap), memory, moved, 44, 4000)).toBe(NULL);
    expect(realloc(asHandles(heap), memory, moved, 44, 0)).toBe(NULL);
    expect(heap.freeBytes()).toBe(3936);
  });
});

describe.each(MODES)('misuse of o1heap, with %s', (_mode, asserts) => {
  const started = () => {
    const board = made({ options: { asserts } });
    const blocks = [40, 40, 40, 40].map((bytes) => board.heap.malloc(bytes));
    return { ...board, blocks };
  };
  const expectMet = (call: () => unknown, silent: 'goes on' | 'crashes') => {
    const fault = faultOf(call);
    if (asserts) expect(fault).toBe('assertion');
    else if (silent === 'crashes') expect(fault).toMatch(/unmapped|unaligned/);
    else expect(fault).toBeUndefined();
  };

  it('second free of a hole: its bin loops, and it is given out again and again', () => {
    const { heap, blocks } = started();
    heap.free(blocks[1]!);
    expectMet(() => heap.free(blocks[1]!), 'goes on');
    if (asserts) return;
    expect([1, 2, 3].map(() => heap.malloc(40))).toEqual([blocks[1], blocks[1], blocks[1]]);
  });

  it('second free after the fragment went into its neighbour', () => {
    const { heap, blocks } = started();
    heap.free(blocks[0]!);
    heap.free(blocks[1]!);
    expectMet(() => heap.free(blocks[1]!), 'goes on');
  });

  it('second free when the fragment has a new owner is not noticed', () => {
    const { heap, blocks } = started();
    heap.free(blocks[1]!);
    expect(heap.malloc(40)).toBe(blocks[1]);
    expect(faultOf(() => heap.free(blocks[1]!))).toBeUndefined();
    expect(heap.malloc(40)).toBe(blocks[1]);
    heap.check();
  });

  it('a pointer into a payload of zeroes', () => {
    const { heap, memory, blocks } = started();
    memory.fill(blocks[1]!, 40, 0);
    expectMet(() => heap.free(blocks[1]! + 16), 'goes on');
  });

  it('a pointer into a payload of 0xFF', () => {
    const { heap, memory, blocks } = started();
    memory.fill(blocks[1]!, 40, 0xff);
    expectMet(() => heap.free(blocks[1]! + 16), 'crashes');
  });

  it('a pointer to zeroed memory outside', () => {
    const { heap } = started();
    expectMet(() => heap.free(ORIGIN - 0x100), 'goes on');
  });

  it('a pointer that is one off', () => {
    const { heap, blocks } = started();
    expectMet(() => heap.free(blocks[1]! + 1), 'crashes');
  });

  it('a header overrun with 0xFF', () => {
    const { heap, memory, blocks } = started();
    memory.fill(blocks[0]! + 48, 4, 0xff);
    expectMet(() => heap.free(blocks[1]!), 'crashes');
    expect(() => heap.check()).toThrow(Corruption);
  });

  it('a header overrun with zeroes is not noticed at free: the chain ends there', () => {
    const { heap, memory, blocks } = started();
    memory.fill(blocks[0]! + 48, 4, 0);
    expect(() => heap.check()).toThrow(Corruption);
    expect(faultOf(() => heap.free(blocks[1]!))).toBeUndefined();
    expect(() => heap.check()).toThrow(Corruption);
  });

  it('a size that is no power of two times 32, and one larger than what is allocated', () => {
    const { heap, memory, blocks } = started();
    for (const size of [0, 48, 4096, 2048]) {
      const before = imageOf(memory);
      memory.storeWord(blocks[1]! - 8, size);
      if (asserts) expect(faultOf(() => heap.free(blocks[1]!))).toBe('assertion');
      memory.storeWord(blocks[1]! - 8, 64);
      if (asserts) expect(imageOf(memory) === before).toBe(true);
    }
  });
});

describe('check of o1heap finds a change of', () => {
  const prepared = () => {
    const board = made();
    const blocks = [40, 40, 40, 200, 40].map((bytes) => board.heap.malloc(bytes));
    board.heap.free(blocks[1]!);
    board.heap.free(blocks[3]!);
    board.heap.check();
    return { ...board, blocks };
  };
  const HOLE = FIRST + 64;

  it.each([
    ["a live fragment's size", FIRST + 8, 32],
    ["a live fragment's next neighbour", FIRST, ORIGIN + FIRST + 128],
    ["a live fragment's previous neighbour", FIRST + 128 + 4, ORIGIN + FIRST],
    ["a live fragment's mark", FIRST + 12, 0],
    ["a hole's size", HOLE + 8, 96],
    ["a hole's mark", HOLE + 12, 1],
    ["a hole's link forwards", HOLE + 16, ORIGIN + HOLE + 64],
    ["a hole's link back", HOLE + 20, ORIGIN],
    ['a bin', 4, ORIGIN + FIRST],
    ['a bin, to nothing', 4, 0],
    ['an empty bin', 8, ORIGIN + HOLE],
    ['the mask', 128, 0],
    ['the capacity', CAPACITY, 3968],
    ['the allocated bytes', ALLOCATED, 0],
    ['their peak', PEAK_ALLOCATED, 0],
  ])('%s', (_what, at, value) => {
    const { heap, memory, word } = prepared();
    expect(word(at)).not.toBe(value);
    memory.storeWord(ORIGIN + at, value);
    expect(() => heap.check()).toThrow(Corruption);
  });

  it('a hole in the bin of another size, one in no bin, a bin in a circle', () => {
    const { heap, memory, word } = prepared();
    const head = word(4);
    memory.storeWord(ORIGIN + 4, word(12));
    expect(() => heap.check()).toThrow('another size');
    memory.storeWord(ORIGIN + 4, NULL);
    memory.storeWord(ORIGIN + 128, word(128) & ~2);
    expect(() => heap.check()).toThrow('in no bin');
    memory.storeWord(ORIGIN + 4, head);
    memory.storeWord(ORIGIN + 128, word(128) | 2);
    heap.check();
    memory.storeWord(head + 16, head);
    expect(() => heap.check()).toThrow(Corruption);
  });
});
