import { describe, expect, it } from 'vitest';
import { type Device, device, holesOf, several } from './mimalloc-device.js';

describe('free bytes', () => {
  const holes = (given: Device) => holesOf(given).reduce((sum, { bytes }) => sum + bytes, 0);

  it('are counted without an access to memory', () => {
    const given = device();
    several(given, 20, 24);
    const { loads, stores } = given.memory;
    expect(given.heap.freeBytes()).toBeGreaterThan(0);
    expect([given.memory.loads, given.memory.stores]).toEqual([loads, stores]);
    expect(given.heap.freeBytes()).toBe(holes(given));
  });

  it('are right again after the memory was put back', () => {
    const given = device();
    several(given, 20, 24);
    const before = given.memory.save();
    const free = given.heap.freeBytes();
    several(given, 3, 300);
    expect(given.heap.freeBytes()).toBe(free - 3 * 512);
    given.memory.restore(before);
    given.heap.free(given.heap.malloc(1000));
    expect(given.heap.freeBytes()).toBe(free);
    given.heap.check();
  });

  it('that were counted otherwise than the pages say are found by check', () => {
    const given = device();
    const block = given.heap.malloc(24);
    several(given, 3, 24);
    // One block in use more, and one that was made: the page's own sum is right.
    const entry = given.plan.table + 24 * given.pageOf(block);
    given.memory.storeHalf(entry + 8, given.memory.loadHalf(entry + 8) + 1);
    given.memory.storeHalf(entry, given.memory.loadHalf(block + 3 * 24 + 24));
    expect(() => given.heap.check()).toThrow(/free bytes were counted/);
  });
});
