/** How dlmalloc makes a hole of a chunk: the half of free that shrinking in place needs as well. */

import type { Memory } from '../../mcu/memory.js';
import { NULL } from '../heap.js';
import type { Bins } from './bins.js';
import type { Chunks } from './chunks.js';
import {
  BEFORE_IN_USE,
  BOTH_IN_USE,
  FLAGS,
  FOOT_BEFORE,
  HEAD,
  IN_USE,
  TOP,
  TOP_BYTES,
  VICTIM,
  VICTIM_BYTES,
} from './layout.js';
import { INTO_SMALL, INTO_TOP, INTO_TREE, INTO_VICTIM, MERGE_NEXT, MERGE_PREVIOUS } from './paths.js';

export class Release {
  constructor(
    private readonly memory: Memory,
    private readonly state: number,
    private readonly chunks: Chunks,
    private readonly bins: Bins,
  ) {}

  /** Makes the live chunk with this head a hole, joined with those around it. Returns the words of its path. */
  run(chunk: number, head: number): number {
    const { memory, state, chunks, bins } = this;
    const next = (chunk + (head & ~FLAGS)) >>> 0;
    let hole = chunk;
    let bytes = head & ~FLAGS;
    let path = 0;
    if ((head & BEFORE_IN_USE) === 0) {
      const bytesBefore = memory.loadWord(chunk + FOOT_BEFORE);
      hole = (chunk - bytesBefore) >>> 0;
      bytes += bytesBefore;
      path = MERGE_PREVIOUS;
      chunks.expectPossible(hole, chunk);
      if (hole !== memory.loadWord(state + VICTIM)) bins.unlink(hole, bytesBefore);
      else if ((memory.loadWord(next + HEAD) & BOTH_IN_USE) === BOTH_IN_USE) {
        chunks.holeBytes += head & ~FLAGS;
        memory.storeWord(state + VICTIM_BYTES, bytes);
        chunks.markFreeBefore(hole, bytes, next);
        return path + INTO_VICTIM;
      }
    }
    const nextHead = memory.loadWord(next + HEAD);
    chunks.expectNeighbour(hole, next, nextHead);
    chunks.holeBytes += head & ~FLAGS;
    if ((nextHead & IN_USE) !== 0) {
      chunks.markFreeBefore(hole, bytes, next);
    } else if (next === memory.loadWord(state + TOP)) {
      this.joinTop(hole, bytes);
      return path + INTO_TOP;
    } else if (next === memory.loadWord(state + VICTIM)) {
      bytes += memory.loadWord(state + VICTIM_BYTES);
      chunks.setVictim(hole, bytes);
      chunks.markFree(hole, bytes);
      return path + INTO_VICTIM;
    } else {
      path += MERGE_NEXT;
      bins.unlink(next, nextHead & ~FLAGS);
      bytes += nextHead & ~FLAGS;
      chunks.markFree(hole, bytes);
      if (hole === memory.loadWord(state + VICTIM)) {
        memory.storeWord(state + VICTIM_BYTES, bytes);
        return path + INTO_VICTIM;
      }
    }
    return path + (bins.insert(hole, bytes) ? INTO_TREE : INTO_SMALL);
  }

  private joinTop(hole: number, bytes: number): void {
    const { memory, state, chunks } = this;
    chunks.setTop(hole, bytes + memory.loadWord(state + TOP_BYTES));
    if (hole === memory.loadWord(state + VICTIM)) chunks.setVictim(NULL, 0);
  }
}
