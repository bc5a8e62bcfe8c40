/** What the heap's own words are called, by where they lie in a block or between blocks. */

import type { Region } from '../mcu/memory.js';
import type { BlockWords } from './definition.js';

/** What has no name of its own. */
export const BOOKKEEPING = 'bookkeeping';

interface Extent {
  readonly address: number;
  readonly bytes: number;
}

/** Of a live block: its header, which reaches up to its payload, and its last word. */
export function wordOfUsed(
  piece: Extent & { readonly payload: number },
  at: number,
  { used, lastOfUsed }: BlockWords,
): string | undefined {
  return wordIn(piece, at, used?.slice(0, (piece.payload - piece.address) / 4), lastOfUsed);
}

export function wordOfHole(piece: Extent, at: number, { hole, lastOfHole }: BlockWords): string | undefined {
  return wordIn(piece, at, hole, lastOfHole);
}

function wordIn(
  { address, bytes }: Extent,
  at: number,
  words: readonly string[] = [],
  last: string | undefined,
): string | undefined {
  if (last !== undefined && at >= address + bytes - 4) return last;
  return words[Math.floor((at - address) / 4)];
}

/**
 * In a piece of bookkeeping; undefined where nobody uses it. What is lost to alignment is nobody's, and too small to be
 * a block: `smallestBytes`.
 */
export function wordBetween(
  { address, bytes }: Extent,
  { behind }: BlockWords,
  regions: readonly Region[],
  smallestBytes: number,
): string | undefined {
  const isLast = regions.some((region) => address + bytes === region.origin + region.bytes);
  if (!isLast) return BOOKKEEPING;
  return behind ?? (bytes < smallestBytes ? undefined : BOOKKEEPING);
}
