import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../src/heaps/catalog.js';
import { NULL } from '../../src/heaps/heap.js';
import { findBlockers } from '../../src/inspect/blockers.js';
import type { MapPiece } from '../../src/inspect/result.js';
import { DEFAULT_ORIGIN, replayMachine } from '../../src/traces/replay-machine.js';

/** Requests in bytes; negative numbers free the block with that index among the live ones. */
const history = fc.array(fc.integer({ min: -30, max: 200 }), { minLength: 5, maxLength: 60 });

// Where a hole that is large enough may be passed over, a larger one would have to be made.
const heaps = catalog.filter((heap) => heap.coalesces && heap.mayPassOverAHole !== true);

describe('releasing the blockers', () => {
  it.each(heaps.map((heap) => heap.name))('makes the request succeed on %s', (name) => {
    const definition = catalog.find((heap) => heap.name === name)!;
    let failures = 0;
    fc.assert(
      fc.property(history, fc.integer({ min: 100, max: 900 }), (steps, wanted) => {
        const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes: 1024 };
        const { heap } = replayMachine(definition, v.parse(definition.options, {}), [region], 8);
        const live: number[] = [];
        for (const step of steps) {
          if (step > 0) {
            const address = heap.malloc(step);
            if (address !== NULL) live.push(address);
          } else if (live.length > 0) {
            heap.free(live.splice(-step % live.length, 1)[0]!);
          }
        }
        if (heap.malloc(wanted) !== NULL) return;
        const pieces: MapPiece[] = [];
        heap.walk((kind, address, bytes, payload) => pieces.push({ kind, address, bytes, payload }));
        const blockers = findBlockers(pieces, heap.blockBytesFor(wanted));
        if (blockers === undefined) return;
        failures++;
        for (const block of blockers.blocks) heap.free(block.payload!);
        expect(heap.malloc(wanted)).not.toBe(NULL);
        heap.check();
      }),
      { seed: 1, numRuns: 800 },
    );
    expect(failures).toBeGreaterThan(100);
  });
});

it('releasing whole slabs makes a request succeed that slabs kept from the inner heap', () => {
  let slabs = 0;
  const sizes = fc.array(fc.constantFrom(10, 30, 60, 120, 150), { minLength: 30, maxLength: 60 });
  const given = fc.array(fc.nat(), { minLength: 5, maxLength: 40 });
  fc.assert(
    fc.property(sizes, given, fc.integer({ min: 200, max: 900 }), (requests, frees, wanted) => {
      const definition = catalog.find(({ name }) => name === 'slab')!;
      const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes: 2048 };
      const options = v.parse(definition.options, { inner: 'first_fit', slabBytes: 256 });
      const { heap } = replayMachine(definition, options, [region], 8);
      const live = requests.map((bytes) => heap.malloc(bytes)).filter((address) => address !== NULL);
      for (const index of frees) if (live.length > 0) heap.free(live.splice(index % live.length, 1)[0]!);
      if (heap.malloc(wanted) !== NULL) return;
      const pieces: MapPiece[] = [];
      heap.walk((kind, address, bytes, payload) => pieces.push({ kind, address, bytes, payload }));
      heap.walkPages!((page, bytes) => {
        for (const piece of pieces)
          if (piece.address >= page && piece.address < page + bytes) piece.page = page;
      });
      const { blocks } = findBlockers(pieces, heap.blockBytesFor(wanted))!;
      if (blocks.some(({ page }) => page !== undefined)) slabs++;
      for (const block of blocks) heap.free(block.payload!);
      expect(heap.malloc(wanted)).not.toBe(NULL);
    }),
    { seed: 1, numRuns: 500 },
  );
  expect(slabs).toBeGreaterThan(100);
});
