/** TLSF's layout, its realloc, and the edges of its interface. */

import { describe, expect, it } from 'vitest';
import { asHandles } from '../../../src/heaps/handle-heap.js';
import { Corruption, NULL, NULL_CALL } from '../../../src/heaps/heap.js';
import { calloc, realloc } from '../../../src/heaps/library.js';
import { classOf } from '../../../src/heaps/tlsf/layout.js';
import type { Tlsf } from '../../../src/heaps/tlsf/tlsf.js';
import { device, faultOf, imageOf, listed, ORIGIN, type Setup } from '../device.js';

const FIRST = 3192;
const made = (setup: Setup = {}) => {
  const board = device('tlsf', { alignment: 4, ...setup });
  return { ...board, heap: board.heap as Tlsf };
};
const MODES = [
  ['asserts', true],
  ['silence', false],
] as const;

describe('classes of tlsf', () => {
  it.each([
    [12, 3],
    [124, 31],
    [128, 32],
    [131, 32],
    [132, 33],
    [252, 63],
    [256, 64],
    [263, 64],
    [264, 65],
    [1024, 128],
    [2 ** 30 - 4, 24 * 32 - 1],
  ])('%i bytes are in list %i', (bytes, list) => expect(classOf(bytes)).toBe(list));
});

describe('a fresh tlsf', () => {
  it.each([
    [4096, 900, 896],
    [20 * 1024, 17_284, 16_896],
    [64 * 1024, 62_340, 61_440],
  ])('of %i bytes has %i free, and gives at most %i', (bytes, free, largest) => {
    const { heap } = made({ bytes });
    expect(heap.freeBytes()).toBe(free);
    expect(heap.malloc(largest + 1)).toBe(NULL);
    expect(heap.malloc(largest)).toBe(ORIGIN + FIRST);
  });

  it('works from 3208 bytes on', () => {
    const { heap } = made({ bytes: 3208 });
    expect(heap.freeBytes()).toBe(12);
    expect(heap.malloc(12)).toBe(ORIGIN + FIRST);
    expect(heap.freeBytes()).toBe(0);
    heap.check();
  });

  it('has nothing to give in a smaller arena, where it writes all of its control structure', () => {
    const { heap, memory } = made({ bytes: 3200 });
    expect([heap.freeBytes(), heap.malloc(1)]).toEqual([0, NULL]);
    expect(memory.loadWord(ORIGIN + 3184)).toBe(ORIGIN);
  });

  it('is laid out as the C code does it', () => {
    const { memory } = made({ bytes: 4096 });
    const word = (at: number) => memory.loadWord(ORIGIN + at);
    expect([word(8), word(12)]).toEqual([ORIGIN, ORIGIN + 3184]); // the null block: the insert wrote to it
    expect(word(16)).toBe(1 << 3); // 900 bytes: first level 3
    expect(word(20 + 4 * 3)).toBe(1 << 24);
    expect(word(116 + 4 * (3 * 32 + 24))).toBe(ORIGIN + 3184);
    expect(word(116)).toBe(ORIGIN);
    expect([word(3188), word(3192), word(3196)]).toEqual([900 + 1, ORIGIN, ORIGIN]);
    expect([word(4088), word(4092)]).toEqual([ORIGIN + 3184, 2]);
  });
});

describe('malloc of tlsf', () => {
  it.each([0, 2 ** 30 - 3, 2 ** 30, 2 ** 31, 2 ** 32 - 16, 2 ** 32 - 4])(
    'gives nothing for %i bytes, and nothing changes',
    (bytes) => {
      const { heap, memory } = made();
      const before = imageOf(memory);
      expect(heap.malloc(bytes)).toBe(NULL);
      expect(imageOf(memory) === before).toBe(true);
    },
  );

  it.each([2 ** 32 - 3, 2 ** 32 - 2, 2 ** 32 - 1])(
    'refuses %i bytes, where the C code wraps and gives 12',
    (bytes) => {
      const { heap, memory } = made();
      const before = imageOf(memory);
      expect(heap.malloc(bytes)).toBe(NULL);
      expect(imageOf(memory) === before).toBe(true);
    },
  );

  it('rounds to 4, to 12 at least, and adds 4', () => {
    const { heap } = made();
    expect([1, 12, 13, 100].map((bytes) => heap.blockBytesFor(bytes))).toEqual([16, 16, 20, 104]);
    expect([1, 12, 13].map((bytes) => heap.malloc(bytes) - ORIGIN - FIRST)).toEqual([0, 16, 32]);
    expect(heap.freeBytes()).toBe(900 - 16 - 16 - 20);
  });

  it('splits only where a block of 12 bytes is left', () => {
    for (const [rest, free] of [
      [12, 0],
      [16, 12],
    ] as const) {
      const { heap } = made();
      // In a class of its own: 4096 bytes leave 900.
      const [hole] = [heap.malloc(60 + rest), heap.malloc(12)];
      heap.free(hole!);
      const before = heap.freeBytes();
      expect(heap.malloc(60)).toBe(hole);
      expect(before - heap.freeBytes()).toBe(60 + rest - free);
    }
  });

  it('passes over a hole that may be too small for the class of the request', () => {
    const { heap } = made({ bytes: 8192 });
    const [hole] = [heap.malloc(500), heap.malloc(12)];
    heap.free(hole!);
    // 492 to 500 bytes are in one class: for 500 the next one is searched.
    expect(heap.malloc(500)).not.toBe(hole);
    expect(heap.malloc(496)).toBe(hole);
  });

  it('takes the hole that was freed last', () => {
    const { heap } = made();
    const blocks = [40, 12, 40, 12].map((bytes) => heap.malloc(bytes));
    heap.free(blocks[0]!);
    heap.free(blocks[2]!);
    expect([heap.malloc(40), heap.malloc(40)]).toEqual([blocks[2], blocks[0]]);
  });

  it('zeroes what calloc asks for, and refuses a product that overflows', () => {
    const { heap, memory } = made();
    const first = heap.malloc(24);
    memory.fill(first, 24, 0xff);
    heap.free(first);
    expect(calloc(asHandles(heap), memory, 3, 7)).toBe(first);
    expect(memory.image(first, 21).every((byte) => byte === 0)).toBe(true);
    expect(calloc(asHandles(heap), memory, 65_536, 65_536)).toBe(NULL);
  });
});

describe('free of tlsf', () => {
  it('of NULL has no effect', () => {
    const { heap, memory } = made();
    const before = imageOf(memory);
    heap.free(NULL);
    expect(heap.lastCall.path).toBe(NULL_CALL);
    expect(imageOf(memory) === before).toBe(true);
  });

  it.each([
    ['alone', [1], '56:44'],
    ['with the hole before', [0, 1], '0:100'],
    ['with the hole behind', [2, 1], '56:88'],
    ['with both', [0, 2, 1], '0:144'],
  ])('files a block %s', (_how, order, hole) => {
    const { heap, ...rest } = made();
    const blocks = [52, 40, 40, 40].map((bytes) => heap.malloc(bytes));
    for (const index of order) heap.free(blocks[index]!);
    const [offset, bytes] = hole.split(':').map(Number);
    expect(listed({ heap, ...rest }, 'hole')).toContain(`${FIRST - 4 + offset!}:${bytes}`);
    heap.check();
  });
});

describe('realloc of tlsf', () => {
  /** Three blocks in a row, and what is left of the arena. */
  const three = (...bytes: number[]) => {
    const board = made();
    const blocks = bytes.map((size) => board.heap.malloc(size));
    return { ...board, blocks };
  };

  it('to 0 bytes frees, and is NULL', () => {
    const { heap, memory, blocks } = three(40);
    expect(realloc(asHandles(heap), memory, blocks[0]!, 40, 0)).toBe(NULL);
    expect(heap.freeBytes()).toBe(900);
  });

  it('grows in place into a hole behind, exactly, without rounding to a class', () => {
    const { heap, memory, blocks } = three(300, 300, 40);
    memory.fill(blocks[0]!, 300, 0x5a);
    heap.free(blocks[1]!);
    expect(realloc(asHandles(heap), memory, blocks[0]!, 300, 604)).toBe(blocks[0]);
    expect(memory.image(blocks[0]!, 300).every((byte) => byte === 0x5a)).toBe(true);
    heap.check();
  });

  it('gives what it does not need back', () => {
    const { heap, memory, blocks } = three(40, 200, 40);
    heap.free(blocks[1]!);
    const before = heap.freeBytes();
    expect(realloc(asHandles(heap), memory, blocks[0]!, 40, 100)).toBe(blocks[0]);
    expect(before - heap.freeBytes()).toBe(60);
    heap.check();
  });

  it('moves where the hole behind is too small, or there is none; never grows backwards', () => {
    for (const freed of [[], [0], [2]]) {
      const { heap, memory, blocks } = three(100, 40, 60, 12);
      for (const index of freed) heap.free(blocks[index]!);
      memory.fill(blocks[1]!, 40, 0x5a);
      const moved = realloc(asHandles(heap), memory, blocks[1]!, 40, 120);
      expect(moved).toBeGreaterThan(blocks[3]!);
      expect(memory.image(moved, 40).every((byte) => byte === 0x5a)).toBe(true);
      heap.check();
    }
  });

  it('keeps the block where there is no room', () => {
    const { heap, memory, blocks } = three(400, 400);
    const before = imageOf(memory);
    expect(realloc(asHandles(heap), memory, blocks[0]!, 400, 500)).toBe(NULL);
    expect(imageOf(memory) === before).toBe(true);
  });

  it('shrinks in place from 16 bytes on, joining a hole behind', () => {
    const { heap, memory, blocks, ...rest } = three(100, 40, 40);
    expect(realloc(asHandles(heap), memory, blocks[0]!, 100, 88)).toBe(blocks[0]);
    expect(heap.freeBytes()).toBe(900 - 104 - 44 - 44);
    heap.free(blocks[1]!);
    expect(realloc(asHandles(heap), memory, blocks[0]!, 88, 84)).toBe(blocks[0]);
    expect(listed({ heap, memory, ...rest }, 'hole')).toContain(`${FIRST + 84}:60`);
    heap.check();
  });

  it.each([2 ** 30 - 3, 2 ** 31, 2 ** 32 - 4, 2 ** 32 - 3, 2 ** 32 - 1])(
    'to %i bytes is refused, where the C code cuts the block to nothing or to 12',
    (bytes) => {
      const { heap, memory, blocks } = three(100, 40);
      const before = imageOf(memory);
      expect(realloc(asHandles(heap), memory, blocks[0]!, 100, bytes)).toBe(NULL);
      expect(imageOf(memory) === before).toBe(true);
      heap.free(blocks[0]!);
      heap.check();
    },
  );
});

describe.each(MODES)('misuse of tlsf, with %s', (_mode, asserts) => {
  const started = () => {
    const board = made({ options: { asserts } });
    const blocks = [40, 40, 40, 40].map((bytes) => board.heap.malloc(bytes));
    return { ...board, blocks };
  };
  /** An assertion, or what the C code did when its asserts were off. */
  const expectMet = (call: () => unknown, silent: 'goes on' | 'crashes') => {
    const fault = faultOf(call);
    if (asserts) expect(fault).toBe('assertion');
    else if (silent === 'crashes') expect(fault).toMatch(/unmapped|unaligned|endless-loop/);
    else expect(fault).toBeUndefined();
  };

  it('second free of a hole: its list loops, and it is given out again and again', () => {
    const { heap, blocks } = started();
    heap.free(blocks[1]!);
    expectMet(() => heap.free(blocks[1]!), 'goes on');
    if (asserts) return;
    expect([1, 2, 3].map(() => heap.malloc(40))).toEqual([blocks[1], blocks[1], blocks[1]]);
  });

  it('second free after the block went into its neighbour', () => {
    const { heap, blocks } = started();
    heap.free(blocks[0]!);
    heap.free(blocks[1]!);
    expectMet(() => heap.free(blocks[1]!), 'goes on');
    if (!asserts) expect(() => heap.check()).toThrow(Corruption);
  });

  it('second free when the block has a new owner is not noticed', () => {
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
    expectMet(() => heap.free(blocks[1]! + 16), 'crashes');
  });

  it('a pointer into a payload of 0xFF', () => {
    const { heap, memory, blocks } = started();
    memory.fill(blocks[1]!, 40, 0xff);
    expectMet(() => heap.free(blocks[1]! + 16), 'crashes');
  });

  it('a pointer that is one off', () => {
    const { heap, blocks } = started();
    expect(faultOf(() => heap.free(blocks[1]! + 1))).toBe('unaligned');
  });

  it('a block whose size was overrun with 0xFF', () => {
    const { heap, memory, blocks } = started();
    memory.fill(blocks[0]! + 40, 4, 0xff);
    expectMet(() => heap.free(blocks[1]!), 'crashes');
    expect(() => heap.check()).toThrow(Corruption);
  });

  it('a block whose size was overrun with zeroes', () => {
    const { heap, memory, blocks } = started();
    memory.fill(blocks[0]! + 40, 4, 0);
    expectMet(() => heap.free(blocks[1]!), 'crashes');
    expect(() => heap.check()).toThrow(Corruption);
  });
});

describe('check of tlsf finds a change of', () => {
  const prepared = () => {
    const board = made();
    const blocks = [40, 40, 40, 200, 40].map((bytes) => board.heap.malloc(bytes));
    board.heap.free(blocks[1]!);
    board.heap.free(blocks[3]!);
    board.heap.check();
    return { ...board, blocks };
  };
  const HOLE = FIRST + 44 - 8;

  it.each([
    ["a live block's size", FIRST - 4, 44],
    ["a live block's flag of its own", FIRST - 4, 41],
    ["a live block's flag of the one before", FIRST - 4, 42],
    ["a hole's size", HOLE + 4, 84 + 1],
    ["a hole's link forwards", HOLE + 8, ORIGIN + FIRST + 88 - 8],
    ["a hole's link back", HOLE + 12, ORIGIN + FIRST],
    ['the way back to a hole', HOLE + 44, ORIGIN],
    ['the end', 4092, 4],
    ['the map of the first level', 16, 0],
    ['the map of the first level, beyond the levels', 16, 0x8000_0000],
    ['a map of the second level', 20, 0],
    ['a head', 116 + 4 * 10, ORIGIN],
    ['an empty head', 116 + 4 * 11, ORIGIN + HOLE],
  ])('%s', (_what, at, word) => {
    const { heap, memory } = prepared();
    expect(memory.loadWord(ORIGIN + at)).not.toBe(word);
    memory.storeWord(ORIGIN + at, word);
    expect(() => heap.check()).toThrow(Corruption);
  });

  it('a hole that its list leaves out, and one in the list of another class', () => {
    const { heap, memory } = prepared();
    const list = 116 + 4 * classOf(200);
    memory.storeWord(ORIGIN + list, ORIGIN + HOLE);
    expect(() => heap.check()).toThrow('another class');
    memory.storeWord(ORIGIN + list, ORIGIN);
    memory.storeWord(ORIGIN + 20 + 4, 0);
    memory.storeWord(ORIGIN + 16, memory.loadWord(ORIGIN + 16) & ~2);
    expect(() => heap.check()).toThrow('in no list');
  });

  it('a list that runs in a circle', () => {
    const { heap, memory, blocks } = prepared();
    heap.free(blocks[4]!);
    // One hole is left beside the large one; it leads to itself.
    memory.storeWord(ORIGIN + HOLE + 8, ORIGIN + HOLE);
    memory.storeWord(ORIGIN + HOLE + 12, ORIGIN);
    expect(() => heap.check()).toThrow(Corruption);
  });
});
