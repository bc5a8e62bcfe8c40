/** A buddy heap gives a block its place: what stood in the way is what lies in one such place. */

import fc from 'fast-check';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { findHeap } from '../../src/heaps/catalog.js';
import { type Heap, NULL } from '../../src/heaps/heap.js';
import { analyse } from '../../src/inspect/analysis.js';
import { findBlockers } from '../../src/inspect/blockers.js';
import type { MapPiece } from '../../src/inspect/result.js';
import { parseScenario } from '../../src/scenario/load.js';
import { DEFAULT_ORIGIN, replayMachine } from '../../src/traces/replay-machine.js';
import { ran } from '../scenario/running.js';

/** Requests in bytes; negative numbers free the block with that index among the live ones. */
const history = fc.array(fc.integer({ min: -30, max: 200 }), { minLength: 5, maxLength: 60 });

function buddyAfter(steps: readonly number[]): Heap {
  const definition = findHeap('buddy')!;
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
  return heap;
}

it('releasing them makes the request succeed', () => {
  let failures = 0;
  fc.assert(
    fc.property(history, fc.integer({ min: 60, max: 512 }), (steps, wanted) => {
      const heap = buddyAfter(steps);
      if (heap.malloc(wanted) !== NULL) return;
      const pieces: MapPiece[] = [];
      heap.walk((kind, address, bytes, payload) => pieces.push({ kind, address, bytes, payload }));
      const blockers = findBlockers(pieces, heap.blockBytesFor(wanted), heap.gridOrigin);
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

it('an event knows where its block could have lain', () => {
  const text = `name: Places
target: stm32f103c8
heap: buddy
duration: 10 ms
tasks:
  main:
    priority: 2
    script:
      - repeat: { times: 200, steps: [{ alloc: { name: a, size: 500 } }] }
      - repeat: { times: 4, steps: [{ free: { name: a, which: random } }] }
      - alloc: { name: b, size: 1000 }
`;
  const scenario = parseScenario(text, 'test.yaml', { heapNames: ['buddy'] });
  const { result } = ran(scenario, { heapBytes: 14 * 1024 });
  const event = result.outOfMemory.at(-1)!;
  const { address } = analyse(result, event).blockers!;
  expect(event.gridOrigin).toBeDefined();
  expect((address - event.gridOrigin!) % event.needed).toBe(0);
});
