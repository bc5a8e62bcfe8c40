/** `heaplab run` where it works: the scenarios that come with it, its flags, its outputs. */

import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/inspect/result.js';
import { heaplab, oneTask, SCENARIOS, Scratch, scenarioText, TARGETS } from './run.js';

const scratch = new Scratch();
const files = readdirSync(SCENARIOS).sort();
const SHOWCASE = join(SCENARIOS, 'showcase.yaml');
/** The quickest one, without random numbers; `expect` makes it fail where no request does. */
const WORST_CASE = join(SCENARIOS, 'heap2-worst-case.yaml');

async function runJson(file: string, ...flags: string[]): Promise<RunResult> {
  const { stdout, stderr } = await heaplab(['run', file, ...flags, '--json']);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as RunResult;
}

describe.concurrent('run', () => {
  it.each(files)('%s does what it says', async (file) => {
    const { code, stdout, stderr } = await heaplab(['run', join(SCENARIOS, file)]);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^✓ passed: /m);
  });

  it('gives the same bytes whatever the terminal', async () => {
    const environments: Record<string, string>[] = [
      { COLUMNS: '60', NO_COLOR: '1' },
      { COLUMNS: '200', FORCE_COLOR: '3', TZ: 'Asia/Tokyo' },
    ];
    const args = ['run', SHOWCASE, '--json'];
    const [first, second] = await Promise.all(environments.map((env) => heaplab(args, { env })));
    expect(first).toEqual(second);
    expect((JSON.parse(first!.stdout) as RunResult).seed).toBe(1);
  });

  it('takes --seed instead of the seed in the file', async () => {
    const random = join(SCENARIOS, 'buffer-pool.yaml');
    const [one, two] = await Promise.all(['1', '2'].map((seed) => runJson(random, '--seed', seed)));
    expect([one!.seed, two!.seed]).toEqual([1, 2]);
    expect(two!.tasks).not.toEqual(one!.tasks);
  });

  it('tells what of its pages a heap has given back, where it does', async () => {
    const options = ['--heap', 'mimalloc', '--heap-option', 'reset=madv_free'];
    const [shown, given, kept] = await Promise.all([
      heaplab(['run', SHOWCASE, ...options]),
      runJson(SHOWCASE, ...options),
      runJson(SHOWCASE, '--heap', 'mimalloc'),
    ]);
    expect(shown!.stdout.replace(/\s+/g, ' ')).toContain(
      'page memory 10,240 B are committed, 0 B wait for their reset, 4,608 B have been reset and could be without ' +
        'power (6,400 B at most)',
    );
    const memory = { committedBytes: 10_240, pendingBytes: 0, resetBytes: 4608, mostResetBytes: 6400 };
    expect(given.pageMemory).toEqual(memory);
    expect(given.outOfMemory[0]!.pageMemory!.pendingBytes).toBeGreaterThan(0);
    expect(kept).not.toHaveProperty('pageMemory');
  });

  it('exits with 1 where the scenario expects otherwise', async () => {
    const { code, stdout, stderr } = await heaplab(['run', WORST_CASE, '--heap', 'heap_4']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^✗ failed: /m);
  });

  it('finds a target from where the scenario is', async () => {
    const own = scratch.write('own.yaml', 'extends: stm32f103c8\nname: Own board\n');
    const text = scenarioText('tasks:\n  a: { priority: 1, script: [ { delay: 1 ms } ] }\n');
    const file = scratch.write('beside.yaml', text.replace('generic-32', './own.yaml'));
    const [named, told] = await Promise.all([runJson(file), runJson(WORST_CASE, '--target', own)]);
    expect([named.target.name, told.target.name]).toEqual(['Own board', 'Own board']);
  });
});

describe.concurrent('run with another device', () => {
  it.each<[string, (result: RunResult) => unknown, unknown]>([
    ['--target rp2040', ({ target }) => target.name, 'RP2040'],
    [`--target ${join(TARGETS, 'lpc1768.yaml')}`, ({ target }) => target.id, 'lpc1768'],
    ['--heap heap_4 --heap-option protector=on', ({ heap }) => heap.options.protector, true],
    ['--ram 64MiB', ({ target }) => target.regions[0]!.bytes, 2 ** 26],
    ['--ram 512MiB', ({ target }) => target.regions[0]!.bytes, 2 ** 29],
    ['--ram 1024MiB', ({ allocations, live }) => [allocations > 0, live.blocks > 0], [true, true]],
    ['--heap-size 4097', ({ heap }) => heap.regions[0]!.bytes, 4097],
    [
      '--ram 16KiB --reserve 4KiB --heap-size 8KiB',
      ({ heap, target }) => [target.regions[0]!.bytes, target.staticDataBytes, heap.regions[0]!.bytes],
      [16_384, 4096, 8192],
    ],
    ['--reserve 0', ({ target }) => target.staticDataBytes, 0],
    ['--duration 250ms', ({ target, cycle }) => Math.floor((cycle * 1000) / target.clockHertz), 250],
    ['--duration 77ticks', ({ tick }) => tick, 77],
    ['--duration 40operations', ({ operations }) => operations, 40],
    ['--cost none', ({ malloc, suspension }) => [malloc.cycles.maximum, suspension.longest], [0, 0]],
    ['--cost estimate', ({ cost }) => cost.estimated, true],
    ['--cost gcc12-O2', ({ cost }) => cost.source.includes('-O2'), true],
    ['--keep-events 3 --ram 4KiB', ({ outOfMemory }) => outOfMemory.map((event) => event.number), [1, 2, 3]],
  ])('%s', async (flags, part, expected) => {
    expect(part(await runJson(WORST_CASE, ...flags.split(' ')))).toEqual(expected);
  });

  it('puts payloads at multiples of --alignment', async () => {
    const { outOfMemory } = await runJson(WORST_CASE, '--alignment', '16');
    const payloads = outOfMemory[0]!.map.flatMap(({ payload }) => (payload === undefined ? [] : [payload]));
    expect(payloads.length).toBeGreaterThan(0);
    expect(payloads.filter((payload) => payload % 16 !== 0)).toEqual([]);
  });
});

describe.concurrent('run prints', () => {
  it('the schedule, an event a line, and nothing else', async () => {
    const { code, stdout, stderr } = await heaplab(['run', SHOWCASE, '--schedule']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    const event =
      /^\d+ (in|end) \S+$|^\d+ (mark|sent|sendFailed|received|receiveFailed|free|malloc) \S+ \S.*$/;
    expect(lines.filter((line) => !event.test(line))).toEqual([]);
    expect(lines.at(-1)).toBe('40000 end -');
    const ticks = lines.map((line) => Number.parseInt(line, 10));
    expect(ticks).toEqual(ticks.toSorted((a, b) => a - b));
  });

  it('events as they happen with --verbose', async () => {
    const file = scratch.write('verbose.yaml', oneTask('log: hello', 'alloc: { name: x, size: 1 MiB }'));
    const { code, stdout } = await heaplab(['run', file, '--verbose']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\[0 s\] power on: heap_4 with .*$/m);
    expect(stdout).toMatch(/^\[.*\] worker: hello$/m);
    expect(stdout).toMatch(/^\[.*\] out of memory: worker asked for 1 MiB \(.*verbose\.yaml:10\)$/m);
    expect(stdout).toMatch(/^\[.*\] worker ended$/m);
  });

  it('with --check what it prints without', async () => {
    const [checked, unchecked] = await Promise.all(
      [['--check'], []].map((flags) => heaplab(['run', WORST_CASE, ...flags])),
    );
    expect(checked).toEqual(unchecked);
  });

  it('with --inspect what inspect prints, and writes with --out what --json prints', async () => {
    const out = scratch.path('folder/that/was/not/there.json');
    const [{ stdout: text }, { stdout: json }] = await Promise.all([
      heaplab(['run', WORST_CASE, '--inspect', '--out', out]),
      heaplab(['run', WORST_CASE, '--json']),
    ]);
    expect(readFileSync(out, 'utf8')).toBe(json);
    const { code, stdout: report } = await heaplab(['inspect', out]);
    expect(code).toBe(0);
    expect(text.endsWith(report)).toBe(true);
  });
});

describe.concurrent('run with several scenarios', () => {
  const [first, second] = [WORST_CASE, join(SCENARIOS, 'too-small.yaml')];

  it('writes a file for each into the folder --out, and prints a list with --json', async () => {
    const out = scratch.path('results');
    const { code, stdout } = await heaplab(['run', first, second, '--out', out, '--json']);
    expect(code).toBe(0);
    const results = JSON.parse(stdout) as RunResult[];
    expect(results.map(({ scenario }) => scenario.file)).toEqual([first, second]);
    expect(readdirSync(out).sort()).toEqual(['heap2-worst-case.json', 'too-small.json']);
    const written = ['heap2-worst-case.json', 'too-small.json'].map((name) =>
      JSON.parse(readFileSync(join(out, name), 'utf8')),
    );
    expect(written).toEqual(results);
  });

  it('lasts as long as --duration says, all of them', async () => {
    const { stdout } = await heaplab(['run', first, second, '--json', '--duration', '30 ticks']);
    expect((JSON.parse(stdout) as RunResult[]).map(({ tick }) => tick)).toEqual([30, 30]);
  });

  it('fails when one of them does', async () => {
    const { code, stdout } = await heaplab(['run', second, first, '--heap', 'heap_4']);
    expect(code).toBe(1);
    expect(stdout.match(/^[✓✗] (passed|failed)/gm)).toEqual(['✓ passed', '✗ failed']);
  });
});

it('makes a run of another length again as it was', async () => {
  const text = oneTask(
    'repeat: { times: forever, steps: [ { alloc: { name: x, size: 500 } }, { delay: 1 ms } ] }',
  );
  const file = scratch.write('growing.yaml', text);
  const out = scratch.path('growing.json');
  // It lasts 100 ms and fails after 12.
  await heaplab(['run', file, '--duration', '20 ticks', '--out', out]);
  const { code, stdout } = await heaplab(['inspect', out, '--json']);
  expect(code).toBe(0);
  const { remedies } = JSON.parse(stdout) as { remedies: { what: string; outOfMemoryCount: number }[] };
  const { outOfMemoryCount } = JSON.parse(readFileSync(out, 'utf8')) as RunResult;
  expect(outOfMemoryCount).toBeGreaterThan(0);
  // A run of the scenario's own length would fail five times as often.
  const alike = remedies.filter(({ what }) => what === 'heap_2' || what === 'heap_2_coalescing');
  expect(alike.map((remedy) => remedy.outOfMemoryCount)).toEqual([outOfMemoryCount, outOfMemoryCount]);
});

it('says what is free where nothing was ever requested', async () => {
  const static_ = scratch.write(
    'objects.yaml',
    'extends: generic-32\nkernel: { objects from heap: false }\n',
  );
  const text = oneTask('delay: 1 ms', 'alloc: { name: x, size: 1 MiB }');
  for (const heap of ['heap_2', 'heap_4']) {
    const file = scratch.write(`idle-${heap}.yaml`, text.replace('heap_4', heap));
    const result = await runJson(file, '--target', static_);
    expect(result.allocations).toBe(0);
    expect(result.minimumEverFreeBytes).toBe(result.freeBytes);
  }
});

it('runs a scenario whose path has blanks, and says how to inspect it', async () => {
  cpSync(WORST_CASE, scratch.path('my scenario.yaml'));
  const around = { cwd: scratch.folder };
  const { code, stdout } = await heaplab(['run', 'my scenario.yaml', '--out', 'my result.json'], around);
  expect(code).toBe(0);
  expect(stdout).toContain("heaplab inspect 'my result.json' --oom 1");
});
