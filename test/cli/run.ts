/**
 * Starts the program as its users do: another process with arguments, a folder and an environment. It runs
 * what `npm run build` left in dist, because that is what gets installed.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import type { RunResult } from '../../src/inspect/result.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** HEAPLAB_CLI: another build, such as an installed package, to hold the tests against. */
export const MAIN = process.env.HEAPLAB_CLI ?? join(ROOT, 'dist/cli/main.js');

export const SCENARIOS = join(ROOT, 'scenarios');
export const TARGETS = join(ROOT, 'targets');
export const VECTORS = join(ROOT, 'test/vectors');

/** Whatever takes longer hangs. */
const LIMIT_MILLISECONDS = 40_000;

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cwd?: string;
  /** Instead of the environment of the tests, which may ask for colours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes of standard output after which the reader goes away, as `head` does. */
  readonly closeAfter?: number;
  /** Nobody reads standard error. */
  readonly closeErrors?: boolean;
}

/** Also sees to it that the program neither hangs nor crashes: no signal, no code 3, no stack trace. */
export async function heaplab(args: readonly string[], around: Surroundings = {}): Promise<Answer> {
  const answer = await started(args, around);
  const said = `heaplab ${args.join(' ')}\n${answer.stdout}\n${answer.stderr}`;
  expect([0, 1, 2], said).toContain(answer.code);
  expect(stackLines(answer), said).toEqual([]);
  return answer as Answer;
}

function started(args: readonly string[], { cwd, env, closeAfter, closeErrors }: Surroundings) {
  return new Promise<{ code: number | string; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: cwd ?? ROOT,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MILLISECONDS,
      killSignal: 'SIGKILL',
    });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    let received = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      out.push(chunk);
      received += chunk.length;
      if (closeAfter !== undefined && received >= closeAfter) child.stdout.destroy();
    });
    if (closeErrors === true) child.stderr.destroy();
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const stdout = Buffer.concat(out).toString();
      resolve({ code: code ?? signal ?? 'none', stdout, stderr: Buffer.concat(errors).toString() });
    });
  });
}

function stackLines({ stdout, stderr }: { stdout: string; stderr: string }): string[] {
  const lines = `${stdout}\n${stderr}`.split('\n');
  return lines.filter((line) => /^\s+at .*(:\d+:\d+\)?|<anonymous>\)?|node:\S+)$/.test(line));
}

/** One problem as it is printed. */
export interface Refused {
  /** `file:line:column`, as far as it is known. */
  readonly place: string;
  readonly code: string;
  readonly message: string;
  readonly expected: string | undefined;
  readonly nearest: string | undefined;
  /** The code frame's lines. */
  readonly frame: readonly string[];
}

/** The problems for which the program refuses to work: exit code 2, nothing on standard output. */
export async function refusal(args: readonly string[], around: Surroundings = {}): Promise<Refused[]> {
  const answer = await heaplab(args, { ...around, env: { COLUMNS: '500', ...around.env } });
  expect({ code: answer.code, stdout: answer.stdout }, answer.stderr).toEqual({ code: 2, stdout: '' });
  const blocks = answer.stderr.trimEnd().split(/\n\n+/);
  const count = /^(\d+) problems?$/.exec(blocks.pop() ?? '');
  expect(count, answer.stderr).not.toBeNull();
  expect(blocks.length, answer.stderr).toBe(Number(count![1]));
  return blocks.map(refused);
}

function refused(block: string): Refused {
  // What is folded goes on further to the right; code frames have their bars there.
  const unfolded = block.replaceAll(/\n {4}(?=[^\s|>\d])/g, ' ');
  const [head, ...lines] = unfolded.split('\n') as [string, ...string[]];
  const match = /^(?:(.*?): )?error\[([a-z-]+)\]: (.*)$/.exec(head);
  expect(match, block).not.toBeNull();
  const [, place, code, message] = match!;
  return {
    place: place ?? '',
    code: code!,
    message: message!,
    expected: lines.map((line) => /^ {2}expected: (.*)$/.exec(line)?.[1]).find((text) => text !== undefined),
    nearest: lines.map((line) => /^ {2}did you mean "(.*)"\?$/.exec(line)?.[1]).find(Boolean),
    frame: lines.filter((line) => /^\s*>?\s*\d* \|/.test(line)),
  };
}

/** What commander refuses: one line, and where help is. */
export async function usageError(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await heaplab(args);
  expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^error: /);
  expect(stderr).toContain('--help');
  return stderr;
}

/** A folder of the test file's own, removed at its end. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'heaplab-cli-'));

  constructor() {
    afterAll(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Returns the file's path. */
  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }
}

/**
 * Runs many scenarios in one process, when the first of them is asked for: starting one takes longer than
 * most runs.
 */
export class Together {
  private static count = 0;
  private readonly name = `together-${Together.count++}`;
  private results: Promise<readonly RunResult[]> | undefined;

  constructor(
    private readonly scratch: Scratch,
    private readonly texts: readonly string[],
  ) {}

  async result(text: string): Promise<RunResult> {
    this.results ??= this.run();
    return (await this.results)[this.texts.indexOf(text)]!;
  }

  private async run(): Promise<readonly RunResult[]> {
    const files = this.texts.map((text, index) => this.scratch.write(`${this.name}-${index}.yaml`, text));
    const { stdout, stderr } = await heaplab(['run', ...files, '--json']);
    expect(stderr).toBe('');
    return JSON.parse(stdout) as readonly RunResult[];
  }
}

/** A scenario's text: `body` has its tasks and whatever else is not ordinary. Tasks begin in line 5. */
export function scenarioText(body: string, duration = '100 ms'): string {
  return `name: test\ntarget: generic-32\nheap: heap_4\nduration: ${duration}\n${body}`;
}

/** A scenario of one task, whose steps begin in line 9. */
export function oneTask(...steps: readonly string[]): string {
  const script = steps.map((step) => `      - ${step}\n`).join('');
  return scenarioText(`tasks:\n  worker:\n    priority: 1\n    script:\n${script}`);
}
