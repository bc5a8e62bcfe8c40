/** What dlmalloc writes into chunks and into its state, and what it looks at before it believes a pointer. */

import type { Memory } from '../../mcu/memory.js';
import { assertion } from '../words.js';
import {
  BEFORE_IN_USE,
  BOTH_IN_USE,
  FLAGS,
  FOOT_BEFORE,
  HEAD,
  IN_USE,
  LEAST_ADDRESS,
  MAGIC,
  PARAMETERS,
  TOP,
  TOP_BYTES,
  VICTIM,
  VICTIM_BYTES,
} from './layout.js';

/** Which of its checks the allocator was compiled with. */
export interface Checks {
  readonly asserts: boolean;
  readonly footers: boolean;
}

export class Chunks {
  /** What all holes hold, beside the RAM. */
  holeBytes = 0;

  constructor(
    private readonly memory: Memory,
    private readonly state: number,
    private readonly checks: Checks,
  ) {}

  /** Of one that is cut from a hole: the chunk before is in use, too, for holes never touch. */
  markUsed(chunk: number, bytes: number): void {
    this.memory.storeWord(chunk + HEAD, bytes | BOTH_IN_USE);
    if (this.checks.footers) this.sign(chunk + bytes);
  }

  /** The same for a hole that is used whole: the chunk behind is told. */
  markUsedWhole(chunk: number, bytes: number): void {
    this.markUsed(chunk, bytes);
    this.tellNext(chunk + bytes);
  }

  /** Gives a live chunk another end; what lies behind it is told. */
  resizeUsed(chunk: number, bytes: number): void {
    const { memory } = this;
    const flags = (memory.loadWord(chunk + HEAD) & BEFORE_IN_USE) | IN_USE;
    memory.storeWord(chunk + HEAD, bytes | flags);
    this.tellNext(chunk + bytes);
    if (this.checks.footers) this.sign(chunk + bytes);
  }

  markFree(chunk: number, bytes: number): void {
    this.memory.storeWord(chunk + HEAD, bytes | BEFORE_IN_USE);
    this.memory.storeWord(chunk + bytes + FOOT_BEFORE, bytes);
  }

  /** The same, and the live chunk behind is told. */
  markFreeBefore(chunk: number, bytes: number, next: number): void {
    const { memory } = this;
    memory.storeWord(next + HEAD, memory.loadWord(next + HEAD) & ~BEFORE_IN_USE);
    this.markFree(chunk, bytes);
  }

  setVictim(chunk: number, bytes: number): void {
    this.memory.storeWord(this.state + VICTIM, chunk);
    this.memory.storeWord(this.state + VICTIM_BYTES, bytes);
  }

  setTop(chunk: number, bytes: number): void {
    const { memory, state } = this;
    memory.storeWord(state + TOP_BYTES, bytes);
    memory.storeWord(state + TOP, chunk);
    memory.storeWord(chunk + HEAD, bytes | BEFORE_IN_USE);
  }

  /** @throws Fault where something is said to be no live chunk */
  headOfLive(chunk: number): number {
    const { memory, checks } = this;
    if (checks.footers && checks.asserts) this.expectOwner(chunk);
    if (checks.asserts) this.expectPossible(chunk, chunk);
    const head = memory.loadWord(chunk + HEAD);
    if (checks.asserts && (head & BOTH_IN_USE) === BEFORE_IN_USE) throw badFree(chunk);
    return head;
  }

  /** The hole that the foot before a live chunk leads to: no lower than any. @throws Fault */
  expectPossible(hole: number, chunk: number): void {
    if (!this.checks.asserts) return;
    if (hole < this.memory.loadWord(this.state + LEAST_ADDRESS)) throw badFree(chunk);
  }

  /** What lies behind a chunk in use lies above it, and knows. @throws Fault */
  expectNeighbour(chunk: number, next: number, nextHead: number): void {
    if (!this.checks.asserts || (chunk < next && (nextHead & BEFORE_IN_USE) !== 0)) return;
    throw badFree(chunk);
  }

  private tellNext(next: number): void {
    const { memory } = this;
    memory.storeWord(next + HEAD, memory.loadWord(next + HEAD) | BEFORE_IN_USE);
  }

  private sign(next: number): void {
    const { memory, state } = this;
    memory.storeWord(next + FOOT_BEFORE, state ^ memory.loadWord(state + PARAMETERS));
  }

  /** The word at the end leads to a state whose magic number is right. */
  private expectOwner(chunk: number): void {
    const { memory, state } = this;
    const bytes = memory.loadWord(chunk + HEAD) & ~FLAGS;
    const magic = memory.loadWord(state + PARAMETERS);
    const owner = (memory.loadWord(chunk + bytes + FOOT_BEFORE) ^ magic) >>> 0;
    if (memory.loadWord(owner + MAGIC) !== magic) throw badFree(chunk);
  }
}

function badFree(chunk: number) {
  return assertion(chunk, 'the pointer is that of a live chunk', 'USAGE_ERROR_ACTION');
}
