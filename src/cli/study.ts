/** What commands that try many heaps have in common. */

import { catalog } from '../heaps/catalog.js';
import type { HeapDefinition, HeapOptions } from '../heaps/definition.js';
import { type Candidate, candidateFor } from '../studies/workload.js';
import { heapNamed, heapOptions } from './flags.js';
import type { Terminal } from './terminal.js';

export interface CandidateFlags {
  readonly heaps?: string;
  readonly heapOption?: string[];
}

/** By its name; what is no scenario is a trace. */
export function isScenario(file: string): boolean {
  return /\.(ya?ml|[cm]?[jt]sx?)$/.test(file);
}

/**
 * The heaps named by `--heaps`, else all, with the options that `byDefault` gives them; a `--heap-option` goes
 * to those that have it.
 *
 * @throws UserError
 */
export function candidatesOf(
  { heaps, heapOption = [] }: CandidateFlags,
  byDefault: (heap: HeapDefinition) => HeapOptions,
): Candidate[] {
  const chosen = heaps === undefined ? catalog : heaps.split(',').map((name) => heapNamed(name.trim()));
  const known = chosen.map((heap) => Object.keys(candidateFor(heap).options));
  const stray = heapOption.find((flag) => !known.some((names) => names.includes(nameOf(flag))));
  // Refused in the words of a heap that does not have it.
  if (stray !== undefined) heapOptions(chosen[0]!, {}, [stray]);
  return chosen.map((heap, index) => {
    const own = heapOption.filter((flag) => known[index]!.includes(nameOf(flag)));
    return { heap, options: heapOptions(heap, byDefault(heap), own) };
  });
}

function nameOf(flag: string): string {
  return flag.split('=')[0]!;
}

/** One line on the terminal that says what is being worked on; '' takes it away. */
export function progress(terminal: Terminal, what: string): void {
  if (terminal.interactive) terminal.warn(`\r\x1b[K${what}`);
}
