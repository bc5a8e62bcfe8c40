/** Tables with a rule under the head and nothing else, made to fit the terminal. */

import Table from 'cli-table3';
import { type Paint, tableColumnsOf } from './paint.js';
import { bar, cut, printable, widthOf, wrap } from './text.js';

export interface Column {
  readonly head: string;
  /** Instead of `head` where the terminal is narrow. */
  readonly shortHead?: string;
  readonly align?: 'left' | 'right';
  /** How narrow it may become; where absent it keeps its width. */
  readonly minimum?: number;
  /** What becomes of a text that does not fit: one of its ends goes, or it takes more lines. */
  readonly overflow?: 'cut-start' | 'cut-end' | 'wrap';
  /** The column with the highest number is left out first; the others never. */
  readonly dispensable?: number;
}

/** Colour comes last, so that a text can be cut before. */
export interface StyledCell {
  readonly text: string;
  readonly style: (text: string) => string;
}

/** A bar as long as its share of the column, which is `columns` wide where there is room. */
export interface BarCell {
  readonly share: number;
  readonly columns: number;
  readonly style: (text: string) => string;
}

export type TableCell = string | StyledCell | BarCell;

const MARGIN = '  ';
const GAP = '  ';

const RULED = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: MARGIN,
  'left-mid': MARGIN,
  mid: '─',
  'mid-mid': '──',
  right: '',
  'right-mid': '',
  middle: GAP,
} as const;

/** cli-table3 takes time in the square of the rows. */
const ROWS_AT_ONCE = 64;

/** `rows` have a cell for every column; without `head` there is neither head nor rule. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly TableCell[])[],
  paint: Paint,
  { head = true } = {},
): string {
  const { shown, widths, short } = arrange(columns, rows, tableColumnsOf(paint), head);
  const heads = head ? shown.map((index) => paint.color.dim(headOf(columns[index]!, short))) : [];
  const cells = rows.map((row) =>
    shown.map((index, position) => draw(row[index]!, widths[position]!, columns[index]!.overflow)),
  );
  const aligns = shown.map((index) => columns[index]!.align ?? 'left');
  const parts: string[] = [];
  for (let start = 0; start < Math.max(1, cells.length); start += ROWS_AT_ONCE) {
    const part = new Table({
      chars: RULED,
      head: start === 0 ? heads : [],
      colWidths: widths,
      colAligns: aligns,
      style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
    });
    part.push(...cells.slice(start, start + ROWS_AT_ONCE));
    parts.push(part.toString());
  }
  return parts
    .join('\n')
    .split('\n')
    .map((line, index) => (head && index === 1 ? paint.color.dim(line) : line.trimEnd()))
    .join('\n');
}

/** The columns that {@link table} would show, by their index, and the heads that they would have. */
export function headsShown(
  columns: readonly Column[],
  rows: readonly (readonly TableCell[])[],
  paint: Paint,
): { readonly index: number; readonly head: string }[] {
  const { shown, short } = arrange(columns, rows, tableColumnsOf(paint), true);
  return shown.map((index) => ({ index, head: headOf(columns[index]!, short) }));
}

function draw(cell: TableCell, width: number, overflow: Column['overflow']): string {
  const style = typeof cell === 'string' ? undefined : cell.style;
  const lines = linesOf(cell, width, overflow);
  return lines.map((line) => (style === undefined ? line : style(line))).join('\n');
}

function linesOf(cell: TableCell, width: number, overflow: Column['overflow']): string[] {
  if (typeof cell === 'object' && 'share' in cell) return [bar(cell.share, width)];
  const text = typeof cell === 'string' ? cell : cell.text;
  if (overflow === 'wrap') return wrap(text, width);
  return [cut(printable(text), width, overflow === 'cut-start' ? 'start' : 'end')];
}

function naturalWidth(cell: TableCell): number {
  if (typeof cell === 'string') return widthOf(printable(cell));
  return 'share' in cell ? cell.columns : widthOf(printable(cell.text));
}

function headOf(column: Column, short: boolean): string {
  return short ? (column.shortHead ?? column.head) : column.head;
}

interface Arrangement {
  /** Indices of the columns that stay. */
  readonly shown: number[];
  readonly widths: number[];
  readonly short: boolean;
}

/** Narrows step by step: short heads, cut texts, then columns one can do without. */
function arrange(
  columns: readonly Column[],
  rows: readonly (readonly TableCell[])[],
  width: number,
  head: boolean,
): Arrangement {
  const texts = columns.map((_, index) =>
    rows.reduce((widest, row) => Math.max(widest, naturalWidth(row[index]!)), 1),
  );
  const all = columns.map((_, index) => index);
  const natural = (short: boolean, shown: readonly number[]) =>
    shown.map((index) => Math.max(texts[index]!, head ? widthOf(headOf(columns[index]!, short)) : 0));
  const full = natural(false, all);
  if (total(full) <= width) return { shown: all, widths: full, short: false };

  let shown = all;
  for (;;) {
    const widths = natural(true, shown);
    narrow(
      widths,
      shown.map((index) => columns[index]!.minimum),
      total(widths) - width,
    );
    if (total(widths) <= width) return { shown, widths, short: true };
    const next = mostDispensable(columns, shown);
    if (next === undefined) return { shown, widths: squeeze(widths, width), short: true };
    shown = shown.filter((index) => index !== next);
  }
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + MARGIN.length + GAP.length * (widths.length - 1);
}

/** Takes `excess` columns from the widest texts that may be cut. */
function narrow(widths: number[], minimums: readonly (number | undefined)[], excess: number): void {
  for (let left = excess; left > 0; left--) {
    let widest = -1;
    widths.forEach((width, index) => {
      const minimum = minimums[index];
      if (minimum !== undefined && width > minimum && width > (widths[widest] ?? 0)) widest = index;
    });
    if (widest < 0) return;
    widths[widest]!--;
  }
}

function mostDispensable(columns: readonly Column[], shown: readonly number[]): number | undefined {
  const candidates = shown.filter((index) => columns[index]!.dispensable !== undefined);
  return candidates.sort((a, b) => columns[b]!.dispensable! - columns[a]!.dispensable!)[0];
}

/** Absurdly wide figures: better cut than broken lines. */
function squeeze(widths: readonly number[], width: number): number[] {
  const squeezed = [...widths];
  narrow(
    squeezed,
    squeezed.map(() => 1),
    total(squeezed) - width,
  );
  return squeezed;
}
