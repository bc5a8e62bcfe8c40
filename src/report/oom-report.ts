/** What `heaplab inspect` prints for one out-of-memory event: the answer first, then what it rests on. */

import { groupDigits } from '../input/index.js';
import { type Analysis, analyse } from '../inspect/analysis.js';
import type { OutOfMemoryEvent, RunResult } from '../inspect/result.js';
import type { Remedy } from '../studies/rescue.js';
import { pinTable } from './compactions.js';
import { fragmentationTable } from './fragmentation-table.js';
import { extensionText, heapStatsText, pageMemoryText } from './heap-stats.js';
import { holdersByLine } from './holders.js';
import { mergingText } from './holes.js';
import { paragraph, section, stack, title } from './layout.js';
import { blockMap } from './map.js';
import { agesText, blockersText, tendencyText } from './oom-analysis.js';
import { verdict } from './oom-verdict.js';
import { pageOwnersTable } from './page-owners.js';
import type { Paint } from './paint.js';
import { bytes, counted, place, runName, time } from './phrases.js';
import { remedyTable } from './remedy-table.js';
import { sizeClassTable } from './size-classes.js';
import { table } from './tables.js';
import { glue } from './text.js';

export { blockTable } from './block-table.js';

/** `remedies`: what has been tried to save the request; without them that section is left out. */
export function oomReport(
  result: RunResult,
  event: OutOfMemoryEvent,
  paint: Paint,
  remedies: readonly Remedy[] = [],
): string {
  const analysis = analyse(result, event);
  const rescue = remedies.length === 0 ? undefined : remedyTable(result, remedies, paint);
  const blockers = blockersText(result, event, analysis.blockers, paint);
  const { headline, explanation } = verdict(result, event, analysis.isRunningOut);
  return stack([
    heading(result, event, headline, paint),
    paragraph(request(result, event), paint),
    paragraph(explanation, paint, paint.color.bold),
    [scale(event, paint), ...remarks(result, event, analysis, paint)].join('\n'),
    section('What would have saved it', rescue, paint),
    blockMap(result, event, paint, { mark: analysis.blockers }),
    section('Locked blocks', pinTable(result, event.pins ?? [], paint), paint),
    section('What stood in the way', blockers, paint),
    section(`By line of ${result.scenario.file}`, holdersByLine(event, paint), paint),
    section('By age', agesText(result, event, analysis, paint), paint),
    section('Size classes', sizeClassTable(event, paint), paint),
    section('Pages by task', pageOwnersTable(event, paint), paint),
    section('Fragmentation', fragmentationTable(event, paint), paint),
  ]);
}

function heading(result: RunResult, event: OutOfMemoryEvent, headline: string, paint: Paint): string {
  const number = `Out of memory ${groupDigits(event.number)} of ${groupDigits(result.outOfMemoryCount)}`;
  return `${title(`${number}: ${headline}`, paint)}\n${paragraph(runName(result), paint, paint.color.dim)}`;
}

/** Who asked for what, when, where, and what that takes. */
function request(result: RunResult, event: OutOfMemoryEvent): string {
  const { task, label, requested, needed } = event;
  const when = `At ${glue(`tick ${groupDigits(event.tick)}`)} (${glue(time(result, event.cycle))})`;
  const who = task === '-' ? 'main(), before the scheduler ran,' : `task ${task}`;
  const written = place(result.scenario.file, event.at);
  const where = written === undefined ? '' : ` at ${written}`;
  const asked = `${when} ${who} asked for ${glue(bytes(requested))} for "${label}"${where} and got NULL.`;
  return `${asked} ${result.heap.name} needs ${glue(bytes(needed))} for that: ${overhead(event)}.`;
}

function overhead(event: OutOfMemoryEvent): string {
  const extra = event.needed - event.requested;
  if (extra === 0) return 'nothing on top';
  const header = headerBytes(event);
  if (header === undefined || header > extra) return `${glue(bytes(extra))} of header and rounding on top`;
  if (header === extra) return `${glue(bytes(header))} of header on top`;
  const rounding = glue(`${bytes(extra - header)} of rounding`);
  return header === 0 ? `${rounding} on top` : `${glue(`${bytes(header)} of header`)} and ${rounding} on top`;
}

/** What stands before each live block; undefined where they differ, lie elsewhere, or there are none. */
function headerBytes({ map }: OutOfMemoryEvent): number | undefined {
  if (map.some(({ handle }) => handle !== undefined)) return undefined;
  const sizes = new Set(
    map.flatMap(({ kind, address, payload }) =>
      kind === 'used' && payload !== undefined ? [payload - address] : [],
    ),
  );
  return sizes.size === 1 ? [...sizes][0] : undefined;
}

const BAR_COLUMNS = 36;

/** What was needed against what there was, to one scale. */
function scale(event: OutOfMemoryEvent, paint: Paint): string {
  const { red, yellow, green } = paint.color;
  const { needed, largestHole, freeBytes, holes } = event;
  const most = Math.max(needed, largestHole, freeBytes);
  const row = (name: string, count: number, style: (text: string) => string) => [
    name,
    bytes(count),
    { share: count / most, columns: BAR_COLUMNS, style },
  ];
  const columns = [{ head: '' }, { head: '', align: 'right' }, { head: '', minimum: 10 }] as const;
  const rows = [
    row('needed', needed, red),
    row('largest hole', largestHole, yellow),
    row(`free in ${counted(holes, 'hole')}`, freeBytes, green),
  ];
  return table(columns, rows, paint, { head: false });
}

/** What the three figures do not show. */
function remarks(result: RunResult, event: OutOfMemoryEvent, analysis: Analysis, paint: Paint): string[] {
  const texts = [
    mergingText(event),
    counterText(result, event),
    statsText(result, event),
    pagesText(event),
    tendencyText(analysis.tendency, event.cause),
  ];
  return texts.flatMap((text) => (text === undefined ? [] : [paragraph(text, paint)]));
}

/** What a developer would have read on the device. */
function statsText({ heap }: RunResult, { heapStats }: OutOfMemoryEvent): string | undefined {
  if (heapStats === undefined) return undefined;
  const said = heapStats.extension === true ? 'would have said' : 'said';
  return `vPortGetHeapStats ${said}: ${heapStatsText(heapStats)}${extensionText(heapStats, heap.name)}.`;
}

/** What a power-saving firmware could switch off. */
function pagesText({ pageMemory }: OutOfMemoryEvent): string | undefined {
  return pageMemory === undefined ? undefined : `Of the memory of its pages ${pageMemoryText(pageMemory)}.`;
}

/** Some heaps count free bytes that no hole shows; people trust the counter. */
function counterText(result: RunResult, { freeCounter, freeBytes }: OutOfMemoryEvent): string | undefined {
  if (freeCounter === freeBytes) return undefined;
  const counter = glue(`${bytes(freeCounter)} free`);
  return `${result.heap.name}'s own counter says ${counter}, its holes hold ${glue(bytes(freeBytes))}.`;
}
