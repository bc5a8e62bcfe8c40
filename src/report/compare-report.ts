/** The table of `heaplab compare`, for terminals and as Markdown. */

import { formatSeconds, groupDigits } from '../input/index.js';
import { type Comparison, type Contender, longestWait, ramBytes } from '../studies/compare.js';
import { MAXIMUM_ARENA_BYTES } from '../studies/workload.js';
import { paragraph, stack, title } from './layout.js';
import { faultWords, refusalWords } from './obstacle-text.js';
import { overflowMarkdown, overflowReport } from './overflow-report.js';
import type { Paint } from './paint.js';
import { approximate, bytes, counted, percent } from './phrases.js';
import { type Column, type TableCell, table } from './tables.js';

/** A column's figure, to find the best by, and its text. */
interface Figure {
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

const time = (cycles: number, { clockHertz }: Comparison) => formatSeconds(cycles / clockHertz);
const right = { align: 'right' } as const;

const FIGURES: readonly Figure[] = [
  {
    column: { head: 'failed', ...right },
    meaning: 'requests that found no room',
    value: ({ outOfMemoryCount }) => outOfMemoryCount,
    text: groupDigits,
  },
  {
    column: { head: 'smallest arena', shortHead: 'smallest', ...right },
    meaning: 'the smallest arena found in which none fails (heaplab size also tries larger ones)',
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
    meaning: 'what 99 % of the calls do not exceed',
    isTime: true,
    value: ({ p99Cycles }) => p99Cycles,
    text: groupDigits,
  },
  {
    column: { head: 'worst cycles', shortHead: 'worst', ...right },
    meaning: 'the longest call',
    isTime: true,
    value: ({ worstCycles }) => worstCycles,
    text: groupDigits,
  },
  {
    column: { head: 'suspension', shortHead: 'suspend.', ...right, dispensable: 2 },
    meaning: 'the longest time in which no other task could run',
    isTime: true,
    value: ({ longestSuspensionCycles }) => longestSuspensionCycles,
    text: time,
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
    value: ({ lowerBoundBytes, note }) => (note === undefined ? lowerBoundBytes : undefined),
    text: bytes,
  },
  {
    column: { head: 'provable', ...right, dispensable: 6 },
    meaning:
      'the arena that is proved to be enough for them in any order, fixed bookkeeping left out, in units of what ' +
      'its blocks are multiples of',
    none: 'no proof',
    value: ({ provableBytes, note }) => (note === undefined ? provableBytes : undefined),
    text: bytes,
  },
];

const NOTHING = '–';

export function compareReport(comparison: Comparison, paint: Paint): string {
  const { contenders } = comparison;
  const figures = shownFigures(comparison);
  const columns: Column[] = [
    { head: 'heap', minimum: 10, overflow: 'cut-end' },
    ...figures.map(({ column }) => column),
  ];
  const rows = contenders.map((contender) => [
    { text: contender.heap, style: contender === contenders[0] ? paint.color.bold : plain },
    ...figures.map((figure) => styled(figure, contender, comparison, paint)),
  ]);
  return stack([
    title(heading(comparison), paint),
    table(columns, rows, paint),
    paragraph(verdict(comparison), paint, paint.color.bold),
    paragraph(legend(comparison), paint),
    ...notes(contenders).map((note) => paragraph(note, paint)),
    comparison.overflows === undefined ? undefined : overflowReport(comparison.overflows, paint),
  ]);
}

/** The same as a Markdown section. */
export function compareMarkdown(comparison: Comparison): string {
  const figures = shownFigures(comparison);
  const heads = ['heap', ...figures.map(({ column }) => column.head)];
  const rows = comparison.contenders.map((contender) => [
    contender.heap,
    ...figures.map((figure) => {
      const text = cellText(figure, contender, comparison);
      return isBest(figure, contender, comparison) ? `**${text}**` : text;
    }),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = heads.map((_, index) => (index === 0 ? '---' : '---:'));
  const remarks = notes(comparison.contenders).map((note) => `- ${note}`);
  return [
    `## ${heading(comparison)}`,
    '',
    line(heads),
    line(rule),
    ...rows.map(line),
    '',
    verdict(comparison),
    '',
    legend(comparison),
    ...(remarks.length === 0 ? [] : ['', ...remarks]),
    ...(comparison.overflows === undefined ? [] : ['', overflowMarkdown(comparison.overflows)]),
  ].join('\n');
}

/** Why heaps did not come to the end, or never would without a failure; what is true of several is said once. */
function notes(contenders: readonly Contender[]): string[] {
  const heaps = new Map<string, string[]>();
  for (const { heap, ...contender } of contenders) {
    const note = noteOf(contender);
    if (note !== undefined) heaps.set(note, [...(heaps.get(note) ?? []), heap]);
  }
  return [...heaps].map(([note, names]) => `${names.join(', ')}: ${note}`);
}

function noteOf({ note, fault, obstacle }: Omit<Contender, 'heap'>): string | undefined {
  if (fault !== undefined) return faultWords(fault);
  if (note !== undefined || obstacle === undefined) return note;
  return obstacle.kind === 'fault'
    ? `with more RAM ${faultWords(obstacle)}`
    : refusalWords(obstacle, MAXIMUM_ARENA_BYTES);
}

function plain(text: string): string {
  return text;
}

function heading({ workload, target, heapBytes }: Comparison): string {
  return `${workload} on ${target}, ${bytes(heapBytes)} for the heap`;
}

/** Those that exist for this kind of workload. */
function shownFigures({ contenders }: Comparison): readonly Figure[] {
  return FIGURES.filter(({ none, value }) =>
    contenders.some(
      (contender) => value(contender) !== undefined || (none !== undefined && isMeasured(contender)),
    ),
  );
}

function styled(figure: Figure, contender: Contender, comparison: Comparison, paint: Paint): TableCell {
  const best = isBest(figure, contender, comparison);
  const text = cellText(figure, contender, comparison);
  return { text: best ? `${text}*` : `${text} `, style: best ? paint.color.green : plain };
}

function cellText(figure: Figure, contender: Contender, comparison: Comparison): string {
  const value = figure.value(contender);
  if (wasNotTried(contender)) return NOTHING;
  if (value === undefined) return (isMeasured(contender) && figure.none) || NOTHING;
  const text = figure.text(value, comparison);
  return approximate(text, figure.isTime === true && contender.cost?.estimated === true);
}

/** Runs that broke off, or in which more failed than had to, are no measure for the others. */
function isBest(figure: Figure, contender: Contender, { contenders }: Comparison): boolean {
  const value = figure.value(contender);
  const peers = soundest(contenders);
  if (value === undefined || !peers.includes(contender)) return false;
  const sign = figure.best === 'highest' ? -1 : 1;
  return peers.every(
    (other) => sign * value <= sign * (figure.value(other) ?? sign * Number.POSITIVE_INFINITY),
  );
}

/** Whether it came to the end, and there was something to measure. */
function isMeasured({ note, lowerBoundBytes }: Contender): boolean {
  return note === undefined && lowerBoundBytes !== undefined;
}

/** Those that came to the end with the fewest failures; `contenders` are ranked. */
function soundest(contenders: readonly Contender[]): Contender[] {
  const [first] = contenders;
  return contenders.filter(
    ({ note, outOfMemoryCount }) => note === undefined && outOfMemoryCount === first?.outOfMemoryCount,
  );
}

function wasNotTried({ note, peakFootprintBytes }: Contender): boolean {
  return note !== undefined && peakFootprintBytes === 0;
}

/** Who won, and by what. */
function verdict(comparison: Comparison): string {
  const { contenders } = comparison;
  const [winner] = contenders;
  if (winner === undefined) return 'There is nothing to compare.';
  if (winner.note !== undefined) return 'No heap came to the end of it.';
  if (contenders.length === 1) return `${winner.heap} was alone.`;
  const failed = winner.outOfMemoryCount;
  const [, next, ...others] = soundest(contenders);
  if (next === undefined) {
    const served = failed === 0 ? 'no request failed' : `the fewest requests failed, ${groupDigits(failed)}`;
    return `${winner.heap} wins: with it alone ${served}.`;
  }
  const count = others.length + 2;
  const more = count < contenders.length ? ', more with the others' : '';
  const among =
    failed === 0
      ? `no request failed with ${count} heaps`
      : `${counted(failed, 'request')} failed with ${count} heaps${more}`;
  return `${winner.heap} wins: ${among}; ${edge(winner, next, comparison)}.`;
}

/** What puts the winner before the next, which failed as seldom. */
function edge(winner: Contender, next: Contender, comparison: Comparison): string {
  const saved = ramBytes(next) - ramBytes(winner);
  const [wait, nextWait] = [longestWait(winner), longestWait(next)];
  if (saved > 0) {
    const least = Math.min(...soundest(comparison.contenders).map(longestWait));
    const price =
      wait > least
        ? `its longest wait is ${time(wait, comparison)}, the shortest of them ${time(least, comparison)}`
        : 'and nobody waits less';
    const ram = `it takes the least RAM, ${bytes(ramBytes(winner))}, ${bytes(saved)} less than ${next.heap}`;
    return `of these ${ram}; ${price}`;
  }
  if ((next.missedDeadlines ?? 0) > (winner.missedDeadlines ?? 0)) {
    const missed = counted(next.missedDeadlines!, 'deadline');
    return `${next.heap} takes as little RAM, but ${missed} are missed with it`;
  }
  if (nextWait > wait) {
    const waits = `up to ${time(nextWait, comparison)} instead of ${time(wait, comparison)}`;
    return `${next.heap} takes as little RAM, but has others wait ${waits}`;
  }
  return `${next.heap} is as good`;
}

function legend(comparison: Comparison): string {
  const figures = shownFigures(comparison).map(({ column, meaning }) => `${column.head}: ${meaning}`);
  const clock = `${comparison.clockHertz / 1e6} cycles are 1 µs`;
  return `${figures.join('; ')}. ${clock}. * best of its column, of those heaps that came to the end with the fewest failures.${costLegend(comparison)}`;
}

/** What times rest on, where that is not measured paths alone. */
function costLegend({ contenders }: Comparison): string {
  const estimated = contenders.filter(({ cost }) => cost?.estimated === true);
  const sources = new Set(estimated.map(({ cost }) => cost!.source));
  const marks = [...sources].map((source) => ` ${approximate(` ${source}`, true)}.`);
  const nearest = contenders.flatMap(({ heap, cost }) =>
    cost === undefined || cost.estimated || cost.byNearestPath === 0
      ? []
      : [` ${heap}: ${counted(cost.byNearestPath, 'call')} priced by the nearest measured path.`],
  );
  return [...marks, ...nearest].join('');
}
