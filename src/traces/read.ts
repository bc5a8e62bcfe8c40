/** Reads traces (see trace.ts for the format), plain or gzipped, and says which lines it cannot read. */

import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  fileErrorReason,
  formatBytes,
  groupDigits,
  type Problem,
  readFileBytes,
  UserError,
  unreadable,
} from '../input/index.js';
import { CACHE, CACHE_ALLOC, CALLOC, FREE, LOCK, MALLOC, REALLOC, type Trace, UNLOCK } from './trace.js';

const WORD_LIMIT = 2 ** 32;
/** Of a trace's text, packed or not: more than ten million operations, all held in memory. */
const MAXIMUM_BYTES = 2 ** 27;
const EXPECTED = 'a trace, plain or gzipped';
const SCENARIO_NAME = /\.(ya?ml|ts)$/;
/** Beyond this many, further bad lines are only counted. */
const MAXIMUM_PROBLEMS = 20;

const EXPECTED_OPERATIONS =
  'a <id> <bytes>, f <id>, r <id> <bytes>, c <id> <count> <bytes>, l <id>, u <id>, ' +
  'K <cache> <bytes>, S <id> <cache> <count> or T <id>';

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
  K: { kind: CACHE, fields: ['cache', 'bytes'] },
  S: { kind: CACHE_ALLOC, fields: ['id', 'cache', 'count'] },
  T: { kind: FREE, fields: ['id'] },
};

/** @throws UserError when the file cannot be read, or naming every line that is no operation */
export function readTrace(file: string): Trace {
  if (SCENARIO_NAME.test(file)) {
    throw unreadable(file, 'by its name it is a scenario', `${EXPECTED}; scenarios are for "heaplab run"`);
  }
  return parseTrace(readText(file), file);
}

function readText(file: string): string {
  const bytes = readFileBytes(file, MAXIMUM_BYTES, EXPECTED);
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = gzipped ? unpacked(bytes, file) : bytes;
  if (text.includes(0)) throw unreadable(file, 'it is not text', EXPECTED);
  return text.toString('utf8');
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
    const problem = operations.add(trimmed, line);
    if (problem !== undefined && ++bad <= MAXIMUM_PROBLEMS) {
      const column = content.length - content.trimStart().length + 1;
      problems.push({ code: 'bad-trace-line', file, start: { line, column }, ...problem });
    }
  }
  if (bad > 0) {
    const source = inLines(text);
    const shown = problems.map((problem) => ({ ...problem, source }));
    if (bad > 1 && bad === operations.strangers) throw new UserError([noTrace(shown[0]!, bad)]);
    throw new UserError(shown, bad - shown.length);
  }
  return operations.toTrace(basename(file).replace(/(\.trace)?(\.gz)?$/, ''), file);
}

/** Of a file that is something else altogether, without a line that begins like an operation, one says enough. */
function noTrace(first: Problem, lines: number): Problem {
  return { ...first, message: `none of the ${groupDigits(lines)} lines is an operation of a trace` };
}

/** By the first letter, which may be written small or large: `Malloc`, `alloc`, `k`. */
function nearestForm([letter = '']: string): string | undefined {
  const known = Object.keys(FORMS);
  return [letter, letter.toLowerCase(), letter.toUpperCase()].find((one) => known.includes(one));
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
  private readonly lines: Uint32Array;
  private readonly denseIds = new Map<number, number>();
  private readonly denseCaches = new Map<number, number>();
  private readonly objectBytes = new Map<number, number>();
  private caches: Uint32Array | undefined;
  private length = 0;
  /** Lines before the first operation that do not even begin like one. */
  strangers = 0;

  /** For at most so many. */
  constructor(capacity: number) {
    this.kinds = new Uint8Array(capacity);
    this.ids = new Uint32Array(capacity);
    this.counts = new Uint32Array(capacity);
    this.bytes = new Uint32Array(capacity);
    this.lines = new Uint32Array(capacity);
  }

  /** Adds the operation on the line of that number, or says what is wrong with it. */
  add(line: string, number: number): { message: string; expected: string; nearest?: string } | undefined {
    const [letter, ...fields] = line.split(/\s+/) as [string, ...string[]];
    const form = Object.hasOwn(FORMS, letter) ? FORMS[letter]! : undefined;
    if (form === undefined) {
      if (this.length === 0) this.strangers++;
      const guess = nearestForm(letter);
      return {
        message: `"${line.slice(0, 60)}" is no operation of a trace`,
        expected: EXPECTED_OPERATIONS,
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
    this.lines[this.length] = number;
    return this.push(form.kind, fields.map(Number));
  }

  private push(kind: number, values: readonly number[]): { message: string; expected: string } | undefined {
    const [first = 0, second = 0, third = 0] = values;
    if (kind === CACHE) return this.makeCache(first, second);
    if (kind === CACHE_ALLOC) return this.allocateFrom(first, second, third);
    if (kind === CALLOC) this.note(kind, this.dense(this.denseIds, first), second, third);
    else this.note(kind, this.dense(this.denseIds, first), 1, second);
    return undefined;
  }

  private makeCache(cache: number, bytes: number) {
    if (this.objectBytes.has(cache)) {
      return { message: `there is a cache ${cache} already`, expected: 'another number' };
    }
    if (bytes === 0) return { message: 'a cache cannot have objects of 0 bytes', expected: 'at least 1' };
    this.objectBytes.set(cache, bytes);
    this.caches ??= new Uint32Array(this.kinds.length);
    const id = this.dense(this.denseCaches, cache);
    this.caches[this.length] = id;
    this.note(CACHE, id, 1, bytes);
    return undefined;
  }

  private allocateFrom(block: number, cache: number, count: number) {
    const bytes = this.objectBytes.get(cache);
    if (bytes === undefined) {
      return { message: `there is no cache ${cache}`, expected: `a line before with K ${cache} <bytes>` };
    }
    if (count === 0) return { message: 'an array cannot have 0 objects', expected: 'at least 1' };
    this.caches![this.length] = this.dense(this.denseCaches, cache);
    this.note(CACHE_ALLOC, this.dense(this.denseIds, block), count, bytes);
    return undefined;
  }

  /** Ids of blocks and of caches are counted together. */
  private dense(known: Map<number, number>, id: number): number {
    const dense = known.get(id) ?? this.denseIds.size + this.denseCaches.size;
    known.set(id, dense);
    return dense;
  }

  private note(kind: number, id: number, count: number, bytes: number): void {
    const index = this.length++;
    this.kinds[index] = kind;
    this.ids[index] = id;
    this.counts[index] = count;
    this.bytes[index] = bytes;
  }

  toTrace(name: string, file: string): Trace {
    const { length } = this;
    return {
      name,
      length,
      kinds: this.kinds.subarray(0, length),
      ids: this.ids.subarray(0, length),
      counts: this.counts.subarray(0, length),
      bytes: this.bytes.subarray(0, length),
      idCount: this.denseIds.size + this.denseCaches.size,
      source: { file, lines: this.lines.subarray(0, length) },
      ...(this.caches === undefined ? {} : { caches: this.caches.subarray(0, length) }),
    };
  }
}
