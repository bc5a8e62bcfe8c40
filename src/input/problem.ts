/**
 * What is wrong with a file or flag that the user wrote. All problems of a file are collected and thrown
 * together as one {@link UserError}; the command line prints them without a stack and exits with code 2.
 */

/** Closed: tests and `--json` go by these, texts may change. */
export type ProblemCode =
  | 'unreadable-file'
  | 'syntax'
  | 'unknown-key'
  | 'missing-key'
  | 'wrong-type'
  | 'wrong-value'
  | 'unknown-name'
  | 'contradiction'
  | 'type-error'
  | 'script-error'
  | 'bad-trace-line'
  | 'bad-option';

/** Lines and columns count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Problem {
  readonly code: ProblemCode;
  /** One sentence without the place: `unknown key "stak"`. */
  readonly message: string;
  /** As the user named it; absent for a flag. */
  readonly file?: string;
  readonly start?: Position;
  readonly end?: Position;
  /** What would have been right, in words: `a size such as 24 B or 2 KiB`. */
  readonly expected?: string;
  /** The valid word nearest to what was written. */
  readonly nearest?: string;
  /** The file's text, for a code frame. */
  readonly source?: string;
}

export class UserError extends Error {
  override readonly name = 'UserError';

  /** `more`: how many problems of the same kind were only counted. */
  constructor(
    readonly problems: readonly Problem[],
    readonly more = 0,
  ) {
    const lines = problems.map(problemLine);
    super([...lines, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n'));
  }
}

/** One problem on one line: `file:line:column: message; expected …; did you mean "…"?`. */
export function problemLine(problem: Problem): string {
  const { file, start, message, expected, nearest } = problem;
  const place = [file, start?.line, start?.column].filter((part) => part !== undefined).join(':');
  const parts = [place === '' ? message : `${place}: ${message}`];
  if (expected !== undefined) parts.push(`expected ${expected}`);
  if (nearest !== undefined) parts.push(`did you mean "${nearest}"?`);
  return parts.join('; ');
}
