/** Reads traces (see trace.ts for the format), plain or gzipped, and says which lines it cannot read. */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fileErrorReason, nearest, type Problem, UserError } from '../input/index.js';
import { CALLOC, FREE, LOCK, MALLOC, REALLOC, type Trace, UNLOCK } from './trace.js';

const WORD_LIMIT = 2 ** 32;
/** Beyond this many, further bad lines are only counted. */
const MAXIMUM_PROBLEMS = 20;

interface Form {
  readonly kind: number;
  readonly fields: readonly string[];
}

const FORMS: Readonly<Record<string, Form>> = {
  a: { kind: MALLOC, fields: ['id', 'bytes'] },
  f: { kind: FREE, fields: ['id'] },
  r: { kind: REALLOC, fields: ['id', 'bytes'] },
  c: { kind: CALLOC, fields: ['id', 'count', 'bytes'] },
  l: { kind: LOCK, fields: ['id'] },
  u: { kind: UNLOCK, fields: ['id'] },
};

/** @throws UserError when the file cannot be read, or naming every line that is no operation */
export function readTrace(file: string): Trace {
  return parseTrace(readText(file), file);
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return (gzipped ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    const message = `cannot read the trace: ${fileErrorReason(error)}`;
    throw new UserError([{ code: 'unreadable-file', file, message, expected: 'a trace, plain or gzipped' }]);
  }
}

/** @throws UserError naming every line that is no operation */
export function parseTrace(text: string, file: string): Trace {
  const problems: Problem[] = [];
  const operations = new Operations();
  let line = 0;
  let bad = 0;
  for (const content of text.split('\n')) {
    line++;
    const trimmed = content.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const problem = operations.add(trimmed);
    if (problem !== undefined && ++bad <= MAXIMUM_PROBLEMS) {
      const column = content.length - content.trimStart().length + 1;
      problems.push({ code: 'bad-trace-line', file, start: { line, column }, ...problem });
    }
  }
  if (bad > MAXIMUM_PROBLEMS) {
    const more = bad - MAXIMUM_PROBLEMS;
    const message =
      more === 1 ? '1 more line is no operation either' : `${more} more lines are no operations either`;
    problems.push({ code: 'bad-trace-line', file, message });
  }
  if (problems.length > 0) {
    const source = inLines(text);
    throw new UserError(problems.map((problem) => ({ ...problem, source })));
  }
  return operations.toTrace(basename(file).replace(/(\.trace)?(\.gz)?$/, ''));
}

/** A text whose lines are those that a trace has, whatever else may pass for the end of one. */
function inLines(text: string): string {
  return text.replace(/[\r\u2028\u2029]/g, ' ');
}

/** What has been read so far; ids are made dense in order of appearance. */
class Operations {
  private readonly kinds: number[] = [];
  private readonly ids: number[] = [];
  private readonly counts: number[] = [];
  private readonly bytes: number[] = [];
  private readonly denseIds = new Map<string, number>();

  /** Adds the operation on one line, or says what is wrong with it. */
  add(line: string): { message: string; expected: string; nearest?: string } | undefined {
    const [letter, ...fields] = line.split(/\s+/) as [string, ...string[]];
    const form = Object.hasOwn(FORMS, letter) ? FORMS[letter]! : undefined;
    if (form === undefined) {
      const guess = nearest(
        letter[0] ?? '',
        Object.keys(FORMS).filter((known) => known === letter[0]),
      );
      return {
        message: `"${line.slice(0, 60)}" is no operation of a trace`,
        expected: 'a <id> <bytes>, f <id>, r <id> <bytes>, c <id> <count> <bytes>, l <id> or u <id>',
        ...(guess === undefined ? {} : { nearest: guess }),
      };
    }
    const expected = [letter, ...form.fields.map((field) => `<${field}>`)].join(' ');
    if (fields.length !== form.fields.length) {
      const follow = fields.length === 1 ? '1 field follows' : `${fields.length} fields follow`;
      return { message: `${follow} "${letter}", not ${form.fields.length}`, expected };
    }
    const wrong = fields.findIndex((field) => !/^\d+$/.test(field) || Number(field) >= WORD_LIMIT);
    if (wrong >= 0) {
      return {
        message: `${form.fields[wrong]} "${fields[wrong]}" is no whole number below 2^32`,
        expected,
      };
    }
    this.push(form.kind, fields.map(Number));
    return undefined;
  }

  private push(kind: number, values: readonly number[]): void {
    const id = String(values[0]);
    const dense = this.denseIds.get(id) ?? this.denseIds.size;
    this.denseIds.set(id, dense);
    this.kinds.push(kind);
    this.ids.push(dense);
    this.counts.push(kind === CALLOC ? values[1]! : 1);
    this.bytes.push((kind === CALLOC ? values[2] : values[1]) ?? 0);
  }

  toTrace(name: string): Trace {
    return {
      name,
      length: this.kinds.length,
      kinds: Uint8Array.from(this.kinds),
      ids: Uint32Array.from(this.ids),
      counts: Uint32Array.from(this.counts),
      bytes: Uint32Array.from(this.bytes),
      idCount: this.denseIds.size,
    };
  }
}
