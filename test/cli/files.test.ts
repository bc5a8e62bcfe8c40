/** Files that are none, that never end or that are too large: refused at once, whatever was to be done with them. */

import { execFileSync } from 'node:child_process';
import { existsSync, truncateSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { refusal, Scratch } from './run.js';

const scratch = new Scratch();

/** Without blocks on the disk. */
function emptyFile(name: string, bytes: number): string {
  const path = scratch.write(name, '');
  truncateSync(path, bytes);
  return path;
}

function pipe(): string {
  const path = scratch.path('pipe');
  if (!existsSync(path)) execFileSync('mkfifo', [path]);
  return path;
}

const COMMANDS = [['replay'], ['inspect'], ['check'], ['run']];

describe.concurrent.each(COMMANDS)('%s refuses', (command) => {
  const files: [name: string, file: string, message: RegExp][] = [
    ['a folder', scratch.folder, /directory/],
    ['a file of 5 GB', emptyFile('large', 5e9), /larger than \d+ MiB/],
  ];
  if (process.platform !== 'win32') {
    files.push(['a device', '/dev/zero', /ordinary/], ['a pipe', pipe(), /ordinary/]);
  }

  it.each(files)('%s', async (_name, file, message) => {
    const [problem, ...others] = await refusal([command!, file]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ place: file, code: 'unreadable-file' });
    expect(problem!.message).toMatch(message);
    expect(problem!.expected).toBeDefined();
  });
});

describe('a trace', () => {
  it('may not unpack to any number of bytes', async () => {
    const file = scratch.write('bomb.trace.gz', gzipSync(Buffer.alloc(2 ** 27 + 1)));
    const [problem, ...others] = await refusal(['replay', file]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ place: file, code: 'unreadable-file' });
    expect(problem!.message).toMatch(/unpacked it is larger than 128 MiB/);
  });
});
