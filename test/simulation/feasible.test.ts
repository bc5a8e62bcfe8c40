/** What a scenario asks of a chip that it cannot give, told before anything runs. */

import { describe, expect, it } from 'vitest';
import { problemLine } from '../../src/input/index.js';
import { parseScenario } from '../../src/scenario/load.js';
import { infeasibilities } from '../../src/simulation/feasible.js';
import { loadTarget } from '../../src/targets/load.js';

const TARGET = loadTarget('stm32f103c8');

/** `tasks` begin in line 5. */
function problemsOf(body: string, tickHertz = 100): string[] {
  const text = `name: x\ntarget: stm32f103c8\nheap: heap_4\nduration: 1 s\n${body}`;
  const scenario = parseScenario(text, 'demo.yaml', { heapNames: ['heap_4'] });
  const found = infeasibilities(scenario, { ...TARGET, tickHertz });
  for (const problem of found) expect(problem).toMatchObject({ code: 'contradiction', source: text });
  return found.map(problemLine);
}

const steps = (...list: string[]) =>
  `queues: { q: { length: 1 } }\ntasks: { a: { priority: 1, script: [${list.join(',')}] } }\n`;

describe('a wait shorter than a tick', () => {
  it('is told with its line', () => {
    const script = 'tasks:\n  a:\n    priority: 1\n    script:\n      - log: x\n      - delay: 1 ms\n';
    expect(problemsOf(script)).toEqual([
      'demo.yaml:10:9: "delay": 1 ms is less than a tick (10 ms): no wait at all comes of it; expected at least 10 ms',
    ]);
    expect(problemsOf(script, 1000)).toEqual([]);
  });

  it.each<[step: string, part: string]>([
    ['{ delay: 9.9 ms }', '"delay": 9.9 ms is less'],
    ['{ delay: 0.5 ticks }', '"delay": 0.5 ticks is less'],
    ['{ delay: 1 cycle }', '"delay": 1 cycle is less'],
    ['{ delay until: 5 ms }', '"delay until": 5 ms is less'],
    ['{ send: { queue: q, value: 1, timeout: 5 ms } }', '"timeout": 5 ms is less'],
    ['{ receive: { queue: q, timeout: 5 ms } }', '"timeout": 5 ms is less'],
    [
      '{ alloc: { name: b, size: 8, on oom: { retry: { delay: 2 ms, times: 1 } } } }',
      '"retry": 2 ms is less',
    ],
    ['{ alloc: { name: b, size: 8, on oom: { hook: [{ delay: 3 ms }] } } }', '"delay": 3 ms is less'],
    ['{ repeat: { times: 2, steps: [{ choose: [{ weight: 1, steps: [{ delay: 4 ms }] }] }] } }', '4 ms is'],
    ['{ alloc: { name: b, size: 8 } }, { if allocated: b, else: [{ delay: 6 ms }] }', '"delay": 6 ms'],
  ])('%s', (step, part) => {
    const [problem, ...others] = problemsOf(steps(step));
    expect(others).toEqual([]);
    expect(problem).toContain(part);
  });

  it('in the policy and the idle hook of the whole scenario', () => {
    const found = problemsOf(`on oom: { retry: { delay: 1 ms, times: 2 } }\n${steps('{ delay: 10 ms }')}`);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^demo\.yaml: "retry": 1 ms is less than a tick/);
  });

  it.each([
    '{ delay: 0 }',
    '{ delay: 0 ms }',
    '{ delay: 10 ms }',
    '{ delay: 1 tick }',
    '{ delay: { uniform: { from: 0, to: 15 ms } } }',
    '{ receive: { queue: q, timeout: 0 } }',
    '{ receive: { queue: q } }',
    '{ compute: 1 us }',
  ])('is not %s', (step) => {
    expect(problemsOf(steps(step))).toEqual([]);
  });
});

describe('a task', () => {
  it.each<[task: string, part: string]>([
    ['{ priority: 99, script: [] }', 'task a has priority 99'],
    ['{ priority: 1, stack: 0, script: [] }', 'task a has no stack'],
    ['{ priority: 1, period: 1 ms, script: [] }', 'shorter than a tick; expected at least 10 ms'],
  ])('%s', (task, part) => {
    const [problem, ...others] = problemsOf(`tasks: { a: ${task} }\n`);
    expect(others).toEqual([]);
    expect(problem).toContain(part);
    expect(problem).toMatch(/^demo\.yaml:5:/);
  });
});
