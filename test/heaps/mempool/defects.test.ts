/** What the original does wrong, by the numbers of its list of defects: here it must come out right. */

import { describe, expect, it } from 'vitest';
import { AddressHandles } from '../../../src/heaps/handle-heap.js';
import { HeapCall, NULL } from '../../../src/heaps/heap.js';
import { realloc } from '../../../src/heaps/library.js';
import { lowestRun } from '../../../src/heaps/mempool/bitmap.js';
import { BITMAP, CACHE_BYTES, Caches, FREE_OBJECTS } from '../../../src/heaps/mempool/caches.js';
import { ORIGIN, piecesOf } from '../device.js';
import { AS_ORIGINAL, freeInHoles, heapPages, holesOf, mempool, STATICS_BYTES } from './setup.js';

const FRAGMENT = 128;
/** A cell's worth of fragments. */
const CELL = 32 * FRAGMENT;
const HEAP_PAGE = 16 * FRAGMENT;
/** Where the statics have the cells if they are outside: behind four caches. */
const CELLS = 28 + 4 * CACHE_BYTES;

function fill(heap: { malloc(bytes: number): number }, count: number, bytes: number): number[] {
  return Array.from({ length: count }, () => heap.malloc(bytes));
}

describe.each([
  ['as it is', {}],
  ['as the original was set up', AS_ORIGINAL],
] as const)('mempool %s', (_name, chosen) => {
  it('B1: looks for a run from every free bit on, not from the first only', () => {
    expect(lowestRun(0b0001_0110, 2)).toBe(5);
    const { heap } = mempool(chosen);
    const [, hole] = fill(heap, 3, FRAGMENT);
    heap.free(hole!);
    expect(heap.malloc(2 * FRAGMENT)).toBe(ORIGIN + 3 * FRAGMENT);
    expect(heap.malloc(FRAGMENT)).toBe(hole);
  });

  it('B2: takes as many cells as are asked for, not one more', () => {
    const { heap } = mempool(chosen, { bytes: 4 * CELL });
    expect(heap.malloc(2 * CELL)).toBe(ORIGIN);
    expect(heap.malloc(2 * CELL)).toBe(ORIGIN + 2 * CELL);
  });

  it('B3: leaves a cell alone that ended a run of free ones', () => {
    const { heap } = mempool(chosen, { bytes: 5 * CELL });
    const [first, second] = fill(heap, 2, CELL);
    heap.free(first!);
    expect(heap.malloc(2 * CELL)).toBe(ORIGIN + 2 * CELL);
    expect(heap.malloc(CELL)).toBe(first);
    expect(heap.malloc(CELL)).toBe(ORIGIN + 4 * CELL);
    expect(second).toBe(ORIGIN + CELL);
    heap.check();
  });

  it('B4: begins every scan anew, and gives back the run at the end', () => {
    const { heap } = mempool(chosen, { bytes: 3 * CELL });
    const [first, , third] = fill(heap, 3, CELL);
    heap.free(first!);
    heap.free(third!);
    expect(heap.malloc(2 * CELL)).toBe(NULL);
    expect(holesOf(heap)).toEqual([`0:${CELL}`, `${2 * CELL}:${CELL}`]);
    heap.check();
  });

  it('B5: frees the cells of a large block, all of them and no others', () => {
    const { heap } = mempool(chosen, { bytes: 6 * CELL });
    const low = heap.malloc(CELL);
    const large = heap.malloc(2 * CELL + FRAGMENT);
    const high = heap.malloc(CELL);
    expect([low, large, high].map((address) => (address - ORIGIN) / CELL)).toEqual([0, 1, 4]);
    heap.free(large);
    expect(holesOf(heap)).toEqual([`${CELL}:${3 * CELL}`, `${5 * CELL}:${CELL}`]);
    heap.check();
  });

  it('B5: frees the cells of a large array of objects', () => {
    const { heap } = mempool({ ...chosen, cachePageFragments: 16 });
    const cache = heap.createCache(12);
    const one = heap.mallocFrom(cache);
    const large = heap.mallocArrayFrom(cache, 64);
    const before = heap.freeBytes();
    heap.freeArray(large, 64);
    expect(heap.freeBytes() - before).toBe(64 * 12);
    expect(heap.mallocArrayFrom(cache, 64)).toBe(large);
    heap.free(one);
    heap.check();
  });

  it('B6: frees all of 32 fragments', () => {
    const { heap } = mempool(chosen);
    const whole = heap.malloc(CELL);
    expect(whole).toBe(ORIGIN);
    heap.free(whole);
    expect(holesOf(heap)).toEqual([`0:${CELL}`]);
    expect(heap.malloc(CELL)).toBe(ORIGIN);
  });

  it('B7: uses the first page of a list', () => {
    const { heap } = mempool(chosen);
    fill(heap, 2, 24);
    expect(heapPages(heap)).toBe(1);
    const cache = heap.createCache(24);
    heap.mallocFrom(cache);
    heap.mallocFrom(cache);
    expect(heap.classes()[1]).toMatchObject({ pages: 1, liveObjects: 2 });
  });

  it('B8: loses no block in a realloc', () => {
    const { heap, memory } = mempool(chosen);
    const handles = new AddressHandles(heap);
    let block = heap.malloc(20);
    for (const [bytes, had] of [
      [18, 20],
      [60, 20],
      [300, 60],
      [10, 300],
    ] as const) {
      block = realloc(handles, memory, block, had, bytes);
      expect(piecesOf(heap).filter(({ kind }) => kind === 'used')).toHaveLength(1);
    }
    heap.free(block);
    expect(holesOf(heap)).toEqual([`0:${CELL}`]);
  });

  it('B9: does not count the header as room for a larger block', () => {
    const { heap, memory } = mempool(chosen);
    const [block] = fill(heap, 2, 12);
    expect(heap.resize(block!, 12)).toBe(true);
    expect(heap.resize(block!, 13)).toBe(false);
    const moved = realloc(new AddressHandles(heap), memory, block!, 12, 16);
    expect(moved).not.toBe(block);
    memory.fill(moved, 16, 0xff);
    heap.check();
  });

  it('B10: gives a request for 0 bytes a block that is nobody else’s', () => {
    const { heap } = mempool(chosen);
    const blocks = [...fill(heap, 2, 0), ...fill(heap, 2, 1)];
    expect(new Set(blocks).size).toBe(4);
    expect(blocks).not.toContain(NULL);
    heap.check();
  });

  it('B11: takes NULL in free and realloc for nothing', () => {
    const { heap } = mempool(chosen);
    const before = holesOf(heap);
    heap.free(NULL);
    heap.freeArray(NULL, 3);
    expect(heap.resize(NULL, 8)).toBe(false);
    expect(holesOf(heap)).toEqual(before);
  });

  it('B12: does not touch a page that it has given back', () => {
    const { heap, memory } = mempool(chosen);
    const block = heap.malloc(24);
    const cells = ORIGIN - STATICS_BYTES + CELLS;
    let page: Uint8Array | undefined;
    memory.meddle = (address) => {
      if (address === cells) page = memory.image(ORIGIN, HEAP_PAGE);
    };
    heap.free(block);
    expect(page).toEqual(memory.image(ORIGIN, HEAP_PAGE));
  });

  it('B13: passes over pages without any free block', () => {
    const { heap } = mempool(chosen);
    // 401 and 100 of the 501 units of a page.
    fill(heap, 1, 1600);
    fill(heap, 1, 396);
    expect(heap.classes()[0]).toMatchObject({ pages: 1, freeObjects: 0 });
    expect(heap.malloc(12)).toBe(ORIGIN + HEAP_PAGE + 44);
    heap.check();
  });

  it('B14: merges in a page that lies across a multiple of 64 KiB', () => {
    const origin = 0x2001_0000 - 8 * FRAGMENT;
    const { heap } = mempool({ ...chosen, defragFree: 1, defragPeriod: 1 }, { origin });
    const blocks = fill(heap, 32, 44);
    const kept = blocks.pop()!;
    for (const block of blocks) heap.free(block);
    heap.check();
    expect(heap.malloc(31 * 48 - 4)).toBe(blocks[0]);
    heap.free(kept);
    heap.check();
  });

  it('B15, B16: has its first object behind the bitmap, at a multiple of 8, whatever the size', () => {
    for (let objectBytes = 4; objectBytes <= 600; objectBytes += 4) {
      const { heap, memory, origin } = mempool({ ...chosen, cachePageFragments: 16 });
      const cache = heap.createCache(objectBytes);
      const first = heap.mallocFrom(cache) - origin;
      const objects = Math.floor((16 * FRAGMENT) / objectBytes);
      expect(first).toBeGreaterThanOrEqual(BITMAP + 4 * Math.ceil(objects / 32));
      expect(first % 8).toBe(0);
      memory.fill(origin + first, objectBytes, 0xff);
      heap.check();
    }
  });

  it('B17: does not search pages that have too few free objects', () => {
    const { heap, memory } = mempool({ ...chosen, cachePageFragments: 4 });
    const cache = heap.createCache(100);
    const first = heap.mallocFrom(cache);
    const page = ORIGIN;
    const { freeObjects } = heap.classes()[1]!;
    for (let left = freeObjects; left > 0; left--) heap.mallocFrom(cache);
    expect(memory.loadWord(page + FREE_OBJECTS)).toBe(0);
    let looks = 0;
    memory.meddle = (address) => {
      if (address === page + BITMAP) looks++;
    };
    expect(heap.mallocFrom(cache)).not.toBe(NULL);
    expect(looks).toBe(0);
    expect(first).toBeGreaterThan(page);
  });

  it('B18: takes 64 objects for an array of 64, and a whole page for one that fills it', () => {
    const { heap } = mempool({ ...chosen, cachePageFragments: 16 });
    const small = heap.createCache(12);
    heap.freeArray(heap.mallocArrayFrom(small, 64), 64);
    const { freeObjects } = heap.classes()[1]!;
    heap.mallocArrayFrom(small, 64);
    expect(heap.classes()[1]!.freeObjects).toBe(freeObjects - 64);
    const large = heap.createCache(2016);
    expect(heap.mallocFrom(large)).not.toBe(NULL);
    expect(heap.classes()[2]).toMatchObject({ pages: 1, liveObjects: 1, freeObjects: 0 });
    heap.check();
  });

  it('B19: gives the pages of a destroyed cache back', () => {
    const { heap } = mempool(chosen);
    const cache = heap.createCache(100);
    fill({ malloc: () => heap.mallocFrom(cache) }, 12, 0);
    expect(heap.classes()[1]!.pages).toBeGreaterThan(1);
    heap.destroyCache(cache);
    expect(holesOf(heap)).toEqual([`0:${CELL}`]);
    expect(freeInHoles(heap)).toBe(heap.freeBytes());
    heap.check();
  });
});

it('B20: ends a name of any length with 0', () => {
  const { memory } = mempool();
  const at = ORIGIN;
  const segment = { origin: at, fragments: 0, fragmentBytes: 128, cells: at, descriptors: at, scans: 1 };
  const call = new HeapCall();
  const fragments = { segment } as unknown as ConstructorParameters<typeof Caches>[1];
  const caches = new Caches(memory, fragments, 512, call);
  memory.fill(at, 2 * CACHE_BYTES, 0xee);
  caches.initialize(at, 16, 'a name of forty letters, which is too long');
  const name = memory.image(at + 56, 32);
  expect(Buffer.from(name).toString()).toBe('a name of forty letters, which \0');
  expect(memory.loadByte(at + CACHE_BYTES)).toBe(0xee);
});
