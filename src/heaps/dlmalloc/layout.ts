/** Where dlmalloc keeps what on a 32-bit machine, without locks and without mmap. Offsets in bytes. */

import type { Memory } from '../../mcu/memory.js';
import { highestBit } from '../bits.js';

/** Of payloads and chunk sizes. */
export const ALIGNMENT = 8;

// The statics: the allocator's state, behind it the parameters that all its states would share.
export const SMALL_MAP = 0;
export const TREE_MAP = 4;
export const VICTIM_BYTES = 8;
export const TOP_BYTES = 12;
export const LEAST_ADDRESS = 16;
export const VICTIM = 20;
export const TOP = 24;
const TRIM_CHECK = 28;
export const RELEASE_CHECKS = 32;
export const MAGIC = 36;
/** List ends: as pseudo chunks 8 bytes apart, of which only the links are there. */
export const SMALL_BINS = 40;
export const TREE_BINS = 304;
export const FOOTPRINT = 432;
const MAXIMUM_FOOTPRINT = 436;
export const SEGMENT_BASE = 448;
export const SEGMENT_BYTES = 452;
const STATE_BYTES = 472;
/** The parameters: magic, page size, granularity, thresholds of mmap and of trimming, flags. */
export const PARAMETERS = STATE_BYTES;
export const STATIC_BYTES = STATE_BYTES + 24;

export const SMALL_COUNT = 32;
export const TREE_COUNT = 32;
/** From here on chunks are in tree bins. */
export const LARGE_BYTES = 256;

// A chunk, from the address that is 8 in front of its payload.
/** Of the chunk before while that is free, and with `footers` its owner while it is in use. */
export const FOOT_BEFORE = 0;
export const HEAD = 4;
// Of a free chunk:
export const FORWARD = 8;
export const BACK = 12;
// Of a free chunk in a tree bin. The second child is the word behind the first.
export const CHILD = 16;
export const PARENT = 24;
export const INDEX = 28;

/** From a chunk to its payload. */
export const PAYLOAD = 8;
export const MINIMUM_BYTES = 16;
/** Nothing larger can be had in 32 bits. The C code draws the line later, and finds no hole. */
export const MAXIMUM_REQUEST = 2 ** 31 - 16;

// In the head.
export const BEFORE_IN_USE = 1;
export const IN_USE = 2;
export const BOTH_IN_USE = BEFORE_IN_USE | IN_USE;
export const FLAGS = 7;

/** Behind top: room to write a segment down, should there ever be a second. Its head is this number. */
export const TOP_FOOT_BYTES = 40;
/** Top never gives its last bytes away. */
export const TOP_KEEPS_BYTES = 8;
/** One chunk, what top keeps, its foot, and 4 bytes to align the first chunk. */
export const MINIMUM_ARENA_BYTES = MINIMUM_BYTES + TOP_KEEPS_BYTES + TOP_FOOT_BYTES + 4;

/** A trie is no deeper: every level takes one more bit of the size. */
export const MAXIMUM_DEPTH = 32;

/** What the real one draws from the clock, as it comes out at time 0. */
export const MAGIC_NUMBER = 0x5555_5558;
const NEVER = 0xffff_ffff;
const PAGE_BYTES = 4096;

/**
 * Number of the tree bin that holds chunks of `bytes`: two per power of two, all from 12 MiB on in the last.
 */
export function treeIndexOf(bytes: number): number {
  const upper = bytes >>> 8;
  if (upper === 0) return 0;
  if (upper > 0xffff) return TREE_COUNT - 1;
  const exponent = highestBit(upper);
  return 2 * exponent + ((bytes >>> (exponent + 7)) & 1);
}

/** How far left a size is shifted so that the first bit in which sizes of a tree bin differ is the highest. */
export function treeShift(index: number): number {
  return index === TREE_COUNT - 1 ? 0 : 25 - (index >>> 1);
}

/** State and parameters with all bins empty, for one segment that is all there will be. */
export function layOutState(memory: Memory, state: number, base: number, bytes: number): void {
  memory.fill(state, STATIC_BYTES, 0);
  memory.storeWord(state + LEAST_ADDRESS, base);
  memory.storeWord(state + TRIM_CHECK, NEVER);
  memory.storeWord(state + RELEASE_CHECKS, NEVER);
  memory.storeWord(state + MAGIC, MAGIC_NUMBER);
  for (let index = 0; index < SMALL_COUNT; index++) {
    const bin = state + SMALL_BINS + 8 * index;
    memory.storeWord(bin + FORWARD, bin);
    memory.storeWord(bin + BACK, bin);
  }
  memory.storeWord(state + FOOTPRINT, bytes);
  memory.storeWord(state + MAXIMUM_FOOTPRINT, bytes);
  memory.storeWord(state + SEGMENT_BASE, base);
  memory.storeWord(state + SEGMENT_BYTES, bytes);
  const parameters = [MAGIC_NUMBER, PAGE_BYTES, PAGE_BYTES, NEVER, NEVER, 0];
  parameters.forEach((value, index) => {
    memory.storeWord(state + PARAMETERS + 4 * index, value);
  });
}
