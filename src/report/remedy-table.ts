/** What would have saved a request, tried: a row per attempt, with what each costs in RAM and time. */

import { groupDigits } from '../input/index.js';
import type { RunResult } from '../inspect/result.js';
import type { Remedy } from '../studies/rescue.js';
import { paragraph } from './layout.js';
import type { Paint } from './paint.js';
import { bytes, counted, time } from './phrases.js';
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
  const notes = remedies.flatMap(({ what, note }) =>
    note === undefined ? [] : [paragraph(`${what}: ${note}`, paint)],
  );
  return [table(COLUMNS, rows, paint), ...notes, conclusion(remedies, paint)].join('\n');
}

function row(result: RunResult, remedy: Remedy, paint: Paint): TableCell[] {
  const { color } = paint;
  const span = (cycles: number) => time(result, cycles);
  const plain = (text: string) => text;
  const outcome: TableCell =
    remedy.kind === 'as it was'
      ? { text: 'failed', style: color.dim }
      : remedy.saved
        ? { text: '✓ succeeds', style: color.green }
        : { text: '✗ fails too', style: color.red };
  // A run that was made has figures, even if it ended in a fault.
  const untried = remedy.note !== undefined && remedy.longestSuspensionCycles === 0;
  return [
    { text: remedy.kind === 'as it was' ? `${remedy.what}, as it was` : remedy.what, style: plain },
    outcome,
    untried ? '–' : groupDigits(remedy.outOfMemoryCount),
    untried ? '–' : signed(remedy.extraBytes),
    untried ? '–' : bytes(remedy.minimumEverFreeBytes),
    untried ? '–' : span(remedy.mallocP99Cycles),
    untried ? '–' : span(remedy.longestSuspensionCycles),
  ];
}

function signed(count: number): string {
  if (count === 0) return 'the same';
  return `${count > 0 ? '+' : '−'}${bytes(Math.abs(count))}`;
}

/** The cheapest change after which nothing fails any more. */
function conclusion(remedies: readonly Remedy[], paint: Paint): string {
  const sound = remedies.filter((remedy) => remedy.saved && remedy.clean);
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
  const text =
    best.kind === 'RAM'
      ? `With ${bytes(best.extraBytes)} more RAM nothing in this run fails.`
      : best.kind === 'heap'
        ? `On ${best.what} nothing in this run fails.`
        : `With ${best.what} in time nothing in this run fails.`;
  return paragraph(text, paint, paint.color.bold);
}
