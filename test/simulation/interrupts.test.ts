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

describe('an interrupt that receives', () => {
  /** At 10 ms and every 10 ms from then on; `queues` and tasks as given. */
  const receiving = (script: string, tasks: string, variation: Variation = {}) => {
    const text = `name: x
target: stm32f103c8
heap: heap_4
duration: 35 ms
queues: { q: { length: 1 } }
interrupts: { uart: { period: 10 ms, script: ${script} } }
tasks: ${tasks}`;
    const { result, schedule } = ran(parseScenario(text, 'test.yaml', { heapNames: ['heap_4'] }), variation);
    return { result, lines: schedule.filter((line) => !/ (malloc|end|in IDLE|free IDLE)/.test(line)) };
  };

  it('never waits', () => {
    const sender =
      '{ a: { priority: 1, script: [{ delay: 15 ms }, { send: { queue: q, value: 7 } }, { delay: 1 s }] } }';
    const { lines } = receiving('[{ receive: { queue: q } }, { log: on }]', sender);
    expect(lines).toEqual([
      '0 in a',
      '10 receiveFailed uart q',
      '10 mark uart on',
      '15 in a',
      '15 sent a q 7',
      '20 received uart q 7',
      '20 mark uart on',
      '30 receiveFailed uart q',
      '30 mark uart on',
    ]);
  });

  it('wakes who waits to send, and only one above the task that runs takes its place', () => {
    const tasks = (priority: number) => `
  sender: { priority: ${priority}, script: [{ send: { queue: q, value: 1 } }, { send: { queue: q, value: 2 } }, { log: sent }] }
  worker: { priority: 2, script: [{ delay: 1 ms }, { compute: 12 ms }, { log: worked }] }`;
    const { lines: higher } = receiving('[{ receive: { queue: q } }]', tasks(3));
    expect(higher.slice(higher.indexOf('10 received uart q 1'), -1)).toEqual([
      '10 received uart q 1',
      '10 in sender',
      '10 sent sender q 2',
      '10 mark sender sent',
      '10 in worker',
      '13 mark worker worked',
      '20 received uart q 2',
    ]);
    const { lines: lower } = receiving('[{ receive: { queue: q } }]', tasks(1));
    expect(lower.slice(lower.indexOf('10 received uart q 1'), -1)).toEqual([
      '10 received uart q 1',
      '13 mark worker worked',
      '13 in sender',
      '13 sent sender q 2',
      '13 mark sender sent',
      '20 received uart q 2',
    ]);
  });

  it('wakes whom it wakes while the scheduler is suspended when it is resumed', () => {
    const { lines } = receiving(
      '[{ receive: { queue: q } }]',
      `
  sender: { priority: 3, script: [{ send: { queue: q, value: 1 } }, { send: { queue: q, value: 2 } }] }
  holder: { priority: 2, script: [suspend all, { compute: 12 ms }, { log: held }, resume all, { log: on }] }`,
    );
    expect(lines.slice(lines.indexOf('0 in holder'), -2)).toEqual([
      '0 in holder',
      '0 received uart q 1',
      '0 mark holder held',
      '12 in sender',
      '12 sent sender q 2',
      '12 in holder',
      '12 mark holder on',
    ]);
  });

  it('holds the block, beside a task of the same name', () => {
    const sender = `
  uart: { priority: 1, script: [{ alloc: { name: b, size: 100 } }, { send: { queue: q, block: b } }, { delay: 1 s }] }`;
    const { result } = receiving('[{ receive: { queue: q, name: got } }]', sender);
    const live = Object.fromEntries(
      result.tasks.map(({ name, kind, liveBytes }) => [`${kind} ${name}`, liveBytes]),
    );
    expect(live).toMatchObject({ 'interrupt uart': 100, 'queue queue:q': 72 + 4 });
    const own = receiving('[{ receive: { queue: q } }]', sender.replace('send', 'log: x }, { send'));
    expect(live['task uart']).toBe(
      Object.fromEntries(own.result.tasks.map((row) => [row.kind, row.liveBytes])).task,
    );
  });

  it.each(['mempool', 'mimalloc'])('frees what a task has sent, on %s', (heap) => {
    const text = (script: string) => `name: x
target: stm32f103c8
heap: ${heap}
duration: 100 ms
queues: { used: { length: 8 } }
interrupts: { dma: { period: 7 ms, script: ${script} } }
tasks:
  giver:
    priority: 1
    loop: true
    script:
      - alloc: { name: buffer, size: 256 B }
      - fill: buffer
      - send: { queue: used, block: buffer }
      - delay: 3 ms`;
    const twice =
      '[{ repeat: { times: 3, steps: [{ receive: { queue: used, name: got } }, { free: got }] } }]';
    const { result, schedule } = ran(parseScenario(text(twice), 'test.yaml', { heapNames: [heap] }));
    expect(result).toMatchObject({ outcome: 'finished', outOfMemoryCount: 0 });
    const received = schedule.filter((line) => / received dma /.test(line)).length;
    expect(received).toBeGreaterThan(25);
    expect(schedule.filter((line) => / free dma buffer/.test(line))).toHaveLength(received);
    expect(result.tasks.find(({ kind }) => kind === 'interrupt')).toMatchObject({
      frees: received,
      liveBytes: 0,
    });
  });
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
