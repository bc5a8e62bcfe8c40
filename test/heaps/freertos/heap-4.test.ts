/** What is heap_4's own at the edges of its interface, and what it leaves in RAM. */

import { describe, expect, it } from 'vitest';
import type { Heap4 } from '../../../src/heaps/freertos/heap-4.js';
import { NULL } from '../../../src/heaps/heap.js';
import { type Device, device, faultOf, listed, ORIGIN, type Setup } from '../device.js';

const ALLOCATED = 0x8000_0000;
const MODES = [
  ['asserts', true],
  ['silence', false],
] as const;

const words = ({ memory }: Device, address: number, count: number) =>
  Array.from({ length: count }, (_, index) => memory.loadWord(address + 4 * index));

describe('heap_4', () => {
  const started = (options = {}, setup: Setup = {}) => {
    const made = device('heap_4', { ...setup, options });
    return { ...made, heap: made.heap as Heap4 };
  };

  it.each([
    [0, 4096, '0:4088'],
    [4, 4096, '4:4080'],
    [4, 4100, '4:4088'],
    [4, 4092, '4:4080'],
    [0, 4095, '0:4080'],
  ])('with its array at +%i, %i bytes long, has the hole %s', (shift, bytes, hole) => {
    const made = device('heap_4', { origin: ORIGIN + shift, bytes });
    made.heap.malloc(0);
    expect(listed(made, 'hole')).toEqual([hole]);
  });

  it('with asserts refuses a forged block outside its bounds', () => {
    const { heap, memory } = started();
    heap.malloc(8);
    for (const foreign of [ORIGIN - 0x80, ORIGIN + 4096 + 0x80]) {
      memory.storeWord(foreign - 4, ALLOCATED + 24);
      expect(faultOf(() => heap.free(foreign))).toBe('assertion');
    }
  });

  it('without asserts runs over its end marker to NULL for a forged block above it', () => {
    const { heap, memory } = started({ asserts: false });
    heap.malloc(8);
    const foreign = ORIGIN + 4096 + 0x80;
    memory.storeWord(foreign - 4, ALLOCATED + 24);
    expect(faultOf(() => heap.free(foreign))).toBe('unmapped');
  });

  it.each(MODES)('with %s takes a hole whose header became 0xFF and invents a rest', (_mode, asserts) => {
    const { heap, memory } = started({ asserts });
    const payload = heap.malloc(64);
    memory.fill(payload + 64, 8, 0xff);
    expect(heap.malloc(64)).toBe(payload + 72);
    expect(memory.loadWord(payload + 64 + 72 + 4)).toBe(4_294_967_223);
  });

  it('keeps the lowest free count; only a malloc that succeeds lowers it', () => {
    const { heap } = started();
    expect(heap.minimumEverFreeBytes()).toBe(0);
    heap.malloc(0);
    expect(heap.minimumEverFreeBytes()).toBe(4088);
    const [first, second] = [heap.malloc(1000), heap.malloc(2000)];
    expect(heap.minimumEverFreeBytes()).toBe(4088 - 1008 - 2008);
    heap.free(first);
    heap.malloc(3000);
    heap.free(second);
    expect(heap.minimumEverFreeBytes()).toBe(4088 - 1008 - 2008);
    heap.resetMinimumEverFreeBytes();
    expect(heap.minimumEverFreeBytes()).toBe(4088);
    heap.malloc(8);
    expect(heap.minimumEverFreeBytes()).toBe(4072);
  });

  describe('vPortGetHeapStats', () => {
    const UNUSED = {
      freeBytes: 0,
      largestHoleBytes: 0,
      smallestHoleBytes: 4_294_967_295,
      holes: 0,
      minimumEverFreeBytes: 0,
      allocations: 0,
      frees: 0,
    };

    it.each([false, true])('has nothing to say before the first malloc, protector %s', (protector) => {
      expect(started({ protector }).heap.stats()).toEqual(UNUSED);
    });

    it.each([false, true])('counts holes, and calls that succeeded, protector %s', (protector) => {
      const { heap } = started({ protector, asserts: false });
      const blocks = [16, 32, 48, 8].map((bytes) => heap.malloc(bytes));
      heap.free(blocks[0]!);
      heap.free(blocks[2]!);
      heap.free(blocks[2]!);
      heap.free(NULL);
      heap.malloc(0);
      heap.malloc(5000);
      expect(heap.stats()).toEqual({
        freeBytes: 4088 - 40 - 16,
        largestHoleBytes: 4088 - 24 - 40 - 56 - 16,
        smallestHoleBytes: 24,
        holes: 3,
        minimumEverFreeBytes: 4088 - 24 - 40 - 56 - 16,
        allocations: 4,
        frees: 2,
      });
    });

    it('knows no smallest hole when all is taken', () => {
      const { heap } = started();
      heap.malloc(4080);
      expect(heap.stats()).toEqual({ ...UNUSED, allocations: 1 });
    });

    it('walks the old list, end marker included, between vPortHeapResetState and the next malloc', () => {
      const { heap } = started();
      heap.malloc(4088 - 3864 - 8);
      heap.resetState();
      expect(heap.stats()).toEqual({
        ...UNUSED,
        largestHoleBytes: 3864,
        smallestHoleBytes: 0,
        holes: 2,
      });
    });

    it('is an endless loop where the list runs in a circle', () => {
      const { heap, memory } = started();
      const payload = heap.malloc(8);
      memory.storeWord(payload + 8, payload + 8);
      expect(faultOf(() => heap.stats())).toBe('endless-loop');
    });
  });

  it('is laid out afresh by the first malloc after vPortHeapResetState', () => {
    const { heap } = started();
    const first = [40, 8].map((bytes) => heap.malloc(bytes));
    heap.resetState();
    expect([heap.freeBytes(), heap.minimumEverFreeBytes()]).toEqual([0, 0]);
    expect([40, 8].map((bytes) => heap.malloc(bytes))).toEqual(first);
    heap.check();
  });

  describe('leaves in RAM, as the C code does,', () => {
    const END = ORIGIN + 4088;
    /** Blocks of 24, 40 and 56 bytes, and behind them a hole of 3968. */
    const threeBlocks = (options = {}) => {
      const made = started(options);
      const blocks = [16, 32, 48].map((bytes) => {
        const payload = made.heap.malloc(bytes);
        made.memory.fill(payload, bytes, 0xee);
        return payload;
      });
      return { made, blocks: blocks as [number, number, number] };
    };

    it('of a block that its predecessor absorbed {0, size without the mark} and its payload', () => {
      const { made, blocks } = threeBlocks();
      made.heap.free(blocks[0]);
      made.heap.free(blocks[1]);
      expect(words(made, ORIGIN, 3)).toEqual([ORIGIN + 120, 24 + 40, 0xeeee_eeee]);
      expect(words(made, ORIGIN + 24, 3)).toEqual([0, 40, 0xeeee_eeee]);
    });

    it('of a hole that a freed predecessor absorbed its old {next, size} and its payload', () => {
      const { made, blocks } = threeBlocks();
      made.heap.free(blocks[1]);
      made.heap.free(blocks[0]);
      expect(words(made, ORIGIN, 3)).toEqual([ORIGIN + 120, 24 + 40, 0xeeee_eeee]);
      expect(words(made, ORIGIN + 24, 3)).toEqual([ORIGIN + 120, 40, 0xeeee_eeee]);
    });

    it('with clearOnFree nothing but the headers, those of absorbed neighbours too', () => {
      const { made, blocks } = threeBlocks({ clearOnFree: true });
      for (const block of blocks) made.heap.free(block);
      const left = words(made, ORIGIN, 1022).flatMap((word, index) =>
        word === 0 ? [] : [[4 * index, word]],
      );
      expect(left).toEqual([
        [0, END],
        [4, 4088],
        [28, 40],
        [68, 56],
        [120, END],
        [124, 3968],
      ]);
    });
  });

  describe('with the protector', () => {
    const CANARY = 0xa5c3_5a3c;

    it('stores links XORed with the canary, sizes as they are', () => {
      const made = started({ protector: true });
      const first = made.heap.malloc(8);
      made.heap.malloc(8);
      expect(words(made, ORIGIN, 2)).toEqual([CANARY, 0x8000_0010]);
      made.heap.free(first);
      expect(words(made, ORIGIN, 2)).toEqual([0x85c3_5a1c, 0x0000_0010]);
    });

    it('stores so the end marker and the start of the list too', () => {
      const made = started({ protector: true });
      made.heap.malloc(0);
      expect(words(made, ORIGIN + 4088, 2)).toEqual([CANARY, 0]);
      expect(made.memory.loadWord(made.statics)).toBe((ORIGIN ^ CANARY) >>> 0);
    });

    it('answers as without', () => {
      const answers = [true, false].map((protector) => {
        const { heap } = started({ protector });
        const blocks = [8, 100, 30].map((bytes) => heap.malloc(bytes));
        heap.free(blocks[1]!);
        return [...blocks, heap.malloc(40), heap.malloc(70), heap.freeBytes()];
      });
      expect(answers[0]).toEqual(answers[1]);
    });

    it.each(MODES)('with %s meets a link that was overrun', (_mode, asserts) => {
      const { heap, memory } = started({ protector: true, asserts });
      const payload = heap.malloc(64);
      memory.fill(payload + 64, 8, 0);
      expect(faultOf(() => heap.malloc(64))).toBe(asserts ? 'assertion' : 'unmapped');
    });
  });
});
