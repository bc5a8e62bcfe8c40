import { describe, expect, it } from 'vitest';
import { catalog, findHeap } from '../../src/heaps/catalog.js';
import { type CurvePoint, growthOf, LIVE_BLOCKS, measureCurve } from '../../src/studies/cost-curve.js';
import { CURVE_FILE, curveFileText, readCurves } from '../../src/studies/curve-file.js';

const curves = readCurves();
/** The larger ones take too long for a test. */
const QUICK = LIVE_BLOCKS.filter((blocks) => blocks <= 1_000);

describe('the committed curves', () => {
  it('are of every heap, in the order of the catalog', () => {
    const missing = catalog.map(({ name }) => name).filter((name) => curves[name] === undefined);
    expect(missing, `missing in ${CURVE_FILE}: npm run curves ${missing.join(' ')}`).toEqual([]);
    expect(Object.keys(curves)).toEqual(catalog.map(({ name }) => name));
  });

  it.each(catalog.map((heap) => [heap.name, heap] as const))('%s is as it measures now', (name, heap) => {
    const curve = curves[name]!;
    const expected = 'none' in curve ? curve : curve.slice(0, QUICK.length);
    expect(measureCurve(heap, QUICK), `stale: npm run curves ${name} && npm run docs`).toEqual(expected);
  });

  it('are read as they were written', () => {
    expect(JSON.parse(curveFileText(curves))).toEqual(curves);
  });
});

describe('what grows', () => {
  const pointsOf = (name: string) => curves[name] as readonly CurvePoint[];
  const mean = (call: 'malloc' | 'free') => (point: CurvePoint) => point[call].mean;

  it.each(['tlsf', 'o1heap'])('nothing in %s, not even the worst call', (name) => {
    for (const call of ['malloc', 'free'] as const) {
      expect(growthOf(pointsOf(name), mean(call))).toBe('constant');
      expect(growthOf(pointsOf(name), (point) => point[call].worst)).toBe('constant');
    }
  });

  it('heap_4 with the number of holes', () => {
    for (const call of ['malloc', 'free'] as const)
      expect(growthOf(pointsOf('heap_4'), mean(call))).toBe('linear');
  });

  it.each([
    [10, 15, 'constant'],
    [10, 16, 'less than linear'],
    [10, 299, 'less than linear'],
    [10, 300, 'linear'],
  ])('%d to %d is %s', (from, to, growth) => {
    const accesses = (count: number) => ({ mean: count, worst: 2 });
    const point = (liveBlocks: number, count: number): CurvePoint => ({
      liveBlocks,
      arenaBytes: 1,
      warmUpPairs: 1,
      measuredPairs: 1,
      malloc: accesses(count),
      free: accesses(1),
    });
    expect(growthOf([point(1_000, from), point(100_000, to)], mean('malloc'))).toBe(growth);
  });
});

describe('a measurement', () => {
  it('counts what the calls do, whatever the machine', () => {
    const heap = findHeap('heap_2')!;
    expect(measureCurve(heap, [10])).toEqual(measureCurve(heap, [10]));
  });

  it('has no numbers where nothing is ever freed', () => {
    expect(measureCurve(findHeap('heap_1')!)).toEqual({ none: expect.stringContaining('never frees') });
  });
});
