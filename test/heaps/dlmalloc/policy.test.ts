/** Which hole dlmalloc takes: single cases, and any sequence of calls held against a model without bins. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dlmalloc } from '../../../src/heaps/dlmalloc/dlmalloc.js';
import { treeIndexOf, treeShift, VICTIM, VICTIM_BYTES } from '../../../src/heaps/dlmalloc/layout.js';
import { NULL, NULL_CALL } from '../../../src/heaps/heap.js';
import { type Device, device, imageOf, listed, ORIGIN, piecesOf, type Setup } from '../device.js';
import { DlmallocModel } from './dlmalloc-model.js';

/** 4096 bytes are top but for the 40 bytes behind it. */
const TOP = 4096 - 40;
const made = (setup: Setup = {}) => {
  const board = device('dlmalloc', setup);
  return { ...board, heap: board.heap as Dlmalloc };
};

/** Blocks with a small live one behind each, so that none of them touches another when freed. */
function apart(board: Device, ...sizes: number[]): number[] {
  return sizes.map((bytes) => {
    const block = board.heap.malloc(bytes);
    board.heap.malloc(1);
    return block;
  });
}

function victimOf({ memory, statics }: Device): readonly [offset: number, bytes: number] {
  const victim = memory.loadWord(statics + VICTIM);
  return [victim === NULL ? -1 : victim - ORIGIN, memory.loadWord(statics + VICTIM_BYTES)];
}

describe('tree bins of dlmalloc', () => {
  it.each([
    [256, 0],
    [376, 0],
    [384, 1],
    [512, 2],
    [768, 3],
    [1024, 4],
    [2 ** 23, 30],
    [2 ** 23 + 2 ** 22, 31],
    [2 ** 24, 31],
    [2 ** 31 - 8, 31],
  ])('%i bytes are in bin %i', (bytes, bin) => expect(treeIndexOf(bytes)).toBe(bin));

  it.each([
    [256, 64],
    [384, 64],
    [512, 128],
    [1024, 256],
    [2 ** 22, 2 ** 20],
  ])('sizes from %i on branch at %i first', (bytes, branch) => {
    const shifted = (size: number) => (size << treeShift(treeIndexOf(size))) >>> 31;
    expect([shifted(bytes), shifted(bytes + branch - 8), shifted(bytes + branch)]).toEqual([0, 0, 1]);
  });
});

describe('a fresh dlmalloc', () => {
  it('is one hole, of which 8 bytes are kept', () => {
    const board = made();
    expect(listed(board, 'hole')).toEqual([`4:${TOP - 8}`]);
    expect(board.heap.freeBytes()).toBe(TOP - 8);
    expect(board.heap.malloc(TOP - 8 - 3)).toBe(NULL);
    expect(board.heap.malloc(TOP - 8 - 4)).toBe(ORIGIN + 8);
    expect([board.heap.freeBytes(), board.heap.malloc(0)]).toEqual([0, NULL]);
    board.heap.check();
  });

  it('has nothing to give in an arena that is too small', () => {
    const { heap } = made({ bytes: 60 });
    expect([heap.freeBytes(), heap.malloc(1)]).toEqual([0, NULL]);
    heap.check();
  });

  it('adds 4 bytes, or 8 with footers, and rounds to 8 and to 16 at least', () => {
    const sizes = [0, 12, 13, 20, 21];
    const chunks = (footers: boolean) => {
      const { heap } = made({ options: { footers } });
      const announced = sizes.map((bytes) => heap.blockBytesFor(bytes));
      for (const bytes of sizes) heap.malloc(bytes);
      const taken = piecesOf(heap).filter(({ kind }) => kind === 'used');
      expect(taken.map(({ bytes }) => bytes)).toEqual(announced);
      return announced;
    };
    expect(chunks(false)).toEqual([16, 16, 24, 24, 32]);
    expect(chunks(true)).toEqual([16, 24, 24, 32, 32]);
  });

  it.each([2 ** 31 - 16, 2 ** 31 - 15, 2 ** 31, 2 ** 32 - 64, 2 ** 32 - 1])(
    'gives nothing for %i bytes, and nothing changes',
    (bytes) => {
      const { heap, memory } = made();
      const before = imageOf(memory);
      expect(heap.malloc(bytes)).toBe(NULL);
      expect(imageOf(memory) === before).toBe(true);
    },
  );
});

describe('malloc of dlmalloc', () => {
  it('takes a small hole of its size, the last freed first, before all others', () => {
    const board = made();
    const [first, second, other] = apart(board, 44, 44, 60);
    for (const block of [first, second, other]) board.heap.free(block!);
    expect([board.heap.malloc(44), board.heap.malloc(40)]).toEqual([second, first]);
  });

  it('takes one that is 8 bytes larger whole', () => {
    const board = made();
    const [hole] = apart(board, 52);
    board.heap.free(hole!);
    expect(board.heap.malloc(44)).toBe(hole);
    expect(victimOf(board)).toEqual([-1, 0]);
    expect(piecesOf(board.heap).find(({ payload }) => payload === hole)!.bytes).toBe(56);
  });

  it('makes the rest of a small hole the victim, and carves the next ones from it', () => {
    const board = made();
    const [hole] = apart(board, 124);
    board.heap.free(hole!);
    expect(board.heap.malloc(28)).toBe(hole);
    expect(victimOf(board)).toEqual([hole! - 8 + 32 - ORIGIN, 96]);
    expect([board.heap.malloc(28), board.heap.malloc(28)]).toEqual([hole! + 32, hole! + 64]);
    expect(victimOf(board)[1]).toBe(32);
    expect(board.heap.malloc(20)).toBe(hole! + 96);
    // 8 bytes are too few for a victim.
    expect(victimOf(board)).toEqual([-1, 0]);
    board.heap.check();
  });

  it('files the victim when the rest of another hole takes its place', () => {
    const board = made();
    const [first, second] = apart(board, 60, 92);
    board.heap.free(first!);
    expect(board.heap.malloc(28)).toBe(first);
    board.heap.free(second!);
    expect(board.heap.malloc(44)).toBe(second);
    expect(victimOf(board)).toEqual([second! - 8 + 48 - ORIGIN, 48]);
    // Now an exact hole, which comes before the victim.
    expect(board.heap.malloc(28)).toBe(first! + 32);
  });

  it('takes the smallest hole of a tree for a small request; its rest is the victim', () => {
    const board = made();
    const [, middle] = apart(board, 700, 300, 500).map((block) => {
      board.heap.free(block);
      return block;
    });
    expect(board.heap.malloc(100)).toBe(middle);
    expect(victimOf(board)).toEqual([middle! - 8 + 104 - ORIGIN, 200]);
    board.heap.check();
  });

  it.each([
    [300, 308],
    [309, 316],
    [317, 348],
    [349, 380],
    [381, 500],
    [500, 500],
    [501, 604],
  ])('takes for %i bytes the hole of %i', (bytes, expected) => {
    const board = made();
    const sizes = [500, 348, 604, 308, 380, 316];
    const holes = apart(board, ...sizes);
    for (const hole of holes) board.heap.free(hole);
    expect(board.heap.malloc(bytes)).toBe(holes[sizes.indexOf(expected)]);
    board.heap.check();
  });

  it('takes of large holes of one size the one that was freed first', () => {
    const board = made();
    const holes = apart(board, 300, 300, 300);
    for (const hole of holes) board.heap.free(hole);
    expect(holes.map(() => board.heap.malloc(300))).toEqual(holes);
  });

  it('files the rest of a large hole, and leaves the victim as it is', () => {
    const board = made();
    const [small, large] = apart(board, 60, 700);
    board.heap.free(small!);
    board.heap.malloc(28);
    const victim = victimOf(board);
    board.heap.free(large!);
    expect(board.heap.malloc(300)).toBe(large);
    expect(victimOf(board)).toEqual(victim);
    board.heap.check();
  });

  it('takes the victim for a large request where no tree has a closer hole', () => {
    const board = made();
    const [first, second] = apart(board, 900, 700);
    board.heap.free(first!);
    board.heap.malloc(100);
    board.heap.free(second!);
    // The victim has 800 bytes, the hole 704.
    expect(board.heap.malloc(720)).toBe(first! + 104);
    expect(board.heap.malloc(600)).toBe(second);
  });

  it('takes top last', () => {
    const board = made();
    const [hole] = apart(board, 300);
    board.heap.free(hole!);
    const top = listed(board, 'hole').at(-1)!;
    board.heap.malloc(200);
    board.heap.malloc(40);
    expect(listed(board, 'hole').at(-1)).toBe(top);
    board.heap.malloc(400);
    expect(listed(board, 'hole').at(-1)).not.toBe(top);
  });
});

describe('free of dlmalloc', () => {
  it('of NULL has no effect', () => {
    const { heap, memory } = made();
    const before = imageOf(memory);
    heap.free(NULL);
    expect(heap.lastCall.path).toBe(NULL_CALL);
    expect(imageOf(memory) === before).toBe(true);
  });

  it.each([
    ['alone', [1], '60:48'],
    ['with the hole before', [0, 1], '4:104'],
    ['with the hole behind', [2, 1], '60:96'],
    ['with both', [0, 2, 1], '4:152'],
    ['with top', [3], `156:${TOP - 8 - 152}`],
    ['with the hole before and top', [2, 3], `108:${TOP - 8 - 104}`],
  ])('files a block %s', (_how, order, hole) => {
    const board = made();
    const blocks = [52, 44, 44, 44].map((bytes) => board.heap.malloc(bytes));
    for (const index of order) board.heap.free(blocks[index]!);
    expect(listed(board, 'hole')).toContain(hole);
    board.heap.check();
  });

  it('joins the victim on either side, and hands it to top', () => {
    const board = made();
    const blocks = [44, 124, 44].map((bytes) => board.heap.malloc(bytes));
    board.heap.free(blocks[1]!);
    const piece = board.heap.malloc(28);
    expect(victimOf(board)[1]).toBe(96);
    board.heap.free(piece);
    expect(victimOf(board)).toEqual([48, 128]);
    board.heap.free(blocks[0]!);
    expect(victimOf(board)).toEqual([0, 176]);
    board.heap.free(blocks[2]!);
    expect(victimOf(board)).toEqual([-1, 0]);
    expect(listed(board, 'hole')).toEqual([`4:${TOP - 8}`]);
    board.heap.check();
  });
});

describe('resize of dlmalloc', () => {
  it('grows into top, but leaves it its last 8 bytes', () => {
    const board = made();
    const block = board.heap.malloc(40);
    expect(board.heap.resize(block, TOP - 8 - 3)).toBe(false);
    expect(board.heap.resize(block, TOP - 8 - 4)).toBe(true);
    expect(board.heap.freeBytes()).toBe(0);
    board.heap.check();
  });

  it('keeps a rest of 8 bytes, gives back one of 16', () => {
    const board = made();
    const [block] = apart(board, 60);
    board.heap.resize(block!, 52);
    expect(listed(board, 'hole')).toHaveLength(1);
    board.heap.resize(block!, 44);
    expect(listed(board, 'hole')).toHaveLength(2);
    board.heap.check();
  });

  it('does not move', () => {
    const board = made();
    const [block] = apart(board, 60);
    const before = imageOf(board.memory);
    expect([board.heap.resize(block!, 61), board.heap.resize(block!, 2 ** 32 - 1)]).toEqual([false, false]);
    expect(imageOf(board.memory) === before).toBe(true);
  });
});

const anyBytes = fc.oneof(
  fc.nat(100),
  fc.integer({ min: 230, max: 520 }),
  fc.integer({ min: 230, max: 2500 }),
);
const anyCall = fc.record({
  kind: fc.constantFrom('malloc', 'malloc', 'malloc', 'free', 'free', 'resize'),
  bytes: anyBytes,
  pick: fc.nat(1000),
});

/** One call on both; the answers are the same, and so are all holes and the victim. */
function compare(
  board: ReturnType<typeof made>,
  model: DlmallocModel,
  live: number[],
  { kind, bytes, pick }: { kind: string; bytes: number; pick: number },
): void {
  const { heap } = board;
  const wanted = heap.blockBytesFor(bytes);
  const index = pick % Math.max(1, live.length);
  const offset = live[index];
  if (kind === 'malloc') {
    const address = heap.malloc(bytes);
    const expected = model.allocate(wanted);
    expect(address === NULL ? undefined : address - 8 - ORIGIN).toBe(expected);
    if (expected !== undefined) live.push(expected);
  } else if (offset !== undefined && kind === 'free') {
    heap.free(ORIGIN + offset + 8);
    model.free(offset);
    live.splice(index, 1);
  } else if (offset !== undefined) {
    expect(heap.resize(ORIGIN + offset + 8, bytes)).toBe(model.resize(offset, wanted));
  }
  expect(listed(board, 'hole').map((hole) => hole.replace(/^\d+/, (at) => String(Number(at) - 4)))).toEqual(
    model.holes,
  );
  expect(victimOf(board)[0]).toBe(model.victim?.offset ?? -1);
  heap.check();
}

describe.each([false, true])('dlmalloc with footers %s', (footers) => {
  it('answers any sequence of calls as the model', () => {
    const calls = fc.array(anyCall, { minLength: 1, maxLength: 200, size: 'max' });
    fc.assert(
      fc.property(calls, fc.constantFrom(4096, 32_768), (sequence, bytes) => {
        const board = made({ bytes, options: { footers } });
        const model = new DlmallocModel(bytes - 40);
        const live: number[] = [];
        for (const call of sequence) compare(board, model, live, call);
        for (const offset of live) board.heap.free(ORIGIN + offset + 8);
        expect(listed(board, 'hole')).toEqual([`4:${bytes - 48}`]);
      }),
      { seed: 20_240_531, numRuns: 150 },
    );
  });
});
