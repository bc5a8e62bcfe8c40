/** mimalloc's heap on a small memory. */

import * as v from 'valibot';
import type { HeapOptions } from '../../../src/heaps/definition.js';
import { planFor, staticBytesFor } from '../../../src/heaps/mimalloc/layout.js';
import { MimallocHeap } from '../../../src/heaps/mimalloc/mimalloc-heap.js';
import { mimallocOptions } from '../../../src/heaps/mimalloc/options.js';
import { Memory } from '../../../src/mcu/index.js';
import { type Piece, piecesOf } from '../device.js';

export const ORIGIN = 0x2000_0000;

/** On 4 KiB at alignment 8, with pages of 256 bytes. The heap's caller and its clock are at hand. */
export function device(given: HeapOptions = {}, bytes = 4096) {
  const options = v.parse(mimallocOptions, given);
  const statics = ORIGIN - staticBytesFor(options);
  const memory = new Memory([{ name: 'RAM', origin: statics, bytes: ORIGIN + bytes - statics }]);
  const layout = { statics, regions: [{ name: 'heap', origin: ORIGIN, bytes }], alignment: 8 };
  const plan = planFor(layout, options);
  const world = { task: 0, tick: 0 };
  const heap = new MimallocHeap(memory, plan, options, { caller: () => world.task, ticks: () => world.tick });
  const as = (task: number) => {
    world.task = task;
    return heap;
  };
  const pageOf = (address: number) => Math.floor((address - plan.base) / plan.pageBytes);
  return { heap, memory, plan, world, as, pageOf };
}

export type Device = ReturnType<typeof device>;

export function several({ heap }: Device, count: number, bytes: number): number[] {
  return Array.from({ length: count }, () => heap.malloc(bytes));
}

export const ofKind = (pieces: readonly Piece[], kind: string) =>
  pieces.filter((piece) => piece.kind === kind);
export const holesOf = ({ heap }: Device) => ofKind(piecesOf(heap), 'hole');
