/** Why a request could not be served, in one sentence for each cause. */

import type { Cause } from '../inspect/cause.js';
import type { OutOfMemoryEvent, RunResult } from '../inspect/result.js';
import { arenaBytes, bytes, counted } from './phrases.js';
import { glue } from './text.js';

export interface Verdict {
  /** A few words for the title. */
  readonly headline: string;
  /** One sentence, or two. */
  readonly explanation: string;
}

/** A few words for tables and titles. */
export const CAUSE_WORDS: Readonly<Record<Cause, string>> = {
  'too-large': 'too large for this heap ever',
  'class-empty': 'refused although a hole was large enough',
  uncoalesced: 'enough memory, but holes that touch were never merged',
  pinned: 'locked blocks kept the holes apart',
  overhead: 'header and rounding ate the room',
  region: 'enough memory, but in several regions',
  fragmented: 'enough memory, but not in one piece',
  exhausted: 'not enough memory',
};

export function verdict(result: RunResult, event: OutOfMemoryEvent): Verdict {
  if (event.corruption !== undefined) {
    return {
      headline: 'the heap was broken by then',
      explanation: `The heap's own structure no longer held (${event.corruption}). The figures below cover only what lies before the break.`,
    };
  }
  return { headline: CAUSE_WORDS[event.cause], explanation: EXPLANATIONS[event.cause](result, event) };
}

const EXPLANATIONS: Readonly<Record<Cause, (result: RunResult, event: OutOfMemoryEvent) => string>> = {
  'too-large': (result, { needed }) =>
    `It could never be served: not even an empty ${result.heap.name} of ${amount(arenaBytes(result))} has ${amount(needed)} in one piece.`,
  'class-empty': (result, { largestHole, needed }) =>
    `A hole of ${amount(largestHole)} was large enough for the ${amount(needed)}. Size did not decide: ` +
    `${result.heap.name} does not give out every hole for every request.`,
  uncoalesced: (result, { freeBytes, needed, holes, largestHole }) =>
    `There was enough memory: ${amount(freeBytes)} were free,${times(freeBytes, needed)} in ` +
    `${glue(counted(holes, 'hole'))}; the largest is ${amount(needed - largestHole)} too small. Holes that touch ` +
    `would have sufficed in one piece, but ${result.heap.name} never merges them.`,
  pinned: (_result, { freeBytes }) =>
    `There was enough memory: ${amount(freeBytes)} were free, but locked blocks could not be moved out of the way.`,
  overhead: (result, { requested, needed, largestHole }) =>
    `The ${amount(requested)} alone would have fitted into the largest hole of ${amount(largestHole)}; with ` +
    `${result.heap.name}'s header and rounding it takes ${amount(needed)}.`,
  region: (_result, { freeBytes, needed }) =>
    `There was enough memory in sum, ${amount(freeBytes)} for ${amount(needed)}, but spread over regions that ` +
    'lie apart: no merging brings them together.',
  fragmented: (_result, { freeBytes, needed, holes, largestHole }) =>
    `There was enough memory, but not in one piece: ${amount(freeBytes)} were free,${times(freeBytes, needed)} ` +
    `in ${glue(counted(holes, 'hole'))}; the largest is ${amount(needed - largestHole)} too small.`,
  exhausted: (_result, { freeBytes, needed }) =>
    freeBytes === 0
      ? 'There was not enough memory: not a byte was free.'
      : `There was not enough memory: ${amount(freeBytes)} free, ${amount(needed - freeBytes)} too little even if all of it were in one piece.`,
};

function times(freeBytes: number, needed: number): string {
  const factor = freeBytes / needed;
  return factor < 1.5 ? '' : ` ${factor.toFixed(factor < 10 ? 1 : 0)} times what it takes,`;
}

function amount(count: number): string {
  return glue(bytes(count));
}
