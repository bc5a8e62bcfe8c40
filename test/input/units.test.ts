import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { hertz, positiveTime, share, size, sizeOrShare, time } from '../../src/input/files.js';
import { formatDuration, parseBytes, parseDuration } from '../../src/input/index.js';

describe('times', () => {
  it.each<[text: string, amount: number, unit: string]>([
    ['10 ms', 0.01, 'seconds'],
    ['9ms', 0.009, 'seconds'],
    ['200 us', 0.0002, 'seconds'],
    ['200 µs', 0.0002, 'seconds'],
    ['200 \u03bcs', 0.0002, 'seconds'],
    ['1.5 s', 1.5, 'seconds'],
    ['2 min', 120, 'seconds'],
    ['1 h', 3600, 'seconds'],
    ['30 d', 2_592_000, 'seconds'],
    ['3 ticks', 3, 'ticks'],
    ['1 tick', 1, 'ticks'],
    ['500 cycles', 500, 'cycles'],
    ['0', 0, 'seconds'],
  ])('%s', (text, amount, unit) => {
    expect(parseDuration(text)).toEqual({ amount, unit });
  });

  it.each(['10 ms', '500 µs', '1 tick', '0.5 ticks', '1,500 ticks', '0.00025 ticks', '1 cycle'])(
    '%s, written as it was read',
    (text) => {
      expect(formatDuration(parseDuration(text.replace(',', ''))!)).toBe(text);
    },
  );

  it.each(['10', '-1 ms', 'ms', '1 m', '1 s 2 ms', '', 'forever'])('not %s', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('sizes', () => {
  it.each<[text: string, bytes: number]>([
    ['24', 24],
    ['24 B', 24],
    ['1 byte', 1],
    ['2 KiB', 2048],
    ['2k', 2048],
    ['2 kB', 2000],
    ['1.5 KiB', 1536],
    ['1_000', 1000],
    ['0x20', 32],
  ])('%s', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(['-1', '1.5', '1.0001 KiB', '2 GiB', '2 ms', 'B', ''])('not %s', (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });
});

describe('schemas', () => {
  it.each<[name: string, schema: v.GenericSchema, value: unknown, output: unknown]>([
    ['size', size, 4294967295, 4294967295],
    ['size', size, '4 MiB', 4_194_304],
    ['time', time, 0, { amount: 0, unit: 'seconds' }],
    ['share', share, '60 %', 0.6],
    ['size or share', sizeOrShare, '70%', { share: 0.7 }],
    ['size or share', sizeOrShare, '2 KiB', { bytes: 2048 }],
    ['frequency', hertz, '72 MHz', 72_000_000],
    ['frequency', hertz, 1000, 1000],
  ])('a %s: %j', (_name, schema, value, output) => {
    expect(v.parse(schema, value)).toEqual(output);
  });

  it.each<[name: string, schema: v.GenericSchema, value: unknown]>([
    ['size', size, 4294967296],
    ['size', size, -1],
    ['size', size, null],
    ['size', size, true],
    ['size', size, Number.NaN],
    ['time', time, 10],
    ['time', time, '1e999 ms'],
    ['time', time, ['10 ms']],
    ['positive time', positiveTime, '0 ticks'],
    ['share', share, '101 %'],
    ['share', share, 0.6],
    ['frequency', hertz, 0],
    ['frequency', hertz, '0.5 Hz'],
  ])('no %s: %j', (_name, schema, value) => {
    expect(v.is(schema, value)).toBe(false);
  });
});
