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
  bytes: number;
  /** Its pieces' places in the map. */
  readonly from: number;
  to: number;
  readonly page: number | undefined;
  /** Bookkeeping can never be part of a block. */
  readonly isBarrier: boolean;
  /** How many live blocks are in it, and what they take. */
  blocks: number;
  blockBytes: number;
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
  const best =
    gridOrigin === undefined ? findAnywhere(parts, neededBytes) : findAligned(parts, neededBytes, gridOrigin);
  if (best === undefined) return undefined;
  const { address, bytes, blockBytes, first, last } = best;
  const within = pieces.slice(parts[first]!.from, parts[last]!.to);
  return { address, bytes, blockBytes, blocks: within.filter(({ kind }) => kind === 'used') };
}

/** A place where the request would have had room, and the parts it reaches over. */
interface Stretch {
  readonly address: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
  readonly blocks: number;
  readonly blockBytes: number;
}

function partsOf(pieces: readonly MapPiece[]): Part[] {
  const parts: Part[] = [];
  let part: Part | undefined;
  for (let at = 0; at < pieces.length; at++) {
    const { kind, address, bytes, page } = pieces[at]!;
    if (part === undefined || page === undefined || page !== part.page) {
      const isBarrier = kind === 'bookkeeping' && page === undefined;
      part = { address, bytes: 0, from: at, to: at, page, isBarrier, blocks: 0, blockBytes: 0 };
      parts.push(part);
    }
    part.bytes += bytes;
    part.to++;
    if (kind === 'used') {
      part.blocks++;
      part.blockBytes += bytes;
    }
  }
  return parts;
}

/** Slides a window: for every last part, the shortest stretch that is large enough. Linear. */
function findAnywhere(parts: readonly Part[], neededBytes: number): Stretch | undefined {
  let best: Stretch | undefined;
  let first = 0;
  let bytes = 0;
  let blockBytes = 0;
  let blocks = 0;
  let end: number | undefined;
  for (let last = 0; last < parts.length; last++) {
    const part = parts[last]!;
    if (part.isBarrier || part.address !== end) {
      first = part.isBarrier ? last + 1 : last;
      bytes = 0;
      blockBytes = 0;
      blocks = 0;
    }
    end = part.address + part.bytes;
    if (part.isBarrier) continue;
    bytes += part.bytes;
    blockBytes += part.blockBytes;
    blocks += part.blocks;
    for (let out = parts[first]!; bytes - out.bytes >= neededBytes; out = parts[++first]!) {
      bytes -= out.bytes;
      blockBytes -= out.blockBytes;
      blocks -= out.blocks;
    }
    if (bytes >= neededBytes && isCheaper(blockBytes, blocks, best)) {
      best = { address: parts[first]!.address, bytes, first, last, blocks, blockBytes };
    }
  }
  return best;
}

/** Tries every place on the grid. Linear in the number of parts and of places. */
function findAligned(parts: readonly Part[], bytes: number, origin: number): Stretch | undefined {
  let best: Stretch | undefined;
  let first = 0;
  const lastPart = parts.at(-1);
  const end = lastPart === undefined ? origin : lastPart.address + lastPart.bytes;
  for (let address = origin; address + bytes <= end; address += bytes) {
    while (parts[first]!.address + parts[first]!.bytes <= address) first++;
    let at = address;
    let last = first - 1;
    let blocks = 0;
    let blockBytes = 0;
    while (at < address + bytes) {
      const part = parts[last + 1];
      if (part === undefined || part.isBarrier || part.address > at) break;
      at = part.address + part.bytes;
      blocks += part.blocks;
      blockBytes += part.blockBytes;
      last++;
    }
    if (at >= address + bytes && isCheaper(blockBytes, blocks, best)) {
      best = { address, bytes, first, last, blocks, blockBytes };
    }
  }
  return best;
}

/** Than the best so far, if there is one. */
function isCheaper(blockBytes: number, blocks: number, best: Stretch | undefined): boolean {
  if (best === undefined || blockBytes < best.blockBytes) return true;
  return blockBytes === best.blockBytes && blocks < best.blocks;
}
