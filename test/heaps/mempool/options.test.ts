/** Which options mempool takes, and that every set it takes can serve something. */

import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import type { HeapOptions } from '../../../src/heaps/definition.js';
import { NULL } from '../../../src/heaps/heap.js';
import { minimumArenaBytes, options } from '../../../src/heaps/mempool/options.js';
import { mempool } from './setup.js';

/** What is expected instead, by the option it is about. */
function refusal(chosen: HeapOptions): Record<string, string> {
  const { issues = [] } = v.safeParse(options, chosen);
  return Object.fromEntries(issues.map((issue) => [v.getDotPath(issue)!, issue.message]));
}

describe('an option of mempool is refused', () => {
  it.each<[HeapOptions, string]>([
    [{ segmentBytes: 1 }, '0, or a whole number from 128 to 1073741824: 4 fragments'],
    [{ segmentBytes: 127 }, '0, or a whole number from 128 to 1073741824: 4 fragments'],
    [{ segmentBytes: 511, fragmentBytes: 128 }, '0, or a whole number from 512 to 1073741824: 4 fragments'],
    [
      { segmentBytes: 1000, heapPageFragments: 32, metadata: 'outside' },
      '0, or a whole number from 1024 to 1073741824: 32 fragments',
    ],
  ])('%o, for a segment of so few fragments', (chosen, expected) => {
    expect(refusal(chosen)).toEqual({ segmentBytes: expected });
  });

  it('where no object would fit into a page of a cache', () => {
    expect(refusal({ cachePageFragments: 1, fragmentBytes: 16 })).toEqual({
      cachePageFragments: 'a whole number from 2 to 32: a page with room for an object',
    });
    expect(refusal({ cachePageFragments: 1 })).toEqual({});
  });

  it.each([
    'heapPageFragments',
    'heapMaximumBytes',
    'cachePageFragments',
    'caches',
    'segmentBytes',
    'scans',
    'pageLifetimeTicks',
    'defragFree',
    'defragPeriod',
  ])('%s, if it is no whole number, negative or huge', (name) => {
    for (const value of [-1, 1.5, 2 ** 31 + 1, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(refusal({ [name]: value })[name]).toMatch(/^a whole number from \d+ to \d+$/);
    }
  });
});

describe('mempool serves a small block, fragments and an object', () => {
  const fragmentSizes = ['auto', 16, 32, 64, 128, 256, 512] as const;
  const sets = fragmentSizes.flatMap((fragmentBytes) =>
    (['inside', 'outside'] as const).flatMap((metadata) =>
      [0, 1, 3, 4, 31, 32].map((heapPageFragments) => ({ fragmentBytes, metadata, heapPageFragments })),
    ),
  );

  it('in its smallest arena, whatever the sizes of fragments and heap pages', () => {
    for (const set of sets) {
      const chosen = v.parse(options, { ...set, segmentBytes: 0 });
      for (let extra = 0; extra < 3000; extra += 500) {
        const bytes = Math.ceil(minimumArenaBytes(chosen, 8) / 4) * 4 + extra;
        const { heap } = mempool(chosen, { bytes });
        expect(heap.malloc(1), `${JSON.stringify(set)} in ${bytes} bytes`).not.toBe(NULL);
        heap.check();
      }
    }
  });

  it('in the smallest segment that it takes', () => {
    for (const set of sets) {
      let segmentBytes = 1;
      while (!v.safeParse(options, { ...set, segmentBytes }).success) segmentBytes++;
      const { heap } = mempool({ ...set, segmentBytes }, { bytes: 0x8000 });
      const block = heap.malloc(1);
      expect(block, JSON.stringify({ ...set, segmentBytes })).not.toBe(NULL);
      heap.free(block);
      expect(heap.malloc(segmentBytes >> 1)).not.toBe(NULL);
      heap.check();
    }
  });

  it('in pages of a cache of every length that it takes', () => {
    for (const fragmentBytes of [16, 32, 512]) {
      let cachePageFragments = 1;
      while (!v.safeParse(options, { fragmentBytes, cachePageFragments }).success) cachePageFragments++;
      const { heap } = mempool({ fragmentBytes, cachePageFragments }, { bytes: 0x4000 });
      expect(heap.mallocFrom(heap.createCache(4))).not.toBe(NULL);
      expect(heap.classes()[1]).toMatchObject({ pages: 1, liveObjects: 1 });
    }
  });
});
