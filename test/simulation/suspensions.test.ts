/** What is told about suspensions of the scheduler, also of those that nobody ends. */

import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/load.js';
import { type Ran, ran } from '../scenario/running.js';

const MILLISECOND = 72_000;

/** 100 ms at 72 MHz without cost. `holder` is the one that suspends. */
function suspensionsOf(body: string): Ran['result'] {
  const text = `name: x\ntarget: stm32f103c8\nheap: heap_4\nduration: 100 ms\n${body}`;
  return ran(parseScenario(text, 'test.yaml', { heapNames: ['heap_4'] })).result;
}

function heldUp(result: Ran['result'], name: string): [cycles: number, longest: number, by: string] {
  const task = result.tasks.find((candidate) => candidate.name === name)!;
  return [task.heldUpCycles, task.longestHeldUpCycles, task.longestHeldUpBy];
}

const HOLDER = `holder: { priority: 1, script: [{ delay: 10 ms }, suspend all, { compute: 1 s }] }`;

describe('a suspension that is open', () => {
  it('when the run ends counts up to there', () => {
    const result = suspensionsOf(`tasks: { ${HOLDER} }`);
    expect(result.outcome).toBe('finished');
    expect(result.suspension).toMatchObject({ longest: 90 * MILLISECOND, total: 90 * MILLISECOND });
    expect(result.longestSuspensionBy).toBe('holder');
  });

  it('holds up who wakes in it', () => {
    const result = suspensionsOf(
      `tasks: { ${HOLDER}, high: { priority: 2, script: [{ delay: 30 ms }] }, low: { priority: 0, script: [{ delay: 30 ms }] } }`,
    );
    expect(heldUp(result, 'high')).toEqual([70 * MILLISECOND, 70 * MILLISECOND, 'holder']);
    expect(heldUp(result, 'low')).toEqual([0, 0, '']);
  });

  it('holds up whom an interrupt wakes in it, once', () => {
    const result = suspensionsOf(`queues: { q: { length: 1 } }
interrupts: { uart: { first: 40 ms, period: 1 s, script: [{ send: { queue: q, value: 1 } }] } }
tasks: { ${HOLDER}, high: { priority: 2, script: [{ receive: { queue: q, timeout: 60 ms } }] } }`);
    expect(heldUp(result, 'high')).toEqual([60 * MILLISECOND, 60 * MILLISECOND, 'holder']);
  });

  it('when a fault ends the run counts too', () => {
    const result = suspensionsOf(
      'tasks: { holder: { priority: 1, script: [suspend all, { compute: 7 ms }, { delay: 1 ms }] } }',
    );
    expect(result.outcome).toBe('fault');
    expect(result.suspension.longest).toBe(7 * MILLISECOND);
  });

  it('when the firmware resets the chip counts each time', () => {
    const result = suspensionsOf(`on oom: reset
tasks: { holder: { priority: 1, script: [suspend all, { compute: 19 ms }, { alloc: { name: b, size: 1 MiB } }] } }`);
    expect(result.resets).toBe(5);
    expect(result.suspension).toMatchObject({ longest: 19 * MILLISECOND, total: 5 * 19 * MILLISECOND });
  });

  it('makes an expectation fail', () => {
    const result = suspensionsOf(`tasks: { ${HOLDER} }\nexpect: { longest suspension: 50 ms }`);
    expect(result.passed).toBe(false);
  });
});

it('a suspension that ends is told once', () => {
  const result = suspensionsOf(
    'tasks: { holder: { priority: 1, script: [suspend all, { compute: 5 ms }, resume all] } }',
  );
  expect(result.suspension).toMatchObject({ longest: 5 * MILLISECOND, total: 5 * MILLISECOND });
});
