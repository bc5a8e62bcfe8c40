/** Interrupts take time from whom they interrupt, and have a row of their own where they do. */

import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { RunResultSchema } from '../../src/inspect/result.js';
import { parseScenario } from '../../src/scenario/load.js';
import { type Ran, ran, type Variation } from '../scenario/running.js';

/** 100 ms at 72 MHz; `body` begins in line 5. */
function runText(body: string, variation: Variation = {}): Ran['result'] {
  const text = `name: x\ntarget: stm32f103c8\nheap: heap_4\nduration: 100 ms\n${body}`;
  const { result } = ran(parseScenario(text, 'test.yaml', { heapNames: ['heap_4'] }), variation);
  expect(v.is(RunResultSchema, result)).toBe(true);
  return result;
}

const MILLISECOND = 72_000;
const SLEEPER = 'tasks: { sleeper: { priority: 1, loop: true, script: [{ delay: 10 ms }] } }';

function rows({ tasks }: Ran['result']) {
  return Object.fromEntries(tasks.map(({ name, kind, runCycles }) => [`${kind} ${name}`, runCycles]));
}

describe('the time of an interrupt', () => {
  it('is its own and not that of the task it interrupts', () => {
    const interrupts = 'interrupts: { uart: { period: 10 ms, count: 5, script: [{ compute: 1 ms }] } }';
    expect(rows(runText(`${interrupts}\n${SLEEPER}`))).toEqual({
      'interrupt uart': 5 * MILLISECOND,
      'task IDLE': 95 * MILLISECOND,
      'task sleeper': 0,
    });
    const busy = 'tasks: { busy: { priority: 1, loop: true, script: [{ compute: 1 s }] } }';
    expect(rows(runText(`${interrupts}\n${busy}`))).toEqual({
      'interrupt uart': 5 * MILLISECOND,
      'task IDLE': 0,
      'task busy': 95 * MILLISECOND,
    });
  });

  it('is no row where there is none', () => {
    const result = runText(`interrupts: { tick: { period: 10 ms, script: [{ log: x }] } }\n${SLEEPER}`);
    expect(result.tasks.map(({ kind }) => kind)).not.toContain('interrupt');
  });

  it('is counted up to the fault that ends it', () => {
    const script = '[{ compute: 1 ms }, { alloc: { name: mine, size: 8 } }]';
    const result = runText(`interrupts: { uart: { period: 10 ms, script: ${script} } }\n${SLEEPER}`);
    expect(result.outcome).toBe('fault');
    expect(rows(result)).toMatchObject({ 'interrupt uart': MILLISECOND, 'task IDLE': 10 * MILLISECOND });
  });

  it('is apart from that of a task with the same name', () => {
    const result = runText(
      `interrupts: { uart: { period: 10 ms, count: 2, script: [{ compute: 1 ms }] } }
tasks: { uart: { priority: 1, script: [{ compute: 30 ms }] } }`,
    );
    expect(rows(result)).toMatchObject({
      'interrupt uart': 2 * MILLISECOND,
      'task uart': 30 * MILLISECOND,
    });
  });
});

describe('a fault', () => {
  it.each<[what: string, body: string, fault: object]>([
    [
      'in an interrupt',
      `interrupts: { uart: { period: 10 ms, script: [{ alloc: { name: b, size: 8 } }] } }\n${SLEEPER}`,
      { context: 'interrupt', task: 'uart', at: { line: 5 } },
    ],
    [
      'in an interrupt with the name of a task that runs',
      `interrupts: { a: { period: 10 ms, script: [{ alloc: { name: b, size: 8 } }] } }
tasks: { a: { priority: 1, loop: true, script: [{ compute: 1 s }] } }`,
      { context: 'interrupt', task: 'a', at: { line: 5 } },
    ],
    [
      'in an endless loop of an interrupt',
      `interrupts: { uart: { period: 10 ms, script: [{ repeat: { times: forever, steps: [] } }] } }\n${SLEEPER}`,
      {
        context: 'interrupt',
        task: 'uart',
        kind: 'endless-loop',
        reason: 'uart loops for ever: no time passes in its script',
      },
    ],
    [
      'in a task',
      'tasks: { a: { priority: 1, script: [resume all] } }',
      { context: 'task', task: 'a', at: { line: 5 } },
    ],
  ])('%s', (_what, body, fault) => {
    const result = runText(body);
    expect(result).toMatchObject({ outcome: 'fault', fault });
    expect(result.fault!.at?.line).toBe(
      (fault as { at?: { line: number } }).at?.line ?? result.fault!.at?.line,
    );
  });
});

it('a fault before the scheduler runs is in no task, although one exists', () => {
  const result = runText('tasks: { a: { priority: 1, stack: 64, script: [] } }', { heapBytes: 512 });
  expect(result.allocations).toBe(2);
  expect(result.fault).toMatchObject({ context: 'main', task: '-', kind: 'assertion' });
});

describe('a block that all tasks share', () => {
  it.each<[sender: string, body: string]>([
    [
      'an interrupt',
      `interrupts: { uart: { period: 10 ms, count: 1, script: [{ send: { queue: q, block: shared } }] } }
tasks: { holder: { priority: 2, script: [{ alloc: { name: shared, size: 100 } }, { delay: 50 ms }] } }`,
    ],
    [
      'another task',
      `tasks:
  holder: { priority: 2, script: [{ alloc: { name: shared, size: 100 } }, { delay: 50 ms }] }
  sender: { priority: 1, script: [{ send: { queue: q, block: shared } }, { delay: 50 ms }] }`,
    ],
  ])('leaves its holder when %s sends it', (_sender, body) => {
    const result = runText(`globals: [shared]\nqueues: { q: { length: 1 } }\n${body}`);
    const live = Object.fromEntries(result.tasks.map(({ name, liveBytes }) => [name, liveBytes]));
    expect(live['queue:q']).toBe(100 + 72 + 4);
    for (const bytes of Object.values(live)) expect(bytes).toBeGreaterThanOrEqual(0);
    expect(live.holder).toBe(0);
  });
});
