/** `npm run bench`: what heaplab costs, as ratios measured in one run. */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { catalog } from '../src/heaps/catalog.js';
import { buildNative, measureReplay, type ReplayFigure } from './replay.js';

const TRACES = fileURLToPath(new URL('../test/vectors/traces/', import.meta.url));

function benchReplay(): void {
  const native = buildNative();
  if ('missing' in native)
    console.log(`no native column: the C versions could not be built (${native.missing})`);
  console.log('replay, ns per operation (ratio to native C, gcc -O2)');
  const figures: ReplayFigure[] = [];
  for (const { name } of catalog) {
    for (const file of readdirSync(TRACES).sort()) {
      const kib = Number(/-(\d+)-s\d+\.trace\.gz$/.exec(file)![1]);
      const figure = measureReplay(name, `${TRACES}${file}`, kib * 1024, native);
      figures.push(figure);
      console.log(
        `  ${name.padEnd(20)} ${figure.trace.padEnd(24)} ${figure.nanoseconds.toFixed(1).padStart(8)}${ratioText(figure)}`,
      );
    }
  }
  for (const { name } of catalog)
    console.log(`  ${name.padEnd(20)} geometric mean of the ratios: ${meanRatio(figures, name)}`);
}

function ratioText({ nanoseconds, nativeNanoseconds }: ReplayFigure): string {
  return nativeNanoseconds === undefined
    ? ''
    : `  (${(nanoseconds / nativeNanoseconds).toFixed(2)} x native)`;
}

function meanRatio(figures: readonly ReplayFigure[], heap: string): string {
  const ratios = figures
    .filter((figure) => figure.heap === heap && figure.nativeNanoseconds !== undefined)
    .map((figure) => figure.nanoseconds / figure.nativeNanoseconds!);
  if (ratios.length === 0) return 'not measured';
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length).toFixed(2);
}

benchReplay();
