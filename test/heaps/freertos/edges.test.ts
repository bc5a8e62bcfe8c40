/** The table "API edge behaviour" of FreeRTOS's heaps: what the C code does at the edges of its interface. */

import { describe, expect, it } from 'vitest';
import { findHeap } from '../../../src/heaps/catalog.js';
import { asHandles } from '../../../src/heaps/handle-heap.js';
import { NULL, NULL_CALL } from '../../../src/heaps/heap.js';
import { calloc } from '../../../src/heaps/library.js';
import { accessesSince } from '../../../src/mcu/index.js';
import { type Device, device, faultOf, imageOf, listed, ORIGIN, type Setup } from '../device.js';

const ALLOCATED = 0x8000_0000;

interface Facts {
  readonly headerBytes: number;
  /** Where in a header the size lies; the words before it are links. */
  readonly size: number;
  readonly capacity: number;
  readonly freeBeforeUse: number;
}

/** At alignment 8 on 4096 bytes. */
const HEAPS: [string, Facts][] = [
  ['heap_2', { headerBytes: 8, size: 4, capacity: 4088, freeBeforeUse: 4088 }],
  ['heap_2_coalescing', { headerBytes: 16, size: 8, capacity: 4088, freeBeforeUse: 4088 }],
  ['heap_4', { headerBytes: 8, size: 4, capacity: 4088, freeBeforeUse: 0 }],
  // Its regions are defined, hence laid out, before anybody can ask.
  ['heap_5', { headerBytes: 8, size: 4, capacity: 4088, freeBeforeUse: 4088 }],
];
const MODES = [
  ['asserts', true],
  ['silence', false],
] as const;

describe.each(HEAPS)('%s', (name, { headerBytes, size, capacity, freeBeforeUse }) => {
  const started = (setup?: Setup) => {
    const made = device(name, setup);
    made.heap.malloc(0);
    return made;
  };
  const forge = ({ memory }: Device, payload: number, sizeWord: number, link = 0) => {
    const block = payload - headerBytes;
    for (let offset = 0; offset < size; offset += 4) memory.storeWord(block + offset, link);
    memory.storeWord(block + size, sizeWord);
  };
  const expectUntouched = (made: Device, call: () => unknown) => {
    const before = imageOf(made.memory);
    call();
    expect(imageOf(made.memory) === before).toBe(true);
  };

  describe('malloc', () => {
    it('of 0 bytes gives nothing, but the heap is set up', () => {
      const made = device(name);
      expect(made.heap.freeBytes()).toBe(freeBeforeUse);
      expect(made.heap.malloc(0)).toBe(NULL);
      expect(made.heap.freeBytes()).toBe(capacity);
      expect(made.memory.loadWord(ORIGIN + size)).toBe(capacity);
    });

    it('gives at most the arena less one header', () => {
      const largest = capacity - headerBytes;
      const { heap } = device(name);
      expect(heap.malloc(largest + 1)).toBe(NULL);
      expect(heap.malloc(largest)).toBe(ORIGIN + headerBytes);
      expect(heap.freeBytes()).toBe(0);
      expect(heap.malloc(1)).toBe(NULL);
    });

    it.each([
      4096,
      2 ** 31 - 9,
      2 ** 31 - 8,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - 17,
      2 ** 32 - 16,
      2 ** 32 - 15,
      2 ** 32 - 9,
      2 ** 32 - 8,
      2 ** 32 - 7,
      2 ** 32 - 1,
    ])('of %i bytes gives nothing and changes nothing', (bytes) => {
      const made = started();
      made.heap.malloc(8);
      const before = imageOf(made.memory);
      expect(made.heap.malloc(bytes)).toBe(NULL);
      expect(imageOf(made.memory) === before).toBe(true);
    });

    it('leaves a rest of two headers in the block and counts it as taken, splits a larger one', () => {
      for (const [rest, blocks] of [
        [2 * headerBytes, 1],
        [2 * headerBytes + 8, 2],
      ] as const) {
        const made = device(name);
        const bytes = capacity - rest - headerBytes;
        made.heap.malloc(bytes);
        expect(listed(made, 'used')).toEqual([`0:${blocks === 1 ? capacity : capacity - rest}`]);
        expect(made.heap.freeBytes()).toBe(blocks === 1 ? 0 : rest);
      }
    });
  });

  it('refuses more than is free without looking at a hole, and walks in vain for what no hole holds', () => {
    const { heap } = device(name);
    const blocks = [1000, 1000, 1000].map((bytes) => heap.malloc(bytes));
    heap.free(blocks[0]!);
    heap.free(blocks[2]!);
    const free = heap.freeBytes();
    const words = (bytes: number) => {
      expect(heap.malloc(bytes)).toBe(NULL);
      return findHeap(name)!.pathWords.malloc.filter((_, bit) => heap.lastCall.path & (1 << bit));
    };
    expect(words(free - headerBytes + 8)).toEqual(['nonzero']);
    expect(words(0)).toEqual([]);
    expect(words(free - headerBytes)).toEqual(['walk', 'nonzero']);
  });

  it.each([
    [1, headerBytes + 8],
    [8, headerBytes + 8],
    [9, headerBytes + 16],
    [2 ** 32 - 1, 2 ** 32 + headerBytes],
  ])('says that %i bytes take a block of %i', (bytes, block) => {
    expect(device(name).heap.blockBytesFor(bytes)).toBe(block);
  });

  describe('calloc', () => {
    it.each([
      [2, 2 ** 31],
      [2 ** 31, 2],
      [65_536, 65_536],
      [2 ** 32 - 1, 2 ** 32 - 1],
    ])('whose %i times %i bytes overflow gives nothing and does not even set up the heap', (count, bytes) => {
      const made = device(name);
      expectUntouched(made, () => expect(calloc(asHandles(made.heap), made.memory, count, bytes)).toBe(NULL));
      expect(made.heap.freeBytes()).toBe(freeBeforeUse);
    });

    it.each([
      [0, 5],
      [5, 0],
    ])('of %i times %i bytes gives nothing, by malloc(0)', (count, bytes) => {
      const made = device(name);
      expect(calloc(asHandles(made.heap), made.memory, count, bytes)).toBe(NULL);
      expect(made.heap.freeBytes()).toBe(capacity);
    });

    it('zeroes exactly what was asked for, not what it was rounded up to', () => {
      const { heap, memory } = device(name);
      const first = heap.malloc(24);
      memory.fill(first, 24, 0xff);
      heap.free(first);
      const again = calloc(asHandles(heap), memory, 3, 7);
      expect(again).toBe(first);
      expect([...memory.image(again, 24)]).toEqual([...Array(21).fill(0), 0xff, 0xff, 0xff]);
    });
  });

  it('frees NULL without effect', () => {
    const made = device(name);
    expectUntouched(made, () => made.heap.free(NULL));
    expect(made.heap.lastCall.path).toBe(NULL_CALL);
    expect(made.heap.freeBytes()).toBe(freeBeforeUse);
  });

  describe.each(MODES)('with %s', (_mode, asserts) => {
    const options = { asserts };
    /** As an assertion, or without any effect on RAM. */
    const expectRefused = (made: Device, payload: number) => {
      const before = imageOf(made.memory);
      expect(faultOf(() => made.heap.free(payload))).toBe(asserts ? 'assertion' : undefined);
      expect(imageOf(made.memory) === before).toBe(true);
    };

    it('refuses the second free of a block', () => {
      const made = started({ options });
      const payload = made.heap.malloc(40);
      made.heap.malloc(40);
      made.heap.free(payload);
      expectRefused(made, payload);
      made.heap.check();
    });

    it('refuses the second free after the block went into its neighbour', () => {
      const made = started({ options });
      const [below, payload] = [made.heap.malloc(40), made.heap.malloc(40)];
      made.heap.malloc(40);
      made.heap.free(below);
      made.heap.free(payload);
      expectRefused(made, payload);
    });

    it('does not notice the second free when the block has a new owner, and shares it out again', () => {
      const made = started({ options });
      const payload = made.heap.malloc(40);
      made.heap.malloc(40);
      made.heap.free(payload);
      const newOwners = made.heap.malloc(40);
      expect(faultOf(() => made.heap.free(payload))).toBeUndefined();
      expect([newOwners, made.heap.malloc(40)]).toEqual([payload, payload]);
      made.heap.check();
    });

    it.each([
      ['zeroes', 0x00],
      ['0xFF', 0xff],
    ])('refuses a pointer into a payload of %s', (_content, byte) => {
      const made = started({ options });
      const payload = made.heap.malloc(80);
      made.memory.fill(payload, 80, byte);
      expectRefused(made, payload + headerBytes);
      made.heap.check();
    });

    it('accepts a pointer into a payload that looks like a header, which is then handed out twice', () => {
      const made = started({ options });
      const payload = made.heap.malloc(80);
      made.heap.malloc(8);
      const inside = payload + 24;
      forge(made, inside, ALLOCATED + headerBytes + 16);
      const { heap } = made;
      const before = heap.freeBytes();
      expect(faultOf(() => heap.free(inside))).toBeUndefined();
      expect(heap.freeBytes()).toBe(before + headerBytes + 16);
      expect(() => heap.check()).toThrow('heap corrupted');
      expect(heap.malloc(16)).toBe(inside);
    });

    it('refuses a pointer to zeroed memory outside the heap', () => {
      const made = started({ options });
      expectRefused(made, ORIGIN - 0x100);
      expectRefused(made, ORIGIN + 4096 + 0x100);
    });

    it('refuses a block of which any link is not NULL', () => {
      for (let offset = 0; offset < size; offset += 4) {
        const made = started({ options });
        const payload = made.heap.malloc(40);
        made.memory.storeWord(payload - headerBytes + offset, ORIGIN);
        expectRefused(made, payload);
      }
    });

    it.each([
      ['zeroes', 0x00],
      ['0xFF', 0xff],
    ])('leaks a block whose header was overrun with %s', (_content, byte) => {
      const made = started({ options });
      const [below, payload] = [made.heap.malloc(40), made.heap.malloc(40)];
      made.memory.fill(below + 40, headerBytes, byte);
      expectRefused(made, payload);
      expect(() => made.heap.check()).toThrow('heap corrupted');
    });
  });

  it('zeroes with clearOnFree the whole payload, rounding included, and not a byte more', () => {
    const made = started({ options: { clearOnFree: true } });
    const { heap, memory } = made;
    const [below, payload, above] = [heap.malloc(32), heap.malloc(29), heap.malloc(32)];
    for (const address of [below, payload, above]) memory.fill(address, 32, 0xff);
    heap.free(payload);
    expect([...memory.image(payload, 32)]).toEqual(Array(32).fill(0));
    for (const address of [below, above])
      expect([...memory.image(address, 32)]).toEqual(Array(32).fill(0xff));
    expect(memory.loadWord(payload - headerBytes + size)).toBe(headerBytes + 32);
    heap.check();
  });

  // heap_2 makes 2^32 - 4 of the difference and clears all there is; heap_4 and heap_5 look first.
  it('with clearOnFree meets a forged block smaller than its header as the C code does', () => {
    const made = started({ options: { clearOnFree: true } });
    const inside = made.heap.malloc(80) + 24;
    forge(made, inside, ALLOCATED + 4);
    const before = made.memory.stores;
    const fault = faultOf(() => made.heap.free(inside));
    expect(fault).toBe(['heap_4', 'heap_5'].includes(name) ? undefined : 'unmapped');
    expect(accessesSince(before, made.memory.stores)).toBeLessThan(20);
  });

  it('without clearOnFree leaves the payload as it was', () => {
    const { heap, memory } = device(name);
    const payload = heap.malloc(32);
    memory.fill(payload, 32, 0xff);
    heap.free(payload);
    expect([...memory.image(payload, 32)]).toEqual(Array(32).fill(0xff));
  });
});
