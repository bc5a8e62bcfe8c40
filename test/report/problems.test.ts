import { describe, expect, it } from 'vitest';
import { type Problem, UserError } from '../../src/input/index.js';
import { problemReport } from '../../src/report/problems.js';
import { widthOf } from '../../src/report/text.js';
import { paint, stripped } from './fixture.js';

const SOURCE = 'name: demo\ntasks:\n  - name: logger\n    stak: 512 B\n    script: []\n';
const UNKNOWN: Problem = {
  code: 'unknown-key',
  message: 'unknown key "stak"',
  file: 'scenarios/demo.yaml',
  start: { line: 4, column: 5 },
  end: { line: 4, column: 9 },
  expected: 'one of name, priority, stack, period',
  nearest: 'stack',
  source: SOURCE,
};

function report(problems: Problem[], width = 80, level: 0 | 3 = 0): Promise<string> {
  return problemReport(new UserError(problems), paint(width, level));
}

describe('a report of problems', () => {
  it('shows place, lines, what was expected and what was probably meant', async () => {
    expect((await report([UNKNOWN])).split('\n')).toEqual([
      'scenarios/demo.yaml:4:5: error[unknown-key]: unknown key "stak"',
      '    2 | tasks:',
      '    3 |   - name: logger',
      '  > 4 |     stak: 512 B',
      '      |     ^^^^',
      '    5 |     script: []',
      '  expected: one of name, priority, stack, period',
      '  did you mean "stack"?',
      '',
      '1 problem',
    ]);
  });

  it('has no place for flags', async () => {
    const text = await report([{ code: 'bad-option', message: '--ram x is no size', expected: 'a size' }]);
    expect(text).toMatch(/^error\[bad-option\]: --ram x is no size\n {2}expected: a size\n\n1 problem$/);
  });

  it('counts them, and shows the first ones', async () => {
    const text = await report(Array.from({ length: 25 }, () => UNKNOWN));
    expect(text.match(/error\[/g)).toHaveLength(20);
    expect(text).toMatch(/25 problems, the first 20 shown$/);
  });

  it('scrolls long lines to the mistake', async () => {
    const source = `key: ${'x'.repeat(300)} wrong ${'y'.repeat(300)}`;
    const start = { line: 1, column: 307 };
    const text = await report([{ ...UNKNOWN, source, start, end: { line: 1, column: 312 } }], 60);
    const lines = text.split('\n');
    const blamed = lines.findIndex((line) => line.includes('> 1 |'));
    expect(lines[blamed]).toContain('…');
    expect(lines[blamed + 1]!.indexOf('^^^^^')).toBe(lines[blamed]!.indexOf('wrong'));
  });

  it.each([
    ['an empty file', '', { line: 1, column: 1 }],
    ['the line behind the last', 'a: 1\n', { line: 2, column: 1 }],
    ['a place that is not there', 'a: 1\n', { line: 9, column: 40 }],
  ])('copes with %s', async (_, source, start) => {
    const text = await report([{ code: 'syntax', message: 'something', file: 'x.yaml', source, start }]);
    expect(text).toContain(`x.yaml:${start.line}:${start.column}: error[syntax]: something`);
  });

  it.each([60, 80, 140])('fits %d columns, in colour or not', async (width) => {
    const long = {
      ...UNKNOWN,
      file: `${'folder/'.repeat(30)}x.yaml`,
      message: 'word '.repeat(60),
      source: `${'日本'.repeat(90)}\n`.repeat(6),
    };
    const plain = await report([UNKNOWN, long], width);
    const colored = await report([UNKNOWN, long], width, 3);
    expect(stripped(colored)).toBe(plain);
    for (const line of plain.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  it('lets no control characters through', async () => {
    const source = `a\t${String.fromCharCode(27)}[2Jb\n`;
    const text = await report([
      { code: 'bad-trace-line', message: 'no', file: 't', source, start: { line: 1, column: 1 } },
    ]);
    expect(text).not.toContain(String.fromCharCode(27));
  });
});
