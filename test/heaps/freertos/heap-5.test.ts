/** What is heap_5's own: regions, their markers, and what it makes of tables that make no sense. */

import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { addressOrderedOptions } from '../../../src/heaps/freertos/address-ordered.js';
import { Heap5 } from '../../../src/heaps/freertos/heap-5.js';
import { Corruption, NULL } from '../../../src/heaps/heap.js';
import { Memory, type Region } from '../../../src/mcu/index.js';
import { faultOf, piecesOf } from '../device.js';

const ALLOCATED = 0x8000_0000;
const ORIGIN = 0x2000_0000;
const STATICS = ORIGIN;
const FIRST = ORIGIN + 0x100;

/** `offset:bytes` of each region, from FIRST on, in RAM that goes on around them. */
function raw(
  regions: readonly (readonly [offset: number, bytes: number])[],
  given: object = {},
  alignment = 8,
) {
  const memory = new Memory([{ name: 'RAM', origin: ORIGIN, bytes: 0x4000 }]);
  const table: Region[] = regions.map(([offset, bytes], index) => ({
    name: `region ${index}`,
    origin: FIRST + offset,
    bytes,
  }));
  const options = v.parse(addressOrderedOptions, given);
  const heap = new Heap5(memory, { statics: STATICS, regions: table, alignment }, options);
  return { heap, memory, table };
}

function defined(...args: Parameters<typeof raw>) {
  const made = raw(...args);
  made.heap.defineRegions(made.table);
  return made;
}

const THREE = [
  [0, 64],
  [0x100, 128],
  [0x400, 256],
] as const;

function holes({ heap }: { heap: Heap5 }): string[] {
  return piecesOf(heap)
    .filter(({ kind }) => kind === 'hole')
    .map(({ address, bytes }) => `${address - FIRST}:${bytes}`);
}

/** Offsets of what the list leads through, markers included. */
function list({ heap, memory }: { heap: Heap5; memory: Memory }): number[] {
  const nodes: number[] = [];
  let node = memory.loadWord(STATICS);
  for (; node !== NULL && nodes.length < 20; node = memory.loadWord(node)) nodes.push(node - FIRST);
  heap.check();
  return nodes;
}

describe('vPortDefineHeapRegions', () => {
  it('lays out a hole and a marker per region, the last marker being the end', () => {
    const made = defined(THREE);
    expect(holes(made)).toEqual(['0:56', '256:120', '1024:248']);
    expect(list(made)).toEqual([0, 56, 256, 376, 1024, 1272]);
    expect(made.heap.freeBytes()).toBe(56 + 120 + 248);
    expect(made.heap.minimumEverFreeBytes()).toBe(56 + 120 + 248);
  });

  it('takes the loss of alignment off the size at either end', () => {
    expect(holes(defined([[4, 96]]))).toEqual(['8:80']);
    expect(holes(defined([[0, 95]]))).toEqual(['0:80']);
    expect(holes(defined([[4, 96]], {}, 16))).toEqual(['16:64']);
  });

  it('ends at the first entry of 0 bytes, whatever its address and whatever follows', () => {
    const { heap, table } = raw([[0, 64]]);
    const end = { name: 'end', origin: 0x1234_5678, bytes: 0 };
    const ignored = { name: 'ignored', origin: FIRST + 0x200, bytes: 64 };
    heap.defineRegions([...table, end, ignored]);
    expect(heap.freeBytes()).toBe(56);
    heap.check();
  });

  it('asserts that there is a region', () => {
    expect(faultOf(() => raw(THREE).heap.defineRegions([]))).toBe('assertion');
  });

  it('asserts that regions ascend; without asserts the list is out of order', () => {
    const table = (given: object) => {
      const made = raw(THREE, given);
      const turned = made.table.toReversed();
      return { ...made, define: () => made.heap.defineRegions(turned) };
    };
    expect(faultOf(table({}).define)).toBe('assertion');
    const silent = table({ asserts: false });
    silent.define();
    expect(() => silent.heap.check()).toThrow(Corruption);
  });

  it('asserts that it is called once; without asserts what was free before is lost', () => {
    expect(faultOf(() => defined(THREE).heap.defineRegions([]))).toBe('assertion');
    const made = defined(THREE, { asserts: false });
    const block = made.heap.malloc(16);
    const further = [{ name: 'further', origin: FIRST + 0x800, bytes: 64 }];
    made.heap.defineRegions(further);
    expect(made.heap.freeBytes()).toBe(56);
    expect(made.heap.malloc(40)).toBe(FIRST + 0x800 + 8);
    made.heap.free(block);
    expect(made.heap.malloc(16)).toBe(block);
  });

  it.each([
    [true, 'assertion'],
    [false, undefined],
  ])('a malloc before it, asserts %s: %s', (asserts, fault) => {
    const { heap } = raw(THREE, { asserts });
    expect(heap.freeBytes()).toBe(0);
    let address: number | undefined;
    expect(faultOf(() => (address = heap.malloc(8)))).toBe(fault);
    expect(address).toBe(asserts ? undefined : NULL);
  });
});

describe('regions of heap_5', () => {
  it('are used from the first on; no block spans two, even where they touch', () => {
    const made = defined([
      [0, 64],
      [64, 64],
    ]);
    expect(made.heap.malloc(72)).toBe(NULL);
    expect([40, 40].map((bytes) => made.heap.malloc(bytes) - FIRST)).toEqual([8, 72]);
    expect(holes(made)).toEqual([]);
    made.heap.free(FIRST + 8);
    made.heap.free(FIRST + 72);
    expect(holes(made)).toEqual(['0:56', '64:56']);
    made.heap.check();
  });

  it('lose their marker from the list to a block freed in front of it, but not its bytes', () => {
    const made = defined(THREE);
    const block = made.heap.malloc(48);
    expect(list(made)).toEqual([56, 256, 376, 1024, 1272]);
    made.heap.free(block);
    expect(list(made)).toEqual([0, 256, 376, 1024, 1272]);
    expect(holes(made)).toEqual(['0:56', '256:120', '1024:248']);
    expect(made.heap.malloc(48)).toBe(block);
    made.heap.free(block);
    expect(list(made)).toEqual([0, 256, 376, 1024, 1272]);
  });

  it('keep their marker while what is freed does not touch it', () => {
    const made = defined(THREE);
    const [block] = [made.heap.malloc(8), made.heap.malloc(8)];
    made.heap.free(block!);
    expect(list(made)).toEqual([0, 32, 56, 256, 376, 1024, 1272]);
  });

  it('keep their marker when the block takes in the hole before it', () => {
    const made = defined(THREE);
    made.heap.free(made.heap.malloc(8));
    expect(list(made)).toEqual([0, 56, 256, 376, 1024, 1272]);
  });

  it('give at most the largest one less two headers', () => {
    expect(defined(THREE).heap.malloc(241)).toBe(NULL);
    expect(defined(THREE).heap.malloc(240)).toBe(FIRST + 1024 + 8);
  });

  it('of two headers hold 8 bytes that no request can use', () => {
    const { heap } = defined([[0, 16]]);
    expect(heap.freeBytes()).toBe(8);
    expect(heap.malloc(1)).toBe(NULL);
    heap.check();
  });

  it('of exactly one header hold nothing; when it is not the last one all goes on', () => {
    const made = defined([
      [0, 64],
      [0x80, 8],
      [0x100, 64],
    ]);
    expect(made.heap.freeBytes()).toBe(112);
    expect(list(made)).toEqual([0, 56, 128, 256, 312]);
    expect(made.heap.malloc(60)).toBe(NULL);
    expect([48, 48].map((bytes) => made.heap.malloc(bytes) - FIRST)).toEqual([8, 264]);
    made.heap.check();
  });

  describe('of exactly one header, at the end of the table', () => {
    const table = [
      [0, 64],
      [0x80, 8],
    ] as const;

    it('serve what fits elsewhere, and refuse more than is free', () => {
      const { heap } = defined(table);
      heap.check();
      expect(heap.malloc(16)).toBe(FIRST + 8);
      expect(heap.malloc(2000)).toBe(NULL);
    });

    it.each([true, false])('let a malloc hang that finds nothing, asserts %s', (asserts) => {
      const { heap } = defined(table, { asserts });
      const low = heap.malloc(8);
      heap.malloc(8);
      heap.free(low);
      // 40 bytes are free, in holes of 16 and 24; the end marker leads to itself.
      expect(faultOf(() => heap.malloc(32))).toBe('endless-loop');
    });
  });

  it('smaller than a header make up a hole of nearly 2^32 bytes, which is handed out', () => {
    const { heap } = defined([[0x80, 4]], {}, 4);
    expect(heap.freeBytes()).toBe(2 ** 32 - 4);
    expect(heap.malloc(100)).toBe(FIRST + 0x80 + 8);
    expect(() => heap.check()).toThrow(Corruption);
  });
});

describe('pointers that heap_5 should not have been given', () => {
  const foreign = FIRST + 0x1000;
  const forged = (given: object) => {
    const made = defined(THREE, given);
    made.heap.malloc(8);
    made.memory.storeWord(foreign - 4, ALLOCATED + 24);
    made.memory.storeWord(foreign - 8, given && 'protector' in given ? 0xa5c3_5a3c : 0);
    return made;
  };

  it.each([true, false])('a forged block above it runs the list to NULL, asserts %s', (asserts) => {
    const { heap } = forged({ asserts });
    expect(faultOf(() => heap.free(foreign))).toBe('unmapped');
  });

  it.each([true, false])(
    'a hole whose header became 0xFF is taken, and a rest invented, asserts %s',
    (asserts) => {
      const { heap, memory } = defined(THREE, { asserts });
      const payload = heap.malloc(8);
      memory.fill(payload + 8, 8, 0xff);
      expect(heap.malloc(64)).toBe(payload + 16);
      expect(memory.loadWord(payload + 8 + 72 + 4)).toBe(4_294_967_223);
    },
  );

  it('with the protector is outside its bounds', () => {
    const { heap } = forged({ protector: true });
    expect(faultOf(() => heap.free(foreign))).toBe('assertion');
    expect(faultOf(() => heap.free(FIRST - 0x20))).toBe('assertion');
  });

  it('with the protector a clobbered link is one, too', () => {
    const { heap, memory } = defined(THREE, { protector: true });
    const block = heap.malloc(8);
    memory.fill(block + 8, 8, 0);
    expect(faultOf(() => heap.malloc(8))).toBe('assertion');
  });

  it('the protector leaves the last marker, which lies at the bound, alone', () => {
    const { heap } = defined(THREE, { protector: true });
    heap.malloc(8);
    expect(heap.malloc(300)).toBe(NULL);
  });
});

describe('check of heap_5 finds', () => {
  it.each([
    ['the size of a marker in the list', 56 + 4],
    ['the size of the end marker', 1272 + 4],
    ['the link of the end marker', 1272],
    ['the link of a marker', 56],
    ['the link of a hole', 256],
  ])('a change of %s', (_what, offset) => {
    const { heap, memory } = defined(THREE);
    heap.check();
    memory.storeWord(FIRST + offset, 0x40);
    expect(() => heap.check()).toThrow(/corrupted|unmapped|unaligned/);
  });

  it('a marker that leads back', () => {
    const { heap, memory } = defined([
      [0, 8],
      [0x40, 8],
      [0x80, 64],
    ]);
    memory.storeWord(FIRST + 0x40, FIRST);
    expect(() => heap.check()).toThrow('runs in a circle');
  });
});

describe('vPortGetHeapStats of heap_5', () => {
  const FRESH = {
    freeBytes: 424,
    largestHoleBytes: 248,
    smallestHoleBytes: 56,
    holes: 5,
    minimumEverFreeBytes: 424,
    allocations: 0,
    frees: 0,
  };

  it('counts the markers in its list as holes, but not as the smallest', () => {
    expect(defined(THREE).heap.stats()).toEqual(FRESH);
  });

  it('forgets markers that were absorbed', () => {
    const { heap } = defined(THREE);
    heap.free(heap.malloc(48));
    expect(heap.stats()).toEqual({ ...FRESH, holes: 4, minimumEverFreeBytes: 368, allocations: 1, frees: 1 });
  });

  it('has nothing to say before the regions are defined', () => {
    expect(raw(THREE).heap.stats()).toMatchObject({ freeBytes: 0, smallestHoleBytes: 2 ** 32 - 1, holes: 0 });
  });

  it('counts the end marker too after vPortHeapResetState', () => {
    const { heap } = defined(THREE);
    heap.resetState();
    expect(heap.stats()).toEqual({ ...FRESH, freeBytes: 0, minimumEverFreeBytes: 0, holes: 6 });
  });
});

describe('vPortHeapResetState of heap_5', () => {
  it('wants the regions to be defined again', () => {
    const { heap, table } = defined(THREE);
    const block = heap.malloc(8);
    heap.resetState();
    expect(heap.freeBytes()).toBe(0);
    expect(heap.minimumEverFreeBytes()).toBe(0);
    expect(faultOf(() => heap.malloc(8))).toBe('assertion');
    heap.defineRegions(table);
    expect(heap.malloc(8)).toBe(block);
    heap.check();
  });
});
