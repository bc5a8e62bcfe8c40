/** What a scenario's own code throws is its author's to mend: told with the line, and without a stack. */

import { type Position, UserError } from '../../input/index.js';
import type { CompiledFile } from './compiler.js';

/** `files`: those it may come from; `at`: the last call, for what says nothing about itself. */
export function scriptError(
  error: unknown,
  files: readonly CompiledFile[],
  at: Position | undefined,
): UserError {
  const [scenario] = files;
  const origin = originOf(error, files) ?? { file: scenario!, start: at };
  const place = {
    file: origin.file.shown,
    source: origin.file.text,
    ...(origin.start !== undefined && { start: origin.start }),
  };
  if (error instanceof UserError) {
    return new UserError(
      error.problems.map((problem) => (problem.file === undefined ? { ...problem, ...place } : problem)),
    );
  }
  return new UserError([{ code: 'script-error', message: `this threw ${description(error)}`, ...place }]);
}

/** `TypeError: x is not a function`. */
function description(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `"${String(error)}"`;
  return text.split('\n', 1)[0]!;
}

/** The innermost place of the scenario's own in a stack trace. */
function originOf(error: unknown, files: readonly CompiledFile[]) {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  for (const frame of stack.split('\n')) {
    const [, line, column] = /:(\d+):(\d+)\)?$/.exec(frame) ?? [];
    const file = files.find(({ path }) => frame.includes(`${path}:${line}:`));
    if (file === undefined) continue;
    const origin = file.map.findEntry(Number(line) - 1, Number(column) - 1);
    if (!('originalLine' in origin)) continue;
    return { file, start: { line: origin.originalLine + 1, column: origin.originalColumn + 1 } };
  }
  return undefined;
}
