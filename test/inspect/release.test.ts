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

describe('releasing the blockers', () => {
  it.each(catalog.filter((heap) => heap.coalesces).map((heap) => heap.name))(
    'makes the request succeed on %s',
    (name) => {
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
    },
  );
});
