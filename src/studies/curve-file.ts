/** docs/data/cost-curves.json: the curves as `npm run curves` measured them, a point a line. */

import { existsSync, readFileSync } from 'node:fs';
import { packageFile } from '../input/package-file.js';
import type { CostCurve } from './cost-curve.js';

/** By heap, in the order of the catalog. */
export type CostCurves = Readonly<Record<string, CostCurve>>;

export const CURVE_FILE = 'docs/data/cost-curves.json';

/** Nothing where the file is missing. */
export function readCurves(): CostCurves {
  const file = packageFile(CURVE_FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as CostCurves) : {};
}

export function curveFileText(curves: CostCurves): string {
  const heaps = Object.entries(curves).map(
    ([name, curve]) => `  ${JSON.stringify(name)}: ${curveText(curve)}`,
  );
  return `{\n${heaps.join(',\n')}\n}\n`;
}

function curveText(curve: CostCurve): string {
  if ('none' in curve) return JSON.stringify(curve);
  return `[\n${curve.map((point) => `    ${JSON.stringify(point)}`).join(',\n')}\n  ]`;
}
