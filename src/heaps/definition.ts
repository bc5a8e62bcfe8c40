/**
 * What the catalog says of a heap. Every heap's file ends with its definition; commands, tests and
 * documentation take all they need from it.
 */

import * as v from 'valibot';
import type { Memory } from '../mcu/memory.js';
import type { BoundRow } from './bounds.js';
import { AddressHandles, type HandleHeap, PinnedHeap } from './handle-heap.js';
import { ALONE, type Heap, type HeapLayout, type Surroundings } from './heap.js';

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

/** How the words of a block are called, from its first word on, for who reads what was written over. */
export interface BlockWords {
  readonly used?: readonly string[];
  readonly hole?: readonly string[];
  /** The last word of either, where that is the heap's own too. */
  readonly lastOfUsed?: string;
  readonly lastOfHole?: string;
  /** What lies behind the last block. */
  readonly behind?: string;
}

/** What a heap does and does not, by its policy. */
export interface HeapTraits {
  /** Whether holes that touch are merged at once, so that the largest hole is the largest there can be. */
  readonly coalesces: boolean;
  /** First fit by address: where blocks go does not depend on where the arena ends. */
  readonly firstFitByAddress?: boolean;
  /** By its policy it refuses now and then although some hole would do. */
  readonly mayPassOverAHole?: boolean;
  /** Before it refuses it takes together what it kept apart: it may serve what no hole was large enough for. */
  readonly reclaims?: boolean;
  /** Its free is always refused. */
  readonly neverFrees?: boolean;
  /** Its first block's address is a pointer like any other, so the arena cannot begin at address 0: NULL. */
  readonly notAtZero?: boolean;
  /** How many regions it can manage. */
  readonly regions: 'one' | 'several';
}

export interface HeapDefinition<Options extends HeapOptions = HeapOptions> extends HeapTraits {
  readonly name: string;
  readonly origin: string;
  readonly facts: HeapFacts;
  readonly options: v.GenericSchema<unknown, Options>;
  /** The proof behind `facts.bound`; none where nothing can be proved. heap_5's holds for one region. */
  readonly boundRow?: BoundRow | ((options: Options) => BoundRow | undefined);
  /**
   * The most, in bytes, by which a block may exceed `blockBytesFor`: the rest of its hole was too small to be one.
   * A proof has to count it. 0 where absent.
   */
  surplusBytes?(alignment: number, options: Options): number;
  /** As in the drawing of a block in the heap's file; absent where blocks have no words of the heap. */
  blockWords?(options: Options): BlockWords;
  /** Options that are off by default, with which it notices more of what is written behind blocks. */
  readonly guards?: Partial<Options>;
  /** Names of the cost model's path bits, lowest first. */
  readonly pathWords: { readonly malloc: readonly string[]; readonly free: readonly string[] };
  /** Those that go by the options; {@link traitsOf} asks. */
  traits?(options: Options): Partial<HeapTraits>;
  /** What payload addresses are multiples of; the target's alignment unless the heap has one of its own. */
  payloadAlignment?(targetAlignment: number, options: Options): number;
  /** RAM for its own variables, outside the arena. */
  staticBytes(options: Options): number;
  /** Smallest arena, in bytes, that it can be given, at whatever multiple of 4 that begins. */
  minimumArenaBytes(alignment: number, options: Options): number;
  /** Whether it wants all RAM that the target leaves free, whatever heap size is asked for. */
  takesAllRam?(options: Options): boolean;
  /** `surroundings`: {@link ALONE} if absent. The kernel need not exist yet: it is asked when the heap is called. */
  create(memory: Memory, layout: HeapLayout, options: Options, surroundings?: Surroundings): Heap;
  /** For heaps that move blocks; their {@link create} gives one that never does. */
  createHandles?(
    memory: Memory,
    layout: HeapLayout,
    options: Options,
    surroundings?: Surroundings,
  ): HandleHeap;
}

/** A heap's definition with its options' types checked, then put aside for the catalog. */
export function defineHeap<Options extends HeapOptions>(definition: HeapDefinition<Options>): HeapDefinition {
  return definition as unknown as HeapDefinition;
}

/** The same for a heap that moves blocks. */
export function defineHandleHeap<Options extends HeapOptions>(
  definition: Omit<HeapDefinition<Options>, 'create'> &
    Required<Pick<HeapDefinition<Options>, 'createHandles'>>,
): HeapDefinition {
  const create = (memory: Memory, layout: HeapLayout, options: Options, surroundings?: Surroundings) =>
    new PinnedHeap(definition.createHandles(memory, layout, options, surroundings));
  return defineHeap({ ...definition, create });
}

/** Which proof holds for a heap with these options, if any. */
export function boundRowOf({ boundRow }: HeapDefinition, options: HeapOptions): BoundRow | undefined {
  return typeof boundRow === 'function' ? boundRow(options) : boundRow;
}

/** What holds of a heap with these options. */
export function traitsOf(heap: HeapDefinition, options: HeapOptions): HeapTraits {
  const { coalesces, firstFitByAddress, mayPassOverAHole, reclaims, neverFrees, notAtZero, regions } = heap;
  const own = { coalesces, firstFitByAddress, mayPassOverAHole, reclaims, neverFrees, notAtZero, regions };
  return { ...own, ...heap.traits?.(options) };
}

/** Any heap of the catalog under the contract that kernel, scenarios and replays use. */
export function createHandles(
  heap: HeapDefinition,
  memory: Memory,
  layout: HeapLayout,
  options: HeapOptions,
  surroundings: Surroundings = ALONE,
): HandleHeap {
  return heap.createHandles === undefined
    ? new AddressHandles(heap.create(memory, layout, options, surroundings))
    : heap.createHandles(memory, layout, options, surroundings);
}

/** The options that are not as the heap has them by default. */
export function ownOptions(heap: HeapDefinition, options: HeapOptions): HeapOptions {
  const defaults = v.parse(heap.options, {});
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => value !== defaults[name]));
}

// --- options ----------------------------------------------------------------------------------------------

/** An option that is on or off. */
export function flag(description: string, byDefault: boolean) {
  return v.optional(v.pipe(v.boolean('true or false'), v.description(description)), byDefault);
}

/**
 * An option with a closed list of values: words, or numbers such as sizes in bytes. `whyNot`: of a word that is none of
 * them, why it cannot be, for who might expect it.
 */
export function choice<const Values extends readonly (string | number)[]>(
  description: string,
  values: Values,
  byDefault: Values[number],
  whyNot: Readonly<Record<string, string>> = {},
) {
  const expected = `one of ${values.join(', ')}`;
  const checked = v.picklist(values, (issue?: v.BaseIssue<unknown>) => {
    const given = String(issue?.input);
    return Object.hasOwn(whyNot, given) ? `${expected}; not ${given}: ${whyNot[given]}` : expected;
  });
  return v.optional(v.pipe(checked, v.description(description)), byDefault as never);
}

/** An option that is a whole number; sizes are in bytes and may be written `2KiB`. */
export function wholeNumber(
  description: string,
  [minimum, maximum]: readonly [number, number],
  byDefault: number,
) {
  const expected = `a whole number from ${minimum} to ${maximum}`;
  const checked = v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(minimum, expected),
    v.maxValue(maximum, expected),
    v.description(description),
  );
  return v.optional(checked, byDefault);
}

// --- what there is to choose ------------------------------------------------------------------------------

interface OptionSchema {
  readonly wrapped: {
    readonly options?: readonly (string | number)[];
    readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
  } & v.GenericSchema;
}

/** All schemas in the catalog are objects, and all their entries optional. */
function optionSchemas(heap: HeapDefinition): Readonly<Record<string, OptionSchema>> {
  return (heap.options as unknown as { entries: Record<string, OptionSchema> }).entries;
}

export function optionNames(heap: HeapDefinition): string[] {
  return Object.keys(optionSchemas(heap));
}

/** undefined where the list is not closed. */
export function optionValues(heap: HeapDefinition, name: string): readonly (string | number)[] | undefined {
  return optionSchemas(heap)[name]?.wrapped.options;
}

/** Of a {@link wholeNumber}: the least and the most that it may be. */
export function optionRange(heap: HeapDefinition, name: string): readonly [number, number] | undefined {
  const pipe = optionSchemas(heap)[name]?.wrapped.pipe ?? [];
  const limit = (type: string) =>
    pipe.find((action) => action.type === type)?.requirement as number | undefined;
  const [least, most] = [limit('min_value'), limit('max_value')];
  return least === undefined || most === undefined ? undefined : [least, most];
}

export function optionDescription(heap: HeapDefinition, name: string): string {
  const schema = optionSchemas(heap)[name]?.wrapped;
  return (schema && v.getDescription(schema as Parameters<typeof v.getDescription>[0])) ?? '';
}
