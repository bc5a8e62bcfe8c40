/** The buddy heap with handles beyond the contract: pages, chunks, generations, and what check() finds. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findHeap } from '../../../src/heaps/catalog.js';
import { ByteBudget, type Compaction, UNLIMITED } from '../../../src/heaps/handle-heap.js';
import { Corruption, NULL } from '../../../src/heaps/heap.js';
import { addressOf, faultOf, handleDevice, piecesOf } from '../device.js';

const UNIT = 64;
const PAGE_HANDLES = 15;

/**
 * A heap of 16 smallest blocks of 64 bytes and one behind them that becomes the page of handles. Blocks and holes
 * are told by where they begin, counted in smallest blocks.
 */
function smallHeap(options: Record<string, boolean | number> = {}) {
  const bytes = 20 + 17 + 7 + 17 * UNIT;
  const made = handleDevice('buddy_handles', { bytes, options: { minimumBlock: UNIT, ...options } });
  const { handles } = made;
  const origin = handles.heap.gridOrigin!;
  const compactions: Compaction[] = [];
  handles.relocation!.watcher = { began: () => {}, ended: (one) => compactions.push(one) };
  return {
    ...made,
    compactions,
    take: (units: number) => handles.allocate(units * UNIT),
    placeOf: (handle: number) => (addressOf(handles, handle) - origin) / UNIT,
    holes: () =>
      piecesOf(handles.heap)
        .filter(({ kind }) => kind === 'hole')
        .map(({ address, bytes: size }) => `${(address - origin) / UNIT}+${size / UNIT}`),
  };
}

/** The same, full of blocks of one unit, in their order, of which all but those at `kept` are freed. */
function sparseHeap(kept: readonly number[], options: Record<string, boolean | number> = {}) {
  const made = smallHeap(options);
  const all = Array.from({ length: 16 }, () => made.take(1));
  // The last one finds no room beside a page for its handle.
  const byPlace = new Map(all.filter((block) => block !== NULL).map((block) => [made.placeOf(block), block]));
  for (const [place, block] of byPlace) if (!kept.includes(place)) made.handles.free(block);
  return { ...made, blockAt: (place: number) => byPlace.get(place)! };
}

describe('handles', () => {
  it('are words of pages, which lie at the end of the highest holes', () => {
    const { handles, origin } = handleDevice('buddy_handles');
    // Of 239 smallest blocks the last 7 are top blocks of 4, 2 and 1.
    const page = 272 + 16 * (239 - 7);
    const first = handles.allocate(100);
    expect(first - origin).toBe(page + 4);
    expect(handles.heap.lastCall.path).toBe(1 | 2 | 8);
    expect(handles.allocate(100) - origin).toBe(page + 8);
    expect(handles.heap.lastCall.path).toBe(1 | 2 | 4);
    const pieces = piecesOf(handles.heap).map(({ kind, address, bytes }) => [kind, address - origin, bytes]);
    expect(pieces[0]).toEqual(['bookkeeping', 0, 272]);
    expect(pieces).toContainEqual(['bookkeeping', page, 64]);
  });

  it('take a page for every 15 blocks, and give it back in a compaction when it is empty', () => {
    const { handles } = handleDevice('buddy_handles');
    const free = handles.heap.freeBytes();
    const blocks = Array.from({ length: 2 * PAGE_HANDLES }, () => handles.allocate(16));
    expect(free - handles.heap.freeBytes()).toBe(2 * 64 + 2 * PAGE_HANDLES * 16);
    for (const block of blocks.slice(PAGE_HANDLES)) handles.free(block);
    handles.compact(UNLIMITED);
    expect(free - handles.heap.freeBytes()).toBe(64 + PAGE_HANDLES * 16);
    for (const block of blocks.slice(0, PAGE_HANDLES)) handles.free(block);
    handles.compact(UNLIMITED);
    expect(handles.heap.freeBytes()).toBe(free);
    handles.heap.check();
  });

  it('come out of the arena: where there is no room for a page there is none for a block', () => {
    const { take, handles } = smallHeap();
    const blocks = Array.from({ length: PAGE_HANDLES }, () => take(1));
    expect(blocks).not.toContain(NULL);
    expect(take(1)).toBe(NULL);
    expect(handles.heap.freeBytes()).toBe(UNIT);
    handles.free(blocks[0]!);
    expect(take(1)).not.toBe(NULL);
  });

  it('that were freed are used no more', () => {
    const { take, handles } = smallHeap();
    const handle = take(1);
    handles.free(handle);
    for (const call of ['free', 'lock', 'unlock'] as const) {
      expect(faultOf(() => handles[call](handle))).toBe('assertion');
    }
  });

  it('cost 24 bytes of statics', () => {
    expect(findHeap('buddy_handles')!.staticBytes({})).toBe(24);
  });
});

describe('a request that finds no hole', () => {
  it('has the chunk with least in use emptied', () => {
    const { take, placeOf, blockAt, compactions, handles } = sparseHeap([0, 1, 4, 5, 8, 12, 14]);
    expect(placeOf(take(4))).toBe(8);
    expect(compactions).toEqual([
      { trigger: 'failure', bytesMoved: UNIT, blocksMoved: 1, blocksInTheWay: 0, finished: true },
    ]);
    expect(handles.heap.lastCall.path & 16).toBe(16);
    expect([0, 1, 4, 5, 8, 12, 14].map((place) => placeOf(blockAt(place)))).toEqual([0, 1, 4, 5, 13, 12, 14]);
  });

  it('leaves a chunk alone in which a block is locked', () => {
    const { take, placeOf, blockAt, handles, compactions } = sparseHeap([0, 1, 4, 5, 8, 12, 14]);
    handles.lock(blockAt(8));
    expect(placeOf(take(4))).toBe(12);
    expect(placeOf(blockAt(8))).toBe(8);
    expect(compactions).toMatchObject([{ blocksMoved: 2, blocksInTheWay: 1 }]);
  });

  it('has smaller chunks emptied first where a block has no hole as large as itself', () => {
    const { take, placeOf, handles, compactions } = smallHeap();
    const low = Array.from({ length: 8 }, () => take(1));
    const pair = take(2);
    const high = Array.from({ length: 6 }, () => take(1));
    const blocks = new Map([...low, pair, ...high].map((block) => [placeOf(block), block]));
    for (const place of [0, 2, 10, 11]) handles.free(blocks.get(place)!);
    for (const place of [12, 13, 14, 15]) handles.lock(blocks.get(place)!);
    expect(placeOf(pair)).toBe(8);
    // One block makes way for the pair, which then leaves the chunk.
    expect(placeOf(take(4))).toBe(8);
    expect(compactions).toMatchObject([{ blocksMoved: 2, bytesMoved: 3 * UNIT }]);
    expect(placeOf(pair)).toBeLessThan(4);
    handles.heap.check();
  });

  it('moves nothing where locks leave no way, and counts them', () => {
    const { take, blockAt, handles, compactions } = sparseHeap([1, 5, 9, 13]);
    for (const place of [1, 5, 9, 13]) handles.lock(blockAt(place));
    expect(take(4)).toBe(NULL);
    expect(compactions).toEqual([
      { trigger: 'failure', bytesMoved: 0, blocksMoved: 0, blocksInTheWay: 4, finished: true },
    ]);
    handles.unlock(blockAt(5));
    expect(take(4)).not.toBe(NULL);
  });

  it('does not look for blocks to move where too little is free', () => {
    const { take, compactions } = sparseHeap([0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14]);
    expect(take(8)).toBe(NULL);
    expect(compactions).toEqual([]);
  });

  it.each([22, 26, 35])('keeps a handle for it when empty pages are given back, %i units', (units) => {
    const bytes = 4 * 7 + units + units * UNIT;
    const { handles } = handleDevice('buddy_handles', { bytes, options: { minimumBlock: UNIT } });
    const take = (size: number) => handles.allocate(size * UNIT);
    const blocks: number[] = [];
    for (let block = take(1); block !== NULL; block = take(1)) blocks.push(block);
    // The first page stays full. In the second, which is empty then, are the only spare handles.
    for (const block of blocks.slice(PAGE_HANDLES)) handles.free(block);
    const holes = piecesOf(handles.heap).filter(({ kind }) => kind === 'hole');
    const largest = Math.max(...holes.map(({ bytes: size }) => size / UNIT));
    expect(take(2 * largest)).not.toBe(NULL);
    expect(take(1)).not.toBe(NULL);
    handles.heap.check();
  });

  it('with compactOnFailure off fails until somebody compacts', () => {
    const { take, handles, compactions } = sparseHeap([1, 5, 9, 13], { compactOnFailure: false });
    expect([take(4), compactions.length]).toEqual([NULL, 0]);
    handles.compact(UNLIMITED);
    expect(take(8)).not.toBe(NULL);
  });
});

describe('compaction by hand', () => {
  const kept = [1, 3, 5, 8, 10, 13];

  it('makes the largest holes that there can be, and then finds nothing to do', () => {
    const { handles, holes } = sparseHeap(kept);
    const { blocksMoved, finished } = handles.compact(UNLIMITED);
    expect(finished).toBe(true);
    expect(blocksMoved).toBeGreaterThan(0);
    const sizes = holes().map((hole) => Number(hole.split('+')[1]));
    expect(sizes.toSorted((a, b) => a - b)).toEqual([2, 8]);
    expect(handles.compact(UNLIMITED)).toMatchObject({ blocksMoved: 0, blocksInTheWay: 0 });
  });

  it('goes around what is locked', () => {
    const { handles, blockAt, placeOf } = sparseHeap(kept);
    handles.lock(blockAt(5));
    handles.lock(blockAt(13));
    expect(handles.compact(UNLIMITED).blocksInTheWay).toBeGreaterThan(0);
    expect([placeOf(blockAt(5)), placeOf(blockAt(13))]).toEqual([5, 13]);
    expect(handles.compact(UNLIMITED).blocksMoved).toBe(0);
    handles.heap.check();
  });

  it('in steps moves what it moves in one go', () => {
    const atOnce = sparseHeap(kept);
    const { bytesMoved } = atOnce.handles.compact(UNLIMITED);
    const inSteps = sparseHeap(kept);
    const steps: Compaction[] = [];
    do steps.push(inSteps.handles.compact(new ByteBudget(UNIT)));
    while (!steps.at(-1)!.finished);
    for (const step of steps) expect(step.bytesMoved).toBeLessThanOrEqual(UNIT);
    expect(steps.reduce((sum, step) => sum + step.bytesMoved, 0)).toBe(bytesMoved);
    expect(inSteps.holes()).toEqual(atOnce.holes());
  });

  it('leaves nothing for a second one to do, and one hole of a size while nothing is locked', () => {
    const anySteps = fc.array(fc.integer({ min: -20, max: 300 }), { minLength: 30, maxLength: 150 });
    fc.assert(
      fc.property(anySteps, fc.boolean(), fc.boolean(), (steps, locks, generations) => {
        const { handles } = handleDevice('buddy_handles', { bytes: 4000, options: { generations } });
        const live: number[] = [];
        for (const step of steps) {
          if (step > 0) {
            const handle = handles.allocate(step);
            if (handle !== NULL) live.push(handle);
            if (handle !== NULL && locks && step % 5 === 0) handles.lock(handle);
          } else if (live.length > 0) handles.free(live.splice(-step % live.length, 1)[0]!);
        }
        // Promotions are over after as many.
        for (let pass = 0; pass < 4; pass++) expect(handles.compact(UNLIMITED).finished).toBe(true);
        expect(handles.compact(UNLIMITED).blocksMoved).toBe(0);
        const holes = piecesOf(handles.heap).filter(({ kind }) => kind === 'hole');
        if (!locks && handles.heap.freeBytes() < 1024) {
          // Holes of the size of the page may lie on either side of it.
          expect(holes.length - new Set(holes.map(({ bytes }) => bytes)).size).toBeLessThanOrEqual(1);
        }
        handles.heap.check();
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('keeps what is in blocks, how long they have survived, and the lists of holes', () => {
    const promoteAfter = 2;
    const anySteps = fc.array(
      fc.oneof(fc.constant(0), fc.integer({ min: -20, max: -1 }), fc.integer({ min: 1, max: 200 })),
      { minLength: 60, maxLength: 200 },
    );
    fc.assert(
      fc.property(anySteps, fc.boolean(), (steps, generations) => {
        const { handles, memory } = handleDevice('buddy_handles', { bytes: 4000, options: { generations } });
        const ageOf = (handle: number) => (memory.loadWord(handle) >>> 9) & 3;
        const live: { handle: number; contents: Uint8Array; isLocked: boolean }[] = [];
        for (const [index, step] of steps.entries()) {
          const handle = step > 0 ? handles.allocate(step) : NULL;
          if (handle !== NULL) {
            const address = handles.lock(handle);
            memory.fill(address, step, index);
            if (step % 7 !== 0) handles.unlock(handle);
            live.push({ handle, contents: memory.image(address, step), isLocked: step % 7 === 0 });
          } else if (step === 0) {
            const before = live.map((block) => ageOf(block.handle));
            handles.compact(UNLIMITED);
            for (const [each, { handle: kept, isLocked }] of live.entries()) {
              const least =
                generations && !isLocked ? Math.min(before[each]! + 1, promoteAfter) : before[each]!;
              expect(ageOf(kept)).toBeGreaterThanOrEqual(least);
            }
            handles.heap.check();
            const changed = live.filter(({ handle: kept, contents }) => {
              return Buffer.compare(memory.image(addressOf(handles, kept), contents.length), contents) !== 0;
            });
            expect(changed).toEqual([]);
          } else if (live.length > 0) handles.free(live.splice(-step % live.length, 1)[0]!.handle);
        }
      }),
      { seed: 1, numRuns: 100 },
    );
  });
});

describe('generations', () => {
  const generations = { generations: true, promoteAfter: 2 };

  it('have new blocks at the high end', () => {
    const { take, placeOf } = smallHeap(generations);
    expect([take(2), take(1), take(4)].map(placeOf)).toEqual([14, 13, 8]);
  });

  it('take a block that has survived often enough to the low end', () => {
    const { take, placeOf, handles } = smallHeap(generations);
    const block = take(1);
    const places = [0, 1, 2].map(() => {
      handles.compact(UNLIMITED);
      return placeOf(block);
    });
    expect(places).toEqual([15, 15, 0]);
  });

  it('promote no block that is locked', () => {
    const { take, placeOf, handles } = smallHeap(generations);
    const block = take(1);
    handles.lock(block);
    for (let pass = 0; pass < 5; pass++) handles.compact(UNLIMITED);
    handles.unlock(block);
    handles.compact(UNLIMITED);
    expect(placeOf(block)).toBe(15);
    for (let pass = 0; pass < 2; pass++) handles.compact(UNLIMITED);
    expect(placeOf(block)).toBe(0);
  });

  /** Old blocks at places 0 to 7, of which every other one has been freed since. */
  const withOldHoles = () => {
    const made = smallHeap(generations);
    const old = Array.from({ length: 8 }, () => made.take(1));
    for (let pass = 0; pass < 3; pass++) made.handles.compact(UNLIMITED);
    const places = old.map(made.placeOf);
    expect(places.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const block of old) if (made.placeOf(block) % 2 === 1) made.handles.free(block);
    const kept = old.filter((_, index) => places[index]! % 2 === 0);
    return { ...made, keptPlaces: () => kept.map(made.placeOf).toSorted((a, b) => a - b) };
  };

  it('leave the old ones in place where room can be made without them', () => {
    const { take, handles, compactions, keptPlaces } = withOldHoles();
    const young = Array.from({ length: 7 }, () => take(1));
    for (const block of young.slice(0, 6)) handles.free(block);
    const before = keptPlaces();
    expect(before).toEqual([0, 2, 4, 6]);
    compactions.length = 0;
    expect(take(8)).not.toBe(NULL);
    expect(compactions).toMatchObject([{ trigger: 'failure', blocksMoved: 1 }]);
    expect(keptPlaces()).toEqual(before);
  });

  it('move the old ones where room cannot be made otherwise', () => {
    const { take, keptPlaces } = withOldHoles();
    expect(take(8)).not.toBe(NULL);
    expect(take(4)).not.toBe(NULL);
    expect(keptPlaces()).not.toEqual([0, 2, 4, 6]);
  });

  it('move the old ones in one of nine compactions by budget', () => {
    const { handles } = withOldHoles();
    const moved = Array.from({ length: 18 }, () => handles.compact(new ByteBudget(10_000)).blocksMoved);
    expect(moved.map((blocks, index) => (blocks > 0 ? index : -1)).filter((index) => index >= 0)).toEqual([
      8,
    ]);
  });
});

describe('check()', () => {
  const setup = () => {
    const made = handleDevice('buddy_handles', { bytes: 1024 });
    const blocks = [40, 16, 100, 16, 40].map((bytes) => made.handles.allocate(bytes));
    made.handles.free(blocks[1]!);
    made.handles.free(blocks[4]!);
    made.handles.lock(blocks[2]!);
    made.handles.heap.check();
    return { ...made, blocks };
  };

  it('finds any word of list heads, table, pages and statics changed', () => {
    const anyMask = fc.oneof(
      fc.nat(31).map((bit) => 2 ** bit),
      fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    );
    fc.assert(
      fc.property(fc.nat(10_000), anyMask, (at, mask) => {
        const { handles, memory, origin, statics, blocks } = setup();
        const { gridOrigin, heap } = { gridOrigin: handles.heap.gridOrigin!, heap: handles.heap };
        const page = blocks[0]! - 4;
        const words = [statics, statics + 4, statics + 8, statics + 12];
        for (let address = origin; address < gridOrigin - 8; address += 4) words.push(address);
        for (let address = page; address < page + 64; address += 4) words.push(address);
        const word = words[at % words.length]!;
        const before = memory.loadWord(word);
        // Age and count of locks of a live block nobody else knows.
        fc.pre(word <= page || word >= page + 64 || (before & 1) === 0 || (mask & ~0x7fe) !== 0);
        memory.storeWord(word, before ^ mask);
        expect(() => heap.check()).toThrow(Corruption);
        memory.storeWord(word, before);
        heap.check();
      }),
      { seed: 20_240_531, numRuns: 1000 },
    );
  });

  it('finds a lock that only the handle knows of', () => {
    const { handles, memory, blocks } = setup();
    memory.storeWord(blocks[0]!, memory.loadWord(blocks[0]!) + 2);
    expect(() => handles.heap.check()).toThrow('locked');
  });
});
