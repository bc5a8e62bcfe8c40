/** One heap in full, for the terminal. */

import type { HeapDescription } from '../studies/heap-description.js';
import {
  alignmentWords,
  arenaWords,
  boundWords,
  costWords,
  curveHead,
  curveWords,
  exampleWords,
  optionWords,
  staticsWords,
  targetWords,
} from './heap-facts.js';
import { factLines } from './listings.js';
import type { Paint } from './paint.js';

type Fact = [name: string, text: string];

/** `alignment`: what the figures are for. */
export function heapReport(heap: HeapDescription, alignment: number, paint: Paint): string {
  const facts: Fact[] = [
    ['origin', heap.origin],
    ['policy', heap.policy],
    ['block', heap.block],
    ['requests', `asked for → taken: ${exampleWords(heap)} at alignment ${alignment}`],
    ['alignment', alignmentWords(heap)],
    ['fixed', staticsWords(heap)],
    ['arena', arenaWords(heap.emptyArena)],
    ...(heap.onTarget === undefined ? [] : [['target', targetWords(heap.onTarget)] satisfies Fact]),
    ['malloc', heap.mallocCost],
    ['free', heap.freeCost],
    ['calls cost', costWords(heap)],
    ...curveFacts(heap),
    ['bound', heap.bound],
    ...(heap.boundExample === undefined ? [] : [['example', boundWords(heap.boundExample)] satisfies Fact]),
    ['use it', heap.useWhen],
    ['not when', heap.notWhen],
    ...heap.options.map(
      (option): Fact => [`option ${option.name}`, `${optionWords(option)} (default ${option.default})`],
    ),
  ];
  return `${paint.color.bold(heap.name)}\n${factLines(facts, paint)}`;
}

/** docs/heaps.md says what the load was. */
function curveFacts({ curve }: HeapDescription): Fact[] {
  if (curve === undefined) return [];
  if ('none' in curve) return [['measured', `nothing: ${curve.none}`]];
  return [
    ['measured', `RAM accesses per call with ${curveHead(curve)} live blocks (docs/heaps.md)`],
    ['  malloc', curveWords(curve, 'malloc')],
    ['  free', curveWords(curve, 'free')],
  ];
}
