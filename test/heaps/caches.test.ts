/** What every heap with caches promises of them: objects, arrays, and what becomes of both when one is destroyed. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../src/heaps/catalog.js';
import { type HeapOptions, optionValues } from '../../src/heaps/definition.js';
import { type Heap, NULL } from '../../src/heaps/heap.js';
import { freeObjects } from '../../src/heaps/library.js';
import type { Memory } from '../../src/mcu/memory.js';
import { device, faultOf, handleDevice, ORIGIN, piecesOf } from './device.js';

const slab = catalog.find(({ name }) => name === 'slab')!;
/** Slab over each heap that it can rest on, too. */
const KINDS: [name: string, heap: string, options: HeapOptions][] = [
  ['mempool', 'mempool', { caches: 3 }],
  ['mempool with metadata outside', 'mempool', { caches: 3, metadata: 'outside', segmentBytes: 8192 }],
  ...(optionValues(slab, 'inner') as string[]).map((inner): (typeof KINDS)[number] => [
    `slab over ${inner}`,
    'slab',
    { inner, caches: 3 },
  ]),
];
const BYTES = 8192;

function heapOf(name: string, options: HeapOptions) {
  return device(name, { bytes: BYTES, options });
}

function holeBytes(heap: Heap): number {
  return piecesOf(heap).reduce((sum, { kind, bytes }) => sum + (kind === 'hole' ? bytes : 0), 0);
}

/** Pages of caches, by what the heap says of them. */
function cachesOf(heap: Heap) {
  return heap.classes!().filter(({ cache }) => cache !== undefined);
}

it('heaps have all calls about caches or none, and arrays only with caches', () => {
  for (const { name } of catalog) {
    const { handles } = handleDevice(name, { bytes: BYTES });
    const { createCache, destroyCache, allocateFrom, allocateArrayFrom, freeArray } = handles;
    const given = [createCache, destroyCache, allocateFrom].filter((call) => call !== undefined).length;
    expect([0, 3], name).toContain(given);
    expect(allocateArrayFrom === undefined, name).toBe(freeArray === undefined);
    if (allocateArrayFrom !== undefined) expect(given, name).toBe(3);
  }
});

it('objects of a cache of mempool that has been destroyed are no blocks any more', () => {
  const { heap } = heapOf('mempool', {});
  const cache = heap.createCache!(40);
  const object = heap.mallocFrom!(cache);
  heap.destroyCache!(cache);
  expect(faultOf(() => heap.free(object))).toBe('assertion');
});

describe.each(KINDS)('a cache that is destroyed, of %s', (_title, name, options) => {
  const givesBack = options.inner !== 'heap_1';

  it('gives its pages back, empty or not, and its place to another', () => {
    const { heap } = heapOf(name, options);
    const before = holeBytes(heap);
    const caches = [40, 40, 100].map((bytes) => heap.createCache!(bytes));
    expect(faultOf(() => heap.createCache!(8))).toBe('assertion');
    const objects = Array.from({ length: 20 }, () => heap.mallocFrom!(caches[0]!));
    expect(objects).not.toContain(NULL);
    const other = heap.mallocFrom!(caches[1]!);
    for (const object of objects.slice(0, 12)) heap.free(object);
    heap.destroyCache!(caches[0]!);
    heap.check();
    if (givesBack) {
      expect(cachesOf(heap).map(({ cache }) => cache)).toEqual(caches.slice(1));
      expect(faultOf(() => heap.mallocFrom!(caches[0]!))).toBe('assertion');
      expect(heap.createCache!(24)).toBe(caches[0]);
      expect(heap.mallocFrom!(caches[0]!)).not.toBe(NULL);
    } else {
      expect(cachesOf(heap)[0]).toMatchObject({ liveObjects: 0 });
    }
    heap.free(other);
    for (const cache of caches) heap.destroyCache!(cache);
    heap.check();
    if (givesBack) expect(holeBytes(heap)).toBe(before);
  });

  it('leaves what malloc served in its place', () => {
    const { heap } = heapOf(name, options);
    const cache = heap.createCache!(1500);
    const object = heap.mallocFrom!(cache);
    expect(object).not.toBe(NULL);
    heap.destroyCache!(cache);
    expect(piecesOf(heap).some(({ payload }) => payload === object)).toBe(true);
    if (options.inner !== 'heap_1') heap.free(object);
    heap.check();
  });

  it('keeps every promise among others', () => {
    const aCall = fc.oneof(
      { weight: 4, arbitrary: fc.record({ from: fc.nat(2), count: fc.constantFrom(1, 1, 1, 2, 5, 33) }) },
      { weight: 2, arbitrary: fc.record({ bytes: fc.nat(300) }) },
      { weight: 3, arbitrary: fc.record({ pick: fc.nat(1000) }) },
      { weight: 1, arbitrary: fc.record({ destroy: fc.nat(2) }) },
    );
    fc.assert(
      fc.property(fc.array(aCall, { maxLength: 60 }), (calls) => {
        const model = new CacheModel(name, options);
        for (const call of calls) {
          if ('from' in call) model.allocateFrom(call.from, call.count);
          else if ('bytes' in call) model.allocate(call.bytes);
          else if ('pick' in call) model.free(call.pick);
          else model.destroy(call.destroy);
          model.verify();
        }
        model.freeAll();
      }),
      { seed: 20_240_613, numRuns: 40 },
    );
  });
});

interface Live {
  readonly address: number;
  readonly bytes: number;
  readonly objects: number;
  readonly seed: number;
  /** Slot of the cache that it is from, or undefined. */
  readonly from: number | undefined;
}

const SIZES = [12, 40, 200] as const;

/** Three caches and what lives; contents tell whether anything is given out twice. */
class CacheModel {
  private readonly handles;
  private readonly memory: Memory;
  private readonly caches: (number | undefined)[] = [undefined, undefined, undefined];
  private live: Live[] = [];
  private seed = 0;

  constructor(
    name: string,
    private readonly options: HeapOptions,
  ) {
    const { handles, memory } = handleDevice(name, { bytes: BYTES, options });
    this.handles = handles;
    this.memory = memory;
  }

  allocate(bytes: number): void {
    if (bytes > 0) this.hold(this.handles.allocate(bytes), bytes, 1, undefined);
  }

  allocateFrom(slot: number, count: number): void {
    const { handles } = this;
    const bytes = count * SIZES[slot]!;
    // What it rests on keeps the cache's place for ever.
    if (this.caches[slot] === undefined && !this.mayCreate()) return;
    this.caches[slot] ??= handles.createCache!(SIZES[slot]!);
    const cache = this.caches[slot]!;
    const handle =
      count === 1
        ? handles.allocateFrom!(cache)
        : (handles.allocateArrayFrom?.(cache, count) ?? handles.allocate(bytes));
    this.hold(handle, bytes, count, slot);
  }

  private created = 0;

  private mayCreate(): boolean {
    this.created++;
    return this.options.inner !== 'heap_1' || this.created <= 3;
  }

  private hold(address: number, bytes: number, objects: number, from: number | undefined): void {
    if (address === NULL) return;
    const seed = ++this.seed % 256;
    this.memory.fill(address, bytes, seed);
    this.live.push({ address, bytes, objects, seed, from });
  }

  free(pick: number): void {
    const block = this.live[pick % this.live.length];
    if (block === undefined || this.neverFrees(block)) return;
    this.live.splice(this.live.indexOf(block), 1);
    freeObjects(this.handles, block.address, block.objects);
  }

  /** What heap_1 gave it keeps, and slab's own objects do not come from it one by one. */
  private neverFrees({ bytes, objects }: Live): boolean {
    return this.options.inner === 'heap_1' && (bytes > 128 || objects > 1);
  }

  destroy(slot: number): void {
    const cache = this.caches[slot];
    if (cache === undefined) return;
    this.handles.destroyCache!(cache);
    this.caches[slot] = undefined;
    const payloads = this.payloads();
    this.live = this.live.filter(({ from, address }) => from !== slot || payloads.has(address));
  }

  private payloads(): Set<number> {
    return new Set(piecesOf(this.handles.heap).map(({ payload }) => payload));
  }

  verify(): void {
    const { heap } = this.handles;
    heap.check();
    const pieces = piecesOf(heap);
    const payloads = this.payloads();
    for (const { address, bytes, seed } of this.live) {
      expect(payloads.has(address)).toBe(true);
      expect(this.memory.image(address, bytes).every((byte) => byte === seed)).toBe(true);
    }
    const used = pieces.filter(({ kind }) => kind === 'used').length;
    expect(used).toBeGreaterThanOrEqual(this.live.length);
  }

  freeAll(): void {
    for (let slot = 0; slot < 3; slot++) this.destroy(slot);
    while (this.live.some((block) => !this.neverFrees(block))) {
      this.free(this.live.findIndex((block) => !this.neverFrees(block)));
    }
    this.verify();
    if (this.live.length > 0) return;
    const used = piecesOf(this.handles.heap).filter(({ kind }) => kind === 'used');
    expect(used.map(({ address }) => address - ORIGIN)).toEqual([]);
  }
}
