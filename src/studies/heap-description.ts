/**
 * A heap as people who choose one want it described: what its file says of it, and what its bookkeeping takes,
 * measured on the heap itself.
 */

import * as v from 'valibot';
import { type Build, measuredBuilds } from '../costs/files.js';
import {
  BOUND_FORMULAS,
  type BoundRow,
  type Load,
  lowerBoundBytes,
  sufficientBytes,
} from '../heaps/bounds.js';
import {
  boundRowOf,
  type HeapDefinition,
  type HeapFacts,
  type HeapOptions,
  optionDescription,
  optionNames,
  optionRange,
  optionValues,
  traitsOf,
} from '../heaps/definition.js';
import { type HeapView, NULL } from '../heaps/heap.js';
import { UserError } from '../input/index.js';
import type { Region } from '../mcu/memory.js';
import { memoryPlan } from '../targets/plan.js';
import type { Target } from '../targets/target.js';
import { DEFAULT_ORIGIN, replayMachine } from '../traces/replay-machine.js';
import { blockUnit } from './allocator-load.js';
import type { CostCurve } from './cost-curve.js';

/** The empty arena that every heap is shown with. */
export const EXAMPLE_ARENA_BYTES = 16 * 1024;
/** M and n of the bound's example, as the allocator sees them. */
export const EXAMPLE_PEAK_BYTES = 16 * 1024;
export const EXAMPLE_LARGEST_BYTES = 1024;
const EXAMPLE_REQUESTS = [1, 13, 24, 100, 1000];

export interface HeapDescription extends HeapFacts {
  readonly name: string;
  readonly origin: string;
  /** Of its own variables, outside the arena. */
  readonly staticBytes: number;
  readonly regions: 'one' | 'several';
  /** What payload addresses are multiples of. */
  readonly alignment: number;
  /** What small requests take out of the arena. */
  readonly examples: readonly { readonly requested: number; readonly bytes: number }[];
  readonly emptyArena: EmptyArena;
  /** Of the target, if one was asked for. */
  readonly onTarget?: EmptyArena | Refused;
  readonly boundExample?: BoundExample;
  readonly options: readonly HeapOption[];
  /** The builds for which instructions per call were measured on a device, so that they are exact. */
  readonly measuredBuilds: readonly Build[];
  /** Accesses against live blocks; absent where they have not been measured. */
  readonly curve?: CostCurve;
}

export interface HeapOption {
  readonly name: string;
  readonly default: string;
  readonly description: string;
  /** All that there are, where the list is closed. */
  readonly values?: readonly string[];
  /** The least and the most, of a whole number. */
  readonly range?: readonly [number, number];
}

export interface EmptyArena {
  readonly bytes: number;
  /** In holes, while nothing is allocated. */
  readonly freeBytes: number;
  /** The largest single request that is served. */
  readonly largestRequestBytes: number;
}

/** The target has no room for this heap. */
export interface Refused {
  readonly refused: string;
}

/** An arena that is sure to be enough for some M and n, the heap's fixed part left out. */
export interface BoundExample {
  readonly formula: string;
  readonly peakBytes: number;
  readonly largestBytes: number;
  readonly sufficientBytes: number;
  /** What no heap without moving blocks can do with less than. */
  readonly lowerBoundBytes: number;
}

/** `alignment`: `portBYTE_ALIGNMENT`, which the heap may exceed or ignore. Options are at their defaults. */
export function describeHeap(
  heap: HeapDefinition,
  alignment: number,
  curve: CostCurve | undefined,
  target?: Target,
): HeapDescription {
  const options = v.parse(heap.options, {});
  const example = [{ name: 'heap', origin: DEFAULT_ORIGIN, bytes: EXAMPLE_ARENA_BYTES }];
  const { handles } = replayMachine(heap, options, example, alignment);
  const bytesFor = (bytes: number) => handles.heap.blockBytesFor(bytes);
  const bound = boundExample(boundRowOf(heap, options), handles.heap);
  return {
    name: heap.name,
    origin: heap.origin,
    ...heap.facts,
    staticBytes: heap.staticBytes(options),
    regions: traitsOf(heap, options).regions,
    alignment: heap.payloadAlignment?.(alignment, options) ?? alignment,
    examples: EXAMPLE_REQUESTS.map((requested) => ({ requested, bytes: bytesFor(requested) })),
    emptyArena: emptyArena(heap, options, example, alignment),
    ...(target === undefined ? {} : { onTarget: arenaOn(target, heap, options, alignment) }),
    ...(bound === undefined ? {} : { boundExample: bound }),
    options: describeOptions(heap, options),
    measuredBuilds: measuredBuilds(heap),
    ...(curve === undefined ? {} : { curve }),
  };
}

function arenaOn(
  target: Target,
  heap: HeapDefinition,
  options: HeapOptions,
  alignment: number,
): EmptyArena | Refused {
  try {
    const least = heap.minimumArenaBytes(alignment, options);
    const { regions } = traitsOf(heap, options);
    const plan = memoryPlan({ ...target, alignment }, heap.staticBytes(options), regions, least);
    return emptyArena(heap, options, plan.heapRegions, alignment);
  } catch (error) {
    if (error instanceof UserError) return { refused: error.problems[0]!.message };
    throw error;
  }
}

function emptyArena(
  heap: HeapDefinition,
  options: HeapOptions,
  regions: readonly Region[],
  alignment: number,
): EmptyArena {
  const fresh = () => replayMachine(heap, options, regions, alignment).handles;
  let freeBytes = 0;
  fresh().heap.walk((kind, _address, bytes) => {
    if (kind === 'hole') freeBytes += bytes;
  });
  // Whatever is served when it is the first request; all that are smaller are served too.
  let served = 0;
  let refused = freeBytes + 1;
  while (refused - served > 1) {
    const middle = Math.floor((served + refused) / 2);
    if (fresh().allocate(middle) === NULL) refused = middle;
    else served = middle;
  }
  const bytes = regions.reduce((sum, region) => sum + region.bytes, 0);
  return { bytes, freeBytes, largestRequestBytes: served };
}

function boundExample(
  row: BoundRow | undefined,
  view: Pick<HeapView, 'blockBytesFor'>,
): BoundExample | undefined {
  if (row === undefined) return undefined;
  const load: Load = {
    peakBytes: EXAMPLE_PEAK_BYTES,
    largestBytes: EXAMPLE_LARGEST_BYTES,
    smallestBytes: view.blockBytesFor(1),
    unitBytes: blockUnit(view),
  };
  return {
    formula: BOUND_FORMULAS[row],
    peakBytes: load.peakBytes,
    largestBytes: load.largestBytes,
    sufficientBytes: sufficientBytes(row, load),
    lowerBoundBytes: lowerBoundBytes(load),
  };
}

function describeOptions(heap: HeapDefinition, defaults: HeapOptions): HeapOption[] {
  return optionNames(heap).map((name) => {
    const values = optionValues(heap, name);
    const range = optionRange(heap, name);
    return {
      name,
      default: String(defaults[name]),
      description: optionDescription(heap, name),
      ...(values !== undefined && { values: values.map(String) }),
      ...(range !== undefined && { range }),
    };
  });
}
