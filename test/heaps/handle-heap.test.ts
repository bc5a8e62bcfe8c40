/** The contract of handle heaps, beyond what test/heaps/model.ts holds every heap to. */

import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { catalog, findHeap } from '../../src/heaps/catalog.js';
import type { HeapOptions } from '../../src/heaps/definition.js';
import {
  AddressHandles,
  asHandles,
  ByteBudget,
  type Compaction,
  type HandleHeap,
  PinnedHeap,
  UNLIMITED,
} from '../../src/heaps/handle-heap.js';
import { NULL, NULL_CALL } from '../../src/heaps/heap.js';
import { addressOf, device, faultOf, handleDevice, piecesOf } from './device.js';

const movingHeaps = catalog.filter((heap) => heap.createHandles !== undefined).map((heap) => heap.name);

/** With freed blocks given out again where that is an option. */
function reusing(name: string): HeapOptions {
  return 'reuse' in v.parse(findHeap(name)!.options, {}) ? { reuse: true } : {};
}

/** What an empty heap serves at most. */
function largestRequest({ heap }: HandleHeap): number {
  let bytes = heap.largestBlockBytes!();
  while (heap.blockBytesFor(bytes) > heap.largestBlockBytes!()) bytes--;
  return bytes;
}

describe('an address heap as a handle heap', () => {
  it('has its addresses for handles, and nothing to lock or to move', () => {
    const { heap } = device('heap_4');
    const handles = asHandles(heap);
    expect(asHandles(handles)).toBe(handles);
    expect(handles).toBeInstanceOf(AddressHandles);
    expect(handles.relocation).toBeUndefined();
    const [first, second] = [handles.allocate(40), handles.allocate(40)];
    expect(handles.lock(second)).toBe(second);
    handles.unlock(second);
    handles.unlock(second);
    handles.free(first);
    expect(handles.compact(UNLIMITED)).toMatchObject({ bytesMoved: 0, blocksMoved: 0, finished: true });
    expect(piecesOf(heap).filter(({ kind }) => kind === 'used')).toMatchObject([{ payload: second }]);
  });
});

describe('a budget of bytes', () => {
  it('lets the first block pass whatever its size, and then what is left', () => {
    const small = new ByteBudget(10);
    expect([small.allows(0), small.allows(50), small.allows(0), small.allows(4)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    const budget = new ByteBudget(100);
    expect([60, 50, 40, 1].map((bytes) => budget.allows(bytes))).toEqual([true, false, true, false]);
  });
});

describe.each(movingHeaps)('%s', (name) => {
  it('is an address heap too: every block is locked as long as it lives', () => {
    const { handles } = handleDevice(name);
    const heap = new PinnedHeap(handles);
    const [first, second] = [heap.malloc(100), heap.malloc(100)];
    heap.free(first);
    expect(handles.compact(UNLIMITED)).toMatchObject({ blocksMoved: 0, blocksInTheWay: 1 });
    expect(piecesOf(heap).filter(({ kind }) => kind === 'used')).toMatchObject([
      { payload: second, locks: 1 },
    ]);
    expect(heap.malloc(2 ** 20)).toBe(NULL);
    expect(faultOf(() => heap.free(second + 8))).toBe('assertion');
    heap.free(NULL);
    expect(heap.lastCall.path).toBe(NULL_CALL);
    heap.free(second);
    heap.check();
    expect(heap.freeBytes()).toBe(handles.heap.freeBytes());
  });

  it.each(['lock', 'unlock', 'free'] as const)('reports %s of what is no handle', (call) => {
    const { handles, origin } = handleDevice(name);
    const handle = handles.allocate(100);
    const next = handles.allocate(100);
    const near = [handle + 4, handle - 4, handle + 2].filter((other) => other !== next);
    const wrong = [origin, ...near, addressOf(handles, handle) + 16, origin - 4, 0x1000];
    for (const other of wrong) expect(faultOf(() => handles[call](other))).toBe('assertion');
    handles.heap.check();
  });

  it('counts locks in a byte', () => {
    const { handles } = handleDevice(name);
    const handle = handles.allocate(100);
    for (let lock = 0; lock < 255; lock++) handles.lock(handle);
    expect(faultOf(() => handles.lock(handle))).toBe('assertion');
    for (let lock = 0; lock < 255; lock++) handles.unlock(handle);
    expect(faultOf(() => handles.unlock(handle))).toBe('assertion');
    handles.heap.check();
  });

  it('takes a locked block back, and gives it out unlocked', () => {
    const { handles } = handleDevice(name, { options: reusing(name) });
    const bytes = largestRequest(handles) - 100;
    for (let round = 0; round < 3; round++) {
      const handle = handles.allocate(bytes);
      expect(handle).not.toBe(NULL);
      handles.lock(handle);
      handles.free(handle);
    }
    expect(faultOf(() => handles.unlock(handles.allocate(bytes)))).toBe('assertion');
  });

  it('serves an empty heap’s largest request, and none beyond', () => {
    const bytes = largestRequest(handleDevice(name).handles);
    expect(handleDevice(name).handles.allocate(bytes + 1)).toBe(NULL);
    expect(handleDevice(name).handles.allocate(bytes)).not.toBe(NULL);
  });

  it('tells its watcher of every compaction, and why', () => {
    const { handles } = handleDevice(name);
    const told: (Compaction | 'began')[] = [];
    handles.relocation!.watcher = { began: () => told.push('began'), ended: (made) => told.push(made) };
    const below = handles.allocate(512);
    handles.allocate(512);
    handles.free(below);
    expect(handles.compact(UNLIMITED)).toBe(told[1]);
    expect(told[1]).toMatchObject({ bytesMoved: 512, blocksMoved: 1, blocksInTheWay: 0, finished: true });
    const blocks: number[] = [];
    for (let block = handles.allocate(64); block !== NULL; block = handles.allocate(64)) blocks.push(block);
    for (let index = 0; index < blocks.length; index += 2) handles.free(blocks[index]!);
    handles.allocate(400);
    const triggers = told.map((event) => (event === 'began' ? event : event.trigger));
    expect(triggers.slice(0, 2)).toEqual(['began', 'call']);
    expect(triggers.slice(-2)).toEqual(['began', 'failure']);
    expect(triggers.filter((_, index) => index % 2 === 0).every((event) => event === 'began')).toBe(true);
  });

  it('compacts at HIGHER only if nobody did since LOWER', () => {
    const { handles } = handleDevice(name, { options: { fullness: 'defer', lower: 20, higher: 80 } });
    const triggers: string[] = [];
    handles.relocation!.watcher = { began: () => {}, ended: ({ trigger }) => triggers.push(trigger) };
    for (let block = 0; block < 9; block++) handles.allocate(380);
    handles.allocate(1);
    expect(triggers).toEqual(['higher']);
    handles.allocate(1);
    expect(triggers).toEqual(['higher']);
  });

  it('asks its client once, until there is room again', () => {
    const { handles } = handleDevice(name, { options: { lower: 50, higher: 100 } });
    let asked = 0;
    handles.relocation!.client = () => {
      asked++;
      return 'defer';
    };
    const blocks = [1000, 1000, 300, 300].map((bytes) => handles.allocate(bytes));
    expect(asked).toBe(1);
    for (const block of blocks) handles.free(block);
    handles.compact(UNLIMITED);
    for (const bytes of [1000, 1000, 300]) handles.allocate(bytes);
    expect(asked).toBe(2);
  });

  it('goes on where a budget stopped it, and comes to the same end', () => {
    const run = (budget: () => ByteBudget | typeof UNLIMITED) => {
      const { handles, origin } = handleDevice(name);
      const blocks = Array.from({ length: 24 }, () => handles.allocate(64));
      for (let index = 0; index < 24; index += 2) handles.free(blocks[index]!);
      let calls = 0;
      let bytesMoved = 0;
      for (let finished = false; !finished; calls++) {
        const made = handles.compact(budget());
        handles.heap.check();
        finished = made.finished;
        bytesMoved += made.bytesMoved;
      }
      const places = blocks.flatMap((block, index) => (index % 2 ? addressOf(handles, block) - origin : []));
      return { calls, bytesMoved, places };
    };
    const atOnce = run(() => UNLIMITED);
    const bitByBit = run(() => new ByteBudget(70));
    expect(atOnce.calls).toBe(1);
    expect(atOnce.bytesMoved).toBeGreaterThan(5 * 64);
    expect(bitByBit.calls).toBeGreaterThan(atOnce.bytesMoved / 70);
    expect(bitByBit.places).toEqual(atOnce.places);
  });
});
