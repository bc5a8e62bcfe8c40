/** The holes of a map: the largest of them with what keeps them apart, and what merging would give. */

import { groupDigits } from '../input/index.js';
import type { MapPiece, OutOfMemoryEvent } from '../inspect/result.js';
import { hex } from '../mcu/index.js';
import { paragraph } from './layout.js';
import type { Paint } from './paint.js';
import { bytes } from './phrases.js';
import { type Column, table } from './tables.js';
import { glue } from './text.js';

const SHOWN_HOLES = 6;

const COLUMNS: readonly Column[] = [
  { head: 'address' },
  { head: 'bytes', align: 'right' },
  { head: 'between', minimum: 20, overflow: 'wrap' },
];

/** Free memory between two pieces that are not: one hole, or several that nobody merged. */
interface Gap {
  readonly holes: MapPiece[];
  bytes: number;
  readonly before: MapPiece | undefined;
  after: MapPiece | undefined;
}

/** Largest first, those of the same size by address. */
export function largestHoles(event: OutOfMemoryEvent, paint: Paint): string {
  const gaps = gapsOf(event.map);
  const holes = gaps.flatMap((gap) => gap.holes.map((hole) => ({ hole, gap })));
  if (holes.length === 0) return paragraph('There are none.', paint);
  const largest = holes
    .sort((a, b) => b.hole.bytes - a.hole.bytes || a.hole.address - b.hole.address)
    .slice(0, SHOWN_HOLES);
  const rows = largest.map(({ hole, gap }) => [
    hex(hole.address),
    groupDigits(hole.bytes),
    surroundings(gap),
  ]);
  const lines = [table(COLUMNS, rows, paint)];
  const left = holes.length - largest.length;
  if (left > 0) lines.push(paragraph(`… and ${groupDigits(left)} more`, paint, paint.color.dim));
  return lines.join('\n');
}

/** In address order. */
function gapsOf(map: readonly MapPiece[]): Gap[] {
  const gaps: Gap[] = [];
  let previous: MapPiece | undefined;
  for (const piece of map) {
    const before =
      previous !== undefined && previous.address + previous.bytes === piece.address ? previous : undefined;
    const gap = before?.kind === 'hole' ? gaps.at(-1)! : undefined;
    if (piece.kind !== 'hole') {
      if (gap !== undefined) gap.after = piece;
    } else if (gap !== undefined) {
      gap.holes.push(piece);
      gap.bytes += piece.bytes;
    } else gaps.push({ holes: [piece], bytes: piece.bytes, before, after: undefined });
    previous = piece;
  }
  return gaps;
}

/** What keeps a hole from being larger. */
function surroundings({ before, after, holes, bytes: all }: Gap): string {
  const between = `${pieceName(before)} and ${pieceName(after)}`;
  return holes.length === 1 ? between : `${between}, ${glue(`1 of ${holes.length} holes in ${bytes(all)}`)}`;
}

function pieceName(piece: MapPiece | undefined): string {
  if (piece === undefined) return 'the end of the region';
  return piece.kind === 'used' ? `${piece.owner ?? 'unknown'} "${piece.label ?? '?'}"` : 'bookkeeping';
}

/** What holes that touch would be if the heap merged them, as it never does in slabs or pages; undefined where none touch. */
export function mergingText({ map, needed, largestHole }: OutOfMemoryEvent): string | undefined {
  const gaps = gapsOf(map.filter(({ page }) => page === undefined));
  const holes = gaps.reduce((count, gap) => count + gap.holes.length, 0);
  if (gaps.length === holes) return undefined;
  const largest = gaps.reduce((most, gap) => Math.max(most, gap.bytes), 0);
  const merged = gaps.length === 1 ? 'one of' : `${groupDigits(gaps.length)}, the largest`;
  const served = largestHole < needed && largest >= needed ? ', enough for this request' : '';
  return `Some of the holes touch: merged, they would be ${merged} ${glue(bytes(largest))}${served}.`;
}
