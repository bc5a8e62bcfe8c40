import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Bitmap,
  countClear,
  lowestRun,
  NONE,
  placesFor,
  release,
  take,
} from '../../../src/heaps/mempool/bitmap.js';
import { WatchedMemory } from './setup.js';

const CELLS = 0x2000_0000;

function bitmap(bits: number): { memory: WatchedMemory; map: Bitmap } {
  return {
    memory: new WatchedMemory([{ name: 'RAM', origin: CELLS, bytes: 64 }]),
    map: { cells: CELLS, bits },
  };
}

/** What {@link take} promises, over one flag for each place. */
class Places {
  private readonly taken: boolean[];

  constructor(private readonly bits: number) {
    this.taken = Array.from({ length: bits }, () => false);
  }

  take(count: number): number {
    const places = placesFor(count);
    const step = count > 32 ? 32 : 1;
    for (let first = 0; first + places <= this.bits; first += step) {
      const staysInCell = count > 32 || (first % 32) + count <= 32;
      if (!staysInCell || this.taken.slice(first, first + places).includes(true)) continue;
      this.taken.fill(true, first, first + places);
      return first;
    }
    return NONE;
  }

  release(first: number, count: number): void {
    this.taken.fill(false, first, first + placesFor(count));
  }

  get free(): number {
    return this.taken.filter((taken) => !taken).length;
  }
}

describe('a bitmap of cells', () => {
  it('finds the lowest run of clear bits, whatever is set before it', () => {
    const naive = (cell: number, count: number) => {
      const bits = Array.from({ length: 32 }, (_, bit) => (cell >>> bit) & 1).join('');
      return bits.indexOf('0'.repeat(count));
    };
    const someBits = fc.tuple(fc.integer(), fc.integer()).map(([a, b]) => a & b);
    fc.assert(
      fc.property(fc.oneof(fc.integer(), someBits), fc.integer({ min: 1, max: 32 }), (cell, count) => {
        expect(lowestRun(cell, count)).toBe(naive(cell >>> 0, count));
      }),
      { seed: 7, numRuns: 2000 },
    );
  });

  it('gives the lowest run that lies in one cell, or the lowest whole cells, and nothing else changes', () => {
    const aCount = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(1, 31, 32, 33, 64, 65, 96));
    const aCall = fc.oneof(fc.record({ count: aCount }), fc.record({ pick: fc.nat(100) }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 160 }), fc.array(aCall, { maxLength: 60 }), (bits, calls) => {
        const { memory, map } = bitmap(bits);
        const places = new Places(bits);
        const live: { first: number; count: number }[] = [];
        for (const call of calls) {
          if ('count' in call) {
            const first = take(memory, map, call.count);
            expect(first).toBe(places.take(call.count));
            if (first !== NONE) live.push({ first, count: call.count });
          } else if (live.length > 0) {
            const [{ first, count }] = live.splice(call.pick % live.length, 1) as [
              { first: number; count: number },
            ];
            release(memory, map, first, count);
            places.release(first, count);
          }
          expect(countClear(memory, map)).toBe(places.free);
        }
      }),
      { seed: 8, numRuns: 500 },
    );
  });
});

describe('an interrupt while a cell is looked through', () => {
  it('finds its bit free afterwards', () => {
    const { memory, map } = bitmap(32);
    for (let place = 0; place < 10; place++) take(memory, map, 1);
    memory.betweenLoads(() => release(memory, map, 3, 2));
    expect(take(memory, map, 4)).toBe(10);
    expect(memory.loadWord(CELLS)).toBe(0b11_1111_1110_0111);
  });

  it('leaves its mark also where the cell had no room', () => {
    const { memory, map } = bitmap(64);
    take(memory, map, 30);
    memory.betweenLoads(() => release(memory, map, 0, 30));
    expect(take(memory, map, 5)).toBe(32);
    expect(memory.loadWord(CELLS)).toBe(0);
  });

  it('meets a cell that nobody else would take anything of', () => {
    const { memory, map } = bitmap(32);
    take(memory, map, 1);
    let second = 0;
    memory.betweenLoads(() => {
      second = take(memory, map, 1);
    });
    expect(take(memory, map, 1)).toBe(1);
    expect(second).toBe(NONE);
  });

  it('while whole cells are looked for leaves those that others have', () => {
    const { memory, map } = bitmap(128);
    take(memory, map, 8);
    memory.betweenLoads(() => release(memory, map, 0, 8));
    expect(take(memory, map, 64)).toBe(32);
    expect(countClear(memory, map)).toBe(64);
  });
});
