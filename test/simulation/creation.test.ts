/** Tasks and queues for which there is no room: what the firmware does then, and what is told of it. */

import { Chalk } from 'chalk';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { type Block, defineScenario, type Script, type TaskCalls } from '../../src/index.js';
import { RunResultSchema } from '../../src/inspect/result.js';
import { runSummary } from '../../src/report/run-summary.js';
import { parseScenario } from '../../src/scenario/load.js';
import { type Ran, ran } from '../scenario/running.js';

/** Large enough for IDLE and some small tasks, of 88 + 92 bytes each. */
const HEAP_BYTES = 2048;

/** `body` begins in line 5. */
function runText(body: string): Ran {
  const text = `name: x\ntarget: stm32f103c8\nheap: heap_4\nduration: 100 ms\n${body}`;
  return runOf(parseScenario(text, 'test.yaml', { heapNames: ['heap_4'] }));
}

function runOf(scenario: Parameters<typeof ran>[0]): Ran {
  const run = ran(scenario, { heapBytes: HEAP_BYTES });
  expect(v.is(RunResultSchema, run.result)).toBe(true);
  return run;
}

const said = ({ schedule }: Ran) =>
  schedule.filter((line) => / mark | reset /.test(line)).map((line) => line.replace(' mark', ''));

const summary = ({ result }: Ran) =>
  runSummary(result, { width: 200, color: new Chalk({ level: 0 }) }).replaceAll(/\s+/g, ' ');

const SMALL = 'small: { priority: 1, stack: 64, script: [{ log: small runs }] }';
const LARGE = 'large: { priority: 2, stack: 4 KiB, script: [{ log: large runs }] }';
const TASKS = `tasks:\n  ${SMALL}\n  ${LARGE}\n`;
const LATE = `tasks:
  starter: { priority: 3, stack: 64, script: [{ delay: 5 ms }, { start task: large }, { log: went on }, { delay: 50 ms }] }
  large: { priority: 2, stack: 4 KiB, autostart: false, script: [{ log: large runs }] }
`;

describe('a task that main() has no room for', () => {
  it('is left out where the policy is to continue, and never runs', () => {
    const run = runText(TASKS);
    expect(said(run)).toEqual(['0 small small runs']);
    expect(run.result).toMatchObject({ outcome: 'finished', outOfMemoryCount: 1, passed: true });
    expect(run.result.notCreated).toEqual([
      { kind: 'task', name: 'large', object: 'stack', bytes: 4096, tick: 0, times: 1, created: false },
    ]);
    expect(summary(run)).toContain(
      'Not created Task large could not be created (tick 0): no room for its stack of 4,096 B. It never ran.',
    );
  });

  it('halts the firmware', () => {
    const run = runText(`on oom: halt\n${TASKS}`);
    expect(run.result).toMatchObject({ outcome: 'halted', tick: 0, outOfMemoryCount: 1 });
    expect(said(run)).toEqual([]);
  });

  it('resets the chip, again and again', () => {
    const run = runText(`on oom: reset\n${TASKS}`);
    expect(run.result).toMatchObject({ outcome: 'finished', resets: 100, outOfMemoryCount: 100 });
  });

  it('runs the hook, in main(), and is left out all the same', () => {
    const hook = '[{ log: no room }, { alloc: { name: note, size: 16 } }, { compute: 3 ms }, { free: note }]';
    const run = runText(`on oom: { hook: ${hook} }\n${TASKS}`);
    expect(said(run)).toEqual(['0 main() no room', '0 small small runs']);
    expect(run.result.notCreated).toMatchObject([{ name: 'large' }]);
    expect(run.result.outOfMemory[0]).not.toHaveProperty('at');
    expect(run.result.tasks.find(({ name }) => name === 'main()')).toMatchObject({
      allocations: 1,
      frees: 1,
    });
    expect(run.result.cycle).toBe(103 * 72_000);
  });

  it('runs the hook before its stack is given back, where it is the control block that has no room', () => {
    const run = runText(`on oom: { hook: [{ log: hook }] }\ntasks:
  last: { priority: 1, stack: ${HEAP_BYTES - 8 - 8 - 16}, script: [] }
`);
    const order = run.schedule
      .filter((line) => /last|hook/.test(line))
      .map((line) => line.replace(/ \d+$/, ''));
    expect(order).toEqual([
      '0 malloc - stack:last',
      '0 malloc - tcb:last NULL',
      '0 mark main() hook',
      '0 free - stack:last',
    ]);
    expect(run.result.notCreated).toMatchObject([{ name: 'last', object: 'tcb', bytes: 84 }]);
  });

  it('is not tried again: main() cannot wait', () => {
    const run = runText(`on oom: { retry: { delay: 1 ms, times: 5 } }\n${TASKS}`);
    expect(run.result).toMatchObject({ outcome: 'finished', outOfMemoryCount: 1 });
    expect(run.result.notCreated).toMatchObject([{ name: 'large', times: 1 }]);
  });

  it('is counted over resets, and known to have been there another time', () => {
    const run = runText(`tasks:
  ${SMALL}
  eater:
    priority: 3
    stack: 64
    script:
      - { alloc: { name: all, size: 900 } }
      - { start task: late }
      - { free: all }
      - { start task: late }
      - { delay: 20 ms }
      - { alloc: { name: x, size: 1 MiB, on oom: reset } }
  late: { priority: 1, stack: 512, autostart: false, script: [] }
`);
    expect(run.result.resets).toBe(4);
    expect(run.result.notCreated).toMatchObject([{ name: 'late', times: 5, created: true }]);
    expect(summary(run)).toContain('late could not be created (5 times, first at tick 0)');
    expect(summary(run)).toContain('At another time it was.');
  });
});

describe('a queue that main() has no room for', () => {
  const QUEUE = 'queues: { mail: { length: 1000 } }\n';

  it('is left out', () => {
    const run = runText(`${QUEUE}tasks:\n  ${SMALL}\n`);
    expect(said(run)).toEqual(['0 small small runs']);
    expect(run.result.notCreated).toMatchObject([
      { kind: 'queue', name: 'mail', object: 'queue', bytes: 4072 },
    ]);
    expect(summary(run)).toContain(
      'Queue mail could not be created (tick 0): no room for its storage of 4,072 B. It never existed.',
    );
  });

  it('halts the firmware', () => {
    expect(runText(`on oom: halt\n${QUEUE}tasks:\n  ${SMALL}\n`).result.outcome).toBe('halted');
  });
});

describe('a task that another one has no room for', () => {
  it('is left out', () => {
    const run = runText(LATE);
    expect(said(run)).toEqual(['5 starter went on']);
    expect(run.result.notCreated).toMatchObject([{ kind: 'task', name: 'large', tick: 5, times: 1 }]);
  });

  it('is an event at the line that starts it', () => {
    expect(runText(LATE).result.outOfMemory).toMatchObject([
      { task: 'starter', label: 'stack:large', at: { line: 6 } },
    ]);
  });

  it('has no line where its objects lie among live blocks, as no step holds them', () => {
    const small = LATE.replace('4 KiB', '64');
    const { result } = runText(
      `${small}  greedy: { priority: 1, script: [{ alloc: { name: b, size: 1 MiB } }] }\n`,
    );
    const stacks = result.outOfMemory[0]!.map.filter(({ label }) => label?.startsWith('stack:'));
    expect(stacks.length).toBeGreaterThan(0);
    expect(stacks.filter(({ at }) => at !== undefined)).toEqual([]);
  });

  it('halts the firmware', () => {
    const run = runText(`on oom: halt\n${LATE}`);
    expect(run.result).toMatchObject({ outcome: 'halted', tick: 5 });
    expect(said(run)).toEqual([]);
  });

  it('runs the hook in the task that creates it, whose blocks it may free', () => {
    const run = runText(`on oom: { hook: [{ log: no room }, { free: cache }, { delay: 2 ms }] }
tasks:
  starter:
    priority: 3
    stack: 64
    script:
      - { alloc: { name: cache, size: 800 } }
      - { start task: late }
      - { log: once }
      - { start task: late }
  late: { priority: 2, stack: 600, autostart: false, script: [{ log: late runs }] }
`);
    expect(said(run)).toEqual(['0 starter no room', '2 starter once', '2 late late runs']);
    expect(run.result.notCreated).toMatchObject([{ name: 'late', created: true, times: 1 }]);
  });

  it('is tried again, as often as the policy says', () => {
    const retry = 'on oom: { retry: { delay: 10 ms, times: 3 } }\n';
    const run = runText(`${retry}${LATE}`);
    expect(said(run)).toEqual(['35 starter went on']);
    expect(run.result).toMatchObject({ outOfMemoryCount: 4, notCreated: [{ name: 'large', times: 1 }] });
    const eater =
      '  eater: { priority: 4, stack: 64, script: [{ alloc: { name: b, size: 900 } }, { delay: 20 ms }, { free: b }] }\n';
    const later = runText(`${retry}${LATE.replace('4 KiB', '512')}${eater}`);
    expect(said(later)).toEqual(['25 starter went on', '25 large large runs']);
    expect(later.result).toMatchObject({ outOfMemoryCount: 2, notCreated: [] });
  });

  it('does not run a hook that creates it again within itself', () => {
    const run = runText(`on oom: { hook: [{ log: hook }, { start task: large }] }\n${LATE}`);
    expect(said(run)).toEqual(['5 starter hook', '5 starter went on']);
    expect(run.result.outOfMemoryCount).toBe(2);
  });
});

describe('a hook that runs before the scheduler', () => {
  it.each<[step: string, call: string]>([
    ['{ delay: 1 ms }', 'delay'],
    ['{ delay: 0 }', 'delay'],
    ['{ delay until: 1 ms }', 'delay until'],
    ['yield', 'yield'],
    ['{ send: { queue: q, value: 1, timeout: 0 } }', 'send'],
    ['{ receive: { queue: q, timeout: 0 } }', 'receive'],
    ['{ suspend: self }', 'suspend'],
    ['{ suspend: small }', 'suspend'],
    ['{ resume: small }', 'resume'],
    ['{ set priority: { task: self, priority: 1 } }', 'set priority'],
    ['{ delete task: self }', 'delete'],
    ['{ churn: { every: 1 ms, size: 8, lifetime: 1 ms } }', 'delay'],
  ])('cannot %s', (step, call) => {
    const queues = 'queues: { q: { length: 1 } }';
    for (const tasks of [TASKS, `tasks:\n  ${LARGE}\n  ${SMALL}\n`]) {
      const { result } = runText(`${queues}\non oom: { hook: [${step}] }\n${tasks}`);
      expect(result).toMatchObject({
        outcome: 'fault',
        fault: { kind: 'illegal-call', context: 'main', task: '-' },
      });
      // With a task not yet created there is nobody to suspend.
      if (result.fault!.reason !== 'task small has not been created')
        expect(result.fault!.reason).toBe(`${call} called before the scheduler was started`);
      expect(result.fault!.at?.line).toBe(6);
    }
  });

  it('can create another task instead', () => {
    const run = runText(`on oom: { hook: [{ start task: spare }] }
tasks:
  ${LARGE}
  spare: { priority: 1, stack: 64, autostart: false, script: [{ log: spare runs }] }
`);
    expect(said(run)).toEqual(['0 spare spare runs']);
  });

  it('ends with the run, if not before', () => {
    const forever = 'on oom: { hook: [{ repeat: { times: forever, steps: [{ compute: 1 ms }] } }] }\n';
    expect(runText(`${forever}${TASKS}`).result).toMatchObject({ outcome: 'finished', cycle: 100 * 72_000 });
    const endless = forever.replace('{ compute: 1 ms }', '');
    expect(runText(`${endless}${TASKS}`).result.fault).toMatchObject({
      kind: 'endless-loop',
      context: 'main',
      reason: 'main() loops for ever: no time passes in its script',
    });
  });

  it('leaves no line to a fault that comes after it', () => {
    const run = runText(`on oom: { hook: [{ log: no room }] }
tasks: { a: { priority: 1, stack: ${HEAP_BYTES - 400}, script: [] } }`);
    expect(run.result.fault).toMatchObject({ kind: 'assertion', context: 'main' });
    expect(run.result.fault!.at).toBeUndefined();
  });
});

describe('in TypeScript', () => {
  const described = (hook: (task: TaskCalls) => Script, autostart: boolean) =>
    defineScenario<never, string>({
      name: 'x',
      target: 'stm32f103c8',
      heap: 'heap_4',
      duration: '100 ms',
      onOom: { hook },
      tasks: {
        starter: {
          priority: 3,
          stack: 64,
          *script(task) {
            if (!autostart) yield* task.startTask('large');
            yield* task.log('went on');
          },
        },
        large: { priority: 2, stack: '4 KiB', autostart, *script() {} },
      },
    });

  it('the hook runs in main() and in tasks', () => {
    const hook = function* (task: TaskCalls): Script {
      const block = yield* task.malloc(16, 'note');
      yield* task.free(block as Block);
      yield* task.log(`${task.name} has no room`);
    };
    expect(said(runOf(described(hook, true)))).toEqual(['0 main() main() has no room', '0 starter went on']);
    expect(said(runOf(described(hook, false)))).toEqual([
      '0 starter starter has no room',
      '0 starter went on',
    ]);
  });

  it('what a hook in main() cannot do is a fault', () => {
    const hooks: ((task: TaskCalls) => Script)[] = [
      (task) => task.delay('1 ms') as unknown as Script,
      (task) => task.yield() as unknown as Script,
      (task) => task.suspend('self') as unknown as Script,
      (task) => task.deleteTask('self') as unknown as Script,
      (task) => task.setPriority('self', 2) as unknown as Script,
    ];
    for (const hook of hooks) {
      const { result } = runOf(described(hook, true));
      expect(result.fault).toMatchObject({ kind: 'illegal-call', context: 'main' });
      expect(result.fault!.reason).toMatch(/called before the scheduler was started$/);
    }
  });
});
