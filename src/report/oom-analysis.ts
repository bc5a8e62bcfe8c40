/** What stood in the way of a request, how old the memory is, where it was heading. */

import type { AgeBand } from '../inspect/age.js';
import type { Analysis } from '../inspect/analysis.js';
import type { Blockers } from '../inspect/blockers.js';
import type { Cause } from '../inspect/cause.js';
import type { OutOfMemoryEvent, RunResult } from '../inspect/result.js';
import type { Tendency } from '../inspect/tendency.js';
import { hex } from '../mcu/index.js';
import { paragraph } from './layout.js';
import type { Paint } from './paint.js';
import { bytes, counted, percent, place, time } from './phrases.js';
import { table } from './tables.js';
import { glue } from './text.js';

const SHOWN_BLOCKERS = 8;
const SHOWN_SUSPECTS = 5;

/** The cheapest blocks whose release would have made room; undefined where none would have. */
export function blockersText(
  result: RunResult,
  event: OutOfMemoryEvent,
  blockers: Blockers | undefined,
  paint: Paint,
): string | undefined {
  if (blockers === undefined) return undefined;
  const stretch = `${glue(bytes(blockers.bytes))} from ${hex(blockers.address)}`;
  if (blockers.blocks.length === 0) {
    return paragraph(`Nothing: the holes in the ${stretch} only had to be merged.`, paint);
  }
  const blocks = glue(counted(blockers.blocks.length, 'block'));
  const what = `The ${stretch} (^ in the map) needed only ${blocks} less, ${glue(bytes(blockers.blockBytes))} together:`;
  const shown = blockers.blocks
    .slice(0, SHOWN_BLOCKERS)
    .map((block) => [
      hex(block.address),
      bytes(block.bytes),
      `${block.owner ?? 'unknown'} "${block.label ?? '?'}"`,
      place(result.scenario.file, block.at) ?? 'the kernel',
      block.allocatedCycle === undefined ? '' : time(result, event.cycle - block.allocatedCycle),
    ]);
  const rest = blockers.blocks.length - shown.length;
  const more = rest > 0 ? [paragraph(`… and ${counted(rest, 'more block')}`, paint, paint.color.dim)] : [];
  return [paragraph(what, paint), table(BLOCKER_COLUMNS, shown, paint), ...more].join('\n');
}

const BLOCKER_COLUMNS = [
  { head: 'address' },
  { head: 'bytes', align: 'right' },
  { head: 'held by', minimum: 12, overflow: 'cut-end' },
  { head: 'allocated at', minimum: 12, overflow: 'cut-start', dispensable: 1 },
  { head: 'age', align: 'right' },
] as const;

/** Live bytes by age, and the lines that look like leaks. */
export function agesText(
  result: RunResult,
  event: OutOfMemoryEvent,
  analysis: Analysis,
  paint: Paint,
): string {
  const live = analysis.ages.reduce((sum, band) => sum + band.bytes, 0);
  if (live === 0) return '';
  const span = (share: number) => time(result, Math.round(share * event.cycle));
  const rows = analysis.ages.map((band) => [
    bandText(band, span),
    bytes(band.bytes),
    percent(band.bytes / live),
    counted(band.blocks, 'block'),
    { share: band.bytes / live, columns: 20, style: paint.color.dim },
  ]);
  return [table(AGE_COLUMNS, rows, paint, { head: false }), ...suspectLines(result, analysis, paint)].join(
    '\n',
  );
}

function bandText({ fromShare, toShare }: AgeBand, span: (share: number) => string): string {
  if (fromShare === 0) return `younger than ${span(toShare)}`;
  return toShare === 1 ? `older than ${span(fromShare)}` : `${span(fromShare)} to ${span(toShare)}`;
}

const AGE_COLUMNS = [
  { head: '', minimum: 16 },
  { head: '', align: 'right' },
  { head: '', align: 'right' },
  { head: '', align: 'right' },
  { head: '', minimum: 4, dispensable: 1 },
] as const;

function suspectLines(result: RunResult, { leakSuspects }: Analysis, paint: Paint): string[] {
  return leakSuspects.slice(0, SHOWN_SUSPECTS).map((suspect) => {
    const where = place(result.scenario.file, { line: suspect.line, column: 1 });
    const blocks = `${counted(suspect.blocks, 'block')}, ${bytes(suspect.bytes)}`;
    const oldest = glue(time(result, suspect.oldestCycles));
    const text =
      `Leak suspect: ${where} ("${suspect.label}"), ${glue(blocks)}, some from every quarter of the run, ` +
      `the oldest ${oldest} old.`;
    return paragraph(text, paint, paint.color.yellow);
  });
}

const TENDENCIES: Readonly<Record<Tendency, string | undefined>> = {
  leak: 'The trend: free memory was falling, and that is how a leak looks.',
  fragmentation: 'The trend: free memory held while the largest hole shrank, and that is fragmentation.',
  steady: 'The trend: free memory and the largest hole held; this was a burst, or simply too much at once.',
  unknown: undefined,
};

/** Only where it fits the cause: a hole that shrinks explains nothing when there was not enough in sum. */
export function tendencyText(tendency: Tendency, cause: Cause): string | undefined {
  const inPieces = cause === 'fragmented' || cause === 'uncoalesced' || cause === 'pinned';
  if (tendency === 'fragmentation' && !inPieces) return undefined;
  return TENDENCIES[tendency];
}
