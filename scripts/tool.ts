/** What the programs of this repository's developers have in common: their arguments, and a word on wrong ones. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Chalk } from 'chalk';
import { badOption } from '../src/cli/flags.js';
import { fileErrorReason, nearest, type Problem, UserError, unreadable } from '../src/input/index.js';
import type { Paint } from '../src/report/paint.js';
import { problemReport } from '../src/report/problems.js';

const DEFAULT_WIDTH = 110;

/** How these programs write to the terminal. */
export function toolPaint(): Paint {
  const isPlain = (process.env.NO_COLOR ?? '') !== '';
  return {
    width: process.stdout.columns ?? (Number(process.env.COLUMNS) || DEFAULT_WIDTH),
    color: new Chalk(isPlain ? { level: 0 } : {}),
  };
}

/** Does the work; what the user got wrong is said as `heaplab` says it, and makes the exit code 2. */
export async function runTool(work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`${await problemReport(error, toolPaint())}\n`);
    process.exitCode = 2;
  }
}

/** What was given on the command line: flags without a value are `on`. */
export interface Given {
  readonly words: readonly string[];
  readonly flags: ReadonlyMap<string, string>;
}

/** `known`: each flag, without its dashes, and whether it takes a value. @throws UserError */
export function givenArguments(
  known: Readonly<Record<string, 'on' | 'value'>> = {},
  args: readonly string[] = process.argv.slice(2),
): Given {
  const types = Object.entries(known).map(([name, kind]) => {
    return [name, { type: kind === 'value' ? 'string' : 'boolean' }] as const;
  });
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries(types),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const flags = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    if (known[name] === undefined) throw new UserError([unknownFlag(rawName, Object.keys(known))]);
    const hasValue = value !== undefined && value !== '';
    if (hasValue !== (known[name] === 'value')) {
      throw badOption(
        `${rawName} ${value ?? ''}`.trim(),
        hasValue ? `${rawName} alone` : 'a value behind it',
      );
    }
    flags.set(name, value ?? 'on');
  }
  return { words: positionals, flags };
}

function unknownFlag(flag: string, known: readonly string[]): Problem {
  if (known.length === 0) return { code: 'unknown-name', message: `unknown option "${flag}"` };
  return unknownWord(
    'option',
    flag,
    known.map((name) => `--${name}`),
  );
}

/** The problem that there is no `what` of that name. */
export function unknownWord(what: string, word: string, known: readonly string[]): Problem {
  const guess = nearest(word, known);
  return {
    code: 'unknown-name',
    message: `unknown ${what} "${word}"`,
    expected: known.length === 1 ? known[0]! : `one of ${known.join(', ')}`,
    ...(guess !== undefined && { nearest: guess }),
  };
}

/** A trace in a folder, as the generated ones are called: `gen-<profile>-<KiB>-<seed>.trace.gz`. */
export interface TraceFile {
  readonly path: string;
  readonly profile: string;
  readonly kib: number;
}

/** In order of their names. @throws UserError where there are none */
export function generatedTraces(folder: string): TraceFile[] {
  const traces = filesIn(folder).flatMap((name) => {
    const [, profile, kib] = /^gen-(\w+)-(\d+)-s\d+\.trace\.gz$/.exec(name) ?? [];
    return profile === undefined ? [] : [{ path: join(folder, name), profile, kib: Number(kib) }];
  });
  if (traces.length > 0) return traces;
  throw unreadable(folder, 'no trace is in there', 'traces called gen-<profile>-<KiB>-<seed>.trace.gz');
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    const reason = existsSync(folder) ? 'it is no folder' : fileErrorReason(error);
    throw unreadable(folder, reason, 'a folder of traces');
  }
}
