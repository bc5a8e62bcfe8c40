/**
 * dlmalloc's realloc where it need not copy: a chunk that shrinks gives its end back, one that grows takes what
 * it needs of the hole behind it, be that top, the designated victim or one from a bin.
 */

import type { Memory } from '../../mcu/memory.js';
import { type HeapCall, NULL } from '../heap.js';
import type { Bins } from './bins.js';
import type { Chunks } from './chunks.js';
import {
  BOTH_IN_USE,
  FLAGS,
  HEAD,
  IN_USE,
  MINIMUM_BYTES,
  TOP,
  TOP_BYTES,
  VICTIM,
  VICTIM_BYTES,
} from './layout.js';
import { FROM_TOP, FROM_VICTIM, SPLIT } from './paths.js';
import type { Release } from './release.js';

export class Resizer {
  constructor(
    private readonly memory: Memory,
    private readonly state: number,
    private readonly chunks: Chunks,
    private readonly bins: Bins,
    private readonly release: Release,
    private readonly call: HeapCall,
  ) {}

  /** `wanted`: bytes of the whole chunk. False: it has to be moved. @throws Fault where there is no live chunk */
  resize(address: number, wanted: number): boolean {
    const { memory, state, chunks } = this;
    const chunk = address >>> 0;
    const head = chunks.headOfLive(chunk);
    const bytes = head & ~FLAGS;
    const next = (chunk + bytes) >>> 0;
    const nextHead = memory.loadWord(next + HEAD);
    chunks.expectNeighbour(chunk, next, nextHead);
    // As a chunk that has been mapped on its own, which nothing here can change.
    if ((head & BOTH_IN_USE) === 0) return false;
    if (bytes >= wanted) return this.shrink(chunk, bytes, wanted);
    if (next === memory.loadWord(state + TOP)) return this.growIntoTop(chunk, bytes, wanted);
    if (next === memory.loadWord(state + VICTIM)) return this.growIntoVictim(chunk, bytes, wanted);
    const all = bytes + (nextHead & ~FLAGS);
    if ((nextHead & IN_USE) !== 0 || all < wanted) return false;
    this.joinHole(chunk, all, next, all - bytes);
    return this.shrink(chunk, all, wanted);
  }

  private shrink(chunk: number, bytes: number, wanted: number): boolean {
    const rest = bytes - wanted;
    if (rest < MINIMUM_BYTES) return true;
    this.call.path = SPLIT;
    this.chunks.resizeUsed(chunk, wanted);
    this.release.run(chunk + wanted, rest | BOTH_IN_USE);
    return true;
  }

  private joinHole(chunk: number, all: number, hole: number, holeBytes: number): void {
    this.bins.unlink(hole, holeBytes);
    this.chunks.resizeUsed(chunk, all);
    this.chunks.holeBytes -= holeBytes;
  }

  private growIntoTop(chunk: number, bytes: number, wanted: number): boolean {
    const { memory, state, chunks } = this;
    const all = bytes + memory.loadWord(state + TOP_BYTES);
    if (all <= wanted) return false;
    this.call.path = FROM_TOP;
    chunks.resizeUsed(chunk, wanted);
    chunks.setTop(chunk + wanted, all - wanted);
    chunks.holeBytes -= wanted - bytes;
    return true;
  }

  private growIntoVictim(chunk: number, bytes: number, wanted: number): boolean {
    const { memory, state, chunks } = this;
    const all = bytes + memory.loadWord(state + VICTIM_BYTES);
    if (all < wanted) return false;
    this.call.path = FROM_VICTIM;
    const isWhole = all - wanted < MINIMUM_BYTES;
    const taken = isWhole ? all : wanted;
    chunks.resizeUsed(chunk, taken);
    chunks.holeBytes -= taken - bytes;
    if (isWhole) chunks.setVictim(NULL, 0);
    else {
      chunks.setVictim(chunk + wanted, all - wanted);
      chunks.markFree(chunk + wanted, all - wanted);
    }
    return true;
  }
}
