import { describe, expect, it } from 'vitest';
import type { Heap } from '../../../src/heaps/heap.js';
import { expectSameLines, largestHole, recordedAnswers, replayAnswers, vectorsOf } from '../../vectors.js';

/** Answers that must at least be here to compare with. */
const HEAPS: [string, number][] = [
  ['heap_1', 3],
  ['heap_2', 20],
  ['heap_2_coalescing', 20],
  ['heap_4', 20],
  ['heap_5', 6],
];

for (const [name, least] of HEAPS) {
  describe(`${name} answers as the recorded C code`, () => {
    const vectors = vectorsOf(name);
    it('has answers to compare with', () => expect(vectors.length).toBeGreaterThanOrEqual(least));
    it.each(vectors)('$file', (vector) => {
      const extraBytes = name === 'heap_2_coalescing' ? vector.alignment : 0;
      expectSameLines(replayAnswers(name, vector, extraBytes), recordedAnswers(name, vector, 3));
    });
  });
}

describe.each(['heap_4', 'heap_5'])('%s keeps its minimum and largest hole', (name) => {
  // The largest hole needs a walk per operation: the small traces are enough.
  const vectors = vectorsOf(name).filter((vector) => vector.heapKib === 4);
  it.each(vectors)('$file', (vector) => {
    const columns = (heap: Heap) => ` ${heap.minimumEverFreeBytes?.()} ${largestHole(heap)}`;
    expectSameLines(replayAnswers(name, vector, 0, columns), recordedAnswers(name, vector, 5));
  });
});
