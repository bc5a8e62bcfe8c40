/** `heaplab run --out`: which files are written, and what is refused before anything runs. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/inspect/result.js';
import { heaplab, oneTask, refusal, Scratch } from './run.js';

const scratch = new Scratch();

/** A scenario in a folder of its own, which logs what `text` says. */
function scenario(path: string, text = 'x'): string {
  mkdirSync(join(scratch.path(path), '..'), { recursive: true });
  return scratch.write(path, oneTask(`log: ${text}`));
}

const TYPESCRIPT = `import { defineScenario } from 'heaplab';
export default defineScenario({
  name: 'test', target: 'generic-32', heap: 'heap_4', duration: '1 ms',
  tasks: { a: { priority: 1, *script(task) { yield* task.yield(); } } },
});
`;

describe('the results of several scenarios', () => {
  it.each<[name: string, paths: string[], names: string[]]>([
    ['of one name in two folders', ['a/x.yaml', 'b/x.yaml', 'b/y.yaml'], ['a-x.json', 'b-x.json', 'y.json']],
    ['of one name and two kinds', ['a/z.yaml', 'a/z.ts'], ['z.yaml.json', 'z.ts.json']],
    ['whose names differ in case', ['a/w.yaml', 'b/W.yaml'], ['a-w.json', 'b-W.json']],
  ])('%s do not overwrite each other', async (name, paths, names) => {
    const out = scratch.path(`results of ${name}`);
    const files = paths.map((path) =>
      path.endsWith('.ts') ? scratch.write(path, TYPESCRIPT) : scenario(path, path),
    );
    const { code } = await heaplab(['run', ...files, '--out', out]);
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(names.toSorted());
    const written = names.map((each) => JSON.parse(readFileSync(join(out, each), 'utf8')) as RunResult);
    expect(written.map((result) => result.scenario.file)).toEqual(files);
  });

  it('are refused where they would', async () => {
    const [first, second] = [scenario('c/f/x.yaml'), scenario('d/f/x.yaml')];
    const out = scratch.path('never');
    const [problem, ...others] = await refusal(['run', first, second, '--out', out]);
    expect(others).toEqual([]);
    expect(problem!.code).toBe('bad-option');
    for (const named of [first, second, 'x.json']) expect(problem!.message).toContain(named);
    expect(existsSync(out)).toBe(false);
  });
});

describe.concurrent('what cannot be written is refused before anything runs', () => {
  const file = scenario('early.yaml');
  const readable = scratch.write('plain', 'a file');

  it.each<[name: string, out: string]>([
    ['a folder', scratch.folder],
    ['what is below a file', join(readable, 'x.json')],
    ...(process.platform === 'linux'
      ? [['a folder of the system', '/proc/x/y.json'] as [string, string]]
      : []),
  ])('%s', async (_name, out) => {
    // Nothing on standard output: not a line of what happened.
    const [problem, ...others] = await refusal(['run', file, '--verbose', '--out', out]);
    expect(others).toEqual([]);
    expect(problem!.code).toBe('bad-option');
    expect(problem!.message).toContain(out);
  });

  it('and a file that is there stays as it is where the run is refused', async () => {
    const [old, none] = [scratch.write('old.json', 'old'), scratch.path('none.json')];
    writeFileSync(
      scratch.path('urgent.yaml'),
      readFileSync(file, 'utf8').replace('priority: 1', 'priority: 99'),
    );
    for (const out of [old, none]) await refusal(['run', scratch.path('urgent.yaml'), '--out', out]);
    expect(readFileSync(old, 'utf8')).toBe('old');
    expect(existsSync(none)).toBe(false);
  });
});

describe('more events than a result can hold', () => {
  const file = scratch.write(
    'many.yaml',
    oneTask(
      'repeat: { times: 100, steps: [ { alloc: { name: x, size: 1 } } ] }',
      'repeat: { times: 100000, steps: [ { alloc: { name: x, size: 1 MiB } } ] }',
    ).replace('100 ms', '20000 operations'),
  );

  it('are counted, and the first are kept', async () => {
    const out = scratch.path('many.json');
    const { code, stdout } = await heaplab(['run', file, '--keep-events', '1000000', '--out', out]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/the first [\d,]+ were kept in full/);
    const { outOfMemory, outOfMemoryCount } = JSON.parse(readFileSync(out, 'utf8')) as RunResult;
    expect(outOfMemoryCount).toBeGreaterThan(19_000);
    expect(outOfMemory.length).toBeGreaterThan(1000);
    expect(outOfMemory.length).toBeLessThan(5000);
    expect(outOfMemory.map(({ number }) => number)).toEqual(outOfMemory.map((_, index) => index + 1));
    const last = String(outOfMemory.length);
    expect((await heaplab(['inspect', out, '--oom', last, '--no-rescue'])).code).toBe(0);
    const [problem] = await refusal(['inspect', out, '--oom', String(outOfMemory.length + 1)]);
    expect(problem!.message).toContain('not kept');
  });
});
