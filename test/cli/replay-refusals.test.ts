/** `heaplab replay` with wrong flags and unreadable traces. */

import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { heaplab, refusal, Scratch, usageError } from './run.js';

const scratch = new Scratch();
const TRACE = scratch.write('good.trace', 'a 1 10\nf 1\n');

const REGION = '0x20000000:1024';

describe.concurrent('replay refuses a flag', () => {
  it.each([
    ['replay', '--cost', 'gcc12-os', 'gcc12-Os'],
    ['run', '--cost', 'estimat', 'estimate'],
    ['size', '--cost', 'nonne', 'none'],
    ['compare', '--cost', 'atuo', 'auto'],
  ])('as %s does: %s %s, with the nearest of its words', async (command, flag, value, nearest) => {
    const [problem, ...others] = await refusal([command, TRACE, flag, value]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'bad-option', nearest });
    expect(problem!.message).toContain(`${flag} ${value}`);
    expect(problem!.expected).toContain('gcc12-Os, gcc12-O2');
  });

  it.each([
    ['--region 0x20000000:1024 --region 0x30000000:1024', 'heap_4', 'one --region'],
    ['--region 0x20000000:1024 --region 0x20000200:1024', '0x20000200:1024', 'apart'],
    [
      '--region 0x20000200:1024 --region 0x20000000:1024',
      '0x20000200:1024 overlaps 0x20000000:1024',
      'apart',
    ],
    ['--region 0x20000200:1KiB --region 0x10000000:64 --region 0x20000000:1KiB', '0x20000200:1KiB', 'apart'],
    ['--ops --json', '--ops', 'one of them'],
    ['--region 0x20000002:1024', '0x20000002:1024', 'multiple of 4'],
    ['--region 0xfffffff0:64', '0xfffffff0:64', 'address:size'],
    ['--region 0x20000000:0', '--region', 'size'],
    [`--region ${REGION} --heap-size 1KiB`, '--heap-size', 'one of them'],
    ['--heap-size 10.5', '--heap-size 10.5', 'size'],
    ['--heap-size 2000MiB', '--heap-size 2000MiB', 'at most'],
    ['--heap-size 16', 'heap_4', 'at least'],
    ['--alignment 12', '--alignment 12', '4, 8, 16 or 32'],
    ['--op-time fast', '--op-time fast', '1ms'],
    ['--op-time 5cycles', '--op-time 5cycles', 'ticks'],
    ['--tick 100Hz', '--tick', '--op-time as well'],
    ['--op-time 1ms --tick never', '--tick never', 'frequency'],
    ['--heap-option asserts', '--heap-option asserts', 'name=value'],
    ['--heap-option asserts=7', 'asserts', 'true or false'],
    ['--heap rmalloc --heap-option lower=101', 'lower of rmalloc', 'a whole number from 1 to 100'],
    ['--heap buddy --heap-option minimumBlock=7', 'minimumBlock of buddy', 'one of 8, 16, 32'],
    ['--cost gcc12-Os --heap heap_2_coalescing', 'heap_2_coalescing', 'heap_2, heap_4, tlsf, o1heap'],
    ['--cost gcc12-Os --heap-option protector=true', 'protector true', 'by default'],
  ])('%s', async (flags, named, expected) => {
    const [problem, ...others] = await refusal(['replay', TRACE, ...flags.split(' ')]);
    expect(others).toEqual([]);
    expect(problem!.code).toBe('bad-option');
    expect(problem!.message).toContain(named);
    expect(problem!.expected).toMatch(new RegExp(expected));
  });

  it.each([
    ['--heap heap4', 'heap4', 'heap_4'],
    ['--heap-option assert=true', 'assert', 'asserts'],
    ['--heap-option clearonfree=true', 'clearonfree', 'clearOnFree'],
  ])('%s, and has a guess', async (flags, named, nearest) => {
    const [problem, ...others] = await refusal(['replay', TRACE, ...flags.split(' ')]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'unknown-name', nearest });
    expect(problem!.message).toContain(`"${named}"`);
    expect(problem!.expected).toContain(nearest);
  });

  it.each([
    [['replay'], 'trace'],
    [['replay', TRACE, '--regoin', REGION], '--region'],
  ])('%j', async (args, named) => {
    expect(await usageError(args)).toContain(named);
  });
});

it("guesses an option's word", async () => {
  const [problem] = await refusal(['replay', TRACE, '--heap', 'rmalloc', '--heap-option', 'init=gven']);
  expect(problem).toMatchObject({
    code: 'bad-option',
    expected: 'one of given, ram, heap',
    nearest: 'given',
  });
});

it('says why a heap cannot be what another rests on, and guesses nothing then', async () => {
  const asked = (inner: string) =>
    refusal(['replay', TRACE, '--heap', 'slab', '--heap-option', `inner=${inner}`]).then(
      ([problem]) => problem!,
    );
  const moving = await asked('rmalloc');
  expect(moving).toMatchObject({ code: 'bad-option', message: 'option inner of slab cannot be "rmalloc"' });
  expect(moving.expected).toMatch(/^one of buddy, .*, heap_3; not rmalloc: it moves blocks/);
  expect(moving.nearest).toBeUndefined();
  const slip = await asked('mempol');
  expect(slip.expected).toMatch(/^one of buddy, .*, heap_3$/);
  expect(slip.nearest).toBe('mempool');
});

it('asks which heap a slab heap rests on before it counts regions', async () => {
  const regions = ['--region', REGION, '--region', '0x30000000:1024'];
  const { code } = await heaplab([
    'replay',
    TRACE,
    '--heap',
    'slab',
    '--heap-option',
    'inner=heap_5',
    ...regions,
  ]);
  expect(code).toBe(0);
  const [problem] = await refusal(['replay', TRACE, '--heap', 'slab', ...regions]);
  expect(problem!.message).toBe('slab with these options manages one region, not 2');
});

describe.concurrent('replay refuses what is no trace', () => {
  it.each([
    ['a missing file', scratch.path('missing.trace'), 'there is no such file'],
    ['a folder', scratch.folder, 'it is a directory'],
    [
      'broken gzip',
      scratch.write('broken.trace.gz', Uint8Array.from([0x1f, 0x8b, 1, 2, 3])),
      'it is not what gzip makes',
    ],
    [
      'half a gzip file',
      scratch.write('half.trace.gz', gzipSync('a 1 10\nf 1\n'.repeat(500)).subarray(0, 40)),
      'it ends too early',
    ],
  ])('%s', async (_what, file, reason) => {
    const [problem, ...others] = await refusal(['replay', file]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ place: file, code: 'unreadable-file' });
    expect(problem!.expected).toContain('trace');
    expect(problem!.message).toBe(`cannot read the file: ${reason}`);
  });

  it('names every bad line', async () => {
    const lines = [
      'a 1 10', // 1
      'x 2',
      'a 1', // 3
      '  f -1',
      'a 1 4294967296', // 5
      'f 1',
      'a 1 0x10', // 7
      'r 1 1e3',
      'c 1 2', // 9
      'malloc 1 10',
      'a 1 10 # ten', // 11
      'a 1 1.5',
    ];
    const file = scratch.write('bad.trace', lines.join('\r\n'));
    const problems = await refusal(['replay', file]);
    expect(problems.map(({ place }) => place.slice(file.length + 1))).toEqual([
      '2:1',
      '3:1',
      '4:3',
      '5:1',
      '7:1',
      '8:1',
      '9:1',
      '10:1',
      '11:1',
      '12:1',
    ]);
    for (const problem of problems) {
      expect(problem.code).toBe('bad-trace-line');
      expect(problem.expected).toMatch(/<id>/);
      const line = Number(problem.place.split(':').at(-2));
      expect(problem.frame.find((shown) => shown.includes('>'))?.trim()).toBe(
        `> ${String(line).padStart(String(Math.min(line + 1, lines.length)).length)} | ${lines[line - 1]}`,
      );
    }
    expect(problems.map(({ message }) => message).join('\n')).toMatch(
      /"x 2".*\n.*"a".*\n.*"-1".*\n.*4294967296/,
    );
  });

  it('and counts those that it does not name', async () => {
    const file = scratch.write('many.trace', 'a 1 8\nnonsense\n'.repeat(1234));
    const { code, stderr } = await heaplab(['replay', file]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^1,234 problems, the first 20 shown$/m);
    expect(stderr.match(/error\[/g)).toHaveLength(20);
  });

  it('binary, without printing what moves the cursor', async () => {
    const noise = Uint8Array.from({ length: 600 }, (_, index) => (index * 167 + 13) & 0xff || 1);
    const problems = await refusal(['replay', scratch.write('noise.trace', noise)]);
    expect(problems.length).toBeGreaterThan(0);
    const [zeros] = await refusal(['replay', scratch.write('zeros.trace', new Uint8Array(100))]);
    expect(zeros).toMatchObject({ code: 'unreadable-file', message: 'cannot read the file: it is not text' });
    for (const { code, message, frame } of problems) {
      expect(code).toBe('bad-trace-line');
      expect(message).not.toMatch(/[\p{Cc}]/u);
      for (const line of frame) expect(line).not.toMatch(/[\p{Cc}]/u);
    }
  });
});
