/**
 * What locks cost: not guessed but tried. A heap keeps all it knows in RAM, so the RAM is saved, blocks are
 * unlocked, the heap compacts, and everything is made as it was.
 */

import { UNLIMITED } from '../heaps/handle-heap.js';
import { NULL } from '../heaps/heap.js';
import { isBroken } from '../heaps/look.js';
import type { Board } from '../simulation/board.js';
import type { MapPiece, PinnedPiece } from './result.js';
import { measureHoles } from './trend.js';

/** Each costs a compaction to try. */
const MAXIMUM_TRIED = 16;

/** Whether a request that failed would have been served after a compaction, had nothing been locked. */
export function locksPrevented(board: Board, map: readonly MapPiece[], requestedBytes: number): boolean {
  const locked = lockedPieces(map);
  if (board.handles.relocation === undefined || locked.length === 0) return false;
  const served = () => board.handles.allocate(requestedBytes) !== NULL;
  const servedWithout = (pieces: readonly MapPiece[]) =>
    tried(board, () => {
      compactWithout(board, pieces);
      return served();
    }) === true;
  return !servedWithout([]) && servedWithout(locked);
}

/**
 * The locked blocks of a map that may be in the way, in address order, with what each costs: by how many bytes the
 * largest hole would be larger without that one lock. Where blocks slide down those are the ones with a hole below
 * them; where blocks have their places on a grid, all.
 */
export function pinsOf(board: Board, map: readonly MapPiece[]): PinnedPiece[] {
  const slides = board.heap.gridOrigin === undefined;
  const lowestHole = map.find((piece) => piece.kind === 'hole')?.address ?? Number.POSITIVE_INFINITY;
  const inTheWay = lockedPieces(map).filter((piece) => !slides || piece.address > lowestHole);
  const largest = largestHoleWithout(board, []);
  return inTheWay.slice(0, MAXIMUM_TRIED).map((piece) => ({
    ...piece,
    cost: Math.max(0, largestHoleWithout(board, [piece]) - largest),
  }));
}

function lockedPieces(map: readonly MapPiece[]): MapPiece[] {
  return map.filter((piece) => piece.kind === 'used' && piece.locks !== undefined);
}

function largestHoleWithout(board: Board, pieces: readonly MapPiece[]): number {
  const largest = tried(board, () => {
    compactWithout(board, pieces);
    return measureHoles(board)?.largestHole;
  });
  return largest ?? 0;
}

function compactWithout({ handles }: Board, pieces: readonly MapPiece[]): void {
  for (const { handle, locks = 0 } of pieces) {
    for (let lock = 0; lock < locks; lock++) handles.unlock(handle!);
  }
  handles.compact(UNLIMITED);
}

/** What `attempt` gives; afterwards the device is as it was. undefined where the heap is too broken to tell. */
function tried<Result>({ memory, handles }: Board, attempt: () => Result): Result | undefined {
  const { relocation } = handles;
  const state = memory.save();
  const { watcher, client } = relocation!;
  relocation!.watcher = undefined;
  relocation!.client = undefined;
  try {
    return attempt();
  } catch (broken) {
    if (isBroken(broken)) return undefined;
    throw broken;
  } finally {
    memory.restore(state);
    relocation!.watcher = watcher;
    relocation!.client = client;
  }
}
