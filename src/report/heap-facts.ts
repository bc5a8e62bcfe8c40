/** A heap's figures in words, as the terminal and docs/heaps.md show them. */

import { formatBytes, groupDigits } from '../input/index.js';
import {
  type CallAccesses,
  type CurvePoint,
  GROWTH_FROM,
  GROWTH_TO,
  growthOf,
} from '../studies/cost-curve.js';
import type {
  BoundExample,
  EmptyArena,
  HeapDescription,
  HeapOption,
  Refused,
} from '../studies/heap-description.js';

/** `1 → 16, 13 → 24, … bytes`: what is asked for, and what it takes. */
export function exampleWords({ examples }: HeapDescription): string {
  const pairs = examples.map(({ requested, bytes }) => `${groupDigits(requested)} → ${groupDigits(bytes)}`);
  return `${pairs.join(', ')} bytes`;
}

export function staticsWords({ staticBytes, regions }: HeapDescription): string {
  const place = regions === 'one' ? 'one region' : 'several regions';
  return `${groupDigits(staticBytes)} bytes of statics outside the arena; manages ${place}`;
}

export function arenaWords(arena: EmptyArena): string {
  const { bytes, freeBytes, largestRequestBytes } = arena;
  const exact = (count: number) => `${groupDigits(count)} bytes`;
  return (
    `of ${exact(bytes)} ${exact(freeBytes)} are free when it is empty: ${lostBytes(arena)} go to bookkeeping ` +
    `and alignment; the largest request served is ${exact(largestRequestBytes)}`
  );
}

export function lostBytes({ bytes, freeBytes }: EmptyArena): string {
  return groupDigits(bytes - freeBytes);
}

export function targetWords(arena: EmptyArena | Refused): string {
  return 'refused' in arena ? arena.refused : arenaWords(arena);
}

export function alignmentWords({ alignment }: HeapDescription): string {
  return `payloads at multiples of ${alignment} bytes`;
}

/** What costs of calls rest on. */
export function costWords({ measuredBuilds }: HeapDescription): string {
  return measuredBuilds.length === 0
    ? 'not measured on a device: instructions and cycles are estimated from memory accesses'
    : `instructions as measured on a Cortex-M3, exact for ${measuredBuilds.join(' and ')} with asserts off; cycles estimated`;
}

/** What the bound comes to for one peak and one largest block. */
export function boundWords(example: BoundExample): string {
  const { formula, peakBytes, largestBytes, sufficientBytes, lowerBoundBytes } = example;
  return (
    `with M = ${formatBytes(peakBytes)} live at most and n = ${formatBytes(largestBytes)} the largest block, ` +
    `${kibibytes(sufficientBytes)} are enough whatever the order of requests (${formula}); no heap without ` +
    `moving blocks can do with less than ${kibibytes(lowerBoundBytes)}`
  );
}

/** To a tenth. */
export function kibibytes(bytes: number): string {
  return `${groupDigits(Math.round((10 * bytes) / 1024) / 10)} KiB`;
}

/** `16.9, 27.5, … (linear); worst call 29, 77, … (linear)`, for one kind of call. */
export function curveWords(points: readonly CurvePoint[], call: 'malloc' | 'free'): string {
  const costs = (cost: (accesses: CallAccesses) => number) => {
    const values = points.map((point) => groupDigits(cost(point[call]))).join(', ');
    return `${values} (${growthOf(points, (point) => cost(point[call]))})`;
  };
  return `${costs(({ mean }) => mean)}; worst call ${costs(({ worst }) => worst)}`;
}

/** What "constant" and "linear" were judged by. */
export const GROWTH_WORDS = `from ${groupDigits(GROWTH_FROM)} to ${groupDigits(GROWTH_TO)} live blocks`;

export function curveHead(points: readonly CurvePoint[]): string {
  return points.map(({ liveBlocks }) => groupDigits(liveBlocks)).join(', ');
}

/** What it does, and which values it takes. */
export function optionWords({ description, values, range }: HeapOption): string {
  const what = smallFirst(description);
  if (range !== undefined) return `${what}; ${range.map(groupDigits).join(' to ')}`;
  return values === undefined ? what : `${what}; one of ${values.join(', ')}`;
}

/** Names such as `O1HEAP_ASSERT` stay as they are. */
function smallFirst(text: string): string {
  return /^[A-Z]([a-z]| )/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text;
}
