/** What lies where a firmware writes behind its block: told from the block map, just before it does. */

import { BOOKKEEPING, wordBetween, wordOfHole, wordOfUsed } from '../heaps/block-words.js';
import type { BlockWords } from '../heaps/definition.js';
import type { HeapView } from '../heaps/heap.js';
import type { Board } from '../simulation/board.js';
import { takeBlockMap } from './block-map.js';
import type { MapPiece } from './result.js';

export const OVERWRITTEN = [
  /** Bytes that nobody uses: the rounding of a block, its own or another's, or the inside of a hole. */
  'unused',
  /** A word of the heap's in a block, a hole, or between them. */
  'bookkeeping',
  /** What another block holds. */
  'contents',
  /** RAM that is not the heap's. */
  'outside',
  /** The heap was broken by then, and its map did not reach so far. */
  'unknown',
] as const;

/** Bytes side by side that are the same thing. */
export interface Overwritten {
  readonly what: (typeof OVERWRITTEN)[number];
  /** What of: the block that was overrun, another, a hole, a slab or page; undefined outside of all. */
  readonly of?: 'own block' | 'block' | 'hole' | 'slab' | 'page' | undefined;
  /** The word's name. */
  readonly word?: string | undefined;
  /** The other block, by the script's name for it and who holds it; undefined if nobody owns it. */
  readonly block?: { readonly label: string; readonly owner: string } | undefined;
  readonly bytes: number;
}

/** `bytes` bytes from `address` on, behind the block that `handle` names. */
export function overwrittenBy(board: Board, handle: number, address: number, bytes: number): Overwritten[] {
  const { pieces, corruption } = takeBlockMap(board);
  const { heap, options } = board.config;
  const words = heap.blockWords?.(options) ?? {};
  const parts: Overwritten[] = [];
  const end = address + bytes;
  for (let at = address; at < end; ) {
    const piece = pieces.find((one) => at < one.address + one.bytes);
    const isInside = piece !== undefined && piece.address <= at;
    const part = isInside ? inPiece(board, piece, at, handle, words) : outside(board, at, corruption);
    const next = Math.min(end, isInside ? nextChange(piece, at) : (piece?.address ?? end));
    const last = parts.at(-1);
    if (last === undefined || !sameThing(last, part)) parts.push({ ...part, bytes: next - at });
    else parts[parts.length - 1] = { ...last, bytes: last.bytes + next - at };
    at = next;
  }
  return parts;
}

/** Where in a piece something else may begin. */
function nextChange(
  { kind, address, bytes, payload = address, requested = 0 }: MapPiece,
  at: number,
): number {
  const end = address + bytes;
  const contentsEnd = kind === 'used' && at >= payload ? Math.min(payload + requested, end - 4) : 0;
  return at < contentsEnd
    ? contentsEnd
    : Math.min(end, at + 4 - ((at - address) % 4), payload > at ? payload : end);
}

type Part = Omit<Overwritten, 'bytes'>;

export function sameThing(a: Part, b: Part): boolean {
  return (
    a.what === b.what &&
    a.of === b.of &&
    a.word === b.word &&
    a.block?.label === b.block?.label &&
    a.block?.owner === b.block?.owner
  );
}

function outside({ layout }: Board, at: number, corruption: string | undefined): Part {
  const isInside = layout.regions.some(({ origin, bytes }) => origin <= at && at < origin + bytes);
  return { what: isInside && corruption !== undefined ? 'unknown' : 'outside' };
}

function inPiece(board: Board, piece: MapPiece, at: number, handle: number, words: BlockWords): Part {
  if (piece.kind === 'bookkeeping') return betweenBlocks(board, piece, at, words);
  if (piece.kind === 'hole') {
    const word = wordInHole(board, piece, at, words);
    return { what: word === undefined ? 'unused' : 'bookkeeping', of: 'hole', word };
  }
  const of = (piece.handle ?? piece.payload) === handle ? 'own block' : 'block';
  const { owner, label, payload = piece.address, requested = 0 } = piece;
  const block = of === 'own block' || owner === undefined ? undefined : { label: label!, owner };
  const word = wordOfUsed({ ...piece, payload }, at, wordsOf(piece, words));
  if (word !== undefined) return { what: 'bookkeeping', of, word, block };
  // Of a heap that has not named its words, and of what a block of unknown owner holds, the worst is assumed.
  if (at < payload && words.used === undefined) return { what: 'bookkeeping', of, block };
  const isContents = at >= payload && (owner === undefined || at < payload + requested);
  return { what: isContents ? 'contents' : 'unused', of, block };
}

/** What lies in a slab or page has no tag of its own at its end: the words are those of blocks. */
function wordsOf({ page }: MapPiece, words: BlockWords): BlockWords {
  return page === undefined ? words : { ...words, lastOfUsed: undefined };
}

function wordInHole({ heap }: Board, piece: MapPiece, at: number, words: BlockWords): string | undefined {
  return heap.wordAt === undefined ? wordOfHole(piece, at, words) : heap.wordAt(at, piece.address);
}

function betweenBlocks({ heap, layout }: Board, piece: MapPiece, at: number, words: BlockWords): Part {
  const word =
    heap.wordAt === undefined
      ? wordBetween(piece, words, layout.regions, heap.blockBytesFor(1))
      : heap.wordAt(at, piece.address);
  const of = piece.page === undefined ? undefined : pageWord(heap, at);
  const what = word === undefined ? 'unused' : 'bookkeeping';
  return { what, of, word: word === BOOKKEEPING ? undefined : word };
}

function pageWord(heap: HeapView, at: number): 'slab' | 'page' {
  return heap.pageWordAt?.(at) ?? heap.classes?.()[0]?.pageWord ?? 'page';
}
