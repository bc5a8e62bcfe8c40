/**
 * Why a request failed, from the block map alone. The list is closed; the first that applies is the cause.
 */

import type { PieceKind } from '../heaps/heap.js';

/** What a cause is derived from: the arena's pieces in address order. */
interface ArenaPiece {
  readonly kind: PieceKind;
  readonly address: number;
  readonly bytes: number;
}

export const CAUSES = [
  /** Not even the empty heap could have served it. */
  'too-large',
  /** A hole was large enough, but the heap's policy did not take it: its class or pool was empty. */
  'class-empty',
  /** Holes that touch would have sufficed, had they been merged. */
  'uncoalesced',
  /** Locked blocks kept compaction from joining the holes. */
  'pinned',
  /** The bytes asked for would have fitted; header and rounding did not. */
  'overhead',
  /** Enough in sum, and only over several regions that can never join. */
  'region',
  /** Enough in sum, but not in one piece. */
  'fragmented',
  /** Not enough in sum. */
  'exhausted',
] as const;
export type Cause = (typeof CAUSES)[number];

/** `neededBytes`: with header and rounding, as {@link Heap.blockBytesFor} says. */
export function causeOf(pieces: readonly ArenaPiece[], requestedBytes: number, neededBytes: number): Cause {
  const { largestHole, largestMerged, largestSpan, freeBytes, freeInOneRegion } = measure(pieces);
  if (neededBytes > largestSpan) return 'too-large';
  if (neededBytes <= largestHole) return 'class-empty';
  if (neededBytes <= largestMerged) return 'uncoalesced';
  if (neededBytes <= freeInOneRegion) return requestedBytes <= largestMerged ? 'overhead' : 'fragmented';
  if (neededBytes <= freeBytes) return 'region';
  return requestedBytes <= largestMerged ? 'overhead' : 'exhausted';
}

interface Measures {
  largestHole: number;
  /** Of neighbouring holes taken together. */
  largestMerged: number;
  /** Of blocks and holes without bookkeeping between them: the largest block an empty heap could give. */
  largestSpan: number;
  freeBytes: number;
  /** The most free bytes that one stretch of memory has. */
  freeInOneRegion: number;
}

function measure(pieces: readonly ArenaPiece[]): Measures {
  const measures = { largestHole: 0, largestMerged: 0, largestSpan: 0, freeBytes: 0, freeInOneRegion: 0 };
  let merged = 0;
  let span = 0;
  let freeInSpan = 0;
  let end: number | undefined;
  for (const { kind, address, bytes } of pieces) {
    if (kind === 'bookkeeping' || address !== end) {
      merged = 0;
      span = 0;
      freeInSpan = 0;
    }
    end = address + bytes;
    if (kind === 'bookkeeping') continue;
    span += bytes;
    merged = kind === 'hole' ? merged + bytes : 0;
    if (kind === 'hole') {
      freeInSpan += bytes;
      measures.freeBytes += bytes;
      measures.largestHole = Math.max(measures.largestHole, bytes);
      measures.largestMerged = Math.max(measures.largestMerged, merged);
    }
    measures.largestSpan = Math.max(measures.largestSpan, span);
    measures.freeInOneRegion = Math.max(measures.freeInOneRegion, freeInSpan);
  }
  return measures;
}
