/** Reads traces (see trace.ts for the format), plain or gzipped, and says which lines it cannot read. */

import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  fileErrorReason,
  formatBytes,
  nearest,
  type Problem,
  readFileBytes,
  UserError,
  unreadable,
} from '../input/index.js';
import { CALLOC, FREE, LOCK, MALLOC, REALLOC, type Trace, UNLOCK } from './trace.js';

const WORD_LIMIT = 2 ** 32;
/** Of a trace's text, packed or not: more than ten million operations, all held in memory. */
const MAXIMUM_BYTES = 2 ** 27;
const EXPECTED = 'a trace, plain or gzipped';
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
  const bytes = readFileBytes(file, MAXIMUM_BYTES, EXPECTED);
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return (gzipped ? unpacked(bytes, file) : bytes).toString('utf8');
}

/** A few bytes may unpack to any number of them. */
function unpacked(bytes: Buffer, file: string): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAXIMUM_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw unreadable(file, `unpacked it is larger than ${formatBytes(MAXIMUM_BYTES)}`, EXPECTED);
    }
    throw unreadable(file, fileErrorReason(error), EXPECTED);
  }
}

/** @throws UserError naming every line that is no operation */
export function parseTrace(text: string, file: string): Trace {
  const problems: Problem[] = [];
  const operations = new Operations(countLines(text));
  let line = 0;
  let bad = 0;
  for (const content of linesOf(text)) {
    line++;
    const trimmed = content.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const problem = operations.add(trimmed);
    if (problem !== undefined && ++bad <= MAXIMUM_PROBLEMS) {
      const column = content.length - content.trimStart().length + 1;
      problems.push({ code: 'bad-trace-line', file, start: { line, column }, ...problem });
    }
  }
  if (bad > 0) {
    const source = inLines(text);
    const shown = problems.map((problem) => ({ ...problem, source }));
    throw new UserError(shown, bad - shown.length);
  }
  return operations.toTrace(basename(file).replace(/(\.trace)?(\.gz)?$/, ''));
}

/** A text whose lines are those that a trace has, whatever else may pass for the end of one. */
function inLines(text: string): string {
  return text.replace(/[\r\u2028\u2029]/g, ' ');
}

function countLines(text: string): number {
  let lines = 1;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) lines++;
  return lines;
}

/** One by one: a list of them all takes several times the memory of the text. */
function* linesOf(text: string): Generator<string> {
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
    yield text.slice(start, end);
    start = end + 1;
  }
  yield text.slice(start);
}

/** What has been read so far; ids are made dense in order of appearance. */
class Operations {
  private readonly kinds: Uint8Array;
  private readonly ids: Uint32Array;
  private readonly counts: Uint32Array;
  private readonly bytes: Uint32Array;
  private readonly denseIds = new Map<number, number>();
  private length = 0;

  /** For at most so many. */
  constructor(capacity: number) {
    this.kinds = new Uint8Array(capacity);
    this.ids = new Uint32Array(capacity);
    this.counts = new Uint32Array(capacity);
    this.bytes = new Uint32Array(capacity);
  }

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
    const index = this.length++;
    const id = values[0]!;
    const dense = this.denseIds.get(id) ?? this.denseIds.size;
    this.denseIds.set(id, dense);
    this.kinds[index] = kind;
    this.ids[index] = dense;
    this.counts[index] = kind === CALLOC ? values[1]! : 1;
    this.bytes[index] = (kind === CALLOC ? values[2] : values[1]) ?? 0;
  }

  toTrace(name: string): Trace {
    const { length } = this;
    return {
      name,
      length,
      kinds: this.kinds.subarray(0, length),
      ids: this.ids.subarray(0, length),
      counts: this.counts.subarray(0, length),
      bytes: this.bytes.subarray(0, length),
      idCount: this.denseIds.size,
    };
  }
}
