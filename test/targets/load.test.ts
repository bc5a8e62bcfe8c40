import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadTarget, targetNames } from '../../src/targets/index.js';
import { brief, problemsOf } from '../input/problems.js';

const directory = mkdtempSync(join(tmpdir(), 'heaplab-targets-'));
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const BASE = `name: Base
vendor: Nobody
core: cortex-m3
clock: 10 MHz
tick: 1000 Hz
alignment: 8
source: a made-up chip
regions:
  - { name: RAM, origin: 0x20000000, size: 8 KiB }
  - { name: CCM, origin: 0x10000000, size: 4 KiB }
static data: 1 KiB
main stack: 512 B
kernel:
  objects from heap: true
  tcb: 84 B
  queue: 72 B
  idle stack: 256 B
  priorities: 8
`;
const base = write('base.yaml', BASE);

/** The base with one line changed. */
function changed(from: string | RegExp, to: string): string {
  const text = BASE.replace(from, to);
  if (text === BASE) throw new Error(`${from} is not in the base`);
  return write('changed.yaml', text);
}

describe('built-in targets', () => {
  it.each(targetNames())('%s loads', (name) => {
    const target = loadTarget(name);
    expect(target.id).toBe(name);
    expect(target.regions.length).toBeGreaterThan(0);
    expect(target.source).not.toBe('');
  });

  it('are listed in order', () => {
    const names = targetNames();
    expect(names).toEqual([...names].sort());
    expect(names).toContain('stm32f103c8');
  });

  it('are found by name only if they are there', () => {
    const [problem, ...more] = problemsOf(() => loadTarget('stm32f103cb'));
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: 'unknown-name', nearest: 'stm32f103c8' });
    expect(problem?.expected).toContain('heaplab targets');
    expect(problem?.file).toBeUndefined();
  });
});

describe('a profile', () => {
  it('becomes plain data', () => {
    expect(loadTarget(base)).toEqual({
      id: 'base',
      file: base,
      name: 'Base',
      vendor: 'Nobody',
      core: 'cortex-m3',
      clockHertz: 10_000_000,
      tickHertz: 1000,
      alignment: 8,
      source: 'a made-up chip',
      description: '',
      regions: [
        { name: 'RAM', origin: 0x2000_0000, bytes: 8192, heap: true },
        { name: 'CCM', origin: 0x1000_0000, bytes: 4096, heap: true },
      ],
      staticDataBytes: 1024,
      mainStackBytes: 512,
      kernel: { objectsFromHeap: true, tcbBytes: 84, queueBytes: 72, idleStackBytes: 256, priorities: 8 },
    });
  });

  it('is found from a directory', () => {
    expect(loadTarget('base.yaml', { from: directory }).id).toBe('base');
    expect(loadTarget('./base.yaml', { from: directory }).id).toBe('base');
    expect(loadTarget(base, { from: '/nowhere' }).id).toBe('base');
  });

  it('may give the size of the heap', () => {
    expect(loadTarget(changed('static data', 'heap size: 4 KiB\nstatic data')).heapBytes).toBe(4096);
  });

  it.each<[what: string, path: () => string, problems: string[]]>([
    ['a misspelt key', () => changed('clock', 'clok'), ['missing-key 1:1', 'unknown-key 4:1 clock']],
    [
      'several mistakes',
      () => changed(/1000 Hz\nalignment: 8/, 'often\nalignment: 6'),
      ['wrong-value 5:7', 'wrong-value 6:12'],
    ],
    ['a word as alignment', () => changed('alignment: 8', 'alignment: eight'), ['wrong-type 6:12']],
    ['no regions', () => changed(/regions:\n.*\n.*\n/, 'regions: []\n'), ['wrong-value 8:10']],
    ['a region without a size', () => changed(', size: 8 KiB', ''), ['missing-key 9:5']],
    ['a tick faster than the clock', () => changed('1000 Hz', '20 MHz'), ['contradiction 5:7']],
    ['a region that begins between words', () => changed('0x20000000', '0x20000002'), ['contradiction 9:26']],
    ['a region of an odd size', () => changed('8 KiB', '8191 B'), ['contradiction 9:44']],
    ['a region without bytes', () => changed('8 KiB', '0 B'), ['wrong-value 9:44']],
    ['a region beyond 32 bits', () => changed('0x20000000', '0xFFFFF000'), ['contradiction 9:44']],
    ['more RAM than can be simulated', () => changed('8 KiB', '1024 MiB'), ['contradiction 9:44']],
    ['regions that overlap', () => changed('0x10000000', '0x20001000'), ['contradiction 10:5']],
    ['no region for the heap', () => changed(/KiB }/g, 'KiB, heap: false }'), ['contradiction 9:3']],
    ['too much static data', () => changed('1 KiB', '7.75 KiB'), ['contradiction 11:14']],
    [
      'too large a heap',
      () => changed('static data', 'heap size: 7 KiB\nstatic data'),
      ['contradiction 11:12'],
    ],
    ['an empty file', () => write('empty.yaml', ''), ['wrong-type 1:1']],
    ['a key twice', () => changed('name: Base', 'name: Base\nname: Other'), ['syntax 2:1']],
    ['no YAML', () => write('broken.yaml', 'name: [\n'), ['syntax 2:1']],
    ['no file', () => join(directory, 'nothing.yaml'), ['unreadable-file']],
  ])('with %s', (_what, path, problems) => {
    const name = path();
    expect(problemsOf(() => loadTarget(name)).map(brief)).toEqual(problems);
  });

  it('names the numbers that do not fit', () => {
    const path = changed('static data', 'heap size: 7 KiB\nstatic data');
    const [problem] = problemsOf(() => loadTarget(path));
    expect(problem?.message).toMatch(/7 KiB.*RAM.*8 KiB.*1 KiB.*512 B/);
    expect(problem?.expected).toBe('at most 6.5 KiB');
  });

  it('names the most RAM that can be simulated', () => {
    const [problem] = problemsOf(() => loadTarget(changed('8 KiB', '1024 MiB')));
    expect(problem?.message).toMatch(/^1048580 KiB of RAM/);
    expect(problem?.expected).toMatch(/^at most 1024 MiB/);
  });
});

describe('a profile that extends another', () => {
  it('changes what it says and keeps the rest', () => {
    const path = write('boards/mine.yaml', 'extends: ../base.yaml\nname: Mine\nkernel: { priorities: 4 }\n');
    const expected = { ...loadTarget(base), id: 'mine', file: path, name: 'Mine' };
    expect(loadTarget(path)).toEqual({ ...expected, kernel: { ...expected.kernel, priorities: 4 } });
  });

  it('replaces regions as a whole', () => {
    const path = write('small.yaml', 'extends: base.yaml\nregions: [{ name: S, origin: 0, size: 4 KiB }]\n');
    expect(loadTarget(path).regions).toEqual([{ name: 'S', origin: 0, bytes: 4096, heap: true }]);
  });

  it('may extend one that extends another', () => {
    write('one.yaml', 'extends: base.yaml\nvendor: One\nclock: 20 MHz\nkernel: { tcb: 100 B }\n');
    const two = write('two.yaml', 'extends: ./one.yaml\nclock: 30 MHz\nheap size: 2 KiB\n');
    expect(loadTarget(two)).toMatchObject({
      name: 'Base',
      vendor: 'One',
      clockHertz: 30_000_000,
      heapBytes: 2048,
      kernel: { tcbBytes: 100, queueBytes: 72 },
    });
  });

  it('may extend a built-in one by its name', () => {
    const path = write('board.yaml', 'extends: stm32f103c8\nstatic data: 4 KiB\n');
    expect(loadTarget(path)).toMatchObject({ id: 'board', name: 'STM32F103C8', staticDataBytes: 4096 });
  });

  it('may not extend itself', () => {
    const path = write('self.yaml', 'name: x\nextends: self.yaml\n');
    expect(problemsOf(() => loadTarget(path)).map(brief)).toEqual(['contradiction 2:10']);
  });

  it('may not lead back to itself', () => {
    const a = write('a.yaml', 'extends: ./b.yaml\n');
    write('b.yaml', 'name: B\nextends: ./a.yaml\n');
    const [problem] = problemsOf(() => loadTarget(a));
    expect(problem).toMatchObject({ code: 'contradiction', file: join(directory, 'b.yaml') });
    expect(problem?.message).toContain('a.yaml → b.yaml → a.yaml');
  });

  it.each<[what: string, text: string, problems: string[]]>([
    ['an unknown name', 'extends: stm32f103c\n', ['unknown-name 1:10 stm32f103c8']],
    ['a file that is not there', 'extends: ./nothing.yaml\n', ['unreadable-file 1:10']],
    [
      'its own mistakes',
      'extends: base.yaml\nclok: 1\nkernel: { prio: 2 }\n',
      ['unknown-key 2:1 clock', 'unknown-key 3:11 priorities'],
    ],
    ['a size that the other contradicts', 'extends: base.yaml\nheap size: 7 KiB\n', ['contradiction 2:12']],
    [
      'regions too small for the other',
      'extends: base.yaml\nregions: [{ name: S, origin: 0, size: 1 KiB }]\n',
      ['contradiction 2:39'],
    ],
  ])('with %s', (_what, text, problems) => {
    const path = write('extending.yaml', text);
    const found = problemsOf(() => loadTarget(path));
    expect(found.map(brief)).toEqual(problems);
    expect(found.every((problem) => problem.file === path)).toBe(true);
  });

  it('reports the mistakes of the other file there', () => {
    write('bad.yaml', BASE.replace('8 KiB', '8 KB of it'));
    const path = write('extending.yaml', 'extends: ./bad.yaml\n');
    expect(problemsOf(() => loadTarget(path))).toMatchObject([
      { code: 'wrong-value', file: join(directory, 'bad.yaml'), start: { line: 9 } },
    ]);
  });
});
