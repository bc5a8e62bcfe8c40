/** What mimalloc's scenarios say in their heads, and what its heap shows of itself in a run. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../src/heaps/catalog.js';
import { blockTable, oomReport } from '../../src/report/oom-report.js';
import { parseScenario } from '../../src/scenario/load.js';
import { paint } from '../report/fixture.js';
import { type Ran, ran, type Variation } from './running.js';

const heapNames = catalog.map(({ name }) => name);

function outcome(
  name: string,
  change: (text: string) => string = (text) => text,
  variation: Variation = {},
): Ran['result'] {
  const file = new URL(`../../scenarios/${name}.yaml`, import.meta.url);
  const text = change(readFileSync(file, 'utf8'));
  return ran(parseScenario(text, `${name}.yaml`, { heapNames }), { cost: 'auto', ...variation }).result;
}

const microseconds = ({ suspension, target }: Ran['result']) =>
  (1e6 * suspension.longest) / target.clockHertz;

describe('deferred-free', () => {
  const replaced = (step: string) => (text: string) =>
    text.replace(/- defer free:.*/, step).replace('longest suspension: 60 us', '');

  it('keeps its deadlines, and its suspensions short', () => {
    const result = outcome('deferred-free');
    expect(result).toMatchObject({ passed: true, missedDeadlines: 0, peakRequested: 8844 });
    expect(microseconds(result)).toBeCloseTo(50.6, 0);
  });

  it('misses them when all is freed in one go', () => {
    const result = outcome('deferred-free', replaced('- free: { name: route, which: all }'));
    expect(result).toMatchObject({ passed: false, missedDeadlines: 68 });
    expect(microseconds(result)).toBeCloseTo(804, 0);
  });

  it.each([
    [4, 45.2, 9355],
    [200, 798, 8844],
  ])('with %i blocks at each heartbeat', (count, longest, peak) => {
    const step = `- defer free: { name: route, per heartbeat: ${count} }`;
    const result = outcome('deferred-free', replaced(step));
    expect(Math.abs(microseconds(result) - longest)).toBeLessThan(1);
    expect(result.peakRequested).toBe(peak);
  });
});

describe('freed-by-others', () => {
  it('loses nothing, on a heap for each task and on one for all', () => {
    for (const heaps of ['task', 'shared']) {
      const result = outcome('freed-by-others', undefined, { heapOptions: { heaps } });
      expect(result).toMatchObject({
        passed: true,
        outcome: 'finished',
        peakRequested: 2292,
        outOfMemoryCount: 0,
      });
      expect(result.tasks.find(({ kind }) => kind === 'interrupt')!.runCycles).toBeGreaterThan(0);
    }
  });

  it('is a fault on heaps into which an interrupt must not free', () => {
    const result = outcome('freed-by-others', undefined, { heap: 'heap_4', heapOptions: {} });
    expect(result).toMatchObject({ outcome: 'fault', fault: { kind: 'illegal-call', context: 'interrupt' } });
  });
});

describe('a run', () => {
  function runText(tasks: string, options = ''): Ran['result'] {
    const heap = `heap: { name: mimalloc, options: { ${options} } }`;
    const text = `name: x\ntarget: stm32f103c8\n${heap}\nduration: 1 s\ntasks:\n${tasks}`;
    return ran(parseScenario(text, 'x.yaml', { heapNames }), { heapBytes: 8192 }).result;
  }

  it('tells whose pages are whose, and which class had nothing', () => {
    const result = runText(
      `  early:
    priority: 3
    stack: 256
    script:
      - repeat: { times: 60, steps: [{ alloc: { name: kept, size: 24 } }] }
      - repeat: { times: 58, steps: [{ free: kept }] }
      - delay: 1 s
  hungry:
    priority: 2
    stack: 256
    script:
      - repeat: { times: 40, steps: [{ alloc: { name: big, size: 200 } }] }
      - alloc: { name: small, size: 100 }
      - delay: 1 s`,
      'largerClass: false',
    );
    const event = result.outOfMemory.at(-1)!;
    expect(event).toMatchObject({ label: 'small', cause: 'class-empty', task: 'hungry' });
    expect(event.classes!.find(({ asked }) => asked)).toMatchObject({ objectBytes: 112, pages: 0 });
    expect(new Set(event.pageOwners!.map(({ owner }) => owner))).toEqual(new Set(['early', 'shared']));
    const report = oomReport(result, event, paint(100));
    expect(report).toMatch(/Pages by task\n[\s\S]* early +1 +2 +48 B +192 B/);
    expect(blockTable(event, paint(140))).toMatch(/early +kept +24 .* early/);
  });

  it("gives a deleted task's pages to all, when idle has time", () => {
    const result = runText(
      `  short: { priority: 2, stack: 256, script: [{ alloc: { name: left, size: 24 } }, { delay: 10 ms }] }
  late:
    priority: 1
    stack: 256
    script: [{ delay: 100 ms }, { alloc: { name: huge, size: 1 MiB } }, { delay: 1 s }]`,
    );
    const event = result.outOfMemory[0]!;
    const left = event.map.find(({ label }) => label === 'left')!;
    expect(event.pageOwners!.find(({ page }) => page === left.page)).toMatchObject({ owner: 'shared' });
  });
});
