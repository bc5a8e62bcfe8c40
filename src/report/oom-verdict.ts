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
  const isClassEmpty = event.cause === 'class-empty' && event.emptyClass !== undefined;
  const headline = isClassEmpty ? 'enough memory, but none left in its class' : CAUSE_WORDS[event.cause];
  return { headline, explanation: EXPLANATIONS[event.cause](result, event) };
}

const EXPLANATIONS: Readonly<Record<Cause, (result: RunResult, event: OutOfMemoryEvent) => string>> = {
  'too-large': (result, { needed }) =>
    `It could never be served: not even an empty ${result.heap.name} of ${amount(arenaBytes(result))} has ${amount(needed)} in one piece.`,
  'class-empty': (result, event) => emptyClassText(result, event) ?? passedOver(result, event),
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

function passedOver(result: RunResult, { largestHole, needed }: OutOfMemoryEvent): string {
  return (
    `A hole of ${amount(largestHole)} was large enough for the ${amount(needed)}. Size did not decide: ` +
    `${result.heap.name} does not give out every hole for every request.`
  );
}

/** Which class was empty, and where the room was instead. */
function emptyClassText(result: RunResult, { emptyClass, freeBytes }: OutOfMemoryEvent): string | undefined {
  if (emptyClass === undefined) return undefined;
  const { refillBytes, others } = emptyClass;
  const empty =
    `Nothing was free in ${className(emptyClass)}, and ${result.heap.name} did not have the ` +
    `${amount(refillBytes)} in one piece that more of these blocks take.`;
  const inClasses = others.reduce((sum, { blockBytes, freeBlocks }) => sum + blockBytes * freeBlocks, 0);
  const places = [...others]
    .sort((a, b) => b.blockBytes * b.freeBlocks - a.blockBytes * a.freeBlocks)
    .slice(0, SHOWN_CLASSES)
    .map((other) => `${amount(other.blockBytes * other.freeBlocks)} in ${className(other)}`);
  const left = others.length - SHOWN_CLASSES;
  if (left > 0) places.push(`more in ${glue(counted(left, 'other class', 'other classes'))}`);
  if (freeBytes > inClasses) places.push(`${amount(freeBytes - inClasses)} in none`);
  return `${empty} Room in one class is none for another: of the ${amount(freeBytes)} free, ${listed(places)}.`;
}

/** How many classes with free blocks are named. */
const SHOWN_CLASSES = 3;

function className({ cache, blockBytes }: { cache?: string | undefined; blockBytes: number }): string {
  return cache === undefined
    ? `the class of ${amount(blockBytes)}`
    : `cache "${cache}" (${amount(blockBytes)})`;
}

function listed(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}

function times(freeBytes: number, needed: number): string {
  const factor = freeBytes / needed;
  return factor < 1.5 ? '' : ` ${factor.toFixed(factor < 10 ? 1 : 0)} times what it takes,`;
}

function amount(count: number): string {
  return glue(bytes(count));
}
