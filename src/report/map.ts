/**
 * The block map: the arena as a grid of cells, every holder with a letter and a colour. It can be read
 * without colour: a capital begins a block, small letters continue it.
 */

import { formatBytes } from '../input/index.js';
import type { OutOfMemoryEvent, RunResult } from '../inspect/result.js';
import { hex } from '../mcu/index.js';
import { largestHoles } from './holes.js';
import { paragraph, section, stack, title } from './layout.js';
import { type Cell, cellBytesFor, cellsOf } from './map-cells.js';
import { type Owner, ownersOf, SHARED_LETTER } from './owners.js';
import { type Paint, tableColumnsOf } from './paint.js';
import { arenaBytes, bytes, counted, percent } from './phrases.js';
import { type TableCell, table } from './tables.js';
import { glue } from './text.js';

const HOLE = '·';
/** A hole directly behind another: a heap that merges would have made them one. */
const NEXT_HOLE = ':';
const HEADER = '#';
const BROKEN = '?';

const ADDRESS_COLUMNS = 14;
/** Cells of a row: addresses of rows stay round. */
const ROW_LENGTHS = [192, 128, 96, 64, 48, 32];
const DEFAULT_ROWS = 16;

/** A stretch of the arena to point at. */
export interface Mark {
  readonly address: number;
  readonly bytes: number;
}

export interface MapOptions {
  /** What the grid may take. */
  readonly rows?: number;
  readonly mark?: Mark | undefined;
}

/** Legend, grid and the largest holes. */
export function blockMap(
  result: RunResult,
  event: OutOfMemoryEvent,
  paint: Paint,
  options: MapOptions = {},
): string {
  return stack([
    section('Who holds the heap', legend(result, event, paint), paint),
    grid(result, event, paint, options),
    section('Largest holes', largestHoles(event, paint), paint),
  ]);
}

/** Every holder's letter, bytes, share of the arena and blocks; with the rest, all of the arena. */
export function legend(result: RunResult, event: OutOfMemoryEvent, paint: Paint): string {
  const { color } = paint;
  const arena = arenaBytes(result);
  const row = (letter: TableCell, name: string, count: number, what: string): TableCell[] => [
    letter,
    name,
    bytes(count),
    percent(count / arena),
    what,
    { share: count / arena, columns: BAR_COLUMNS, style: color.dim },
  ];
  const owners = ownersOf(event, paint).map((owner) =>
    row(
      { text: ` ${owner.letter} `, style: owner.style },
      owner.name,
      owner.bytes,
      counted(owner.blocks, 'block'),
    ),
  );
  const mapped = event.map.reduce((sum, piece) => sum + piece.bytes, 0);
  const bookkeeping = bytesOf(event, 'bookkeeping');
  const rest = [row(` ${HOLE} `, 'free', event.freeBytes, counted(event.holes, 'hole'))];
  if (bookkeeping > 0) rest.push(row(` ${HEADER} `, 'bookkeeping', bookkeeping, ''));
  if (mapped < arena) rest.push(row(` ${BROKEN} `, 'beyond the break', arena - mapped, ''));
  return table(LEGEND_COLUMNS, [...owners, ...rest], paint, { head: false });
}

const BAR_COLUMNS = 20;
const LEGEND_COLUMNS = [
  { head: '' },
  { head: '', minimum: 16 },
  { head: '', align: 'right' },
  { head: '', align: 'right' },
  { head: '', align: 'right' },
  { head: '', minimum: 4, dispensable: 1 },
] as const;

function bytesOf(event: OutOfMemoryEvent, kind: 'bookkeeping'): number {
  return event.map.reduce((sum, piece) => (piece.kind === kind ? sum + piece.bytes : sum), 0);
}

/** The arena, row by row, each with the address at which it starts. */
export function grid(
  result: RunResult,
  event: OutOfMemoryEvent,
  paint: Paint,
  { rows = DEFAULT_ROWS, mark }: MapOptions = {},
): string {
  const { regions } = result.heap;
  const cellsPerRow = ROW_LENGTHS.find((length) => ADDRESS_COLUMNS + length <= tableColumnsOf(paint)) ?? 32;
  const cellBytes = cellBytesFor(regions, cellsPerRow, rows);
  const looks = new Looks(ownersOf(event, paint), paint);
  const parts = regions.map((region) => {
    const name =
      regions.length === 1 ? [] : [paragraph(`${region.name}, ${formatBytes(region.bytes)}`, paint)];
    return [
      ...name,
      ...regionRows(cellsOf(region, event.map, cellBytes), cellsPerRow, looks, mark, paint),
    ].join('\n');
  });
  const heading = `Block map of ${bytes(arenaBytes(result))}: ${bytes(cellBytes)} a cell, ${formatBytes(cellBytes * cellsPerRow)} a row`;
  return [title(heading, paint), ...parts, key(event, mark, paint)].join('\n');
}

function regionRows(
  cells: readonly Cell[],
  cellsPerRow: number,
  looks: Looks,
  mark: Mark | undefined,
  paint: Paint,
): string[] {
  const lines: string[] = [];
  for (let start = 0; start < cells.length; start += cellsPerRow) {
    const row = cells.slice(start, start + cellsPerRow);
    lines.push(`  ${paint.color.dim(hex(row[0]!.address))}  ${looks.draw(row)}`);
    const pointers = row.map((cell) => (mark !== undefined && overlaps(cell, mark) ? '^' : ' ')).join('');
    if (pointers.includes('^')) lines.push(' '.repeat(ADDRESS_COLUMNS) + paint.color.red(pointers.trimEnd()));
  }
  return lines;
}

function overlaps(cell: Cell, mark: Mark): boolean {
  return cell.address < mark.address + mark.bytes && mark.address < cell.address + cell.bytes;
}

function key(event: OutOfMemoryEvent, mark: Mark | undefined, paint: Paint): string {
  const words = ['Aa a block, from where it begins', `${HOLE} hole`];
  if (touchingHoles(event)) words.push(`${NEXT_HOLE} hole right behind a hole`);
  words.push(`${HEADER} mostly header or bookkeeping`);
  if (event.corruption !== undefined) words.push(`${BROKEN} beyond the break`);
  if (mark !== undefined) words.push('^ where the request would have gone');
  return paragraph(words.map(glue).join(', '), paint, paint.color.dim);
}

function touchingHoles({ map }: OutOfMemoryEvent): boolean {
  return map.some((piece, index) => {
    const before = map[index - 1];
    return (
      piece.kind === 'hole' && before?.kind === 'hole' && before.address + before.bytes === piece.address
    );
  });
}

/** What a cell looks like. */
class Looks {
  private readonly owners: ReadonlyMap<string, Owner>;

  constructor(
    owners: readonly Owner[],
    private readonly paint: Paint,
  ) {
    this.owners = new Map(owners.map((owner) => [owner.name, owner]));
  }

  /** Neighbours that look the same are coloured together. */
  draw(cells: readonly Cell[]): string {
    let line = '';
    let run = '';
    let style = this.style(cells[0]!);
    for (const cell of cells) {
      const next = this.style(cell);
      if (next !== style) {
        line += style(run);
        run = '';
        style = next;
      }
      run += this.symbol(cell);
    }
    return line + style(run);
  }

  private symbol({ kind, owner, begins }: Cell): string {
    if (kind === 'hole') return begins ? NEXT_HOLE : HOLE;
    if (kind === 'header') return HEADER;
    if (kind === 'broken') return BROKEN;
    const { letter } = this.holder(owner);
    return begins ? letter : letter.toLowerCase();
  }

  /** A result that somebody edited may lack one. */
  private holder(name: string | undefined): Pick<Owner, 'letter' | 'style'> {
    return this.owners.get(name ?? '') ?? { letter: SHARED_LETTER, style: plainStyle };
  }

  private style({ kind, owner }: Cell): (text: string) => string {
    const { color } = this.paint;
    if (kind === 'used') return this.holder(owner).style;
    if (kind === 'hole') return plainStyle;
    return kind === 'header' ? color.gray : color.red;
  }
}

function plainStyle(text: string): string {
  return text;
}
