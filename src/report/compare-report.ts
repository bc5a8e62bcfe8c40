/** What `heaplab compare` prints, for terminals and as Markdown. */

import { groupDigits } from '../input/index.js';
import type { Comparison, Contender } from '../studies/compare.js';
import { MAXIMUM_ARENA_BYTES } from '../studies/workload.js';
import { cellText, type Figure, figuresOf, isBest } from './compare-figures.js';
import { verdict } from './compare-verdict.js';
import { type Fact, facts, paragraph, section, stack, title } from './layout.js';
import { faultWords, refusalWords } from './obstacle-text.js';
import { overflowMarkdown, overflowReport } from './overflow-report.js';
import type { Paint } from './paint.js';
import { approximate, bytes, counted } from './phrases.js';
import { type Column, headsShown, type TableCell, table } from './tables.js';

const HEAP: Column = { head: 'heap', minimum: 10, overflow: 'cut-end' };
const BEST = 'the best of its column, of the heaps that came to the end with the fewest failures';

/** What the columns mean is said once, at the end. */
export function compareReport(comparisons: readonly Comparison[], paint: Paint): string {
  const tables = comparisons.map((comparison) => tableOf(comparison, paint));
  const meanings = new Map<string, string>();
  const left = new Set<string>();
  for (const { figures, columns, rows } of tables) {
    const shown = new Map(headsShown(columns, rows, paint).map(({ index, head }) => [index, head]));
    figures.forEach(({ column, meaning }, index) => {
      const head = shown.get(index + 1);
      if (head === undefined) left.add(column.head);
      else meanings.set(head, meaning);
    });
  }
  const legend: Fact[] = [...meanings, ['*', BEST], ...leftOut([...left])];
  const widest = Math.max(...legend.map(([name]) => name.length));
  return [
    ...comparisons.map((comparison, index) => oneReport(comparison, tables[index]!, paint)),
    section('What the columns say', facts(legend, paint, widest + 2), paint),
  ].join('\n\n\n');
}

function leftOut(heads: readonly string[]): Fact[] {
  if (heads.length === 0) return [];
  return [['left out', `${heads.join(', ')}: a wider terminal shows them, and so do --markdown and --json`]];
}

interface ComparisonTable {
  readonly figures: readonly Figure[];
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly TableCell[])[];
}

function tableOf(comparison: Comparison, paint: Paint): ComparisonTable {
  const { contenders } = comparison;
  const figures = figuresOf(comparison);
  const rows = contenders.map((contender) => [
    { text: contender.heap, style: contender === contenders[0] ? paint.color.bold : plain },
    ...figures.map((figure) => styled(figure, contender, comparison, paint)),
  ]);
  return { figures, columns: [HEAP, ...figures.map(({ column }) => column)], rows };
}

function oneReport(comparison: Comparison, { columns, rows }: ComparisonTable, paint: Paint): string {
  return stack([
    title(heading(comparison), paint),
    table(columns, rows, paint),
    paragraph(verdict(comparison), paint, paint.color.bold),
    ...costNotes(comparison).map((note) => paragraph(note, paint)),
    ...notes(comparison.contenders).map((note) => paragraph(note, paint)),
    comparison.overflows === undefined ? undefined : overflowReport(comparison.overflows, paint),
  ]);
}

/** The same as sections of Markdown. */
export function compareMarkdown(comparisons: readonly Comparison[]): string {
  const meanings = new Map(
    comparisons.flatMap((one) =>
      figuresOf(one).map(({ column, meaning }) => [column.head, meaning] as const),
    ),
  );
  const legend = [...meanings].map(([head, meaning]) => `- ${head}: ${meaning}`);
  return [
    ...comparisons.map(oneMarkdown),
    ['## What the columns say', '', ...legend, `- **bold**: ${BEST}`].join('\n'),
  ].join('\n\n');
}

function oneMarkdown(comparison: Comparison): string {
  const figures = figuresOf(comparison);
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
  const remarks = [...costNotes(comparison), ...notes(comparison.contenders)].map((note) => `- ${note}`);
  return [
    `## ${heading(comparison)}`,
    '',
    line(heads),
    line(rule),
    ...rows.map(line),
    '',
    verdict(comparison),
    ...(remarks.length === 0 ? [] : ['', ...remarks]),
    ...(comparison.overflows === undefined ? [] : ['', overflowMarkdown(comparison.overflows)]),
  ].join('\n');
}

function plain(text: string): string {
  return text;
}

function styled(figure: Figure, contender: Contender, comparison: Comparison, paint: Paint): TableCell {
  const best = isBest(figure, contender, comparison);
  const text = cellText(figure, contender, comparison);
  return { text: best ? `${text}*` : `${text} `, style: best ? paint.color.green : plain };
}

function heading({ workload, target, clockHertz, heapBytes }: Comparison): string {
  return `${workload} on ${target} at ${clockHertz / 1e6} MHz, ${bytes(heapBytes)} for the heap`;
}

// --- notes ------------------------------------------------------------------------------------------------

/** Options, why heaps did not come to the end, or never would without a failure; of several it is said once. */
function notes(contenders: readonly Contender[]): string[] {
  const heaps = new Map<string, string[]>();
  for (const { heap, ...contender } of contenders) {
    for (const note of notesOf(contender)) heaps.set(note, [...(heaps.get(note) ?? []), heap]);
  }
  return [...heaps].map(([note, names]) => `${names.join(', ')}: ${note}.`);
}

function notesOf({ options, note, fault, obstacle }: Omit<Contender, 'heap'>): string[] {
  const own = Object.entries(options ?? {}).map(([name, value]) => `${name} ${optionWord(value)}`);
  const found = own.length === 0 ? [] : [`with ${own.join(', ')}`];
  if (fault !== undefined) found.push(faultWords(fault));
  else if (note !== undefined) found.push(note);
  else if (obstacle?.kind === 'fault') found.push(`in a larger arena ${faultWords(obstacle)}`);
  else if (obstacle !== undefined) found.push(refusalWords(obstacle, MAXIMUM_ARENA_BYTES));
  return found;
}

function optionWord(value: boolean | number | string): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return typeof value === 'number' ? groupDigits(value) : value;
}

/** What times rest on, where that is not measured paths alone: of which heaps, unless it is of most. */
function costNotes({ contenders }: Comparison): string[] {
  const heaps = new Map<string, string[]>();
  for (const { heap, note, cost } of contenders) {
    if (note !== undefined || cost?.estimated !== true) continue;
    heaps.set(cost.source, [...(heaps.get(cost.source) ?? []), heap]);
  }
  const sources = [...heaps].sort(([, a], [, b]) => b.length - a.length);
  const estimates = sources.map(([source, names], index) =>
    approximate(index === 0 ? ` ${source}.` : ` of ${names.join(', ')}: ${source}.`, true),
  );
  const nearest = contenders.flatMap(({ heap, note, cost }) =>
    note !== undefined || cost === undefined || cost.estimated || cost.byNearestPath === 0
      ? []
      : [`${heap}: ${counted(cost.byNearestPath, 'call')} priced by the nearest measured path.`],
  );
  return [estimates.join(' '), ...nearest].filter((text) => text !== '');
}
