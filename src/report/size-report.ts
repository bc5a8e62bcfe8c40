/** The tables of `heaplab size`: the smallest arena per heap, or what happens in one of a given size. */

import { groupDigits } from '../input/index.js';
import type { Obstacle, RunFault } from '../studies/obstacle.js';
import type { SizeResult } from '../studies/size.js';
import type { TraceRun } from '../studies/trace-run.js';
import { MAXIMUM_ARENA_BYTES } from '../studies/workload.js';
import { paragraph, stack, title } from './layout.js';
import { faultWords, hopelessText } from './obstacle-text.js';
import type { Paint } from './paint.js';
import { bytes, counted, percent } from './phrases.js';
import { type TableCell, table } from './tables.js';

export interface SizeReport {
  readonly name: string;
  readonly alignment: number;
  readonly peakLiveBytes: number;
  /** How many sizes were tried beside what bisection found, on either side. */
  readonly scan: number;
  /** In the order of the catalog. */
  readonly sizes: readonly SizeResult[];
}

const METHODS: Readonly<Record<SizeResult['method'], { name: string; meaning(scan: number): string }>> = {
  'high-water mark': {
    name: 'mark',
    meaning: () => 'how far up its blocks reach in a large arena, which is exact for a first fit by address',
  },
  'bisection and scan': {
    name: 'search',
    meaning: (scan) =>
      scan === 0
        ? 'bisection alone, which may stop beside a smaller arena that would do'
        : `bisection, then ${counted(scan, 'size')} below what it found, and a quarter as many above or, where one of ` +
          'those fails, as many',
  },
};

/** Sizes that fail, by name; more of them are only counted. */
const MAXIMUM_SHOWN = 8;

const SIZE_COLUMNS = [
  { head: 'heap', minimum: 12, overflow: 'cut-end' },
  { head: 'smallest arena', shortHead: 'arena', align: 'right' },
  { head: '÷ peak live', shortHead: '÷ peak', align: 'right' },
  { head: 'statics', align: 'right', dispensable: 1 },
  { head: 'together', align: 'right' },
  { head: 'found by', minimum: 10, overflow: 'cut-end', dispensable: 2 },
] as const;

/** The least RAM first, those that no size would do for last. */
export function sizeReport(report: SizeReport, paint: Paint): string {
  const { name, alignment, peakLiveBytes, sizes } = report;
  const ranked = [...sizes].sort((a, b) => total(a) - total(b));
  const rows = ranked.map((size, index) =>
    sizeRow(size, index === 0 && size.arenaBytes !== undefined, paint),
  );
  return stack([
    title(`${name}: the smallest arena without a failed request`, paint),
    paragraph(
      `${bytes(peakLiveBytes)} asked for and live at once at the peak; alignment ${alignment}.`,
      paint,
    ),
    table(SIZE_COLUMNS, rows, paint),
    paragraph(methodsText(report), paint),
    ...hopeless(sizes, paint),
    ...sizes.flatMap((size) => unsteady(size, paint)),
  ]);
}

function total({ arenaBytes, staticBytes }: SizeResult): number {
  return (arenaBytes ?? Number.POSITIVE_INFINITY) + staticBytes;
}

function sizeRow(size: SizeResult, isBest: boolean, paint: Paint): TableCell[] {
  const style = isBest ? paint.color.green : (text: string) => text;
  const { arenaBytes, overPeakLive, staticBytes } = size;
  const known = arenaBytes !== undefined;
  return [
    { text: size.heap, style },
    { text: known ? bytes(arenaBytes) : noArenaText(size), style },
    overPeakLive === undefined ? '–' : overPeakLive.toFixed(3),
    bytes(staticBytes),
    { text: known ? bytes(arenaBytes + staticBytes) : '–', style },
    `${METHODS[size.method].name}, ${counted(size.runs, 'run')}`,
  ];
}

function noArenaText({ obstacle }: SizeResult): string {
  return obstacle?.kind === 'fault' ? 'fault' : 'none';
}

function methodsText({ sizes, scan }: SizeReport): string {
  const used = [...new Set(sizes.map(({ method }) => METHODS[method]))];
  return `Found by ${used.map(({ name, meaning }) => `${name}: ${meaning(scan)}`).join('; by ')}.`;
}

/** Why there is none; what is true of several heaps is said once. */
function hopeless(sizes: readonly SizeResult[], paint: Paint): string[] {
  const reasons = new Map<string, { obstacle: Obstacle; heaps: string[] }>();
  for (const { heap, obstacle } of sizes) {
    if (obstacle === undefined) continue;
    const key = JSON.stringify(obstacle);
    const known = reasons.get(key) ?? { obstacle, heaps: [] };
    known.heaps.push(heap);
    reasons.set(key, known);
  }
  return [...reasons.values()].map(({ obstacle, heaps }) =>
    paragraph(hopelessText(heaps, obstacle, MAXIMUM_ARENA_BYTES), paint),
  );
}

/** Where a larger arena fails although a smaller one would do. */
function unsteady({ heap, failingAbove }: SizeResult, paint: Paint): string[] {
  if (failingAbove.length === 0) return [];
  const shown = failingAbove.slice(0, MAXIMUM_SHOWN).map(groupDigits);
  const rest = failingAbove.length - shown.length;
  const sizes = `${shown.join(', ')} B${rest > 0 ? ` and ${counted(rest, 'more', 'more')}` : ''}`;
  const text =
    `${heap}: more is not always enough. Of the larger arenas that were tried these fail: ${sizes}; ` +
    `above ${bytes(failingAbove.at(-1)!)} none did.`;
  return [paragraph(text, paint)];
}

const RUN_COLUMNS = [
  { head: 'heap', minimum: 12, overflow: 'cut-end' },
  { head: 'served', align: 'right' },
  { head: 'failed', align: 'right' },
  { head: 'gave up at', align: 'right' },
  { head: 'largest request: least', shortHead: 'least', align: 'right' },
  { head: 'at the end', align: 'right' },
] as const;

function endText(fault: RunFault | undefined, gaveUpAt: number | undefined): string {
  if (fault !== undefined) return 'fault';
  return gaveUpAt === undefined ? '–' : groupDigits(gaveUpAt);
}

/** `runs` of one trace in an arena of the same size. */
export function traceRunReport(name: string, runs: readonly TraceRun[], paint: Paint): string {
  const rows = runs.map(({ heap, allocations, failures, gaveUpAt, fault, largestRequests }) => [
    heap,
    groupDigits(allocations),
    `${groupDigits(failures)} (${percent(failures / Math.max(1, allocations + failures))})`,
    endText(fault, gaveUpAt),
    largestRequests.length === 0 ? '–' : bytes(Math.min(...largestRequests.map((point) => point.bytes))),
    largestRequests.length === 0 ? '–' : bytes(largestRequests.at(-1)!.bytes),
  ]);
  const text =
    'A replay gives up when failed requests outnumber those served. The largest request that would have been ' +
    `served is looked for at ${counted(runs[0]?.largestRequests.length ?? 0, 'point')} of the run.`;
  return stack([
    title(`${name} in an arena of ${bytes(runs[0]!.arenaBytes)}`, paint),
    table(RUN_COLUMNS, rows, paint),
    paragraph(text, paint),
    ...runs.flatMap(({ heap, fault }) =>
      fault === undefined ? [] : [paragraph(`${heap}: ${faultWords(fault)}.`, paint)],
    ),
  ]);
}
