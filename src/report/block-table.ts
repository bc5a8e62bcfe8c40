/** Every piece of the arena, one a line, in address order. */

import { groupDigits } from '../input/index.js';
import type { MapPiece, OutOfMemoryEvent } from '../inspect/result.js';
import { hex } from '../mcu/index.js';
import { ownersOf } from './owners.js';
import { pageOwnersOf } from './page-owners.js';
import type { Paint } from './paint.js';
import { type Column, type TableCell, table } from './tables.js';

const COLUMNS: readonly Column[] = [
  { head: 'address' },
  { head: 'bytes', align: 'right' },
  { head: '' },
  { head: 'holder', minimum: 10 },
  { head: 'block', minimum: 12, dispensable: 1 },
  { head: 'asked', align: 'right' },
  { head: 'line', align: 'right' },
  { head: 'since cycle', align: 'right', dispensable: 2 },
];
/** Only where tasks have pages of their own. */
const PAGE_COLUMN: Column = { head: 'page of', minimum: 6 };

export function blockTable(event: OutOfMemoryEvent, paint: Paint): string {
  const pageOwners = pageOwnersOf(event);
  const owners = new Map(ownersOf(event, paint).map((owner) => [owner.name, owner]));
  const rows = event.map.map((piece): TableCell[] => {
    const owner = owners.get(piece.owner ?? 'unknown');
    const symbol =
      owner === undefined || piece.kind !== 'used'
        ? plainSymbol(piece)
        : { text: owner.letter, style: owner.style };
    return [
      hex(piece.address),
      groupDigits(piece.bytes),
      symbol,
      holder(piece),
      piece.label ?? '',
      piece.requested === undefined ? '' : groupDigits(piece.requested),
      piece.at === undefined ? '' : String(piece.at.line),
      piece.allocatedCycle === undefined ? '' : groupDigits(piece.allocatedCycle),
      ...(pageOwners.size === 0 ? [] : [pageOwners.get(piece.page ?? -1) ?? '']),
    ];
  });
  return table(pageOwners.size === 0 ? COLUMNS : [...COLUMNS, PAGE_COLUMN], rows, paint);
}

function plainSymbol({ kind }: MapPiece): string {
  return kind === 'hole' ? '·' : '#';
}

function holder({ kind, owner }: MapPiece): string {
  if (kind === 'hole') return 'free';
  return kind === 'bookkeeping' ? 'bookkeeping' : (owner ?? 'unknown');
}
