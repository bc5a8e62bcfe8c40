/** Where a command's output goes. Commands get one of these and never touch the process themselves. */

import type { ChalkInstance } from 'chalk';

export interface Terminal {
  /** Columns; adapts to the terminal, 80 where there is none. */
  readonly width: number;
  readonly color: ChalkInstance;
  /** Standard output, text as it is. */
  print(text: string): void;
  /** Standard error, text as it is. */
  warn(text: string): void;
  /** Whether a person watches standard error: progress goes there. */
  readonly interactive: boolean;
}

/** A command's exit code. */
export const SUCCESS = 0;
/** The scenario expected otherwise. */
export const UNEXPECTED = 1;
/** The user's file or flag is wrong. */
export const USAGE = 2;
/** A bug of heaplab. */
export const INTERNAL = 3;
