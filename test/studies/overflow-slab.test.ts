/** Writes behind blocks and objects of slab, over each heap that it can have its slabs from. */

import { describe, expect, it } from 'vitest';
import { findHeap } from '../../src/heaps/catalog.js';
import { optionValues } from '../../src/heaps/definition.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import type { OverflowTrial } from '../../src/studies/overflow.js';
import { device, piecesOf } from '../heaps/device.js';
import {
  beforeAHole,
  expectUnusedIsHarmless,
  scenarioWith,
  studied,
  threeBlocks,
} from './overflow-scenarios.js';

const INNER = optionValues(findHeap('slab')!, 'inner') as string[];

function onSlab(scenario: Scenario, inner: string): OverflowTrial {
  return studied(scenario, ['slab'], { inner }).trials[0]!;
}

/** What an overflow hits: of whom, and which word. */
function hits({ overwritten }: OverflowTrial): string[] {
  return overwritten.map(({ what, of = 'heap', word }) => `${of}: ${word ?? what}`);
}

const overrun = '{ name: b, bytes: 4 B, value: 65 }';

describe.each(INNER)('behind a block that slab has from %s', (inner) => {
  // Where mempool puts a block depends on all that its pages have held.
  const sizes = inner === 'mempool' ? [200, 256] : [200, 256, 300, 508];
  it.each(sizes)('of %i bytes lies what lies there without slabs, noticed as there', (bytes) => {
    const scenario = threeBlocks(bytes, overrun, '{ verify: c },');
    const over = onSlab(scenario, inner);
    const alone = studied(scenario, [inner]).trials[0]!;
    expect(over.note).toBe(alone.note);
    expect(hits(over)).toEqual(hits(alone));
    expect(over.overwritten.map(({ block }) => block)).toEqual(alone.overwritten.map(({ block }) => block));
    for (const notice of ['noticed', 'stopped'] as const) {
      expect(over[notice]?.reason).toBe(alone[notice]?.reason);
      expect(over[notice]?.callsLater).toBe(alone[notice]?.callsLater);
    }
    expect(over.checked?.callsLater).toBe(alone.checked?.callsLater);
  });

  it.each([0x00, 0x41])('nothing breaks it that is called unused, with bytes of %i', (value) => {
    const overflow = `{ name: b, bytes: 4 B, value: ${value} }`;
    const scenarios = [20, 64, 128, 140, 200, 250, 256, 500].flatMap((bytes) => [
      threeBlocks(bytes, overflow, '{ verify: c },'),
      beforeAHole(bytes, value),
    ]);
    expectUnusedIsHarmless(scenarios.map((scenario) => onSlab(scenario, inner)));
  });
});

/** `objects` of a cache, of which the last is overrun by 4 bytes; then a large block, so that something may lie behind. */
function cacheOf(bytes: number, objects: number): Scenario {
  const names = Array.from({ length: objects }, (_, index) => `o${index}`);
  return scenarioWith(`{ cache: { name: k, bytes: ${bytes} B } },
    ${names.map((name) => `{ alloc: { name: ${name}, from: k } }`)},
    { alloc: { name: behind, size: 300 B } }, { fill: behind },
    { overflow: { name: ${names.at(-1)}, bytes: 4 B } }, { delay: 5 ms }, { free: behind },
    ${names.map((name) => `{ free: ${name} }`)}, { alloc: { name: large, size: 400 B } }`);
}

describe("behind a slab's last object", () => {
  // 24 bytes of header and map, then 488 of one object: nothing is left of 512.
  it.each([
    ['first_fit', 'slab: tag'],
    ['next_fit', 'slab: tag'],
    ['best_fit', 'slab: tag'],
    ['worst_fit', 'slab: tag'],
    ['heap_2', 'block: next'],
    ['heap_2_coalescing', 'block: next by size'],
    ['heap_4', 'block: next'],
    ['heap_5', 'block: next'],
    ['heap_1', 'block: contents'],
    ['buddy', 'block: contents'],
    ['newlib_nano', 'block: size'],
    ['heap_3', 'block: size'],
  ])('where it fills the slab: over %s "%s"', (inner, hit) => {
    const trial = onSlab(cacheOf(488, 1), inner);
    expect(hits(trial)).toEqual([hit]);
    if (hit.startsWith('slab')) {
      expect(trial.checked).toMatchObject({ by: 'check', callsLater: 1 });
      expect(trial.checked!.reason).toMatch(/tags/);
    }
  });

  it.each(INNER)('else the rest of the slab, over %s', (inner) => {
    const trial = onSlab(cacheOf(112, 4), inner);
    expect(hits(trial)).toEqual(['slab: unused']);
    expectUnusedIsHarmless([trial]);
  });
});

/** A block of 200 bytes, overrun by so much; behind it the slab of a smaller one. */
function beforeASlab(bytes: number): Scenario {
  return scenarioWith(`{ alloc: { name: a, size: 200 B } }, { fill: a }, { alloc: { name: b, size: 60 B } },
    { overflow: { name: a, bytes: ${bytes} B } }, { delay: 5 ms }, { free: b }, { free: a }`);
}

describe('behind a block that a slab follows', () => {
  it.each([
    ['first_fit', ['own block: tag', 'slab: tag', 'slab: next', 'slab: previous']],
    ['heap_1', ['slab: next', 'slab: previous', 'slab: cache', 'slab: used']],
    ['heap_2', ['slab: next', 'slab: size', 'slab: next', 'slab: previous']],
    ['heap_4', ['slab: next', 'slab: size', 'slab: next', 'slab: previous']],
    ['heap_5', ['slab: next', 'slab: size', 'slab: next', 'slab: previous']],
    ['tlsf', ['slab: size', 'slab: next', 'slab: previous', 'slab: cache']],
  ])("lie the inner heap's words of %s, then those of the slab", (inner, words) => {
    const trial = onSlab(beforeASlab(16), inner);
    // Words of one name are one thing: heap_4 and slabs both have a "next".
    expect(hits(trial)).toEqual([...new Set(words)]);
  });

  it('is a map of the objects, which check() compares with their count', () => {
    const trial = onSlab(beforeASlab(20), 'heap_1');
    expect(hits(trial)).toContain('slab: free map');
  });
});

describe('words between blocks', () => {
  const wordsOf = (name: string, inner?: string) => {
    const { heap } = device(name, inner === undefined ? {} : { options: { inner } });
    heap.malloc(200);
    const pieces = piecesOf(heap).filter(({ kind }) => kind === 'bookkeeping');
    return pieces.map(({ address }) => heap.wordAt!(address, address));
  };

  it.each([
    ['heap_4', ['end marker', 'directory']],
    ['heap_5', ['end marker', 'directory']],
    ['dlmalloc', ['bookkeeping', 'head of top', 'directory']],
    ['heap_1', ['bookkeeping', 'directory']],
    ['buddy', ['bookkeeping', 'directory']],
    ['mimalloc', ['main heap', undefined, 'directory']],
  ])('of what slab has from %s are those of that heap; then comes the directory', (inner, words) => {
    expect(wordsOf('slab', inner)).toEqual(words);
  });
});
