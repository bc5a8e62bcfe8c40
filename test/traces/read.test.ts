import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { parseTrace, readTrace } from '../../src/traces/read.js';
import {
  CACHE,
  CACHE_ALLOC,
  CALLOC,
  FREE,
  LOCK,
  MALLOC,
  REALLOC,
  type Trace,
  UNLOCK,
} from '../../src/traces/trace.js';
import { brief, problemsOf } from '../input/problems.js';

const parsed = (text: string) => parseTrace(text, 'some/where.trace');
const problems = (text: string) => problemsOf(() => parsed(text)).map(brief);
/** `[kind, id, count, bytes]` of every operation. */
const operations = (trace: Trace) =>
  Array.from(trace.kinds, (kind, index) => [kind, trace.ids[index], trace.counts[index], trace.bytes[index]]);

describe('a trace', () => {
  it('has one operation a line', () => {
    const trace = parsed('a 0 100\nr 0 24\nc 1 3 8\nl 1\nu 1\nf 0\n');
    expect(operations(trace)).toEqual([
      [MALLOC, 0, 1, 100],
      [REALLOC, 0, 1, 24],
      [CALLOC, 1, 3, 8],
      [LOCK, 1, 1, 0],
      [UNLOCK, 1, 1, 0],
      [FREE, 0, 1, 0],
    ]);
    expect([trace.length, trace.idCount]).toEqual([6, 2]);
  });

  it('may make caches, whose ids no block has, and take arrays of their objects', () => {
    const trace = parsed('a 7 8\nK 7 48\nK 9 12\nS 1 9 3\nS 2 7 1\nT 1\nf 2\n');
    expect(operations(trace)).toEqual([
      [MALLOC, 0, 1, 8],
      [CACHE, 1, 1, 48],
      [CACHE, 2, 1, 12],
      [CACHE_ALLOC, 3, 3, 12],
      [CACHE_ALLOC, 4, 1, 48],
      [FREE, 3, 1, 0],
      [FREE, 4, 1, 0],
    ]);
    expect([...trace.caches!]).toEqual([0, 1, 2, 2, 1, 0, 0]);
    expect(trace.idCount).toBe(5);
    expect(parsed('a 0 8').caches).toBeUndefined();
  });

  it('skips comments and empty lines, wherever they begin', () => {
    expect(operations(parsed('# a 0 1\n\n  \t\n   # a 0 2\na 0 3\n#'))).toEqual([[MALLOC, 0, 1, 3]]);
  });

  it.each([
    ['CRLF', 'a 0 8\r\n# x\r\n\r\nf 0\r\n'],
    ['no line end at the end', 'a 0 8\nf 0'],
    ['a byte order mark', '\ufeffa 0 8\nf 0\n'],
    ['tabs and spaces', '\ta\t0   8  \n f 0\t\n'],
  ])('may have %s', (_name, text) => {
    expect(operations(parsed(text))).toEqual([
      [MALLOC, 0, 1, 8],
      [FREE, 0, 1, 0],
    ]);
  });

  it('may be empty', () => {
    expect(parsed('')).toMatchObject({ length: 0, idCount: 0 });
  });

  it('names blocks by ids as it likes; they are made dense in order of appearance', () => {
    const trace = parsed('a 4294967295 1\na 7 2\nf 4294967295\na 0 3\nf 007');
    expect([...trace.ids]).toEqual([0, 1, 0, 2, 1]);
    expect(trace.idCount).toBe(3);
  });

  it('may ask for any size of 32 bits', () => {
    const trace = parsed('a 0 4294967295\nc 1 4294967295 4294967295\na 2 0');
    expect([...trace.bytes]).toEqual([4_294_967_295, 4_294_967_295, 0]);
    expect([...trace.counts]).toEqual([1, 4_294_967_295, 1]);
  });

  it.each([
    ['x/y.trace.gz', 'y'],
    ['y.trace', 'y'],
    ['a.b.gz', 'a.b'],
    ['list.txt', 'list.txt'],
  ])('read from %s is called %s', (file, name) => {
    expect(parseTrace('', file).name).toBe(name);
  });
});

describe('a bad line', () => {
  it.each<[string, string, string[]]>([
    ['an unknown letter', 'q 0 1', ['bad-trace-line 1:1']],
    ['a cache that was not made', 'K 0 8\nS 1 2 1', ['bad-trace-line 2:1']],
    ['a cache that was made already', 'K 0 8\nK 0 16', ['bad-trace-line 2:1']],
    ['a cache of nothing', 'K 0 0', ['bad-trace-line 1:1']],
    ['an array of nothing', 'K 0 8\nS 1 0 0', ['bad-trace-line 2:1']],
    ['a word that begins like an operation', 'free 0', ['bad-trace-line 1:1 f']],
    ['a letter that is written large', 'A 0 8', ['bad-trace-line 1:1 a']],
    ['a letter that is written small', 'k 0 8', ['bad-trace-line 1:1 K']],
    ['a word that every object knows', '__proto__ 0', ['bad-trace-line 1:1']],
    ['too few fields', 'a 0', ['bad-trace-line 1:1']],
    ['too many fields', 'f 0 8', ['bad-trace-line 1:1']],
    ['a calloc without a count', 'c 0 8', ['bad-trace-line 1:1']],
    ['a comment behind an operation', 'f 0 # done', ['bad-trace-line 1:1']],
    ['a negative size', 'a 0 -1', ['bad-trace-line 1:1']],
    ['a size of more than 32 bits', 'a 0 4294967296', ['bad-trace-line 1:1']],
    ['an id of more than 32 bits', 'f 4294967296', ['bad-trace-line 1:1']],
    ['a fraction', 'a 0 1.5', ['bad-trace-line 1:1']],
    ['a hexadecimal size', 'a 0 0x10', ['bad-trace-line 1:1']],
    ['a name for an id', 'f one', ['bad-trace-line 1:1']],
    ['a bad line behind comments, indented', '# x\n\na 0 8\r\n  f\r\n', ['bad-trace-line 4:3']],
  ])('is %s', (_name, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it('comes with all the others, in order', () => {
    expect(problems('x\na 0 8\nf\na 1\nf 0\nr 0 -')).toEqual(
      [1, 3, 4, 6].map((line) => `bad-trace-line ${line}:1`),
    );
  });

  it('is named twenty times at most, and the others counted: a file of another kind', () => {
    expect(problems(`a 0 8\n${'PNG\n'.repeat(5000)}`)).toHaveLength(20);
    expect(() => parsed(`a 0 8\n${'PNG\n'.repeat(5000)}`)).toThrow(expect.objectContaining({ more: 4980 }));
    expect(() => parsed('PNG\n')).toThrow(expect.objectContaining({ more: 0 }));
  });

  it('is one of all where no line begins like an operation', () => {
    const [problem, ...others] = problemsOf(() => parsed('\n# x\nname: x\ntarget: y\n'));
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ start: { line: 3, column: 1 } });
    expect(problem!.message).toBe('none of the 2 lines is an operation of a trace');
    expect(problems('name: x\nf 0 0\n')).toHaveLength(2);
    expect(problems('name: x\nf 0\ntarget: y')).toHaveLength(2);
  });

  it('says how many fields there are', () => {
    const [one, three, none] = problemsOf(() => parsed('a 1\nf 1 2 3\nf')).map(({ message }) => message);
    expect([one, three, none]).toEqual([
      '1 field follows "a", not 2',
      '3 fields follow "f", not 1',
      '0 fields follow "f", not 1',
    ]);
  });

  it('comes with the text, in which nothing but a line feed ends a line', () => {
    const [problem] = problemsOf(() => parsed('a 1 8\u2028\r\n# \u2029\rx\nf 1 1'));
    expect(problem!.start).toEqual({ line: 3, column: 1 });
    const lines = problem!.source!.split(/\r\n|[\n\r\u2028\u2029]/);
    expect(lines[problem!.start!.line - 1]).toBe('f 1 1');
  });

  it('says in which file it is, which field is wrong and what would be right', () => {
    const [problem] = problemsOf(() => parsed('c 1 x 8'));
    expect(problem).toMatchObject({ file: 'some/where.trace', expected: 'c <id> <count> <bytes>' });
    expect(problem!.message).toContain('count "x"');
  });
});

describe('a trace file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heaplab-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const written = (name: string, content: string | Uint8Array) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  };
  const text = '# two\na 0 8\nf 0\n';

  it('may be plain or gzipped, whatever its name says', () => {
    const plain = readTrace(written('plain.trace', text));
    expect(plain).toMatchObject({ name: 'plain', length: 2 });
    expect(operations(readTrace(written('packed.trace.gz', gzipSync(text))))).toEqual(operations(plain));
    expect(operations(readTrace(written('packed.txt', gzipSync(text))))).toEqual(operations(plain));
  });

  it.each<[string, () => string]>([
    ['is missing', () => join(folder, 'nowhere.trace')],
    ['is a folder', () => folder],
    ['is cut off in its gzip', () => written('cut.gz', gzipSync(text).subarray(0, 20))],
  ])('that %s is unreadable, and the problem says which', (_name, file) => {
    const [problem, ...others] = problemsOf(() => readTrace(file()));
    expect(problem).toMatchObject({ code: 'unreadable-file', file: file() });
    expect(others).toEqual([]);
  });

  it('with bad lines names itself', () => {
    const file = written('bad.trace', 'a 0 8\nnonsense\n');
    expect(problemsOf(() => readTrace(file))).toMatchObject([{ file, start: { line: 2, column: 1 } }]);
  });
});
