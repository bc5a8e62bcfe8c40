/** How free memory and the largest hole went over a run, as two lines of small bars. */

import type { RunResult } from '../inspect/result.js';
import type { Fact } from './layout.js';
import { type Paint, textColumnsOf } from './paint.js';
import { arenaBytes, bytes } from './phrases.js';
import { glue } from './text.js';

const LEVELS = '▁▂▃▄▅▆▇█';
const MAXIMUM_COLUMNS = 48;
/** Fewer samples show nothing that the figures do not. */
const MINIMUM_SAMPLES = 8;

type Sample = RunResult['samples'][number];

export function trendLines(result: RunResult, paint: Paint): Fact[] {
  if (result.samples.length < MINIMUM_SAMPLES || result.cycle === 0) return [];
  const arena = arenaBytes(result);
  const columns = Math.min(MAXIMUM_COLUMNS, textColumnsOf(paint) - 16 - 18);
  const line = (value: (sample: Sample) => number) =>
    sparkline(result, columns, (sample) => value(sample) / arena);
  const { color } = paint;
  return [
    ['over time', `${color.green(line((sample) => sample.freeBytes))} ${glue(`free of ${bytes(arena)}`)}`],
    ['', `${color.yellow(line((sample) => sample.largestHole))} ${glue('largest hole')}`],
  ];
}

/** A column stands for a stretch of time and shows the least in it; without a sample, what the last one said. */
function sparkline(result: RunResult, columns: number, share: (sample: Sample) => number): string {
  let line = '';
  let next = 0;
  let last = share(result.samples[0]!);
  for (let column = 1; column <= columns; column++) {
    let least = last;
    for (; next < result.samples.length; next++) {
      const sample = result.samples[next]!;
      if (column < columns && sample.cycle >= (column * result.cycle) / columns) break;
      last = share(sample);
      least = Math.min(least, last);
    }
    line += LEVELS[Math.min(LEVELS.length - 1, Math.floor(least * LEVELS.length))]!;
  }
  return line;
}
