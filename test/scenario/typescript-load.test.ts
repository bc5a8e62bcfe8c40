/** Scenario files in TypeScript: what is loaded, and what is said about those that cannot be. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../src/input/index.js';
import { loadScenario, loadScenarioAgain } from '../../src/scenario/load.js';
import { brief, problemsOf } from '../input/problems.js';
import { ran } from './running.js';

const folder = mkdtempSync(join(tmpdir(), 'heaplab-typescript-'));
afterAll(() => rmSync(folder, { recursive: true }));

const options = { heapNames: ['heap_2', 'heap_4'], targetNames: ['stm32l053r8', 'stm32f103c8'] };

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** A file whose only task `main` does `body`, which begins on line 11, column 9. */
function file(body: string, before = ''): string {
  return `import { type Block, defineScenario, type Script, type TaskCalls } from 'heaplab'; ${before}
export default defineScenario({
  name: 'Small',
  target: 'stm32l053r8',
  heap: 'heap_4',
  duration: '10 ms',
  queues: { raw: { length: 2 }, done: { length: 2 } },
  tasks: {
    main: {
      priority: 1, *script(task) {
        ${body}
      },
    },
  },
});
`;
}

let count = 0;
const load = (text: string) => loadScenario(write(`s${++count}.ts`, text), options);
const problemsIn = (text: string) => problemsOf(() => load(text));
const linesOf = (text: string) => ran(load(text)).schedule.map((line) => line.replace(/^\d+ /, ''));
const logged = (text: string) => linesOf(text).filter((line) => line.startsWith('mark'));

describe('a file in TypeScript', () => {
  it('becomes a scenario', () => {
    const text = file("yield* task.delay('1 ms');");
    const path = write('whole.ts', text);
    expect(loadScenario(path, options)).toMatchObject({
      file: path,
      source: text,
      name: 'Small',
      heap: { name: 'heap_4', options: {} },
      length: { kind: 'time', time: { amount: 0.01, unit: 'seconds' } },
      seed: 1,
      queues: [
        { name: 'raw', length: 2, itemBytes: 4, at: { line: 7, column: 13 } },
        { name: 'done', at: { line: 7, column: 33 } },
      ],
      tasks: [{ name: 'main', priority: 1, loop: false, autostart: true, at: { line: 9, column: 5 } }],
      onOom: { kind: 'continue' },
      idleHook: [],
    });
  });

  it('may have helpers, types and classes of its own, and be written in any style', () => {
    const before = `
      enum Kind { Short = 16, Long = 64 }
      class Pool {
        private readonly blocks: (Block | undefined)[] = [];
        *take(task: TaskCalls, kind: Kind): Script { this.blocks.push(yield* task.malloc(kind, 'pool')); }
        *drop(task: TaskCalls): Script { for (const block of this.blocks) yield* task.free(block); }
      }`;
    const body = `const pool = new Pool();
      yield* pool.take(task, Kind.Long); yield* pool.take(task, Kind.Short); yield* pool.drop(task);`;
    const lines = linesOf(file(body, before)).filter((line) => line.includes('pool'));
    expect(lines.map((line) => line.replace(/ \d+$/, ''))).toEqual([
      'malloc main pool',
      'malloc main pool',
      'free main pool',
      'free main pool',
    ]);
  });

  it('may import others, once each, by every usual name', () => {
    write('helper.ts', `import { names } from './names.js'; export const all = [...names, 'helper'];`);
    write('names.ts', `export const names = ['names']; names.push('again');`);
    const before = `import { all } from './helper';
      import { all as same } from './helper.ts'; import { names } from './names.js';
      import { basename } from 'node:path';`;
    // Types of Node's modules have to be asked for.
    const text = file('yield* task.log([all, all === same, names.length].join());', before);
    expect(problemsIn(text).map(brief)).toEqual(['type-error 3:32']);
    expect(logged(text.replace(/import { basename.*/, ''))).toEqual(['mark main names,again,helper,true,2']);
    expect(logged(`/// <reference types="node" />\n${text}`)).toHaveLength(1);
  });

  it('may come with a package that is installed', () => {
    const home = join(folder, 'node_modules', 'some-firmware');
    mkdirSync(home, { recursive: true });
    write('node_modules/some-firmware/package.json', '{ "name": "some-firmware", "type": "module" }');
    const path = write('node_modules/some-firmware/s.ts', file('yield* task.malloc(1e6);'));
    expect(ran(loadScenario(path, options)).result.outOfMemory).toMatchObject([
      { at: { line: 11, column: 16 } },
    ]);
  });

  it('has its variables anew in every run and after every reset', () => {
    const before = 'let boots = 0; const kept: (Block | undefined)[] = [];';
    const body = `kept.push(yield* task.malloc(8)); boots++; yield* task.log(\`\${boots} \${kept.length}\`);
        yield* task.delay('2 ms'); yield* task.malloc(1e6);`;
    const text = file(body, before).replace("duration: '10 ms'", "duration: '10 ms', onOom: 'reset'");
    const scenario = load(text);
    const marks = ran(scenario).schedule.filter((line) => line.includes('mark'));
    expect(marks).toEqual(['0 mark main 1 1', '0 mark main 1 1', '0 mark main 1 1', '0 mark main 1 1']);
    expect(ran(scenario).schedule.filter((line) => line.includes('mark'))).toEqual(marks);
  });

  it('gives its methods the objects that they belong to', () => {
    const text = file('yield* task.log(String(this.priority));');
    expect(logged(text)).toEqual(['mark main 1']);
  });

  it('can use the console while it is being written', () => {
    expect(logged(file("if (task.now > 1e9) console.log('?'); yield* task.log('here');"))).toHaveLength(1);
  });
});

describe('the lines of calls', () => {
  const places = (body: string, before?: string) => {
    const { outOfMemory } = ran(load(file(body, before))).result;
    return outOfMemory.map(({ at, label }) => `${at?.line}:${at?.column} ${label}`);
  };

  it.each([
    ['a declaration', 'const frame = yield* task.malloc(1e6);', ['11:30 frame']],
    ['an assignment', 'let a; let b; a = b = yield* task.malloc(1e6);', ['11:38 b']],
    ['a property', 'const o: { a?: Block } = {}; o.a = (yield* task.malloc(1e6))!;', ['11:52 a']],
    ['an object', 'const o = { first: yield* task.malloc(1e6) };', ['11:35 first']],
    ['nothing', 'yield* task.malloc(1e6);', ['11:16 block']],
    ['a name', "const frame = yield* task.malloc(1e6, 'other');", ['11:30 other']],
    ['lines', '\n\nconst frame =\n  yield* task\n    .malloc(1e6);', ['14:10 frame']],
    ['one line', 'yield* task.malloc(1e6); yield* task.calloc(9, 1e6);', ['11:16 block', '11:41 block']],
    ['calls in calls', 'yield* task.realloc(yield* task.malloc(1e6), 2e6);', ['11:36 block', '11:16 block']],
    ['a loop', 'for (const n of [1, 2]) yield* task.malloc(n * 1e6);', ['11:40 block', '11:40 block']],
  ])('are those of the yield*: %s', (_, body, expected) => {
    expect(places(body)).toEqual(expected);
  });

  it('are in the part of the script that makes the call', () => {
    const before = `
      interface OnlyAType { a: number }

      function* part(task: TaskCalls, o?: OnlyAType): Script<Block | undefined> {
        const inner = yield* task.malloc(1e6);
        return inner;
      }`;
    expect(places('const outer = yield* part(task);', before)).toEqual(['5:30 inner']);
  });

  it('are those of the part where that is in another file', () => {
    write(
      'part.ts',
      `import { type Script, type TaskCalls } from 'heaplab';
      export function* part(task: TaskCalls): Script {
        yield* task.malloc(1e6, 'a');
        yield* task.delay('1 ms');
        yield* task.malloc(1e6, 'b');
      }`,
    );
    const other = "other: { priority: 2, *script(task) { yield* task.delay('1 ms'); } },\n    main";
    const text = file('yield* part(task);', "import { part } from './part.js';").replace('main', other);
    const { outOfMemory } = ran(load(text)).result;
    expect(outOfMemory.map(({ at, label }) => `${at?.line} ${label}`)).toEqual(['12 a', '12 b']);
  });

  it('are told of faults', () => {
    const { result } = ran(
      load(file('const a = yield* task.malloc(8);\nyield* task.free(a);\nyield* task.free(a);')),
    );
    expect(result).toMatchObject({
      outcome: 'fault',
      fault: { kind: 'assertion', at: { line: 13, column: 8 } },
    });
  });
});

describe('what the compiler finds', () => {
  it.each([
    ['a word', "yield* task.malloc('64 X');", 'type-error 11:28'],
    ['a unit', "yield* task.delay('3 msec');", 'type-error 11:27'],
    ['no unit', 'yield* task.delay(3);', 'type-error 11:27'],
    ['a queue', "yield* task.send('rew', 1);", 'type-error 11:26'],
    ['a task', "yield* task.resume('mein');", 'type-error 11:28'],
    ['no block', 'const b = yield* task.malloc(8); yield* task.fill(b);', 'type-error 11:59'],
    ['a variable', 'yield* task.free(nothing);', 'type-error 11:26'],
    ['a call of nobody', 'yield* task.mallok(8);', 'type-error 11:21'],
    ['no call', "task.delay('1 ms');", 'script-error 11:9'],
    ['no asterisk', "yield task.delay('1 ms');", 'type-error 10:21', 'script-error 11:15'],
    ['no call at all', 'yield;', 'type-error 10:21', 'script-error 11:9'],
    ['chance', 'yield* task.malloc(Math.random() * 64);', 'script-error 11:28'],
    ['the clock', 'yield* task.log(Date.now());', 'script-error 11:25'],
    ['the date', 'yield* task.log(new Date().toString());', 'script-error 11:25'],
    ['a bracket', 'yield* task.free(undefined;', 'syntax 11:35'],
    ['a top-level await', '', 'syntax 1:84', 'await task;'],
  ])('%s', (_, body, ...expected) => {
    const [before] = expected.filter((text) => text.startsWith('await'));
    const codes = expected.filter((text) => text !== before);
    expect(problemsIn(file(body, before)).map(brief)).toEqual(codes);
  });

  it('is in other files too', () => {
    write('wrong.ts', 'export const a: number = 1;\nexport const b: number = "2";\n');
    const problems = problemsIn(file('', "import { a } from './wrong.js'; a.toFixed();"));
    expect(problems.map(brief)).toEqual(['type-error 2:14']);
    expect(problems[0]).toMatchObject({ file: join(folder, 'wrong.ts') });
  });

  it('is nothing about the files around', () => {
    write('tsconfig.json', '{ "compilerOptions": { "strict": false, "noEmit": true, "nonsense": 3 } }');
    expect(problemsIn(file('const b = yield* task.malloc(8); b.bytes;')).map(brief)).toEqual([
      'type-error 11:42',
    ]);
  });

  it('is told with the text, the code of the compiler and one sentence', () => {
    const text = file("yield* task.send('rew', 1);");
    expect(problemsIn(text)).toMatchObject([
      {
        message: `Argument of type '"rew"' is not assignable to parameter of type '"raw" | "done"' (TS2345)`,
        source: text,
        start: { line: 11, column: 26 },
        end: { line: 11, column: 31 },
      },
    ]);
  });
});

describe('what the description gets wrong', () => {
  const change = (from: string, to: string) => problemsIn(file('').replace(from, to));

  it.each([
    ["heap: 'heap_4'", "heap: 'heap_3'", 'unknown-name 5:9 heap_2'],
    ["target: 'stm32l053r8'", "target: 'stm32l053r9'", 'unknown-name 4:11 stm32l053r8'],
    ["duration: '10 ms'", "duration: '0 ms'", 'wrong-value 6:13'],
    ["duration: '10 ms'", "duration: '1.5 operations'", 'wrong-value 6:13'],
    ['priority: 1', 'priority: 256', 'wrong-value 10:17'],
    ['priority: 1', "priority: 1, deadline: '1 ms'", 'contradiction 10:30'],
    ['main:', 'IDLE:', 'wrong-value 9:5'],
    ['main:', "'two words':", 'wrong-value 9:5'],
    ['raw: { length: 2 }', 'raw: { length: 2, itemSize: -1 }', 'wrong-value 7:41'],
    ["name: 'Small'", "name: 'Small', expect: { minimumEverFree: 0.5 }", 'wrong-value 3:45'],
    ["name: 'Small'", "name: 'Small', onOom: { retry: { delay: 0, times: 0 } }", 'wrong-value 3:53'],
  ])('%s as %s', (from, to, expected) => {
    expect(change(from, to).map(brief)).toEqual([expected]);
  });

  it('is told in its own words', () => {
    const text = 'expect: { missedDeadlines: "at most 1e3" }';
    const [problem] = change("name: 'Small'", `name: 'Small', ${text}`);
    expect(problem?.message).toBe('"missedDeadlines" is "at most 1e3"');
  });

  it('is found where the description is not written down in place', () => {
    const text = file('')
      .replace('export default defineScenario(', 'const said = (')
      .replace('(task)', '(task: TaskCalls)')
      .replace("'10 ms'", "'0 s' as const");
    expect(problemsIn(`${text}export default defineScenario(said);\n`).map(brief)).toEqual([
      'wrong-value 16:31',
    ]);
  });
});

describe('what runs wrong', () => {
  const thrown = (text: string): readonly Problem[] => problemsOf(() => ran(load(text)));

  it.each([
    ['an error', "throw new Error('no luck');", 'Error: no luck', '11:15'],
    ['a text', "yield* task.log(1); throw 'no luck';", '"no luck"', '11:16'],
    ['what JavaScript throws', 'const list: string[] = []; list[0]!.trim();', "reading 'trim'", '11:45'],
    ['what others throw', "JSON.parse('{');", 'SyntaxError: ', '11:14'],
    ['a recursion', 'const f = (): void => f(); f();', 'RangeError: ', '11:31'],
    ['an error later', "yield* task.delay('1 ms');\nthrow new TypeError('x');", 'TypeError: x', '12:7'],
  ])('%s', (_, body, message, place) => {
    const [problem, ...more] = thrown(file(body));
    expect(more).toEqual([]);
    expect(problem?.message).toContain(`this threw `);
    expect(problem?.message).toContain(message);
    expect(brief(problem!)).toBe(`script-error ${place}`);
  });

  it.each([
    ['a size', 'yield* task.malloc(1.5);', '11:16'],
    ['a negative size', 'yield* task.malloc(-1);', '11:16'],
    ['a distribution', 'yield* task.malloc({ uniform: { from: 9, to: 1 } });', '11:16'],
    ['a time', "yield* task.compute('-1 ms');", '11:16'],
    ['a priority', "yield* task.setPriority('self', 99);", '11:16'],
    ['a byte', 'yield* task.overflow((yield* task.malloc(8))!, 4, 256);', '11:16'],
    ['a message', "yield* task.send('raw', 0.5);", '11:16'],
    [
      'a block as a number',
      "yield* task.send('raw', (yield* task.malloc(8))!); yield* task.receiveNumber('raw');",
      '11:67',
    ],
    ['a number as a block', "yield* task.send('raw', 1); yield* task.receive('raw');", '11:44'],
    ['no block', 'yield* task.fill(5 as never);', '11:16'],
    ['a call that is kept', 'const c = task.malloc(8); yield* task.yield(); yield* c;', '11:47'],
    ['a call made twice', 'const c = task.malloc(8); yield* c; yield* c;', '11:52'],
    ['a pick from nothing', 'yield* task.log(task.random.pick([]));', '11:37'],
  ])('%s that cannot be', (_, body, place) => {
    expect(thrown(file(body)).map(brief)).toEqual([`script-error ${place}`]);
  });

  it('is found in handlers, hooks and other files', () => {
    write('throwing.ts', "\n\nexport function never(): void {\n  throw new Error('never');\n}\n");
    const inFile = thrown(file('never();', "import { never } from './throwing.js';"));
    expect(inFile).toMatchObject([{ file: join(folder, 'throwing.ts'), start: { line: 4, column: 9 } }]);
    const handler = "interrupts: { i: { period: '1 ms', *script() { throw new Error(); } } },\n  tasks:";
    expect(thrown(file("yield* task.delay('5 ms');").replace('tasks:', handler)).map(brief)).toEqual([
      'script-error 8:56',
    ]);
    const hook = 'onOom: { *hook() { throw new Error(); } },\n  tasks:';
    expect(thrown(file('yield* task.malloc(1e6);').replace('tasks:', hook)).map(brief)).toEqual([
      'script-error 8:28',
    ]);
  });

  it.each([
    ['a file that throws', "throw new Error('early');\n", 'script-error 1:7'],
    ['no default export', 'export const scenario = 1;\n', 'script-error'],
    ['no scenario', 'export default { name: 1 };\n', 'script-error'],
    ['an empty file', '', 'script-error'],
    ['no TypeScript', '# just a note\n', 'syntax 1:1'],
  ])('%s', (_, text, expected) => {
    expect(problemsIn(text).map(brief).slice(0, 1)).toEqual([expected]);
  });

  it.each(['s.js', 's.mts', 's.tsx'])('is a file in another language: %s', (name) => {
    expect(problemsOf(() => loadScenario(write(name, file('')), options)).map(brief)).toEqual([
      'unreadable-file',
    ]);
  });

  it('is a file that is not there, or is none', () => {
    expect(problemsOf(() => loadScenario(join(folder, 'none.ts'), options)).map(brief)).toEqual([
      // The nearest file's name stands behind it.
      expect.stringMatching(/^unreadable-file/),
    ]);
    expect(problemsOf(() => loadScenario(write('b.ts', '\0'), options)).map(brief)).toEqual([
      'unreadable-file',
    ]);
  });
});

describe('a run once more', () => {
  it('takes the file as it was, and none that has changed', () => {
    const text = file("yield* task.log('one');");
    const path = write('again.ts', text);
    expect(ran(loadScenarioAgain(path, text, options)).schedule).toContain('0 mark main one');
    write('again.ts', text.replace('one', 'two'));
    expect(problemsOf(() => loadScenarioAgain(path, text, options)).map(brief)).toEqual(['contradiction']);
  });
});
