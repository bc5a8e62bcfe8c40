/**
 * `npm run curves [heap ...]`: measures what calls cost against the number of live blocks, for every heap of the
 * catalog or for those that are named, and writes docs/data/cost-curves.json. `npm run docs` puts it in words.
 */

import { writeFileSync } from 'node:fs';
import { heapNamed } from '../src/cli/flags.js';
import { catalog } from '../src/heaps/catalog.js';
import { packageFile } from '../src/input/package-file.js';
import { type CostCurve, measureCurve } from '../src/studies/cost-curve.js';
import { CURVE_FILE, curveFileText, readCurves } from '../src/studies/curve-file.js';
import { givenArguments, runTool } from './tool.js';

function measureCurves(): void {
  const named = givenArguments().words.map(heapNamed);
  const measured = readCurves();
  const curves: Record<string, CostCurve> = {};
  for (const heap of catalog) {
    const wanted = named.length === 0 || named.includes(heap);
    const curve = wanted ? measureCurve(heap) : measured[heap.name];
    if (curve === undefined) continue;
    curves[heap.name] = curve;
    if (wanted) console.log(`${heap.name}: ${'none' in curve ? curve.none : `${curve.length} points`}`);
  }
  writeFileSync(packageFile(CURVE_FILE), curveFileText(curves));
  console.log(`${CURVE_FILE} is written; npm run docs puts it into docs/heaps.md`);
}

await runTool(measureCurves);
