/**
 * Every heap that heaplab knows. A heap is added by its file and one entry in {@link catalog}; commands,
 * tests and documentation take it from here.
 */

import * as v from 'valibot';
import type { Memory } from '../mcu/memory.js';
import { HEAP_2_MALLOC_WORDS, HEAP_2_STATIC_BYTES, Heap2, type Heap2Options } from './freertos/heap-2.js';
import {
  HEAP_2_COALESCING_FREE_WORDS,
  HEAP_2_COALESCING_MALLOC_WORDS,
  HEAP_2_COALESCING_STATIC_BYTES,
  Heap2Coalescing,
} from './freertos/heap-2-coalescing.js';
import {
  HEAP_4_FREE_WORDS,
  HEAP_4_MALLOC_WORDS,
  Heap4,
  type Heap4Options,
  heap4MinimumArenaBytes,
  heap4StaticBytes,
} from './freertos/heap-4.js';
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
  /** How many regions it can manage. */
  readonly regions: 'one' | 'several';
  /** RAM for its own variables, outside the arena. */
  staticBytes(options: Options): number;
  /** Smallest arena, in bytes, that it can be given, at whatever multiple of 4 that begins. */
  minimumArenaBytes(alignment: number): number;
  create(memory: Memory, layout: HeapLayout, options: Options): Heap;
}

function flag(description: string, byDefault: boolean) {
  return v.optional(v.pipe(v.boolean(), v.description(description)), byDefault);
}

const assertsOption = flag(
  'configASSERT stops the device at a bad free; if false it is ignored in silence',
  true,
);
const clearOnFreeOption = flag('configHEAP_CLEAR_MEMORY_ON_FREE: zero freed payloads', false);
const heap2Options = v.strictObject({ asserts: assertsOption, clearOnFree: clearOnFreeOption });

const heap2: HeapDefinition<HeapOptions & Heap2Options> = {
  name: 'heap_2',
  origin: 'FreeRTOS V11, heap_2.c',
  facts: {
    policy: 'best fit from a list of holes sorted by size; holes are never merged',
    block: 'header {next, size}, 8 bytes (16 at alignment 16)',
    mallocCost: 'O(holes), twice after a split',
    freeCost: 'O(holes)',
    bound: 'none: memory once cut into small blocks stays cut',
    useWhen: 'you study firmware that has it; harmless where all blocks come in a few fixed sizes',
    notWhen: 'sizes vary: use heap_4, or heap_2_coalescing',
  },
  options: heap2Options,
  pathWords: { malloc: HEAP_2_MALLOC_WORDS, free: [] },
  coalesces: false,
  regions: 'one',
  staticBytes: () => HEAP_2_STATIC_BYTES,
  minimumArenaBytes: (alignment) => alignment + 32,
  create: (memory, layout, options) => new Heap2(memory, layout, options),
};

const heap2Coalescing: HeapDefinition<HeapOptions & Heap2Options> = {
  name: 'heap_2_coalescing',
  origin: 'heap_2 extended after the heap_2 notes, their faults corrected; not what ships as heap_2',
  facts: {
    policy: 'best fit from a list sorted by size; holes merged at free through a list sorted by address',
    block: 'header {next by size, next by address, size}, 12 bytes (16 at alignments 8 and 16)',
    mallocCost: 'O(holes), up to three list walks',
    freeCost: 'O(holes), up to four list walks',
    bound: 'as any best fit that merges at once: max over r of r(M-r+1)',
    useWhen: 'best fit should keep large holes whole, and lists are short',
    notWhen: 'blocks are small (12 bytes of header) or calls must be quick',
  },
  options: heap2Options,
  pathWords: { malloc: HEAP_2_COALESCING_MALLOC_WORDS, free: HEAP_2_COALESCING_FREE_WORDS },
  coalesces: true,
  regions: 'one',
  staticBytes: () => HEAP_2_COALESCING_STATIC_BYTES,
  minimumArenaBytes: (alignment) => alignment + 32,
  create: (memory, layout, options) => new Heap2Coalescing(memory, layout, options),
};

const heap4: HeapDefinition<HeapOptions & Heap4Options> = {
  name: 'heap_4',
  origin: 'FreeRTOS V11, heap_4.c',
  facts: {
    policy: 'first fit in address order; holes merged at once',
    block: 'header {next, size}, 8 bytes (16 at alignment 16); an end marker of one header',
    mallocCost: 'O(holes below the one taken)',
    freeCost: 'O(holes below the block)',
    bound: 'M * H(n) / ln 2 (first fit, Knuth)',
    useWhen: 'as the ordinary choice on one region of RAM',
    notWhen: 'every call must be quick whatever the history',
  },
  options: v.strictObject({
    asserts: assertsOption,
    clearOnFree: clearOnFreeOption,
    protector: flag('configENABLE_HEAP_PROTECTOR: links are stored XORed with a canary', false),
  }),
  pathWords: { malloc: HEAP_4_MALLOC_WORDS, free: HEAP_4_FREE_WORDS },
  coalesces: true,
  regions: 'one',
  staticBytes: heap4StaticBytes,
  minimumArenaBytes: heap4MinimumArenaBytes,
  create: (memory, layout, options) => new Heap4(memory, layout, options),
};

/** In the order in which lists show them. */
export const catalog: readonly HeapDefinition[] = [
  heap2 as unknown as HeapDefinition,
  heap2Coalescing as unknown as HeapDefinition,
  heap4 as unknown as HeapDefinition,
];

export function findHeap(name: string): HeapDefinition | undefined {
  return catalog.find((heap) => heap.name === name);
}
