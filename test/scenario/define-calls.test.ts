/** What the calls of scripts do, one by one. The recorded schedules cover how they play together. */

import { describe, expect, it } from 'vitest';
import {
  type Block,
  type Call,
  defineScenario,
  type OomDescription,
  parseScenario,
  type Script,
  type TaskCalls,
} from '../../src/index.js';
import { type Ran, ran, type Variation } from './running.js';

interface Parts {
  readonly onOom?: OomDescription;
  readonly loop?: boolean;
  readonly others?: Record<
    string,
    { priority: number; autostart?: boolean; script(task: TaskCalls): Script }
  >;
}

function runTask(script: (task: TaskCalls) => Script, parts: Parts = {}, variation: Variation = {}): Ran {
  const { onOom, loop, others } = parts;
  const scenario = defineScenario<string, string>({
    name: 'Calls',
    target: 'stm32f103c8',
    heap: 'heap_4',
    duration: '10 ms',
    queues: { one: { length: 1 } },
    ...(onOom !== undefined && { onOom }),
    tasks: { main: { priority: 2, ...(loop !== undefined && { loop }), script }, ...others },
  });
  return ran(scenario, variation);
}

/** What scripts have written, with the tick. */
function marks({ schedule }: Ran): string[] {
  return schedule.filter((line) => line.includes(' mark ')).map((line) => line.replace(' mark main', ''));
}

describe('calls of the heap', () => {
  it('hand blocks over to the heartbeats of a heap, or free them at once', () => {
    const frees = (heap: string) => {
      const { schedule } = runTask(
        function* (task) {
          const parts: Block[] = [];
          for (let left = 4; left > 0; left--) parts.push((yield* task.malloc(16, 'part'))!);
          yield* task.deferFree(parts, 3);
          yield* task.log('handed over');
          // Of a class that has no page yet: a heartbeat.
          yield* task.malloc(100, 'other');
        },
        {},
        { heap, heapOptions: {} },
      );
      return schedule.filter((line) => /mark|free main part/.test(line)).map((line) => line.split(' ')[1]);
    };
    expect(frees('mimalloc')).toEqual(['mark', 'free', 'free', 'free']);
    expect(frees('heap_4')).toEqual(['free', 'free', 'free', 'free', 'mark']);
  });

  it.each([0, -1, 1.5])('cannot have %d blocks freed at each heartbeat', (count) => {
    const run = () =>
      runTask(function* (task) {
        yield* task.deferFree([], count);
      });
    expect(run).toThrow(/blocks at each heartbeat/);
  });

  it('give blocks, and take them back', () => {
    const { schedule, result } = runTask(function* (task) {
      const a = yield* task.malloc('1 KiB', 'a');
      const b = yield* task.calloc(4, 8, 'b');
      const c = yield* task.realloc(a, 2000);
      const d = yield* task.realloc(undefined, 10, 'd');
      yield* task.free(undefined);
      for (const block of [b, c, d]) yield* task.free(block);
    });
    const own = schedule.filter((line) => /malloc main [a-d] |free/.test(line));
    expect(own.map((line) => line.replace(/ \d+$/, ''))).toEqual([
      '0 malloc main a',
      '0 malloc main b',
      '0 malloc main a',
      '0 free main a',
      '0 malloc main d',
      '0 free main b',
      '0 free main a',
      '0 free main d',
      '0 free IDLE stack:main',
      '0 free IDLE tcb:main',
    ]);
    expect(result).toMatchObject({ outcome: 'finished', peakRequested: expect.any(Number) });
  });

  it('tell what the heap counts, and have its minimum begin anew', () => {
    const seen: unknown[] = [];
    const { result } = runTask(function* (task) {
      const before = task.freeHeapSize;
      const a = yield* task.malloc(1000);
      seen.push(before - task.freeHeapSize, task.minimumEverFreeHeapSize === task.freeHeapSize);
      yield* task.free(a);
      seen.push(before - task.minimumEverFreeHeapSize!);
      task.resetMinimumEverFreeHeapSize();
      seen.push(before - task.minimumEverFreeHeapSize!);
      const { allocations, frees, freeBytes, minimumEverFreeBytes } = task.heapStats!;
      seen.push(allocations, frees, freeBytes - before, minimumEverFreeBytes - before);
    });
    // The kernel's own: stack and TCB of two tasks, the queue.
    expect(seen).toEqual([1008, true, 1008, 0, 6, 1, 0, 0]);
    expect(result.heapStats).toMatchObject({ freeBytes: result.freeBytes, allocations: 6, frees: 3 });
  });

  it('knows no statistics of a heap that keeps none', () => {
    const seen: unknown[] = [];
    const { result } = runTask(
      function* (task) {
        yield* task.free(yield* task.malloc(16));
        task.resetMinimumEverFreeHeapSize();
        seen.push(task.heapStats, task.minimumEverFreeHeapSize);
      },
      {},
      { heap: 'tlsf' },
    );
    expect(seen).toEqual([undefined, undefined]);
    expect(result).not.toHaveProperty('heapStats');
  });

  it('resize a block where it stands, where the heap can', () => {
    const { schedule, result } = runTask(
      function* (task) {
        const a = (yield* task.malloc(100, 'a'))!;
        yield* task.fill(a);
        const grown = (yield* task.realloc(a, 200, 'a'))!;
        yield* task.log(String(grown.handle === a.handle));
        yield* task.verify(grown);
        const b = yield* task.malloc(20, 'b');
        const moved = (yield* task.realloc(grown, 300, 'a'))!;
        yield* task.log(String(moved.handle === a.handle));
        yield* task.verify(moved);
        for (const block of [moved, b]) yield* task.free(block);
      },
      {},
      { heap: 'tlsf', heapBytes: 8192 },
    );
    const own = schedule.filter((line) => / main a|mark/.test(line));
    expect(own.map((line) => line.replace(/ \d+$/, ''))).toEqual([
      '0 malloc main a',
      '0 free main a',
      '0 malloc main a',
      '0 mark main true',
      '0 malloc main a',
      '0 free main a',
      '0 mark main false',
      '0 free main a',
    ]);
    expect(result).toMatchObject({ passed: true, lostContents: [], outOfMemoryCount: 0 });
    // Besides the kernel's objects: two blocks, one resizing in place, one with a malloc and a free.
    expect(result.operations - result.allocations - result.frees).toBe(-1);
  });

  it('write, read and overwrite', () => {
    const { result } = runTask(function* (task) {
      const a = (yield* task.malloc(16, 'a'))!;
      const b = (yield* task.malloc(16, 'b'))!;
      for (const block of [a, b]) yield* task.fill(block);
      yield* task.lock(a);
      yield* task.overflow(a, '12 B', 0xa5);
      yield* task.unlock(a);
      for (const block of [a, b]) yield* task.verify(block);
    });
    expect(result.lostContents.map(({ label }) => label)).toEqual(['b']);
  });

  it('follow NULL as C does', () => {
    const { result } = runTask(function* (task) {
      yield* task.verify((yield* task.malloc(1e6)) as Block);
    });
    expect(result).toMatchObject({ outcome: 'fault', fault: { kind: 'unmapped', address: 0, task: 'main' } });
  });

  it('refuse what fits into no pointer', () => {
    for (const handle of [2 ** 32 + 0x2000_0c40, -4, 0.5, '0x20000000', undefined]) {
      const forged = { handle } as unknown as Block;
      const passOn = function* (task: TaskCalls): Script {
        yield* task.free(forged);
      };
      expect(() => runTask(passOn)).toThrow(/is no block; expected what malloc or receive gave/);
    }
  });

  it('free what lives at a stale address by now, and count each block once', () => {
    const freeTwice = function* (task: TaskCalls): Script {
      const a = yield* task.malloc(64, 'a');
      yield* task.free(a);
      yield* task.malloc(64, 'b');
      yield* task.free(a);
      yield* task.send('one', a!);
      yield* task.receive('one');
      yield* task.free(a);
    };
    const { schedule, result } = runTask(freeTwice, {}, { heapOptions: { asserts: false } });
    expect(schedule.filter((line) => line.includes('free main'))).toEqual(['0 free main a', '0 free main b']);
    expect(result.tasks.find(({ name }) => name === 'main')).toMatchObject({ frees: 4, liveBytes: 0 });
    expect(runTask(freeTwice).result.outcome).toBe('fault');
  });
});

describe('calls that take time', () => {
  it('wait', () => {
    const run = runTask(function* (task) {
      yield* task.delay('2 ms');
      yield* task.log(task.now);
      yield* task.compute('1500 us');
      yield* task.log(task.now);
      yield* task.delayUntil('5 ms');
      yield* task.log(`${task.name} ${task.now}`);
    });
    expect(marks(run)).toEqual(['2 2', '3 3', '5 main 5']);
  });

  it.each(['0.5 ms', '0.9 ticks', '10 cycles'] as const)('refuse a wait of %s, which is none', (time) => {
    const sleep = function* (task: TaskCalls): Script {
      yield* task.delay(time);
    };
    const receive = function* (task: TaskCalls): Script {
      yield* task.receive('one', time);
    };
    const message = `${time === '0.5 ms' ? '500 µs' : time} is less than a tick (1 ms)`;
    for (const script of [sleep, receive]) expect(() => runTask(script)).toThrow(message);
    expect(runTask((task) => task.delay(0) as unknown as Script).result.outcome).toBe('finished');
  });

  it('take their turns with other tasks', () => {
    const script = function* (task: TaskCalls): Script {
      yield* task.delay('1 ms');
      for (let round = 0; round < 3; round++) {
        yield* task.log(round);
        yield* task.yield();
      }
    };
    const { schedule } = runTask(script, { others: { other: { priority: 2, script } } });
    const order = schedule.filter((line) => line.includes('mark')).map((line) => line.replace('1 mark ', ''));
    expect(order).toEqual(['other 0', 'main 0', 'other 1', 'main 1', 'other 2', 'main 2']);
  });

  it('start at the end again where the task loops', () => {
    const run = runTask(
      function* (task) {
        yield* task.delay('4 ms');
        yield* task.log('pass');
      },
      { loop: true },
    );
    expect(marks(run)).toEqual(['4 pass', '8 pass']);
  });
});

describe('calls about queues', () => {
  it('say whether a message went, and what came', () => {
    const run = runTask(function* (task) {
      const block = (yield* task.malloc(8, 'block'))!;
      yield* task.log(yield* task.send('one', block, 0));
      yield* task.log(yield* task.send('one', 5, '1 ms'));
      yield* task.log((yield* task.receive('one')) === block);
      yield* task.log(String(yield* task.receive('one', '1 ms')));
      yield* task.send('one', -5);
      yield* task.log((yield* task.receiveNumber('one'))!);
      yield* task.log(String(yield* task.receiveNumber('one', 0)));
    });
    expect(marks(run)).toEqual(['0 true', '1 false', '1 true', '2 undefined', '2 -5', '2 undefined']);
  });

  it('pass blocks on', () => {
    const { result } = runTask(
      function* (task) {
        yield* task.send('one', (yield* task.malloc(100))!);
      },
      {
        others: {
          taker: {
            priority: 1,
            *script(task) {
              yield* task.receive('one');
              yield* task.suspend('self');
            },
          },
        },
      },
    );
    const live = Object.fromEntries(result.tasks.map(({ name, liveBytes }) => [name, liveBytes]));
    expect(live).toMatchObject({ main: 0, taker: expect.any(Number) });
    expect(live.taker).toBeGreaterThan(100);
  });
});

describe('calls about tasks', () => {
  it('start, stop and end them', () => {
    const other = {
      priority: 3,
      autostart: false,
      *script(task: TaskCalls): Script {
        yield* task.suspend('self');
        yield* task.log('resumed');
        yield* task.setPriority('self', 1);
        yield* task.log('last');
      },
    };
    const { schedule } = runTask(
      function* (task) {
        yield* task.startTask('other');
        yield* task.log('started');
        yield* task.suspendAll();
        yield* task.resume('other');
        yield* task.log('not yet');
        yield* task.resumeAll();
        yield* task.log('lowered');
        yield* task.deleteTask('other');
        yield* task.delay('1 ms');
        yield* task.deleteTask('self');
        yield* task.log('never');
      },
      { others: { other } },
    );
    const order = schedule
      .filter((line) => line.includes('mark'))
      .map((line) => line.replace(/^.* mark /, ''));
    expect(order).toEqual(['main started', 'main not yet', 'other resumed', 'main lowered']);
  });

  it.each<[string, (task: TaskCalls) => Script]>([
    [
      'nobody',
      function* (task) {
        yield* task.startTask('nobody');
      },
    ],
    [
      'main',
      function* (task) {
        yield* task.startTask('main');
      },
    ],
    [
      'late',
      function* (task) {
        yield* task.resume('late');
      },
    ],
  ])('meet a fault where there is no such task: %s', (_, script) => {
    const late = { priority: 1, autostart: false, *script(): Script {} };
    expect(runTask(script, { others: { late } }).result.fault?.kind).toBe('illegal-call');
  });
});

describe('handlers and hooks', () => {
  const handlerScenario = (handler: (task: Pick<TaskCalls, 'send' | 'log' | 'compute' | 'free'>) => Script) =>
    defineScenario({
      name: 'Handler',
      target: 'stm32f103c8',
      heap: 'heap_4',
      duration: '10 ms',
      queues: { one: { length: 1 } },
      interrupts: { uart: { first: '1.5 ms', period: '2 ms', count: 3, script: handler } },
      tasks: {
        main: {
          priority: 2,
          *script(task) {
            for (;;) yield* task.log((yield* task.receiveNumber('one'))!);
          },
        },
      },
    });

  it('send without waiting', () => {
    const scenario = handlerScenario(function* (handler) {
      yield* handler.compute('100 us');
      yield* handler.log(yield* handler.send('one', 7));
      yield* handler.log(yield* handler.send('one', 8));
    });
    const { schedule } = ran(scenario);
    const events = schedule.filter((line) => /mark/.test(line));
    expect(events.slice(0, 3)).toEqual(['1 mark uart true', '1 mark uart false', '1 mark main 7']);
    expect(events).toHaveLength(9);
  });

  it('receive without waiting, numbers or blocks', () => {
    const received: unknown[] = [];
    const scenario = (carried: (task: TaskCalls) => Script<Block | number>, numbers: boolean) =>
      defineScenario({
        name: 'Receiving handler',
        target: 'stm32f103c8',
        heap: 'heap_4',
        duration: '8 ms',
        queues: { one: { length: 4 } },
        interrupts: {
          uart: {
            period: '2 ms',
            *script(handler) {
              received.push(yield* numbers ? handler.receiveNumber('one') : handler.receive('one'));
            },
          },
        },
        tasks: {
          main: {
            priority: 2,
            *script(task) {
              for (let count = 0; count < 2; count++) yield* task.send('one', yield* carried(task));
              yield* task.delay('20 ms');
            },
          },
        },
      });
    let next = 7;
    ran(
      scenario(function* (task) {
        yield* task.yield();
        return next++;
      }, true),
    );
    const blocks = function* (task: TaskCalls) {
      return (yield* task.malloc(40, 'frame'))!;
    };
    const { result } = ran(scenario(blocks, false));
    const block = expect.objectContaining({ bytes: 40, owner: 'interrupt:uart' });
    expect(received).toEqual([7, 8, undefined, block, block, undefined]);
    expect(result.fault).toBeUndefined();
    expect(() => ran(scenario(blocks, true))).toThrow('carries a block: receive it with receive');
  });

  it.each<[keyof TaskCalls, unknown]>([
    ['malloc', 8],
    ['calloc', 8],
    ['free', { handle: 8 }],
    ['delay', '1 ms'],
    ['suspendAll', undefined],
    ['yield', undefined],
  ])('meet a fault where they call %s', (name, value) => {
    const scenario = handlerScenario(function* (handler) {
      const calls = handler as unknown as Record<string, (...values: unknown[]) => Call<void>>;
      yield* calls[name]!(value, 1);
    });
    expect(ran(scenario).result.fault).toMatchObject({ kind: 'illegal-call', task: 'uart' });
  });

  it('of the idle task run once per tick', () => {
    const scenario = defineScenario({
      name: 'Idle',
      target: 'stm32f103c8',
      heap: 'heap_4',
      duration: '5 ms',
      *idleHook(task) {
        yield* task.log('idle');
      },
      tasks: {
        main: {
          priority: 1,
          *script(task) {
            yield* task.delay('3 ms');
          },
        },
      },
    });
    expect(ran(scenario).schedule.filter((line) => line.includes('idle')).length).toBeGreaterThanOrEqual(5);
  });
});

describe('a request that fails', () => {
  function* twice(task: TaskCalls): Script {
    yield* task.log(String(yield* task.malloc(1e6)));
    yield* task.log(String(yield* task.malloc(0)));
  }

  it('gives undefined', () => {
    expect(marks(runTask(twice))).toEqual(['0 undefined', '0 undefined']);
  });

  it.each(['halt', 'reset'] as const)('may %s the device', (onOom) => {
    const { schedule, result } = runTask(twice, { onOom });
    expect(schedule.filter((line) => line.includes('mark'))).toEqual([]);
    if (onOom === 'halt') expect(result.outcome).toBe('halted');
    else expect(result.resets).toBeGreaterThan(3);
  });

  it('may be made again later', () => {
    const others = {
      holder: {
        priority: 3,
        *script(task: TaskCalls): Script {
          const block = yield* task.malloc('9 KiB');
          yield* task.delay('3 ms');
          yield* task.free(block);
        },
      },
    };
    const retry = { delay: '1 ms', times: 5 } as const;
    const run = runTask(
      function* (task) {
        yield* task.log((yield* task.malloc('6 KiB'))!.bytes);
        yield* task.log(String(yield* task.malloc('50 KiB')));
      },
      { onOom: { retry }, others },
    );
    expect(marks(run)).toEqual(['3 6144', '8 undefined']);
  });

  it('may run a hook, whose own requests may fail as well', () => {
    const run = runTask(
      function* (task) {
        yield* task.log(String(yield* task.malloc(1e6)));
      },
      {
        onOom: {
          *hook(task) {
            yield* task.log(`hook of ${task.name}`);
            yield* task.malloc(1e6);
            yield* task.delay('1 ms');
          },
        },
      },
    );
    expect(marks(run)).toEqual(['0 hook of main', '1 undefined']);
  });
});

describe('the end of a run', () => {
  it.each<[string, (task: TaskCalls) => Script]>([
    [
      'time is up',
      function* (task) {
        yield* task.delay('20 ms');
      },
    ],
    [
      'it computes',
      function* (task) {
        yield* task.compute('20 ms');
      },
    ],
    [
      'a fault',
      function* (task) {
        yield* task.resumeAll();
      },
    ],
    [
      'no memory',
      function* (task) {
        yield* task.malloc(1e6);
      },
    ],
  ])('is nothing that a script can catch: %s', (_, end) => {
    const { schedule } = runTask(
      function* (task) {
        try {
          yield* end(task);
        } catch {
          yield* task.log('caught');
        } finally {
          yield* task.log('at last');
        }
      },
      { onOom: 'halt' },
    );
    expect(schedule.join('\n')).not.toMatch(/caught|at last/);
  });

  it('comes where a script makes calls for ever and no time passes', () => {
    const { result } = runTask(function* (task) {
      for (;;) yield* task.free(undefined);
    });
    expect(result.fault).toMatchObject({ kind: 'endless-loop', task: 'main' });
  });
});

describe('random numbers', () => {
  const draws: [string, string, Parameters<TaskCalls['malloc']>[0]][] = [
    ['uniform', '{ uniform: { from: 16 B, to: 1 KiB } }', { uniform: { from: '16 B', to: '1 KiB' } }],
    ['normal', '{ normal: { mean: 64 B, deviation: 20 B } }', { normal: { mean: '64 B', deviation: 20 } }],
    [
      'log-normal',
      '{ log-normal: { median: 64 B, sigma: 1.5, max: 512 B } }',
      { 'log-normal': { median: 64, sigma: 1.5, max: 512 } },
    ],
    ['exponential', '{ exponential: { mean: 64 B, min: 8 B } }', { exponential: { mean: 64, min: 8 } }],
    [
      'weighted',
      '{ weighted: [{ value: 8 B, weight: 3 }, { value: 80 B, weight: 1 }] }',
      {
        weighted: [
          { value: 8, weight: 3 },
          { value: 80, weight: 1 },
        ],
      },
    ],
    [
      'histogram',
      '{ histogram: [{ from: 8 B, to: 16 B, weight: 3 }, { from: 100 B, to: 200 B, weight: 1 }] }',
      {
        histogram: [
          { from: 8, to: 16, weight: 3 },
          { from: 100, to: 200, weight: 1 },
        ],
      },
    ],
  ];

  it.each(draws)('are those of scenario files: %s', (_, yaml, size) => {
    const text = `{ name: Draws, target: stm32f103c8, heap: heap_4, duration: 1 s, seed: 5, tasks: { main: { priority: 1,
      script: [{ repeat: { times: 50, steps: [
        { alloc: { name: a, size: ${yaml} } }, { free: a }, { compute: { uniform: { from: 1 us, to: 9 ms } } },
        { delay: { exponential: { mean: 5 ms } } }] } }] } } }`;
    const expected = ran(parseScenario(text, 'draws.yaml', { heapNames: ['heap_4'] }));
    const actual = ran(
      defineScenario({
        name: 'Draws',
        target: 'stm32f103c8',
        heap: 'heap_4',
        duration: '1 s',
        seed: 5,
        tasks: {
          main: {
            priority: 1,
            *script(task) {
              for (let pass = 0; pass < 50; pass++) {
                yield* task.free(yield* task.malloc(size, 'a'));
                yield* task.compute({ uniform: { from: '1 us', to: '9 ms' } });
                yield* task.delay({ exponential: { mean: '5 ms' } });
              }
            },
          },
        },
      }),
    );
    expect(actual.schedule).toEqual(expected.schedule);
    expect(actual.result.cycle).toBe(expected.result.cycle);
  });

  it('differ with what the script writes from one call to the next', () => {
    const run = runTask(function* (task) {
      for (const to of [1, 2, 3]) yield* task.log(task.draw({ uniform: { from: to, to } }));
      for (let n = 0; n < 40; n++) yield* task.log(task.draw({ uniform: { from: n, to: n } }) === n);
    });
    const texts = marks(run).map((line) => line.slice(2));
    expect(texts.slice(0, 3)).toEqual(['1', '2', '3']);
    expect(new Set(texts.slice(3))).toEqual(new Set(['true']));
  });

  it('depend on the seed and the task alone', () => {
    const script = function* (task: TaskCalls): Script {
      yield* task.log(
        [task.random.unit(), task.random.below(100), task.draw({ uniform: { from: 0, to: 9 } })].join(),
      );
    };
    const [first, same] = [
      marks(runTask(script)),
      marks(runTask(script, { others: { b: { priority: 1, script } } })),
    ];
    expect(same[0]).toEqual(first[0]);
    expect(marks(runTask(script, {}, { seed: 2 }))).not.toEqual(first);
  });
});
