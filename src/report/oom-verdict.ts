/**
 * Why a request could not be served, as far as sizes alone tell. The one place to replace once an event
 * carries an analysed cause (`event.cause`): the report prints what stands here and asks no further.
 */

import type { OutOfMemoryEvent, RunResult } from '../inspect/result.js';
import { bytes, counted } from './phrases.js';
import { glue } from './text.js';

export interface Verdict {
  /** A few words for the title. */
  readonly headline: string;
  /** One sentence, or two. */
  readonly explanation: string;
}

export function verdict(result: RunResult, event: OutOfMemoryEvent): Verdict {
  const { needed, freeBytes, largestHole, holes } = event;
  if (event.corruption !== undefined) {
    return {
      headline: 'the heap was broken by then',
      explanation: `The heap's own structure no longer held (${event.corruption}). The figures below cover only what lies before the break.`,
    };
  }
  const largestRegion = result.heap.regions.reduce((most, region) => Math.max(most, region.bytes), 0);
  if (needed > largestRegion) {
    return {
      headline: 'larger than the heap',
      explanation: `It could never be served: it takes more than the ${amount(largestRegion)} of the arena.`,
    };
  }
  if (freeBytes < needed) {
    const short = amount(needed - freeBytes);
    return {
      headline: 'not enough memory',
      explanation:
        freeBytes === 0
          ? 'There was not enough memory: not a byte was free.'
          : `There was not enough memory: ${amount(freeBytes)} free, ${short} too little even if all of it were in one piece.`,
    };
  }
  if (largestHole < needed) {
    return {
      headline: 'enough memory, but not in one piece',
      explanation:
        `There was enough memory, but not in one piece: ${amount(freeBytes)} were free, ${times(freeBytes, needed)}what it takes, ` +
        `in ${glue(counted(holes, 'hole'))}; the largest is ${amount(needed - largestHole)} too small.`,
    };
  }
  return {
    headline: 'refused although a hole was large enough',
    explanation:
      `A hole of ${amount(largestHole)} was large enough for the ${amount(needed)}. Size did not decide: ` +
      `${result.heap.name} does not give out every hole for every request.`,
  };
}

function times(freeBytes: number, needed: number): string {
  const factor = freeBytes / needed;
  return factor < 1.5 ? '' : `${factor.toFixed(factor < 10 ? 1 : 0)} times `;
}

function amount(count: number): string {
  return glue(bytes(count));
}
