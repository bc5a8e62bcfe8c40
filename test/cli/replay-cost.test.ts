/**
 * `heaplab replay --cost`: instructions of every call, exact for the build named. The numbers were measured on
 * a Cortex-M3 with gcc 12.2, alignment 8 and a heap of 20,480 bytes; the very first call is left out, since it
 * was measured together with the heap's initialisation.
 */

import { describe, expect, it } from 'vitest';
import { heaplab, Scratch } from './run.js';

const scratch = new Scratch();

async function costs(trace: string, heap: string, build: string): Promise<(readonly [string, number])[]> {
  const { code, stdout, stderr } = await heaplab([
    ...['replay', trace, '--heap', heap, '--heap-size', '20480', '--alignment', '8'],
    ...['--ops', '--cost', build],
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const columns = line.split(' ');
      return [columns[1]!, Number(columns.at(-1))] as const;
    });
}

/** Operation; offset in heap_2 and in heap_4; instructions in heap_2 -Os, -O2 and in heap_4 -Os, -O2. */
const MEASURED = [
  ['a 0 90', 8, 8],
  ['a 1 443', 112, 112, 71, 73, 73, 74],
  ['a 2 56', 568, 568, 67, 67, 69, 69],
  ['a 3 20', 632, 632, 71, 73, 73, 74],
  ['a 4 27', 664, 664, 71, 73, 73, 74],
  ['a 5 19', 704, 704, 71, 73, 73, 74],
  ['a 6 11', 736, 736, 71, 73, 73, 74],
  ['a 7 12', 760, 760, 71, 73, 73, 74],
  ['a 8 37', 784, 784, 71, 73, 73, 74],
  ['a 9 31', 832, 832, 71, 73, 73, 74],
  ['a 10 43', 872, 872, 71, 73, 73, 74],
  ['a 11 48', 928, 928, 67, 67, 69, 69],
  ['f 0', 8, 8, 37, 37, 53, 50],
  ['a 12 13', 8, 8, 71, 73, 73, 74],
  ['a 13 135', 984, 984, 85, 85, 82, 81],
  ['a 14 314', 1128, 1128, 85, 85, 82, 81],
  ['a 15 39', 32, 32, 71, 73, 73, 74],
  ['a 16 43', 1456, 1456, 85, 85, 82, 81],
  ['a 17 8', 80, 80, 55, 54, 64, 64],
  ['f 3', 632, 632, 37, 37, 53, 50],
  ['f 6', 736, 736, 37, 37, 57, 54],
  ['a 18 74', 1512, 1512, 99, 97, 91, 88],
  ['a 19 9', 736, 632, 59, 60, 68, 69],
  ['a 20 8', 632, 736, 55, 54, 64, 64],
  ['a 21 15', 1600, 1600, 71, 73, 73, 74],
  ['a 22 17', 1624, 1624, 71, 73, 73, 74],
  ['f 21', 1600, 1600, 37, 37, 53, 50],
  ['a 23 15', 1600, 1600, 59, 60, 68, 69],
  ['f 10', 872, 872, 37, 37, 53, 50],
  ['a 24 165', 1656, 1656, 85, 85, 82, 81],
  ['a 25 121', 1832, 1832, 85, 85, 82, 81],
  ['f 22', 1624, 1624, 37, 37, 57, 54],
  ['a 26 64', 1968, 1968, 95, 91, 87, 83],
  ['a 27 29', 872, 872, 68, 67, 68, 69],
] as const;

describe.concurrent('replay --cost equals the measurement', () => {
  const trace = scratch.write('measured.trace', MEASURED.map(([operation]) => operation).join('\n'));

  it.each([
    ['heap_2', 'gcc12-Os', 1, 3],
    ['heap_2', 'gcc12-O2', 1, 4],
    ['heap_4', 'gcc12-Os', 2, 5],
    ['heap_4', 'gcc12-O2', 2, 6],
  ] as const)('%s %s', async (heap, build, offset, instructions) => {
    const expected = MEASURED.slice(1).map((row) => [String(row[offset]), row[instructions]]);
    expect((await costs(trace, heap, build)).slice(1)).toEqual(expected);
  });
});

/** Operation, and the instructions that the rules of the measured paths give, at -Os. */
const RULES: Readonly<Record<string, readonly (readonly [string, number, string])[]>> = {
  heap_4: [
    ['a 0 24', Number.NaN, 'initialises'],
    ['a 1 24', 69, 'split'],
    ['a 2 20', 69 + 4, 'split, rounded up'],
    ['a 3 24', 69, 'split'],
    ['a 4 0', 24, 'size 0'],
    ['a 5 30000', 33, 'more than is free: refused before the walk'],
    ['a 6 24', 69, 'split'],
    ['f 1', 53, 'alone, first of the list'],
    ['f 3', 53 + 4, 'alone, behind one hole'],
    ['a 7 24', 64, 'the first hole, whole'],
    ['a 8 200', 69 + 9, 'split, one hole too small'],
    ['f 2', 60, 'merged with the next'],
    ['a 9 9000', 69 + 9, 'split'],
    ['a 10 9000', 69 + 9, 'split'],
    ['f 9', 53 + 4, 'alone, behind one hole'],
    ['a 11 10000', 44 + 3 * 9, 'enough in sum; past two holes and the rest up to the end marker'],
  ],
  heap_2: [
    ['a 0 24', Number.NaN, 'initialises'],
    ['a 1 24', 67, 'split'],
    ['f 0', 37, 'smallest of the list'],
    ['f 1', 37, 'as small as the first'],
    ['a 2 200', 67 + 2 * 9 + 2 * 5, 'past two holes, and the rest past both again'],
    ['f 2', 37 + 2 * 5, 'behind two'],
    ['a 3 24', 55, 'the first hole, whole'],
    ['a 4 20', 55 + 4, 'whole, rounded up'],
    ['a 5 0', 24, 'size 0'],
    ['a 6 30000', 33, 'more than is free'],
  ],
};

describe.concurrent('replay --cost follows the rules of the paths', () => {
  it.each(Object.keys(RULES))('%s', async (heap) => {
    const rules = RULES[heap]!;
    const trace = scratch.write(`rules-${heap}.trace`, rules.map(([operation]) => operation).join('\n'));
    const counted = await costs(trace, heap, 'gcc12-Os');
    expect(counted.slice(1).map(([, cost], index) => [rules[index + 1]![2], cost])).toEqual(
      rules.slice(1).map(([, cost, why]) => [why, cost]),
    );
  });

  it('and names the build in the summary', async () => {
    const trace = scratch.write('summary.trace', 'a 1 24\n');
    const { stdout } = await heaplab(['replay', trace, '--cost', 'gcc12-O2']);
    expect(stdout).toMatch(/cost\s+\d+ instructions \(gcc 12\.2 -O2 on cortex-m3\b/);
  });

  it('and has it in the JSON, with all calls', async () => {
    const trace = scratch.write('json.trace', 'a 1 24\na 2 24\nf 1\n');
    const [{ stdout }, { stdout: plain }, lines] = await Promise.all([
      heaplab(['replay', trace, '--json', '--cost', 'gcc12-Os']),
      heaplab(['replay', trace, '--json']),
      costs(trace, 'heap_4', 'gcc12-Os'),
    ]);
    const { cost, ...summary } = JSON.parse(stdout) as { cost: { build: string; instructions: number } };
    expect(cost).toMatchObject({ calls: 3, estimatedCalls: 0 });
    expect(summary).toEqual(JSON.parse(plain));
    expect(cost.build).toMatch(/gcc 12\.2 -Os/);
    expect(cost.instructions).toBe(lines.reduce((sum, [, instructions]) => sum + Number(instructions), 0));
  });
});

describe.concurrent('replay --cost marks what was never measured', () => {
  // Resizing where the block stands, which TLSF can as long as there is room behind.
  const trace = scratch.write('resized.trace', 'a 1 100\nr 1 200\nf 1\n');
  const replayed = (...flags: string[]) =>
    heaplab(['replay', trace, '--heap', 'tlsf', '--cost', 'gcc12-Os', ...flags]);

  it('behind the number, and nothing else', async () => {
    const { stdout } = await replayed('--ops');
    const [allocated, resized, freed] = stdout.trimEnd().split('\n');
    expect(allocated).toMatch(/^0 3192 \d+ \d+$/);
    expect(resized).toMatch(/^1 3192 \d+ \d+ ~$/);
    expect(freed).toMatch(/^2 3192 \d+ \d+$/);
  });

  it('in the summary and in the JSON', async () => {
    expect((await replayed()).stdout).toContain('1 of 3 calls priced by the nearest measured path');
    expect(JSON.parse((await replayed('--json')).stdout)).toMatchObject({
      cost: { calls: 3, estimatedCalls: 1 },
    });
  });
});
