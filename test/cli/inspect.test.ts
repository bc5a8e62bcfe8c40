/** `heaplab inspect`: events of results, and files that are none. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type OutOfMemoryEvent, RESULT_VERSION, type RunResult } from '../../src/inspect/result.js';
import { heaplab, oneTask, refusal, SCENARIOS, Scratch, usageError } from './run.js';

const scratch = new Scratch();
const RESULT = scratch.path('greedy.json');
/** Of its events only the first two are kept in full. */
const SHORT = scratch.path('short.json');
const HEALTHY = scratch.path('healthy.json');
let result: RunResult;

beforeAll(async () => {
  const healthy = scratch.write('healthy.yaml', oneTask('alloc: { name: x, size: 8 }'));
  const steps = ['alloc: { name: x, size: 3000 }', 'delay: 1 ms'];
  const greedy = scratch.write(
    'greedy.yaml',
    oneTask(`repeat: { times: 10, steps: [ ${steps.map((step) => `{ ${step} }`).join(', ')} ] }`),
  );
  const codes = await Promise.all([
    heaplab(['run', greedy, '--out', RESULT]),
    heaplab(['run', greedy, '--out', SHORT, '--keep-events', '2']),
    heaplab(['run', healthy, '--out', HEALTHY]),
  ]);
  expect(codes.map(({ code }) => code)).toEqual([0, 0, 0]);
  result = JSON.parse(readFileSync(RESULT, 'utf8')) as RunResult;
});

describe.concurrent('inspect', () => {
  it('explains the first event unless told', async () => {
    const [plain, first] = await Promise.all(
      [[], ['--oom', '1']].map((f) => heaplab(['inspect', RESULT, ...f])),
    );
    expect(plain).toEqual(first);
    expect(plain!.code).toBe(0);
    expect(plain!.stdout).toMatch(new RegExp(`^Out of memory 1 of ${result.outOfMemoryCount}: `));
  });

  it('explains the last one', async () => {
    const last = String(result.outOfMemoryCount);
    const { code, stdout } = await heaplab(['inspect', RESULT, '--oom', last]);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Out of memory ${last} of ${last}: `));
  });

  it('tells what of the memory of its pages a heap has given back', async () => {
    const file = scratch.path('reset.json');
    const options = ['--heap', 'mimalloc', '--heap-option', 'reset=madv_dontneed', '--out', file];
    await heaplab(['run', join(SCENARIOS, 'showcase.yaml'), ...options]);
    const { code, stdout } = await heaplab(['inspect', file, '--no-rescue']);
    expect(code).toBe(0);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /Of the memory of its pages [\d,]+ B are committed, [\d,]+ B wait for their reset, [\d,]+ B have been reset /,
    );
  });

  it('lists every block and hole with --blocks', async () => {
    const [brief, full] = await Promise.all(
      [[], ['--blocks']].map((flags) => heaplab(['inspect', RESULT, ...flags])),
    );
    expect(full!.stdout.startsWith(brief!.stdout)).toBe(true);
    const listed = full!.stdout.slice(brief!.stdout.length).match(/^ {2}0x[\da-f]{8} /gm);
    expect(listed).toHaveLength(result.outOfMemory[0]!.map.length);
  });

  it('prints null for no event with --json', async () => {
    const { code, stdout } = await heaplab(['inspect', HEALTHY, '--json']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'null\n' });
  });

  it('prints an event of the result with --json', async () => {
    const { code, stdout } = await heaplab(['inspect', RESULT, '--json', '--oom', '3']);
    expect(code).toBe(0);
    const event = JSON.parse(stdout) as OutOfMemoryEvent;
    expect(event).toMatchObject(result.outOfMemory[2]!);
    const sum = event.map.reduce((bytes, piece) => bytes + piece.bytes, 0);
    expect(sum).toBe(result.heap.regions[0]!.bytes);
  });

  it('has nothing to say about a healthy run', async () => {
    const { code, stdout, stderr } = await heaplab(['inspect', HEALTHY]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('no request failed');
  });
});

describe.concurrent('inspect refuses', () => {
  it.each([
    ['0', /whole number/],
    ['first', /whole number/],
    ['1e400', /whole number/],
    ['10', /1 to 9/],
  ])('--oom %s', async (number, expected) => {
    const [problem, ...others] = await refusal(['inspect', RESULT, '--oom', number]);
    expect(others).toEqual([]);
    expect(problem!.code).toBe('bad-option');
    expect(problem!.message).toContain(`--oom ${number}`);
    expect(problem!.expected).toMatch(expected);
  });

  it.each([
    ['x', '--oom x'],
    ['2', 'did not happen'],
  ])('event %s of a run without any', async (number, message) => {
    for (const flags of [[], ['--json']]) {
      const [problem, ...others] = await refusal(['inspect', HEALTHY, '--oom', number, ...flags]);
      expect(others).toEqual([]);
      expect(problem!.code).toBe('bad-option');
      expect(problem!.message).toContain(message);
    }
  });

  it('an event that was not kept, and says what keeps it', async () => {
    const [problem] = await refusal(['inspect', SHORT, '--oom', '3']);
    expect(problem!.message).toContain('not kept');
    expect(problem!.expected).toContain('--keep-events');
  });

  it.each<[name: string, content: string | Uint8Array, message: RegExp]>([
    ['a scenario', readFileSync(join(SCENARIOS, 'showcase.yaml')), /JSON/],
    ['binary', Uint8Array.from([0x1f, 0x8b, 0, 0xff]), /JSON/],
    ['half a result', `{"version":${RESULT_VERSION},"scenario":{"name":"x"`, /JSON/],
    ['null', 'null', /./],
    ['a list', '[]', /version/],
    [
      'a result of an older version',
      '{"version":1}',
      new RegExp(`older heaplab .*version 1, .*version ${RESULT_VERSION}`),
    ],
    [
      'a result of a newer version',
      `{"version":${RESULT_VERSION + 1}}`,
      new RegExp(`newer .*version ${RESULT_VERSION + 1}, .*version ${RESULT_VERSION}`),
    ],
    ['a result without its parts', `{"version":${RESULT_VERSION}}`, /scenario/],
  ])('%s', async (name, content, message) => {
    const file = scratch.write(`${name.replaceAll(' ', '-')}.json`, content);
    const [problem, ...others] = await refusal(['inspect', file]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ place: file, code: 'syntax' });
    expect(problem!.message).toMatch(message);
    expect(problem!.expected).toContain('--out');
  });

  it('a result with an impossible number, and says where', async () => {
    const file = scratch.write('changed.json', JSON.stringify({ ...result, operations: -1 }));
    const [problem] = await refusal(['inspect', file]);
    expect(problem!.message).toContain('operations');
  });

  it.each([
    ['a missing file', scratch.path('missing.json'), 'there is no such file'],
    ['a folder', scratch.folder, 'it is a directory'],
  ])('%s', async (_name, file, reason) => {
    const [problem, ...others] = await refusal(['inspect', file]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ place: file, code: 'unreadable-file' });
    expect(problem!.message).toBe(`cannot read the file: ${reason}`);
  });

  it.each([
    [['inspect'], 'result.json'],
    [['inspect', RESULT, '--ooms', '1'], '--oom'],
  ])('%j', async (args, named) => {
    expect(await usageError(args)).toContain(named);
  });
});
