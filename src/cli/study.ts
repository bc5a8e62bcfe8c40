/** What commands that try many heaps have in common. */

import { catalog } from '../heaps/catalog.js';
import type { HeapDefinition, HeapOptions } from '../heaps/definition.js';
import { nearest, UserError } from '../input/index.js';
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
  const chosen = heaps === undefined ? catalog : namesIn(heaps).map(heapNamed);
  const known = chosen.map((heap) => Object.keys(candidateFor(heap).options));
  const all = [...new Set(known.flat())];
  const stray = heapOption.find((flag) => flag.includes('=') && !all.includes(nameOf(flag)));
  if (stray !== undefined) throw unknownToAll(nameOf(stray), all);
  return chosen.map((heap, index) => {
    // What has no value is refused by the first heap that is asked.
    const own = heapOption.filter((flag) => !flag.includes('=') || known[index]!.includes(nameOf(flag)));
    return { heap, options: heapOptions(heap, byDefault(heap), own) };
  });
}

function unknownToAll(name: string, names: readonly string[]): UserError {
  const guess = nearest(name, names);
  const message = `none of these heaps has an option "${name}"`;
  const expected = names.length === 0 ? 'no option' : names.join(', ');
  return new UserError([
    { code: 'unknown-name', message, expected, ...(guess !== undefined && { nearest: guess }) },
  ]);
}

/** Each once. */
export function namesIn(list: string): string[] {
  return [...new Set(list.split(',').map((name) => name.trim()))];
}

function nameOf(flag: string): string {
  return flag.split('=')[0]!;
}

/** One line on the terminal that says what is being worked on; '' takes it away. */
export function progress(terminal: Terminal, what: string): void {
  if (terminal.interactive) terminal.warn(`\r\x1b[K${what}`);
}
