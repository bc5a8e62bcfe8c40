import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IntegerHistogram } from '../../src/inspect/histogram.js';

describe('a histogram of whole numbers', () => {
  it('has exact percentiles, for small values and for large ones', () => {
    const value = fc.oneof(fc.nat(40), fc.nat(200_000));
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 100 }),
        (values, percent) => {
          const histogram = new IntegerHistogram();
          for (const each of values) histogram.add(each);
          const sorted = [...values].sort((a, b) => a - b);
          expect(histogram.percentile(percent / 100)).toBe(
            sorted[Math.ceil((values.length * percent) / 100) - 1],
          );
          expect(histogram).toMatchObject({ count: values.length, maximum: sorted.at(-1) });
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });

  it('is 0 where nothing was counted', () => {
    expect(new IntegerHistogram().percentile(0.99)).toBe(0);
  });
});
