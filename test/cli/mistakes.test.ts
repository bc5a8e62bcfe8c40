/** Scenario files and profiles that are wrong: everything at once, with its place, what to write, a guess. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { heaplab, oneTask, type Refused, refusal, SCENARIOS, Scratch } from './run.js';

const scratch = new Scratch();
const GOOD = join(SCENARIOS, 'showcase.yaml');

const MANY = `name: broken
targt: stm32f103c8
target: stm32f103c9
heap: { name: heap_2, options: { asert: true } }
duration: 10 parsecs
queues:
  mail: { length: 0 }
interrupts:
  alarm: { period: 1 ms, script: [ { delay: 1 ms } ] }
tasks:
  first:
    priority: -1
    stack: 12 furlongs
    deadline: 3 ms
    script:
      - aloc: { name: x, size: 10 }
      - free: y
      - send: { queue: male, value: 1 }
      - delay: ten
      - resume: frist
      - alloc: { name: z, size: { uniform: { from: 20, to: 10 } } }
  IDLE:
    priority: 1
    script: []
expect:
  oom: some
`;

/** Line and column, code, what the message names, the nearest valid word. */
const FOUND: readonly (readonly [place: string, code: string, named: string, nearest?: string])[] = [
  ['2:1', 'unknown-key', '"targt"', 'target'],
  ['3:9', 'unknown-name', '"stm32f103c9"', 'stm32f103c8'],
  ['4:34', 'unknown-key', '"asert"', 'asserts'],
  ['5:11', 'wrong-value', '"10 parsecs"'],
  ['7:19', 'wrong-value', '"length" is 0'],
  ['9:38', 'wrong-value', '"delay"'],
  ['12:15', 'wrong-value', '"priority" is -1'],
  ['13:12', 'wrong-value', '"12 furlongs"'],
  ['14:15', 'contradiction', '"deadline"'],
  ['16:9', 'unknown-name', '"aloc"', 'alloc'],
  ['17:15', 'unknown-name', '"y"'],
  ['18:24', 'unknown-name', '"male"', 'mail'],
  ['19:16', 'wrong-value', '"ten"'],
  ['20:17', 'unknown-name', '"frist"', 'first'],
  ['21:60', 'contradiction', '"from" is above "to"'],
  ['22:3', 'wrong-value', '"IDLE"'],
  ['26:8', 'wrong-value', '"some"'],
];

describe.concurrent('a scenario with many mistakes', () => {
  it.each(['run', 'check'])('has them all reported by %s', async (command) => {
    const file = scratch.write(`many-${command}.yaml`, MANY);
    const problems = await refusal([command, file]);
    expect(problems.map(({ place, code }) => [place, code])).toEqual(
      FOUND.map(([place, code]) => [`${file}:${place}`, code]),
    );
    for (const [index, [, , named, nearest]] of FOUND.entries()) {
      const problem = problems[index]!;
      expect(problem.message).toContain(named);
      if (nearest !== undefined) expect(problem.nearest).toBe(nearest);
    }
    for (const problem of problems) expectFrame(problem, MANY);
    const unexplained = problems.filter(
      ({ expected, nearest, code }) =>
        expected === undefined && nearest === undefined && code !== 'contradiction',
    );
    expect(unexplained).toEqual([]);
  });

  it('does not hide those of the next file', async () => {
    const first = scratch.write('first.yaml', MANY);
    const second = scratch.path('missing.yaml');
    const { code, stdout, stderr } = await heaplab(['run', GOOD, second, first]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`${FOUND.length + 1} problems`);
    expect(stderr.indexOf('missing.yaml')).toBeLessThan(stderr.indexOf('first.yaml'));
  });

  it('shows twenty and counts the rest', async () => {
    const steps = Array.from({ length: 30 }, () => '      - nothing\n').join('');
    const file = scratch.write(
      'thirty.yaml',
      `name: x\ntarget: rp2040\nheap: heap_4\nduration: 1 s
tasks:\n  a:\n    priority: 1\n    script:\n${steps}`,
    );
    const { code, stderr } = await heaplab(['check', file]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^30 problems, the first 20 shown$/m);
    expect(stderr.match(/error\[/g)).toHaveLength(20);
  });
});

it('says in a scenario why a heap cannot be what another rests on, where it stands', async () => {
  const text = (inner: string) =>
    oneTask('- delay: 1 ms').replace(/^heap: .*$/m, `heap: { name: slab, options: { inner: ${inner} } }`);
  const file = scratch.write('inner.yaml', text('buddy_handles'));
  const [moving] = await refusal(['check', file]);
  expect(moving!.expected).toMatch(/^one of buddy, .*; not buddy_handles: it moves blocks/);
  expect(moving!.nearest).toBeUndefined();
  expectFrame(moving!, text('buddy_handles'));
  const [slip] = await refusal(['check', scratch.write('slip.yaml', text('mimalock'))]);
  expect(slip!.nearest).toBe('mimalloc');
});

/** The frame shows the line that is blamed, marked, with the mistake underlined. */
function expectFrame({ place, frame }: Refused, source: string): void {
  const [line, column] = place.split(':').slice(-2).map(Number) as [number, number];
  const marked = frame.findIndex((shown) => shown.trimStart().startsWith('>'));
  const [, number, text] = /^\s*> *(\d+) \|(?: (.*))?$/.exec(frame[marked]!)!;
  expect(Number(number)).toBe(line);
  expect(text).toBe(source.split('\n')[line - 1]);
  const [, blanks] = /\| ( *)\^/.exec(frame[marked + 1]!)!;
  expect(blanks!.length).toBe(column - 1);
}

const LAUGHS = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  .map((name, index, names) => {
    const item = index === 0 ? 'ha' : `*${names[index - 1]}`;
    return `${name}: &${name} [${Array.from({ length: 9 }, () => item).join(', ')}]\n`;
  })
  .join('');

describe('check refuses a file that', () => {
  const written: [name: string, text: string | Uint8Array, place: string, code: string, message: RegExp][] = [
    ['is empty', '', '1:1', 'wrong-type', /empty/],
    ['is a comment', '# nothing\n', '1:1', 'wrong-type', /empty/],
    ['is a list', '- name\n', '1:1', 'wrong-type', /list/],
    ['is one word', 'hello\n', '1:1', 'wrong-type', /hello/],
    ['is indented by a tab', 'name: x\n\ttarget: y\n', '2:1', 'syntax', /tab/],
    ['has a key twice', `name: x\n${scenarioKeys()}`, '2:1', 'syntax', /twice/],
    ['has no end of a list', 'name: [a\n', '2:1', 'syntax', /./],
    ['has two documents', 'name: x\n---\nname: y\n', '2:1', 'syntax', /second document/],
    ['uses an anchor that is not there', 'name: *x\n', '1:7', 'syntax', /"x"/],
    ['uses an anchor inside itself', 'name: &x [ *x ]\n', '1:12', 'syntax', /"x"/],
    ['has a key like every object', 'constructor: 1\n', '1:1', 'syntax', /"constructor"/],
    ['is an alias bomb', LAUGHS, '1:1', 'syntax', /aliases/],
    ['is nested too deeply', `name: ${'['.repeat(50_000)}`, '1:106', 'syntax', /too deeply/],
    [
      'is binary',
      Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0, 0xff, 0xfe]),
      '',
      'unreadable-file',
      /not text/,
    ],
    ['is too large', `name: ${'x'.repeat(2 ** 20)}`, '', 'unreadable-file', /larger/],
  ];
  const named: [name: string, file: string, message: RegExp][] = [
    ['is not there', scratch.path('missing.yaml'), /no such file/],
    ['has a file for a folder', join(scratch.write('plain.yaml', ''), 'x.yaml'), /no such file/],
    ['is a folder', scratch.folder, /directory/],
    ['has a name too long', scratch.path(`${'x'.repeat(300)}.yaml`), /too long/],
  ];
  const cases = [
    ...written.map(([name, text, place, code, message]) => {
      const file = scratch.write(`${name.replaceAll(/\W+/g, '-')}.yaml`, text);
      return { name, file, place: place === '' ? file : `${file}:${place}`, code, message };
    }),
    ...named.map(([name, file, message]) => ({ name, file, place: file, code: 'unreadable-file', message })),
  ];
  const found = once(() => refusal(['check', ...cases.map(({ file }) => file)]));

  it.each(cases)('$name', async ({ file, place, code, message }) => {
    const problems = (await found()).filter((problem) => isAbout(problem, file));
    expect(problems.map((problem) => [problem.place, problem.code])).toEqual([[place, code]]);
    expect(problems[0]!.message).toMatch(message);
  });
});

function isAbout({ place }: Refused, file: string): boolean {
  return place === file || place.startsWith(`${file}:`);
}

/** Many files in one process, when the first of them is asked for. */
function once<T>(start: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= start();
    return result;
  };
}

function scenarioKeys(): string {
  return `name: y
target: generic-32
heap: heap_4
duration: 1 s
tasks:
  a: { priority: 1, script: [ { delay: 1 ms } ] }
`;
}

describe.concurrent.each(['run', 'check'])('%s refuses what the target cannot give', (command) => {
  const scenario = scratch.write(
    `three-${command}.yaml`,
    `name: three
target: generic-32
heap: heap_4
duration: 1 s
tasks:
  urgent: { priority: 200, script: [] }
  hasty: { priority: 1, period: 1 us, script: [] }
  bare: { priority: 1, stack: 0, script: [] }
`,
  );

  it('with the lines of the tasks', async () => {
    const problems = await refusal([command, scenario]);
    expect(problems.map(({ place, code }) => [place, code])).toEqual(
      [6, 7, 8].map((line) => [`${scenario}:${line}:3`, 'contradiction']),
    );
    for (const { expected } of problems) expect(expected).toBeDefined();
  });

  it('with the lines of static queues and stacks that no RAM could hold', async () => {
    scratch.write('static.yaml', 'extends: generic-32\nkernel: { objects from heap: false }\n');
    const file = scratch.write(
      `static-${command}.yaml`,
      `name: static
target: ./static.yaml
heap: heap_4
duration: 10 ms
queues:
  fits: { length: 2000 }
  none: { length: 4294967295, item size: 4000000 }
tasks:
  large: { priority: 1, stack: 9 KiB, script: [] }
  small: { priority: 1, stack: 4 KiB, script: [] }
`,
    );
    const problems = await refusal([command, file]);
    expect(problems.map(({ place, code }) => [place, code])).toEqual(
      [7, 9].map((line) => [`${file}:${line}:3`, 'contradiction']),
    );
    for (const { message } of problems) expect(message).toContain('8 KiB of RAM');
  });
});

describe.concurrent.each(['run', 'check'])('%s, where the target is the trouble', (command) => {
  it('names the line of a profile that is not there', async () => {
    const text = scenarioKeys().replace('generic-32', './nowhere.yaml');
    const file = scratch.write(`nowhere-${command}.yaml`, text);
    const [problem, ...others] = await refusal([command, file]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ place: `${file}:2:9`, code: 'unreadable-file' });
    expect(problem!.message).toMatch(/nowhere\.yaml": there is no such file/);
    expectFrame(problem!, text);
  });

  it('finds no room for the heap before anything runs', async () => {
    scratch.write('tiny.yaml', 'extends: generic-32\nstatic data: 7650 B\n');
    const file = scratch.write(`tiny-${command}.yaml`, scenarioKeys().replace('generic-32', './tiny.yaml'));
    const { code, stdout, stderr } = await heaplab([command, GOOD, file]);
    expect({ code, ran: stdout.includes('passed') }).toEqual({ code: 2, ran: false });
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('error[contradiction]: generic-32 has no room');
    if (command === 'check') expect(stderr).toContain(`${file}: error`);
  });
});

describe('a profile with mistakes', () => {
  const profiles: [
    name: string,
    text: string,
    ...(readonly [place: string, code: string, named: string])[],
  ][] = [
    [
      'of keys and values',
      'extends: stm32f103c8\nname: mine\nclock: 0 MHz\nalignment: 7\nregion: []\nkernel: { priorities: 0 }\n',
      ['3:8', 'wrong-value', '"0 MHz"'],
      ['4:12', 'wrong-value', '7'],
      ['5:1', 'unknown-key', '"region"'],
      ['6:23', 'wrong-value', '0'],
    ],
    [
      'of regions',
      `extends: stm32f103c8
regions:
  - { name: A, origin: 0x20000002, size: 20 KiB }
  - { name: B, origin: 0x20001000, size: 6 KiB }
  - { name: C, origin: 0xfffffff0, size: 32 }
`,
      ['3:24', 'contradiction', 'A begins at 0x20000002'],
      ['4:5', 'contradiction', 'B overlaps region A'],
      ['5:42', 'contradiction', 'C reaches beyond'],
    ],
    ['of space', 'extends: stm32f103c8\nstatic data: 20 KiB\n', ['2:14', 'contradiction', 'do not fit']],
    ['of ancestry', 'extends: ./of-ancestry.yaml\n', ['1:10', 'contradiction', 'circle']],
    ['of a missing ancestor', 'extends: rp2041\n', ['1:10', 'unknown-name', '"rp2041"']],
    ['of a missing file', 'extends: ./missing.yaml\n', ['1:10', 'unreadable-file', 'missing.yaml']],
  ];
  const cases = profiles.map(([name, text, ...expected]) => {
    return { name, text, expected, file: scratch.write(`${name.replaceAll(' ', '-')}.yaml`, text) };
  });
  const found = once(() => refusal(['check', ...cases.map(({ file }) => file)]));

  it.each(cases)('$name', async ({ text, expected, file }) => {
    const problems = (await found()).filter((problem) => isAbout(problem, file));
    expect(problems.map(({ place, code }) => [place, code])).toEqual(
      expected.map(([place, code]) => [`${file}:${place}`, code]),
    );
    for (const [index, [, , named]] of expected.entries()) expect(problems[index]!.message).toContain(named);
    for (const problem of problems) expectFrame(problem, text);
  });
});

describe.concurrent('check', () => {
  it.each(['check', 'run'])('finds what the target cannot give: %s', async (command) => {
    const text = oneTask('delay: 2 ms', 'delay: 100 us').replace('priority: 1', 'priority: 99');
    const file = scratch.write(`infeasible-${command}.yaml`, text);
    const [priority, delay, ...others] = await refusal([command, file]);
    expect(others).toEqual([]);
    expect(priority).toMatchObject({ place: `${file}:6:3`, code: 'contradiction' });
    expect(delay).toMatchObject({ place: `${file}:10:9`, code: 'contradiction', expected: 'at least 1 ms' });
    expect(delay!.message).toContain('100 µs is less than a tick (1 ms)');
    expectFrame(delay!, text);
  });

  it('says what good files are', async () => {
    const profile = join(SCENARIOS, '../targets/rp2040.yaml');
    const { code, stdout, stderr } = await heaplab(['check', GOOD, profile]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      `${GOOD}: a scenario, showcase on STM32F103C8 with heap_2`,
      `${profile}: a target, RP2040`,
      '',
    ]);
  });

  it('reports the bad ones among good ones', async () => {
    const bad = scratch.write('bad.yaml', MANY);
    const { code, stdout, stderr } = await heaplab(['check', bad, GOOD, scratch.path('missing.yaml')]);
    expect(code).toBe(2);
    expect(stdout).toMatch(/showcase\.yaml: a scenario/);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toContain(`${FOUND.length + 1} problems`);
  });
});

describe.concurrent('a file that is another than was meant', () => {
  const trace = scratch.write('some.trace', 'a 0 8\n');

  it.each([
    ['run', 'showcase.yml', 'showcase.yaml'],
    ['check', 'shwcase.yaml', 'showcase.yaml'],
    ['size', 'overflw.yaml', 'overflow.yaml'],
  ])('%s %s: names the one beside it that is called so', async (command, name, nearest) => {
    const [problem, ...others] = await refusal([command, join(SCENARIOS, name)]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'unreadable-file', nearest: join(SCENARIOS, nearest) });
  });

  it('has no guess where nothing is called so', async () => {
    const [problem] = await refusal(['run', join(SCENARIOS, 'zzzzzzzzzzzz')]);
    expect(problem!.nearest).toBeUndefined();
    expect((await refusal(['run', '/no/such/folder/a.yaml']))[0]!.nearest).toBeUndefined();
  });

  it.each(['run', 'check'])('%s says of a trace which commands take one', async (command) => {
    const [problem, ...others] = await refusal([command, trace]);
    expect(others).toEqual([]);
    expect(problem!.message).toContain('by its name this is a trace');
    expect(problem!.expected).toContain('heaplab replay');
  });

  it('replay says of a scenario which command takes it, instead of blaming each line', async () => {
    const [problem, ...others] = await refusal(['replay', GOOD]);
    expect(others).toEqual([]);
    expect(problem!.message).toContain('by its name it is a scenario');
    expect(problem!.expected).toContain('heaplab run');
  });
});
