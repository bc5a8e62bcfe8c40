/** Heaps with recorded answers of four columns: index, offset, free bytes, largest hole. */

import { describe, expect, it } from 'vitest';
import type { Heap } from '../../src/heaps/heap.js';
import { expectSameLines, largestHole, recordedAnswers, replayAnswers, vectorsOf } from '../vectors.js';

/** `overhead`: what a hole has on top of the size that its answers name. */
const HEAPS = [
  ['tlsf', 4],
  ['o1heap', 0],
] as const;

describe.each(HEAPS)('%s answers as the recorded C code', (name, overhead) => {
  const vectors = vectorsOf(name);
  it('has answers to compare with', () => expect(vectors.length).toBeGreaterThanOrEqual(7));
  it.each(vectors)('$file', (vector) => {
    const columns = (heap: Heap) => ` ${Math.max(0, largestHole(heap) - overhead)}`;
    expectSameLines(replayAnswers(name, vector, 0, columns), recordedAnswers(name, vector, 4));
  });
});
