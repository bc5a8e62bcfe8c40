import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalog, findHeap } from '../../src/heaps/catalog.js';
import { smallestArena } from '../../src/studies/size.js';
import { candidateFor, TraceWorkload } from '../../src/studies/workload.js';
import { simulateLocks } from '../../src/traces/lock-simulation.js';
import { parseTrace } from '../../src/traces/read.js';
import { replayOptions } from '../../src/traces/replay-machine.js';

const ALIGNMENT = 8;

function workload(text: string): TraceWorkload {
  return new TraceWorkload(parseTrace(text, 'trace'), ALIGNMENT);
}

/** Blocks come and go; ids are never used twice. */
const anyTrace = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.nat(), fc.nat(2)), { minLength: 1, maxLength: 40 })
  .map((calls) => {
    const live: number[] = [];
    return calls
      .flatMap(([bytes, pick, kind], id) => {
        if (kind === 0 && live.length > 0) return [`f ${live.splice(pick % live.length, 1)}`];
        live.push(id);
        return [`a ${id} ${bytes}`];
      })
      .join('\n');
  });

describe('the peak of live bytes', () => {
  it.each([
    ['a 0 10\na 1 20\nf 0\na 2 5', 30],
    ['a 0 10\nr 0 30\nr 0 5\na 1 20', 30],
    ['c 0 3 10\nf 0\na 1 7', 30],
    ['r 0 50\na 0 10', 10],
    ['f 0\nl 0', 0],
  ])('%s', (text, peak) => {
    expect(workload(text).peakLiveBytes).toBe(peak);
  });
});

describe.each(catalog.map((heap) => [heap.name, heap] as const))(
  'the smallest arena for %s',
  (_name, heap) => {
    it('is the smallest of all sizes that pass, and every larger one that fails is named', () => {
      fc.assert(
        fc.property(anyTrace, (text) => {
          const load = workload(text);
          const candidate = candidateFor(heap, replayOptions(heap));
          const { arenaBytes, failingAbove } = smallestArena(load, candidate, { scan: 4096 });
          const sizes = Array.from({ length: 1500 }, (_, index) => (index + 1) * ALIGNMENT);
          const possible = sizes.filter(
            (bytes) => bytes >= heap.minimumArenaBytes(ALIGNMENT, candidate.options),
          );
          const passing = possible.filter((bytes) => load.passes(candidate, bytes));
          expect(arenaBytes).toBe(passing[0]);
          const failing = possible.filter((bytes) => bytes > arenaBytes! && bytes <= 2 * arenaBytes!);
          if (heap.firstFitByAddress !== true) {
            expect(failingAbove).toEqual(failing.filter((bytes) => !passing.includes(bytes)));
          }
        }),
        { seed: 20_261_121, numRuns: 12 },
      );
    });
  },
);

describe('the search', () => {
  const heap4 = candidateFor(findHeap('heap_4')!);

  it('needs two runs where the high-water mark answers', () => {
    const { method, runs } = smallestArena(workload('a 0 100\na 1 50\nf 0\na 2 60'), heap4, { scan: 8 });
    expect({ method, runs }).toEqual({ method: 'high-water mark', runs: 2 });
  });

  it('sees a block grow beyond the mark from an address below it', () => {
    const { arenaBytes } = smallestArena(workload('a 0 100\nf 0\na 1 500\nf 1\na 2 50'), heap4, { scan: 8 });
    expect(arenaBytes).toBe(8 + 504 + 8);
  });

  it('gives up on what no arena could hold', () => {
    const result = smallestArena(workload('a 0 4000000000'), heap4, { scan: 8 });
    expect(result).toMatchObject({ arenaBytes: undefined, overPeakLive: undefined, runs: 0 });
  });

  it('says on which line that stands, calloc and simulated locks included', () => {
    const text = '# header\na 0 8\n\nl 0\nu 0\nf 0\nc 1 65536 4096\n';
    for (const trace of [parseTrace(text, 'x.trace'), simulateLocks(parseTrace(text, 'x.trace'))]) {
      const { obstacle } = smallestArena(new TraceWorkload(trace, ALIGNMENT), heap4, { scan: 8 });
      expect(obstacle).toMatchObject({
        kind: 'request',
        bytes: 2 ** 28,
        place: { file: 'x.trace', line: 7 },
      });
    }
  });

  it('takes the first request that is too much where each alone would not be', () => {
    const { obstacle } = smallestArena(workload('a 0 40000000\na 1 8\na 2 40000000'), heap4, { scan: 8 });
    expect(obstacle).toMatchObject({ kind: 'request', bytes: 40_000_000, place: { operation: 2, line: 3 } });
  });

  it('has nothing to say where an arena was found', () => {
    expect(smallestArena(workload('a 0 8'), heap4, { scan: 8 })).not.toHaveProperty('obstacle');
  });

  it('gives the same answer when it only looks below', () => {
    fc.assert(
      fc.property(
        anyTrace,
        fc.constantFrom('worst_fit', 'next_fit', 'rmalloc', 'heap_2_coalescing'),
        (text, name) => {
          const load = workload(text);
          const candidate = candidateFor(findHeap(name)!);
          const both = smallestArena(load, candidate, { scan: 8 });
          const below = smallestArena(load, candidate, { scan: 8, belowOnly: true });
          expect(below.arenaBytes).toBe(both.arenaBytes);
          expect(below.failingAbove.every((bytes) => both.failingAbove.includes(bytes))).toBe(true);
        },
      ),
      { seed: 20_261_122, numRuns: 40 },
    );
  });
});
