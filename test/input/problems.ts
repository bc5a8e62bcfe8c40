/** For tests: what a call complains about, short enough for tables. */

import { type Problem, UserError } from '../../src/input/index.js';

/** The problems of the UserError that `call` throws; fails if it throws none. */
export function problemsOf(call: () => unknown): readonly Problem[] {
  try {
    call();
  } catch (error) {
    if (error instanceof UserError) return error.problems;
    throw error;
  }
  throw new Error('nothing was wrong');
}

/** `unknown-key 2:3`, with the nearest word behind it if there is one: `unknown-key 2:3 name`. */
export function brief({ code, start, nearest }: Problem): string {
  const place = start === undefined ? '' : ` ${start.line}:${start.column}`;
  return `${code}${place}${nearest === undefined ? '' : ` ${nearest}`}`;
}
