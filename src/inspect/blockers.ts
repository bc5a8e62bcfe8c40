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

/**
 * Slides a window over the map: for every last piece, the shortest stretch that is large enough. A stretch
 * never crosses bookkeeping or a gap between regions. Linear in the number of pieces.
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
  if (gridOrigin !== undefined) return findAligned(pieces, neededBytes, gridOrigin);
  let best: { first: number; last: number; bytes: number; blockBytes: number; blocks: number } | undefined;
  let first = 0;
  let bytes = 0;
  let blockBytes = 0;
  let blocks = 0;
  for (let last = 0; last < pieces.length; last++) {
    const piece = pieces[last]!;
    if (piece.kind === 'bookkeeping' || !touches(pieces, last)) {
      first = piece.kind === 'bookkeeping' ? last + 1 : last;
      bytes = 0;
      blockBytes = 0;
      blocks = 0;
      if (piece.kind === 'bookkeeping') continue;
    }
    bytes += piece.bytes;
    if (piece.kind === 'used') {
      blockBytes += piece.bytes;
      blocks++;
    }
    while (bytes - pieces[first]!.bytes >= neededBytes) {
      bytes -= pieces[first]!.bytes;
      if (pieces[first]!.kind === 'used') {
        blockBytes -= pieces[first]!.bytes;
        blocks--;
      }
      first++;
    }
    const cheaper =
      best === undefined ||
      blockBytes < best.blockBytes ||
      (blockBytes === best.blockBytes && blocks < best.blocks);
    if (bytes >= neededBytes && cheaper) best = { first, last, bytes, blockBytes, blocks };
  }
  if (best === undefined) return undefined;
  const stretch = pieces.slice(best.first, best.last + 1);
  return {
    address: stretch[0]!.address,
    bytes: best.bytes,
    blockBytes: best.blockBytes,
    blocks: stretch.filter((piece) => piece.kind === 'used'),
  };
}

/** Tries every place on the grid. Linear in the number of pieces and of places. */
function findAligned(pieces: readonly MapPiece[], bytes: number, origin: number): Blockers | undefined {
  let best: Blockers | undefined;
  let first = 0;
  const last = pieces.at(-1);
  const end = last === undefined ? origin : last.address + last.bytes;
  for (let address = origin; address + bytes <= end; address += bytes) {
    while (pieces[first]!.address + pieces[first]!.bytes <= address) first++;
    const blocks: MapPiece[] = [];
    let index = first;
    for (let at = address; at < address + bytes; index++) {
      const piece = pieces[index];
      if (piece === undefined || piece.kind === 'bookkeeping' || piece.address > at) break;
      if (piece.kind === 'used') blocks.push(piece);
      at = piece.address + piece.bytes;
    }
    const isWhole = index > first && pieces[index - 1]!.address + pieces[index - 1]!.bytes >= address + bytes;
    const blockBytes = blocks.reduce((sum, block) => sum + block.bytes, 0);
    const cheaper =
      best === undefined ||
      blockBytes < best.blockBytes ||
      (blockBytes === best.blockBytes && blocks.length < best.blocks.length);
    if (isWhole && cheaper) best = { address, bytes, blockBytes, blocks };
  }
  return best;
}

/** Whether a piece begins where the one before it ends. */
function touches(pieces: readonly MapPiece[], index: number): boolean {
  const before = pieces[index - 1];
  return before !== undefined && before.address + before.bytes === pieces[index]!.address;
}
