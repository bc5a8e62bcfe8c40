/** Loops of scenarios in TypeScript that never come back: they end, and say where they stand. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/load.js';
import { brief, problemsOf } from '../input/problems.js';
import { ran } from './running.js';

const folder = mkdtempSync(join(tmpdir(), 'heaplab-loops-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** A file whose only task does `body`, which begins on line 6, column 5; `before` is in line 1. */
function file(body: string, before = '', more = ''): string {
  return `import { defineScenario, type Script, type TaskCalls } from 'heaplab'; ${before}
export default defineScenario({
  name: 'Loops', target: 'stm32l053r8', heap: 'heap_4', duration: '10 ms', ${more}
  tasks: {
    main: { priority: 1, *script(task) {
    ${body}
    } },
  },
});
`;
}

let count = 0;
const options = { heapNames: ['heap_4'], targetNames: ['stm32l053r8'] };
const load = (text: string) => loadScenario(write(`s${++count}.ts`, text), options);
const thrown = (text: string) => problemsOf(() => ran(load(text)));

describe('a loop that never comes back', () => {
  it.each([
    ['while', 'while (true) {}', '6:5'],
    ['for, without a block', 'let n = 0; for (;;) n++;', '6:16'],
    ['do', 'do { task.now; } while (true);', '6:5'],
    ['for of', 'function* ones() { for (;;) yield 1; } for (const one of ones()) { one; }', '6:'],
    ['for in', 'while (true) for (const key in { a: 1 }) key.trim();', '6:'],
    ['with a label', 'outer: for (;;) { for (;;) continue outer; }', '6:'],
    ['one that catches everything', 'for (;;) { try { for (;;) {} } catch {} }', '6:5'],
    ['behind a call', "yield* task.delay('1 ms');\n\n  while (task.now >= 0);", '8:3'],
    ['in a part of a script', 'yield* spin(task);', '1:'],
  ])('%s', (_, body, place) => {
    const spin = 'function* spin(task: TaskCalls): Script { for (;;) task.now; }';
    const [problem, ...more] = thrown(file(body, spin));
    expect(more).toEqual([]);
    expect(problem!.message).toMatch(/10,000,000 times/);
    expect(brief(problem!)).toMatch(`script-error ${place}`);
  });

  it('is found while a file is loaded, and in files that it imports', () => {
    expect(problemsOf(() => load(file('', 'for (;;) {}'))).map(brief)).toEqual(['script-error 1:72']);
    const path = write('other.ts', '\nexport function spin(): void {\n  for (;;);\n}\n');
    const [problem] = thrown(file('spin();', "import { spin } from './other';"));
    expect(problem).toMatchObject({ file: path, start: { line: 3, column: 3 } });
  });

  it.each([
    ['an interrupt', "interrupts: { i: { period: '1 ms', *script() { for (;;); } } },"],
    ['a hook', 'onOom: { *hook() { for (;;); } },'],
  ])('is found in %s', (_, more) => {
    const problems = thrown(file("yield* task.malloc(1e6); yield* task.delay('5 ms');", '', more));
    expect(problems.map(({ start }) => start?.line)).toEqual([3]);
  });
});

describe('loops that end', () => {
  it('may go round often where time passes', () => {
    const body =
      "for (let n = 0; n < 3; n++) { for (let i = 0; i < 6e6; i++); yield* task.compute('1 ms'); }";
    expect(ran(load(file(`${body} yield* task.log('end');`))).schedule).toContain('3 mark main end');
  });

  it('have their calls and errors where they stand', () => {
    const throwing = "for (const text of ['{}', '{'])\n    JSON.parse(text);";
    expect(thrown(file(throwing)).map(brief)).toEqual(['script-error 7:10']);
    const { result } = ran(load(file('for (let n = 0; n < 2; n++)\n  yield* task.malloc(1e6);')));
    expect(result.outOfMemory.map(({ at }) => at)).toEqual([1, 2].map(() => ({ line: 7, column: 10 })));
  });

  it('do the same, whatever their form', () => {
    const body = `
      let text = '';
      outer: for (const a of [1, 2, 3]) {
        let b = 0;
        while (b < 3) { b++; if (b === 2) continue outer; text += a; }
      }
      for (const key in { x: 1, y: 2 }) text += key;
      do text += '.'; while (text.length < 8);
      const later: (() => number)[] = [];
      for (let i = 0; i < 3; i++) later.push(() => i);
      yield* task.log(text + later.map((f) => f()).join());`;
    expect(ran(load(file(body))).schedule).toContain('0 mark main 123xy...0,1,2');
  });
});
