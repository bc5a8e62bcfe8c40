/** rmalloc_2008 beyond the contract: headers that stay behind, and what becomes of them. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HandleHeap, UNLIMITED } from '../../../src/heaps/handle-heap.js';
import { NULL } from '../../../src/heaps/heap.js';
import { addressOf, handleDevice, piecesOf, type Setup } from '../device.js';

/** `kind offset+bytes` of every piece, as one text. */
function layout(handles: HandleHeap, origin: number): string {
  const letters = { used: 'u', hole: 'h', bookkeeping: 'b' };
  return piecesOf(handles.heap)
    .map(({ kind, address, bytes, locks }) => `${letters[kind]}${locks || ''} ${address - origin}+${bytes}`)
    .join(', ');
}

function heapOf(sizes: readonly number[], setup: Setup = {}) {
  const made = handleDevice('rmalloc_2008', { bytes: 512, ...setup });
  const { handles } = made;
  const blocks = sizes.map((bytes) => handles.allocate(bytes));
  expect(blocks).not.toContain(NULL);
  return { ...made, blocks, shown: () => layout(handles, made.origin) };
}

describe('the arena', () => {
  it('has a header of 24 bytes before each payload, which is no smaller', () => {
    const { shown, handles } = heapOf([40, 8]);
    expect(shown()).toBe('b 0+24, u 24+64, u 88+48, h 136+376');
    expect([1, 24, 25].map((bytes) => handles.heap.blockBytesFor(bytes))).toEqual([48, 48, 56]);
    expect(handleDevice('rmalloc_2008', { alignment: 16 }).handles.heap.blockBytesFor(1)).toBe(64);
  });

  it('starts with the buckets where freed blocks are given out again', () => {
    expect(heapOf([40], { options: { reuse: true } }).shown()).toBe('b 0+64, u 64+64, h 128+384');
  });
});

describe('compaction', () => {
  it('moves a payload and leaves its header', () => {
    const { blocks, handles, shown } = heapOf([40, 40, 40]);
    handles.free(blocks[0]!);
    expect(handles.compact(UNLIMITED)).toMatchObject({ blocksMoved: 2, bytesMoved: 80 });
    // The second block's payload, what is left of the first, its header, the third's payload, its header.
    expect(shown()).toBe('b 0+24, u 24+40, h 64+24, b 88+24, u 112+40, b 152+24, h 176+336');
    expect(blocks.slice(1).map((block) => addressOf(handles, block))).toEqual([blocks[0]!, blocks[1]! + 24]);
  });

  it('wins back the header of a moved block once that is freed', () => {
    const { blocks, handles, shown } = heapOf([40, 40, 40]);
    handles.free(blocks[0]!);
    handles.compact(UNLIMITED);
    handles.free(blocks[1]!);
    expect(handles.heap.lastCall.path).toBe(2);
    expect(shown()).toBe('b 0+24, h 24+40, h 64+24, b 88+24, u 112+40, b 152+24, h 176+336');
    handles.free(blocks[2]!);
    handles.compact(UNLIMITED);
    expect(shown()).toBe('b 0+24, h 24+488');
  });

  it('slides a payload without its header across a hole that is too small for it', () => {
    const { blocks, handles } = heapOf([24, 40, 72]);
    handles.free(blocks[1]!);
    // 72 does not fit into the 64 bytes below its header, which stays where it is.
    expect(handles.compact(UNLIMITED)).toMatchObject({ blocksMoved: 0 });
    handles.free(blocks[0]!);
    expect(handles.compact(UNLIMITED)).toMatchObject({ blocksMoved: 1 });
    const next = handles.allocate(24);
    handles.free(next);
    handles.heap.check();
  });

  it('does not bring together what headers left behind divide', () => {
    const { blocks, handles } = heapOf([40, 24, 40, 24, 40, 24], { options: { compactOnFailure: false } });
    for (const index of [0, 2, 4]) handles.free(blocks[index]!);
    handles.compact(UNLIMITED);
    const holes = piecesOf(handles.heap).filter(({ kind }) => kind === 'hole');
    expect(holes.length).toBeGreaterThan(1);
  });

  it('is linear in the number of blocks', () => {
    const accesses = (count: number) => {
      const { handles, memory } = handleDevice('rmalloc_2008', { bytes: 100 * count });
      const blocks = Array.from({ length: count }, (_, index) => handles.allocate(index % 2 ? 56 : 24));
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

describe('freed blocks', () => {
  it('are not given out again, but won by compaction', () => {
    const { blocks, handles } = heapOf([100, 100, 100]);
    handles.free(blocks[1]!);
    expect(handles.allocate(120)).not.toBe(NULL);
    expect(handles.heap.lastCall.path).toBe(1 | 8);
  });

  it('are given out again from buckets, and split', () => {
    const { blocks, handles, shown } = heapOf([100, 100, 160], { options: { reuse: true } });
    handles.free(blocks[1]!);
    expect(handles.allocate(32)).toBe(blocks[1]);
    expect(handles.heap.lastCall.path).toBe(2 | 4);
    expect(shown()).toContain(`u 192+56, h 248+72`);
  });

  it.each([false, true])(
    'are merged at once if asked to, with the swallowed header’s bytes (reuse %s)',
    (reuse) => {
      const { blocks, handles } = heapOf([40, 40, 40, 40], { options: { mergeAtFree: true, reuse } });
      for (const index of [0, 2, 1]) {
        handles.free(blocks[index]!);
        handles.heap.check();
      }
      expect(piecesOf(handles.heap)).toContainEqual(expect.objectContaining({ kind: 'hole', bytes: 3 * 64 }));
      handles.free(blocks[3]!);
      handles.heap.check();
      expect(piecesOf(handles.heap).filter(({ kind }) => kind === 'hole')).toHaveLength(1);
    },
  );
});

describe('check()', () => {
  it('finds any word of a header overwritten but the locks', () => {
    const anyWord = fc.constantFrom(1, 2, 3, 4);
    fc.assert(
      fc.property(fc.nat(3), anyWord, fc.integer({ min: 1, max: 2 ** 20 }), (at, word, change) => {
        const { handles, memory, blocks } = heapOf([40, 40, 40, 40]);
        handles.free(blocks[0]!);
        handles.compact(UNLIMITED);
        handles.free(handles.allocate(24));
        // The first header is gone: the second block's payload lies there.
        const header = blocks[Math.max(1, at)]! + 4 * word;
        memory.storeWord(header, memory.loadWord(header) ^ change);
        expect(() => handles.heap.check()).toThrow();
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('finds any word of the statics overwritten', () => {
    for (let offset = 0; offset < 20; offset += 4) {
      const { handles, memory, statics, blocks } = heapOf([40, 40]);
      handles.free(blocks[0]!);
      memory.storeWord(statics + offset, memory.loadWord(statics + offset) ^ 0x10);
      expect(() => handles.heap.check(), `statics + ${offset}`).toThrow();
    }
  });
});
