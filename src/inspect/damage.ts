/** What is broken on a board, as somebody would find who looked at all of its RAM. */

import { Corruption } from '../heaps/heap.js';
import { Fault } from '../mcu/index.js';
import type { Block } from '../scenario/firmware.js';
import type { Board } from '../simulation/board.js';
import { firstLostByte } from '../simulation/contents.js';
import { takeBlockMap } from './block-map.js';
import type { MapPiece } from './result.js';

interface NamedBlock {
  readonly label: string;
  readonly owner: string;
}

export interface Damage {
  /** What `check()` says. */
  readonly check?: string;
  /** Where the walk from block to block comes to no end. */
  readonly walk?: string;
  /** Live blocks that the walk does not come to. */
  readonly missing: readonly NamedBlock[];
  /** Blocks that nobody owns any more: their free was not taken. */
  readonly lost: { readonly blocks: number; readonly bytes: number };
  readonly overlapping: readonly (readonly [NamedBlock, NamedBlock])[];
  /** Live blocks that do not hold what was written to them. */
  readonly spoilt: readonly NamedBlock[];
}

export function damageOf(board: Board): Damage {
  const { pieces, corruption: walk } = takeBlockMap(board);
  const check = brokenInvariant(board);
  const used = pieces.filter((piece) => piece.kind === 'used');
  const unowned = used.filter((piece) => piece.owner === undefined);
  const live = board.blocks.all();
  const found = new Map(used.map((piece) => [piece.handle ?? piece.payload!, piece]));
  return {
    ...(check !== undefined && { check }),
    ...(walk !== undefined && { walk }),
    missing: live.filter(({ handle }) => !found.has(handle)).map(nameOf),
    lost: { blocks: unowned.length, bytes: unowned.reduce((sum, { bytes }) => sum + bytes, 0) },
    overlapping: overlapping(board, live),
    spoilt: live.filter((block) => isSpoilt(board, block, found.get(block.handle))).map(nameOf),
  };
}

function brokenInvariant({ heap }: Board): string | undefined {
  try {
    heap.check();
    return undefined;
  } catch (broken) {
    if (broken instanceof Corruption) return broken.invariant;
    if (broken instanceof Fault) return broken.reason;
    throw broken;
  }
}

function nameOf({ label, owner }: Block): NamedBlock {
  return { label, owner };
}

/** Blocks that move are told by the map; those that do not are where they always were. */
function addressOf({ handles }: Board, { handle }: Block, piece: MapPiece | undefined): number | undefined {
  return handles.relocation === undefined ? handle : piece?.payload;
}

function isSpoilt(board: Board, block: Block, piece: MapPiece | undefined): boolean {
  const address = addressOf(board, block, piece);
  return address !== undefined && firstLostByte(board.memory, block, address) !== undefined;
}

function overlapping(board: Board, live: readonly Block[]): (readonly [NamedBlock, NamedBlock])[] {
  // Blocks that move are told by the map alone, in which nothing can overlap.
  if (board.handles.relocation !== undefined) return [];
  const sorted = [...live].sort((a, b) => a.handle - b.handle);
  return sorted.flatMap((block, index) => {
    const next = sorted[index + 1];
    const reaches = next !== undefined && block.handle + block.bytes > next.handle;
    return reaches ? [[nameOf(block), nameOf(next)] as const] : [];
  });
}
