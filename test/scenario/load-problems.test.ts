import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/input/index.js';
import { parseScenario } from '../../src/scenario/load.js';
import { brief, problemsOf } from '../input/problems.js';
import { HEAPS, SHOWCASE, withSteps } from './texts.js';

const options = { heapNames: HEAPS };
const problemsIn = (text: string) => problemsOf(() => parseScenario(text, 'test.yaml', options));

/** The problems of a step, with columns that count from the step's own first. */
function stepProblems(step: string): string[] {
  const found = problemsIn(withSteps(`[${step}, { alloc: { name: b, size: 1 } }]`));
  return found.map((problem) => {
    expect(problem.start?.line).toBe(10);
    const column = problem.start!.column - 5;
    return brief({ ...problem, start: { line: 1, column } }).replace('1:', '');
  });
}

describe('steps', () => {
  it.each<[step: string, problems: string[]]>([
    // Which step?
    ['{ aloc: { name: a, size: 1 } }', ['unknown-name 3 alloc']],
    ['{ delete: self }', ['unknown-name 3 delete task']],
    ['yeild', ['unknown-name 1 yield']],
    ['dealy', ['unknown-name 1 delay']],
    ['delay', ['wrong-type 1']],
    ['{ yield: 1 }', ['wrong-value 1']],
    ['{}', ['wrong-value 1']],
    ['~', ['wrong-type 1']],
    ['5', ['wrong-type 1']],
    ['[yield]', ['wrong-type 1']],
    ['{ free: b, alloc: { name: b, size: 1 } }', ['unknown-key 12']],
    // What about it? Never more than the part that is wrong.
    ['{ alloc: b }', ['wrong-type 10']],
    ['{ alloc: }', ['wrong-type 10']],
    ['{ alloc: { size: 1 } }', ['missing-key 10']],
    ['{ alloc: { name: b, sise: 1 } }', ['contradiction 10', 'unknown-key 21 size']],
    ['{ alloc: { name: b, size: 1, from: a } }', ['unknown-name 36', 'contradiction 36']],
    ['{ cache: { name: b, bytes: 0 } }', ['wrong-value 28']],
    ['{ alloc: { name: 2b, size: 1.5 } }', ['wrong-value 18', 'wrong-value 28']],
    ['{ alloc: { name: b, size: -1 } }', ['wrong-value 27']],
    ['{ alloc: { name: b, size: 4294967296 } }', ['wrong-value 27']],
    ['{ alloc: { name: b, size: 4 ms } }', ['wrong-value 27']],
    ['{ alloc: { name: b, size: 1, on oom: stop } }', ['wrong-value 38']],
    ['{ alloc: { name: b, size: 1, on oom: { hok: [] } } }', ['unknown-name 40 hook']],
    ['{ alloc: { name: b, size: 1, on oom: { hook: [yeild] } } }', ['unknown-name 47 yield']],
    [
      '{ alloc: { name: b, size: 1, on oom: { retry: { delay: 1, times: 0 } } } }',
      ['wrong-value 56', 'wrong-value 66'],
    ],
    ['{ calloc: { name: b, count: 1.5, size: 1 } }', ['wrong-value 29']],
    ['{ realloc: { name: b, size: 1, which: all } }', ['wrong-value 39']],
    ['{ free: { name: b, which: newst } }', ['wrong-value 27 newest']],
    ['{ free: [] }', ['wrong-type 9']],
    ['{ compact: all }', ['wrong-type 12']],
    ['{ compact: {} }', ['missing-key 12']],
    ['{ compact: { budget: 0 } }', ['wrong-value 22']],
    ['{ compact: { budget: 3 bits } }', ['wrong-value 22']],
    ['{ compact: { bugdet: 3 } }', ['missing-key 12', 'unknown-key 14 budget']],
    ['{ overflow: { name: b, value: 256, bytes: x } }', ['wrong-value 31', 'wrong-value 43']],
    ['{ compute: 10 }', ['wrong-value 12']],
    ['{ delay until: 0 ms }', ['wrong-value 16']],
    ['{ delay until: { uniform: { from: 1 ms, to: 2 ms } } }', ['wrong-type 16']],
    ['{ send: { queue: q } }', ['contradiction 9']],
    ['{ send: { queue: q, block: b, value: 1 } }', ['contradiction 38']],
    ['{ send: { queue: q, value: 1.5, timeout: never } }', ['wrong-value 28', 'wrong-value 42']],
    ['{ receive: { name: b } }', ['missing-key 12']],
    ['{ repeat: { times: often, steps: yield } }', ['wrong-type 20', 'wrong-type 34']],
    ['{ repeat: { times: -1, steps: [{ fre: b }] } }', ['wrong-value 20', 'unknown-name 34 free']],
    ['{ choose: [] }', ['wrong-value 11']],
    ['{ choose: { weight: 1, steps: [] } }', ['wrong-type 11']],
    [
      '{ choose: [{ weight: 0, steps: [] }, { steps: [5] }] }',
      ['wrong-value 22', 'missing-key 38', 'wrong-type 48'],
    ],
    ['{ if allocated: b }', ['contradiction 1']],
    ['{ if allocated: b, than: [] }', ['contradiction 1', 'unknown-key 20 then']],
    ['{ if allocated: b, then: [{ fre: b }] }', ['unknown-name 29 free']],
    ['{ set priority: { task: self, priority: -1 } }', ['wrong-value 41']],
    ['{ log: [] }', ['wrong-type 8']],
    ['{ churn: { every: 0 ms, size: 1, lifetime: 1 s } }', ['wrong-value 19']],
    [
      '{ churn: { every: 1 ms, size: 1, lifetime: 1 s, fill: 101 %, duration: 0 s } }',
      ['wrong-value 55', 'wrong-value 72'],
    ],
    // Names.
    ['{ send: { queue: p, value: 1 } }', ['unknown-name 18 q']],
    ['{ receive: { queue: queue } }', ['unknown-name 21']],
    ['{ resume: ohter }', ['unknown-name 11 other']],
    ['{ resume: self }', ['unknown-name 11']],
    ['{ suspend: nobody }', ['unknown-name 12']],
    ['{ set priority: { task: mian, priority: 1 } }', ['unknown-name 25 main']],
    ['{ start task: main }', ['contradiction 15']],
    ['{ free: c }', ['unknown-name 9 b']],
    ['{ lock: { name: shred } }', ['unknown-name 17']],
    ['{ free: shared }', ['unknown-name 9']],
    ['{ if allocated: c, then: [] }', ['unknown-name 17 b']],
    ['{ send: { queue: q, block: c } }', ['unknown-name 28 b']],
    ['{ overflow: { name: c } }', ['unknown-name 21 b']],
  ])('%s', (step, problems) => {
    expect(stepProblems(step)).toEqual(problems);
  });

  it.each<[step: string, problems: string[]]>([
    ['{ unifrm: { from: 1, to: 2 } }', ['unknown-name 3 uniform']],
    ['uniform', ['wrong-type 1']],
    ['{}', ['wrong-value 1']],
    ['[]', ['wrong-type 1']],
    ['{ uniform: { from: 3 } }', ['missing-key 12']],
    ['{ uniform: { from: 3, to: 2 } }', ['contradiction 27']],
    ['{ uniform: { from: x, to: 2 ms } }', ['wrong-value 20', 'wrong-value 27']],
    ['{ normal: { mean: 0, deviation: -1 } }', ['wrong-value 19', 'wrong-value 33']],
    ['{ normal: { mean: 5, deviation: 1, min: 9, max: 8 } }', ['contradiction 49']],
    ['{ log-normal: { median: 5, sigma: -1 } }', ['wrong-value 35']],
    ['{ log-normal: { median: 5, sigma: 1, min: 2 B, max: 1 B } }', ['contradiction 53']],
    ['{ exponential: { mean: 5, min: 2, max: 1, mx: 3 } }', ['contradiction 40', 'unknown-key 43 max']],
    ['{ exponential: { mean: 0 } }', ['wrong-value 24']],
    ['{ weighted: [] }', ['wrong-value 13']],
    [
      '{ weighted: [{ value: 1, weight: 0 }, { value: x, weight: 1 }] }',
      ['wrong-value 34', 'wrong-value 48'],
    ],
    ['{ histogram: [{ from: 2, to: 1, weight: 1 }] }', ['contradiction 30']],
    ['{ histogram: [{ from: 2, to: 1, weight: -1 }] }', ['contradiction 30', 'wrong-value 41']],
  ])('a size %s', (size, problems) => {
    const before = '{ alloc: { name: b, size: '.length;
    const found = stepProblems(`{ alloc: { name: b, size: ${size} } }`);
    expect(found.map((line) => line.replace(/\d+/, (column) => String(Number(column) - before)))).toEqual(
      problems,
    );
  });

  it('cannot compare times of different units', () => {
    const found = problemsIn(withSteps('[{ delay: { uniform: { from: 1 ms, to: 3 ticks } } }]'));
    expect(found).toMatchObject([{ code: 'contradiction', message: expect.stringContaining('unit') }]);
  });
});

describe('block names', () => {
  const two = (first: string, second: string, more = '') => `name: Two
target: stm32f103c8
heap: heap_4
duration: 10 s
queues: { q: { length: 1 } }
${more}
tasks:
  first: { priority: 1, script: [${first}] }
  second: { priority: 1, script: [${second}] }
`;
  const alloc = (name: string) => `{ alloc: { name: ${name}, size: 1 } }`;

  it('are a task’s own', () => {
    const [problem, ...more] = problemsIn(two(alloc('frame'), `${alloc('other')}, { free: frame }`));
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: 'unknown-name', start: { line: 9 }, expected: 'other' });
    expect(problem?.message).toContain('task "second"');
  });

  it('are shared if they are global', () => {
    const text = two(alloc('frame'), '{ free: frame }', 'globals: [frame]');
    expect(parseScenario(text, 'test.yaml', options).globals).toEqual(['frame']);
  });

  it.each([
    '{ calloc: { name: x, count: 1, size: 1 } }, { free: x }',
    '{ realloc: { name: x, size: 1 } }, { free: x }',
    '{ receive: { queue: q, name: x } }, { free: x }',
    '{ free: x }, { repeat: { times: 2, steps: [{ alloc: { name: x, size: 1 } }] } }',
    '{ choose: [{ weight: 1, steps: [{ alloc: { name: x, size: 1 } }] }] }, { free: x }',
    '{ alloc: { name: y, size: 1, on oom: { hook: [{ alloc: { name: x, size: 1 } }] } } }, { free: x }',
  ])('are known from %s', (steps) => {
    expect(() => parseScenario(two(steps, ''), 'test.yaml', options)).not.toThrow();
  });

  it('in the scenario’s hook may be any task’s', () => {
    const hook = 'on oom: { hook: [{ free: frame }, { free: farme }] }';
    expect(problemsIn(two(alloc('frame'), '', hook)).map(brief)).toEqual(['unknown-name 6:43 frame']);
  });

  it('in the hook of fullness are its own', () => {
    const hook = 'on fullness: { hook: [{ free: frame }] }';
    expect(problemsIn(two(alloc('frame'), '', hook)).map(brief)).toEqual(['unknown-name 6:31']);
  });

  it('in the idle hook are its own', () => {
    const hook = 'idle hook: [{ free: frame }]';
    expect(problemsIn(two(alloc('frame'), '', hook)).map(brief)).toEqual(['unknown-name 6:21']);
  });
});

describe('interrupts', () => {
  const problems = (script: string) =>
    problemsIn(
      `${SHOWCASE}`.replace('script: [{ send: { queue: samples, value: { from: 1 }, timeout: 0 } }]', script),
    ).map(brief);

  it.each<[script: string, found: string[]]>([
    ['script: [{ delay: 1 ms }]', ['wrong-value 24:16']],
    ['script: [yield, { delay: 1 ms }]', ['wrong-value 24:14', 'wrong-value 24:23']],
    ['script: [{ receive: { queue: samples, timeout: 1 ms } }]', ['contradiction 24:52']],
    ['script: [{ receive: { queue: samples, timeout: forever } }]', ['contradiction 24:52']],
    ['script: [{ receive: { queue: sample } }]', ['unknown-name 24:34 samples']],
    ['script: [{ receive: { queue: samples, name: x } }, { free: y }]', ['unknown-name 24:64 x']],
    ['script: [{ send: { queue: samples, value: 1, timeout: 1 ms } }]', ['contradiction 24:59']],
    ['script: [{ send: { queue: samples, value: 1, timeout: forever } }]', ['contradiction 24:59']],
    ['script: [{ repeat: { times: 2, steps: [{ suspend: sampler }] } }]', ['wrong-value 24:46']],
    ['script: [yeild]', ['unknown-name 24:14 yield']],
    ['script: [{ free: x }]', ['unknown-name 24:22']],
  ])('may not contain %s', (script, found) => {
    expect(problems(script)).toEqual(found);
  });

  it.each([
    'script: [{ receive: { queue: samples, name: x } }, { free: x }, { receive: { queue: samples, timeout: 0 } }]',
    'script: [{ log: x }, { compute: 10 cycles }, { alloc: { name: x, size: 1 } }, { free: x }]',
    'script: [{ calloc: { name: x, count: 1, size: 1 } }, { if allocated: x, then: [{ free: x }] }]',
    'script: [{ repeat: { times: 2, steps: [{ choose: [{ weight: 1, steps: [{ log: x }] }] }] } }]',
  ])('may contain %s', (script) => {
    const text = SHOWCASE.replace(
      'script: [{ send: { queue: samples, value: { from: 1 }, timeout: 0 } }]',
      script,
    );
    expect(() => parseScenario(text, 'test.yaml', options)).not.toThrow();
  });

  it('cannot come all the time', () => {
    expect(problemsIn(SHOWCASE.replace('period: 5 ticks', 'period: 0 ticks')).map(brief)).toEqual([
      'wrong-value 23:13',
    ]);
  });
});

describe('tasks, queues and the rest', () => {
  it.each<[from: string, to: string, problems: string[]]>([
    ['    period: 10 ms\n', '', ['contradiction 29:15']],
    ['loop: true', 'loop: true\n    period: 1 ms', ['contradiction 39:11']],
    ['deadline: 8 ms', 'deadline: 0', ['wrong-value 30:15']],
    ['priority: 3', 'priority: high', ['wrong-type 27:15']],
    ['priority: 1', 'priority: 1\n    stak: 512 B', ['unknown-key 39:5 stack']],
    ['  logger:', '  IDLE:', ['wrong-value 37:3', 'unknown-name 36:21']],
    ['  logger:', '  self:', ['wrong-value 37:3', 'unknown-name 36:21']],
    ['  logger:', '  my logger:', ['wrong-value 37:3', 'unknown-name 36:21 my logger']],
    ['    autostart: false\n', '', ['contradiction 36:21']],
    ['length: 8', 'length: 0', ['wrong-value 13:22']],
    ['length: 8, ', '', ['missing-key 13:12']],
    ['  commands:', '  samples:', ['syntax 14:3']],
    ['seed: 7', 'seed: 4294967296', ['wrong-value 8:7']],
    ['shared_frame]', 'shared frame]', ['wrong-value 9:11', 'unknown-name 43:15']],
    [
      'queues:\n',
      'queues: []\nqueus:\n',
      [
        'wrong-type 12:9',
        'unknown-key 13:1 queues',
        'unknown-name 22:24',
        'unknown-name 25:31',
        'unknown-name 43:27',
      ],
    ],
    ['60 %', '0.6', ['wrong-value 48:18']],
    ['expect:', 'expct:', ['unknown-key 44:1 expect']],
    ['oom: none', 'oom: never', ['wrong-value 45:8']],
    ['outcome: finished', 'outcome: finish', ['wrong-value 50:12 finished']],
    ['outcome: finished', 'outcome: 1', ['wrong-type 50:12']],
    ['resets: at most 2', 'resets: 2', ['wrong-value 51:11']],
    ['resets: at most 2', 'fault: none', ['unknown-key 51:3']],
  ])('%j as %j', (from, to, problems) => {
    const text = SHOWCASE.replace(from, to);
    const found = problemsIn(text).map(brief);
    expect(found.toSorted()).toEqual(problems.toSorted());
  });

  it('needs a task', () => {
    const text = SHOWCASE.slice(0, SHOWCASE.indexOf('tasks:'));
    expect(problemsIn(text).map(brief)).toEqual(['missing-key 2:1']);
    expect(problemsIn(`${text}tasks: {}\n`).map(brief)).toEqual(['wrong-value 25:8']);
    expect(problemsIn(`${text}tasks: []\n`).map(brief)).toEqual(['wrong-type 25:8']);
  });

  it('says all that is wrong with a file at once, in its order', () => {
    const text = `name: 1
target: stm32f103c8
heap: heap_5
durations: 10 s
queues: { q: { length: none } }
queues: { q: { length: none } }
tasks:
  main:
    script:
      - free: nothing
      - send: { queue: p }
      - yeild
`;
    expect(problemsIn(text).map(brief)).toEqual([
      'missing-key 1:1',
      'wrong-type 1:7',
      'unknown-name 3:7 heap_1',
      'unknown-key 4:1 duration',
      'syntax 6:1',
      'wrong-type 6:24',
      'missing-key 9:5',
      'unknown-name 10:15',
      'contradiction 11:15',
      'unknown-name 11:24 q',
      'unknown-name 12:9 yield',
    ]);
  });
});

describe('whatever stands in a file', () => {
  /** Cuts a piece out of the showcase and puts a piece of it, or a word, somewhere else. */
  const mutation = fc
    .tuple(
      fc.nat(),
      fc.nat(60),
      fc.nat(),
      fc.constantFrom('', '[', '{ }', ': ', '- ', '\n', '~', '&a ', '*a', '0'),
    )
    .map(([from, length, to, word]) => {
      const start = from % SHOWCASE.length;
      const piece = word === '' ? SHOWCASE.slice(start, start + length) : word;
      const rest = SHOWCASE.slice(0, start) + SHOWCASE.slice(start + length);
      const place = to % rest.length;
      return rest.slice(0, place) + piece + rest.slice(place);
    });

  it('becomes a scenario or problems with places, never anything else', () => {
    fc.assert(
      fc.property(mutation, (text) => {
        try {
          parseScenario(text, 'test.yaml', options);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
          const { problems } = error as UserError;
          expect(problems.length).toBeGreaterThan(0);
          for (const problem of problems) {
            expect(problem.start?.line).toBeGreaterThanOrEqual(1);
            expect(problem.message).not.toMatch(/undefined|\[object|Invalid/);
          }
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
