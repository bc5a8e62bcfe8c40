/** The catalog as a page: docs/heaps.md. */

import { formatBytes, groupDigits } from '../input/index.js';
import { CURVE_LOAD, type CurvePoint, type Growth, growthOf } from '../studies/cost-curve.js';
import {
  EXAMPLE_LARGEST_BYTES,
  EXAMPLE_PEAK_BYTES,
  type HeapDescription,
} from '../studies/heap-description.js';
import {
  alignmentWords,
  arenaWords,
  boundWords,
  costWords,
  exampleWords,
  GROWTH_WORDS,
  kibibytes,
  lostBytes,
  optionWords,
  staticsWords,
  targetWords,
} from './heap-facts.js';

type Fact = [name: string, text: string];

const OVERVIEW_REQUEST = 24;

const INTRODUCTION = `Every heap that heaplab knows, as its definition describes it, with what was measured on it. The
[overview](#overview) at the end has one line for each. \`heaplab heaps NAME\` prints a section for another
alignment or a chip (\`--alignment 4\`, \`--target stm32f103c8\`); a heap's file in \`src/heaps\` begins with the whole
story, its layout drawn.`;

const BOUNDS = `## Bounds

M is the most that is live at once, n the largest block, both as the heap sees them: headers and rounding included.
A bound says how large an arena is sure to be enough, whatever the order of requests, the heap's fixed part left
out. Robson (1974) showed how much every heap needs that cannot move blocks. The examples have M =
${formatBytes(EXAMPLE_PEAK_BYTES)} and n = ${formatBytes(EXAMPLE_LARGEST_BYTES)}, in units of what the heap's blocks are multiples of.`;

const CURVES = `## Cost against live blocks

What is counted are loads and stores in RAM, the heap's variables included: they are the same on every machine, and
on a device without a cache time goes with them.

${CURVE_LOAD}

A cost is called *constant* where it grows by less than half
${GROWTH_WORDS}, and *linear* where it grows to thirty times and more. That is what this load shows; another one may be worse, up to what the facts of each heap say of
malloc and free. \`npm run curves\` measures all of it again.`;

/** The whole page. `alignment`: what the figures are for. */
export function heapsPage(heaps: readonly HeapDescription[], alignment: number, note = ''): string {
  const parts = [
    '# Heaps',
    note,
    INTRODUCTION,
    ...heaps.map((heap) => heapSection(heap, alignment)),
    BOUNDS,
    CURVES,
    '## Overview',
    `At alignment ${alignment}, with default options. Growth is that of the mean, and of the worst call where that differs.`,
    overview(heaps),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** One heap, under a heading of level 2. */
export function heapSection(heap: HeapDescription, alignment: number): string {
  const facts: Fact[] = [
    ['origin', heap.origin],
    ['policy', heap.policy],
    ['block', heap.block],
    [`requests at alignment ${alignment}`, exampleWords(heap)],
    ['alignment', alignmentWords(heap)],
    ['fixed', staticsWords(heap)],
    ['empty arena', arenaWords(heap.emptyArena)],
    ...(heap.onTarget === undefined ? [] : [['on the target', targetWords(heap.onTarget)] satisfies Fact]),
    ['malloc', heap.mallocCost],
    ['free', heap.freeCost],
    ['calls cost', costWords(heap)],
    ['bound', heap.bound],
  ];
  if (heap.boundExample !== undefined) facts.push(['example of the bound', boundWords(heap.boundExample)]);
  return [
    `## ${heap.name}`,
    markdownTable(['', ''], facts),
    optionTable(heap),
    `**Use it:** ${heap.useWhen}.`,
    `**Not when:** ${heap.notWhen}.`,
    curveText(heap),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function optionTable({ options }: HeapDescription): string {
  if (options.length === 0) return '';
  const rows = options.map((option) => [`\`${option.name}\``, optionWords(option), `\`${option.default}\``]);
  return markdownTable(['option', 'what', 'default'], rows);
}

function curveText({ curve }: HeapDescription): string {
  if (curve === undefined) return 'What calls cost has not been measured yet: `npm run curves`.';
  if ('none' in curve)
    return `What calls cost [against live blocks](#cost-against-live-blocks): not measured, as ${curve.none}.`;
  const head = [
    '[live blocks](#cost-against-live-blocks)',
    'malloc, mean',
    'worst',
    'free, mean',
    'worst',
    'arena',
  ];
  const rows = curve.map(({ liveBlocks, malloc, free, arenaBytes }) => [
    ...[liveBlocks, malloc.mean, malloc.worst, free.mean, free.worst].map(groupDigits),
    kibibytes(arenaBytes),
  ]);
  const costs = COSTS.map(([, cost]) => growthOf(curve, cost));
  return markdownTable(head, [...rows, ['growth', ...costs, '']], 'right');
}

const COSTS: readonly [string, (point: CurvePoint) => number][] = [
  ['malloc, mean', ({ malloc }) => malloc.mean],
  ['worst', ({ malloc }) => malloc.worst],
  ['free, mean', ({ free }) => free.mean],
  ['worst', ({ free }) => free.worst],
];

function overview(heaps: readonly HeapDescription[]): string {
  const head = [
    'heap',
    `${OVERVIEW_REQUEST} B take`,
    'statics',
    'lost of 16 KiB',
    'alignment',
    'malloc',
    'free',
    'enough for the example',
  ];
  const rows = heaps.map((heap) => [
    `[${heap.name}](#${heap.name})`,
    String(heap.examples.find(({ requested }) => requested === OVERVIEW_REQUEST)!.bytes),
    groupDigits(heap.staticBytes),
    lostBytes(heap.emptyArena),
    String(heap.alignment),
    ...growthCells(heap),
    heap.boundExample === undefined ? 'no proof' : kibibytes(heap.boundExample.sufficientBytes),
  ]);
  return markdownTable(head, rows);
}

/** Of malloc and of free. */
function growthCells({ curve }: HeapDescription): string[] {
  if (curve === undefined || 'none' in curve) return ['not measured', 'not measured'];
  const [malloc, worstMalloc, free, worstFree] = COSTS.map(([, cost]) => growthOf(curve, cost));
  return [growthWords(malloc!, worstMalloc!), growthWords(free!, worstFree!)];
}

function growthWords(mean: Growth, worst: Growth): string {
  return mean === worst ? mean : `${mean}; worst call ${worst}`;
}

function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  align: 'left' | 'right' = 'left',
): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  const rule = head.map(() => (align === 'right' ? '---:' : '---'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** A bar would end the cell; what looks like emphasis or a tag is meant as it stands. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '\\<');
}
