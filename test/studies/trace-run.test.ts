import { describe, expect, it } from 'vitest';
import { findHeap } from '../../src/heaps/catalog.js';
import { runTrace } from '../../src/studies/trace-run.js';
import { candidateFor, TraceWorkload } from '../../src/studies/workload.js';
import { parseTrace } from '../../src/traces/read.js';

const heap4 = candidateFor(findHeap('heap_4')!);

function runOf(text: string, arenaBytes: number, points: number) {
  return runTrace(new TraceWorkload(parseTrace(text, 'trace'), 8), heap4, arenaBytes, points);
}

describe('a replay in an arena of a given size', () => {
  it('finds the largest request possible at points of the run, and leaves no trace of it', () => {
    // 1,024 bytes less the end marker; a block has a header of 8.
    const { largestRequests, failures } = runOf('a 0 200\na 1 200\nf 0\na 2 590', 1024, 4);
    expect(largestRequests).toEqual([
      { operation: 0, bytes: 1024 - 8 - 208 - 8 },
      { operation: 1, bytes: 1024 - 8 - 416 - 8 },
      { operation: 2, bytes: 1024 - 8 - 416 - 8 },
      { operation: 3, bytes: 200 },
    ]);
    expect(failures).toBe(0);
  });

  it('gives up when failed requests outnumber those served', () => {
    const { gaveUpAt, allocations, failures } = runOf('a 0 200\na 1 999\na 2 999\na 3 8\na 4 8', 256, 2);
    expect({ gaveUpAt, allocations, failures }).toEqual({ gaveUpAt: 2, allocations: 1, failures: 2 });
  });

  it('ends where the heap meets a fault, and says where that is', () => {
    const workload = new TraceWorkload(parseTrace('# two\na 0 8\n\na 1 8\nf 0', 'x.trace'), 8);
    const { fault, allocations } = runTrace(workload, candidateFor(findHeap('heap_1')!), 256, 1);
    const place = { kind: 'trace', operation: 2, file: 'x.trace', line: 5 };
    expect(fault).toMatchObject({ kind: 'fault', fault: 'assertion', place });
    expect(allocations).toBe(2);
  });

  it('goes to the end while they do not', () => {
    expect(runOf('a 0 200\na 1 999\na 2 8\na 3 999', 256, 1)).not.toHaveProperty('gaveUpAt');
  });
});
