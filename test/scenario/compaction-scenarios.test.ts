/** The shipped scenarios about moving blocks show what their head comments say. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../src/heaps/catalog.js';
import type { RunResult } from '../../src/inspect/result.js';
import { parseScenario } from '../../src/scenario/load.js';
import { ran, type Variation } from './running.js';

const heapNames = catalog.map(({ name }) => name);

/** A scenario as it is, or with its text or heap changed. */
function outcome(
  name: string,
  change: (text: string) => string = (text) => text,
  { heap, ...variation }: Variation & { heap?: string } = {},
): RunResult {
  const file = fileURLToPath(new URL(`../../scenarios/${name}.yaml`, import.meta.url));
  const scenario = parseScenario(change(readFileSync(file, 'utf8')), file, { heapNames });
  const other = heap === undefined ? scenario : { ...scenario, heap: { name: heap, options: {} } };
  return ran(other, { cost: 'auto', ...variation }).result;
}

const sameText = (text: string) => text;
const onHeap = (name: string, heap: string, variation: Variation = {}) =>
  outcome(name, sameText, { heap, ...variation });

describe('bitmap', () => {
  it('passes by compaction', () => {
    const { passed, compactions, suspension, target } = outcome('bitmap');
    expect({ passed, count: compactions.count }).toEqual({ passed: true, count: 154 });
    expect(suspension.longest / target.clockHertz).toBeCloseTo(249e-6, 6);
    expect(compactions.events.every(({ trigger }) => trigger === 'failure')).toBe(true);
  });

  it.each([
    ['heap_4', 63],
    ['heap_2', 413],
    ['rmalloc_2008', 2714],
  ])('fails on %s %i times', (heap, count) => {
    expect(onHeap('bitmap', heap).outOfMemoryCount).toBe(count);
  });

  it('needs 24 KiB on heap_4', () => {
    const failures = (kib: number) => onHeap('bitmap', 'heap_4', { ramBytes: kib * 1024 }).outOfMemoryCount;
    expect([failures(23), failures(24)]).toEqual([1, 0]);
  });
});

describe('only-compaction', () => {
  it('passes where blocks move, with two compactions a round', () => {
    const { passed, compactions } = outcome('only-compaction');
    expect({ passed, count: compactions.count }).toEqual({ passed: true, count: 2 * 88 });
    expect(compactions.events.map(({ blocksMoved }) => blocksMoved)).toContain(13);
  });

  it.each([
    ['heap_2', 88],
    ['heap_2_coalescing', 88],
    ['heap_4', 88],
    ['rmalloc_2008', 1669],
  ])('fails on %s %i times', (heap, count) => {
    expect(onHeap('only-compaction', heap).outOfMemoryCount).toBe(count);
  });

  it('fails if nobody compacts', () => {
    const heapOptions = { compactOnFailure: false };
    expect(outcome('only-compaction', sameText, { heapOptions }).outOfMemoryCount).toBe(88);
  });
});

describe('locks-defeat-compaction', () => {
  it('fails for what is locked, and names it', () => {
    const { passed, outOfMemory, outOfMemoryCount } = outcome('locks-defeat-compaction');
    expect({ passed, outOfMemoryCount }).toEqual({ passed: true, outOfMemoryCount: 30 });
    for (const { cause, pins, freeBytes, needed } of outOfMemory) {
      expect(cause).toBe('pinned');
      expect(freeBytes).toBeGreaterThan(needed);
      expect(pins!.filter(({ label }) => label === 'socket').length).toBeGreaterThan(0);
    }
  });

  it('fails never without the locks', () => {
    const unlocked = outcome('locks-defeat-compaction', (text) => text.replace(/- lock: socket/g, '- yield'));
    expect(unlocked.outOfMemoryCount).toBe(0);
  });

  it('is worse off than heap_4, and than with more RAM', () => {
    expect(onHeap('locks-defeat-compaction', 'heap_4').outOfMemoryCount).toBe(15);
    const more = outcome('locks-defeat-compaction', sameText, { ramBytes: 24 * 1024 });
    expect(more.outOfMemoryCount).toBe(8);
  });
});

describe('deferred-compaction', () => {
  const answered = (answer: string) =>
    outcome('deferred-compaction', (text) => text.replace(/on fullness:\n {2}hook:\n.*\n/, answer));

  it('compacts in its own task alone', () => {
    const { passed, compactions } = outcome('deferred-compaction');
    expect(passed).toBe(true);
    expect(compactions.count).toBe(142);
    for (const { task, trigger } of compactions.events) expect([task, trigger]).toEqual(['tidy', 'call']);
  });

  it.each([
    ['on fullness: compact\n', 142, 'lower'],
    ['on fullness: defer\n', 102, 'higher'],
    ['', 86, 'failure'],
  ])('with %j misses %i deadlines', (answer, missed, trigger) => {
    const { missedDeadlines, compactions } = answered(answer);
    expect(missedDeadlines).toBe(missed);
    for (const event of compactions.events) expect([event.task, event.trigger]).toEqual(['sampler', trigger]);
  });
});

describe('incremental-compaction', () => {
  it('keeps its deadline with a budget', () => {
    const { passed, compactions, suspension, target } = outcome('incremental-compaction');
    expect(passed).toBe(true);
    expect(compactions.events.filter(({ finished }) => !finished).length).toBeGreaterThan(50);
    expect(suspension.longest / target.clockHertz).toBeCloseTo(154e-6, 6);
  });

  it('misses it where compaction is made at once', () => {
    const fully = outcome('incremental-compaction', (text) =>
      text.replace('compact: { budget: 150 us }', 'compact: fully'),
    );
    expect(fully).toMatchObject({ passed: false, missedDeadlines: 882 });
    expect(fully.suspension.longest / fully.target.clockHertz).toBeGreaterThan(2e-3);
    const never = outcome('incremental-compaction', (text) => text.replace(/idle hook:\n.*\n/, ''));
    expect(never).toMatchObject({ missedDeadlines: 56, compactions: { count: 30 } });
  });
});

describe('buddy-compaction', () => {
  it('passes, moving less than two pages in a minute', () => {
    const { passed, compactions, target } = outcome('buddy-compaction');
    expect(passed).toBe(true);
    expect(compactions).toMatchObject({ count: 10, bytesMoved: 7680, blocksMoved: 20 });
    expect(compactions.longestCycles / target.clockHertz).toBeCloseTo(98e-6, 6);
    for (const { trigger, finished, largestHoleBefore, largestHoleAfter } of compactions.events) {
      expect([trigger, finished, largestHoleBefore, largestHoleAfter]).toEqual(['failure', true, 2048, 4096]);
    }
  });

  it.each([
    ['buddy', 35],
    ['best_fit', 3],
    ['rmalloc', 0],
  ])('fails on %s %i times', (heap, count) => {
    const { outOfMemory, outOfMemoryCount } = onHeap('buddy-compaction', heap);
    expect(outOfMemoryCount).toBe(count);
    for (const { freeBytes } of outOfMemory) expect(freeBytes).toBeGreaterThan(4096);
  });

  it('fails if nobody compacts, and compacts least with a small table', () => {
    const given = (heapOptions: Record<string, boolean | number>) =>
      outcome('buddy-compaction', sameText, { heapOptions });
    expect(given({ compactOnFailure: false }).outOfMemoryCount).toBe(45);
    expect(given({ minimumBlock: 64 })).toMatchObject({ passed: true, compactions: { count: 1 } });
  });
});
