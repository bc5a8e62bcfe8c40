import { describe, expect, it } from 'vitest';
import { simulateLocks } from '../../src/traces/lock-simulation.js';
import { parseTrace } from '../../src/traces/read.js';

/** `l 0 u 0` in a trace of accesses is one access. */
function simulated(text: string): string {
  const { kinds, ids, length } = simulateLocks(parseTrace(text.split(', ').join('\n'), 'trace'));
  return Array.from({ length }, (_, index) => `${'afrclu'[kinds[index]!]}${ids[index]}`).join(' ');
}

describe('locks made from accesses', () => {
  it('hold from the first access on, for as long as other blocks are not used twice as often', () => {
    const text = 'a 0 8, a 1 8, l 0, u 0, l 0, u 0, l 1, u 1, l 1, u 1, l 1, u 1, l 1, u 1, f 0, f 1';
    expect(simulated(text)).toBe('a0 a1 l0 l1 u0 f0 u1 f1');
  });

  it('end before the block is freed', () => {
    expect(simulated('a 0 8, l 0, u 0, f 0')).toBe('a0 l0 u0 f0');
  });

  it('sink with every operation on another block, allocations and frees too', () => {
    expect(simulated('a 0 8, l 0, u 0, a 1 8, a 2 8, f 0')).toBe('a0 l0 a1 u0 a2 f0');
  });

  it('are not held by blocks that are never freed', () => {
    expect(simulated('a 0 8, l 0, u 0, l 0, u 0')).toBe('a0');
  });
});
