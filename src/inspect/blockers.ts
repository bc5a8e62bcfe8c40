/**
 * The blockers of a failed request: the cheapest set of live blocks whose release would have made room, were
 * the holes around them merged. Cheapest is fewest bytes, then fewest blocks, then the lowest address.
 */

import type { MapPiece } from './result.js';

export interface Blockers {
  /** Where the request would have gone: address and size of the whole stretch, holes included. */
  readonly address: number;
  readonly bytes: number;
  /** What the blocks in it take. */
  readonly blockBytes: number;
  /** In address order. Empty when holes that touch would do. */
  readonly blocks: readonly MapPiece[];
}

/** What is free or not as a whole: a piece, or a slab or page with all its objects. */
interface Part {
  readonly address: number;
  readonly bytes: number;
  /** Bookkeeping can never be part of a block. */
  readonly isBarrier: boolean;
  /** The live blocks in it, and what they take. */
  readonly blocks: readonly MapPiece[];
  readonly blockBytes: number;
}

/**
 * A stretch never crosses bookkeeping or a gap between regions; of a slab or page it has all or nothing.
 *
 * `gridOrigin`: where given, the stretch must begin at a multiple of its size from there, and be no longer.
 *
 * @returns undefined when even an empty arena has no room
 */
export function findBlockers(
  pieces: readonly MapPiece[],
  neededBytes: number,
  gridOrigin?: number,
): Blockers | undefined {
  const parts = partsOf(pieces);
  return gridOrigin === undefined
    ? findAnywhere(parts, neededBytes)
    : findAligned(parts, neededBytes, gridOrigin);
}

function partsOf(pieces: readonly MapPiece[]): Part[] {
  const parts: Part[] = [];
  for (let first = 0; first < pieces.length; ) {
    const piece = pieces[first]!;
    let end = first + 1;
    if (piece.page === undefined) {
      parts.push(partOf([piece], piece.kind === 'bookkeeping'));
    } else {
      while (end < pieces.length && pieces[end]!.page === piece.page) end++;
      parts.push(partOf(pieces.slice(first, end), false));
    }
    first = end;
  }
  return parts;
}

function partOf(pieces: readonly MapPiece[], isBarrier: boolean): Part {
  const blocks = pieces.filter((piece) => piece.kind === 'used');
  const { address } = pieces[0]!;
  return { address, bytes: sumOfBytes(pieces), isBarrier, blocks, blockBytes: sumOfBytes(blocks) };
}

function sumOfBytes(pieces: readonly MapPiece[]): number {
  return pieces.reduce((sum, piece) => sum + piece.bytes, 0);
}

/** Slides a window: for every last part, the shortest stretch that is large enough. Linear. */
function findAnywhere(parts: readonly Part[], neededBytes: number): Blockers | undefined {
  let best: { first: number; last: number; bytes: number; blockBytes: number; blocks: number } | undefined;
  let first = 0;
  let bytes = 0;
  let blockBytes = 0;
  let blocks = 0;
  for (let last = 0; last < parts.length; last++) {
    const part = parts[last]!;
    if (part.isBarrier || !touches(parts, last)) {
      first = part.isBarrier ? last + 1 : last;
      bytes = 0;
      blockBytes = 0;
      blocks = 0;
      if (part.isBarrier) continue;
    }
    bytes += part.bytes;
    blockBytes += part.blockBytes;
    blocks += part.blocks.length;
    while (bytes - parts[first]!.bytes >= neededBytes) {
      bytes -= parts[first]!.bytes;
      blockBytes -= parts[first]!.blockBytes;
      blocks -= parts[first]!.blocks.length;
      first++;
    }
    if (bytes >= neededBytes && isCheaper(blockBytes, blocks, best?.blockBytes, best?.blocks)) {
      best = { first, last, bytes, blockBytes, blocks };
    }
  }
  if (best === undefined) return undefined;
  const stretch = parts.slice(best.first, best.last + 1);
  return {
    address: stretch[0]!.address,
    bytes: best.bytes,
    blockBytes: best.blockBytes,
    blocks: stretch.flatMap((part) => part.blocks),
  };
}

/** Tries every place on the grid. Linear in the number of parts and of places. */
function findAligned(parts: readonly Part[], bytes: number, origin: number): Blockers | undefined {
  let best: Blockers | undefined;
  let first = 0;
  const last = parts.at(-1);
  const end = last === undefined ? origin : last.address + last.bytes;
  for (let address = origin; address + bytes <= end; address += bytes) {
    while (parts[first]!.address + parts[first]!.bytes <= address) first++;
    const stretch: Part[] = [];
    let at = address;
    for (let index = first; at < address + bytes; index++) {
      const part = parts[index];
      if (part === undefined || part.isBarrier || part.address > at) break;
      stretch.push(part);
      at = part.address + part.bytes;
    }
    const blocks = stretch.flatMap((part) => part.blocks);
    const blockBytes = sumOfBytes(blocks);
    if (
      at >= address + bytes &&
      isCheaper(blockBytes, blocks.length, best?.blockBytes, best?.blocks.length)
    ) {
      best = { address, bytes, blockBytes, blocks };
    }
  }
  return best;
}

/** Than the best so far, if there is one. */
function isCheaper(blockBytes: number, blocks: number, bestBytes?: number, bestBlocks?: number): boolean {
  if (bestBytes === undefined || blockBytes < bestBytes) return true;
  return blockBytes === bestBytes && blocks < bestBlocks!;
}

/** Whether a part begins where the one before it ends. */
function touches(parts: readonly Part[], index: number): boolean {
  const before = parts[index - 1];
  return before !== undefined && before.address + before.bytes === parts[index]!.address;
}
