/** Reads the files that users name. Whatever is wrong with one is a problem to report, not a crash. */

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { nearestFile } from './near-file.js';
import { type Problem, UserError } from './problem.js';
import { formatBytes } from './units.js';

/** Files written by hand are far smaller; a larger one was named by mistake. */
const MAXIMUM_TEXT_BYTES = 1024 * 1024;
const CHUNK_BYTES = 65_536;

/** What the system's error codes mean for somebody who named a file. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a directory',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  ERR_INVALID_ARG_VALUE: 'the name is not valid',
  ENOSPC: 'there is no room left',
  EROFS: 'it may not be written',
  EEXIST: 'a file is in the way',
  Z_DATA_ERROR: 'it is not what gzip makes',
  Z_BUF_ERROR: 'it ends too early',
};

const FORBIDDEN = new Set(['EACCES', 'EPERM']);

/** In words, what `error`, which a file that was to be read or written threw, says about the file. */
export function fileErrorReason(error: unknown, purpose: 'read' | 'written' = 'read'): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return FORBIDDEN.has(code) ? `it may not be ${purpose}` : (REASONS[code] ?? message);
}

/**
 * The text of a UTF-8 file of at most 1 MiB, without a byte order mark.
 *
 * @throws UserError with code `unreadable-file`
 */
export function readText(path: string): string {
  const bytes = readFileBytes(path, MAXIMUM_TEXT_BYTES);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Not UTF-8: said below.
  }
  throw unreadable(path, 'it is not text', 'a text file in UTF-8');
}

/**
 * The bytes of an ordinary file, at most `maximumBytes` of them: devices and pipes may never end.
 * `expected`: what the file should have been.
 *
 * @throws UserError with code `unreadable-file`
 */
export function readFileBytes(path: string, maximumBytes: number, expected?: string): Buffer {
  try {
    const status = statSync(path);
    if (status.isDirectory()) throw unreadable(path, 'it is a directory', expected ?? 'a file');
    if (!status.isFile()) throw unreadable(path, 'it is not an ordinary file', expected ?? 'a file');
    // What the system makes up as it is read has no size.
    const bytes = status.size > maximumBytes ? undefined : readAtMost(path, maximumBytes);
    if (bytes !== undefined) return bytes;
  } catch (error) {
    if (error instanceof UserError) throw error;
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw unreadable(
      path,
      fileErrorReason(error),
      expected,
      isMissing(error) ? nearestFile(path) : undefined,
    );
  }
  throw unreadable(path, `it is larger than ${formatBytes(maximumBytes)}`, expected ?? 'a smaller file');
}

/** undefined where there are more. */
function readAtMost(path: string, maximumBytes: number): Buffer | undefined {
  const file = openSync(path, 'r');
  try {
    const parts: Buffer[] = [];
    for (let bytes = 0; bytes <= maximumBytes; ) {
      const part = Buffer.allocUnsafe(CHUNK_BYTES);
      const count = readSync(file, part);
      if (count === 0) return Buffer.concat(parts);
      parts.push(part.subarray(0, count));
      bytes += count;
    }
    return undefined;
  } finally {
    closeSync(file);
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** The problem that a file cannot be read for `reason`, a sentence about "it". */
export function unreadable(path: string, reason: string, expected?: string, nearest?: string): UserError {
  const problem: Problem = {
    code: 'unreadable-file',
    file: path,
    message: `cannot read the file: ${reason}`,
    ...(expected !== undefined && { expected }),
    ...(nearest !== undefined && { nearest }),
  };
  return new UserError([problem]);
}
