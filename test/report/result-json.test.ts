import { describe, expect, it } from 'vitest';
import { resultJson, resultsJson } from '../../src/report/result-json.js';
import { showcase } from './fixture.js';

describe('a result in pieces', () => {
  const results = [showcase(), showcase(0), { ...showcase(40), description: '"outOfMemory":[] "\u2028\\' }];

  it.each(results)('is what JSON.stringify makes of it', (result) => {
    expect([...resultJson(result)].join('')).toBe(JSON.stringify(result));
  });

  it.each([0, 1, 3])('and so are %i in a list', (count) => {
    const some = results.slice(0, count);
    expect([...resultsJson(some)].join('')).toBe(JSON.stringify(some));
  });

  it('has no piece for every event, nor one for all', () => {
    const [event] = showcase(1).outOfMemory;
    const large = { ...showcase(), outOfMemory: Array.from({ length: 1000 }, () => event!) };
    const lengths = [...resultJson(large)].map((piece) => piece.length);
    expect(lengths.length).toBeGreaterThan(2);
    expect(lengths.length).toBeLessThan(200);
    expect(Math.max(...lengths)).toBeLessThan(4 * 2 ** 20);
  });
});
