/** Statistics and the minimum ever free of FreeRTOS's heaps that have neither: by heap_4's rules, beside the RAM. */

import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { findHeap } from '../../../src/heaps/catalog.js';
import { type HeapOptions, optionValues } from '../../../src/heaps/definition.js';
import type { Heap1 } from '../../../src/heaps/freertos/heap-1.js';
import type { Heap2 } from '../../../src/heaps/freertos/heap-2.js';
import { type Heap, NULL } from '../../../src/heaps/heap.js';
import { accessesSince } from '../../../src/mcu/index.js';
import { parseTrace } from '../../../src/traces/read.js';
import { Replay } from '../../../src/traces/replay.js';
import { device, faultOf, ORIGIN, piecesOf } from '../device.js';

const EXTENDED = ['heap_1', 'heap_2', 'heap_2_coalescing', 'heap_3'];
const FREEING = EXTENDED.slice(1);
const quiet = (name: string): HeapOptions => (name === 'heap_3' ? {} : { asserts: false });

function holesOf(heap: Heap): number[] {
  return piecesOf(heap).flatMap(({ kind, bytes }) => (kind === 'hole' ? [bytes] : []));
}

describe.each(FREEING)('vPortGetHeapStats of %s', (name) => {
  it('counts what it counts of heap_4: calls that succeeded, and what holes there are', () => {
    const { heap } = device(name, { options: quiet(name) });
    const blocks = [16, 32, 48, 8].map((bytes) => heap.malloc(bytes));
    const afterAll = heap.freeBytes();
    heap.free(blocks[0]!);
    heap.free(blocks[2]!);
    heap.free(NULL);
    heap.malloc(5000);
    const holes = holesOf(heap);
    expect(holes).toHaveLength(3);
    expect(heap.stats!()).toEqual({
      freeBytes: heap.freeBytes(),
      largestHoleBytes: Math.max(...holes),
      smallestHoleBytes: Math.min(...holes),
      holes: 3,
      minimumEverFreeBytes: afterAll,
      allocations: 4,
      frees: 2,
      extension: true,
    });
  });

  it('knows the least that ever was free, until it begins anew', () => {
    const { heap } = device(name);
    const fresh = heap.freeBytes();
    expect(heap.minimumEverFreeBytes!()).toBe(fresh);
    const large = heap.malloc(3000);
    const least = heap.freeBytes();
    heap.free(large);
    const small = heap.malloc(100);
    expect(heap.minimumEverFreeBytes!()).toBe(least);
    heap.resetMinimumEverFreeBytes!();
    expect(heap.minimumEverFreeBytes!()).toBe(heap.freeBytes());
    heap.free(small);
    expect(heap.minimumEverFreeBytes!()).toBeLessThan(heap.freeBytes());
    expect(heap.stats!().minimumEverFreeBytes).toBe(heap.minimumEverFreeBytes!());
  });
});

describe.each(['heap_2', 'heap_2_coalescing'])('%s', (name) => {
  it('has no list before its first malloc, and no smallest hole where there is none', () => {
    const { heap } = device(name);
    const none = { largestHoleBytes: 0, smallestHoleBytes: 2 ** 32 - 1, holes: 0, extension: true };
    expect(heap.stats!()).toEqual({
      ...none,
      freeBytes: 4088,
      minimumEverFreeBytes: 4088,
      allocations: 0,
      frees: 0,
    });
    heap.malloc(4088 - (name === 'heap_2' ? 8 : 16));
    expect(heap.stats!()).toEqual({
      ...none,
      freeBytes: 0,
      minimumEverFreeBytes: 0,
      allocations: 1,
      frees: 0,
    });
  });

  it('does not count a free that is ignored, and finds a list that runs in a circle', () => {
    const { heap, memory } = device(name, { options: { asserts: false } });
    const [first] = [8, 8].map((bytes) => heap.malloc(bytes));
    heap.free(first!);
    heap.free(first!);
    expect(heap.stats!()).toMatchObject({ allocations: 2, frees: 1 });
    // The freed block's links, and all of them.
    const header = first! - (name === 'heap_2' ? 8 : 16);
    memory.storeWord(header, header);
    expect(faultOf(() => heap.stats!())).toBe('endless-loop');
  });
});

describe('heap_1', () => {
  it('has one hole, and never frees', () => {
    const { heap } = device('heap_1', { options: { asserts: false } });
    const block = heap.malloc(1000);
    heap.malloc(24);
    heap.free(block);
    expect(heap.stats!()).toEqual({
      freeBytes: 4088 - 1024,
      // The last bytes are free, but nobody can have them.
      largestHoleBytes: 4080 - 1024,
      smallestHoleBytes: 4080 - 1024,
      holes: 1,
      minimumEverFreeBytes: 4088 - 1024,
      allocations: 2,
      frees: 0,
      extension: true,
    });
    heap.malloc(4080 - 1024);
    expect(heap.stats!()).toMatchObject({ freeBytes: 8, holes: 0, smallestHoleBytes: 2 ** 32 - 1 });
  });

  it.each(['heap_1', 'heap_2'])('begins anew with vPortHeapResetState, as %s does', (name) => {
    const heap = device(name).heap as Heap1 | Heap2;
    heap.malloc(100);
    heap.resetState();
    expect(heap.stats()).toMatchObject({ freeBytes: 4088, minimumEverFreeBytes: 4088, allocations: 0 });
  });
});

describe.each(optionValues(findHeap('heap_3')!, 'inner') as string[])('heap_3 around %s', (inner) => {
  it('counts, and asks the library what is free, at no cost to the call', () => {
    const accesses = (name: string, options: HeapOptions) => {
      const { heap, memory } = device(name, { options });
      const { loads, stores } = memory;
      const trace = parseTrace('a 0 100\na 1 40\nf 0\na 2 400\na 3 9000\nf 1\nc 4 2 20\nf 2', 'trace');
      new Replay(heap, memory, trace).run();
      return { heap, counts: [accessesSince(loads, memory.loads), accessesSince(stores, memory.stores)] };
    };
    const { heap, counts } = accesses('heap_3', { inner });
    expect(counts).toEqual(accesses(inner, {}).counts);
    const holes = holesOf(heap);
    const stats = heap.stats!();
    expect(stats).toMatchObject({ allocations: 4, frees: 3, holes: holes.length, extension: true });
    expect(stats.largestHoleBytes).toBe(Math.max(...holes));
    expect(stats.minimumEverFreeBytes).toBeLessThan(stats.freeBytes);
  });
});

const calls = fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: -40, max: -1 })), {
  minLength: 20,
  maxLength: 150,
});
const LIBRARIES = (optionValues(findHeap('heap_3')!, 'inner') as string[]).map(
  (inner) => ['heap_3', { inner }] as const,
);

describe.each([...LIBRARIES, ...FREEING.slice(0, 2).map((name) => [name, {}] as const)])(
  '%s with %j',
  (name, options) => {
    it('has as its minimum the least of what was free after each malloc', () => {
      fc.assert(
        // Positive numbers are requests, negative ones free.
        fc.property(calls, fc.constantFrom(4, 8, 16), fc.constantFrom(0, 4, 8), (given, alignment, shift) => {
          const { heap } = device(name, { options, alignment, origin: ORIGIN + shift });
          const live: number[] = [];
          let least = heap.freeBytes();
          for (const [index, bytes] of given.entries()) {
            const address = bytes > 0 ? heap.malloc(bytes) : NULL;
            if (address !== NULL) {
              live.push(address);
              least = Math.min(least, heap.freeBytes());
            } else if (bytes < 0 && live.length > 0) heap.free(live.splice(-bytes % live.length, 1)[0]!);
            expect(heap.minimumEverFreeBytes!()).toBe(least);
            if (index !== 60) continue;
            heap.resetMinimumEverFreeBytes!();
            least = heap.freeBytes();
          }
        }),
        { seed: 7, numRuns: 100 },
      );
    });
  },
);

it("heap_3 serves what a broken library serves: its count of free bytes is no part of the device's calls", () => {
  const [wrapped, alone] = ['heap_3', 'newlib_nano'].map((name) => {
    const { heap, memory } = device(name);
    const blocks = [16, 16, 16, 16].map((bytes) => heap.malloc(bytes));
    heap.free(blocks[0]!);
    heap.free(blocks[2]!);
    // The list's second hole leads nowhere: who looks for the first does not mind.
    memory.storeWord(blocks[2]! - 4, 0x1000_0001);
    return [heap.malloc(16), faultOf(() => heap.freeBytes())];
  });
  expect(wrapped).toEqual(alone);
  expect(wrapped![0]).not.toBe(NULL);
  expect(wrapped![1]).toBeDefined();
});

describe.each(EXTENDED)('the statics of %s', (name) => {
  it('are what the real ones are: nothing is counted in RAM', () => {
    const options = v.parse(findHeap(name)!.options, {});
    const bytes = findHeap(name)!.staticBytes(options);
    const real = {
      heap_1: 8,
      heap_2: 24,
      heap_2_coalescing: 32,
      heap_3: findHeap('newlib_nano')!.staticBytes({}),
    };
    expect(bytes).toBe(real[name as keyof typeof real]);
  });
});

describe('heaps whose real ones have the call', () => {
  it.each(['heap_4', 'heap_5'])('bear no mark: %s', (name) => {
    const { heap } = device(name);
    heap.malloc(8);
    expect(heap.stats!()).not.toHaveProperty('extension');
  });
});
