import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBlockers } from '../../src/inspect/blockers.js';
import type { MapPiece } from '../../src/inspect/result.js';

const ORIGIN = 0x2000_0000;

/** Lays pieces end to end: positive sizes are blocks, negative ones holes, 0 bookkeeping of 8 bytes. */
function mapOf(sizes: readonly number[]): MapPiece[] {
  let address = ORIGIN;
  return sizes.map((size) => {
    const bytes = size === 0 ? 8 : Math.abs(size);
    const piece: MapPiece = { kind: size === 0 ? 'bookkeeping' : size > 0 ? 'used' : 'hole', address, bytes };
    address += bytes;
    return piece;
  });
}

/** Tries every stretch of pieces without bookkeeping. */
function bruteForce(
  pieces: readonly MapPiece[],
  needed: number,
): { bytes: number; blocks: number } | undefined {
  let best: { bytes: number; blocks: number } | undefined;
  for (let first = 0; first < pieces.length; first++) {
    for (let last = first; last < pieces.length && pieces[last]!.kind !== 'bookkeeping'; last++) {
      if (pieces[first]!.kind === 'bookkeeping') break;
      const stretch = pieces.slice(first, last + 1);
      if (stretch.reduce((sum, piece) => sum + piece.bytes, 0) < needed) continue;
      const used = stretch.filter((piece) => piece.kind === 'used');
      const found = { bytes: used.reduce((sum, piece) => sum + piece.bytes, 0), blocks: used.length };
      const cheaper =
        best === undefined ||
        found.bytes < best.bytes ||
        (found.bytes === best.bytes && found.blocks < best.blocks);
      if (cheaper) best = found;
    }
  }
  return best;
}

describe('blockers', () => {
  it('are the blocks between holes that together would do', () => {
    const blockers = findBlockers(mapOf([64, -32, 16, -32, 64, -40]), 80);
    expect(blockers).toMatchObject({ address: ORIGIN + 64, bytes: 80, blockBytes: 16 });
    expect(blockers?.blocks).toHaveLength(1);
  });

  it('are none where the holes only had to be merged', () => {
    expect(findBlockers(mapOf([64, -32, -32, 64]), 64)?.blocks).toEqual([]);
  });

  it('never reach over bookkeeping', () => {
    expect(findBlockers(mapOf([-64, 0, -64]), 100)).toBeUndefined();
  });

  it('never reach over a gap between regions', () => {
    const [first, second] = mapOf([-64, -64]);
    expect(findBlockers([first!, { ...second!, address: ORIGIN + 4096 }], 100)).toBeUndefined();
  });

  describe('on a grid', () => {
    const onGrid = (sizes: readonly number[], needed: number) => {
      const found = findBlockers(mapOf(sizes), needed, ORIGIN + 8);
      return found && [found.address - ORIGIN - 8, found.blockBytes, found.blocks.length];
    };

    it('are those of one place, however cheap it is between two', () => {
      expect(onGrid([0, 16, -16, -16, 16], 32)).toEqual([0, 16, 1]);
      expect(onGrid([0, 32, -16, 16, -16, 8, 8], 32)).toEqual([32, 16, 1]);
    });

    it('are the whole block that the place is a part of', () => {
      expect(onGrid([0, 64, 32, -32], 32)).toEqual([96, 0, 0]);
      expect(onGrid([0, 64, 32, -16], 32)).toEqual([64, 32, 1]);
      expect(onGrid([0, 64], 32)).toEqual([0, 64, 1]);
    });

    it('do not go beyond the last place that is whole', () => {
      expect(onGrid([0, -24], 32)).toBeUndefined();
      expect(onGrid([0, -16, 0, -24], 32)).toBeUndefined();
    });
  });

  it('are no dearer than any other set of neighbours', () => {
    const size = fc.integer({ min: -12, max: 12 }).map((units) => units * 8);
    fc.assert(
      fc.property(
        fc.array(size, { minLength: 1, maxLength: 14 }),
        fc.integer({ min: 1, max: 40 }),
        (sizes, units) => {
          const pieces = mapOf(sizes);
          const found = findBlockers(pieces, units * 8);
          const best = bruteForce(pieces, units * 8);
          expect(found && { bytes: found.blockBytes, blocks: found.blocks.length }).toEqual(best);
        },
      ),
      { seed: 1, numRuns: 2000 },
    );
  });
});
