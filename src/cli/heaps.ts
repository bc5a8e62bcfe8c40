/** `heaplab heaps`: the allocators, or one of them with its facts. */

import { catalog } from '../heaps/catalog.js';
import { heapSection, heapsPage } from '../report/heap-markdown.js';
import { heapReport } from '../report/heap-report.js';
import { heapList } from '../report/listings.js';
import { readCurves } from '../studies/curve-file.js';
import { describeHeap } from '../studies/heap-description.js';
import { loadTarget } from '../targets/load.js';
import { alignmentFlag, heapNamed } from './flags.js';
import { SUCCESS, type Terminal } from './terminal.js';

interface HeapsFlags {
  readonly alignment?: string;
  readonly target?: string;
  readonly json?: boolean;
  readonly markdown?: boolean;
}

/** What most ports of FreeRTOS have. */
const DEFAULT_ALIGNMENT = 8;

export function heapsCommand(terminal: Terminal, name: string | undefined, flags: HeapsFlags): number {
  const target = flags.target === undefined ? undefined : loadTarget(flags.target);
  const alignment = alignmentFlag(flags.alignment) ?? target?.alignment ?? DEFAULT_ALIGNMENT;
  const curves = readCurves();
  const chosen = name === undefined ? catalog : [heapNamed(name)];
  const heaps = chosen.map((heap) => describeHeap(heap, alignment, curves[heap.name], target));
  const [one] = heaps;
  if (flags.json === true) terminal.print(`${JSON.stringify(name === undefined ? heaps : one, null, 2)}\n`);
  else if (flags.markdown === true)
    terminal.print(name === undefined ? heapsPage(heaps, alignment) : `${heapSection(one!, alignment)}\n`);
  else if (name === undefined) terminal.print(`${heapList(heaps, terminal)}\n`);
  else terminal.print(`${heapReport(one!, alignment, terminal)}\n`);
  return SUCCESS;
}

/** docs/heaps.md: the whole catalog as it is without flags. */
export function heapsDocument(note: string): string {
  const curves = readCurves();
  const heaps = catalog.map((heap) => describeHeap(heap, DEFAULT_ALIGNMENT, curves[heap.name]));
  return heapsPage(heaps, DEFAULT_ALIGNMENT, note);
}
