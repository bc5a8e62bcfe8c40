/** The slab heap over each heap that it can have its slabs from, and heap_3 around each. */

import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { catalog, findHeap } from '../../../src/heaps/catalog.js';
import { slabFrom } from '../../../src/heaps/classic/slab.js';
import {
  defineHeap,
  type HeapDefinition,
  type HeapOptions,
  optionValues,
  traitsOf,
} from '../../../src/heaps/definition.js';
import { AN_INTERRUPT, type Heap, NULL, type Surroundings } from '../../../src/heaps/heap.js';
import { mempool } from '../../../src/heaps/mempool/mempool.js';
import { mimalloc } from '../../../src/heaps/mimalloc/mimalloc.js';
import type { Region } from '../../../src/mcu/memory.js';
import { replayMachine } from '../../../src/traces/replay-machine.js';
import { anyCalls } from '../calls.js';
import { device, faultOf, imageOf, ORIGIN, piecesOf } from '../device.js';
import { anyPlace, Model } from '../model.js';

const slab = findHeap('slab')!;
const INNER = optionValues(slab, 'inner') as string[];
const FREEING = INNER.filter((name) => name !== 'heap_1');

function over(inner: string, options: HeapOptions = {}, bytes = 8192) {
  return device('slab', { bytes, options: { inner, ...options } });
}

/** Over a definition that need not be the catalog's. */
function heapOver(
  inner: HeapDefinition,
  bytes: number,
  options: HeapOptions,
  surroundings?: Surroundings,
): Heap {
  const definition = slabFrom([inner]);
  const region = { name: 'heap', origin: ORIGIN, bytes };
  return replayMachine(definition, v.parse(definition.options, options), [region], 8, surroundings).heap;
}

function objectsOf(heap: Heap, objectBytes: number) {
  return heap.classes!().find((one) => one.objectBytes === objectBytes && one.of === undefined)!;
}

describe('what slabs come from', () => {
  it('is every heap that does not move its blocks', () => {
    const still = catalog.filter((heap) => heap.createHandles === undefined && heap !== slab);
    expect(new Set(INNER)).toEqual(new Set(still.map(({ name }) => name)));
  });

  it.each(['slab', 'heap_3'])(
    'is said of every heap for "inner" of %s: that it can be, or why it cannot',
    (name) => {
      const heap = findHeap(name)!;
      for (const { name: inner } of catalog) {
        const parsed = v.safeParse(heap.options, { inner });
        if (parsed.success) continue;
        expect(parsed.issues[0]!.message).toMatch(new RegExp(`^one of .*, tlsf.*; not ${inner}: \\w`));
      }
    },
  );

  it('may be a heap_3, which may be put around a slab, and neither asks itself for memory', () => {
    for (const [outer, inner] of [
      ['slab', 'heap_3'],
      ['heap_3', 'slab'],
    ] as const) {
      const { heap } = device(outer, { options: { inner } });
      const blocks = [20, 200, 60].map((bytes) => heap.malloc(bytes));
      expect(blocks).not.toContain(NULL);
      for (const block of blocks) heap.free(block);
      heap.check();
    }
  });
});

describe.each(INNER)('slab over %s', (inner) => {
  const variants = [256, 300, 512, 1000].map((slabBytes) => v.parse(slab.options, { inner, slabBytes }));

  it('keeps every promise of a heap after every call', () => {
    fc.assert(
      fc.property(anyPlace(slab, variants), anyCalls(slab), (place, calls) => {
        new Model(slab, place).run(calls).freeAll();
      }),
      { seed: 5, numRuns: 80 },
    );
  });

  it('has its objects in slabs, and what is larger beside them', () => {
    const { heap } = over(inner);
    const small = Array.from({ length: 40 }, () => heap.malloc(20));
    expect(small).not.toContain(NULL);
    expect(objectsOf(heap, 32)).toMatchObject({ liveObjects: 40, pages: 3 });
    const large = heap.malloc(300);
    expect(piecesOf(heap).find(({ payload }) => payload === large)!.bytes).toBeGreaterThanOrEqual(300);
    expect(objectsOf(heap, 32).pages).toBe(3);
  });

  it('refuses what is no live object of a slab, and changes nothing', () => {
    const { heap, memory } = over(inner);
    const objects = [40, 40].map((bytes) => heap.malloc(bytes));
    for (const object of objects) memory.fill(object, 40, 0xee);
    heap.free(objects[1]!);
    const before = imageOf(memory);
    for (const address of [objects[1]!, objects[0]! + 8, objects[0]! + 2 * 64, objects[0]! - 8]) {
      expect(faultOf(() => heap.free(address))).toBe('assertion');
    }
    expect(imageOf(memory) === before).toBe(true);
    heap.check();
  });

  it('shows slabs as pages, whole, though they lie in pages of the inner heap', () => {
    const { heap } = over(inner, { slabBytes: 300 });
    for (let count = 0; count < 20; count++) heap.malloc(100);
    let end = 0;
    let pages = 0;
    heap.walkPages!((page, bytes) => {
      expect(page).toBeGreaterThanOrEqual(end);
      end = page + bytes;
      pages++;
    });
    expect(pages).toBeGreaterThan(0);
    expect(objectsOf(heap, 128).pages).toBe(10);
  });

  it('lets no interrupt free: the lists of slabs have no locks', () => {
    expect(over(inner).heap.interruptsMayFree).not.toBe(true);
  });
});

describe.each(FREEING)('under pressure slab over %s', (inner) => {
  it('gives back what is empty, and has room for others', () => {
    const { heap } = over(inner);
    const fill = (bytes: number) => {
      const blocks: number[] = [];
      for (let block = heap.malloc(bytes); block !== NULL; block = heap.malloc(bytes)) blocks.push(block);
      return blocks;
    };
    const objects = fill(128);
    expect(objects.length).toBeGreaterThan(15);
    for (const object of objects) heap.free(object);
    expect(objectsOf(heap, 128).pages).toBeGreaterThan(4);
    expect(fill(16).length).toBeGreaterThan(100);
    expect(objectsOf(heap, 128).pages).toBe(0);
    heap.check();
  });
});

describe('slab over heap_1', () => {
  it('keeps its slabs for ever, and one class never helps another', () => {
    const { heap } = over('heap_1', {}, 4096);
    const objects: number[] = [];
    for (let object = heap.malloc(128); object !== NULL; object = heap.malloc(128)) objects.push(object);
    for (const object of objects) heap.free(object);
    expect(objectsOf(heap, 128)).toMatchObject({ pages: 7, freeObjects: 21 });
    expect(heap.malloc(16)).toBe(NULL);
    expect(objectsOf(heap, 128).pages).toBe(7);
    expect(objects.map(() => heap.malloc(100)).every((object) => objects.includes(object))).toBe(true);
    heap.check();
  });

  it('takes nothing back that is too large for its classes', () => {
    const { heap } = over('heap_1');
    const block = heap.malloc(200);
    expect(faultOf(() => heap.free(block))).toBe('assertion');
    heap.check();
  });
});

describe('slab over heap_5', () => {
  const options = v.parse(slab.options, { inner: 'heap_5' });
  const regions: Region[] = [
    { name: 'A', origin: 0x1000_0000, bytes: 2000 },
    { name: 'tiny', origin: 0x1800_0000, bytes: 200 },
    { name: 'B', origin: 0x2000_0000, bytes: 3000 },
    { name: 'C', origin: 0x2000_0000 + 3000, bytes: 1024 },
  ];
  const machine = () => replayMachine(slab, options, regions, 8);

  it('has slabs in every region that one fits in, and each has its own directory', () => {
    const { heap } = machine();
    const objects: number[] = [];
    for (let object = heap.malloc(128); object !== NULL; object = heap.malloc(128)) objects.push(object);
    const slabsIn = ({ origin, bytes }: Region) => {
      let slabs = 0;
      heap.walkPages!((page) => {
        if (page >= origin && page < origin + bytes) slabs++;
      });
      return slabs;
    };
    expect(regions.map(slabsIn)).toEqual([3, 0, 5, 1]);
    heap.check();
    for (const object of objects) heap.free(object);
    heap.check();
  });

  it('tiles all of them', () => {
    const { heap } = machine();
    for (const bytes of [20, 150, 128, 60, 1500, 900]) expect(heap.malloc(bytes)).not.toBe(NULL);
    const pieces = piecesOf(heap);
    for (const { origin, bytes } of regions) {
      let at = origin;
      for (const piece of pieces.filter(({ address }) => address >= origin && address < origin + bytes)) {
        expect(piece.address).toBe(at);
        at += piece.bytes;
      }
      expect(at).toBe(origin + bytes);
    }
  });

  it('manages as many regions as its inner heap', () => {
    expect(traitsOf(slab, options).regions).toBe('several');
    expect(traitsOf(slab, v.parse(slab.options, {})).regions).toBe('one');
  });
});

describe('what the inner heap wants of the firmware', () => {
  /** A task's number, or AN_INTERRUPT. */
  let caller = 0;
  const surroundings = { ticks: () => 0, caller: () => caller };

  it('is a heartbeat, in which the firmware may free what lies in slabs, while one is asked for', () => {
    const heap = heapOver(mimalloc, 8192, {}, surroundings);
    const objects: number[] = [];
    for (let object = heap.malloc(128); object !== NULL; object = heap.malloc(128)) objects.push(object);
    let beats = 0;
    heap.deferral!.client = (force) => {
      beats++;
      if (force) for (const object of objects.splice(0)) heap.free(object);
    };
    const object = heap.malloc(16);
    expect(object).not.toBe(NULL);
    expect(beats).toBeGreaterThan(1);
    // What the client did is not the request's work.
    expect(heap.lastCall.path & 8).toBe(8);
    expect(objectsOf(heap, 16).asked).toBe(true);
    heap.check();
  });

  it('is who deletes a task, and the idle task', () => {
    const heap = heapOver(mimalloc, 8192, {}, surroundings);
    caller = 1;
    const object = heap.malloc(20);
    caller = 0;
    expect(heap.idleWork!.due()).toBe(false);
    heap.taskDeleted!(1);
    expect(heap.idleWork!.due()).toBe(true);
    while (heap.idleWork!.due()) heap.idleWork!.run();
    heap.free(object);
    heap.check();
  });

  it('is a hook before a request fails, which may free and even allocate', () => {
    const asking = defineHeap({
      ...mempool,
      options: v.object({
        ...(mempool.options as unknown as { entries: v.ObjectEntries }).entries,
        atExhaustion: v.optional(v.string(), 'hook'),
      }) as never,
    });
    const heap = heapOver(asking, 4096, {});
    const objects: number[] = [];
    for (let object = heap.malloc(128); object !== NULL; object = heap.malloc(128)) objects.push(object);
    const others: number[] = [];
    heap.exhaustion!.client = () => {
      for (const object of objects.splice(0)) heap.free(object);
      others.push(heap.malloc(128));
    };
    expect(heap.malloc(64)).not.toBe(NULL);
    expect(others).toHaveLength(1);
    expect(others).not.toContain(NULL);
    expect(objectsOf(heap, 64)).toMatchObject({ asked: true, liveObjects: 1 });
    heap.check();
  });

  it('is nothing where there is nothing', () => {
    for (const name of ['buddy', 'heap_4', 'heap_3']) {
      const { deferral, exhaustion, idleWork, taskDeleted } = over(name).heap;
      expect([deferral, exhaustion, idleWork, taskDeleted]).toEqual(Array(4).fill(undefined));
    }
  });

  it('is who calls', () => {
    const heap = heapOver(mimalloc, 8192, {}, surroundings);
    const block = heap.malloc(200);
    caller = AN_INTERRUPT;
    expect(faultOf(() => heap.malloc(200))).toBe('assertion');
    caller = 0;
    heap.free(block);
    heap.check();
  });
});

describe('classes of slab and of the heap under it', () => {
  it('are told apart, and asked one at a time', () => {
    const { heap } = over('mimalloc');
    const asked = () => heap.classes!().filter((one) => one.asked);
    heap.malloc(40);
    expect(asked()).toMatchObject([{ objectBytes: 64, pageWord: 'slab' }]);
    expect(asked()[0]).not.toHaveProperty('of');
    heap.malloc(129);
    expect(heap.classes!().filter(({ of }) => of === 'mimalloc').length).toBeGreaterThan(10);
    expect(asked()).toEqual([]);
  });

  it('count a slab in a page of the inner heap as a block of its', () => {
    const { heap } = over('mimalloc', { slabBytes: 256 }, 1024 * 1024);
    heap.malloc(129);
    const inner = () =>
      heap.classes!().find(({ of, objectBytes }) => of !== undefined && objectBytes === 256)!;
    expect(inner().liveObjects).toBe(0);
    heap.malloc(20);
    expect(inner().liveObjects).toBe(1);
    const pages: number[] = [];
    heap.walkPages!((page) => pages.push(page));
    // That of the block of 129 bytes, and that which the slab lies in.
    expect(pages).toHaveLength(2);
  });
});

describe.each(optionValues(findHeap('heap_3')!, 'inner') as string[])('heap_3 around %s', (inner) => {
  it('answers as that heap, without what cannot be called through it', () => {
    const [outer, alone] = [device('heap_3', { options: { inner } }), device(inner)].map(
      ({ heap, memory }) => {
        const answers = [100, 20, 700, 60].map((bytes) => heap.malloc(bytes));
        heap.free(answers[1]!);
        heap.free(NULL);
        answers.push(
          heap.malloc(40),
          heap.freeBytes(),
          heap.gridOrigin ?? -1,
          heap.largestBlockBytes?.() ?? -1,
        );
        const words = heap.wordAt?.(answers[0]! + 100, answers[0]!);
        return { answers, pieces: piecesOf(heap), classes: heap.classes?.(), words, image: imageOf(memory) };
      },
    );
    expect(outer!.image === alone!.image).toBe(true);
    expect({ ...outer, image: '' }).toEqual({ ...alone, image: '' });
    const { heap } = device('heap_3', { options: { inner } });
    const given = device(inner).heap;
    expect([heap.createCache, heap.resize, heap.interruptsMayFree]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(heap.deferral === undefined).toBe(given.deferral === undefined);
    expect(heap.idleWork === undefined).toBe(given.idleWork === undefined);
    expect(heap.exhaustion === undefined).toBe(given.exhaustion === undefined);
    expect(heap.taskDeleted === undefined).toBe(given.taskDeleted === undefined);
    const findTraits = (name: string, options: HeapOptions) =>
      traitsOf(findHeap(name)!, v.parse(findHeap(name)!.options, options));
    expect(findTraits('heap_3', { inner })).toEqual(findTraits(inner, {}));
  });
});
