/** `heaplab run` with flags that are wrong or cannot be met. What is wrong with scenarios: mistakes.test.ts. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { heaplab, refusal, SCENARIOS, Scratch, usageError } from './run.js';

const scratch = new Scratch();
/** On generic-32: 8 KiB of RAM, 1 KiB of static data, 512 B of main stack. */
const SCENARIO = join(SCENARIOS, 'heap2-worst-case.yaml');

describe.concurrent('run refuses a flag', () => {
  it.each([
    ['--ram 0', '--ram 0', 'size'],
    ['--ram 1', '--ram: static data of 1 KiB', 'at least 1.5 KiB'],
    ['--ram 1KiB', '--ram: static data of 1 KiB', 'at least 1.5 KiB'],
    ['--ram 8190', '--ram: region RAM has 8,190 B', 'multiple of 4'],
    ['--reserve 8KiB', '--reserve: static data of 8 KiB', 'or less of both'],
    ['--heap-size 9KiB', '--heap-size: a heap of 9 KiB', 'at most 6.5 KiB'],
    ['--alignment 6', '--alignment 6', '4, 8, 16 or 32'],
    ['--seed 4294967296', '--seed 4294967296', '0 to 4294967295'],
    ['--keep-events 0', '--keep-events 0', 'from 1'],
    ['--heap-option asserts', '--heap-option asserts', 'name=value'],
    ['--json --schedule', '--json', 'one of them'],
    ['--json --inspect', '--json', 'one of them'],
    ['--schedule --inspect', '--inspect', 'one of them'],
    ['--duration 10', '--duration 10', 'such as 10 s'],
    ['--duration 0s', '--duration 0s', 'operations'],
    ['--duration 1.5operations', '--duration', 'operations'],
  ])('%s', async (flags, named, expected) => {
    const [problem, ...others] = await refusal(['run', SCENARIO, ...flags.split(' ')]);
    expect(others).toEqual([]);
    expect(problem!.code).toBe('bad-option');
    expect(problem!.message).toContain(named);
    if (expected !== undefined) expect(problem!.expected).toContain(expected);
  });

  it.each([
    ['--heap-size 63', 'at least 64'],
    ['--reserve 7660', 'at least 64'],
  ])('%s: too little for a heap', async (flags, expected) => {
    const [problem, ...others] = await refusal(['run', SCENARIO, ...flags.split(' ')]);
    expect(others).toEqual([]);
    expect(problem!.code).toBe('contradiction');
    expect(problem!.expected).toContain(expected);
  });

  it.each([
    ['--heap heap_40', '"heap_40"', 'heap_4'],
    ['--heap-option protector=true', '"protector"', undefined], // heap_4's, and this is heap_2
    ['--heap-option __proto__=3', '"__proto__"', undefined],
    ['--heap-option constructor=true', '"constructor"', undefined],
    ['--target stm32f103', '"stm32f103"', 'stm32f103c8'],
    ['--target toaster', '"toaster"', undefined],
  ])('%s', async (flags, named, nearest) => {
    const [problem, ...others] = await refusal(['run', SCENARIO, ...flags.split(' ')]);
    expect(others).toEqual([]);
    expect(problem!.code).toBe('unknown-name');
    expect(problem!.message).toContain(named);
    expect(problem!.nearest).toBe(nearest);
    expect(problem!.expected).toBeDefined();
  });

  it('once, whatever the number of scenarios', async () => {
    const many = [SCENARIO, join(SCENARIOS, 'too-small.yaml'), join(SCENARIOS, 'showcase.yaml')];
    for (const [flag, value] of ['--heap heap_40', '--ram 0', '--seed -1', '--target toaster'].map((flags) =>
      flags.split(' '),
    )) {
      const problems = await refusal(['run', ...many, flag!, value!]);
      expect(problems).toHaveLength(1);
      expect(problems[0]!.message).toContain(value);
    }
  });

  it('--target with a file that is missing, or no profile', async () => {
    const [missing, ...others] = await refusal(['run', SCENARIO, '--target', './missing.yaml']);
    expect(others).toEqual([]);
    expect(missing).toMatchObject({ place: './missing.yaml', code: 'unreadable-file' });
    const problems = await refusal(['run', SCENARIO, '--target', SCENARIO]);
    expect(problems.length).toBeGreaterThan(5);
    expect(problems.filter(({ place }) => !place.startsWith(`${SCENARIO}:`))).toEqual([]);
  });

  it.each([
    [['run'], 'scenario'],
    [['run', SCENARIO, '--rma', '4KiB'], '--ram'],
  ])('%j', async (args, named) => {
    expect(await usageError(args)).toContain(named);
  });
});

describe.concurrent('run cannot write', () => {
  const plain = scratch.write('plain', 'a file');

  it.each([
    ['a folder', [scratch.folder], 'it is a directory'],
    ['what is below a file', [join(plain, 'result.json')], 'a file is in the way'],
    ['a full device', ['/dev/full'], 'there is no room left'],
    ['a folder that is a file', [plain, join(SCENARIOS, 'showcase.yaml')], 'a file is in the way'],
  ])('%s', async (_what, [out, ...more], reason) => {
    const { code, stderr } = await heaplab(['run', SCENARIO, ...more, '--out', out!]);
    expect(code).toBe(2);
    expect(stderr).toContain('error[bad-option]: --out');
    expect(stderr.replaceAll(/\n */g, '')).toContain(out!);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(`: ${reason} `);
  });
});
