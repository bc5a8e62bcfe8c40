import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { catalog, findHeap } from '../../../src/heaps/catalog.js';
import { classSizes, slabShape } from '../../../src/heaps/classic/slab-shape.js';
import { type Caches, Corruption, NULL } from '../../../src/heaps/heap.js';
import { type Device, device, faultOf, listed, ORIGIN, piecesOf, type Setup } from '../device.js';
import { anyCalls, anyPlace, Model } from '../model.js';

const definition = findHeap('slab')!;
const INNERS = catalog.filter((heap) => heap !== definition && heap.neverFrees !== true);
const runs = { seed: 20_240_531, numRuns: 60 };

interface SlabDevice extends Device {
  readonly caches: Caches;
}

function slabs(options = {}, setup: Setup = {}): SlabDevice {
  const made = device('slab', { bytes: 8192, ...setup, options });
  return { ...made, caches: made.heap.caches! };
}

const blocksOf = ({ heap }: Device, count: number, bytes: number) =>
  Array.from({ length: count }, () => heap.malloc(bytes));

describe.each(INNERS.map((heap) => heap.name))('slab over %s', (inner) => {
  it('keeps every promise of a heap', () => {
    const options = fc.record({
      inner: fc.constant(inner),
      slabBytes: fc.constantFrom(256, 512, 1024),
      largestClass: fc.constantFrom(64, 128, 1024),
    });
    fc.assert(
      fc.property(anyPlace(definition), options, anyCalls, (place, chosen, calls) => {
        new Model(definition, { ...place, options: v.parse(definition.options, chosen) })
          .run(calls)
          .freeAll();
      }),
      runs,
    );
  });

  it('gives empty slabs back when a large request needs the room', () => {
    const made = slabs({ inner });
    const small = blocksOf(made, 300, 16);
    expect(small.includes(NULL)).toBe(false);
    expect(made.heap.malloc(4000)).toBe(NULL);
    for (const block of small) made.heap.free(block);
    // An inner heap that never merges gives it back in pieces.
    const merges = inner !== 'heap_2';
    expect(made.heap.malloc(merges ? 4000 : 500)).not.toBe(NULL);
    made.heap.check();
  });
});

describe('the shape of slabs', () => {
  it('has classes of powers of two and the middles between them', () => {
    expect(classSizes(128, 8)).toEqual([8, 16, 24, 32, 48, 64, 96, 128]);
    expect(classSizes(256, 16)).toEqual([16, 32, 48, 64, 96, 128, 192, 256]);
    expect(classSizes(64, 4)).toEqual(classSizes(64, 8));
  });

  it.each([
    [8, 512, 61],
    [64, 512, 7],
    [96, 512, 5],
    [128, 1024, 7],
    [192, 1024, 5],
    [256, 2048, 7],
    [1000, 1024, 1],
    [1024, 4096, 3],
    [3000, 4096, 1],
    [5000, 5024, 1],
  ])('puts objects of %i bytes into slabs of %i: %i of them', (bytes, slabBytes, objects) => {
    expect(slabShape(bytes, 512, 8)).toEqual({ slabBytes, objects });
  });

  it('loses no more than an eighth where the objects are small beside the slab', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.constantFrom(512, 1024, 2048), (eights, least) => {
        const { slabBytes, objects } = slabShape(8 * eights, least, 8);
        expect(objects * 8 * eights).toBeGreaterThanOrEqual((7 / 8) * slabBytes);
      }),
    );
  });
});

describe('slab', () => {
  it.each([
    [1, 8],
    [24, 24],
    [25, 32],
    [97, 128],
    [128, 128],
    [129, 256],
    [2 ** 32 - 1, 2 ** 32],
  ])('serves a request of %i bytes with a block of %i', (bytes, blockBytes) => {
    expect(slabs().heap.blockBytesFor(bytes)).toBe(blockBytes);
  });

  it('takes objects of a slab from the lowest on, without a header', () => {
    const [first, ...others] = blocksOf(slabs(), 7, 60);
    expect(others.map((block) => block - first!)).toEqual([64, 128, 192, 256, 320, 384]);
  });

  it('prefers a partial slab to an empty one, and an empty one to a new one', () => {
    const made = slabs();
    const [a, b, c] = [0, 1, 2].map(() => blocksOf(made, 7, 64)) as [number[], number[], number[]];
    const inner = made.heap.freeBytes();
    for (const block of b) made.heap.free(block);
    made.heap.free(c[3]!);
    expect(made.heap.malloc(64)).toBe(c[3]);
    expect(made.heap.malloc(64)).toBe(b[0]);
    expect(made.heap.freeBytes()).toBe(inner + 6 * 64);
    for (const block of b.slice(1)) expect(made.heap.malloc(64)).toBe(block);
    expect(a.includes(made.heap.malloc(64))).toBe(false);
    expect(made.heap.lastCall.path & 1).toBe(1);
  });

  it('gives nothing back unless there is need', () => {
    const made = slabs();
    for (const block of blocksOf(made, 6, 96)) made.heap.free(block);
    expect(listed(made, 'hole').filter((hole) => hole.endsWith(':96'))).toHaveLength(10);
  });

  it('gives the empty slabs of one class back to serve another', () => {
    const made = slabs();
    const small: number[] = [];
    for (let block = made.heap.malloc(8); block !== NULL; block = made.heap.malloc(8)) small.push(block);
    expect(made.heap.malloc(100)).toBe(NULL);
    for (const block of small) made.heap.free(block);
    expect(made.heap.malloc(100)).not.toBe(NULL);
    expect(made.heap.lastCall.path).toBe(1 + 2 + 8);
    made.heap.check();
  });

  it('never gives an object of another class, and says where the room is', () => {
    const made = slabs();
    const small: number[] = [];
    for (let block = made.heap.malloc(8); block !== NULL; block = made.heap.malloc(8)) small.push(block);
    for (const block of small.filter((_, index) => index % 2 === 0)) made.heap.free(block);
    expect(made.heap.malloc(24)).toBe(NULL);
    const classes = made.heap.sizeClasses!();
    const wanted = classes.find(({ id }) => id === made.heap.classFor!(24));
    expect(wanted).toMatchObject({ blockBytes: 24, freeBlocks: 0, refillBytes: 512 });
    expect(classes.find(({ blockBytes }) => blockBytes === 8)!.freeBlocks).toBe(Math.ceil(small.length / 2));
    expect(made.heap.classFor!(129)).toBe(undefined);
  });

  it('sends what is larger than the classes to the inner heap', () => {
    const made = slabs();
    const block = made.heap.malloc(129);
    expect(made.heap.lastCall.path).toBe(4 + 8);
    expect(piecesOf(made.heap).find(({ payload }) => payload === block)!.bytes).toBe(256);
    made.heap.free(block);
    expect(made.heap.lastCall.path).toBe(0);
  });

  it.each([
    ['in front of the first object', -8],
    ['behind the last one', 7 * 64],
    ['at the start of the slab', -24],
  ])('refuses a pointer into a slab %s', (_where, offset) => {
    const made = slabs();
    const block = made.heap.malloc(64);
    expect(faultOf(() => made.heap.free(block + offset))).toBe('assertion');
    made.heap.check();
  });

  it('finds the slab of an object in a slab that is longer than the pieces of the table', () => {
    const made = slabs({ largestClass: 256 });
    const blocks = blocksOf(made, 14, 256);
    for (const block of blocks) made.heap.free(block);
    made.heap.check();
    expect(listed(made, 'used')).toEqual([]);
  });
});

describe('caches of slab', () => {
  it('keep what is in an object from its free to the next allocation', () => {
    const { heap, memory, caches } = slabs();
    const cache = caches.create(40);
    const objects = [0, 1, 2].map(() => caches.allocate(cache));
    for (const object of objects) memory.fill(object, 40, object & 0xff);
    for (const object of objects) heap.free(object);
    for (let count = 0; count < 5; count++) heap.malloc(40);
    const again = [0, 1, 2].map(() => caches.allocate(cache));
    expect(again).toEqual(objects);
    for (const object of again) expect(new Set(memory.image(object, 40))).toEqual(new Set([object & 0xff]));
  });

  it('share no slab with a class of the same size', () => {
    const { heap, caches } = slabs();
    const cache = caches.create(64);
    const [own, general] = [caches.allocate(cache), heap.malloc(64)];
    expect(Math.abs(own - general)).toBeGreaterThanOrEqual(512);
    heap.check();
  });

  it('have a descriptor in the arena that is nobody’s block', () => {
    const made = slabs();
    const cache = made.caches.create(100);
    expect(listed(made, 'used')).toEqual([]);
    expect(listed(made, 'bookkeeping')).toContain(`${cache - ORIGIN}:32`);
    expect(made.heap.sizeClasses!()[0]).toMatchObject({ id: cache, blockBytes: 104, freeBlocks: 0 });
    made.heap.check();
  });

  it('are refused where there is no room for the descriptor, and for objects of no size', () => {
    const made = slabs();
    expect(made.caches.create(0)).toBe(NULL);
    while (made.heap.malloc(28) !== NULL);
    expect(made.caches.create(16)).toBe(NULL);
  });

  it('of objects that no slab could hold give none', () => {
    const { heap, caches } = slabs();
    const cache = caches.create(2 ** 31);
    expect(caches.allocate(cache)).toBe(NULL);
    heap.check();
  });
});

describe('slab after an overrun', () => {
  const anyMask = fc.oneof(
    fc.nat(31).map((bit) => 2 ** bit),
    fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  );
  const anyBlocks = fc.array(
    fc.record({ bytes: fc.constantFrom(8, 16, 60, 128, 300), freed: fc.boolean() }),
    { minLength: 4, maxLength: 60, size: 'max' },
  );

  it('is found broken whichever word of statics, descriptors, table and slab headers changed', () => {
    fc.assert(
      fc.property(anyBlocks, fc.nat(100_000), anyMask, (blocks, pick, mask) => {
        const { heap, memory, statics, caches } = slabs();
        const cache = caches.create(40);
        caches.allocate(cache);
        const addresses = blocks.map(({ bytes }) => heap.malloc(bytes));
        addresses.forEach((address, index) => {
          if (blocks[index]!.freed) heap.free(address);
        });
        const words = Array.from({ length: (12 + 8 * 28) / 4 }, (_, index) => statics + 4 * index);
        for (let piece = 0; piece < 8192 / 512; piece++) words.push(ORIGIN + 4 * piece);
        for (let field = 1; field < 7; field++) words.push(cache + 4 * field);
        for (const { kind, address, bytes } of piecesOf(heap)) {
          const isHeader = kind === 'bookkeeping' && address > ORIGIN && bytes < 100 && address !== cache;
          // Its tail says nothing; its header, of 20 or 24 bytes, has no padding in the first 20.
          if (isHeader && memory.loadWord(ORIGIN + 4 * Math.floor((address - ORIGIN - 64) / 512)) === address)
            for (let field = 0; field < 5; field++) words.push(address + 4 * field);
        }
        const word = words[pick % words.length]!;
        const before = memory.loadWord(word);
        memory.storeWord(word, before ^ mask);
        expect(() => heap.check()).toThrow(Corruption);
        memory.storeWord(word, before);
        heap.check();
      }),
      { seed: 20_240_531, numRuns: 1000 },
    );
  });
});
