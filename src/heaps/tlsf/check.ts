/** What a debugger sees of TLSF: the blocks of the arena, and whether maps, lists and blocks agree. */

import type { Memory, Region } from '../../mcu/memory.js';
import { Corruption, type PieceVisitor } from '../heap.js';
import { alignDown } from '../words.js';
import {
  ALIGNMENT,
  BEFORE_IS_FREE,
  CONTROL_BYTES,
  classOf,
  FIRST_LEVELS,
  FIRST_MAP,
  FLAGS,
  HEADS,
  IS_FREE,
  MINIMUM_BYTES,
  NEXT_FREE,
  OVERHEAD_BYTES,
  PREDECESSOR,
  PREVIOUS_FREE,
  SECOND_LEVELS,
  SECOND_MAPS,
  SIZE,
} from './layout.js';

/** Pieces begin with their size word. */
export function walkTlsf(memory: Memory, region: Region, visit: PieceVisitor): void {
  const { origin, bytes } = region;
  const first = origin + CONTROL_BYTES;
  const poolBytes = alignDown(bytes - CONTROL_BYTES - 2 * OVERHEAD_BYTES, ALIGNMENT);
  if (poolBytes < MINIMUM_BYTES) return visit('bookkeeping', origin, bytes, 0);
  const end = first + OVERHEAD_BYTES + poolBytes;
  visit('bookkeeping', origin, CONTROL_BYTES, 0);
  let at = first;
  while (at < end) {
    const word = memory.loadWord(at);
    const size = (word & ~FLAGS) >>> 0;
    const next = at + OVERHEAD_BYTES + size;
    if (size < MINIMUM_BYTES || next > end) {
      throw new Corruption(`a block's size word is ${word}: it does not lead to another block`, at);
    }
    if ((word & IS_FREE) !== 0) visit('hole', at, next - at, 0);
    else visit('used', at, next - at, at + OVERHEAD_BYTES);
    at = next;
  }
  if ((memory.loadWord(end) & ~BEFORE_IS_FREE) !== 0) {
    throw new Corruption('the size word at the end of the arena has been overwritten', end);
  }
  visit('bookkeeping', end, origin + bytes - end, 0);
}

/** `holeBytes`: what the holes should add up to, without size words. */
export function checkTlsf(memory: Memory, region: Region, holeBytes: number): void {
  const holes = checkBlocks(memory, region);
  let total = 0;
  for (const bytes of holes.values()) total += bytes;
  if (total !== holeBytes) {
    throw new Corruption(`the holes hold ${total} bytes, but ${holeBytes} are free`, region.origin);
  }
  checkMaps(memory, region.origin);
  checkLists(memory, region.origin, holes);
}

/** Flags and predecessors. Returns block address and size of every hole. */
function checkBlocks(memory: Memory, region: Region): Map<number, number> {
  const holes = new Map<number, number>();
  let previous: number | undefined;
  let previousIsFree = false;
  walkTlsf(memory, region, (kind, address, bytes) => {
    if (kind === 'bookkeeping' && address === region.origin) return;
    const block = address - SIZE;
    const word = memory.loadWord(address);
    if (((word & BEFORE_IS_FREE) !== 0) !== previousIsFree) {
      throw new Corruption('a block is wrong about whether the one before it is free', block);
    }
    if (previousIsFree && memory.loadWord(block + PREDECESSOR) !== previous) {
      throw new Corruption('a block does not lead to the hole before it', block);
    }
    if (previousIsFree && kind === 'hole') throw new Corruption('two holes touch: they should be one', block);
    if (kind === 'hole') holes.set(block, bytes - OVERHEAD_BYTES);
    previous = block;
    previousIsFree = kind === 'hole';
  });
  return holes;
}

/** A bit is set where there is something below it, and nowhere else. */
function checkMaps(memory: Memory, control: number): void {
  const levels = memory.loadWord(control + FIRST_MAP);
  for (let first = 0; first < 32; first++) {
    const lists = first < FIRST_LEVELS ? memory.loadWord(control + SECOND_MAPS + 4 * first) : 0;
    if (((levels >>> first) & 1) !== Number(lists !== 0)) {
      throw new Corruption('the bit map of the first level has been overwritten', control + FIRST_MAP);
    }
    for (let second = 0; first < FIRST_LEVELS && second < SECOND_LEVELS; second++) {
      const head = control + HEADS + 4 * (first * SECOND_LEVELS + second);
      if (((lists >>> second) & 1) !== Number(memory.loadWord(head) !== control)) {
        throw new Corruption('a list is filled where its bit is clear, or the other way round', head);
      }
    }
  }
}

/** The lists lead through exactly the holes, each in the list of its class. */
function checkLists(memory: Memory, control: number, holes: ReadonlyMap<number, number>): void {
  let count = 0;
  for (let list = 0; list < FIRST_LEVELS * SECOND_LEVELS; list++) {
    let previous = control;
    let block = memory.loadWord(control + HEADS + 4 * list);
    while (block !== control) {
      const bytes = holes.get(block);
      if (bytes === undefined) throw new Corruption('a list leads to what is no hole', block);
      if (classOf(bytes) !== list) throw new Corruption('a hole is in the list of another class', block);
      if (memory.loadWord(block + PREVIOUS_FREE) !== previous) {
        throw new Corruption("a hole's link back has been overwritten", block);
      }
      if (++count > holes.size) throw new Corruption('a list runs in a circle', block);
      previous = block;
      block = memory.loadWord(block + NEXT_FREE);
    }
  }
  if (count !== holes.size) {
    throw new Corruption(`${holes.size - count} of ${holes.size} holes are in no list`, control);
  }
}
