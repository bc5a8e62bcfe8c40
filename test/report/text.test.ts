import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bar, cut, escaped, glue, printable, widthOf, wrap } from '../../src/report/text.js';

const ESCAPE = String.fromCharCode(27);

describe('wrap', () => {
  it('keeps to the width and loses no word', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 12 }),
        fc.integer({ min: 8, max: 40 }),
        (words, width) => {
          const text = words.join(' ');
          const lines = wrap(text, width, 2);
          for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
          expect(lines.join('').replaceAll(/[ \u00a0]/g, '')).toBe(
            printable(text).replaceAll(/[ \u00a0]/g, ''),
          );
        },
      ),
    );
  });

  it('indents all lines but the first', () => {
    expect(wrap('one two three four', 9, 2)).toEqual(['one two', '  three', '  four']);
  });

  it('keeps glued words together', () => {
    expect(wrap(`free ${glue('520 B')}`, 8)).toEqual(['free', '520 B']);
  });

  it('comes apart where it was glued before a word is cut', () => {
    expect(wrap(`clock: ${glue('cortex-m3 at 72 MHz')}`, 11)).toEqual(['clock:', 'cortex-m3', 'at 72 MHz']);
    expect(wrap(glue('extraordinary things'), 8)).toEqual(['extraord', 'inary', 'things']);
  });
});

describe('cut', () => {
  it.each([
    ['scenarios/demo.yaml:12', 12, 'start', '…emo.yaml:12'],
    ['scenarios/demo.yaml:12', 12, 'end', 'scenarios/d…'],
    ['short', 12, 'end', 'short'],
    ['日本語のタスク', 7, 'end', '日本語…'],
  ] as const)('%s to %d at its %s', (text, width, where, expected) => {
    expect(cut(text, width, where)).toBe(expected);
  });
});

describe('printable', () => {
  it('shows what would move the cursor and lets colours pass', () => {
    expect(printable(`a\n${ESCAPE}[2Jb${ESCAPE}[31mc`)).toBe(`a\ufffd\ufffd[2Jb${ESCAPE}[31mc`);
  });
});

describe('escaped', () => {
  it('shows what would move the cursor or break the line, colours too', () => {
    expect(escaped(`a\n\r\tb${ESCAPE}[31mc\u0085\u2029\0`)).toBe(String.raw`a\n\r\tb\x1b[31mc\x85\u2029\x00`);
    expect(escaped('Überlauf: 12 % — ¼')).toBe('Überlauf: 12 % — ¼');
  });
});

describe('bar', () => {
  it.each([
    [0, ''],
    [0.0001, '▏'],
    [0.5, '██'],
    [1, '████'],
    [7, '████'],
  ])('of %d', (share, expected) => expect(bar(share, 4)).toBe(expected));
});
