import { describe, expect, it } from 'vitest';
import type { HeapOptions } from '../../../src/heaps/definition.js';
import { Corruption, type Heap, NULL } from '../../../src/heaps/heap.js';
import { type Device, device, faultOf, imageOf, listed, ORIGIN, piecesOf } from '../device.js';

/** On first_fit, whatever the default. */
function slab(options: HeapOptions = {}): Device {
  return device('slab', { options: { inner: 'first_fit', ...options } });
}

/** 4096 bytes on first_fit: 8 slabs of 520 bytes with their tags cannot fit, 7 can. */
const SLABS = 7;

function classNamed(heap: Heap, objectBytes: number) {
  return heap.classes!().find((one) => one.objectBytes === objectBytes)!;
}

function mallocs(heap: Heap, count: number, bytes: number): number[] {
  return Array.from({ length: count }, () => heap.malloc(bytes));
}

describe('a class of slab', () => {
  it('has objects side by side, without headers, from the lowest', () => {
    const { heap } = slab();
    const [first, second, third] = mallocs(heap, 3, 20);
    expect([second! - first!, third! - second!]).toEqual([32, 32]);
    expect(classNamed(heap, 32)).toEqual({
      objectBytes: 32,
      asked: true,
      pageWord: 'slab',
      pageBytes: heap.blockBytesFor(512),
      pages: 1,
      liveObjects: 3,
      freeObjects: 12,
      freeBytes: 384,
    });
  });

  it.each([
    [1, 16],
    [16, 16],
    [17, 32],
    [64, 64],
    [65, 128],
    [128, 128],
  ])('serves %i bytes with %i', (bytes, objectBytes) => {
    const { heap } = slab();
    expect(heap.blockBytesFor(bytes)).toBe(objectBytes);
    const object = heap.malloc(bytes);
    expect(piecesOf(heap).find(({ payload }) => payload === object)!.bytes).toBe(objectBytes);
  });

  it('leaves what is larger to the inner heap', () => {
    const { heap } = slab();
    const inner = device('first_fit');
    expect(heap.blockBytesFor(129)).toBe(inner.heap.blockBytesFor(129));
    expect(heap.malloc(129)).toBe(inner.heap.malloc(129));
    expect(heap.classes!().every(({ pages, asked }) => pages === 0 && !asked)).toBe(true);
  });

  it('prefers a partial slab to an empty one, and an empty one to a new one', () => {
    const { heap } = slab();
    const perSlab = 3;
    const [low, high] = [mallocs(heap, perSlab, 128), mallocs(heap, perSlab, 128)];
    for (const object of high) heap.free(object);
    heap.free(low[1]!);
    expect(heap.malloc(128)).toBe(low[1]);
    expect(heap.malloc(128)).toBe(high[0]);
    expect(classNamed(heap, 128).pages).toBe(2);
  });

  it('takes the lowest free object of a slab with more than 32 of them', () => {
    const { heap } = slab({ slabBytes: 1024 });
    const objects = mallocs(heap, 40, 16);
    expect(new Set(objects).size).toBe(40);
    expect(classNamed(heap, 16).pages).toBe(1);
    for (const index of [39, 35, 7]) heap.free(objects[index]!);
    expect(mallocs(heap, 3, 16)).toEqual([objects[7], objects[35], objects[39]]);
  });

  it('is never served from a larger one', () => {
    const { heap } = slab();
    const large = mallocs(heap, 3 * SLABS, 128);
    expect(large).not.toContain(NULL);
    heap.free(large[0]!);
    expect(heap.malloc(16)).toBe(NULL);
    expect(classNamed(heap, 16)).toMatchObject({ asked: true, pages: 0 });
    expect(classNamed(heap, 128)).toMatchObject({ asked: false, freeObjects: 1 });
  });
});

describe('under pressure slab', () => {
  it('keeps empty slabs until then, and gives all back before a request fails', () => {
    const { heap } = slab();
    const objects = mallocs(heap, 3 * SLABS, 128);
    for (const object of objects) heap.free(object);
    expect(classNamed(heap, 128).pages).toBe(SLABS);
    const before = heap.freeBytes();
    const block = heap.malloc(1500);
    expect(block).not.toBe(NULL);
    expect(classNamed(heap, 128).pages).toBe(0);
    // Headers and rests of slabs are free again too.
    expect(heap.freeBytes()).toBeGreaterThan(before - heap.blockBytesFor(1500));
    heap.free(block);
    heap.check();
    expect(listed(slab(), 'hole')).toEqual(
      piecesOf(heap)
        .filter(({ kind }) => kind === 'hole')
        .map(({ address, bytes }) => `${address - ORIGIN}:${bytes}`),
    );
  });

  it('gives the slabs of one class to another', () => {
    const { heap } = slab();
    for (const object of mallocs(heap, 3 * SLABS, 128)) heap.free(object);
    expect(heap.malloc(16)).not.toBe(NULL);
    expect(classNamed(heap, 128).pages).toBe(0);
    expect(classNamed(heap, 16).pages).toBe(1);
  });

  it('keeps slabs that have a live object', () => {
    const { heap } = slab();
    const objects = mallocs(heap, 3 * SLABS, 128);
    for (const [index, object] of objects.entries()) if (index % 3 !== 0) heap.free(object);
    expect(heap.malloc(600)).toBe(NULL);
    expect(classNamed(heap, 128).pages).toBe(SLABS);
    expect(heap.freeBytes()).toBeGreaterThan(2 * SLABS * 128);
  });

  it('serves again what it could when it was new, but for nothing larger', () => {
    const { heap } = slab();
    const largest = heap.largestBlockBytes!();
    mallocs(heap, 1, 16);
    expect(heap.largestBlockBytes!()).toBe(largest);
    heap.free(heap.malloc(16));
    const whole = slab().heap;
    expect(whole.malloc(largest - 8)).not.toBe(NULL);
    expect(slab().heap.malloc(largest - 7)).toBe(NULL);
  });
});

describe('a cache of slab', () => {
  it('has objects of its own size, rounded up to the alignment only', () => {
    const { heap } = slab();
    const cache = heap.createCache!(44);
    const [first, second] = [heap.mallocFrom!(cache), heap.mallocFrom!(cache)];
    expect(second! - first!).toBe(48);
    expect(classNamed(heap, 48)).toMatchObject({
      cache,
      asked: true,
      liveObjects: 2,
      freeObjects: 8,
    });
  });

  it('shares slabs with no other of the same size', () => {
    const { heap } = slab();
    const [one, other] = [heap.createCache!(64), heap.createCache!(64)];
    const objects = [heap.mallocFrom!(one), heap.mallocFrom!(other), heap.malloc(64)];
    expect(heap.classes!().filter(({ pages }) => pages === 1)).toHaveLength(3);
    for (const object of objects) heap.free(object);
    heap.check();
  });

  it('keeps objects constructed: every byte of a free one stays', () => {
    const { heap, memory } = slab();
    const cache = heap.createCache!(64);
    const objects = [1, 2, 3].map(() => heap.mallocFrom!(cache));
    for (const [index, object] of objects.entries()) memory.fill(object, 64, 0xa0 + index);
    for (const object of objects) heap.free(object);
    for (const [index, object] of objects.entries()) {
      expect(heap.mallocFrom!(cache)).toBe(object);
      expect(memory.image(object, 64).every((byte) => byte === 0xa0 + index)).toBe(true);
    }
  });

  it('takes objects that no slab could hold from the inner heap', () => {
    const { heap } = slab();
    const cache = heap.createCache!(600);
    const object = heap.mallocFrom!(cache);
    expect(object).not.toBe(NULL);
    expect(classNamed(heap, 600)).toMatchObject({ pages: 0, liveObjects: 0, freeObjects: 0, asked: false });
    heap.free(object);
    heap.check();
  });

  it('is refused where the statics have no room for it', () => {
    const { heap } = slab({ caches: 1 });
    heap.createCache!(64);
    expect(faultOf(() => heap.createCache!(64))).toBe('assertion');
    heap.check();
  });
});

describe('free on slab', () => {
  const refused = (address: (object: number) => number) => {
    const { heap, memory } = slab();
    const [object] = mallocs(heap, 2, 40);
    memory.fill(object!, 40, 0xee);
    const before = imageOf(memory);
    expect(faultOf(() => heap.free(address(object!)))).toBe('assertion');
    expect(imageOf(memory) === before).toBe(true);
    heap.check();
  };

  it('refuses an object that has been freed, in a slab that others use or not', () => {
    const { heap } = slab();
    const [one, other] = mallocs(heap, 2, 40);
    heap.free(one!);
    expect(faultOf(() => heap.free(one!))).toBe('assertion');
    heap.free(other!);
    expect(faultOf(() => heap.free(other!))).toBe('assertion');
    heap.check();
  });

  it.each([
    ['inside an object', 8],
    ['an object that was never live', 2 * 64],
    ["the slab's header", -8],
    ['the slab itself', -24],
    ["the slab's rest", 7 * 64],
  ])('refuses %s', (_what, offset) => {
    refused((object) => object + offset);
  });

  it.each([
    ['below the arena', ORIGIN - 0x100],
    ['the directory', ORIGIN + 4096 - 8],
    ['far above the arena', ORIGIN + 4096 + 0x80],
    ['what lies outside RAM', 0xffff_fff8],
  ])('refuses %s', (_what, address) => {
    refused(() => address);
  });
});

describe('check of slab', () => {
  const broken = (offset: number, value: number) => {
    const { heap, memory } = slab();
    const header = heap.malloc(40) - 24;
    heap.check();
    memory.storeWord(header + offset, value);
    let invariant = 'nothing';
    try {
      heap.check();
    } catch (error) {
      if (!(error instanceof Corruption)) throw error;
      invariant = error.invariant;
    }
    return invariant;
  };

  it.each([
    ['next', 0, ORIGIN + 0x100, /wrong list/],
    ['previous', 4, 4, /lead back/],
    ['cache', 8, 12, /cache is none/],
    ['used', 12, 2, /differs from its map/],
    ['free map', 16, 0xff, /more of them/],
    ['an object', 24, 0xffff_ffff, /nothing/],
  ])('looks at %s', (_what, offset, value, invariant) => {
    expect(broken(offset, value)).toMatch(invariant);
  });

  it.each([
    ['the directory', ORIGIN + 4096 - 4 * 8, 0],
    ['the counter', slab().statics, 1],
  ])('looks at %s', (_what, address, value) => {
    const { heap, memory } = slab();
    heap.malloc(40);
    memory.storeWord(address, value);
    expect(() => heap.check()).toThrow(Corruption);
  });
});

describe('the inner heap of slab', () => {
  it('may round a slab up: o1heap wants slabs that fill a power of two', () => {
    const taken = (slabBytes: number) => {
      const { heap } = slab({ inner: 'o1heap', slabBytes });
      const before = heap.freeBytes();
      heap.malloc(16);
      const { freeObjects } = classNamed(heap, 16);
      return before - heap.freeBytes() + 16 * freeObjects;
    };
    expect(taken(512)).toBe(1024);
    expect(taken(496)).toBe(512);
  });
});
