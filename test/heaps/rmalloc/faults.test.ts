/** The faults found in the author's code, each by the calls that showed it. Ours has none of them. */

import { beforeEach, describe, expect, it } from 'vitest';
import { type HandleHeap, UNLIMITED } from '../../../src/heaps/handle-heap.js';
import { NULL } from '../../../src/heaps/heap.js';
import type { Memory } from '../../../src/mcu/index.js';
import { addressOf, faultOf, type HandleDevice, handleDevice, piecesOf } from '../device.js';

const GENERATIONS = ['rmalloc_2008', 'rmalloc'];

describe.each(GENERATIONS)('%s', (name) => {
  let made: HandleDevice;
  let handles: HandleHeap;
  let memory: Memory;
  const use = (device: HandleDevice) => {
    made = device;
    handles = device.handles;
    memory = device.memory;
  };
  beforeEach(() => use(handleDevice(name)));

  const compact = () => handles.compact(UNLIMITED);
  /** A live block whose bytes all have the same value. */
  const filled = (bytes: number, value: number) => {
    const handle = handles.allocate(bytes);
    expect(handle).not.toBe(NULL);
    memory.fill(addressOf(handles, handle), bytes, value);
    return handle;
  };
  const expectFilled = (handle: number, bytes: number, value: number) => {
    expect([...memory.image(addressOf(handles, handle), bytes)]).toEqual(Array(bytes).fill(value));
  };
  const largestHole = () =>
    piecesOf(handles.heap).reduce(
      (most, { kind, bytes }) => (kind === 'hole' ? Math.max(most, bytes) : most),
      0,
    );

  it('1: alloc, free, compact, alloc, alloc gives two handles', () => {
    handles.free(handles.allocate(40));
    compact();
    expect(handles.allocate(40)).not.toBe(handles.allocate(40));
    handles.heap.check();
  });

  it('2: compact on an empty heap, alloc, alloc gives two handles', () => {
    compact();
    expect(handles.allocate(40)).not.toBe(handles.allocate(40));
    handles.heap.check();
  });

  it('3: in 256 bytes a payload never overlaps a header', () => {
    use(handleDevice(name, { bytes: 256 }));
    const [first, second] = [filled(73, 1), handles.allocate(73)];
    if (second !== NULL) memory.fill(addressOf(handles, second), 73, 2);
    handles.free(first);
    compact();
    const third = handles.allocate(99);
    if (third !== NULL) memory.fill(addressOf(handles, third), 99, 3);
    handles.heap.check();
    if (second !== NULL) expectFilled(second, 73, 2);
    if (third !== NULL) expectFilled(third, 99, 3);
    // There is room for all of it where headers take 8 bytes.
    if (name === 'rmalloc') expect([second, third]).not.toContain(NULL);
  });

  /** Freed blocks are given out again, and nothing else can be: the gap is used up, and compaction is off. */
  const reusing = (blocks: readonly number[]) => {
    const options = { reuse: true, compactOnFailure: false };
    use(handleDevice(name, { options }));
    const given = blocks.map((bytes) => handles.allocate(bytes));
    while (handles.allocate(8) !== NULL);
    return given;
  };

  it('4: an exact fit is served', () => {
    const [first] = reusing([80, 80]);
    handles.free(first!);
    expect(handles.allocate(80)).not.toBe(NULL);
    handles.heap.check();
  });

  it('5: a rest too small for a block is served too, and comes back with it', () => {
    const [first] = reusing([80, 80]);
    handles.free(first!);
    const free = handles.heap.freeBytes();
    const again = handles.allocate(73);
    expect(again).not.toBe(NULL);
    handles.heap.check();
    handles.free(again);
    expect(handles.heap.freeBytes()).toBe(free);
  });

  it('6: where no header is to be had, reuse goes on', () => {
    const blocks = reusing([200, 200, 200]);
    for (const block of blocks) {
      handles.free(block);
      const smaller = handles.allocate(24);
      expect(smaller).not.toBe(NULL);
      handles.free(smaller);
      handles.heap.check();
    }
    const again = blocks.map(() => handles.allocate(24));
    expect(new Set(again).size).toBe(3);
    expect(again).not.toContain(NULL);
  });

  it('7: a locked block in a heap that is nearly full does not trouble compaction', () => {
    const blocks: number[] = [];
    for (let block = handles.allocate(100); block !== NULL; block = handles.allocate(100)) blocks.push(block);
    const last = blocks.at(-1)!;
    const address = handles.lock(last);
    handles.free(blocks[0]!);
    compact();
    handles.heap.check();
    expect(addressOf(handles, last)).toBe(address);
  });

  it.each([2 ** 11, 2 ** 12 - 60, 2 ** 12, 2 ** 13, 2 ** 16, 2 ** 31])(
    '8: a request of %i is within its lists',
    (bytes) => {
      const handle = handles.allocate(bytes);
      handles.heap.check();
      const { heap } = handles;
      expect(handle === NULL).toBe(heap.blockBytesFor(bytes) > heap.largestBlockBytes!());
    },
  );

  it.each([1, 4, 7, 8, 15, 16, 31, 32])('9: a request of 2^32 - %i fails', (short) => {
    expect(handles.allocate(2 ** 32 - short)).toBe(NULL);
    handles.heap.check();
  });

  it('10: headers do not leak', () => {
    const empty = largestHole();
    for (let round = 0; round < 300; round++) {
      const blocks = [24, 40, 56].map((bytes) => filled(bytes, round & 0xff));
      for (const block of blocks) handles.free(block);
      compact();
      expect(largestHole()).toBe(empty);
    }
    handles.heap.check();
  });

  it('11: two locks and one unlock still hold a block', () => {
    const [below, block] = [handles.allocate(100), filled(100, 7)];
    const address = handles.lock(block);
    handles.lock(block);
    handles.unlock(block);
    handles.free(below);
    compact();
    expect(addressOf(handles, block)).toBe(address);
    handles.unlock(block);
    compact();
    expect(addressOf(handles, block)).toBeLessThan(address);
    expectFilled(block, 100, 7);
  });

  it('12: a freed handle is not revived by lock or unlock, but reported', () => {
    const [freed, live] = [handles.allocate(100), handles.allocate(100)];
    handles.lock(freed);
    handles.free(freed);
    const free = handles.heap.freeBytes();
    for (const call of ['lock', 'unlock', 'free'] as const) {
      expect(faultOf(() => handles[call](freed))).toBe('assertion');
    }
    handles.heap.check();
    expect(handles.heap.freeBytes()).toBe(free);
    compact();
    for (const call of ['lock', 'unlock', 'free'] as const) {
      expect(faultOf(() => handles[call](freed))).toBe('assertion');
    }
    expect(made.handles.lock(live)).not.toBe(NULL);
  });
});
