/** What a heap call costs in time. */

import type { Heap } from '../heaps/heap.js';
import { accessesSince, type Memory } from '../mcu/index.js';
import type { HeapCallKind } from './events.js';

export interface CostModel {
  /** Said beside every figure that rests on it. */
  readonly source: string;
  /** Whether the figures are an estimate. */
  readonly estimated: boolean;
  /** Cycles of the call just made; `loads` and `stores` are the memory's counters before it. */
  cycles(kind: HeapCallKind, heap: Heap, memory: Memory, loads: number, stores: number): number;
}

/** Heap calls take no time, as in the recorded kernel schedules. */
export const noCost: CostModel = {
  source: 'no cost: heap calls take no time',
  estimated: false,
  cycles: () => 0,
};

/**
 * An estimate from memory accesses, for heaps and cores without a calibration: a fixed part for call,
 * arithmetic and suspending the scheduler, and a part per access. Fitted to heap_4's path lengths on a
 * Cortex-M3; it can be off by half.
 */
export const accessCost: CostModel = {
  source: 'estimated from memory accesses, may be off by half',
  estimated: true,
  cycles(_kind, _heap, memory, loads, stores) {
    const accesses = accessesSince(loads, memory.loads) + accessesSince(stores, memory.stores);
    return 110 + 6 * accesses;
  },
};

export function costModel(name: 'none' | 'estimate'): CostModel {
  return name === 'none' ? noCost : accessCost;
}
