import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MapPiece, OutOfMemoryEvent, RunResult } from '../../src/inspect/result.js';
import { blockMap, grid, legend } from '../../src/report/map.js';
import { type Cell, cellBytesFor, cellsOf } from '../../src/report/map-cells.js';
import { ownersOf } from '../../src/report/owners.js';
import { ARENA, ORIGIN, paint, showcase, stripped } from './fixture.js';

const RESULT = showcase(1);
const EVENT = RESULT.outOfMemory[0]!;
const REGION = RESULT.heap.regions[0]!;

function total(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell) => sum + cell.bytes, 0);
}

function used(address: number, bytes: number, owner: string, headerBytes = 8): MapPiece {
  return {
    kind: 'used',
    address,
    bytes,
    payload: address + headerBytes,
    requested: bytes - headerBytes,
    owner,
    label: 'b',
  };
}

function hole(address: number, bytes: number): MapPiece {
  return { kind: 'hole', address, bytes };
}

describe('cells', () => {
  it.each([8, 16, 64, 1024])('of %d bytes cover the arena', (cellBytes) => {
    const cells = cellsOf(REGION, EVENT.map, cellBytes);
    expect(total(cells)).toBe(ARENA);
    expect(cells[0]!.address).toBe(ORIGIN);
  });

  it('cover any arena, whatever its pieces', () => {
    const pieces = fc.array(
      fc.tuple(fc.constantFrom('used', 'hole', 'bookkeeping'), fc.integer({ min: 1, max: 40 })),
      {
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(pieces, fc.constantFrom(8, 16, 32), (sizes, cellBytes) => {
        let address = 0;
        const map = sizes.map(([kind, words]): MapPiece => {
          const piece = { kind, address, bytes: words * 4, payload: address + 4 } as MapPiece;
          address += words * 4;
          return piece;
        });
        const cells = cellsOf({ name: 'heap', origin: 0, bytes: address }, map, cellBytes);
        expect(total(cells)).toBe(address);
        expect(cells.some((cell) => cell.kind === 'broken')).toBe(false);
      }),
    );
  });

  it('show what covers most of them', () => {
    const region = { name: 'heap', origin: 0, bytes: 64 };
    const map = [used(0, 24, 'a'), hole(24, 20), used(44, 20, 'b')];
    const kinds = cellsOf(region, map, 16).map(({ kind, owner }) => owner ?? kind);
    expect(kinds).toEqual(['a', 'a', 'hole', 'b']);
  });

  it('know where blocks begin, and holes that touch others', () => {
    const region = { name: 'heap', origin: 0, bytes: 64 };
    const map = [used(0, 32, 'a'), hole(32, 16), hole(48, 16)];
    expect(cellsOf(region, map, 16).map((cell) => cell.begins)).toEqual([true, false, false, true]);
  });

  it('are broken where the map ends early', () => {
    const cells = cellsOf(REGION, EVENT.map.slice(0, 3), 16);
    expect(total(cells)).toBe(ARENA);
    expect(cells.at(-1)!.kind).toBe('broken');
  });

  it('end with the region, whatever a piece says', () => {
    const region = { name: 'heap', origin: 0, bytes: 64 };
    const cells = cellsOf(region, [hole(0, 32), used(32, 4096, 'a')], 8);
    expect(total(cells)).toBe(64);
    expect(cells.at(-1)).toMatchObject({ kind: 'used', bytes: 8 });
  });

  it('are so large that the rows suffice', () => {
    expect(cellBytesFor([REGION], 64, 16)).toBe(16);
    expect(cellBytesFor([REGION], 128, 16)).toBe(8);
    expect(cellBytesFor([{ ...REGION, bytes: 512 * 1024 }], 64, 16)).toBe(512);
    expect(cellBytesFor([REGION, REGION, REGION], 64, 2)).toBe(256);
  });
});

describe('owners', () => {
  it('have letters after their names, each its own, the largest first', () => {
    const owners = ownersOf(EVENT, paint(80));
    expect(new Set(owners.map((owner) => owner.letter)).size).toBe(owners.length);
    expect(
      owners
        .map((owner) => owner.letter)
        .sort()
        .join(''),
    ).toBe('DFILRS');
    expect(owners.map((owner) => owner.bytes)).toEqual(
      owners.map((owner) => owner.bytes).sort((a, b) => b - a),
    );
  });

  it('share a letter when the alphabet is used up', () => {
    const liveByOwner = Array.from({ length: 40 }, (_, index) => ({
      owner: `t${index}`,
      blocks: 1,
      bytes: 8,
      requested: 8,
    }));
    const letters = ownersOf({ ...EVENT, liveByOwner }, paint(80)).map((owner) => owner.letter);
    expect(new Set(letters.slice(0, 36)).size).toBe(36);
    expect(letters.slice(36)).toEqual(['*', '*', '*', '*']);
  });
});

describe('the map', () => {
  const rows = (text: string) =>
    text.split('\n').filter((line) => /^ {2}0x[\da-f]{8} {2}\S{32,}$/.test(line));

  it('has a legend with every owner, and accounts for every byte', () => {
    const lines = legend(RESULT, EVENT, paint(80)).split('\n');
    for (const { name, letter, bytes, blocks } of ownersOf(EVENT, paint(80))) {
      const line = lines.find((candidate) => candidate.includes(` ${name} `))!;
      expect(line).toMatch(new RegExp(`^ +${letter} .*${bytes.toLocaleString('en')} B.* ${blocks} blocks`));
    }
    const sum = lines.reduce(
      (all, line) => all + Number(/([\d,]+) B/.exec(line)![1]!.replaceAll(',', '')),
      0,
    );
    expect(sum).toBe(ARENA);
  });

  it.each([
    [60, 16, 32],
    [80, 16, 64],
    [120, 11, 96],
  ])('at %d columns has %d rows of %d cells', (width, count, length) => {
    const found = rows(grid(RESULT, EVENT, paint(width)));
    expect(found).toHaveLength(count);
    for (const row of found.slice(0, -1)) expect(row).toHaveLength(14 + length);
    expect(found[0]).toContain('0x20000c18');
  });

  it('keeps its symbols in colour', () => {
    expect(stripped(blockMap(RESULT, EVENT, paint(80, 3)))).toBe(blockMap(RESULT, EVENT, paint(80)));
  });

  it('draws each region by itself', () => {
    const second = 0x3000_0000;
    const regions = [REGION, { name: 'CCM', origin: second, bytes: 1024 }];
    const result: RunResult = { ...RESULT, heap: { ...RESULT.heap, regions } };
    const event: OutOfMemoryEvent = { ...EVENT, map: [...EVENT.map, hole(second, 1024)] };
    const text = grid(result, event, paint(80), { rows: 32 });
    expect(text).toContain('CCM, 1 KiB');
    expect(text).toContain(`0x30000000  ${'·'.repeat(64)}`);
  });

  it('shows how far a broken heap could be read', () => {
    const event: OutOfMemoryEvent = { ...EVENT, map: EVENT.map.slice(0, 4), corruption: 'broken' };
    const text = blockMap(RESULT, event, paint(80));
    expect(text).toContain('?????');
    expect(text).toContain('beyond the break');
  });
});
