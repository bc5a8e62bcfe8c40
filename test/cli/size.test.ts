import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { groupDigits } from '../../src/input/index.js';
import { heaplab, SCENARIOS, VECTORS } from './run.js';

const TRACE = join(VECTORS, 'traces/gen-uniform-4-s1.trace.gz');

async function sizes(...args: string[]) {
  const { code, stdout } = await heaplab(['size', ...args, '--json']);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe('heaplab size', () => {
  it('ranks the heaps by the RAM that a trace takes', async () => {
    const { code, stdout } = await heaplab(['size', TRACE, '--heaps', 'heap_2,heap_4', '--scan', '4']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/heap_4 .* mark, \d+ runs[\s\S]*heap_2 .* search, \d+ runs/);
  });

  it('finds a size in which "replay" serves everything, and a step below which it does not', async () => {
    const { sizes: found } = await sizes(TRACE, '--heaps', 'heap_4', '--alignment', '16');
    const { arenaBytes } = found[0];
    const failures = async (bytes: number) => {
      const args = [
        'replay',
        TRACE,
        '--heap',
        'heap_4',
        '--heap-size',
        String(bytes),
        '--alignment',
        '16',
        '--json',
      ];
      return JSON.parse((await heaplab(args)).stdout).failures;
    };
    expect(await failures(arenaBytes)).toBe(0);
    expect(await failures(arenaBytes - 16)).toBeGreaterThan(0);
  });

  it('finds a size with which "run" is clean, and a step below which it is not', async () => {
    const scenario = join(SCENARIOS, 'showcase.yaml');
    const { sizes: found } = await sizes(scenario, '--heaps', 'heap_4');
    const { arenaBytes } = found[0];
    const failures = async (bytes: number) => {
      const args = ['run', scenario, '--heap', 'heap_4', '--heap-size', String(bytes), '--json'];
      return JSON.parse((await heaplab(args)).stdout).outOfMemoryCount;
    };
    expect(await failures(arenaBytes)).toBe(0);
    expect(await failures(arenaBytes - 8)).toBeGreaterThan(0);
  });

  it('replays in one size and says what room was left', async () => {
    const { code, stdout } = await heaplab(['size', TRACE, '--at', '4KiB', '--points', '3']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/in an arena of 4,096 B/);
    expect(stdout).toMatch(/heap_4 .*%/);
  });

  it('passes an option to the heaps that have it', async () => {
    const args = ['--heaps', 'heap_2,heap_4', '--heap-option', 'protector=true', '--scan', '0'];
    const { sizes: found } = await sizes(TRACE, ...args);
    expect(found.map((size: { staticBytes: number }) => size.staticBytes)).toEqual([24, 32]);
  });

  it.each([
    ['an unknown heap', ['--heaps', 'heap_4,heap_5x'], 'there is no heap "heap_5x"'],
    ['an option that no heap has', ['--heap-option', 'protectr=true'], 'has an option "protectr"'],
    ['a size too small to work in', ['--at', '16'], 'cannot work in 16 B'],
    ['too many sizes', ['--scan', '100000'], '--scan 100000 is not possible'],
    ['what belongs to scenarios', ['--target', 'rp2040'], '--target is for scenarios'],
  ])('refuses %s', async (_what, args, message) => {
    const { code, stderr } = await heaplab(['size', TRACE, ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('refuses what belongs to traces for a scenario', async () => {
    for (const flag of [['--locks'], ['--at', '4KiB']]) {
      const { code, stderr } = await heaplab(['size', join(SCENARIOS, 'showcase.yaml'), ...flag]);
      expect(code).toBe(2);
      expect(stderr).toContain('is for traces');
    }
  });

  it('names the line of a request that no arena can serve', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'heaplab-')), 'huge.trace');
    writeFileSync(file, '# first\na 0 10\na 1 4294967295\n');
    const { code, stdout } = await heaplab(['size', file, '--heaps', 'heap_4,tlsf']);
    expect(code).toBe(0);
    const text = stdout.replaceAll(/\s+/g, ' ');
    expect(text).toContain('No arena would do for heap_4, tlsf: even in an arena of 67,108,864 B');
    expect(text).toContain(`the request of 4,294,967,295 B at operation 1 (${file}:3).`);
  });

  it('says of a fault that it is one, and who met it where', async () => {
    const scenario = join(SCENARIOS, 'freed-by-others.yaml');
    const { stdout } = await heaplab(['size', scenario, '--heaps', 'heap_4,tlsf,mimalloc', '--scan', '0']);
    const text = stdout.replaceAll(/\s+/g, ' ');
    expect(text).toMatch(/heap_4 fault – .* tlsf fault – /);
    expect(text).toContain(
      'No arena would do for heap_4, tlsf: it is a fault, not a lack of RAM. Illegal call at tick 0 in ' +
        `interrupt dma (${scenario}:33): free called from interrupt dma.`,
    );
    const ran = JSON.parse((await heaplab(['run', scenario, '--json'])).stdout);
    expect(text).toContain(`${groupDigits(ran.peakRequested)} B asked for and live at once`);
  });

  it('says of a replay that ends by a fault where it does', async () => {
    const args = [TRACE, '--at', '4KiB', '--heaps', 'heap_1', '--heap-option', 'asserts=true'];
    const { code, stdout } = await heaplab(['size', ...args]);
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /heap_1 [^:]* fault .*heap_1: failed assertion at operation \d+ \(.*:\d+\)/,
    );
  });

  it('names the lines that are no operations', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'heaplab-')), 'bad.trace');
    writeFileSync(file, 'a 0 10\nb 1\n');
    const { code, stderr } = await heaplab(['size', file]);
    expect(code).toBe(2);
    expect(stderr).toContain('bad.trace:2');
  });
});
