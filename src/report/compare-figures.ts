/** The columns of `heaplab compare`: which figure, how it is told, and which of them is the best. */

import { formatSeconds, groupDigits } from '../input/index.js';
import type { Comparison, Contender } from '../studies/compare.js';
import { approximate, bytes, percent } from './phrases.js';
import type { Column } from './tables.js';

/** A column's figure, to find the best by, and its text. */
export interface Figure {
  readonly column: Column;
  readonly meaning: string;
  /** Else the lowest. */
  readonly best?: 'highest';
  /** Instead of a figure, where a heap that came to the end has none. */
  readonly none?: string;
  /** Of a figure in cycles: where those are estimated the text says so. */
  readonly isTime?: true;
  value(contender: Contender): number | undefined;
  text(value: number, comparison: Comparison): string;
}

const right = { align: 'right' } as const;

const FAILED: Figure = {
  column: { head: 'failed', ...right },
  meaning: 'requests that found no room; fault: the run ended early, see below',
  value: ({ outOfMemoryCount, note }) => (note === undefined ? outOfMemoryCount : undefined),
  text: groupDigits,
};

const FIGURES: readonly Figure[] = [
  FAILED,
  {
    column: { head: 'smallest arena', shortHead: 'smallest', ...right },
    meaning: 'the smallest arena found in which none fails; heaplab size says which larger ones do',
    value: ({ smallestArenaBytes }) => smallestArenaBytes,
    text: bytes,
  },
  {
    column: { head: 'peak RAM', ...right, dispensable: 3 },
    meaning: "the most that was in use, with headers, fixed bookkeeping and the heap's variables",
    value: ({ peakFootprintBytes }) => peakFootprintBytes,
    text: bytes,
  },
  {
    column: { head: 'fragmentation', shortHead: 'fragm.', ...right, dispensable: 4 },
    meaning: 'share of free memory outside the largest hole',
    value: ({ fragmentation }) => fragmentation,
    text: percent,
  },
  {
    column: { head: 'p99 cycles', shortHead: 'p99', ...right },
    meaning: 'cycles that 99 % of the calls do not exceed',
    isTime: true,
    value: ({ p99Cycles }) => p99Cycles,
    text: groupDigits,
  },
  {
    column: { head: 'worst cycles', shortHead: 'worst', ...right },
    meaning: 'cycles of the longest call',
    isTime: true,
    value: ({ worstCycles }) => worstCycles,
    text: groupDigits,
  },
  {
    column: { head: 'suspension', shortHead: 'suspend.', ...right, dispensable: 2 },
    meaning: 'the longest time in which no other task could run',
    isTime: true,
    value: ({ longestSuspensionCycles }) => longestSuspensionCycles,
    text: (cycles, { clockHertz }) => formatSeconds(cycles / clockHertz),
  },
  {
    column: { head: 'missed', ...right, dispensable: 1 },
    meaning: 'deadlines missed',
    value: ({ missedDeadlines }) => missedDeadlines,
    text: groupDigits,
  },
  {
    column: { head: 'first failure', shortHead: 'first', ...right, dispensable: 5 },
    meaning: 'when the first request failed',
    best: 'highest',
    value: ({ firstOutOfMemory }) => firstOutOfMemory,
    text: (first, { kind }) => (kind === 'trace' ? `op ${groupDigits(first)}` : formatSeconds(first)),
  },
  {
    column: { head: 'lower bound', shortHead: 'at least', ...right, dispensable: 7 },
    meaning:
      'for a peak and a largest block as this heap saw them, what no heap that leaves blocks where they are can ' +
      'promise less than (Robson, in units of its smallest block)',
    value: ({ lowerBoundBytes }) => lowerBoundBytes,
    text: bytes,
  },
  {
    column: { head: 'provable', ...right, dispensable: 6 },
    meaning:
      'the arena that is proved to be enough for them in any order, fixed bookkeeping left out, in units of what ' +
      'its blocks are multiples of',
    none: 'no proof',
    value: ({ provableBytes }) => provableBytes,
    text: bytes,
  },
];

const NOTHING = '–';

/** Those that exist for this kind of workload. */
export function figuresOf({ contenders }: Comparison): readonly Figure[] {
  return FIGURES.filter(
    (figure) =>
      figure === FAILED ||
      contenders.some(
        (contender) =>
          figureOf(figure, contender) !== undefined || (figure.none !== undefined && isMeasured(contender)),
      ),
  );
}

export function cellText(figure: Figure, contender: Contender, comparison: Comparison): string {
  const value = figureOf(figure, contender);
  if (figure === FAILED && contender.fault !== undefined) return 'fault';
  if (value === undefined) return (isMeasured(contender) && figure.none) || NOTHING;
  const text = figure.text(value, comparison);
  return approximate(text, figure.isTime === true && contender.cost?.estimated === true);
}

/** What a run that broke off saw is no figure of the whole; which arena would do has been tried apart from it. */
function figureOf(figure: Figure, contender: Contender): number | undefined {
  const isOfTheRun = figure.column.head !== 'smallest arena';
  return isOfTheRun && contender.note !== undefined ? undefined : figure.value(contender);
}

/** Whether it came to the end, and there was something to measure. */
function isMeasured({ note, lowerBoundBytes }: Contender): boolean {
  return note === undefined && lowerBoundBytes !== undefined;
}

/** Runs in which more failed than had to are no measure for the others, and one alone is the best of nothing. */
export function isBest(figure: Figure, contender: Contender, { contenders }: Comparison): boolean {
  const value = figureOf(figure, contender);
  const peers = soundest(contenders);
  if (value === undefined || !peers.includes(contender)) return false;
  if (figure === FAILED) return true;
  const sign = figure.best === 'highest' ? -1 : 1;
  return (
    peers.length > 1 &&
    peers.every((other) => sign * value <= sign * (figure.value(other) ?? sign * Number.POSITIVE_INFINITY))
  );
}

/** Those that came to the end with the fewest failures; `contenders` are ranked. */
export function soundest(contenders: readonly Contender[]): Contender[] {
  const [first] = contenders;
  return contenders.filter(
    ({ note, outOfMemoryCount }) => note === undefined && outOfMemoryCount === first?.outOfMemoryCount,
  );
}
