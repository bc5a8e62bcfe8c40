/** The C versions of the benchmark do what ours do: else their times would say nothing. */

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildNative, differenceToNative, hasNativeVersion } from '../../bench/replay.js';
import { generatedTraces } from '../../scripts/tool.js';
import { catalog } from '../../src/heaps/catalog.js';

const native = buildNative();
/** Those with reallocs, callocs and frees of nothing, and a larger one. `npm run bench` takes all. */
const PROFILES = ['edge', 'realloc', 'server', 'uniform'];
const traces = generatedTraces('test/vectors/traces').filter(({ profile }) => PROFILES.includes(profile));
const compared = catalog.map(({ name }) => name).filter(hasNativeVersion);

it('are of heaps in the catalog', () => {
  const sources = readdirSync('bench/native').filter((file) => file.endsWith('.c') && file !== 'replay.c');
  expect(sources.map((file) => file.slice(0, -2)).sort()).toEqual([...compared].sort());
});

// Without a C compiler there is nothing to compare with, here and in the benchmark.
describe.runIf('program' in native)('in C', () => {
  it.each(compared)('%s answers as ours', (heap) => {
    const { program } = native as { program: string };
    const differences = traces.map(({ path, kib }) => differenceToNative(heap, path, kib * 1024, program));
    expect(differences.filter((difference) => difference !== undefined)).toEqual([]);
  });
});
