import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Path, YamlFile } from '../../src/input/files.js';
import { brief, problemsOf } from './problems.js';

const briefs = (text: string) => new YamlFile('file.yaml', text).problems.map(brief);

/** Every line one column further in than the one before. */
function steps(lines: number): string {
  return Array.from({ length: lines }, (_, index) => `${' '.repeat(index)}a:`).join('\n');
}

describe('what the text says wrong', () => {
  it.each<[name: string, text: string, problems: string[]]>([
    ['nothing', 'a: 1\nb: [x, y]\n', []],
    ['an empty file', '', []],
    ['a comment alone', '# nothing\n', []],
    ['a list that is not closed', 'a: [1,\n', ['syntax 2:1']],
    ['a quote that is not closed', 'a: "x\n', ['syntax 2:1']],
    ['a tab as indentation', 'a:\n\t- b\n', ['syntax 2:1']],
    ['a key twice', 'a: 1\nb: 2\na: 3\n', ['syntax 3:1']],
    ['two keys twice', 'a: 1\na: 2\nb: { c: 1, c: 2 }\n', ['syntax 2:1', 'syntax 3:12']],
    ['a key inside a value', 'a: b: c\n', ['syntax 1:4']],
    ['a second document', 'a: 1\n---\nb: 2\n', ['syntax 2:1']],
    ['a tag', 'a: !thing 1\n', ['syntax 1:4']],
    ['an alias without an anchor', 'a: *x\n', ['syntax 1:4']],
    ['an alias of itself', 'a: &a [1, *a]\n', ['syntax 1:11']],
    ['a list as key', '? [a, b]\n: 1\n', ['syntax 1:3']],
    ['no key', ': 1\n', ['syntax 1:1']],
    ['words that every object has', '__proto__: 1\nb: { toString: 2 }\n', ['syntax 1:1', 'syntax 2:6']],
    ['a merge of what is no map', 'a: 1\n<<: 3\n', ['syntax 1:1']],
    ['brackets without end', 'a:\n  '.concat('['.repeat(50_000)), ['syntax 2:102']],
    ['dashes without end', '- '.repeat(50_000), ['syntax 1:201']],
    ['indentation without end', steps(2000), ['syntax 101:101']],
    ['maps too deep for any use', `${'{a: '.repeat(150)}1${'}'.repeat(150)}`, ['syntax 1:401']],
    [
      'many brackets that are text',
      `a: "${'['.repeat(200)}"\nb: x${'{'.repeat(200)}\n# ${'['.repeat(200)}\n`,
      [],
    ],
    ['a deep picture in a text', `a: |\n${steps(200).replaceAll(/^/gm, '  ')}\n`, []],
    ['many small lists side by side', `a:\n${'  - [{}, []]\n  - - b: 1\n      c: 2\n'.repeat(200)}`, []],
    ['aliases without end', `a: &a x\nb: [${'*a, '.repeat(1001)}]\n`, ['syntax 2:4005']],
  ])('%s', (_name, text, problems) => {
    expect(briefs(text)).toEqual(problems);
  });

  it('refuses aliases that multiply each other', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
    const lines = names.map((name, index) => {
      const items = index === 0 ? '1' : `*${names[index - 1]}`;
      return `${name}: &${name} [${Array(9).fill(items).join(', ')}]`;
    });
    const file = new YamlFile('bomb.yaml', lines.join('\n'));
    expect(file.problems.map(brief)).toEqual(['syntax 1:1']);
    expect(file.value).toBeUndefined();
  });

  it('keeps the value where a key only appears twice', () => {
    const file = new YamlFile('file.yaml', 'a: 1\na: 2\n');
    expect(file.value).toEqual({ a: 2 });
  });

  it('gives a range, the file and its text', () => {
    const [problem] = new YamlFile('some/file.yaml', 'ab: 1\nab: 2\n').problems;
    expect(problem).toMatchObject({
      file: 'some/file.yaml',
      source: 'ab: 1\nab: 2\n',
      start: { line: 2, column: 1 },
    });
  });
});

describe('positions', () => {
  const file = new YamlFile(
    'file.yaml',
    [
      'defaults: &defaults { priority: 3 }',
      'tasks:',
      '  sampler:',
      '    <<: *defaults',
      '    script:',
      '      - yield',
      '      - alloc: { name: frame, size: 64 B }',
      '  empty:',
      'same: *defaults',
      '1: one',
    ].join('\r\n'),
  );

  it.each<[path: Path, value: string, key: string]>([
    [[], '1:1', '1:1'],
    [['tasks'], '3:3', '2:1'],
    [['tasks', 'sampler', 'script'], '6:7', '5:5'],
    [['tasks', 'sampler', 'script', 1], '7:9', '7:9'],
    [['tasks', 'sampler', 'script', 1, 'alloc', 'size'], '7:37', '7:31'],
    [['tasks', 'sampler', 'priority'], '1:33', '1:23'],
    [['tasks', 'sampler', 'nothing', 'here'], '4:5', '4:5'],
    [['tasks', 'sampler', 'script', 7], '6:7', '6:7'],
    [['same'], '9:7', '9:1'],
    [['same', 'priority'], '1:33', '1:23'],
    [['1'], '10:4', '10:1'],
  ])('of %j', (path, value, key) => {
    const { line, column } = file.position(path);
    const keyAt = file.keyPosition(path);
    expect([`${line}:${column}`, `${keyAt.line}:${keyAt.column}`]).toEqual([value, key]);
  });

  it('ends a range that spans lines with its first line', () => {
    const problem = file.problem({ code: 'wrong-type', message: 'x', path: ['tasks', 'sampler', 'script'] });
    expect(problem.start).toEqual({ line: 6, column: 7 });
    expect(problem.end).toEqual({ line: 6, column: 14 });
  });

  it('covers a whole value on one line, and a key alone', () => {
    const path = ['tasks', 'sampler', 'script', 1, 'alloc'];
    const value = file.problem({ code: 'wrong-type', message: 'x', path });
    expect(value.start).toEqual({ line: 7, column: 16 });
    expect(value.end).toEqual({ line: 7, column: 43 });
    const key = file.problem({ code: 'unknown-key', message: 'x', path, at: 'key' });
    expect(key.start).toEqual({ line: 7, column: 9 });
    expect(key.end).toEqual({ line: 7, column: 14 });
  });

  it('knows what the file says', () => {
    expect(file.has(['tasks', 'sampler', 'priority'])).toBe(true);
    expect(file.has(['tasks', 'sampler', 'stack'])).toBe(false);
    expect(file.has([])).toBe(true);
  });
});

describe('files that cannot be read', () => {
  const directory = mkdtempSync(join(tmpdir(), 'heaplab-yaml-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const write = (name: string, content: string | Uint8Array) => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };

  it.each<[name: string, path: () => string, words: string]>([
    ['one that is not there', () => join(directory, 'nothing.yaml'), 'no such file'],
    ['a path through a file', () => join(write('file', 'x'), 'inner.yaml'), 'no such file'],
    ['a directory', () => directory, 'a directory'],
    ['bytes that are no UTF-8', () => write('latin.yaml', Uint8Array.of(0x61, 0xe9, 0x62)), 'not text'],
    ['bytes of zero', () => write('zero.yaml', 'a\0b'), 'not text'],
    ['one that is too large', () => write('large.yaml', `# ${'x'.repeat(1024 * 1024)}`), '1 MiB'],
    ['a name with a zero in it', () => 'a\0b.yaml', 'not valid'],
  ])('%s', (_name, path, words) => {
    const [problem, ...more] = problemsOf(() => YamlFile.read(path()));
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: 'unreadable-file', message: expect.stringContaining(words) });
    expect(problem?.start).toBeUndefined();
  });

  it('passes over a byte order mark', () => {
    const file = YamlFile.read(write('mark.yaml', '\uFEFFa: 1\n'));
    expect(file.value).toEqual({ a: 1 });
    expect(file.keyPosition(['a'])).toEqual({ line: 1, column: 1 });
  });

  it('reads a directory that may not be listed as the system sees it', () => {
    mkdirSync(join(directory, 'inner'));
    expect(problemsOf(() => YamlFile.read(join(directory, 'inner'))).map(brief)).toEqual(['unreadable-file']);
  });
});
