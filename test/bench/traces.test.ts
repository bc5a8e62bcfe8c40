import { describe, expect, it } from 'vitest';
import { PROFILES, traceText } from '../../bench/trace-profiles.js';

const profiles = [...PROFILES.keys()];

/** What is live and has been requested after each line; ids that are used otherwise than a program could throw. */
function played(text: string): { peakBytes: number; requests: number; operations: number } {
  const live = new Map<number, number>();
  let bytes = 0;
  let peakBytes = 0;
  let requests = 0;
  const lines = text.trimEnd().split('\n');
  lines.forEach((line, index) => {
    const [kind, ...numbers] = line.split(' ') as [string, ...string[]];
    const [id = -1, first = 0, second = 1] = numbers.map(Number);
    expect(numbers.every((number) => /^\d+$/.test(number))).toBe(true);
    expect(live.has(id), `line ${index + 1}: ${line}`).toBe(kind === 'f' || kind === 'r');
    const size = kind === 'f' ? 0 : first * second;
    bytes += size - (live.get(id) ?? 0);
    if (size === 0) live.delete(id);
    else live.set(id, size);
    if (kind !== 'f') requests++;
    peakBytes = Math.max(peakBytes, bytes);
  });
  return { peakBytes, requests, operations: lines.length };
}

describe('a generated trace', () => {
  it('has one of eleven profiles', () => {
    expect(profiles).toHaveLength(11);
  });

  it.each(profiles)('%s is a program that frees what it has, and fills the arena', (profile) => {
    for (const kib of [1, 4, 20]) {
      const { peakBytes, requests, operations } = played(traceText(profile, kib, 1));
      expect(operations).toBeGreaterThanOrEqual(Math.round(1500 * Math.sqrt(kib)));
      expect(requests).toBeGreaterThan(0.4 * operations);
      expect(peakBytes).toBeGreaterThan(0.4 * 1024 * kib);
    }
  });

  it.each(profiles)('%s is the same with the same seed only', (profile) => {
    expect(traceText(profile, 4, 7)).toBe(traceText(profile, 4, 7));
    expect(traceText(profile, 4, 7)).not.toBe(traceText(profile, 4, 8));
  });
});
