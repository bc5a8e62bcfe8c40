/**
 * How deep lists and maps lie in one another, measured on the stream of tokens. Everything that later handles
 * the text does so by recursion; near the end of its stack Node dies instead of throwing, so that nothing
 * could be reported. That is why this comes first.
 */

import { Lexer } from 'yaml';

/** Deeper than any scenario, and far from the end of the stack. */
const MAXIMUM_DEPTH = 100;

/** Marks of the lexer that are no part of the text. The last says that a scalar follows. */
const DOCUMENT_MARK = '\x02';
const FLOW_END_MARK = '\x18';
const SCALAR_MARK = '\x1f';

/** The offset at which `text` becomes too deep, if it does. */
export function tooDeepAt(text: string): number | undefined {
  const depth = new Depth();
  let offset = 0;
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    if (!isScalar && (token === DOCUMENT_MARK || token === FLOW_END_MARK)) continue;
    if (!isScalar && token === SCALAR_MARK) {
      isScalar = true;
      continue;
    }
    depth.add(token, isScalar);
    if (depth.levels > MAXIMUM_DEPTH) return offset;
    offset += token.length;
    isScalar = false;
  }
  return undefined;
}

class Depth {
  /** Columns at which the open blocks began. */
  private readonly columns: number[] = [];
  private brackets = 0;
  private column = 0;
  /** Whether only spaces and dashes have stood on this line. */
  private atStart = true;

  get levels(): number {
    return this.columns.length + this.brackets;
  }

  add(token: string, isScalar: boolean): void {
    if (!isScalar && (token === '[' || token === '{')) this.brackets++;
    if (!isScalar && (token === ']' || token === '}')) this.brackets = Math.max(0, this.brackets - 1);
    if (this.atStart && this.brackets === 0) this.addToIndentation(token, isScalar);
    if (token.endsWith('\n')) {
      this.column = 0;
      this.atStart = true;
    }
  }

  private addToIndentation(token: string, isScalar: boolean): void {
    const isSpace = !isScalar && token.trim() === '';
    if (!isSpace) {
      while (this.columns.length > 0 && this.columns.at(-1)! >= this.column) this.columns.pop();
      this.columns.push(this.column);
    }
    this.column += token.length;
    this.atStart = isSpace || (!isScalar && (token === '-' || token === '?'));
  }
}
