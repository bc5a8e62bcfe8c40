/** The named measures of fragmentation, each with half a line on what it says. */

import type { OutOfMemoryEvent } from '../inspect/result.js';
import type { Paint } from './paint.js';
import { percent } from './phrases.js';
import { table } from './tables.js';

const COLUMNS = [
  { head: 'measure' },
  { head: 'value', align: 'right' },
  { head: 'what it says', minimum: 20, overflow: 'wrap' },
] as const;

export function fragmentationTable({ fragmentation }: OutOfMemoryEvent, paint: Paint): string {
  const { external, unusable, linuxIndex, ummMalloc, pigweed, internal } = fragmentation;
  const rows = [
    ['external', percent(external), 'of free memory lies outside the largest hole'],
    ['unusable', percent(unusable), 'of it in holes too small for this request (Linux)'],
    ['Linux index', indexText(linuxIndex), linuxWords(linuxIndex)],
    ['umm_malloc', percent(ummMalloc), '0 for one hole: 1 - ⌊√Σ hole²⌋ / free'],
    ['Pigweed', percent(pigweed), 'the same without rounding'],
    ['internal', percent(internal), 'of live blocks is header and rounding'],
  ];
  return table(COLUMNS, rows, paint);
}

function indexText(index: number): string {
  return index < 0 ? '-1' : index.toFixed(3);
}

function linuxWords(index: number): string {
  return index < 0 ? 'below 0: a hole was large enough' : 'from 0, lack of memory, to 1, fragmentation';
}
