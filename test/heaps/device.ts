/** A heap on RAM that goes on beside it: what lies around a heap matters to whoever frees a foreign pointer. */

import * as v from 'valibot';
import { findHeap } from '../../src/heaps/catalog.js';
import { createHandles, type HeapOptions } from '../../src/heaps/definition.js';
import type { HandleHeap } from '../../src/heaps/handle-heap.js';
import type { Heap, HeapView, PieceKind } from '../../src/heaps/heap.js';
import { Fault, type FaultKind, Memory } from '../../src/mcu/index.js';

export const ORIGIN = 0x2000_0000;
const MARGIN = 0x400;

export interface Setup {
  readonly bytes?: number;
  readonly alignment?: number;
  readonly origin?: number;
  readonly options?: HeapOptions;
  /** Where the linker puts the heap's variables. */
  readonly statics?: 'below' | 'above';
}

export interface Device {
  readonly heap: Heap;
  readonly memory: Memory;
  readonly origin: number;
  readonly statics: number;
}

/** The heap `name` on 4096 bytes at 0x20000000 with alignment 8, and 1 KiB of zeroed RAM on either side. */
export function device(name: string, setup: Setup = {}): Device {
  const { definition, memory, layout, options, origin } = place(name, setup);
  const heap = definition.create(memory, layout, options);
  return { heap, memory, origin, statics: layout.statics };
}

function place(name: string, setup: Setup) {
  const { bytes = 4096, alignment = 8, origin = ORIGIN, options = {}, statics: side = 'below' } = setup;
  const definition = findHeap(name)!;
  const end = origin + Math.ceil(bytes / 4) * 4;
  const memory = new Memory([{ name: 'RAM', origin: origin - MARGIN, bytes: end - origin + 2 * MARGIN }]);
  const statics = side === 'below' ? origin - MARGIN : end + MARGIN / 2;
  const layout = { statics, regions: [{ name: 'heap', origin, bytes }], alignment };
  return { definition, memory, layout, options: v.parse(definition.options, options), origin };
}

export interface HandleDevice extends Omit<Device, 'heap'> {
  readonly handles: HandleHeap;
}

/** The same under the wider contract: blocks have handles. */
export function handleDevice(name: string, setup: Setup = {}): HandleDevice {
  const { definition, memory, layout, options, origin } = place(name, setup);
  const handles = createHandles(definition, memory, layout, options);
  return { handles, memory, origin, statics: layout.statics };
}

/** Where a block lies at the moment. */
export function addressOf(handles: HandleHeap, handle: number): number {
  const address = handles.lock(handle);
  handles.unlock(handle);
  return address;
}

export interface Piece {
  readonly kind: PieceKind;
  readonly address: number;
  readonly bytes: number;
  readonly payload: number;
  readonly handle: number;
  readonly locks: number;
}

export function piecesOf(heap: HeapView): Piece[] {
  const pieces: Piece[] = [];
  heap.walk((kind, address, bytes, payload, handle = payload, locks = 0) =>
    pieces.push({ kind, address, bytes, payload, handle, locks }),
  );
  return pieces;
}

/** `offset:bytes` of every piece of a kind, as the specification's traces write them. */
export function listed({ heap, origin }: Device, kind: PieceKind): string[] {
  return piecesOf(heap)
    .filter((piece) => piece.kind === kind)
    .map(({ address, bytes }) => `${address - origin}:${bytes}`);
}

/** All of RAM, for comparison at one glance. */
export function imageOf(memory: Memory): string {
  const images = memory.regions.map(({ origin, bytes }) => memory.image(origin, bytes));
  return Buffer.concat(images).toString('latin1');
}

/** What the machine refused; undefined if nothing. */
export function faultOf(call: () => unknown): FaultKind | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof Fault) return error.kind;
    throw error;
  }
  return undefined;
}
