/** What compactions did, and the locks that were in their way. */

import { groupDigits } from '../input/index.js';
import type { CompactionEvent, PinnedPiece, RunResult } from '../inspect/result.js';
import { hex } from '../mcu/index.js';
import { paragraph } from './layout.js';
import type { Paint } from './paint.js';
import { bytes, counted, place, time } from './phrases.js';
import { type Column, type TableCell, table } from './tables.js';
import { glue } from './text.js';

/** Why a compaction took place. */
export const TRIGGER_WORDS: Readonly<Record<CompactionEvent['trigger'], string>> = {
  failure: 'no room',
  lower: 'filling up',
  higher: 'nearly full',
  call: 'called',
};

/** All of them in one sentence. */
export function compactionText(result: RunResult): string {
  const { count, bytesMoved, blocksMoved, cycles, longestCycles } = result.compactions;
  const moved = `${bytes(bytesMoved)} moved in ${counted(blocksMoved, 'block')}`;
  const spent = `${time(result, cycles)} in all`;
  const longest = `${time(result, longestCycles)} at longest`;
  return [counted(count, 'compaction'), moved, spent, longest].map(glue).join(', ');
}

const COLUMNS: readonly Column[] = [
  { head: '#', align: 'right' },
  { head: 'tick', align: 'right' },
  { head: 'task', minimum: 6 },
  { head: 'why' },
  { head: 'moved', align: 'right' },
  { head: 'blocks', align: 'right', dispensable: 3 },
  { head: 'cycles', align: 'right', dispensable: 2 },
  { head: 'suspension', align: 'right' },
  { head: 'largest hole', shortHead: 'largest', align: 'right' },
  { head: 'locked in the way', shortHead: 'locked', minimum: 8, overflow: 'wrap', dispensable: 1 },
];

const SHOWN_EVENTS = 12;

/** The first ones, one a line; sizes in bytes. */
export function compactionTable(result: RunResult, paint: Paint): string | undefined {
  const { events } = result.compactions;
  if (events.length === 0) return undefined;
  const rows = events.slice(0, SHOWN_EVENTS).map((event) => eventRow(result, event, paint));
  const left = result.compactions.count - rows.length;
  const more = left > 0 ? [paragraph(`… and ${groupDigits(left)} more in all`, paint, paint.color.dim)] : [];
  return [table(COLUMNS, rows, paint), ...more].join('\n');
}

function eventRow(result: RunResult, event: CompactionEvent, { color }: Paint): TableCell[] {
  const { largestHoleBefore, largestHoleAfter } = event;
  return [
    groupDigits(event.number),
    groupDigits(event.tick),
    event.task,
    TRIGGER_WORDS[event.trigger] + (event.finished ? '' : ', in part'),
    groupDigits(event.bytesMoved),
    groupDigits(event.blocksMoved),
    groupDigits(event.cycles),
    time(result, event.suspension),
    `${groupDigits(largestHoleBefore)} → ${groupDigits(largestHoleAfter)}`,
    { text: pinText(event), style: color.yellow },
  ];
}

function pinText({ blocksInTheWay, pins }: CompactionEvent): string {
  if (blocksInTheWay === 0) return '–';
  const costliest = pins.reduce<PinnedPiece | undefined>(
    (most, pin) => (most === undefined || pin.cost > most.cost ? pin : most),
    undefined,
  );
  if (costliest === undefined || costliest.cost === 0) return groupDigits(blocksInTheWay);
  return `${groupDigits(blocksInTheWay)}; "${costliest.label ?? '?'}" cost ${bytes(costliest.cost)}`;
}

const PIN_COLUMNS: readonly Column[] = [
  { head: 'address' },
  { head: 'bytes', align: 'right' },
  { head: 'locks', align: 'right' },
  { head: 'held by', minimum: 12, overflow: 'cut-end' },
  { head: 'allocated at', minimum: 12, overflow: 'cut-start', dispensable: 1 },
  { head: 'cost', align: 'right' },
];

/** Locked blocks, and by how much the largest hole would be larger without each. */
export function pinTable(result: RunResult, pins: readonly PinnedPiece[], paint: Paint): string | undefined {
  if (pins.length === 0) return undefined;
  const rows = pins.map((pin) => [
    hex(pin.address),
    bytes(pin.bytes),
    String(pin.locks ?? 0),
    `${pin.owner ?? 'unknown'} "${pin.label ?? '?'}"`,
    place(result.scenario.file, pin.at) ?? 'the kernel',
    bytes(pin.cost),
  ]);
  const text = 'The cost of a lock: how much larger the largest hole would be without it, after compaction.';
  return [table(PIN_COLUMNS, rows, paint), paragraph(text, paint, paint.color.dim)].join('\n');
}
