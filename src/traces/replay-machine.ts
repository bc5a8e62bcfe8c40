/** The machine a trace is replayed on: just RAM for the heap, placed where the caller says. */

import type { HeapDefinition, HeapOptions } from '../heaps/definition.js';
import { AddressHandles, type HandleHeap, PinnedHeap } from '../heaps/handle-heap.js';
import { ALONE, type Heap, type HeapLayout, type Surroundings } from '../heaps/heap.js';
import { Memory, type Region } from '../mcu/memory.js';

/** Where RAM begins on a Cortex-M, and where the reference answers were recorded. */
export const DEFAULT_ORIGIN = 0x2000_0000;

export interface ReplayMachine {
  readonly handles: HandleHeap;
  /** The same heap for who knows only addresses: blocks that could move never do. */
  readonly heap: Heap;
  readonly memory: Memory;
  readonly layout: HeapLayout;
}

/**
 * What a replay sets unless told otherwise: a trace that frees should not end at the first free because the
 * heap never takes anything back.
 */
export function replayOptions({ neverFrees }: HeapDefinition): HeapOptions {
  return neverFrees === true ? { asserts: false } : {};
}

/**
 * RAM with `regions` for the heap and, directly below the first, room for its statics. Regions ascend and
 * do not overlap; origins are multiples of 4.
 */
export function replayMachine(
  definition: HeapDefinition,
  options: HeapOptions,
  regions: readonly Region[],
  alignment: number,
  surroundings: Surroundings = ALONE,
): ReplayMachine {
  // Some room where a heap has none: a region cannot be empty.
  const staticBytes = Math.max(32, roundUp(definition.staticBytes(options), 32));
  const [first, ...others] = regions;
  const statics = staticsAddress(regions, staticBytes);
  const ram = others.map((region) => ({ ...region, bytes: roundUp(region.bytes, 4) }));
  const heapBytes = roundUp(first!.bytes, 4);
  // Below the first region the statics share its storage, where a heap's accesses are quickest.
  const memory =
    statics < first!.origin
      ? new Memory([{ name: first!.name, origin: statics, bytes: staticBytes + heapBytes }, ...ram])
      : new Memory([
          { ...first!, bytes: heapBytes },
          ...ram,
          { name: 'statics', origin: statics, bytes: staticBytes },
        ]);
  const layout: HeapLayout = { statics, regions, alignment };
  return { ...heapOn(definition, memory, layout, options, surroundings), memory, layout };
}

function heapOn(
  definition: HeapDefinition,
  memory: Memory,
  layout: HeapLayout,
  options: HeapOptions,
  surroundings: Surroundings,
) {
  const handles = definition.createHandles?.(memory, layout, options, surroundings);
  if (handles !== undefined) return { handles, heap: new PinnedHeap(handles) };
  const heap = definition.create(memory, layout, options, surroundings);
  return { handles: new AddressHandles(heap), heap };
}

/** Directly below the first region, or behind the last where that one starts at address 0. */
function staticsAddress(regions: readonly Region[], staticBytes: number): number {
  if (regions[0]!.origin >= staticBytes) return regions[0]!.origin - staticBytes;
  const last = regions.at(-1)!;
  return roundUp(last.origin + last.bytes, 32);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
