/** What would have saved a request, tried: a row per attempt, with what each costs in RAM and time. */

import { groupDigits } from '../input/index.js';
import type { RunResult } from '../inspect/result.js';
import type { Remedy } from '../studies/rescue.js';
import { paragraph } from './layout.js';
import type { Paint } from './paint.js';
import { approximate, bytes, counted, time } from './phrases.js';
import { type TableCell, table } from './tables.js';

const COLUMNS = [
  { head: 'tried', minimum: 14, overflow: 'cut-end' },
  { head: 'this request' },
  { head: 'failures', align: 'right' },
  { head: 'RAM', align: 'right' },
  { head: 'free at least', shortHead: 'free', align: 'right', dispensable: 2 },
  { head: 'malloc p99', align: 'right' },
  { head: 'longest suspension', shortHead: 'suspension', align: 'right', dispensable: 1 },
] as const;

export function remedyTable(result: RunResult, remedies: readonly Remedy[], paint: Paint): string {
  const rows = remedies.map((remedy) => row(result, remedy, paint));
  return [
    table(COLUMNS, rows, paint),
    ...legend(remedies, paint),
    ...notes(remedies, paint),
    conclusion(remedies, paint),
  ].join('\n');
}

function legend(remedies: readonly Remedy[], paint: Paint): string[] {
  if (!remedies.some(({ estimated }) => estimated)) return [];
  return [
    paragraph(approximate(' estimated, as calls of this heap were not measured on this core', true), paint),
  ];
}

/** One for all attempts of which the same is to be said. */
function notes(remedies: readonly Remedy[], paint: Paint): string[] {
  const attempts = new Map<string, string[]>();
  for (const { what, note } of remedies) {
    if (note !== undefined) attempts.set(note, [...(attempts.get(note) ?? []), what]);
  }
  return [...attempts].map(([note, whats]) => paragraph(`${whats.join(', ')}: ${note}`, paint));
}

function row(result: RunResult, remedy: Remedy, paint: Paint): TableCell[] {
  const span = (cycles: number) => approximate(time(result, cycles), remedy.estimated);
  const plain = (text: string) => text;
  const { measured } = remedy;
  return [
    { text: remedy.kind === 'as it was' ? `${remedy.what}, as it was` : remedy.what, style: plain },
    outcome(remedy, paint),
    measured ? groupDigits(remedy.outOfMemoryCount) : '–',
    measured ? signed(remedy.extraBytes) : '–',
    measured ? bytes(remedy.minimumEverFreeBytes) : '–',
    measured ? span(remedy.mallocP99Cycles) : '–',
    measured ? span(remedy.longestSuspensionCycles) : '–',
  ];
}

function outcome({ kind, saved, reached }: Remedy, { color }: Paint): TableCell {
  if (kind === 'as it was') return { text: 'failed', style: color.dim };
  if (saved) return { text: '✓ succeeds', style: color.green };
  if (reached === undefined) return { text: '✗ none found', style: color.red };
  return reached ? { text: '✗ fails too', style: color.red } : { text: '– not made', style: color.dim };
}

function signed(count: number): string {
  if (count === 0) return 'the same';
  return `${count > 0 ? '+' : '−'}${bytes(Math.abs(count))}`;
}

/** The cheapest change after which nothing fails any more, whether or not this request is made then. */
function conclusion(remedies: readonly Remedy[], paint: Paint): string {
  const sound = remedies.filter((remedy) => remedy.clean);
  const [best] = [...sound].sort(
    (a, b) => a.extraBytes - b.extraBytes || a.mallocP99Cycles - b.mallocP99Cycles,
  );
  if (best === undefined) {
    const helped = remedies.filter((remedy) => remedy.saved).length;
    const text =
      helped === 0
        ? 'None of this would have saved it.'
        : `${counted(helped, 'attempt')} would have saved this request, but none the whole run.`;
    return paragraph(text, paint, paint.color.bold);
  }
  return paragraph(conclusionText(best, sound), paint, paint.color.bold);
}

function conclusionText(best: Remedy, sound: readonly Remedy[]): string {
  if (best.kind === 'RAM') return `With ${bytes(best.extraBytes)} more RAM nothing in this run fails.`;
  if (best.kind !== 'heap') return `With ${best.what} in time nothing in this run fails.`;
  const heaps = sound.filter(({ kind }) => kind === 'heap').length;
  if (heaps === 1) return `On ${best.what} nothing in this run fails.`;
  return (
    `On ${groupDigits(heaps)} of these heaps nothing in this run fails; of those that take the least ` +
    `RAM ${best.what} has the quickest malloc.`
  );
}
