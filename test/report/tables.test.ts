import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Column, table } from '../../src/report/tables.js';
import { widthOf } from '../../src/report/text.js';
import { paint, stripped } from './fixture.js';

const COLUMNS: readonly Column[] = [
  { head: 'name', minimum: 6 },
  { head: 'a rather long head', shortHead: 'short', align: 'right' },
  { head: 'words', minimum: 8, overflow: 'wrap' },
  { head: 'not needed', dispensable: 1 },
];

describe('table', () => {
  it('rules off the head and aligns', () => {
    const columns: Column[] = [{ head: 'task' }, { head: 'bytes', align: 'right' }];
    expect(
      table(
        columns,
        [
          ['radio', '5'],
          ['log', '1,234'],
        ],
        paint(60),
      ).split('\n'),
    ).toEqual(['  task   bytes', '  ────────────', '  radio      5', '  log    1,234']);
  });

  it('shortens heads, then texts, then leaves columns out', () => {
    const rows = [['a-very-long-name-of-a-task', '12', 'some words in a row', 'x'.repeat(38)]];
    const text = table(COLUMNS, rows, paint(60));
    expect(text).toContain('short');
    expect(text).not.toContain('xxx');
    expect(text).toContain('a-very-long-name-of-a-task');
  });

  it('wraps where told to', () => {
    const rows = [['n'.repeat(30), '1', 'some words in a row that is long', '']];
    const text = table(COLUMNS, rows, paint(60));
    expect(text.replaceAll(/\s+/g, ' ')).toContain('some words');
    expect(text).not.toContain('…row');
  });

  it('scales bars with their column', () => {
    const columns: Column[] = [{ head: '' }, { head: '', minimum: 4 }];
    const rows = [['n'.repeat(40), { share: 1, columns: 30, style: String }]];
    expect(table(columns, rows, paint(60), { head: false })).toBe(`  ${'n'.repeat(40)}  ${'█'.repeat(16)}`);
  });

  it('looks the same in one piece and in several', () => {
    const rows = Array.from({ length: 300 }, (_, index) => [`row ${index}`, 'x']);
    const lines = table([{ head: 'row' }, { head: 'x' }], rows, paint(60)).split('\n');
    expect(lines).toHaveLength(302);
    expect(lines.at(-1)).toBe('  row 299  x');
  });

  it('never gets wider than the terminal', () => {
    const cell = fc.string({ maxLength: 60 });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell, cell, cell), { minLength: 1, maxLength: 5 }), (rows) => {
        for (const line of stripped(table(COLUMNS, rows, paint(60, 3))).split('\n')) {
          expect(widthOf(line)).toBeLessThanOrEqual(60);
        }
      }),
    );
  });
});
