/** mempool on a device, and what its tests look at. */

import * as v from 'valibot';
import type { HeapOptions } from '../../../src/heaps/definition.js';
import { ALONE, type Surroundings } from '../../../src/heaps/heap.js';
import { Mempool } from '../../../src/heaps/mempool/mempool-heap.js';
import { options as schema } from '../../../src/heaps/mempool/options.js';
import { Memory } from '../../../src/mcu/memory.js';
import { ORIGIN, piecesOf } from '../device.js';

export const STATICS_BYTES = 0x4000;

/**
 * Calls `meddle` before a load, which may then make calls as an interrupt would: what the chip does atomically,
 * exchange and AND, begins with one.
 */
export class WatchedMemory extends Memory {
  meddle: ((address: number) => void) | undefined;

  override loadWord(address: number): number {
    this.meddle?.(address);
    return super.loadWord(address);
  }

  /** Has something happen between the first and the second of two loads. */
  betweenLoads(interrupt: () => void): void {
    let loads = 0;
    this.meddle = () => {
      if (++loads !== 2) return;
      this.meddle = undefined;
      interrupt();
    };
  }
}

export interface Setup {
  readonly bytes?: number;
  readonly origin?: number;
  readonly alignment?: number;
  readonly surroundings?: Surroundings;
}

/** Fragments of 128 bytes, metadata outside, so that offsets are round; whatever `chosen` says. */
export function mempool(chosen: HeapOptions = {}, setup: Setup = {}) {
  const { bytes = 32 * 128, origin = ORIGIN, alignment = 8, surroundings = ALONE } = setup;
  const outside = { metadata: 'outside', segmentBytes: bytes, fragmentBytes: 128, heapPageFragments: 16 };
  const options = v.parse(schema, { ...outside, ...chosen });
  const statics = origin - STATICS_BYTES;
  const memory = new WatchedMemory([{ name: 'RAM', origin: statics, bytes: STATICS_BYTES + bytes + 64 }]);
  const layout = { statics, regions: [{ name: 'heap', origin, bytes }], alignment };
  return { heap: new Mempool(memory, layout, options, surroundings), memory, origin };
}

/** As the allocator was: no descriptor lookup, no reclaiming, the list in fragments, three scans. */
export const AS_ORIGINAL = { reclaim: false, lookup: false, defragInPlace: false, scans: 3 } as const;

/** How many pages the pool of heap pages has. */
export function heapPages(heap: Mempool): number {
  return heap.classes()[0]!.pages;
}

export function holesOf(heap: Mempool): string[] {
  return piecesOf(heap)
    .filter(({ kind }) => kind === 'hole')
    .map(({ address, bytes }) => `${address - ORIGIN}:${bytes}`);
}

export function freeInHoles(heap: Mempool): number {
  return piecesOf(heap).reduce((sum, { kind, bytes }) => sum + (kind === 'hole' ? bytes : 0), 0);
}
