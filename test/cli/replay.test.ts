/** `heaplab replay` where it works: answers, regions, sizes, summaries. */

import { describe, expect, it } from 'vitest';
import { findHeap } from '../../src/heaps/catalog.js';
import { recordedAnswers, regionsFor, vectorsOf } from '../vectors.js';
import { heaplab, Scratch, VECTORS } from './run.js';

const scratch = new Scratch();
const HEAPS = ['heap_1', 'heap_2', 'heap_2_coalescing', 'heap_4', 'heap_5'];
const UNIFORM = `${VECTORS}/traces/gen-uniform-4-s1.trace.gz`;
const EVERY_KIND = scratch.write(
  'every-kind.trace',
  [
    '# every kind of operation',
    'a 1 10',
    'l 1',
    'u 1',
    'l 2',
    'f 2',
    '',
    'a 3 4294967295',
    'a 4 0',
    'r 1 40',
    'c 5 65536 65536',
    'r 1 0',
    'f 1',
    'c 6 3 8',
  ].join('\n'),
);

it('replay says one where there is one', async () => {
  const { stdout } = await heaplab(['replay', scratch.write('one.trace', 'a 1 8\n')]);
  expect(stdout).toMatch(/^ {2}live +1 block, 8 B requested/m);
  expect(stdout).toMatch(/^ {2}free +.* in 1 hole, the largest/m);
});

async function operations(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await heaplab(['replay', ...args, '--ops']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

describe.concurrent('replay --ops answers as the C heap did', () => {
  const traces = /^gen-(edge-4-s1\.16|realloc-4-s1\.4|uniform-20-s1\.8|(edge|realloc)-4-s1\.8)\./;
  const cases = HEAPS.flatMap((heap) => vectorsOf(heap).map((vector) => ({ heap, ...vector }))).filter(
    ({ file }) => traces.test(file),
  );

  it('has cases', () => expect(cases.length).toBe(19));

  it.each(cases)('$heap $file', async (vector) => {
    const { heap, trace, heapKib, alignment } = vector;
    const bytes = heapKib * 1024 + (heap === 'heap_2_coalescing' ? alignment : 0);
    const regions = regionsFor(findHeap(heap)!, bytes);
    const lines = await operations(
      `${VECTORS}/traces/${trace}.trace.gz`,
      ...['--heap', heap, '--alignment', String(alignment)],
      ...regions.flatMap((region) => ['--region', `0x${region.origin.toString(16)}:${region.bytes}`]),
    );
    expect(lines).toEqual(recordedAnswers(heap, vector, 3));
  });
});

describe.concurrent('replay --region', () => {
  it.each([
    ['0:4096', 'at address 0'],
    ['8:4KiB', 'right behind NULL, in decimal'],
    ['0xFFFFF000:4096', 'up to the last address'],
  ])('%s, %s: offsets are the same everywhere', async (region) => {
    const recorded = recordedAnswers('heap_4', vectorOf('heap_4', 'gen-uniform-4-s1.8.out.gz'), 3);
    expect(await operations(UNIFORM, '--heap', 'heap_4', '--region', region)).toEqual(recorded);
  });

  it('takes a region that is too small for a block, beside others, as heap_5 does', async () => {
    const trace = scratch.write('hang.trace', 'a 1 8\na 2 8\nf 1\na 3 800\na 4 32\n');
    const regions = ['--region', '0x20000000:64', '--region', '0x20000100:8'];
    const { code, stdout, stderr } = await heaplab([
      'replay',
      trace,
      '--heap',
      'heap_5',
      ...regions,
      '--ops',
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '0 8 40\n1 24 24\n2 8 40\n3 -1 40\n' });
    expect(stderr).toMatch(/hang\.trace:5: operation 4: endless loop/);
  });

  it('ends with a fault where heap_5 writes a marker outside RAM', async () => {
    const regions = ['--region', '0x20000000:4KiB', '--region', '0x30000000:4'];
    const { code, stderr } = await heaplab(['replay', EVERY_KIND, '--heap', 'heap_5', ...regions]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^before the first operation: unmapped at 0x2ffffffc/);
  });

  it('rounds an unaligned origin up, and offsets count from there', async () => {
    const lines = await operations(EVERY_KIND, '--region', '0x20000004:1028', '--alignment', '32');
    expect(lines[0]).toMatch(/^0 32 /);
  });
});

function vectorOf(heap: string, file: string) {
  return vectorsOf(heap).find((vector) => vector.file === file)!;
}

describe.concurrent('replay on a heap that never frees', () => {
  const trace = scratch.write('freeing.trace', 'a 1 8\nf 1\na 2 8\n');

  it('goes on', async () => {
    expect(await operations(trace, '--heap', 'heap_1')).toEqual(['0 0 20464', '1 0 20464', '2 8 20456']);
  });

  it('ends at the first free where asserts are asked for', async () => {
    const asserts = ['--heap', 'heap_1', '--heap-option', 'asserts=true'];
    const { code, stderr } = await heaplab(['replay', trace, ...asserts]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/freeing\.trace:2: operation 1: failed assertion/);
  });
});

describe.concurrent('replay with odd sizes', () => {
  it.each([
    ['heap_5', '4097', 4088],
    // The end marker and its alignment are the heap's; all else is free at the end.
    ['heap_4', '4097', 4088],
    ['heap_4', '63', 48],
    ['heap_4', '100', 88],
    ['heap_4', '1.5KiB', 1528],
  ])('%s, %s bytes', async (heap, size, free) => {
    const trace = scratch.write(`free-${size}.trace`, 'a 1 8\nf 1\n');
    const lines = await operations(trace, '--heap', heap, '--heap-size', size);
    expect(lines[1]).toBe(`1 8 ${free}`);
  });

  it.each(HEAPS)('%s never hands out what lies beyond 4097 bytes', async (heap) => {
    const size = 4097;
    const trace = scratch.write(`bytes-${heap}.trace`, bytesTrace(size));
    const taken = await operations(trace, '--heap', heap, '--heap-size', String(size), '--alignment', '4');
    const offsets = taken.map((line) => Number(line.split(' ')[1])).filter((offset) => offset >= 0);
    expect(offsets.length).toBeGreaterThan(1);
    expect(Math.max(...offsets) + 4).toBeLessThanOrEqual(size);
  });
});

function bytesTrace(count: number): string {
  return Array.from({ length: count }, (_, id) => `a ${id} 4`).join('\n');
}

describe.concurrent('replay --alignment', () => {
  it.each(['4', '32'])('%s: every payload is a multiple', async (alignment) => {
    const trace = scratch.write(`aligned-${alignment}.trace`, 'a 1 1\na 2 13\na 3 33\na 4 100\n');
    const lines = await operations(trace, '--alignment', alignment);
    for (const line of lines) expect(Number(line.split(' ')[1]) % Number(alignment)).toBe(0);
  });
});

describe.concurrent('replay of every kind of operation', () => {
  it.each([
    ['heap_2', 8],
    ['heap_2_coalescing', 16],
    ['heap_4', 8],
    ['heap_5', 8],
  ])('%s', async (heap, first) => {
    const lines = await operations(EVERY_KIND, '--heap', heap);
    const [, freeBefore] = /^0 \d+ (\d+)$/.exec(lines[0]!)!;
    const free = Number(freeBefore);
    expect(lines.slice(0, 7)).toEqual([
      `0 ${first} ${free}`,
      `1 ${first} ${free}`, // lock and unlock of what cannot move
      `2 ${first} ${free}`,
      '3 -', // lock of nothing
      '4 -', // free(NULL)
      `5 -1 ${free}`, // 2^32 - 1 bytes
      `6 -1 ${free}`, // 0 bytes
    ]);
    expect(lines[7]).toMatch(/^7 \d+ \d+$/);
    expect(lines[8]).toMatch(/^8 -1 /); // 2^32 bytes, which a 32-bit product would make 0
    expect(lines[9]).toMatch(/^9 -1 /); // realloc to 0 frees
    expect(lines[10]).toBe('10 -');
    expect(lines[11]).toMatch(/^11 [1-9]\d* \d+$/);
    expect(lines).toHaveLength(12);
  });

  it('sums up as JSON', async () => {
    const { code, stdout } = await heaplab(['replay', EVERY_KIND, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      operations: 12,
      allocations: 3,
      failures: 2,
      frees: 2,
      idle: 3,
      peakLiveBytes: 40,
      liveBytes: 24,
      liveBlocks: 1,
      freeBytes: 20_440,
      heapStats: { freeBytes: 20_440, holes: 1, minimumEverFreeBytes: 20_400, allocations: 3, frees: 2 },
    });
  });

  it.each(['heap_1', 'heap_2', 'heap_2_coalescing', 'heap_3'])(
    'has the figures of vPortGetHeapStats on %s, marked as no part of the real one',
    async (heap) => {
      const { stdout: json } = await heaplab(['replay', EVERY_KIND, '--heap', heap, '--json']);
      const { heapStats, allocations } = JSON.parse(json);
      expect(heapStats).toMatchObject({ allocations, extension: true });
      expect(heapStats.minimumEverFreeBytes).toBeLessThan(20 * 1024);
      const { stdout } = await heaplab(['replay', EVERY_KIND, '--heap', heap]);
      const text = stdout.replaceAll(/\s+/g, ' ');
      expect(text).toContain(`${allocations} successful mallocs`);
      expect(text).toContain(`(an extension: the real ${heap} has no vPortGetHeapStats)`);
    },
  );

  it('tells what of its pages a heap has given back, if time passes', async () => {
    const flags = ['--heap', 'mimalloc', '--heap-option', 'reset=madv_free', '--heap-option', 'resetDelay=2'];
    const trace = scratch.write('reset.trace', `${'a 0 600\nf 0\n'.repeat(3)}a 1 8\na 2 16\na 3 24\n`);
    const [timed, timeless] = await Promise.all([
      heaplab(['replay', trace, ...flags, '--op-time', '1ms']),
      heaplab(['replay', trace, ...flags, '--json']),
    ]);
    expect(timed!.stdout.replace(/\s+/g, ' ')).toMatch(
      /page memory [\d,]+ B are committed, 256 B wait for their reset, 512 B have been/,
    );
    expect(JSON.parse(timeless.stdout)).toMatchObject({
      pageMemory: { pendingBytes: 768, resetBytes: 0, mostResetBytes: 0 },
    });
  });

  it('sums up in words', async () => {
    const { code, stdout, stderr } = await heaplab(['replay', EVERY_KIND, '--heap-size', '4097']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^heap_4 with 4,097 B, alignment 8\n/);
    for (const figure of [
      'operations    12',
      'allocations   3',
      'failures      2',
      'live          1 ',
      'heap stats    4,056 B available in 1 free block (largest 4,056 B',
    ])
      expect(stdout).toContain(figure);
  });
});

describe.concurrent('a calloc that overflows', () => {
  const trace = scratch.write(
    'overflows.trace',
    'c 1 65536 65537\nc 2 65536 65536\nc 3 4294967295 4294967295\nc 4 0 8\nc 5 8 0\nc 6 4 16',
  );

  // heap_4 is laid out by the first request that it hears of, which is that for 0 bytes.
  it.each([
    ['heap_1', ['-1 4088', '-1 4088', '-1 4088', '-1 4088', '-1 4088', '0 4024']],
    ['heap_2', ['-1 4088', '-1 4088', '-1 4088', '-1 4088', '-1 4088', '8 4016']],
    ['heap_2_coalescing', ['-1 4088', '-1 4088', '-1 4088', '-1 4088', '-1 4088', '16 4008']],
    // newlib has a block for 0 bytes.
    ['heap_3', ['-1 4096', '-1 4096', '-1 4096', '8 4084', '16 4072', '32 4000']],
    ['heap_4', ['-1 0', '-1 0', '-1 0', '-1 4088', '-1 4088', '8 4016']],
    ['heap_5', ['-1 4088', '-1 4088', '-1 4088', '-1 4088', '-1 4088', '8 4016']],
  ])('gets nothing from %s, which hears nothing of it', async (heap, answers) => {
    const lines = await operations(trace, '--heap', heap, '--heap-size', '4096');
    expect(lines).toEqual(answers.map((answer, index) => `${index} ${answer}`));
  });
});

describe.concurrent('replay reads', () => {
  it('a byte order mark, CRLF, blanks, tabs, comments and the highest id', async () => {
    const text = '\ufeff# first\r\n\r\n  a   4294967295\t10  \r\n\t# second\nf 4294967295';
    expect(await operations(scratch.write('reads.trace', text))).toEqual(['0 8 20448', '1 8 20472']);
  });

  it('an empty file, and has nothing to say with --ops', async () => {
    const trace = scratch.write('empty.trace', '');
    expect(await heaplab(['replay', trace, '--ops'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect((await heaplab(['replay', trace])).stdout).toContain('operations    0');
  });

  it('heap options, the last of a name counts', async () => {
    const lines = await operations(
      EVERY_KIND,
      ...['--heap-option', 'protector=off', '--heap-option', 'protector=true', '--heap-option'],
      'clearOnFree=true',
    );
    expect(lines).toEqual(await operations(EVERY_KIND));
  });
});

describe.concurrent('replay of nothing', () => {
  const empty = scratch.write('empty.trace', '# nothing\n');

  it.each(HEAPS)('leaves all of %s free', async (heap) => {
    const { code, stdout } = await heaplab(['replay', empty, '--heap', heap]);
    expect(code).toBe(0);
    const [, free, largest] = /free +([\d,]+ B) in 1 hole, the largest ([\d,]+ B)$/m.exec(stdout)!;
    expect(free).toBe(largest);
    // heap_1 never reaches the last bytes.
    expect(free).toBe(heap === 'heap_1' ? '20,464 B' : '20,472 B');
  });
});
