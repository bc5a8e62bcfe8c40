/** mempool with its original's constants, by the command lines of test/vectors/README.md. */

import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { expectSameLines } from '../vectors.js';
import { heaplab, Scratch, VECTORS } from './run.js';

const scratch = new Scratch();

/** The lines of the page that are commands, without the program's name. */
const COMMANDS = readFileSync(`${VECTORS}/README.md`, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('    heaplab replay') && line.includes('--heap mempool'))
  .map((line) => line.trim().split(' ').slice(1));

const FOLDERS = ['mempool-2M', 'mempool-f128', 'mempool-slab'];

const cases = FOLDERS.flatMap((folder, index) => {
  const files = readdirSync(`${VECTORS}/${folder}`).filter((file) => file.endsWith('.out.gz'));
  return files.map((file) => ({ folder, name: file.replace('.out.gz', ''), command: COMMANDS[index]! }));
});

async function answers(command: readonly string[], trace: string): Promise<string[]> {
  const [replay, _trace, ...flags] = command;
  const { code, stdout, stderr } = await heaplab([replay!, trace, ...flags]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

function withoutFreeBytes(line: string): string {
  return line.split(' ').slice(0, 2).join(' ');
}

describe.concurrent('replay --ops answers as the repaired mempool did', () => {
  it('has cases', () => expect([COMMANDS.length, cases.length]).toEqual([3, 10]));

  it.each(cases)('$folder $name', async ({ folder, name, command }) => {
    const recorded = gunzipSync(readFileSync(`${VECTORS}/${folder}/${name}.out.gz`)).toString();
    const inFolder = folder === 'mempool-slab' ? folder : 'traces';
    const lines = await answers(command, `${VECTORS}/${inFolder}/${name}.trace.gz`);
    expectSameLines(lines.map(withoutFreeBytes), recorded.trimEnd().split('\n'));
  });

  it('and not so if time stands still: pages go back only when they are old enough', async () => {
    const command = COMMANDS[0]!.filter((word) => word !== '--op-time' && word !== '1ms');
    const recorded = gunzipSync(readFileSync(`${VECTORS}/mempool-2M/gen-bimodal-4-s1.out.gz`)).toString();
    const lines = await answers(command, `${VECTORS}/traces/gen-bimodal-4-s1.trace.gz`);
    expect(lines.map(withoutFreeBytes)).not.toEqual(recorded.trimEnd().split('\n'));
  });
});

describe.concurrent('a trace of caches', () => {
  const trace = scratch.write('caches.trace', 'K 7 48\nS 1 7 1\nS 2 7 3\na 3 48\nT 1\nf 2\nT 3\n');

  it.each(['heap_4', 'slab', 'mempool', 'tlsf', 'rmalloc'])('is replayed on %s', async (heap) => {
    const { code, stdout } = await heaplab(['replay', trace, '--heap', heap, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ operations: 7, allocations: 3, frees: 3, peakLiveBytes: 240 });
  });

  it('takes n times the bytes from malloc where there are no arrays', async () => {
    const offsets = async (text: string) => {
      const { stdout } = await heaplab(['replay', scratch.write('arrays.trace', text), '--ops']);
      return stdout;
    };
    const [first, ...arrays] = (await offsets('K 0 24\nS 0 0 1\nS 1 0 3\nT 0\n')).split('\n');
    expect(first).toMatch(/^0 0 \d+$/);
    const plain = (await offsets('a 0 24\na 1 72\nf 0\n')).split('\n');
    expect(arrays).toEqual(plain.map((line) => line.replace(/^\d/, (index) => String(Number(index) + 1))));
  });
});
