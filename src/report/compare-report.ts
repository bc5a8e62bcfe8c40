/** The table of `heaplab compare`, for terminals and as Markdown. */

import { formatSeconds, groupDigits } from '../input/index.js';
import { type Comparison, type Contender, longestWait, ramBytes } from '../studies/compare.js';
import { paragraph, stack, title } from './layout.js';
import { overflowMarkdown, overflowReport } from './overflow-report.js';
import type { Paint } from './paint.js';
import { approximate, bytes, counted, percent } from './phrases.js';
import { type Column, type TableCell, table } from './tables.js';

/** A column's figure, to find the best by, and its text. The best is the lowest. */
interface Figure {
  readonly column: Column;
  readonly meaning: string;
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
    meaning: 'the smallest arena in which none fails',
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
    column: { head: 'p99', ...right },
    meaning: 'what 99 % of the calls do not exceed',
    isTime: true,
    value: ({ p99Cycles }) => p99Cycles,
    text: time,
  },
  {
    column: { head: 'worst', ...right },
    meaning: 'the longest call',
    isTime: true,
    value: ({ worstCycles }) => worstCycles,
    text: time,
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
];

const PROVABLE: Column = { head: 'provable', align: 'right', dispensable: 5 };
const NOTHING = '–';
const NOT_PROVABLE = 'no';

export function compareReport(comparison: Comparison, paint: Paint): string {
  const { contenders } = comparison;
  const figures = shownFigures(comparison);
  const columns: Column[] = [
    { head: 'heap', minimum: 10, overflow: 'cut-end' },
    ...figures.map(({ column }) => column),
    { head: 'first failure', shortHead: 'first', align: 'right', dispensable: 6 },
    PROVABLE,
  ];
  const rows = contenders.map((contender) => [
    { text: contender.heap, style: contender === contenders[0] ? paint.color.bold : plain },
    ...figures.map((figure) => styled(figure, contender, comparison, paint)),
    firstFailure(contender, comparison),
    provable(contender),
  ]);
  return stack([
    title(heading(comparison), paint),
    table(columns, rows, paint),
    paragraph(verdict(comparison), paint, paint.color.bold),
    paragraph(legend(comparison), paint),
    ...contenders.flatMap(({ heap, note }) =>
      note === undefined ? [] : [paragraph(`${heap}: ${note}`, paint)],
    ),
    comparison.overflows === undefined ? undefined : overflowReport(comparison.overflows, paint),
  ]);
}

/** The same as a Markdown section. */
export function compareMarkdown(comparison: Comparison): string {
  const figures = shownFigures(comparison);
  const heads = ['heap', ...figures.map(({ column }) => column.head), 'first failure', 'provable'];
  const rows = comparison.contenders.map((contender) => [
    contender.heap,
    ...figures.map((figure) => {
      const text = cellText(figure, contender, comparison);
      return isBest(figure, contender, comparison) ? `**${text}**` : text;
    }),
    firstFailure(contender, comparison),
    provable(contender),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = heads.map((_, index) => (index === 0 ? '---' : '---:'));
  const notes = comparison.contenders.flatMap(({ heap, note }) =>
    note === undefined ? [] : [`- ${heap}: ${note}`],
  );
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
    ...(notes.length === 0 ? [] : ['', ...notes]),
    ...(comparison.overflows === undefined ? [] : ['', overflowMarkdown(comparison.overflows)]),
  ].join('\n');
}

function plain(text: string): string {
  return text;
}

function heading({ workload, target, heapBytes }: Comparison): string {
  return `${workload} on ${target}, ${bytes(heapBytes)} for the heap`;
}

/** Those that exist for this kind of workload. */
function shownFigures({ contenders }: Comparison): readonly Figure[] {
  return FIGURES.filter((figure) => contenders.some((contender) => figure.value(contender) !== undefined));
}

function styled(figure: Figure, contender: Contender, comparison: Comparison, paint: Paint): TableCell {
  const best = isBest(figure, contender, comparison);
  const text = cellText(figure, contender, comparison);
  return { text: best ? `${text}*` : `${text} `, style: best ? paint.color.green : plain };
}

function cellText(figure: Figure, contender: Contender, comparison: Comparison): string {
  const value = figure.value(contender);
  if (value === undefined || wasNotTried(contender)) return NOTHING;
  const text = figure.text(value, comparison);
  return approximate(text, figure.isTime === true && contender.cost?.estimated === true);
}

/** Runs that broke off, or in which more failed than had to, are no measure for the others. */
function isBest(figure: Figure, contender: Contender, { contenders }: Comparison): boolean {
  const value = figure.value(contender);
  const peers = soundest(contenders);
  if (value === undefined || !peers.includes(contender)) return false;
  return peers.every((other) => value <= (figure.value(other) ?? Number.POSITIVE_INFINITY));
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

function firstFailure({ firstOutOfMemory }: Contender, { kind }: Comparison): string {
  if (firstOutOfMemory === undefined) return NOTHING;
  return kind === 'trace' ? `op ${groupDigits(firstOutOfMemory)}` : formatSeconds(firstOutOfMemory);
}

function provable({ provableBytes, note, lowerBoundBytes }: Contender): string {
  if (note !== undefined || lowerBoundBytes === undefined) return NOTHING;
  return provableBytes === undefined ? NOT_PROVABLE : bytes(provableBytes);
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
  const among =
    failed === 0
      ? `no request failed with ${count} heaps`
      : `${counted(failed, 'request')} failed with ${count} heaps, more with the others`;
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
  const least = comparison.contenders.find(({ lowerBoundBytes }) => lowerBoundBytes !== undefined);
  const robson =
    least?.lowerBoundBytes === undefined
      ? ''
      : ` provable: the arena that is proved to be enough for any order of such requests; no heap that leaves blocks where they are can promise that with less than ${bytes(least.lowerBoundBytes)} (Robson, with ${least.heap}'s headers).`;
  const figures = shownFigures(comparison).map(({ column, meaning }) => `${column.head}: ${meaning}`);
  return `${figures.join('; ')}.${robson} * best of its column.${costLegend(comparison)}`;
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
