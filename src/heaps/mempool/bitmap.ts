/**
 * Bitmaps in cells of 32 bits, of which a set bit is a taken place: fragments of the segment, objects of a slab page.
 *
 * Whoever looks for room takes the whole cell out of use first, by exchanging it with BUSY (all ones), works on what it
 * was, and gives it back with AND instead of a store. A bit that an interrupt clears meanwhile was set in both, so
 * it stays clear. A cell that is BUSY is full or in use by someone else, and is left alone either way.
 */

import type { Memory } from '../../mcu/memory.js';
import { lowestBit, lowestBits } from '../bits.js';

export const CELL_BITS = 32;
/** All ones, as the memory has it. */
const BUSY = 0xffff_ffff;

/** Nothing found. */
export const NONE = -1;

/** `bits` places in the cells from `cells` on; those of the last cell beyond them do not exist. */
export interface Bitmap {
  readonly cells: number;
  readonly bits: number;
}

/** Cells that so many bits take. */
export function cellsFor(bits: number): number {
  return Math.ceil(bits / CELL_BITS);
}

/** How many places a request for `count` takes: above a cell's worth, whole cells. */
export function placesFor(count: number): number {
  return count <= CELL_BITS ? count : cellsFor(count) * CELL_BITS;
}

/** Takes `count` neighbouring places: the lowest in one cell, or whole cells. Returns the first, or {@link NONE}. */
export function take(memory: Memory, map: Bitmap, count: number): number {
  return count <= CELL_BITS ? takeBits(memory, map, count) : takeCells(memory, map, cellsFor(count));
}

/** Gives back what {@link take} gave. */
export function release(memory: Memory, map: Bitmap, first: number, count: number): void {
  const cell = map.cells + 4 * (first >>> 5);
  if (count <= CELL_BITS) and(memory, cell, ~runOf(count, first & 31));
  else for (let index = 0; index < cellsFor(count); index++) memory.storeWord(cell + 4 * index, 0);
}

export function isTaken(memory: Memory, map: Bitmap, index: number): boolean {
  return ((memory.loadWord(map.cells + 4 * (index >>> 5)) >>> (index & 31)) & 1) === 1;
}

/** How many places are free. */
export function countClear(memory: Memory, { cells, bits }: Bitmap): number {
  let clear = bits;
  for (let cell = cells; cell < cells + 4 * cellsFor(bits); cell += 4) {
    for (let rest = memory.loadWord(cell); rest !== 0; rest &= rest - 1) clear--;
  }
  return clear;
}

// --- within a cell ----------------------------------------------------------------------------------------

/** A run of places never crosses from one cell into the next. */
function takeBits(memory: Memory, { cells, bits }: Bitmap, count: number): number {
  for (let first = 0; first < bits; first += CELL_BITS) {
    const bit = takeFromCell(memory, cells + first / 8, count, Math.min(CELL_BITS, bits - first));
    if (bit !== NONE) return first + bit;
  }
  return NONE;
}

/** `limit`: how many places the cell has. */
function takeFromCell(memory: Memory, cell: number, count: number, limit: number): number {
  const before = exchange(memory, cell, BUSY);
  if (before === BUSY) return NONE;
  const bit = lowestRun(before, count);
  const found = bit !== NONE && bit + count <= limit;
  and(memory, cell, found ? before | runOf(count, bit) : before);
  return found ? bit : NONE;
}

/** Where `count` clear bits begin, at the lowest. */
export function lowestRun(cell: number, count: number): number {
  // Bit i is set while the `length` bits from i on are clear; runs double in length until they are long enough.
  let starts = ~cell;
  for (let length = 1; length < count && starts !== 0; ) {
    const step = Math.min(length, count - length);
    starts &= starts >>> step;
    length += step;
  }
  return starts === 0 ? NONE : lowestBit(starts);
}

/** `count` ones from `bit` on. */
export function runOf(count: number, bit: number): number {
  return lowestBits(count) << bit;
}

// --- whole cells ------------------------------------------------------------------------------------------

/** Takes `wanted` neighbouring cells that are clear, the lowest; gives back whatever it took besides. */
function takeCells(memory: Memory, { cells, bits }: Bitmap, wanted: number): number {
  const whole = Math.floor(bits / CELL_BITS);
  let run = 0;
  for (let index = 0; index < whole; index++) {
    const cell = cells + 4 * index;
    const before = exchange(memory, cell, BUSY);
    if (before === 0) {
      run++;
      if (run === wanted) return (index + 1 - wanted) * CELL_BITS;
      continue;
    }
    if (before !== BUSY) and(memory, cell, before);
    giveBack(memory, cell, run);
    run = 0;
  }
  giveBack(memory, cells + 4 * whole, run);
  return NONE;
}

/** The `count` cells below `end` are ours, and nobody has been given any of them. */
function giveBack(memory: Memory, end: number, count: number): void {
  for (let cell = end - 4 * count; cell < end; cell += 4) memory.storeWord(cell, 0);
}

// --- what is atomic on the chip ---------------------------------------------------------------------------

function exchange(memory: Memory, cell: number, value: number): number {
  const before = memory.loadWord(cell);
  memory.storeWord(cell, value);
  return before;
}

function and(memory: Memory, cell: number, mask: number): void {
  memory.storeWord(cell, memory.loadWord(cell) & mask);
}
