/** rmalloc beyond the contract: its layout, its options, and what check() finds. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findHeap } from '../../../src/heaps/catalog.js';
import { ByteBudget, type HandleHeap, UNLIMITED } from '../../../src/heaps/handle-heap.js';
import { Corruption, NULL } from '../../../src/heaps/heap.js';
import { addressOf, handleDevice, piecesOf, type Setup } from '../device.js';

/** `kind offset+bytes` of every piece, as one text. */
function layout(handles: HandleHeap, origin: number): string {
  const letters = { used: 'u', hole: 'h', bookkeeping: 'b' };
  return piecesOf(handles.heap)
    .map(({ kind, address, bytes, locks }) => `${letters[kind]}${locks || ''} ${address - origin}+${bytes}`)
    .join(', ');
}

/** A heap with blocks of these sizes, and a way to look at it. */
function heapOf(sizes: readonly number[], setup: Setup = {}) {
  const made = handleDevice('rmalloc', { bytes: 512, ...setup });
  const { handles } = made;
  const blocks = sizes.map((bytes) => handles.allocate(bytes));
  expect(blocks).not.toContain(NULL);
  return { ...made, blocks, shown: () => layout(handles, made.origin) };
}

describe('the arena', () => {
  it('has lists, payloads, the gap and headers, in this order', () => {
    const { blocks, handles, origin, shown } = heapOf([24, 40]);
    expect(shown()).toBe('b 0+40, u 40+24, u 64+40, h 104+392, b 496+16');
    expect(blocks.map((block) => block - origin)).toEqual([504, 496]);
    handles.free(blocks[0]!);
    expect(shown()).toBe('b 0+40, h 40+24, u 64+40, h 104+392, b 496+16');
    handles.compact(UNLIMITED);
    // The first header is to spare, but the second one's place is fixed.
    expect(shown()).toBe('b 0+40, u 40+40, h 80+416, b 496+16');
    handles.free(blocks[1]!);
    handles.compact(UNLIMITED);
    expect(shown()).toBe('b 0+40, h 40+472');
  });

  it('costs 8 bytes a block, and rounding to the alignment', () => {
    const { heap } = handleDevice('rmalloc').handles;
    expect([1, 8, 9, 24, 25].map((bytes) => heap.blockBytesFor(bytes))).toEqual([16, 16, 24, 32, 40]);
    const fine = handleDevice('rmalloc', { alignment: 4 }).handles.heap;
    expect([1, 8, 9, 24, 25].map((bytes) => fine.blockBytesFor(bytes))).toEqual([16, 16, 20, 32, 36]);
  });

  it('takes headers that are to spare first, so that the table does not grow', () => {
    const { blocks, handles } = heapOf([24, 24, 24]);
    handles.free(blocks[1]!);
    handles.compact(UNLIMITED);
    expect(handles.allocate(40)).toBe(blocks[1]);
  });
});

describe('requests', () => {
  it('take the first hole of a larger list, and give back the rest', () => {
    const { blocks, handles, shown } = heapOf([24, 8, 120, 8, 64, 8, 168]);
    for (const index of [0, 2, 4]) handles.free(blocks[index]!);
    handles.allocate(24);
    expect(shown()).toContain('u 200+24, h 224+40, u 264+8');
  });

  it('look in their own list when the larger ones are empty', () => {
    const { blocks, handles, shown } = heapOf([24, 8, 16, 8, 360]);
    for (const index of [0, 2]) handles.free(blocks[index]!);
    expect(handles.allocate(24)).toBe(blocks[0]);
    expect(handles.allocate(16)).toBe(blocks[2]);
    expect(shown()).not.toContain('h 40+');
  });

  it('without reuse are served by compaction alone', () => {
    const { blocks, handles } = heapOf([100, 100, 100, 100], { options: { reuse: false } });
    handles.free(blocks[0]!);
    expect(handles.allocate(50)).not.toBe(NULL);
    expect(handles.heap.lastCall.path).toBe(1 | 8);
  });
});

describe('merging at free', () => {
  const options = { mergeAtFree: true };

  it('joins a hole with those on either side, and with the gap', () => {
    const { blocks, handles, shown } = heapOf([24, 24, 24, 24], { options });
    handles.free(blocks[0]!);
    handles.free(blocks[2]!);
    handles.free(blocks[1]!);
    expect(shown()).toBe('b 0+40, h 40+72, u 112+24, h 136+344, b 480+32');
    handles.free(blocks[3]!);
    expect(shown()).toBe('b 0+40, h 40+440, b 480+32');
    expect(handles.heap.lastCall.path).toBe(1);
  });
});

describe('compaction', () => {
  it('slides what is unlocked together, over all holes', () => {
    const { blocks, handles, shown } = heapOf([24, 40, 24, 56, 24]);
    for (const index of [0, 2]) handles.free(blocks[index]!);
    const { bytesMoved, blocksMoved, blocksInTheWay } = handles.compact(UNLIMITED);
    expect({ bytesMoved, blocksMoved, blocksInTheWay }).toEqual({
      bytesMoved: 120,
      blocksMoved: 3,
      blocksInTheWay: 0,
    });
    expect(shown()).toBe('b 0+40, u 40+40, u 80+56, u 136+24, h 160+312, b 472+40');
  });

  it('fills the hole below a locked block with those above that fit', () => {
    const { blocks, handles, shown } = heapOf([64, 24, 80, 40, 16]);
    handles.free(blocks[0]!);
    handles.lock(blocks[1]!);
    expect(handles.compact(UNLIMITED)).toMatchObject({ blocksInTheWay: 1, bytesMoved: 40 + 16 });
    // 40 and 16 have jumped over the locked block 8 bytes are left, 80 are too many.
    expect(shown()).toBe('b 0+40, u 40+40, u 80+16, h 96+8, u1 104+24, u 128+80, h 208+264, b 472+40');
  });

  it('leaves bytes too few for a hole with the block below', () => {
    const { blocks, handles, shown } = heapOf([20, 24, 16], { alignment: 4 });
    handles.free(blocks[0]!);
    handles.lock(blocks[1]!);
    handles.compact(UNLIMITED);
    expect(shown()).toBe('b 0+40, u 40+20, u1 60+24, h 84+404, b 488+24');
  });

  it('leaves no request unserved for which there is room, while nothing is locked', () => {
    const anySteps = fc.array(fc.integer({ min: -20, max: 200 }), { minLength: 20, maxLength: 120 });
    let failures = 0;
    fc.assert(
      fc.property(anySteps, fc.constantFrom(4, 8, 16), (steps, alignment) => {
        const { handles } = handleDevice('rmalloc', { bytes: 1024, alignment });
        const live: number[] = [];
        for (const step of steps) {
          if (step <= 0) {
            if (live.length > 0) handles.free(live.splice(-step % live.length, 1)[0]!);
            continue;
          }
          const handle = handles.allocate(step);
          if (handle !== NULL) live.push(handle);
          else {
            failures++;
            expect(handles.heap.freeBytes()).toBeLessThan(handles.heap.blockBytesFor(step));
          }
        }
      }),
      { seed: 3, numRuns: 300 },
    );
    expect(failures).toBeGreaterThan(1000);
  });

  it('leaves nothing for a second one to do, in a full heap with locks too', () => {
    const anyBlock = fc.record({ bytes: fc.integer({ min: 8, max: 120 }), fate: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(anyBlock, { minLength: 5, maxLength: 40 }), (wishes) => {
        const options = { compactOnFailure: false };
        const { handles } = handleDevice('rmalloc', { bytes: 1024, options });
        const blocks = wishes.map(({ bytes, fate }) => ({ handle: handles.allocate(bytes), fate }));
        while (handles.allocate(8) !== NULL);
        for (const { handle, fate } of blocks) {
          if (handle !== NULL && fate === 0) handles.free(handle);
          if (handle !== NULL && fate === 1) handles.lock(handle);
        }
        handles.compact(UNLIMITED);
        handles.heap.check();
        expect(handles.compact(UNLIMITED).blocksMoved).toBe(0);
      }),
      { seed: 5, numRuns: 1000 },
    );
  });

  it('is linear in the number of blocks, however many are locked', () => {
    const accesses = (count: number) => {
      const { handles, memory } = handleDevice('rmalloc', { bytes: 64 * count });
      const blocks = Array.from({ length: count }, (_, index) => handles.allocate(index % 2 ? 40 : 16));
      for (let index = 0; index < count; index++) {
        if (index % 3 === 0) handles.free(blocks[index]!);
        else if (index % 3 === 1) handles.lock(blocks[index]!);
      }
      const before = memory.loads;
      handles.compact(UNLIMITED);
      return memory.loads - before;
    };
    expect(accesses(4000) / accesses(1000)).toBeLessThan(5);
  });
});

describe('generations', () => {
  const options = { generations: true, promoteAfter: 2, reuse: true };
  /** Ten blocks that have survived two compactions, and ten young ones above them. */
  const twoGenerations = () => {
    const made = handleDevice('rmalloc', { bytes: 4096, options });
    const { handles } = made;
    const grown = Array.from({ length: 10 }, () => handles.allocate(64));
    for (let pass = 0; pass < 2; pass++) handles.compact(UNLIMITED);
    const young = Array.from({ length: 10 }, () => handles.allocate(64));
    return { ...made, old: grown, young };
  };

  it('compact the young end alone', () => {
    const { handles, old, young } = twoGenerations();
    handles.free(old[0]!);
    handles.free(young[0]!);
    const places = old.slice(1).map((block) => addressOf(handles, block));
    expect(handles.compact(new ByteBudget(10_000))).toMatchObject({ blocksMoved: 9, finished: true });
    expect(old.slice(1).map((block) => addressOf(handles, block))).toEqual(places);
    handles.heap.check();
  });

  it('compact the old end too now and then, and when asked for all', () => {
    const { handles, old } = twoGenerations();
    handles.free(old[0]!);
    const moved = Array.from({ length: 12 }, () => handles.compact(new ByteBudget(10_000)).blocksMoved);
    expect(moved.filter((blocks) => blocks > 0)).toEqual([19]);
    const again = twoGenerations();
    again.handles.free(again.old[0]!);
    expect(again.handles.compact(UNLIMITED)).toMatchObject({ blocksMoved: 19 });
  });

  it('keep new blocks out of holes among the old ones', () => {
    const { handles, old, young } = twoGenerations();
    handles.free(old[3]!);
    handles.free(young[3]!);
    const ceiling = addressOf(handles, old[9]!);
    for (let block = handles.allocate(64); block !== NULL; block = handles.allocate(64)) {
      // Once nothing else is left the old end is compacted, and its room goes to the gap above.
      expect(addressOf(handles, block)).toBeGreaterThan(ceiling - 64);
    }
    handles.heap.check();
  });

  it('compact the old end when the young one alone does not make room', () => {
    const { handles, old } = twoGenerations();
    const triggers: number[] = [];
    handles.relocation!.watcher = { began: () => {}, ended: (made) => triggers.push(made.blocksMoved) };
    for (const block of old) handles.free(block);
    expect(handles.allocate(3000)).not.toBe(NULL);
    expect(triggers).toEqual([0, 10]);
  });
});

describe('init', () => {
  it('takes as much of the region as it is given', () => {
    const { shown, origin, memory } = heapOf([24], { options: { arenaBytes: 256 } });
    expect(shown()).toBe('b 0+40, u 40+24, h 64+184, b 248+8, b 256+256');
    expect([...memory.image(origin + 256, 256)]).toEqual(Array(256).fill(0));
  });

  it('gives no more than there is', () => {
    expect(heapOf([24], { options: { arenaBytes: 100_000 } }).shown()).toBe(heapOf([24]).shown());
  });

  it.each([
    ['heap_2', 8],
    ['heap_2_coalescing', 16],
    ['heap_4', 8],
  ])('lies in a block of %s', (outer, header) => {
    const { shown, handles } = heapOf([24], { options: { init: 'heap', outer, arenaBytes: 256 } });
    // The block's header, the arena, and what the other heap keeps for others.
    const arena = `b 0+${header}, b ${header}+40, u ${header + 40}+24, h ${header + 64}+184, b ${header + 248}+8`;
    expect(shown()).toMatch(new RegExp(`^${arena.replaceAll('+', '\\+')}, b ${header + 256}\\+`));
    handles.heap.check();
    const all = heapOf([24], { options: { init: 'heap', outer } });
    expect(all.handles.heap.largestBlockBytes!()).toBeGreaterThan(440);
  });

  it('counts the statics of both heaps', () => {
    const definition = findHeap('rmalloc')!;
    const given = { init: 'given', outer: 'heap_4', generations: false };
    expect(definition.staticBytes(given)).toBe(44);
    expect(definition.staticBytes({ ...given, init: 'heap' })).toBe(44 + 28);
    expect(definition.staticBytes({ ...given, generations: true })).toBe(52);
  });
});

describe('check()', () => {
  const setup = () => {
    const made = heapOf([24, 40, 24, 56, 24], { bytes: 512 });
    for (const index of [0, 2]) made.handles.free(made.blocks[index]!);
    made.handles.heap.check();
    return made;
  };

  it('finds any word of the statics overwritten but the top, which is where the last block ends', () => {
    for (const offset of [0, 4, 8, 16, 20, 24, 28, 32, 36]) {
      const { handles, memory, statics } = setup();
      memory.storeWord(statics + offset, memory.loadWord(statics + offset) ^ 0x10);
      expect(() => handles.heap.check(), `statics + ${offset}`).toThrow();
    }
  });

  it('finds any address or link overwritten in the table', () => {
    fc.assert(
      fc.property(
        fc.nat(4),
        fc.constantFrom(0, 4),
        fc.integer({ min: 0, max: 2 ** 22 - 1 }),
        (at, word, value) => {
          const { handles, memory, blocks } = setup();
          const address = blocks[at]! + word;
          const mask = word === 0 ? 0xffff_ffff : 2 ** 22 - 1;
          fc.pre(((memory.loadWord(address) ^ value) & mask) !== 0);
          memory.storeWord(address, value);
          expect(() => handles.heap.check()).toThrow();
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  it('finds a hole whose links were written over from below', () => {
    const { handles, memory, blocks } = setup();
    memory.storeWord(addressOf(handles, blocks[1]!) + 40, 0x1234_5678);
    expect(() => handles.heap.check()).toThrow(Corruption);
  });
});
