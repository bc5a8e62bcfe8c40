import { describe, expect, it } from 'vitest';
import { Clock } from '../../src/mcu/index.js';

describe('a clock', () => {
  it('starts at cycle 0', () => {
    expect(new Clock(72_000_000, 1000).cycle).toBe(0);
  });

  it.each([
    [72_000_000, 1000, 72_000],
    [32_768, 1000, 32],
    [999, 1000 / 3, 2],
    [1000, 1000, 1],
  ])('of %i Hz with %i ticks a second has %i whole cycles in a tick', (hertz, tickHertz, cycles) => {
    expect(new Clock(hertz, tickHertz).cyclesPerTick).toBe(cycles);
  });

  it.each([
    [999, 1000],
    [0, 1000],
    [Number.NaN, 1000],
  ])('of %i Hz cannot tick %i times a second', (hertz, tickHertz) => {
    expect(() => new Clock(hertz, tickHertz)).toThrow(RangeError);
  });

  it('turns seconds into the nearest whole cycle, and cycles into seconds', () => {
    const clock = new Clock(32_768, 128);
    expect(clock.cycles(1e-3)).toBe(33);
    expect(clock.cycles(0.5)).toBe(16_384);
    expect(clock.seconds(16_384)).toBe(0.5);
  });

  it('is exact for years', () => {
    const clock = new Clock(72_000_000, 1000);
    const fourYears = 4 * 365 * 86_400;
    expect(clock.cycles(fourYears)).toBe(fourYears * 72_000_000);
    expect(clock.seconds(clock.cycles(fourYears))).toBe(fourYears);
  });
});
