/**
 * Why a request failed, from the block map alone. The list is closed; the first that applies is the cause.
 */

import type { PieceKind } from '../heaps/heap.js';

/** What a cause is derived from: the arena's pieces in address order. */
interface ArenaPiece {
  readonly kind: PieceKind;
  readonly address: number;
  readonly bytes: number;
  /** Of what lies in a slab or page: which. */
  readonly page?: number | undefined;
}

export const CAUSES = [
  /** Not even the empty heap could have served it. */
  'too-large',
  /**
   * There was enough memory, but its class or pool was empty, and what is free belongs to others; or a hole was
   * large enough, and the heap's policy did not take it.
   */
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

/** What the pieces alone do not tell. */
export interface ArenaTraits {
  /** The largest block that the heap could give if it were empty; if absent, no block spans bookkeeping. */
  readonly largestBlockBytes?: number | undefined;
  /** Compaction would have made room, had nothing been locked. */
  readonly pinned?: boolean;
  /** Where each of the arena's regions begins; one if absent. */
  readonly regionStarts?: readonly number[];
  /** Where the request went to a size class: what that would have had to take out of the arena to serve it. */
  readonly askedPageBytes?: number | undefined;
}

/** `neededBytes`: with header and rounding, as {@link Heap.blockBytesFor} says. */
export function causeOf(
  pieces: readonly ArenaPiece[],
  requestedBytes: number,
  neededBytes: number,
  traits: ArenaTraits = {},
): Cause {
  const { regionStarts, pinned = false, askedPageBytes } = traits;
  const { largestHole, largestMerged, largestSpan, freeBytes, ...measured } = measure(pieces, regionStarts);
  const { largestBlockBytes = largestSpan } = traits;
  if ((askedPageBytes ?? neededBytes) > largestBlockBytes) return 'too-large';
  if (neededBytes <= largestHole) return 'class-empty';
  if (askedPageBytes !== undefined && neededBytes <= freeBytes) return 'class-empty';
  if (neededBytes <= largestMerged) return 'uncoalesced';
  if (pinned) return 'pinned';
  // Where bookkeeping is no limit to blocks it lies among them, and parts no memory from another.
  const { freeOutsidePages, freeInOneSpan, freeInOneRegion } = measured;
  const freeInOnePlace = traits.largestBlockBytes === undefined ? freeInOneSpan : freeInOneRegion;
  if (neededBytes <= freeInOnePlace) return requestedBytes <= largestMerged ? 'overhead' : 'fragmented';
  if (neededBytes <= freeOutsidePages) return 'region';
  if (neededBytes <= freeBytes) return 'class-empty';
  return requestedBytes <= largestMerged ? 'overhead' : 'exhausted';
}

interface Measures {
  largestHole: number;
  /** Of neighbouring holes taken together; those in pages are never. */
  largestMerged: number;
  /** Of blocks and holes without bookkeeping between them: the largest block an empty heap could give. */
  largestSpan: number;
  freeBytes: number;
  freeOutsidePages: number;
  /** The most free bytes, outside pages, that one stretch of memory without bookkeeping has. */
  freeInOneSpan: number;
  /** That one region has. */
  freeInOneRegion: number;
}

function measure(pieces: readonly ArenaPiece[], regionStarts: readonly number[] = []): Measures {
  let largestHole = 0;
  let largestMerged = 0;
  let largestSpan = 0;
  let freeBytes = 0;
  let freeOutsidePages = 0;
  let freeInOneSpan = 0;
  let freeInOneRegion = 0;
  let freeInRegion = 0;
  // Since the last bookkeeping or gap; `merged` also since the last block.
  let span = 0;
  let freeInSpan = 0;
  let merged = 0;
  let end: number | undefined;
  for (const { kind, address, bytes, page } of pieces) {
    if (kind === 'bookkeeping' || address !== end) {
      merged = 0;
      span = 0;
      freeInSpan = 0;
    }
    if (regionStarts.includes(address)) freeInRegion = 0;
    end = address + bytes;
    if (kind === 'bookkeeping') continue;
    span += bytes;
    if (span > largestSpan) largestSpan = span;
    if (kind === 'hole') {
      freeBytes += bytes;
      if (bytes > largestHole) largestHole = bytes;
    }
    if (kind !== 'hole' || page !== undefined) {
      merged = 0;
      continue;
    }
    freeOutsidePages += bytes;
    merged += bytes;
    if (merged > largestMerged) largestMerged = merged;
    freeInSpan += bytes;
    freeInRegion += bytes;
    freeInOneSpan = Math.max(freeInOneSpan, freeInSpan);
    freeInOneRegion = Math.max(freeInOneRegion, freeInRegion);
  }
  const largest = { largestHole, largestMerged, largestSpan };
  return { ...largest, freeBytes, freeOutsidePages, freeInOneSpan, freeInOneRegion };
}
