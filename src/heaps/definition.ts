/**
 * What the catalog says of a heap. Every heap's file ends with its definition; commands, tests and
 * documentation take all they need from it.
 */

import * as v from 'valibot';
import type { Memory } from '../mcu/memory.js';
import type { Heap, HeapLayout } from './heap.js';

/** Values of a heap's options, by name, as `--heap-option` and scenarios give them. */
export type HeapOptions = Readonly<Record<string, boolean | number | string>>;

/** What `heaplab heaps NAME` says. Sentences for people. */
export interface HeapFacts {
  readonly policy: string;
  readonly block: string;
  readonly mallocCost: string;
  readonly freeCost: string;
  readonly bound: string;
  readonly useWhen: string;
  readonly notWhen: string;
}

export interface HeapDefinition<Options extends HeapOptions = HeapOptions> {
  readonly name: string;
  readonly origin: string;
  readonly facts: HeapFacts;
  readonly options: v.GenericSchema<unknown, Options>;
  /** Names of the cost model's path bits, lowest first. */
  readonly pathWords: { readonly malloc: readonly string[]; readonly free: readonly string[] };
  /** Whether holes that touch are merged at once, so that the largest hole is the largest there can be. */
  readonly coalesces: boolean;
  /** By its policy it refuses now and then although some hole would do. */
  readonly mayPassOverAHole?: boolean;
  /** Its free is always refused. */
  readonly neverFrees?: boolean;
  /** How many regions it can manage. */
  readonly regions: 'one' | 'several';
  /** What payload addresses are multiples of; the target's alignment unless the heap has one of its own. */
  payloadAlignment?(targetAlignment: number): number;
  /** RAM for its own variables, outside the arena. */
  staticBytes(options: Options): number;
  /** Smallest arena, in bytes, that it can be given. */
  minimumArenaBytes(alignment: number, options: Options): number;
  create(memory: Memory, layout: HeapLayout, options: Options): Heap;
}

/** A heap's definition with its options' types checked, then put aside for the catalog. */
export function defineHeap<Options extends HeapOptions>(definition: HeapDefinition<Options>): HeapDefinition {
  return definition as unknown as HeapDefinition;
}

// --- options ----------------------------------------------------------------------------------------------

/** An option that is on or off. */
export function flag(description: string, byDefault: boolean) {
  return v.optional(v.pipe(v.boolean(), v.description(description)), byDefault);
}

/** An option with a closed list of values: words, or numbers such as sizes in bytes. */
export function choice<const Values extends readonly (string | number)[]>(
  description: string,
  values: Values,
  byDefault: Values[number],
) {
  return v.optional(v.pipe(v.picklist(values), v.description(description)), byDefault as never);
}

/** An option that is a whole number; sizes are in bytes and may be written `2KiB`. */
export function wholeNumber(
  description: string,
  [minimum, maximum]: readonly [number, number],
  byDefault: number,
) {
  const checked = v.pipe(
    v.number(),
    v.integer(),
    v.minValue(minimum),
    v.maxValue(maximum),
    v.description(description),
  );
  return v.optional(checked, byDefault);
}
