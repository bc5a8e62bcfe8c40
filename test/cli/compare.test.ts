import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/studies/compare.js';
import type { SizeResult } from '../../src/studies/size.js';
import { heaplab, SCENARIOS, VECTORS } from './run.js';

const TRACE = join(VECTORS, 'traces/gen-uniform-4-s1.trace.gz');
const SCENARIO = join(SCENARIOS, 'heap2-worst-case.yaml');
const TWO = ['--heaps', 'heap_2,heap_4'];

describe('heaplab compare', () => {
  it('ranks the heaps for a scenario and says why the first one won', async () => {
    const { code, stdout } = await heaplab(['compare', SCENARIO, ...TWO, '--no-size']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/heap_4 [\s\S]*heap_2 [\s\S]*heap_4 wins: with it alone no request failed/);
  });

  it('takes several workloads and several chips', async () => {
    const args = [SCENARIO, TRACE, ...TWO, '--targets', 'stm32f103c8,nrf52832', '--no-size', '--json'];
    const { code, stdout } = await heaplab(['compare', ...args]);
    expect(code).toBe(0);
    const comparisons = JSON.parse(stdout) as Comparison[];
    expect(comparisons.map(({ kind, target }) => [kind, target])).toEqual([
      ['scenario', 'STM32F103C8'],
      ['scenario', 'nRF52832'],
      ['trace', 'STM32F103C8'],
      ['trace', 'nRF52832'],
    ]);
  });

  it('agrees with "run" and with "size"', async () => {
    const { stdout } = await heaplab(['compare', SCENARIO, '--heaps', 'heap_4', '--json']);
    const [comparison] = JSON.parse(stdout) as Comparison[];
    const [contender] = comparison!.contenders;
    const run = JSON.parse((await heaplab(['run', SCENARIO, '--heap', 'heap_4', '--json'])).stdout);
    expect(contender).toMatchObject({
      outOfMemoryCount: run.outOfMemoryCount,
      longestSuspensionCycles: run.suspension.longest,
    });
    const size = JSON.parse((await heaplab(['size', SCENARIO, '--heaps', 'heap_4', '--json'])).stdout);
    expect(contender!.smallestArenaBytes).toBe(size.sizes[0].arenaBytes);
  });

  it('finds the arenas that "size" finds where larger ones may fail', async () => {
    const args = [join(SCENARIOS, 'showcase.yaml'), '--heaps', 'worst_fit,rmalloc,next_fit', '--json'];
    const [comparison] = JSON.parse((await heaplab(['compare', ...args])).stdout) as [Comparison];
    const { sizes } = JSON.parse((await heaplab(['size', ...args])).stdout);
    const found = comparison.contenders.map(({ heap, smallestArenaBytes }) => [heap, smallestArenaBytes]);
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(sizes.map(({ heap, arenaBytes }: SizeResult) => [heap, arenaBytes])),
    );
  });

  it('writes Markdown', async () => {
    const { stdout } = await heaplab([
      'compare',
      TRACE,
      ...TWO,
      '--no-size',
      '--markdown',
      '--heap-size',
      '4KiB',
    ]);
    expect(stdout).toMatch(
      /^## gen-uniform-4-s1 on STM32F103C8 at 72 MHz, 4,096 B for the heap\n\n\| heap \|/,
    );
  });

  it('says of a firmware that writes behind its blocks what that hits, and who notices', async () => {
    const args = ['compare', join(SCENARIOS, 'overflow.yaml'), '--heaps', 'heap_4,buddy', '--no-size'];
    const [text, json, markdown, other] = await Promise.all([
      heaplab(args),
      heaplab([...args, '--json']),
      heaplab([...args, '--markdown']),
      heaplab(['compare', SCENARIO, ...TWO, '--no-size', '--json']),
    ]);
    expect([text!.code, json!.code, markdown!.code]).toEqual([0, 0, 0]);
    expect(text!.stdout).toMatch(/Written behind a block[\s\S]*heap_4, protector +block's next +canary/);
    const [{ overflows }] = JSON.parse(json!.stdout) as [Comparison];
    expect(overflows!.trials.map(({ heap, options }) => [heap, options])).toEqual([
      ['heap_4', { asserts: false }],
      ['heap_4', {}],
      ['heap_4', { protector: true }],
      ['buddy', {}],
    ]);
    expect(markdown!.stdout).toMatch(/### Written behind a block[\s\S]*\| buddy \| own rounding \|/);
    expect(JSON.parse(other!.stdout)[0]).not.toHaveProperty('overflows');
  });

  it('takes a heap or chip that is named twice once', async () => {
    const args = ['--heaps', 'heap_4,heap_2,heap_4', '--targets', 'nrf52832,nrf52832', '--no-size', '--json'];
    const comparisons = JSON.parse((await heaplab(['compare', TRACE, ...args])).stdout) as Comparison[];
    expect(comparisons).toHaveLength(1);
    expect(comparisons[0]!.contenders.map(({ heap }) => heap).sort()).toEqual(['heap_2', 'heap_4']);
  });

  it.each([
    ['a seed for a trace', [TRACE, '--seed', '3'], 'nothing in a trace is random'],
    ['a seed that is none', [SCENARIO, '--seed', '-1'], 'a whole number from 0'],
    ['an option that none has', [TRACE, '--heap-option', 'protect=on'], 'did you mean "protector"'],
    ['an option without a value', [TRACE, '--heap-option', 'asserts'], 'has no value'],
    ['an option that is neither', [TRACE, '--heap-option', 'asserts=maybe'], 'true or false'],
    ['an unknown heap', [SCENARIO, '--heaps', 'heap_9'], 'there is no heap "heap_9"'],
    ['an unknown chip', [SCENARIO, '--targets', 'stm32f103c9'], 'stm32f103c8'],
    ['a missing file', ['missing.yaml'], 'there is no such file'],
    ['two formats', [SCENARIO, '--json', '--markdown'], 'exclude each other'],
  ])('refuses %s', async (_what, args, message) => {
    const { code, stderr } = await heaplab(['compare', ...args]);
    expect(code).toBe(2);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(message);
  });
});
