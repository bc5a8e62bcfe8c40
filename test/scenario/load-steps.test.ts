import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/load.js';
import type { Step } from '../../src/scenario/scenario.js';
import { stepSchemas, stepWords } from '../../src/scenario/schema/steps.js';
import { HEAPS, withSteps } from './texts.js';

/** What the task's script becomes, without places. */
function load(steps: string): unknown {
  const scenario = parseScenario(withSteps(steps), 'test.yaml', { heapNames: HEAPS });
  const { script } = scenario.tasks.find((task) => task.name === 'main')!;
  return JSON.parse(JSON.stringify(script, (key, value) => (key === 'at' ? undefined : value)));
}

/** The one step that `text` becomes, behind steps that give the names it uses. */
function loadOne(text: string): unknown {
  const steps = load(`[{ alloc: { name: b, size: 1 } }, { cache: { name: c, bytes: 8 } }, ${text}]`);
  return (steps as unknown[])[2];
}

const bytes = (value: number) => ({ kind: 'constant', value });
const seconds = (amount: number) => ({ amount, unit: 'seconds' });
const constant = <T>(value: T) => ({ kind: 'constant', value });

const FORMS: [text: string, step: unknown][] = [
  ['{ alloc: { name: a, size: 64 B } }', { kind: 'alloc', name: 'a', size: bytes(64) }],
  ['{ alloc: { name: a, size: 0 } }', { kind: 'alloc', name: 'a', size: bytes(0) }],
  ['{ alloc: { name: a, size: 4294967295 } }', { kind: 'alloc', name: 'a', size: bytes(4294967295) }],
  [
    '{ alloc: { name: a, size: 1, on oom: halt } }',
    { kind: 'alloc', name: 'a', size: bytes(1), onOom: { kind: 'halt' } },
  ],
  [
    '{ alloc: { name: a, size: 1, on oom: { hook: [{ free: b }, yield] } } }',
    {
      kind: 'alloc',
      name: 'a',
      size: bytes(1),
      onOom: { kind: 'hook', script: [{ kind: 'free', name: 'b', which: 'newest' }, { kind: 'yield' }] },
    },
  ],
  ['{ cache: { name: frames, bytes: 64 B } }', { kind: 'cache', name: 'frames', bytes: 64 }],
  ['{ destroy cache: c }', { kind: 'destroy-cache', name: 'c' }],
  ['{ alloc: { name: a, from: c } }', { kind: 'alloc-from', name: 'a', cache: 'c' }],
  [
    '{ alloc: { name: a, from: c, count: 3, on oom: halt } }',
    { kind: 'alloc-from', name: 'a', cache: 'c', count: constant(3), onOom: { kind: 'halt' } },
  ],
  [
    '{ calloc: { name: a, count: 4, size: 16 B } }',
    { kind: 'calloc', name: 'a', count: bytes(4), size: bytes(16) },
  ],
  [
    '{ calloc: { name: a, count: { uniform: { from: 1, to: 3 } }, size: 16 B, on oom: reset } }',
    {
      kind: 'calloc',
      name: 'a',
      count: { kind: 'uniform', minimum: 1, maximum: 3 },
      size: bytes(16),
      onOom: { kind: 'reset' },
    },
  ],
  ['{ realloc: { name: b, size: 2 } }', { kind: 'realloc', name: 'b', size: bytes(2), which: 'newest' }],
  [
    '{ realloc: { name: b, size: 2, which: random, on oom: { retry: { delay: 0, times: 1 } } } }',
    {
      kind: 'realloc',
      name: 'b',
      size: bytes(2),
      which: 'random',
      onOom: { kind: 'retry', delay: seconds(0), times: 1 },
    },
  ],
  ['{ free: b }', { kind: 'free', name: 'b', which: 'newest' }],
  ['{ free: { name: b } }', { kind: 'free', name: 'b', which: 'newest' }],
  ['{ free: { name: b, which: all } }', { kind: 'free', name: 'b', which: 'all' }],
  ['{ defer free: { name: b, per heartbeat: 4 } }', { kind: 'defer-free', name: 'b', perHeartbeat: 4 }],
  ['{ lock: b }', { kind: 'lock', name: 'b', which: 'newest' }],
  ['{ unlock: { name: b, which: oldest } }', { kind: 'unlock', name: 'b', which: 'oldest' }],
  ['{ defer free: { name: b, per heartbeat: 4 } }', { kind: 'defer-free', name: 'b', perHeartbeat: 4 }],
  ['{ fill: { name: b, which: random } }', { kind: 'fill', name: 'b', which: 'random' }],
  ['{ verify: b }', { kind: 'verify', name: 'b', which: 'newest' }],
  ['{ compact: fully }', { kind: 'compact' }],
  ['{ compact: { budget: 2 KiB } }', { kind: 'compact', budget: { bytes: 2048 } }],
  ['{ compact: { budget: 100 } }', { kind: 'compact', budget: { bytes: 100 } }],
  ['{ compact: { budget: 200 us } }', { kind: 'compact', budget: { time: seconds(0.0002) } }],
  [
    '{ compact: { budget: 500 cycles } }',
    { kind: 'compact', budget: { time: { amount: 500, unit: 'cycles' } } },
  ],
  ['{ overflow: { name: b } }', { kind: 'overflow', name: 'b', bytes: 4, value: 255 }],
  [
    '{ overflow: { name: b, bytes: 8 B, value: 0xA5 } }',
    { kind: 'overflow', name: 'b', bytes: 8, value: 165 },
  ],
  ['{ compute: 200 us }', { kind: 'compute', time: constant(seconds(0.0002)) }],
  ['{ compute: 500 cycles }', { kind: 'compute', time: constant({ amount: 500, unit: 'cycles' }) }],
  ['{ delay: 10 ms }', { kind: 'delay', time: constant(seconds(0.01)) }],
  ['{ delay: 0 ticks }', { kind: 'delay', time: constant({ amount: 0, unit: 'ticks' }) }],
  ['{ delay: 0 }', { kind: 'delay', time: constant(seconds(0)) }],
  ['{ delay until: 10 ms }', { kind: 'delay-until', period: seconds(0.01) }],
  [
    '{ send: { queue: q, block: b } }',
    { kind: 'send', queue: 'q', message: { kind: 'block', name: 'b' }, timeout: 'forever' },
  ],
  [
    '{ send: { queue: q, value: 7, timeout: 10 ms } }',
    { kind: 'send', queue: 'q', message: { kind: 'number', first: 7, step: 0 }, timeout: seconds(0.01) },
  ],
  [
    '{ send: { queue: q, value: { from: 50 }, timeout: forever } }',
    { kind: 'send', queue: 'q', message: { kind: 'number', first: 50, step: 1 }, timeout: 'forever' },
  ],
  [
    '{ send: { queue: q, value: { from: 50, step: -5 }, timeout: 0 } }',
    { kind: 'send', queue: 'q', message: { kind: 'number', first: 50, step: -5 }, timeout: seconds(0) },
  ],
  ['{ receive: { queue: q } }', { kind: 'receive', queue: 'q', timeout: 'forever' }],
  [
    '{ receive: { queue: q, name: a, timeout: 3 ticks } }',
    { kind: 'receive', queue: 'q', name: 'a', timeout: { amount: 3, unit: 'ticks' } },
  ],
  [
    '{ repeat: { times: 50, steps: [yield] } }',
    { kind: 'repeat', times: bytes(50), steps: [{ kind: 'yield' }] },
  ],
  [
    '{ repeat: { times: forever, steps: [{ repeat: { times: 1, steps: [] } }] } }',
    { kind: 'repeat', times: 'forever', steps: [{ kind: 'repeat', times: bytes(1), steps: [] }] },
  ],
  [
    '{ repeat: { times: { exponential: { mean: 2.5, max: 9 } }, steps: [] } }',
    { kind: 'repeat', times: { kind: 'exponential', mean: 2.5, limits: { maximum: 9 } }, steps: [] },
  ],
  [
    '{ choose: [{ weight: 3, steps: [yield] }, { weight: 0.5, steps: [] }] }',
    {
      kind: 'choose',
      branches: [
        { weight: 3, steps: [{ kind: 'yield' }] },
        { weight: 0.5, steps: [] },
      ],
    },
  ],
  [
    '{ if allocated: b, then: [{ free: b }] }',
    // biome-ignore lint/suspicious/noThenProperty: the data model's word
    { kind: 'if-allocated', name: 'b', then: [{ kind: 'free', name: 'b', which: 'newest' }], otherwise: [] },
  ],
  [
    '{ if allocated: b, else: [yield] }',
    // biome-ignore lint/suspicious/noThenProperty: the data model's word
    { kind: 'if-allocated', name: 'b', then: [], otherwise: [{ kind: 'yield' }] },
  ],
  ['yield', { kind: 'yield' }],
  ['{ suspend: self }', { kind: 'suspend', task: 'self' }],
  ['{ suspend: other }', { kind: 'suspend', task: 'other' }],
  ['{ resume: other }', { kind: 'resume', task: 'other' }],
  ['{ set priority: { task: self, priority: 4 } }', { kind: 'set-priority', task: 'self', priority: 4 }],
  ['suspend all', { kind: 'suspend-all' }],
  ['resume all', { kind: 'resume-all' }],
  ['{ start task: other }', { kind: 'start-task', task: 'other' }],
  ['{ delete task: self }', { kind: 'delete-task', task: 'self' }],
  ['{ log: some text }', { kind: 'log', text: 'some text' }],
  ['{ log: 12 }', { kind: 'log', text: '12' }],
  [
    '{ churn: { every: 1 ms, size: 64 B, lifetime: 20 ms } }',
    { kind: 'churn', every: constant(seconds(0.001)), size: bytes(64), lifetime: constant(seconds(0.02)) },
  ],
  [
    '{ churn: { every: 1 ms, size: 1, lifetime: 1 s, fill: 70 %, duration: 5 s, on oom: continue } }',
    {
      kind: 'churn',
      every: constant(seconds(0.001)),
      size: bytes(1),
      lifetime: constant(seconds(1)),
      fill: { share: 0.7 },
      duration: seconds(5),
      onOom: { kind: 'continue' },
    },
  ],
  [
    '{ churn: { every: 1 ms, size: 1, lifetime: 1 s, fill: 2 KiB } }',
    {
      kind: 'churn',
      every: constant(seconds(0.001)),
      size: bytes(1),
      lifetime: constant(seconds(1)),
      fill: { bytes: 2048 },
    },
  ],
];

describe('steps', () => {
  it.each(FORMS)('%s', (text, step) => {
    expect(loadOne(text)).toEqual(step);
  });

  it('are all tried above', () => {
    const kinds = FORMS.map(([, step]) => (step as Step).kind.replaceAll('-', ' '));
    const tried = new Set(kinds.filter((kind) => kind !== 'alloc from'));
    expect([...tried].sort()).toEqual([...Object.keys(stepSchemas), ...Object.keys(stepWords)].sort());
  });

  it('know where they stand', () => {
    const text = withSteps(
      '[yield, { repeat: { times: 2, steps: [{ if allocated: b, else: [yield] }] } }, { alloc: { name: b, size: 1, on oom: { hook: [yield] } } }]',
    );
    const { script } = parseScenario(text, 'test.yaml', { heapNames: HEAPS }).tasks[1]!;
    const places = text.split('\n')[9]!;
    const found: string[] = [];
    JSON.stringify(script, (key, value) => {
      if (key === 'at') found.push(places.slice(value.column - 1).split(/[:,\]]/)[0]!);
      return value;
    });
    expect(found.sort()).toEqual(['yield', '{ repeat', '{ if allocated', 'yield', '{ alloc', 'yield'].sort());
  });
});

describe('distributions', () => {
  it.each<[text: string, distribution: unknown]>([
    ['64 B', { kind: 'constant', value: 64 }],
    ['{ uniform: { from: 16 B, to: 256 B } }', { kind: 'uniform', minimum: 16, maximum: 256 }],
    ['{ uniform: { from: 8, to: 8 } }', { kind: 'uniform', minimum: 8, maximum: 8 }],
    ['{ normal: { mean: 64 B, deviation: 0 } }', { kind: 'normal', mean: 64, deviation: 0, limits: {} }],
    [
      '{ normal: { mean: 64 B, deviation: 16 B, min: 8 B, max: 128 B } }',
      { kind: 'normal', mean: 64, deviation: 16, limits: { minimum: 8, maximum: 128 } },
    ],
    [
      '{ log-normal: { median: 64 B, sigma: 0.8, min: 8 B, max: 2 KiB } }',
      { kind: 'log-normal', median: 64, sigma: 0.8, limits: { minimum: 8, maximum: 2048 } },
    ],
    ['{ exponential: { mean: 64 B, min: 8 B } }', { kind: 'exponential', mean: 64, limits: { minimum: 8 } }],
    [
      '{ weighted: [{ value: 24 B, weight: 5 }, { value: 1500 B, weight: 0.1 }] }',
      {
        kind: 'weighted',
        choices: [
          { value: 24, weight: 5 },
          { value: 1500, weight: 0.1 },
        ],
      },
    ],
    [
      '{ histogram: [{ from: 1 B, to: 16 B, weight: 10 }, { from: 17 B, to: 17 B, weight: 3 }] }',
      {
        kind: 'histogram',
        bins: [
          { from: 1, to: 16, weight: 10 },
          { from: 17, to: 17, weight: 3 },
        ],
      },
    ],
  ])('of sizes: %s', (text, size) => {
    expect(loadOne(`{ alloc: { name: a, size: ${text} } }`)).toMatchObject({ size });
  });

  it.each<[text: string, distribution: unknown]>([
    ['{ uniform: { from: 0, to: 3 ticks } }', { minimum: seconds(0), maximum: { amount: 3, unit: 'ticks' } }],
    [
      '{ normal: { mean: 1 ms, deviation: 100 us, min: 10 us } }',
      { mean: seconds(0.001), deviation: seconds(0.0001), limits: { minimum: seconds(0.00001) } },
    ],
    ['{ exponential: { mean: 500 cycles } }', { mean: { amount: 500, unit: 'cycles' } }],
    ['{ log-normal: { median: 1 s, sigma: 0 } }', { median: seconds(1), sigma: 0 }],
    [
      '{ weighted: [{ value: 1 ms, weight: 1 }, { value: 2 ticks, weight: 1 }] }',
      { choices: [{ value: seconds(0.001) }, { value: { amount: 2, unit: 'ticks' } }] },
    ],
    ['{ histogram: [{ from: 1 ms, to: 2 ms, weight: 1 }] }', { bins: [{ from: seconds(0.001) }] }],
  ])('of times: %s', (text, time) => {
    expect(loadOne(`{ delay: ${text} }`)).toMatchObject({ time });
  });
});
