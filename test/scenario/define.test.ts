/** `defineScenario` as a function of the library. */

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { defineScenario, type TaskCalls } from '../../src/index.js';
import { problemsOf } from '../input/problems.js';

const small = { name: 'Small', target: 'stm32f103c8', heap: 'heap_4', duration: '1 s' } as const;

describe('defineScenario', () => {
  it('makes the same data as a file does', () => {
    function* script(task: TaskCalls) {
      yield* task.delay('1 ms');
    }
    const scenario = defineScenario({
      name: 'Whole',
      description: 'All of it',
      target: 'stm32f103c8',
      heap: { name: 'heap_2', options: { asserts: false } },
      duration: '5000 operations',
      seed: 7,
      onOom: { retry: { delay: '10 ms', times: 3 } },
      idleHook: script,
      queues: { samples: { length: 8, itemSize: '16 B' }, commands: { length: 2 } },
      interrupts: {
        uart: {
          first: '1.5 ms',
          period: { exponential: { mean: '3 ms' } },
          count: 100,
          script: function* () {},
        },
        timer: { period: '5 ticks', script: function* () {} },
      },
      tasks: {
        sampler: { priority: 3, stack: '512 B', period: '10 ms', deadline: '8 ms', script },
        logger: { priority: 1, loop: true, autostart: false, script },
      },
      expect: {
        outcome: 'fault',
        resets: 'none',
        oom: 'none',
        missedDeadlines: 'at most 3',
        minimumEverFree: '2 KiB',
        fragmentation: '60 %',
        longestSuspension: '100 us',
      },
    });
    expect(scenario).toMatchObject({
      source: '',
      name: 'Whole',
      description: 'All of it',
      heap: { name: 'heap_2', options: { asserts: false } },
      length: { kind: 'operations', count: 5000 },
      seed: 7,
      globals: [],
      onOom: { kind: 'retry', delay: { amount: 0.01, unit: 'seconds' }, times: 3 },
      idleHook: expect.any(Function),
      queues: [
        { name: 'samples', length: 8, itemBytes: 16 },
        { name: 'commands', length: 2, itemBytes: 4 },
      ],
      interrupts: [
        {
          name: 'uart',
          first: { kind: 'constant', value: { amount: 0.0015, unit: 'seconds' } },
          period: { kind: 'exponential', mean: { amount: 0.003, unit: 'seconds' }, limits: {} },
          count: 100,
          script: expect.any(Function),
        },
        { name: 'timer', first: { kind: 'constant', value: { amount: 5, unit: 'ticks' } } },
      ],
      tasks: [
        {
          name: 'sampler',
          priority: 3,
          stackBytes: 512,
          period: { amount: 0.01, unit: 'seconds' },
          deadline: { amount: 0.008, unit: 'seconds' },
          loop: false,
          autostart: true,
          script: expect.any(Function),
        },
        { name: 'logger', priority: 1, loop: true, autostart: false },
      ],
      expect: {
        outcome: 'fault',
        resets: { atMost: 0 },
        oom: { atMost: 0 },
        missedDeadlines: { atMost: 3 },
        minimumEverFreeBytes: 2048,
        fragmentation: 0.6,
        longestSuspension: { amount: 0.0001, unit: 'seconds' },
      },
    });
    expect(scenario.file).toBe(fileURLToPath(import.meta.url));
  });

  it('takes hooks for failed requests, and keys without a value', () => {
    const scenario = defineScenario({
      ...small,
      seed: undefined,
      onOom: { *hook() {} },
      tasks: { a: { priority: 1, period: undefined, *script() {} } },
    });
    expect(scenario).toMatchObject({ seed: 1, onOom: { kind: 'hook', script: expect.any(Function) } });
  });

  it('says what is wrong with a description, and where it is given', () => {
    const problems = problemsOf(() =>
      defineScenario({
        ...small,
        duration: '0 s',
        tasks: { IDLE: { priority: -1, deadline: '1 ms', *script() {} } },
      }),
    );
    const file = fileURLToPath(import.meta.url);
    expect(problems.map((problem) => problem.message)).toEqual([
      '"duration" is "0 s"',
      '"IDLE" cannot be a name here',
      '"priority" is -1',
      'a "deadline" needs a "period"',
    ]);
    for (const problem of problems)
      expect(problem).toMatchObject({ file, start: { line: expect.any(Number) } });
  });

  it.each([
    ['nothing', undefined],
    ['a text', 'Small'],
    ['a list', []],
    ['steps', { ...small, tasks: { a: { priority: 1 } } }],
    ['no tasks', { ...small, tasks: {} }],
    ['a strange task', { ...small, tasks: { a: 5 } }],
    ['a strange queue', { ...small, queues: [1], tasks: { a: { priority: 1, *script() {} } } }],
    ['a strange policy', { ...small, onOom: { hook: 3 }, tasks: { a: { priority: 1, *script() {} } } }],
    ['a strange answer', { ...small, onFullness: 'later', tasks: { a: { priority: 1, *script() {} } } }],
  ])('refuses what no compiler has seen: %s', (_, description) => {
    expect(problemsOf(() => defineScenario(description as never)).length).toBeGreaterThan(0);
  });

  it('is typed', () => {
    const scenario = () =>
      defineScenario({
        ...small,
        queues: { raw: { length: 1 } },
        // @ts-expect-error no such unit
        expect: { longestSuspension: '3 msec' },
        tasks: {
          // @ts-expect-error not a generator
          plain: { priority: 1, script() {} },
          main: {
            priority: 1,
            // @ts-expect-error a bare yield
            *script(task) {
              // @ts-expect-error no such queue
              yield* task.send('rew', 1);
              yield* task.resume('plain');
              // @ts-expect-error no such task
              yield* task.resume('plane');
              // @ts-expect-error it may be undefined
              yield* task.fill(yield* task.malloc(8));
              // @ts-expect-error a number of what?
              yield* task.delay(3);
              yield;
            },
          },
        },
        interrupts: {
          tick: {
            period: '1 ms',
            *script(handler) {
              yield* handler.send('raw', 1);
              // @ts-expect-error a handler cannot wait
              yield* handler.delay('1 ms');
            },
          },
        },
      });
    expect(scenario).toThrow('3 msec');
  });
});
