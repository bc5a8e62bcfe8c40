/** Who holds memory, by the line of the scenario that asked for it. */

import type { MapPiece, OutOfMemoryEvent } from '../inspect/result.js';
import { paragraph } from './layout.js';
import type { Paint } from './paint.js';
import { bytes, counted, percent } from './phrases.js';
import { type TableCell, table } from './tables.js';

const SHOWN_LINES = 10;
const BAR_COLUMNS = 20;

const COLUMNS = [
  { head: '' },
  { head: '', minimum: 22 },
  { head: '', align: 'right' },
  { head: '', align: 'right' },
  { head: '', align: 'right' },
  { head: '', minimum: 4, dispensable: 1 },
] as const;

/** Largest first; shares are of all live bytes. Kernel objects, which no line asked for, come last. */
export function holdersByLine(event: OutOfMemoryEvent, paint: Paint): string | undefined {
  const used = event.map.filter((piece) => piece.kind === 'used');
  const live = used.reduce((sum, piece) => sum + piece.bytes, 0);
  if (live === 0) return undefined;
  const row = (line: string, what: string, count: number, blocks: number): TableCell[] => [
    line,
    what,
    bytes(count),
    percent(count / live),
    counted(blocks, 'block'),
    { share: count / live, columns: BAR_COLUMNS, style: paint.color.dim },
  ];
  const shown = event.liveByLine.slice(0, SHOWN_LINES);
  const rows = shown.map((entry) =>
    row(`line ${entry.line}`, labelsOn(used, entry.line), entry.bytes, entry.blocks),
  );
  const unwritten = used.filter((piece) => piece.at === undefined);
  for (const [name, pieces] of [
    ['kernel objects', unwritten.filter((piece) => piece.owner !== undefined)],
    ['lost by the firmware', unwritten.filter((piece) => piece.owner === undefined)],
  ] as const) {
    const count = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
    if (pieces.length > 0) rows.push(row('no line', name, count, pieces.length));
  }
  const left = event.liveByLine.length - shown.length;
  const more = left > 0 ? [paragraph(`… and ${counted(left, 'more line')}`, paint, paint.color.dim)] : [];
  return [table(COLUMNS, rows, paint, { head: false }), ...more].join('\n');
}

/** `logger "line"`: who holds what the line asked for, and its name there. */
function labelsOn(used: readonly MapPiece[], line: number): string {
  const names = new Set<string>();
  for (const { at, owner = 'unknown', label = '?' } of used)
    if (at?.line === line) names.add(`${owner} "${label}"`);
  const [first = '', ...others] = names;
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}
