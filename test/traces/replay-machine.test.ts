import { describe, expect, it } from 'vitest';
import { findHeap } from '../../src/heaps/catalog.js';
import type { Region } from '../../src/mcu/index.js';
import { replayMachine } from '../../src/traces/replay-machine.js';
import { imageOf } from '../heaps/device.js';

const heap4 = findHeap('heap_4')!;
const OPTIONS = { asserts: true, clearOnFree: false, protector: false };
const region = (origin: number, bytes = 4096): Region => ({ name: 'heap', origin, bytes });
const machine = (...regions: Region[]) => replayMachine(heap4, OPTIONS, regions, 8);
const ram = (...regions: Region[]) =>
  machine(...regions).memory.regions.map(({ origin, bytes }) => [origin, bytes]);

describe('the machine of a replay', () => {
  it('has the heap where the caller says and its statics directly below, in the same region', () => {
    const { layout } = machine(region(0x2000_0000));
    expect(layout).toEqual({ statics: 0x1fff_ffe0, regions: [region(0x2000_0000)], alignment: 8 });
    expect(ram(region(0x2000_0000))).toEqual([[0x1fff_ffe0, 4128]]);
  });

  it.each([0, 4, 28])('has the statics behind the heap where RAM begins at %i', (origin) => {
    const { layout } = machine(region(origin));
    expect(layout.statics).toBe(origin === 0 ? 4096 : 4128);
    expect(ram(region(origin))).toEqual([
      [origin, 4096],
      [layout.statics, 32],
    ]);
  });

  it('has the statics behind the last of several regions where the first begins at 0', () => {
    const { layout } = machine(region(0), region(0x1000_0000, 100));
    expect(layout.statics).toBe(0x1000_0080);
  });

  it('rounds RAM up to whole words, the heap itself not', () => {
    const regions = [region(0x2000_0000, 4093), region(0x3000_0000, 1001)];
    expect(machine(...regions).layout.regions).toEqual(regions);
    expect(ram(...regions)).toEqual([
      [0x1fff_ffe0, 4128],
      [0x3000_0000, 1004],
    ]);
  });

  it('has RAM for the statics that the options ask for', () => {
    for (const protector of [false, true]) {
      const { memory, layout } = replayMachine(heap4, { ...OPTIONS, protector }, [region(0x2000_0000)], 8);
      const bytes = heap4.staticBytes({ ...OPTIONS, protector });
      expect(memory.contains(layout.statics, bytes)).toBe(true);
      expect(layout.statics + bytes).toBeLessThanOrEqual(0x2000_0000);
    }
  });

  it('gives every replay fresh RAM', () => {
    const [used, fresh] = [machine(region(0x2000_0000)), machine(region(0x2000_0000))];
    const before = imageOf(fresh.memory);
    used.heap.malloc(8);
    expect(imageOf(fresh.memory) === before).toBe(true);
    expect(imageOf(used.memory) === before).toBe(false);
  });
});
