/** Where TLSF keeps what, as mattconte's does on a 32-bit machine. Offsets in bytes. */

import type { Memory } from '../../mcu/memory.js';
import { highestBit } from '../bits.js';

/** Of payloads and sizes. */
export const ALIGNMENT = 4;

// The control structure, from the arena's start: the null block, then the maps, then the heads.
export const FIRST_LEVELS = 24;
export const SECOND_LEVELS = 32;
export const FIRST_MAP = 16;
export const SECOND_MAPS = 20;
export const HEADS = SECOND_MAPS + 4 * FIRST_LEVELS;
export const CONTROL_BYTES = HEADS + 4 * FIRST_LEVELS * SECOND_LEVELS;

// A block, from the address that is 8 in front of its payload. The links are those of a hole.
export const PREDECESSOR = 0;
export const SIZE = 4;
export const NEXT_FREE = 8;
export const PREVIOUS_FREE = 12;
/** From a block to its payload. */
export const PAYLOAD = 8;
/** The size word, which is all that a live block costs. */
export const OVERHEAD_BYTES = 4;
/** Splitting leaves at least a hole of the smallest size with its size word. */
export const SPLIT_BYTES = 16;

export const MINIMUM_BYTES = 12;
export const MAXIMUM_BYTES = 2 ** 30;
/** Below, the lists of the first level are 4 bytes wide each. */
export const SMALL_BYTES = 128;

// In the size word.
export const IS_FREE = 1;
export const BEFORE_IS_FREE = 2;
export const FLAGS = IS_FREE | BEFORE_IS_FREE;

/** The smallest arena that has a block: control structure, one block, the size word at the end. */
export const MINIMUM_ARENA_BYTES = CONTROL_BYTES + 2 * OVERHEAD_BYTES + MINIMUM_BYTES;

/** Number of the list that holes of `bytes` are filed in: 32 times the first level, plus the second. */
export function classOf(bytes: number): number {
  if (bytes < SMALL_BYTES) return bytes >>> 2;
  const exponent = highestBit(bytes);
  // Level 0 ends at 2^7; the five bits below the highest one choose the class.
  return (exponent - 6) * SECOND_LEVELS + ((bytes >>> (exponent - 5)) - SECOND_LEVELS);
}

/** Bytes of the payload for a request; 0 where there is none, or it is larger than any class. */
export function requestBytes(bytes: number): number {
  if (bytes === 0 || bytes > MAXIMUM_BYTES - ALIGNMENT) return 0;
  return bytes <= MINIMUM_BYTES ? MINIMUM_BYTES : (bytes + 3) & ~3;
}

/** The size whose list is the lowest of those in which every hole has `wanted` bytes: `wanted`, up to its class's end. */
export function searchBytes(wanted: number): number {
  return wanted < SMALL_BYTES ? wanted : wanted + (1 << (26 - Math.clz32(wanted))) - 1;
}

/** The control structure at `control`, all lists empty. */
export function layOutControl(memory: Memory, control: number): void {
  memory.storeWord(control + NEXT_FREE, control);
  memory.storeWord(control + PREVIOUS_FREE, control);
  memory.fill(control + FIRST_MAP, HEADS - FIRST_MAP, 0);
  for (let list = 0; list < FIRST_LEVELS * SECOND_LEVELS; list++) {
    memory.storeWord(control + HEADS + 4 * list, control);
  }
}
