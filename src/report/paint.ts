/** What a report needs to know of the terminal that will show it. */

import type { ChalkInstance } from 'chalk';

export interface Paint {
  /** Columns; no line of a report is longer. */
  readonly width: number;
  /** Its level is 0 where there is no colour. */
  readonly color: ChalkInstance;
}

/** Sentences are folded down to this; narrower terminals get lines of this width all the same. */
export const MINIMUM_WIDTH = 40;
/** Tables and maps would have to be cut beyond recognition. */
const MINIMUM_TABLE_WIDTH = 60;
/** Sentences wider than this are hard to read. */
const MAXIMUM_TEXT_WIDTH = 100;

/** Columns for titles and problems. */
export function columnsOf(paint: Paint): number {
  return Math.max(MINIMUM_WIDTH, paint.width);
}

/** Columns for tables and maps. */
export function tableColumnsOf(paint: Paint): number {
  return Math.max(MINIMUM_TABLE_WIDTH, paint.width);
}

/** Columns for sentences. */
export function textColumnsOf(paint: Paint): number {
  return Math.min(MAXIMUM_TEXT_WIDTH, columnsOf(paint));
}
