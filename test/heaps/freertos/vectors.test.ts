import { describe, expect, it } from 'vitest';
import type { Heap } from '../../../src/heaps/heap.js';
import { recordedAnswers, replayAnswers, vectorsOf } from '../../vectors.js';

function largestHole(heap: Heap): number {
  let largest = 0;
  heap.walk((kind, _address, bytes) => {
    if (kind === 'hole' && bytes > largest) largest = bytes;
  });
  return largest;
}

/** The first line that differs, with its neighbour, says more than two long arrays. */
function expectSameLines(actual: string[], expected: string[]): void {
  const at = expected.findIndex((line, index) => line !== actual[index]);
  expect(at < 0 ? undefined : { line: at, actual: actual[at], expected: expected[at] }).toBeUndefined();
  expect(actual.length).toBe(expected.length);
}

for (const name of ['heap_2', 'heap_2_coalescing', 'heap_4']) {
  describe(`${name} answers as the recorded C code`, () => {
    const vectors = vectorsOf(name);
    it('has vectors', () => expect(vectors.length).toBeGreaterThanOrEqual(20));
    it.each(vectors)('$file', (vector) => {
      const extraBytes = name === 'heap_2_coalescing' ? vector.alignment : 0;
      expectSameLines(replayAnswers(name, vector, extraBytes), recordedAnswers(name, vector, 3));
    });
  });
}

describe('heap_4 keeps its minimum and largest hole', () => {
  // The largest hole needs a walk per operation: the small traces are enough.
  const vectors = vectorsOf('heap_4').filter((vector) => vector.heapKib === 4);
  it.each(vectors)('$file', (vector) => {
    const columns = (heap: Heap) => ` ${heap.minimumEverFreeBytes?.()} ${largestHole(heap)}`;
    expectSameLines(replayAnswers('heap_4', vector, 0, columns), recordedAnswers('heap_4', vector, 5));
  });
});
