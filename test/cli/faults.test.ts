/** Firmware that does what it must not, or does nothing for ever: the run ends, and says where and why. */

import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/inspect/result.js';
import { heaplab, oneTask, Scratch, scenarioText, Together } from './run.js';

const scratch = new Scratch();
let count = 0;

async function ran(text: string, ...flags: string[]): Promise<{ code: number; result: RunResult }> {
  const file = scratch.write(`alone-${count++}.yaml`, text);
  const { code, stdout, stderr } = await heaplab(['run', file, '--json', ...flags]);
  expect(stderr).toBe('');
  return { code, result: JSON.parse(stdout) as RunResult };
}

/** `pair`: two tasks, the first of which has the higher priority and a script in line 6. */
function pair(first: string, second: string): string {
  return scenarioText(`tasks:
  first: { priority: 2, script: [ ${first} ] }
  second: ${second}
`);
}

const SLEEPER = '{ priority: 1, loop: true, script: [ { delay: 1 s } ] }';
const LATER = '{ priority: 1, autostart: false, script: [] }';

function interrupt(step: string): string {
  return scenarioText(`globals: [ block ]
interrupts:
  alarm: { period: 3 ms, script: [ ${step} ] }
tasks:
  worker: { priority: 1, script: [ { alloc: { name: block, size: 8 } } ] }
`);
}

const QUEUE = 'queues:\n  mail: { length: 1 }\n';
const HUGE_QUEUE = 'queues:\n  mail: { length: 1000000 }\n';

describe('a fault ends the run', () => {
  const cases: [name: string, text: string, kind: string, reason: RegExp, task: string, line?: number][] = [
    [
      'malloc in an interrupt',
      interrupt('{ alloc: { name: mine, size: 8 } }'),
      'illegal-call',
      /malloc .*alarm/,
      'alarm',
      7,
    ],
    [
      'calloc in an interrupt',
      interrupt('{ calloc: { name: mine, count: 4294967295, size: 8 } }'),
      'illegal-call',
      /calloc .*alarm/,
      'alarm',
      7,
    ],
    ['free in an interrupt', interrupt('{ free: block }'), 'illegal-call', /free .*alarm/, 'alarm', 7],
    [
      'a delay while suspended',
      oneTask('suspend all', 'delay: 1 ms'),
      'assertion',
      /delay .*suspended/,
      'worker',
      10,
    ],
    [
      'waiting for a message while suspended',
      QUEUE + oneTask('suspend all', 'receive: { queue: mail }'),
      'assertion',
      /receive .*suspended/,
      'worker',
      12,
    ],
    ['an end while suspended', oneTask('suspend all'), 'assertion', /suspended/, 'worker'],
    ['a resume without a suspend', oneTask('resume all'), 'assertion', /resume all/, 'worker', 9],
    [
      'suspending oneself while suspended',
      oneTask('suspend all', 'suspend: self', 'log: x'),
      'assertion',
      /suspend .*suspended/,
      'worker',
      10,
    ],
    [
      'deleting a task twice',
      pair('{ delete task: second }, { delete task: second }', SLEEPER),
      'illegal-call',
      /second .*deleted/,
      'first',
      6,
    ],
    [
      'deleting a task that has ended',
      pair('{ delay: 5 ms }, { delete task: second }', '{ priority: 1, script: [] }'),
      'illegal-call',
      /second .*deleted/,
      'first',
      6,
    ],
    [
      'resuming a task that was never started',
      pair('{ resume: second }', LATER),
      'illegal-call',
      /second .*created/,
      'first',
      6,
    ],
    [
      'starting a task twice',
      pair('{ start task: second }, { start task: second }', LATER),
      'illegal-call',
      /second.*started already/,
      'first',
      6,
    ],
    [
      'sending to a queue that found no room',
      HUGE_QUEUE + oneTask('send: { queue: mail, value: 1 }'),
      'illegal-call',
      /mail .*no room/,
      'worker',
      11,
    ],
    [
      'a task that found no room',
      pair('{ delay: 1 ms }, { resume: second }', '{ priority: 1, stack: 1 MiB, script: [] }'),
      'illegal-call',
      /second .*created/,
      'first',
      6,
    ],
  ];
  const together = new Together(
    scratch,
    cases.map(([, text]) => text),
  );

  it.each(cases)('%s', async (_name, text, kind, reason, task, line) => {
    const result = await together.result(text);
    expect(result).toMatchObject({ outcome: 'fault', passed: false, fault: { kind, task } });
    expect(result.fault!.reason).toMatch(reason);
    if (line !== undefined) expect(result.fault!.at?.line).toBe(line);
  });

  it('no room for the idle task, so that the scheduler cannot start', async () => {
    const { code, result } = await ran(oneTask('delay: 1 ms'), '--heap-size', '64');
    expect(code).toBe(1);
    expect(result).toMatchObject({ outcome: 'fault', tick: 0, fault: { kind: 'assertion' } });
    expect(result.fault!.reason).toMatch(/cannot start.*IDLE/);
    expect(result.outOfMemoryCount).toBeGreaterThan(0);
  });

  it('and says so in words', async () => {
    const file = scratch.write('words.yaml', oneTask('delay: 1 ms', 'resume all'));
    const { code, stdout } = await heaplab(['run', file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Fault\n {2}At tick \d+ in task worker \(.*words\.yaml:10\):/m);
    expect(stdout).toMatch(/^✗ failed: a fault stopped the device$/m);
  });
});

describe('a script in which no time passes ends the run', () => {
  const cases: [name: string, text: string][] = [
    ['a loop of nothing', scenarioText('tasks:\n  spin: { priority: 1, loop: true, script: [] }\n')],
    [
      'a loop of a log',
      scenarioText('tasks:\n  spin: { priority: 1, loop: true, script: [ { log: x } ] }\n'),
    ],
    ['repeating nothing for ever', oneTask('repeat: { times: forever, steps: [] }')],
    ['repeating nothing very often', oneTask('repeat: { times: 4294967295, steps: [] }')],
    ['repeating for no time very often', oneTask('repeat: { times: 4294967295, steps: [ { delay: 0 } ] }')],
    [
      'repetitions in repetitions',
      oneTask(
        'repeat: { times: 9000, steps: [ { repeat: { times: 9000, steps: [ { repeat: { times: 9000, steps: [] } } ] } } ] }',
      ),
    ],
    ['an interrupt', interrupt('{ repeat: { times: 4294967295, steps: [] } }')],
    ['computing for no time', oneTask('repeat: { times: forever, steps: [ { compute: 0 } ] }')],
    ['waiting for no time', oneTask('repeat: { times: forever, steps: [ { delay: 0 } ] }')],
    ['yielding to oneself', oneTask('repeat: { times: forever, steps: [ yield ] }')],
    [
      'two tasks that yield to each other',
      scenarioText(`tasks:
  ping: { priority: 1, loop: true, script: [ yield ] }
  pong: { priority: 1, loop: true, script: [ yield ] }
`),
    ],
    [
      'sending to a full queue',
      QUEUE +
        oneTask('repeat: { times: forever, steps: [ { send: { queue: mail, value: 1, timeout: 0 } } ] }'),
    ],
    ['an idle hook', `idle hook: [ { repeat: { times: forever, steps: [] } } ]\n${oneTask('delay: 1 ms')}`],
    ['yielding while suspended', oneTask('suspend all', 'repeat: { times: forever, steps: [ yield ] }')],
  ];
  const together = new Together(
    scratch,
    cases.map(([, text]) => text),
  );

  it.each(cases)('%s', async (_name, text) => {
    const result = await together.result(text);
    expect(result).toMatchObject({ outcome: 'fault', fault: { kind: 'endless-loop' } });
  });

  it('allocating and freeing, with --cost none', async () => {
    const text = oneTask(
      'repeat: { times: forever, steps: [ { alloc: { name: x, size: 8 } }, { free: x } ] }',
    );
    const { code, result } = await ran(text, '--cost', 'none');
    expect(code).toBe(1);
    expect(result.fault!.kind).toBe('endless-loop');
  });

  it('asking again and again at once, with --cost none', async () => {
    const text = oneTask(
      'alloc: { name: x, size: 1 MiB, on oom: { retry: { delay: 0, times: 4294967295 } } }',
    );
    const { code, result } = await ran(text, '--cost', 'none');
    expect(code).toBe(1);
    expect(result.fault).toMatchObject({ kind: 'endless-loop', at: { line: 9 } });
  });
});

describe('the run goes on', () => {
  const cases: [name: string, text: string, part: Partial<RunResult>][] = [
    [
      'while a task computes and never resumes',
      oneTask('suspend all', 'repeat: { times: forever, steps: [ { compute: 1 ms } ] }'),
      { outcome: 'finished', passed: true },
    ],
    [
      'through a million repetitions without time, and a million more after some',
      oneTask(
        'repeat: { times: 1000000, steps: [] }',
        'compute: 1 ms',
        'repeat: { times: 1000000, steps: [] }',
      ),
      { outcome: 'finished', passed: true },
    ],
    [
      'through requests for nothing',
      oneTask(
        'alloc: { name: x, size: 0 }',
        'calloc: { name: x, count: 0, size: 8 }',
        'free: x',
        'verify: x',
      ),
      { zeroSizeRequests: 2, outOfMemoryCount: 0, passed: true },
    ],
    [
      'through requests for everything',
      oneTask(
        'alloc: { name: x, size: 4294967295 }',
        'calloc: { name: x, count: 65536, size: 65536 }',
        'realloc: { name: x, size: 4294967295 }',
      ),
      { outOfMemoryCount: 3, allocations: 4, passed: true },
    ],
    [
      'when a hook for an out-of-memory event runs out of memory itself',
      `on oom: { hook: [ { alloc: { name: y, size: 1 MiB } } ] }\n${oneTask('alloc: { name: x, size: 1 MiB }')}`,
      { outOfMemoryCount: 2, passed: true },
    ],
    [
      'to its halt',
      `on oom: halt\n${oneTask('alloc: { name: x, size: 1 MiB }', 'delay: 1 s')}`,
      { outcome: 'halted', tick: 0 },
    ],
    [
      'when queues and tasks that nobody uses find no room',
      `${HUGE_QUEUE}${pair('{ delay: 1 ms }', '{ priority: 1, stack: 1 MiB, script: [] }')}`,
      { outcome: 'finished', outOfMemoryCount: 2, passed: true },
    ],
    [
      'through interrupts that come every cycle',
      scenarioText(
        'interrupts:\n  storm: { period: 1 cycle, count: 10000, script: [ { log: x } ] }\n' +
          'tasks:\n  a: { priority: 1, script: [] }\n',
      ),
      { outcome: 'finished', passed: true },
    ],
  ];
  const resets = ['100 ms', '100 operations'].map(
    (duration) => `on oom: reset\n${oneTask('alloc: { name: x, size: 1 MiB }').replace('100 ms', duration)}`,
  );
  const together = new Together(scratch, [...cases.map(([, text]) => text), ...resets]);

  it.each(cases)('%s', async (_name, text, part) => {
    expect(await together.result(text)).toMatchObject(part);
  });

  it.each(resets)('from reset to reset: %j', async (text) => {
    const result = await together.result(text);
    expect(result.resets).toBeGreaterThan(10);
    expect(result.outcome).toBe('finished');
  });
});

describe.concurrent('an overflow', () => {
  it('into the next block is found with --check, by the next call', async () => {
    const { code, result } = await ran(
      oneTask(
        'alloc: { name: x, size: 8 }',
        'alloc: { name: y, size: 8 }',
        'delay: 2 ms',
        'overflow: { name: x, bytes: 64 }',
        'alloc: { name: z, size: 8 }',
      ),
      '--check',
    );
    expect(code).toBe(1);
    expect(result).toMatchObject({
      outcome: 'corrupted',
      passed: false,
      fault: { kind: 'corruption', task: 'worker', tick: 2, at: { line: 13 } },
    });
  });

  it('into contents is found by verify', async () => {
    const text = oneTask(
      'alloc: { name: x, size: 8 }',
      'alloc: { name: y, size: 8 }',
      'fill: y',
      'overflow: { name: x, bytes: 12 }', // 8 bytes of header lie between the two
      'verify: y',
    );
    const harmless = text.replace('bytes: 12', 'bytes: 0');
    const together = new Together(scratch, [text, harmless]);
    const [broken, fine] = [await together.result(text), await together.result(harmless)];
    expect([fine.passed, fine.lostContents]).toEqual([true, []]);
    expect(broken.passed).toBe(false);
    expect(broken.lostContents).toMatchObject([{ task: 'worker', label: 'y', at: { line: 10 } }]);
  });

  it('past the end of RAM is a fault, not a crash', async () => {
    const { code, result } = await ran(
      oneTask('alloc: { name: x, size: 8 }', 'overflow: { name: x, bytes: 1 MiB }'),
    );
    expect(code).toBe(1);
    expect(result).toMatchObject({ outcome: 'fault', fault: { kind: 'unmapped', address: 0x2000_2000 } });
  });

  it('over everything crashes no heap, asserts or not', async () => {
    const steps = [
      'alloc: { name: x, size: 8 }',
      'alloc: { name: y, size: 8 }',
      'overflow: { name: x, bytes: 300, value: 0x55 }',
      'free: x',
      'alloc: { name: x, size: 40 }',
      'free: y',
      'alloc: { name: y, size: 1000 }',
      'delay: 1 ms',
    ];
    const text = oneTask(
      `repeat: { times: forever, steps: [ ${steps.map((step) => `{ ${step} }`).join(', ')} ] }`,
    );
    const heaps = ['heap_2', 'heap_2_coalescing', 'heap_4'].flatMap((name) =>
      ['true', 'false'].map((asserts) => `heap: { name: ${name}, options: { asserts: ${asserts} } }`),
    );
    const texts = heaps.map((heap) => text.replace('heap: heap_4', heap));
    const together = new Together(scratch, texts);
    const results = await Promise.all(texts.map((each) => together.result(each)));
    const asserting = results.filter(({ heap }) => heap.options.asserts === true);
    expect([results.length, asserting.length]).toEqual([6, 3]);
    expect(asserting.filter(({ fault }) => fault === undefined)).toEqual([]);
  });
});
