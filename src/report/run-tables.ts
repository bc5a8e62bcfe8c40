/** The tables of a run's summary: its tasks, and the requests that failed. */

import { formatSeconds, groupDigits } from '../input/index.js';
import type { OutOfMemoryEvent, RunResult, TaskResult } from '../inspect/result.js';
import { paragraph } from './layout.js';
import type { Paint } from './paint.js';
import { percent, place, time } from './phrases.js';
import { type Column, type TableCell, table } from './tables.js';

/** What a figure of 0 looks like, so that the others stand out. */
const NOTHING = '–';

const TASK_COLUMNS: readonly Column[] = [
  { head: 'task', minimum: 8 },
  { head: 'CPU', align: 'right' },
  { head: 'mallocs', shortHead: 'malloc', align: 'right' },
  { head: 'failed', align: 'right' },
  { head: 'peak live', shortHead: 'peak B', align: 'right' },
  { head: 'missed deadlines', shortHead: 'late', align: 'right' },
  { head: 'longest held up', shortHead: 'held up', minimum: 10, overflow: 'wrap', dispensable: 1 },
];

/** Those who held most at a time come first. */
export function taskTable(result: RunResult, paint: Paint): string | undefined {
  if (result.tasks.length === 0) return undefined;
  const tasks = [...result.tasks].sort((a, b) => b.peakLiveBytes - a.peakLiveBytes);
  return table(
    TASK_COLUMNS,
    tasks.map((task) => taskRow(result, task, paint)),
    paint,
  );
}

function taskRow(result: RunResult, task: TaskResult, { color }: Paint): TableCell[] {
  // A queue holds blocks but never runs.
  const cpu = task.runCycles === 0 ? NOTHING : percent(task.runCycles / result.cycle);
  return [
    task.kind === 'interrupt' ? `${task.name} (interrupt)` : task.name,
    cpu,
    figure(task.allocations),
    alarming(task.failures, color.red),
    figure(task.peakLiveBytes),
    alarming(task.missedDeadlines, color.red),
    task.longestHeldUpCycles === 0
      ? NOTHING
      : `${time(result, task.longestHeldUpCycles)} by ${task.longestHeldUpBy}`,
  ];
}

function figure(count: number): string {
  return count === 0 ? NOTHING : groupDigits(count);
}

function alarming(count: number, style: (text: string) => string): TableCell {
  return count === 0 ? NOTHING : { text: groupDigits(count), style };
}

const LINE_COLUMN: Column = { head: 'line', minimum: 14, overflow: 'cut-start' };
const EVENT_COLUMNS: readonly Column[] = [
  { head: '#', align: 'right' },
  { head: 'tick', align: 'right' },
  { head: 'time', align: 'right', dispensable: 3 },
  { head: 'task', minimum: 6 },
  LINE_COLUMN,
  { head: 'request', shortHead: 'asked', align: 'right', dispensable: 1 },
  { head: 'needed', align: 'right' },
  { head: 'free', align: 'right' },
  { head: 'largest hole', shortHead: 'largest', align: 'right' },
  { head: 'holes', align: 'right', dispensable: 2 },
  { head: 'cause', dispensable: 1 },
];

const SHOWN_EVENTS = 12;

/** The first events, one a line; sizes in bytes. */
export function outOfMemoryTable(result: RunResult, paint: Paint): string | undefined {
  if (result.outOfMemoryCount === 0) return undefined;
  const shown = result.outOfMemory.slice(0, SHOWN_EVENTS);
  const left = result.outOfMemoryCount - shown.length;
  const rows = shown.map((event) => eventRow(result, event, paint));
  const lines = rows.length === 0 ? [] : [table(EVENT_COLUMNS, rows, paint)];
  if (left > 0)
    lines.push(paragraph(`… and ${groupDigits(left)} more${keptText(result)}`, paint, paint.color.dim));
  return lines.join('\n');
}

function keptText({ outOfMemory, outOfMemoryCount }: RunResult): string {
  const kept = outOfMemory.length;
  return kept === outOfMemoryCount ? '' : `; the first ${groupDigits(kept)} were kept in full`;
}

function eventRow(result: RunResult, event: OutOfMemoryEvent, { color }: Paint): TableCell[] {
  return [
    String(event.number),
    groupDigits(event.tick),
    formatSeconds(event.cycle / result.target.clockHertz),
    event.task,
    place(result.scenario.file, event.at) ?? event.label,
    groupDigits(event.requested),
    { text: groupDigits(event.needed), style: color.red },
    groupDigits(event.freeBytes),
    { text: groupDigits(event.largestHole), style: color.yellow },
    groupDigits(event.holes),
    event.cause,
  ];
}
