/** Lists of chips and heaps, and a chip in full. */

import Table from 'cli-table3';
import { formatBytes, groupDigits } from '../input/index.js';
import { hex } from '../mcu/index.js';
import type { HeapDescription } from '../studies/heap-description.js';
import type { Target } from '../targets/target.js';
import { columnsOf, type Paint, tableColumnsOf } from './paint.js';
import { cut, printable, widthOf, wrap } from './text.js';

export function targetList(targets: readonly Target[], paint: Paint): string {
  const rows = targets.map((target) => [
    target.id,
    target.core,
    formatBytes(target.regions.reduce((sum, region) => sum + region.bytes, 0)),
    megahertz(target.clockHertz),
    String(target.alignment),
    target.vendor,
  ]);
  return plainTable(['target', 'core', 'RAM', 'clock', 'align', 'vendor'], rows, paint, cut);
}

export function heapList(heaps: readonly HeapDescription[], paint: Paint): string {
  return plainTable(
    ['heap', 'policy'],
    heaps.map((heap) => [heap.name, heap.policy]),
    paint,
    (text, width) => wrap(text, width).join('\n'),
  );
}

export function targetReport(target: Target, paint: Paint): string {
  const { kernel } = target;
  const facts: [string, string][] = [
    [
      'core',
      `${target.core} at ${megahertz(target.clockHertz)}, a tick every ${groupDigits(target.clockHertz / target.tickHertz)} cycles`,
    ],
    ...target.regions.map((region): [string, string] => [
      region.name,
      `${hex(region.origin)}, ${formatBytes(region.bytes)}${region.heap ? '' : ', not for the heap'}`,
    ]),
    ['static data', formatBytes(target.staticDataBytes)],
    ['main stack', formatBytes(target.mainStackBytes)],
    ['heap', target.heapBytes === undefined ? 'all that is left' : formatBytes(target.heapBytes)],
    ['alignment', `${target.alignment} bytes`],
    [
      'kernel',
      `TCB ${kernel.tcbBytes} B, queue ${kernel.queueBytes} B, idle stack ${kernel.idleStackBytes} B, ` +
        `${kernel.priorities} priorities, objects ${kernel.objectsFromHeap ? 'from the heap' : 'static'}`,
    ],
    ['profile', target.file],
  ];
  if (target.source !== '') facts.push(['source', target.source]);
  return `${paint.color.bold(printable(target.name))} (${printable(target.vendor)})\n${factLines(facts, paint)}`;
}

function megahertz(hertz: number): string {
  return `${hertz / 1e6} MHz`;
}

/** Name and text side by side, the text folded to the terminal. */
export function factLines(facts: readonly [string, string][], paint: Paint): string {
  const indent = Math.max(...facts.map(([name]) => name.length)) + 4;
  return facts
    .map(([name, text]) => {
      const [first, ...more] = fold(text, columnsOf(paint) - indent);
      const label = paint.color.dim(`  ${name}`.padEnd(indent));
      return [label + (first ?? ''), ...more.map((line) => ' '.repeat(indent) + line)].join('\n');
    })
    .join('\n');
}

function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of printable(text).split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

const GAP = 2;
/** However narrow the terminal. */
const MINIMUM_LAST_COLUMN = 8;

/** `narrowed` makes the last column as narrow as the others leave it. */
function plainTable(
  head: readonly string[],
  rows: readonly string[][],
  paint: Paint,
  narrowed: (text: string, width: number) => string,
): string {
  const all = [head, ...rows];
  const taken = head.slice(0, -1).reduce((sum, _, column) => {
    return sum + GAP + Math.max(...all.map((row) => widthOf(row[column]!)));
  }, 0);
  const room = Math.max(MINIMUM_LAST_COLUMN, tableColumnsOf(paint) - taken);
  const table = new Table({
    head: head.map((title) => paint.color.dim(title)),
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => [...row.slice(0, -1), narrowed(row.at(-1)!, room)]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
