/**
 * A result as JSON, in pieces: with many out-of-memory events in full it may be longer than a string can be.
 * Joined they are what JSON.stringify makes of it.
 */

import type { RunResult } from '../inspect/result.js';

/** How long a piece is at least, but for the last. */
const PIECE_LENGTH = 2 ** 20;

/** One result. */
export function resultJson(result: RunResult): Iterable<string> {
  return gathered(resultParts(result));
}

/** Several, as a list. */
export function resultsJson(results: readonly RunResult[]): Iterable<string> {
  return gathered(listParts(results, resultParts));
}

function* resultParts(result: RunResult): Generator<string> {
  let separator = '{';
  for (const [key, value] of Object.entries(result)) {
    yield `${separator}"${key}":`;
    if (key === 'outOfMemory') yield* listParts(result.outOfMemory, (event) => [JSON.stringify(event)]);
    else yield JSON.stringify(value);
    separator = ',';
  }
  yield '}';
}

function* listParts<Item>(
  items: readonly Item[],
  parts: (item: Item) => Iterable<string>,
): Generator<string> {
  let separator = '[';
  for (const item of items) {
    yield separator;
    yield* parts(item);
    separator = ',';
  }
  yield items.length === 0 ? '[]' : ']';
}

/** Fewer and longer ones: each is written by a call of its own. */
function* gathered(parts: Iterable<string>): Generator<string> {
  let piece = '';
  for (const part of parts) {
    piece += part;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
