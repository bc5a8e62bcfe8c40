/** Heaps in which tasks have pages of their own: whose pages they are, and what is free in them for nobody else. */

import type { OutOfMemoryEvent } from '../inspect/result.js';
import type { Paint } from './paint.js';
import { bytes } from './phrases.js';
import { table } from './tables.js';

const COLUMNS = [
  { head: 'pages of', minimum: 12 },
  { head: 'pages', align: 'right' },
  { head: 'live', align: 'right' },
  { head: 'live bytes', align: 'right' },
  { head: 'free bytes', align: 'right' },
] as const;

/** By the address of a page. */
export function pageOwnersOf({ pageOwners = [] }: OutOfMemoryEvent): ReadonlyMap<number, string> {
  return new Map(pageOwners.map(({ page, owner }) => [page, owner]));
}

/** A row for each task that has pages, the one with the most first; undefined where no task has its own. */
export function pageOwnersTable(event: OutOfMemoryEvent, paint: Paint): string | undefined {
  const owners = pageOwnersOf(event);
  if (owners.size === 0) return undefined;
  const sums = new Map<string, { pages: number; live: number; liveBytes: number; freeBytes: number }>();
  for (const owner of owners.values()) {
    const sum = sums.get(owner) ?? { pages: 0, live: 0, liveBytes: 0, freeBytes: 0 };
    sum.pages++;
    sums.set(owner, sum);
  }
  for (const { kind, page, bytes: pieceBytes } of event.map) {
    const sum = sums.get(owners.get(page ?? -1) ?? '');
    if (sum === undefined) continue;
    if (kind === 'hole') sum.freeBytes += pieceBytes;
    if (kind !== 'used') continue;
    sum.live++;
    sum.liveBytes += pieceBytes;
  }
  const rows = [...sums]
    .sort(([, a], [, b]) => b.pages - a.pages)
    .map(([owner, { pages, live, liveBytes, freeBytes }]) => [
      owner,
      `${pages}`,
      `${live}`,
      bytes(liveBytes),
      bytes(freeBytes),
    ]);
  return table(COLUMNS, rows, paint);
}
