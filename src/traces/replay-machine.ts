/** The machine a trace is replayed on: just RAM for the heap, placed where the caller says. */

import type { HeapDefinition, HeapOptions } from '../heaps/catalog.js';
import type { Heap, HeapLayout } from '../heaps/heap.js';
import { Memory, type Region } from '../mcu/memory.js';

/** Where RAM begins on a Cortex-M, and where the reference answers were recorded. */
export const DEFAULT_ORIGIN = 0x2000_0000;

export interface ReplayMachine {
  readonly heap: Heap;
  readonly memory: Memory;
  readonly layout: HeapLayout;
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
): ReplayMachine {
  const staticBytes = roundUp(definition.staticBytes(options), 32);
  const [first, ...others] = regions;
  const statics = first!.origin - staticBytes;
  const memory = new Memory([
    { name: first!.name, origin: statics, bytes: staticBytes + roundUp(first!.bytes, 4) },
    ...others.map((region) => ({ ...region, bytes: roundUp(region.bytes, 4) })),
  ]);
  const layout: HeapLayout = { statics, regions, alignment };
  return { heap: definition.create(memory, layout, options), memory, layout };
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
