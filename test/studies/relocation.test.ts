import { describe, expect, it } from 'vitest';
import { findHeap } from '../../src/heaps/catalog.js';
import { relocationOf } from '../../src/studies/relocation.js';
import { candidateFor, TraceWorkload } from '../../src/studies/workload.js';
import { parseTrace } from '../../src/traces/read.js';

/** Every other one of sixteen small blocks is freed, then a large one is asked for. */
const HOLES = [
  ...Array.from({ length: 16 }, (_, id) => `a ${id} 56`),
  ...Array.from({ length: 8 }, (_, id) => `f ${2 * id}`),
  'a 20 400',
].join('\n');

function studied(name: string, text = HOLES) {
  return relocationOf(new TraceWorkload(parseTrace(text, 'trace'), 8), candidateFor(findHeap(name)!), 16);
}

describe('the study of relocation', () => {
  it('finds that moving blocks does with less RAM, and what it moved', () => {
    const [moving, fixed] = [studied('rmalloc'), studied('heap_4')];
    expect(moving.size.arenaBytes).toBeLessThan(fixed.size.arenaBytes!);
    expect(moving.run).toMatchObject({ compactions: 1 });
    expect(moving.run!.bytesMoved).toBeGreaterThanOrEqual(56);
    expect(fixed.run).toMatchObject({ compactions: 0, bytesMoved: 0, blocksMoved: 0 });
  });

  it('counts moving as part of the longest call', () => {
    const [moving, fixed] = [studied('rmalloc').run!, studied('heap_4').run!];
    expect(moving.longestCallCycles).toBeGreaterThan(fixed.longestCallCycles + 2 * (moving.bytesMoved / 4));
    expect(moving.totalCycles).toBeGreaterThan(moving.longestCallCycles);
  });

  it('takes for metadata all that is in use beside what was asked for, when most is live', () => {
    // Sixteen headers of 8 bytes and the end marker in the arena, 28 bytes of statics.
    expect(studied('heap_4').run!.metadataBytes).toBe(16 * 8 + 8 + 28);
  });

  it('says so where no arena would do', () => {
    const { size, run } = studied('heap_4', 'a 0 4000000000');
    expect([size.arenaBytes, run]).toEqual([undefined, undefined]);
  });
});
