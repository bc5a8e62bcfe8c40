/** Scenarios that state how they end, and what becomes of the verdict. */

import { Chalk } from 'chalk';
import { describe, expect, it } from 'vitest';
import { runSummary } from '../../src/report/run-summary.js';
import { parseScenario } from '../../src/scenario/load.js';
import { ran } from '../scenario/running.js';

const FINISHES = 'tasks: { a: { priority: 1, script: [{ delay: 1 ms }] } }';
const FAULTS = 'tasks: { a: { priority: 1, script: [resume all] } }';
const REQUEST =
  'tasks: { a: { priority: 1, loop: true, script: [{ delay: 9 ms }, { alloc: { name: b, size: 1 MiB } }] } }';
const HALTS = `on oom: halt\n${REQUEST}`;
const RESETS = `on oom: reset\n${REQUEST}`;

function verdict(body: string, expectations: string): { passed: boolean; last: string; results: object } {
  const text = `name: x\ntarget: stm32f103c8\nheap: heap_4\nduration: 100 ms\n${body}\n${expectations}`;
  const { result } = ran(parseScenario(text, 'test.yaml', { heapNames: ['heap_4'] }));
  const summary = runSummary(result, { width: 100, color: new Chalk({ level: 0 }) });
  return { passed: result.passed, last: summary.split('\n').at(-1)!, results: result.expectations };
}

describe('an expected outcome', () => {
  it.each<[body: string, outcome: string, actual: string]>([
    [FINISHES, 'finished', 'finished'],
    [HALTS, 'halted', 'halted'],
    [FAULTS, 'fault', 'fault'],
    [RESETS, 'finished', 'finished'],
    [FINISHES, 'fault', 'finished'],
    [FAULTS, 'finished', 'fault'],
    [FAULTS, 'corrupted', 'fault'],
    [HALTS, 'finished', 'halted'],
  ])('of %j as %s: was %s', (body, outcome, actual) => {
    const { passed, last, results } = verdict(body, `expect: { outcome: ${outcome} }`);
    const holds = outcome === actual;
    expect(results).toEqual([{ what: 'outcome', expected: outcome, actual, holds }]);
    expect(passed).toBe(holds);
    expect(last).toBe(
      holds ? '✓ passed: the expectation holds' : '✗ failed: 1 of 1 expectation not met (outcome)',
    );
  });

  it('is no other reason to fail', () => {
    const { passed, last } = verdict(FAULTS, 'expect: { outcome: fault, oom: at least 1 }');
    expect(passed).toBe(false);
    expect(last).toBe('✗ failed: 1 of 2 expectations not met (out-of-memory events)');
  });

  it('that is not stated lets a fault fail the run, and not a halt', () => {
    expect(verdict(FAULTS, '')).toMatchObject({
      passed: false,
      last: '✗ failed: a fault stopped the device',
    });
    expect(verdict(HALTS, '').passed).toBe(true);
  });
});

describe('expected resets', () => {
  it.each<[resets: string, expected: string, holds: boolean]>([
    ['none', 'none', false],
    ['exactly 10', 'exactly 10', true],
    ['at most 9', 'at most 9', false],
    ['at least 10', 'at least 10', true],
  ])('%s', (resets, expected, holds) => {
    const { passed, results } = verdict(RESETS, `expect: { resets: ${resets} }`);
    expect(results).toEqual([{ what: 'resets', expected, actual: '10', holds }]);
    expect(passed).toBe(holds);
  });
});
