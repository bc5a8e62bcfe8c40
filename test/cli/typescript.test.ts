/** Scenarios in TypeScript: the compiler takes a second, so that few of these start the program. */

import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/inspect/result.js';
import { heaplab, refusal, Scratch } from './run.js';

const scratch = new Scratch();

/** The steps stand in line 6. */
function script(name: string, steps: string): string {
  return scratch.write(
    `${name}.ts`,
    `import { defineScenario } from 'heaplab';
export default defineScenario({
  name: '${name}', target: 'generic-32', heap: 'heap_4', duration: '100 ms',
  tasks: {
    worker: { priority: 1, *script(task) {
${steps}
    } },
  },
});
`,
  );
}

describe.concurrent('a scenario in TypeScript', () => {
  it('has the mistakes of all files reported, with their places', async () => {
    const files = [
      script('unknown-call', 'yield* task.mallok(3);'),
      script('forgotten', 'task.log("x");'),
      script('unclosed', 'yield* task.delay("1 ms"'),
      scratch.write('nothing.ts', 'export const a = 1;\n'),
      scratch.write('throws.ts', '\nthrow new Error("boom");\n'),
      scratch.path('missing.ts'),
    ];
    const problems = await refusal(['check', ...files]);
    expect(problems.map(({ place, code }) => [place.slice(scratch.folder.length + 1), code])).toEqual([
      ['unknown-call.ts:6:13', 'type-error'],
      ['forgotten.ts:6:1', 'script-error'],
      ['unclosed.ts:7:5', 'syntax'],
      ['nothing.ts', 'script-error'],
      ['throws.ts:2:7', 'script-error'],
      ['missing.ts', 'unreadable-file'],
    ]);
    expect(problems[4]!.message).toContain('boom');
  });

  it('is stopped by a fault at its line', async () => {
    const files = [
      script('freed-twice', 'const x = yield* task.malloc(8); yield* task.free(x); yield* task.free(x);'),
      script('spins', 'for (;;) yield* task.log("x");'),
      script('leaks', 'yield* task.malloc(1e6);'),
    ];
    const { code, stdout, stderr } = await heaplab(['run', ...files, '--json']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const results = JSON.parse(stdout) as RunResult[];
    expect(results.map(({ fault }) => [fault?.kind, fault?.at?.line])).toEqual([
      ['assertion', 6],
      ['endless-loop', 6],
      [undefined, undefined],
    ]);
    expect(results[2]!.outOfMemory[0]!.at?.line).toBe(6);
  });

  it('is to blame for what it throws while it runs', async () => {
    const [problem, ...others] = await refusal([
      'run',
      script('late', 'yield* task.delay("5 ms"); JSON.parse("{");'),
    ]);
    expect(others).toEqual([]);
    expect(problem!.code).toBe('script-error');
    expect(problem!.place).toMatch(/late\.ts:6:\d+$/);
  });

  it('does not hang where it spins', async () => {
    const file = script('spinning', 'yield* task.delay("5 ms");\nwhile (true) {}');
    const [problem, ...others] = await refusal(['run', file]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ place: `${file}:7:1`, code: 'script-error' });
    expect(problem!.message).toContain('without any time passing');
    expect(problem!.frame.join()).toContain('while (true) {}');
  });

  it('is wanted to try what would have helped, but not to explain', async () => {
    const file = script('gone', 'yield* task.malloc(1e6);');
    const out = scratch.path('gone.json');
    await heaplab(['run', file, '--out', out]);
    scratch.write('gone.ts', '// Something else.\n');
    const [problem] = await refusal(['inspect', out]);
    expect(problem).toMatchObject({ place: file, code: 'contradiction' });
    expect(problem!.expected).toContain('--no-rescue');
    expect((await heaplab(['inspect', out, '--no-rescue'])).code).toBe(0);
  });
});
