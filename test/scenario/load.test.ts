import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { loadScenario, parseScenario } from '../../src/scenario/load.js';
import type { Step } from '../../src/scenario/scenario.js';
import { brief, problemsOf } from '../input/problems.js';
import { HEAPS, SHOWCASE } from './texts.js';

const options = { heapNames: HEAPS };
const parse = (text: string) => parseScenario(text, 'test.yaml', options);

const MINIMAL = `name: Small
target: stm32f103c8
heap: heap_4
duration: 10 s
tasks:
  main: { priority: 1, script: [] }
`;

describe('a whole scenario', () => {
  const scenario = parse(SHOWCASE);

  it('becomes plain data', () => {
    expect(scenario).toMatchObject({
      file: 'test.yaml',
      name: 'Telemetry node',
      description: 'What to look at\n',
      target: 'stm32f103c8',
      heap: { name: 'heap_2', options: { asserts: false } },
      length: { kind: 'time', time: { amount: 10, unit: 'seconds' } },
      seed: 7,
      globals: ['shared_frame'],
      onOom: { kind: 'retry', delay: { amount: 0.01, unit: 'seconds' }, times: 3 },
      idleHook: [{ kind: 'log', text: 'idle' }],
    });
  });

  it('has its queues, with places', () => {
    expect(scenario.queues).toEqual([
      { name: 'samples', length: 8, itemBytes: 16, at: { line: 13, column: 3 } },
      { name: 'commands', length: 2, itemBytes: 4, at: { line: 14, column: 3 } },
    ]);
  });

  it('has its interrupts; the first comes after one period if nothing is said', () => {
    expect(scenario.interrupts).toMatchObject([
      {
        name: 'uart',
        first: { kind: 'constant', value: { amount: 0.0015, unit: 'seconds' } },
        period: { kind: 'exponential', mean: { amount: 0.003, unit: 'seconds' }, limits: {} },
        count: 100,
        script: [{ kind: 'send', timeout: { amount: 0, unit: 'seconds' }, at: { line: 21, column: 9 } }],
        at: { line: 16, column: 3 },
      },
      {
        name: 'timer',
        first: { kind: 'constant', value: { amount: 5, unit: 'ticks' } },
        period: { kind: 'constant', value: { amount: 5, unit: 'ticks' } },
      },
    ]);
    expect(scenario.interrupts[1]).not.toHaveProperty('count');
  });

  it('has its tasks, in the order of the file', () => {
    const [sampler, logger] = scenario.tasks;
    expect(sampler).toMatchObject({
      name: 'sampler',
      priority: 3,
      stackBytes: 512,
      period: { amount: 0.01, unit: 'seconds' },
      deadline: { amount: 0.008, unit: 'seconds' },
      loop: false,
      autostart: true,
      at: { line: 26, column: 3 },
    });
    expect(logger).toMatchObject({ name: 'logger', priority: 1, loop: true, autostart: false });
    expect(logger).not.toHaveProperty('stackBytes');
  });

  it('knows where each step stands, also inside others', () => {
    const [alloc, choose] = scenario.tasks[0]!.script as readonly Step[];
    expect(alloc?.at).toEqual({ line: 32, column: 9 });
    expect(choose?.kind === 'choose' && choose.branches[1]?.steps[0]?.at).toEqual({ line: 35, column: 34 });
  });

  it('has its expectations', () => {
    expect(scenario.expect).toEqual({
      outcome: 'finished',
      resets: { atMost: 2 },
      oom: { atMost: 0 },
      missedDeadlines: { atMost: 3 },
      minimumEverFreeBytes: 2048,
      fragmentation: 0.6,
      longestSuspension: { amount: 0.0001, unit: 'seconds' },
    });
  });
});

it('a small scenario has defaults', () => {
  expect(parse(MINIMAL)).toEqual({
    file: 'test.yaml',
    source: MINIMAL,
    name: 'Small',
    description: '',
    target: 'stm32f103c8',
    targetAt: { line: 2, column: 9 },
    heap: { name: 'heap_4', options: {} },
    length: { kind: 'time', time: { amount: 10, unit: 'seconds' } },
    seed: 1,
    globals: [],
    queues: [],
    interrupts: [],
    tasks: [
      { name: 'main', priority: 1, loop: false, autostart: true, script: [], at: { line: 6, column: 3 } },
    ],
    idleHook: [],
    onOom: { kind: 'continue' },
    expect: {},
  });
});

describe('single keys', () => {
  const withLine = (line: string) => parse(MINIMAL.replace(/^duration: 10 s$/m, line));

  it.each<[text: string, length: unknown]>([
    ['10 s', { kind: 'time', time: { amount: 10, unit: 'seconds' } }],
    ['5000 ticks', { kind: 'time', time: { amount: 5000, unit: 'ticks' } }],
    ['100_000 operations', { kind: 'operations', count: 100_000 }],
    ['1 operation', { kind: 'operations', count: 1 }],
  ])('duration: %s', (text, length) => {
    expect(withLine(`duration: ${text}`).length).toEqual(length);
  });

  it.each(['0 s', '0 operations', '10', '', '1.5 operations', '-1 s'])('not duration: %s', (text) => {
    const [problem] = problemsOf(() => withLine(`duration: ${text}`));
    expect(problem).toMatchObject({ start: { line: 4 }, expected: expect.stringContaining('5000 ticks') });
  });

  it.each<[text: string, limit: unknown]>([
    ['none', { atMost: 0 }],
    ['at least 1', { atLeast: 1 }],
    ['at most 3', { atMost: 3 }],
    ['exactly 2', { atLeast: 2, atMost: 2 }],
  ])('expect: { oom: %s }', (text, limit) => {
    expect(parse(`${MINIMAL}expect: { oom: ${text} }\n`).expect.oom).toEqual(limit);
  });

  it.each(['some', '0', 'at least', 'at least -1', '"exactly 2 "'])('not expect: { oom: %s }', (text) => {
    const problems = problemsOf(() => parse(`${MINIMAL}expect: { oom: ${text} }\n`));
    expect(problems.map((problem) => problem.start)).toEqual([{ line: 7, column: 16 }]);
  });

  it.each<[text: string, policy: unknown]>([
    ['halt', { kind: 'halt' }],
    ['reset', { kind: 'reset' }],
    [
      '{ hook: [{ log: gone }] }',
      { kind: 'hook', script: [{ kind: 'log', text: 'gone', at: { line: 7, column: 18 } }] },
    ],
    [
      '{ retry: { delay: 3 ticks, times: 2 } }',
      { kind: 'retry', delay: { amount: 3, unit: 'ticks' }, times: 2 },
    ],
  ])('on oom: %s', (text, policy) => {
    expect(parse(`${MINIMAL}on oom: ${text}\n`).onOom).toEqual(policy);
  });

  it.each<[text: string, policy: unknown]>([
    ['defer', { kind: 'defer' }],
    ['compact', { kind: 'compact' }],
    [
      '{ hook: [{ compact: fully }] }',
      { kind: 'hook', script: [{ kind: 'compact', at: { line: 7, column: 23 } }] },
    ],
  ])('on fullness: %s', (text, policy) => {
    expect(parse(`${MINIMAL}on fullness: ${text}\n`).onFullness).toEqual(policy);
    expect(parse(MINIMAL)).not.toHaveProperty('onFullness');
  });

  it('on fullness: only what there is', () => {
    const problems = problemsOf(() => parse(`${MINIMAL}on fullness: later\n`));
    expect(problems.map(brief)).toEqual(['wrong-value 7:14']);
  });
});

describe('the heap and the target', () => {
  const check = (text: string, more = {}) =>
    problemsOf(() => parseScenario(text, 'test.yaml', { ...options, ...more })).map(brief);

  it('must be a heap that there is', () => {
    expect(check(MINIMAL.replace('heap_4', 'heap4'))).toEqual(['unknown-name 3:7 heap_4']);
    expect(check(MINIMAL.replace('heap_4', '{ name: haep_2 }'))).toEqual(['unknown-name 3:15 heap_2']);
  });

  it('has only the options it knows, if the caller says which', () => {
    const heapOptions = () =>
      v.strictObject({ asserts: v.optional(v.boolean()), limit: v.optional(v.number()) });
    const text = MINIMAL.replace('heap_4', '{ name: heap_4, options: { assert: true, limit: x } }');
    expect(check(text, { heapOptions })).toEqual(['unknown-key 3:34 asserts', 'wrong-type 3:55']);
  });

  it('takes options of any plain type', () => {
    const text = MINIMAL.replace('heap_4', '{ name: heap_4, options: { a: true, b: 1, c: x } }');
    expect(parse(text).heap.options).toEqual({ a: true, b: 1, c: 'x' });
    expect(check(text.replace('c: x', 'c: []'))).toEqual(['wrong-type 3:52']);
  });

  it('is a target that there is, if the caller says which, or a path', () => {
    const targetNames = ['stm32f103c8', 'rp2040'];
    expect(check(MINIMAL.replace('stm32f103c8', 'rp204'), { targetNames })).toEqual([
      'unknown-name 2:9 rp2040',
    ]);
    const path = MINIMAL.replace('stm32f103c8', './my.yaml');
    expect(parseScenario(path, 'test.yaml', { ...options, targetNames }).target).toBe('./my.yaml');
  });
});

describe('files', () => {
  it('are read and named as the user did', () => {
    const directory = mkdtempSync(join(tmpdir(), 'heaplab-scenario-'));
    try {
      const path = join(directory, 'small.yaml');
      writeFileSync(path, MINIMAL);
      expect(loadScenario(path, options)).toEqual({ ...parse(MINIMAL), file: path });
      expect(problemsOf(() => loadScenario(`${path}x`, options)).map(brief)).toEqual([
        `unreadable-file ${path}`,
      ]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each<[name: string, text: string, problems: string[]]>([
    ['an empty one', '', ['wrong-type 1:1']],
    ['only comments', '# later\n', ['wrong-type 1:1']],
    ['a list', '- name: x\n', ['wrong-type 1:1']],
    ['no YAML', 'name: "x\n', ['syntax 2:1']],
  ])('with %s', (_name, text, problems) => {
    const found = problemsOf(() => parse(text));
    expect(found.map(brief)).toEqual(problems);
  });

  it('that are empty say what is expected', () => {
    const [problem] = problemsOf(() => parse(''));
    expect(problem?.message).toBe('the file is empty');
    expect(problem?.expected).toContain('"tasks"');
  });

  it('may use anchors, aliases and merge keys', () => {
    const text = `${MINIMAL}  first: &task { priority: 2, script: [&step { delay: 1 ms }, *step] }
  second: { <<: *task, priority: 3 }
`;
    const [, first, second] = parse(text).tasks;
    const steps = first!.script as readonly Step[];
    expect(second).toMatchObject({ priority: 3, script: steps.map(({ kind }) => ({ kind })) });
  });
});
