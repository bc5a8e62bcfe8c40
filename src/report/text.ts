/** Text that fits: widths are columns of a terminal, not characters. */

import stringWidth from 'string-width';

const ESCAPE = String.fromCharCode(0x1b);
const CONTROL = /([\p{Cc}\u2028\u2029])(\[[\d;]*m)?/gu;
const INVISIBLE = /[\p{Cc}\u2028\u2029]/gu;
const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const GLUE = '\u00a0';
const UNGLUED = /\u00a0+/;

/** Names come from files: whatever would move the cursor or break a line becomes visible. Colours may stay. */
export function printable(text: string): string {
  return text.replace(CONTROL, (all: string, control: string, color: string | undefined) =>
    control === ESCAPE && color !== undefined ? all : `\ufffd${color ?? ''}`,
  );
}

/** For lines that other programs read: what {@link printable} only hides, colours too, as in a string of C. */
export function escaped(text: string): string {
  return text.replace(INVISIBLE, (character) => {
    const code = character.charCodeAt(0);
    const short = SHORT_ESCAPES[character];
    if (short !== undefined) return short;
    return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

export function widthOf(text: string): number {
  return stringWidth(text);
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** At most `width` columns of plain text, the rest an ellipsis at the end, or at the start. */
export function cut(text: string, width: number, where: 'start' | 'end' = 'end'): string {
  if (widthOf(text) <= width) return text;
  const characters = where === 'end' ? [...text] : [...text].reverse();
  let kept = '';
  let columns = 1;
  for (const character of characters) {
    columns += widthOf(character);
    if (columns > width) break;
    kept = where === 'end' ? kept + character : character + kept;
  }
  return where === 'end' ? `${kept}…` : `…${kept}`;
}

/** Keeps what belongs together, such as a number and its unit, on one line of {@link wrap}. */
export function glue(text: string): string {
  return text.replaceAll(' ', GLUE);
}

/** Lines of at most `width` columns; those after the first are indented by `indent` within it. */
export function wrap(text: string, width: number, indent = 0): string[] {
  const lines: string[] = [];
  let line = '';
  let columns = 0;
  const margin = ' '.repeat(indent);
  for (const word of words(printable(text), width - indent)) {
    const wordColumns = widthOf(word);
    if (columns > 0 && columns + 1 + wordColumns > width) {
      lines.push(line);
      line = margin + word;
      columns = indent + wordColumns;
    } else {
      line = columns === 0 ? word : `${line} ${word}`;
      columns += wordColumns + (columns === 0 ? 0 : 1);
    }
  }
  return [...lines, line].map((each) => each.replaceAll(GLUE, ' '));
}

/** What does not fit into a line comes apart where it was glued, and only then in the middle of a word. */
function words(text: string, width: number, separator = / +/): string[] {
  return text.split(separator).flatMap((word) => {
    if (widthOf(word) <= width) return [word];
    return word.includes(GLUE) ? words(word, width, UNGLUED) : pieces(uncolored(word), width);
  });
}

function pieces(word: string, width: number): string[] {
  const found: string[] = [];
  let piece = '';
  for (const character of word) {
    if (widthOf(piece + character) > width) {
      found.push(piece);
      piece = character;
    } else piece += character;
  }
  return [...found, piece];
}

function uncolored(text: string): string {
  return text.replace(CONTROL, '');
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A horizontal bar, exact to an eighth of a column; anything above 0 is visible. */
export function bar(share: number, columns: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * columns * 8);
  if (eighths === 0) return share > 0 ? EIGHTHS[1]! : '';
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
}
