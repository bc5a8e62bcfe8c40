/** What a buddy heap moves to make room, held against the fewest bytes that would have done. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NULL } from '../../../src/heaps/heap.js';
import { handleDevice, type Piece, piecesOf } from '../device.js';
import { fewestMoved, type PlacedBlock } from './relocation-optimum.js';

/** A page of handles is one smallest block then, and lies behind the 16 others. */
const UNIT = 64;
const UNITS = 16;
const BYTES = 20 + UNITS + 1 + 7 + UNIT * (UNITS + 1);

/** A heap of 16 smallest blocks, and what it moved since it was last asked. */
function smallHeap(generations: boolean) {
  const { handles } = handleDevice('buddy_handles', {
    bytes: BYTES,
    options: { minimumBlock: UNIT, generations },
  });
  let bytesMoved = 0;
  handles.relocation!.watcher = {
    began: () => {},
    ended: (made) => {
      bytesMoved += made.bytesMoved;
    },
  };
  const takeMoved = () => {
    const units = bytesMoved / UNIT;
    bytesMoved = 0;
    return units;
  };
  const origin = handles.heap.gridOrigin!;
  const pieces = () =>
    piecesOf(handles.heap).filter(({ address }) => address >= origin && address < origin + UNITS * UNIT);
  return { handles, takeMoved, pieces, origin };
}

function placed(pieces: readonly Piece[], origin: number): PlacedBlock[] {
  return pieces
    .filter(({ kind }) => kind !== 'hole')
    .map(({ kind, address, bytes, locks }) => ({
      index: (address - origin) / UNIT,
      order: Math.log2(bytes / UNIT),
      isFixed: locks > 0 || kind !== 'used',
    }));
}

/** `at`: the request's order, or which block. */
const anyStep = fc.record({
  kind: fc.constantFrom('small', 'small', 'any', 'free', 'free', 'lock'),
  at: fc.nat(1000),
});
const anyHistory = fc.array(anyStep, { minLength: 60, maxLength: 150, size: 'max' });
const runs = { seed: 20_240_531, numRuns: 250 };

describe.each([false, true])('with generations %s', (generations) => {
  it.each([
    ['nothing locked', false],
    ['locked blocks', true],
  ])('and %s a request fails only where no moving about would help, and then moves nothing', (_, locks) => {
    const made = { possible: 0, impossible: 0 };
    fc.assert(
      fc.property(anyHistory, (steps) => {
        const { handles, takeMoved, pieces, origin } = smallHeap(generations);
        const live: number[] = [];
        for (const { kind, at } of steps) {
          if (kind === 'free' && live.length > 0) handles.free(live.splice(at % live.length, 1)[0]!);
          if (kind === 'lock' && live.length > 0 && locks) handles.lock(live[at % live.length]!);
          if (kind !== 'small' && kind !== 'any') continue;
          const order = at % (kind === 'small' ? 2 : 5);
          const before = pieces();
          const free = before.reduce((sum, piece) => sum + (piece.kind === 'hole' ? piece.bytes : 0), 0);
          const handle = handles.allocate(UNIT << order);
          if (handle !== NULL) live.push(handle);
          const moved = takeMoved();
          const isTooMuch = free < UNIT << order;
          const hole = before.find((piece) => piece.kind === 'hole' && piece.bytes >= UNIT << order);
          if (isTooMuch || hole !== undefined) {
            expect(moved).toBe(0);
            continue;
          }
          const fewest = fewestMoved(placed(before, origin), order, UNITS);
          expect(handle === NULL).toBe(fewest === undefined);
          if (fewest === undefined) expect(moved).toBe(0);
          // Promotions are no part of what was needed.
          else if (!generations) expect(moved).toBeLessThan(2 * fewest);
          made[fewest === undefined ? 'impossible' : 'possible']++;
          handles.heap.check();
        }
      }),
      runs,
    );
    expect(made.possible).toBeGreaterThan(100);
    if (locks) expect(made.impossible).toBeGreaterThan(5);
    else expect(made.impossible).toBe(0);
  });
});
