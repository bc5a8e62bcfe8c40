/** Colours, widths and pipes, whatever is printed. */

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import stringWidth from 'string-width';
import { beforeAll, describe, expect, it } from 'vitest';
import { heaplab, MAIN, oneTask, SCENARIOS, Scratch, TARGETS, VECTORS } from './run.js';

const scratch = new Scratch();
/** A short run with everything in it: tables, a map, a trend, a failed request. */
const SCENARIO = join(SCENARIOS, 'heap2-worst-case.yaml');
const RESULT = scratch.path('result.json');
const BAD = scratch.write('bad.yaml', 'name: x\ntarget: toaster\nheap: heap_3\nduration: long\n');
const TRACE = join(VECTORS, 'traces/gen-sizelist-20-s1.trace.gz');

beforeAll(async () => {
  expect((await heaplab(['run', SCENARIO, '--out', RESULT])).code).toBe(0);
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what this is about
const ESCAPE = /\u001b/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what this is about
const COLOR = /\u001b\[[\d;]*m/g;

describe.concurrent('colours', () => {
  const commands: [name: string, args: string[]][] = [
    ['run', ['run', SCENARIO, '--inspect']],
    ['a mistake', ['check', BAD]],
  ];

  it.each(commands)('%s: FORCE_COLOR=1 has them, and changes nothing else', async (_name, args) => {
    const [colored, plain] = await Promise.all([heaplab(args, { env: { FORCE_COLOR: '1' } }), heaplab(args)]);
    expect(colored!.stdout + colored!.stderr).toMatch(COLOR);
    expect(plain!.stdout + plain!.stderr).not.toMatch(ESCAPE);
    expect({
      ...colored,
      stdout: colored!.stdout.replace(COLOR, ''),
      stderr: colored!.stderr.replace(COLOR, ''),
    }).toEqual(plain);
  });

  it.each<[name: string, args: string[], env: Record<string, string>]>([
    ['NO_COLOR', ['run', SCENARIO], { NO_COLOR: '1', FORCE_COLOR: '1' }],
    ['--no-color', ['--no-color', 'run', SCENARIO], { FORCE_COLOR: '1' }],
    ['--no-color behind the command', ['run', SCENARIO, '--no-color'], { FORCE_COLOR: '1' }],
    ['FORCE_COLOR=0', ['run', SCENARIO], { FORCE_COLOR: '0' }],
    ['--json', ['run', SCENARIO, '--json'], { FORCE_COLOR: '1' }],
    ['--ops', ['replay', TRACE, '--ops'], { FORCE_COLOR: '1' }],
  ])('%s: none', async (_name, args, env) => {
    const { stdout, stderr } = await heaplab(args, { env });
    expect(stdout + stderr).not.toMatch(ESCAPE);
  });
});

describe.concurrent('no line is longer than the terminal is wide', () => {
  const commands: [name: string, args: string[]][] = [
    ['run', ['run', SCENARIO]],
    ['inspect', ['inspect', RESULT, '--blocks']],
    ['a mistake', ['check', BAD]],
    ['a target', ['targets', 'stm32f407vg']],
    ['a heap', ['heaps', 'heap_4']],
    ['all targets', ['targets']],
    ['all heaps', ['heaps']],
    ['an unknown target', ['targets', 'stm32']],
    ['help', ['--help']],
    ['help without a command', []],
    ...['run', 'inspect', 'replay', 'targets', 'heaps', 'check'].map((name): [string, string[]] => [
      `help of ${name}`,
      [name, '--help'],
    ]),
  ];
  const cases = commands.flatMap(([name, args]) => [60, 140].map((width) => ({ name, args, width })));

  it.each(cases)('$name at $width', async ({ args, width }) => {
    const env = { COLUMNS: String(width), FORCE_COLOR: '1' };
    const { stdout, stderr } = await heaplab(args, { env });
    const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => stringWidth(line) > width);
    expect(lines).toEqual([]);
  });

  it.each(commands)('%s at 80 where there is no terminal', async (_name, args) => {
    const { stdout, stderr } = await heaplab(args);
    const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => stringWidth(line) > 80);
    expect(lines).toEqual([]);
  });

  it.each<[name: string, args: string[]]>([
    ['a mistake', ['check', BAD]],
    ['a replay', ['replay', TRACE]],
  ])('%s at 40', async (_name, args) => {
    const { stdout, stderr } = await heaplab(args, { env: { COLUMNS: '40' } });
    const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => stringWidth(line) > 40);
    expect(lines).toEqual([]);
  });

  it.each(['', 'wide', '-5', '0', '1', 'Infinity', '1e9'])(
    'COLUMNS=%j is no reason to fail',
    async (columns) => {
      const { code, stdout } = await heaplab(['inspect', RESULT], { env: { COLUMNS: columns } });
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Out of memory 1 of /);
    },
  );
});

describe.concurrent('a reader that goes away early', () => {
  it.each<[name: string, args: string[]]>([
    ['run', ['run', SCENARIO, '--inspect']],
    ['run --schedule', ['run', SCENARIO, '--schedule']],
    ['replay --ops', ['replay', TRACE, '--ops']],
  ])('does not make %s crash', async (_name, args) => {
    const { code, stderr } = await heaplab(args, { closeAfter: 1 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe.skipIf(!existsSync('/dev/full'))('a full disk under standard output', () => {
  it('is told, without a stack', () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [MAIN, 'heaps'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'cannot write to standard output: there is no room left\n',
    });
  });
});

describe.concurrent('standard error that nobody reads', () => {
  it.each<[name: string, args: string[], code: number]>([
    ['a mistake', ['check', BAD], 2],
    ['a flag that is none', ['run', '--nonsense'], 2],
    ['a scenario that expects otherwise', ['run', SCENARIO, '--heap', 'heap_4', '--json', '--verbose'], 1],
  ])('leaves the exit code of %s', async (_name, args, code) => {
    expect((await heaplab(args, { closeErrors: true })).code).toBe(code);
  });
});

describe.concurrent('control characters of a scenario', () => {
  const text = String.raw`"a\e[2Jb\nc\u009bd\u2028e"`;
  const file = scratch.write('log.yaml', oneTask(`log: ${text}`));

  it.each([['--verbose'], ['--schedule']])('are escaped by %s', async (flag) => {
    const { code, stdout } = await heaplab(['run', file, flag!]);
    expect(code).toBe(0);
    expect(stdout).toContain(String.raw`a\x1b[2Jb\nc\x9bd\u2028e`);
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028]/u);
  });
});

describe.concurrent('names with control characters', () => {
  const name = String.raw`"a\e[2J\u0007b"`;
  const scenario = scratch.write('name.yaml', oneTask('delay: 1 ms').replace('name: test', `name: ${name}`));
  const profile = scratch.write('name-of-target.yaml', `extends: rp2040\nname: ${name}\nvendor: ${name}\n`);
  const out = scratch.path('name.json');

  it('never reach the terminal', async () => {
    const ran = await heaplab(['run', scenario, '--out', out]);
    const others = await Promise.all(
      [
        ['check', scenario, profile],
        ['inspect', out],
        ['targets', profile],
      ].map((args) => heaplab(args)),
    );
    for (const { code, stdout } of [ran, ...others]) {
      expect(code).toBe(0);
      expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    }
  });
});

describe.concurrent('standard output', () => {
  it('is one JSON document, whatever is told beside it', async () => {
    const [plain, verbose] = await Promise.all(
      [[], ['--verbose']].map((flags) => heaplab(['run', SCENARIO, '--json', ...flags])),
    );
    expect(verbose!.stdout).toBe(plain!.stdout);
    expect(verbose!.stderr).toMatch(/^\[0 s\] power on: /);
  });

  it('is the schedule alone', async () => {
    const [plain, verbose] = await Promise.all(
      [[], ['--verbose']].map((flags) => heaplab(['run', SCENARIO, '--schedule', ...flags])),
    );
    expect(verbose!.stdout).toBe(plain!.stdout);
  });

  it('has results only, standard error errors only', async () => {
    const profile = join(TARGETS, 'rp2040.yaml');
    const { code, stdout, stderr } = await heaplab(['check', profile, BAD]);
    expect(code).toBe(2);
    expect(stdout).toBe(`${profile}: a target, RP2040\n`);
    expect(stderr).not.toContain('RP2040');
  });
});
