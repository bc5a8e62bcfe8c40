import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALONE, AN_INTERRUPT, Corruption, NULL } from '../../../src/heaps/heap.js';
import type { Mempool } from '../../../src/heaps/mempool/mempool-heap.js';
import { faultOf, imageOf, ORIGIN, piecesOf } from '../device.js';
import { freeInHoles, heapPages, holesOf, mempool } from './setup.js';

const FRAGMENT = 128;
const HEAP_PAGE = 16 * FRAGMENT;
const CELL = 32 * FRAGMENT;

function mallocs(heap: Mempool, count: number, bytes: number): number[] {
  return Array.from({ length: count }, () => heap.malloc(bytes));
}

function fromCache(heap: Mempool, cache: number, count: number): number[] {
  return Array.from({ length: count }, () => heap.mallocFrom(cache));
}

describe('mempool serves', () => {
  it.each([
    [1, 16],
    [12, 16],
    [13, 20],
    [127, 132],
    [128, 128],
    [129, 136],
    [256, 256],
    [1599, 1604],
    [1600, 1604],
    [1601, 1664],
    [CELL, CELL],
    [CELL + 1, 2 * CELL],
  ])('%i bytes with a block of %i', (bytes, block) => {
    const { heap } = mempool({}, { bytes: 4 * CELL });
    expect(heap.blockBytesFor(bytes)).toBe(block);
    const address = heap.malloc(bytes);
    expect(piecesOf(heap).find(({ payload }) => payload === address)!.bytes).toBe(block);
  });

  it('the smallest block that is large enough, in the first page that has one', () => {
    const { heap } = mempool();
    const [large, , small, , middle] = [200, 12, 40, 12, 100, 12].map((bytes) => heap.malloc(bytes));
    for (const block of [large!, small!, middle!]) heap.free(block);
    expect(heap.malloc(36)).toBe(small);
    expect(heap.malloc(60)).toBe(middle);
    expect(heap.malloc(190)).toBe(large);
  });

  it('as much as is free when it is empty, in one piece', () => {
    const { heap } = mempool({ metadata: 'inside', segmentBytes: 0 }, { bytes: 20_480 });
    const largest = heap.largestBlockBytes();
    expect(heap.malloc(largest + 1)).toBe(NULL);
    expect(heap.malloc(largest)).not.toBe(NULL);
  });

  it('two heap pages in a segment that is shorter than a cell', () => {
    const { heap } = mempool({ metadata: 'inside', segmentBytes: 0, heapPageFragments: 0 }, { bytes: 4096 });
    mallocs(heap, 3, 900);
    expect(heapPages(heap)).toBe(2);
  });

  it('from its statics where metadata is outside, and none of the arena', () => {
    expect(freeInHoles(mempool().heap)).toBe(CELL);
    const inside = mempool({ metadata: 'inside', segmentBytes: 0 });
    expect(freeInHoles(inside.heap)).toBe(CELL - FRAGMENT);
  });
});

describe('mempool gives a heap page back', () => {
  it('with its last block', () => {
    const { heap } = mempool();
    const blocks = mallocs(heap, 3, 24);
    for (const block of blocks) heap.free(block);
    expect(heapPages(heap)).toBe(0);
  });

  it('only when it is old enough', () => {
    let now = 100;
    const surroundings = { ...ALONE, ticks: () => now };
    const { heap } = mempool({ pageLifetimeTicks: 50 }, { surroundings });
    heap.free(heap.malloc(24));
    expect(heapPages(heap)).toBe(1);
    now = 149;
    heap.free(heap.malloc(24));
    expect(heapPages(heap)).toBe(1);
    now = 150;
    heap.free(heap.malloc(24));
    expect(heapPages(heap)).toBe(0);
  });

  it('before a request fails, whatever its age', () => {
    const { heap } = mempool({ pageLifetimeTicks: 50 });
    heap.free(heap.malloc(24));
    expect(heap.malloc(CELL)).toBe(ORIGIN);
    const { heap: unwilling } = mempool({ pageLifetimeTicks: 50, reclaim: false });
    unwilling.free(unwilling.malloc(24));
    expect(unwilling.malloc(CELL)).toBe(NULL);
  });
});

describe('mempool defragments', () => {
  /** Frees `count` neighbours of 44 bytes; says how many free blocks the page has after each. */
  const freeBlocksAfter = (heap: Mempool, count: number) => {
    const blocks = mallocs(heap, count + 1, 44).slice(0, count);
    return blocks.map((block) => {
      heap.free(block);
      heap.check();
      return heap.classes()[0]!.freeObjects;
    });
  };

  it('when more than 16 free blocks have gathered, and at each eighth such free from then on', () => {
    const { heap } = mempool({ defragFree: 16 });
    // The rest of the page is one free block of them; 16 frees make 17.
    const counts = freeBlocksAfter(heap, 36);
    expect(counts.slice(0, 16)).toEqual([...Array(15).keys()].map((index) => index + 2).concat(2));
    expect(counts.slice(16, 31)).toEqual([...Array(14).keys()].map((index) => index + 3).concat(17));
    expect(counts.slice(31)).toEqual([18, 19, 20, 21, 22]);
  });

  it('all pages before a request fails', () => {
    const kept = [0, 40, 41, 81];
    const answers = [true, false].map((reclaim) => {
      const { heap } = mempool({ reclaim, defragFree: 1023 });
      const blocks = mallocs(heap, 82, 44);
      expect(heapPages(heap)).toBe(2);
      for (const [index, block] of blocks.entries()) if (!kept.includes(index)) heap.free(block);
      const answer = heap.malloc(1500);
      heap.check();
      return answer !== NULL;
    });
    expect(answers).toEqual([true, false]);
  });

  it('with a list in fragments only where there is room for one', () => {
    const inPlace = mempool({ defragFree: 4, defragPeriod: 1 }, { bytes: HEAP_PAGE }).heap;
    expect(freeBlocksAfter(inPlace, 10)).toEqual([2, 3, 4, 2, 3, 4, 2, 3, 4, 2].slice(0, 10));
    const listed = mempool(
      { defragFree: 4, defragPeriod: 1, defragInPlace: false },
      { bytes: HEAP_PAGE },
    ).heap;
    expect(freeBlocksAfter(listed, 10)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});

describe('a cache of mempool', () => {
  it('has objects of its own size side by side, the lowest first', () => {
    const { heap } = mempool();
    const cache = heap.createCache(50);
    const [first, second, third] = fromCache(heap, cache, 3);
    expect([second! - first!, third! - second!]).toEqual([52, 52]);
    heap.free(second!);
    expect(heap.mallocFrom(cache)).toBe(second);
  });

  it('gives arrays, which do not cross a cell of its bitmap', () => {
    const { heap } = mempool({ cachePageFragments: 8 });
    const cache = heap.createCache(12);
    const first = heap.mallocArrayFrom(cache, 30);
    const second = heap.mallocArrayFrom(cache, 5);
    expect((second - first) / 12).toBe(32);
    expect(heap.mallocArrayFrom(cache, 2)).toBe(first + 30 * 12);
    heap.freeArray(second, 5);
    heap.freeArray(first, 30);
    expect(heap.classes()[1]).toMatchObject({ liveObjects: 2 });
    heap.check();
  });

  it('keeps empty pages until a request would fail', () => {
    const { heap } = mempool();
    const cache = heap.createCache(100);
    for (const object of fromCache(heap, cache, 10)) heap.free(object);
    expect(heap.classes()[1]!.pages).toBe(3);
    expect(heap.malloc(CELL)).not.toBe(NULL);
    expect(heap.classes()[1]!.pages).toBe(0);
    heap.check();
  });

  it('keeps objects constructed', () => {
    const { heap, memory } = mempool();
    const cache = heap.createCache(64);
    const object = heap.mallocFrom(cache);
    memory.fill(object, 64, 0xa5);
    heap.free(object);
    expect(heap.mallocFrom(cache)).toBe(object);
    expect(memory.image(object, 64).every((byte) => byte === 0xa5)).toBe(true);
  });

  it('takes what no page could hold from where malloc does', () => {
    const { heap } = mempool();
    const cache = heap.createCache(600);
    const object = heap.mallocFrom(cache);
    expect(piecesOf(heap).find(({ payload }) => payload === object)!.bytes).toBe(604);
    heap.free(object);
    const array = heap.mallocArrayFrom(heap.createCache(100), 6);
    heap.freeArray(array, 6);
    expect(holesOf(heap)).toEqual([`0:${CELL}`]);
  });

  it('is refused where the statics have no room for it', () => {
    const { heap } = mempool({ caches: 1 });
    heap.createCache(64);
    expect(faultOf(() => heap.createCache(64))).toBe('assertion');
  });

  it('keeps every promise among others, arrays and blocks', () => {
    const aCall = fc.oneof(
      fc.record({ cache: fc.nat(2), count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 70 })) }),
      fc.record({ bytes: fc.oneof(fc.nat(200), fc.nat(3000)) }),
      fc.record({ pick: fc.nat(1000) }),
    );
    const aPage = fc.constantFrom(2, 4, 32);
    fc.assert(
      fc.property(aPage, fc.array(aCall, { maxLength: 80 }), (cachePageFragments, calls) => {
        const { heap, memory } = mempool({ cachePageFragments }, { bytes: 2 * CELL });
        const sizes = [12, 40, 200];
        const caches = sizes.map((bytes) => heap.createCache(bytes));
        const live: { address: number; bytes: number; count: number; seed: number }[] = [];
        const holds = ({ address, bytes, seed }: (typeof live)[number]) =>
          memory.image(address, bytes).every((byte) => byte === seed % 256);
        calls.forEach((call, seed) => {
          if ('pick' in call) {
            if (live.length === 0) return;
            const [block] = live.splice(call.pick % live.length, 1);
            expect(holds(block!)).toBe(true);
            heap.freeArray(block!.address, block!.count);
          } else {
            const isArray = 'cache' in call;
            const bytes = isArray ? call.count * sizes[call.cache]! : call.bytes;
            const address = isArray
              ? heap.mallocArrayFrom(caches[call.cache]!, call.count)
              : heap.malloc(call.bytes);
            if (address !== NULL) {
              memory.fill(address, bytes, seed % 256);
              live.push({ address, bytes, count: isArray ? call.count : 1, seed });
            }
          }
          heap.check();
          expect(heap.freeBytes()).toBe(freeInHoles(heap));
          expect(live.every(holds)).toBe(true);
        });
        for (const { address, count } of live) heap.freeArray(address, count);
        for (const cache of caches) heap.destroyCache(cache);
        expect(holesOf(heap)).toEqual([`0:${2 * CELL}`]);
      }),
      { seed: 20_240_611, numRuns: 200 },
    );
  });
});

describe('when memory is exhausted mempool', () => {
  it('asks the hook once, and serves the request if that made room', () => {
    const { heap } = mempool({ atExhaustion: 'hook' });
    const spare = heap.malloc(CELL);
    let asked = 0;
    heap.exhaustion.client = () => {
      asked++;
      if (asked === 1) heap.free(spare);
    };
    expect(heap.malloc(FRAGMENT)).toBe(spare);
    expect(heap.malloc(CELL)).toBe(NULL);
    expect(asked).toBe(2);
  });

  it('does not ask the hook for what the hook asks for', () => {
    const { heap } = mempool({ atExhaustion: 'hook' });
    heap.malloc(CELL);
    const answers: number[] = [];
    heap.exhaustion.client = () => void answers.push(heap.malloc(24));
    expect(heap.malloc(24)).toBe(NULL);
    expect(answers).toEqual([NULL]);
  });

  it('asks nobody unless told', () => {
    const { heap } = mempool();
    heap.exhaustion.client = () => expect.unreachable();
    expect(heap.malloc(2 * CELL)).toBe(NULL);
  });

  it('aborts where the original would', () => {
    const { heap } = mempool({ atExhaustion: 'abort' });
    heap.malloc(CELL);
    expect(faultOf(() => heap.malloc(1))).toBe('assertion');
  });
});

describe('an interrupt', () => {
  const inInterrupt = () => {
    let caller = 1;
    const device = mempool({}, { surroundings: { ...ALONE, caller: () => caller } });
    const interrupt = (call: () => void) => {
      caller = AN_INTERRUPT;
      call();
      caller = 1;
    };
    return { ...device, interrupt };
  };

  it('may free fragments and objects of caches, and no block of a heap page', () => {
    const { heap, interrupt } = inInterrupt();
    expect(heap.interruptsMayFree).toBe(true);
    const buffer = heap.malloc(FRAGMENT);
    const object = heap.mallocFrom(heap.createCache(40));
    const block = heap.malloc(40);
    interrupt(() => heap.free(buffer));
    interrupt(() => heap.free(object));
    expect(faultOf(() => interrupt(() => heap.free(block)))).toBe('illegal-call');
    heap.check();
  });

  it('may do so at any load of a request, and nothing is lost', () => {
    const requests = [
      (heap: Mempool) => heap.malloc(3 * FRAGMENT),
      (heap: Mempool) => heap.malloc(40),
      (heap: Mempool) => heap.malloc(CELL),
      (heap: Mempool, cache: number) => heap.mallocFrom(cache),
    ];
    for (const request of requests) {
      for (let at = 1; at < 200; at++) {
        const { heap, memory, interrupt } = inInterrupt();
        const cache = heap.createCache(40);
        const [object] = fromCache(heap, cache, 12);
        const [buffer] = mallocs(heap, 3, FRAGMENT);
        let loads = 0;
        memory.meddle = () => {
          if (++loads < at) return;
          memory.meddle = undefined;
          interrupt(() => {
            heap.free(buffer!);
            heap.free(object!);
          });
        };
        request(heap, cache);
        memory.meddle = undefined;
        heap.check();
        expect(heap.freeBytes()).toBe(freeInHoles(heap));
      }
    }
  });
});

describe('free on mempool', () => {
  const setUp = () => {
    const device = mempool({ metadata: 'inside', segmentBytes: 0 });
    const { heap } = device;
    const [block] = mallocs(heap, 2, 40);
    const buffer = heap.malloc(2 * FRAGMENT);
    const [object] = fromCache(heap, heap.createCache(48), 2);
    return { ...device, block: block!, buffer, object: object! };
  };
  type Places = ReturnType<typeof setUp>;

  it.each<[string, (at: Places) => number]>([
    ['inside a block of the heap', ({ block }) => block + 8],
    ["a heap page's header", ({ block }) => block - 40],
    ["a heap page's free block", ({ block }) => block + 2 * 44],
    ["a heap page's last word", () => ORIGIN + HEAP_PAGE - 4],
    ['inside a fragment', ({ buffer }) => buffer + 8],
    ['the second fragment of a block', ({ buffer }) => buffer + FRAGMENT],
    ['a free fragment', () => ORIGIN + 28 * FRAGMENT],
    ['inside an object', ({ object }) => object + 4],
    ['an object that was never live', ({ object }) => object + 5 * 48],
    ["a cache page's header", ({ object }) => object - 16],
    ['below the arena', () => ORIGIN - 0x100],
    ['the descriptors', () => ORIGIN + CELL - 8],
    ['far above', () => 0xffff_fff8],
  ])('refuses %s', (_what, address) => {
    const at = setUp();
    const before = imageOf(at.memory);
    expect(faultOf(() => at.heap.free(address(at)))).toBe('assertion');
    expect(imageOf(at.memory) === before).toBe(true);
  });

  it('refuses what has been freed, wherever it was', () => {
    const at = setUp();
    for (const address of [at.block, at.buffer, at.object]) {
      at.heap.free(address);
      expect(faultOf(() => at.heap.free(address))).toBe('assertion');
    }
    at.heap.check();
  });

  it('ignores it all if it does not assert', () => {
    const { heap } = mempool({ asserts: false });
    const buffer = heap.malloc(FRAGMENT);
    heap.free(buffer);
    const before = heap.freeBytes();
    heap.free(buffer);
    heap.free(buffer + 8);
    heap.free(ORIGIN - 64);
    expect(heap.freeBytes()).toBe(before);
  });
});

describe('check of mempool', () => {
  const broken = (
    address: (at: { block: number; object: number; buffer: number }) => number,
    value: number,
  ) => {
    const { heap, memory } = mempool({ metadata: 'inside', segmentBytes: 0 });
    const block = heap.malloc(40);
    const buffer = heap.malloc(FRAGMENT);
    const object = heap.mallocFrom(heap.createCache(48));
    heap.check();
    memory.storeWord(address({ block, object, buffer }), value);
    try {
      heap.check();
    } catch (error) {
      if (error instanceof Corruption) return error.invariant;
      throw error;
    }
    return 'nothing';
  };
  const cells = ORIGIN + 31 * FRAGMENT;
  const descriptors = cells + 4;

  it.each<[string, Parameters<typeof broken>[0], number, RegExp]>([
    ["a live block's header", ({ block }) => block - 4, 0, /does not lead/],
    ['a header that is too long', ({ block }) => block - 4, 0x7fef_ffff, /does not lead/],
    ["a free block's size", ({ block }) => block + 40, 4, /does not lead|count/],
    ['the count of live blocks', () => ORIGIN + 28, 7, /count of live blocks/],
    ['the count of free blocks', () => ORIGIN + 32, 7, /count of free blocks/],
    ['the count of free units', () => ORIGIN + 4, 7, /count of free units/],
    ['the root of a tree', () => ORIGIN + 36, 0, /not in the tree/],
    ["a page's link back", () => ORIGIN + 12, ORIGIN, /lead back/],
    ['a bit of a block', () => cells, 0, /bit|free/],
    ['a bit of nobody', () => cells, -1, /no block|not free|does not exist/],
    ['a descriptor', ({ buffer }) => descriptors + (buffer - ORIGIN) / 32, 0x0001_0007, /no known type/],
    ['its size', ({ buffer }) => descriptors + (buffer - ORIGIN) / 32, 0x00ff_0000, /does not lead/],
    ["a page's cache", ({ object }) => object - 24, 12, /cache is none/],
    ['its count of free objects', ({ object }) => object - 12, 3, /free objects/],
    ['its bitmap', ({ object }) => object - 4, 3, /free objects/],
    ['a bit for no object', ({ object }) => object - 4, 0x8000_0001, /free objects|does not exist/],
  ])('finds %s overwritten', (_what, address, value, invariant) => {
    expect(broken(address, value)).toMatch(invariant);
  });

  it('finds bytes that nobody has given back and that count as free', () => {
    const { heap, memory } = mempool({ metadata: 'inside', segmentBytes: 0 });
    heap.check();
    memory.storeWord(cells, 1);
    memory.storeWord(descriptors, 0x0001_0000);
    expect(() => heap.check()).toThrow('3968 bytes are counted as free, the holes hold 3840');
  });
});
