/** The block map: every piece of the arena in address order, with what is known about who holds it. */

import { A_DELETED_TASK, Corruption, NO_TASK } from '../heaps/heap.js';
import { Fault } from '../mcu/index.js';
import type { Block } from '../scenario/firmware.js';
import type { Board } from '../simulation/board.js';
import type { MapPiece, PageOwner } from './result.js';

export interface BlockMap {
  readonly pieces: MapPiece[];
  /** Whose pages are whose, where tasks have pages of their own. */
  readonly pageOwners?: PageOwner[];
  /** Why the map ends early, where the heap's own structure is broken. */
  readonly corruption?: string;
}

/** Takes the map of a board as it is now. A broken heap gives the part before the break. */
export function takeBlockMap(board: Board): BlockMap {
  const pieces: MapPiece[] = [];
  let pageOwners: PageOwner[] = [];
  let arrayEnd = 0;
  try {
    board.heap.walk((kind, address, bytes, payload, handle = payload, locks = 0) => {
      if (kind !== 'used') pieces.push({ kind, address, bytes });
      else if (address < arrayEnd) pieces.at(-1)!.bytes += bytes;
      else {
        arrayEnd = endOfArray(board.blocks.get(handle), payload);
        const moves = handle === payload ? {} : { handle, ...(locks > 0 && { locks }) };
        pieces.push({ ...usedPiece(board, address, bytes, payload, handle), ...moves });
      }
    });
    pageOwners = markPages(board, pieces);
  } catch (broken) {
    if (broken instanceof Corruption || broken instanceof Fault)
      return { pieces, corruption: broken.message };
    throw broken;
  }
  return pageOwners.length === 0 ? { pieces } : { pieces, pageOwners };
}

/** A heap knows the objects of an array, and not that they are one block. 0 where it is none. */
function endOfArray(block: Block | undefined, payload: number): number {
  return block === undefined || block.objects === 1 ? 0 : payload + block.bytes;
}

/** Notes of each piece in which slab or page it lies, and returns whose pages they are. */
function markPages({ heap, kernel }: Board, pieces: MapPiece[]): PageOwner[] {
  const owners: PageOwner[] = [];
  let next = 0;
  heap.walkPages?.((page, bytes, task) => {
    if (task !== undefined) owners.push({ page, owner: ownerName(task, kernel.taskNames) });
    while (next < pieces.length && pieces[next]!.address < page) next++;
    for (; next < pieces.length && pieces[next]!.address < page + bytes; next++) pieces[next]!.page = page;
  });
  return owners;
}

function ownerName(task: number, names: readonly string[]): string {
  if (task === NO_TASK) return 'shared';
  return task === A_DELETED_TASK ? 'a deleted task' : (names[task - 1] ?? `task ${task}`);
}

function usedPiece(board: Board, address: number, bytes: number, payload: number, handle: number): MapPiece {
  const block = board.blocks.get(handle);
  if (block === undefined) return { kind: 'used', address, bytes, payload };
  const { bytes: requested, owner, label, at, allocatedCycle, serial } = block;
  const place = at === undefined ? {} : { at };
  return { kind: 'used', address, bytes, payload, requested, owner, label, ...place, allocatedCycle, serial };
}

/** Sizes of the holes of a map, in address order. */
export function holeSizes(pieces: readonly MapPiece[]): number[] {
  return pieces.filter((piece) => piece.kind === 'hole').map((piece) => piece.bytes);
}

/** Sum of a piece's field over what it is grouped by, largest first; ties in order of first appearance. */
export interface Holding {
  readonly owner: string;
  readonly line?: number;
  readonly blocks: number;
  /** In the arena, with headers and rounding. */
  readonly bytes: number;
  readonly requested: number;
}

/** Whose a block is that the firmware has lost: a free that the heap refused, or a broken heap. */
export const UNKNOWN_OWNER = 'unknown';

export function liveByOwner(pieces: readonly MapPiece[]): Holding[] {
  return group(pieces, (piece) => piece.owner ?? UNKNOWN_OWNER);
}

/** Kernel objects, which no line asked for, are left out. */
export function liveByLine(pieces: readonly MapPiece[]): (Holding & { readonly line: number })[] {
  const scripted = pieces.filter((piece) => piece.at !== undefined);
  return group(scripted, (piece) => `${piece.at!.line}`) as (Holding & { line: number })[];
}

function group(pieces: readonly MapPiece[], key: (piece: MapPiece) => string): Holding[] {
  const groups = new Map<
    string,
    { owner: string; line?: number; blocks: number; bytes: number; requested: number }
  >();
  for (const piece of pieces) {
    if (piece.kind !== 'used') continue;
    const name = key(piece);
    let entry = groups.get(name);
    if (entry === undefined) {
      const line = piece.at === undefined ? {} : { line: piece.at.line };
      entry = { owner: piece.owner ?? 'unknown', ...line, blocks: 0, bytes: 0, requested: 0 };
      groups.set(name, entry);
    }
    entry.blocks++;
    entry.bytes += piece.bytes;
    entry.requested += piece.requested ?? 0;
  }
  return [...groups.values()].sort((a, b) => b.bytes - a.bytes);
}
