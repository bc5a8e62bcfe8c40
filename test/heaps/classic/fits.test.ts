import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findHeap } from '../../../src/heaps/catalog.js';
import type { Fit } from '../../../src/heaps/classic/fits.js';
import { Corruption, NULL } from '../../../src/heaps/heap.js';
import { type Device, device, faultOf, listed, ORIGIN, piecesOf } from '../device.js';
import { FitModel, type FitModelOptions } from './fit-model.js';

const FITS = ['first_fit', 'next_fit', 'best_fit', 'worst_fit'] as const;
const runs = { seed: 20_240_531, numRuns: 300 };

/** Of a heap of 4096 bytes at alignment 8: the lowest block, and all blocks together. */
const LOWEST = 4;
const ARENA_BYTES = 4088;

const anyCalls = fc.array(
  fc.record({ bytes: fc.oneof(fc.nat(100), fc.nat(1500)), free: fc.boolean(), pick: fc.nat(1000) }),
  { minLength: 20, maxLength: 120, size: 'max' },
);

describe.each(FITS)('%s', (name) => {
  const fit = name.replace('_fit', '') as Fit;
  const variants: FitModelOptions[] = [{ order: 'address' }, { order: 'lifo' }];
  if (fit === 'first')
    variants.push({ order: 'address', sizeLists: true }, { order: 'lifo', sizeLists: true });

  it.each(variants)('chooses the holes that the textbook chooses: %o', (options) => {
    fc.assert(
      fc.property(anyCalls, (calls) => {
        const { heap } = device(name, { options: { ...options } });
        const model = new FitModel(fit, ARENA_BYTES, 16, options);
        const live: number[] = [];
        for (const { bytes, free, pick } of calls) {
          if (free && live.length > 0) {
            const [address] = live.splice(pick % live.length, 1);
            heap.free(address!);
            model.free(address! - ORIGIN - 8);
          } else {
            const address = heap.malloc(bytes);
            const offset = bytes === 0 ? undefined : model.allocate(heap.blockBytesFor(bytes));
            expect(address).toBe(offset === undefined ? NULL : ORIGIN + 8 + offset);
            if (address !== NULL) live.push(address);
          }
        }
      }),
      runs,
    );
  });

  it.each([
    [4, 36],
    [8, 40],
    [16, 48],
    [32, 64],
  ])('has 8 bytes of tags and no padding beyond rounding at alignment %i', (alignment, blockBytes) => {
    const { heap } = device(name, { alignment });
    const [first, second, third] = [heap.malloc(24), heap.malloc(25), heap.malloc(1)];
    expect([second - first, third - second]).toEqual([32, blockBytes]);
    expect([first, second, third].map((address) => address % alignment)).toEqual([0, 0, 0]);
  });

  it('gives a whole hole where the rest could be no block', () => {
    const made = device(name);
    const block = made.heap.malloc(40);
    made.heap.malloc(8);
    made.heap.free(block);
    made.heap.malloc(made.heap.freeBytes() - 48 - 8);
    expect(listed(made, 'hole')).toEqual([`${LOWEST}:48`]);
    expect(made.heap.malloc(32)).toBe(block);
    expect(listed(made, 'hole')).toEqual([]);
    expect(made.heap.freeBytes()).toBe(0);
    expect(piecesOf(made.heap).find(({ payload }) => payload === block)!.bytes).toBe(48);
  });

  it.each([
    ['below', [0, 1]],
    ['above', [1, 0]],
    ['on both sides', [0, 2, 1]],
  ])('merges a freed block with the hole %s at once', (_where, order) => {
    const made = device(name);
    const blocks = [24, 40, 56, 72].map((bytes) => made.heap.malloc(bytes));
    for (const index of order) made.heap.free(blocks[index]!);
    const bytes = order.reduce((sum, index) => sum + [32, 48, 64][index]!, 0);
    expect(listed(made, 'hole')[0]).toBe(`${LOWEST}:${bytes}`);
  });

  it('has one hole when everything is free again', () => {
    const made = device(name);
    const blocks = [1, 300, 8, 1100, 70].map((bytes) => made.heap.malloc(bytes));
    for (const index of [3, 0, 4, 2, 1]) made.heap.free(blocks[index]!);
    expect(listed(made, 'hole')).toEqual([`${LOWEST}:${ARENA_BYTES}`]);
    expect(made.heap.malloc(ARENA_BYTES - 8)).toBe(blocks[0]);
  });
});

/** Holes of 64, 128, 96 and 128 bytes in this order, and nothing else free. */
function fourHoles(name: string, options = {}): Device & { holes: number[] } {
  const made = device(name, { options });
  const blocks = [56, 8, 120, 8, 88, 8, 120, 8].map((bytes) => made.heap.malloc(bytes));
  made.heap.malloc(made.heap.freeBytes() - 8);
  const holes = [0, 2, 4, 6].map((index) => blocks[index]!);
  for (const hole of holes) made.heap.free(hole);
  return { ...made, holes };
}

describe('of holes of 64, 128, 96 and 128 bytes', () => {
  it.each([
    ['first_fit', [1, 2, 0]],
    ['next_fit', [1, 2, 3]],
    ['best_fit', [2, 1, 1]],
    ['worst_fit', [1, 3, 2]],
  ] as const)('%s takes for requests of 64, 64 and 40 bytes the ones numbered %j', (name, expected) => {
    const { heap, holes } = fourHoles(name);
    const sizes = [64, 64, 40];
    const taken = sizes.map((bytes) => heap.malloc(bytes));
    const numbers = taken.map((address) => holes.findLastIndex((hole) => hole <= address));
    expect(numbers).toEqual(expected);
  });

  it('first fit with lifo takes the one freed last', () => {
    const { heap, holes } = fourHoles('first_fit', { order: 'lifo' });
    expect(heap.malloc(8)).toBe(holes[3]);
  });

  it('next fit goes on from where it was, round the end', () => {
    const { heap, holes } = fourHoles('next_fit');
    expect([heap.malloc(120), heap.malloc(120), heap.malloc(56)]).toEqual([holes[1], holes[3], holes[0]]);
    expect(heap.malloc(120)).toBe(NULL);
  });

  it.each(FITS)('%s gives NULL where none is large enough, and counts the ones it looked at', (name) => {
    const { heap } = fourHoles(name);
    expect(heap.malloc(128)).toBe(NULL);
    expect(heap.lastCall).toMatchObject({ path: 1, searchSteps: name === 'next_fit' ? 5 : 4 });
  });
});

describe('first fit with the lists of SLOB', () => {
  it('leaves a large hole at the bottom alone while a small one will do', () => {
    const plain = device('first_fit');
    const sorted = device('first_fit', { options: { sizeLists: true } });
    const taken = [plain, sorted].map(({ heap }) => {
      const [large, , small] = [2000, 8, 100, 8].map((bytes) => heap.malloc(bytes));
      heap.free(large!);
      heap.free(small!);
      return [heap.malloc(64) === large, heap.malloc(20) === small! + 72];
    });
    expect(taken).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it('looks into the lists above where its own has none', () => {
    const { heap } = device('first_fit', { options: { sizeLists: true } });
    expect(heap.malloc(20)).not.toBe(NULL);
  });

  it('has three list heads in its statics, and the large hole in the last list', () => {
    const { heap, memory, statics } = device('first_fit', { options: { sizeLists: true } });
    heap.malloc(20);
    expect(findHeap('first_fit')!.staticBytes({ sizeLists: true })).toBe(28);
    const heads = [4, 12, 20].map((offset) => statics + offset);
    expect(heads.map((head) => memory.loadWord(head))).toEqual([heads[0], heads[1], ORIGIN + 40]);
  });
});

describe.each(FITS)('%s after an overrun', (name) => {
  const anyMask = fc.oneof(
    fc.nat(31).map((bit) => 2 ** bit),
    fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  );
  const anyBlocks = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 60 }), freed: fc.boolean() }), {
    minLength: 4,
    maxLength: 20,
  });

  it('is found broken whichever tag, link, list head or counter changed', () => {
    fc.assert(
      fc.property(anyBlocks, fc.nat(10_000), anyMask, (blocks, pick, mask) => {
        const { heap, memory, statics } = device(name, { bytes: 2048 });
        const addresses = blocks.map(({ bytes }) => heap.malloc(bytes));
        addresses.forEach((address, index) => {
          if (blocks[index]!.freed) heap.free(address);
        });
        const words = piecesOf(heap).flatMap(({ kind, address, bytes }) => {
          const tags = kind === 'bookkeeping' ? [] : [address, address + bytes - 4];
          return kind === 'hole' ? [...tags, address + 4, address + 8] : tags;
        });
        words.push(ORIGIN, ORIGIN + 2044, statics, statics + 4, statics + 8);
        const word = words[pick % words.length]!;
        const before = memory.loadWord(word);
        memory.storeWord(word, before ^ mask);
        expect(() => heap.check()).toThrow(Corruption);
        memory.storeWord(word, before);
        heap.check();
      }),
      { ...runs, numRuns: 1000 },
    );
  });

  it('meets a list that runs in a circle as an endless loop', () => {
    const { heap, memory, holes } = fourHoles(name);
    memory.storeWord(holes[3]!, holes[2]!);
    expect(faultOf(() => heap.malloc(800))).toBe(undefined);
    expect(faultOf(() => heap.malloc(200))).toBe('endless-loop');
  });
});

it('finds a rover that leads to no hole', () => {
  const { heap, memory, statics } = device('next_fit');
  const block = heap.malloc(20);
  memory.storeWord(statics + 12, block);
  expect(() => heap.check()).toThrow(/rover/);
});
