import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { generatedTraces, givenArguments, runTool, unknownWord } from '../../scripts/tool.js';
import { UserError } from '../../src/input/index.js';

const FLAGS = { heaps: 'value', locks: 'on' } as const;

describe('arguments', () => {
  it('are words and flags, in any order', () => {
    const { words, flags } = givenArguments(FLAGS, ['one', '--locks', '--heaps', 'tlsf,o1heap', 'two']);
    expect(words).toEqual(['one', 'two']);
    expect([...flags]).toEqual([
      ['locks', 'on'],
      ['heaps', 'tlsf,o1heap'],
    ]);
  });

  it.each([
    [
      ['--heap', 'tlsf'],
      'unknown option "--heap"; expected one of --heaps, --locks; did you mean "--heaps"?',
    ],
    [['-l'], 'unknown option "-l"; expected one of --heaps, --locks'],
    [['--heaps'], '--heaps; expected a value behind it'],
    [['--heaps='], '--heaps; expected a value behind it'],
    [['--locks=yes'], '--locks yes; expected --locks alone'],
  ])('%j are refused', (args, message) => {
    expect(() => givenArguments(FLAGS, args)).toThrow(UserError);
    expect(() => givenArguments(FLAGS, args)).toThrow(message);
  });

  it('may have no flags at all', () => {
    expect(() => givenArguments({}, ['--check'])).toThrow('unknown option "--check"');
  });
});

describe('a folder of traces', () => {
  it('is one of generated ones', () => {
    const [first] = generatedTraces('test/vectors/traces');
    expect(first).toEqual({
      path: join('test/vectors/traces', 'gen-bimodal-4-s1.trace.gz'),
      profile: 'bimodal',
      kib: 4,
    });
  });

  it('has some, exists and is a folder', () => {
    const empty = mkdtempSync(join(tmpdir(), 'heaplab-tool-'));
    expect(() => generatedTraces(empty)).toThrow(`${empty}: cannot read the file: no trace is in there`);
    rmSync(empty, { recursive: true });
    expect(() => generatedTraces(empty)).toThrow('there is no such file; expected a folder of traces');
    expect(() => generatedTraces('README.md')).toThrow('it is no folder; expected a folder of traces');
  });
});

describe('a program', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });

  it("tells the user's mistakes without a stack and exits with 2", async () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await runTool(() => {
      throw new UserError([unknownWord('part', 'replya', ['replay', 'cost'])]);
    });
    const said = write.mock.calls.join('');
    expect(said).toContain('unknown part "replya"');
    expect(said).toContain('expected: one of replay, cost');
    expect(said).toContain('did you mean "replay"?');
    expect(said).not.toContain('    at ');
    expect(process.exitCode).toBe(2);
  });

  it('leaves its own to Node, which shows the stack', async () => {
    const work = () => Promise.reject(new TypeError('ours'));
    await expect(runTool(work)).rejects.toThrow('ours');
  });
});
