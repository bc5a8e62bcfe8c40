/** Why a request could not be served, in one sentence for each cause. */

import type { Cause } from '../inspect/cause.js';
import type { OutOfMemoryEvent, PinnedPiece, RunResult } from '../inspect/result.js';
import { arenaBytes, bytes, counted } from './phrases.js';
import { emptyClass, impossiblePageText } from './size-classes.js';
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

/** For a request that would have been served once more in one piece, while memory was falling. */
const RUNNING_OUT_WORDS: Readonly<Partial<Record<Cause, string>>> = {
  fragmented: 'fragmented, but memory was running out',
  uncoalesced: 'holes never merged, but memory was running out',
  pinned: 'holes kept apart by locked blocks, but memory was running out',
  region: 'spread over regions, but memory was running out',
};

/** `isRunningOut`: as the analysis of the event says. */
export function verdict(result: RunResult, event: OutOfMemoryEvent, isRunningOut = false): Verdict {
  if (event.corruption !== undefined) {
    return {
      headline: 'the heap was broken by then',
      explanation: `The heap's own structure no longer held (${event.corruption}). The figures below cover only what lies before the break.`,
    };
  }
  const headline = isRunningOut ? RUNNING_OUT_WORDS[event.cause] : undefined;
  if (headline !== undefined) return { headline, explanation: runningOut(event) };
  return { headline: headlineOf(event), explanation: EXPLANATIONS[event.cause](result, event) };
}

function headlineOf(event: OutOfMemoryEvent): string {
  const byClass = event.cause === 'class-empty' ? emptyClass(event)?.headline : undefined;
  return byClass ?? CAUSE_WORDS[event.cause];
}

function runningOut({ freeBytes, needed, holes, largestHole }: OutOfMemoryEvent): string {
  const room = `${amount(freeBytes)} were free, in one piece enough for this request but not for a second one.`;
  return (
    `Memory was running out: ${room} They lay in ${glue(counted(holes, 'hole'))}, the largest ` +
    `${amount(needed - largestHole)} too small; merged, they would only have put it off.`
  );
}

const EXPLANATIONS: Readonly<Record<Cause, (result: RunResult, event: OutOfMemoryEvent) => string>> = {
  'too-large': (result, event) =>
    impossiblePageText(result.heap.name, event) ??
    `It could never be served: not even an empty ${result.heap.name} of ${amount(arenaBytes(result))} has ${amount(event.needed)} in one piece.`,
  'class-empty': (result, event) => emptyClass(event)?.explanation ?? passedOver(result, event),
  uncoalesced: (result, { freeBytes, needed, holes, largestHole }) =>
    `There was enough memory: ${amount(freeBytes)} were free,${times(freeBytes, needed)} in ` +
    `${glue(counted(holes, 'hole'))}; the largest is ${amount(needed - largestHole)} too small. Holes that touch ` +
    `would have sufficed in one piece, but ${result.heap.name} never merges them.`,
  pinned: (_result, { freeBytes, needed, pins = [] }) =>
    `There was enough memory: ${amount(freeBytes)} were free,${times(freeBytes, needed)} but compaction could not ` +
    `bring them together because of ${glue(counted(pins.length, 'locked block'))}: ${lockedNames(pins)}.`,
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

const NAMED_PINS = 4;

/** Those that cost most first; several of one name are one. */
function lockedNames(pins: readonly PinnedPiece[]): string {
  const costliest = [...pins].sort((a, b) => b.cost - a.cost);
  const names = new Set(costliest.map(({ owner = 'unknown', label = '?' }) => `"${label}" of ${owner}`));
  const [...shown] = [...names].slice(0, NAMED_PINS);
  const left = names.size - shown.length;
  return `${shown.map(glue).join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
}

function passedOver(result: RunResult, { largestHole, needed }: OutOfMemoryEvent): string {
  return (
    `A hole of ${amount(largestHole)} was large enough for the ${amount(needed)}. Size did not decide: ` +
    `${result.heap.name} does not give out every hole for every request.`
  );
}

function times(freeBytes: number, needed: number): string {
  const factor = freeBytes / needed;
  return factor < 1.5 ? '' : ` ${factor.toFixed(factor < 10 ? 1 : 0)} times what it takes,`;
}

function amount(count: number): string {
  return glue(bytes(count));
}
