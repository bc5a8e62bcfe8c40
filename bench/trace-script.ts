/** How a program that makes heap calls is written down as a trace. */

import type { RandomStream } from '../src/scenario/random.js';

/** What a block takes on a heap that is neither the best nor the worst: 8 bytes more, in multiples of 8. */
export function taken(bytes: number): number {
  return 8 * Math.ceil(bytes / 8) + 8;
}

interface Live {
  readonly id: number;
  bytes: number;
}

/** The order in which blocks are freed. */
export type Order = 'oldest' | 'newest' | 'any';
export const ORDERS = ['oldest', 'newest', 'any'] as const;

/** A trace in the making, its live blocks, and dice. */
export class Script {
  readonly lines: string[] = [];
  /** The oldest first. */
  readonly live: Live[] = [];
  private takenBytes = 0;
  private nextId = 0;

  constructor(
    readonly arena: number,
    readonly operations: number,
    readonly random: RandomStream,
  ) {}

  get isDone(): boolean {
    return this.lines.length >= this.operations;
  }

  /** How far it is, 0 to 1. */
  get progress(): number {
    return this.lines.length / this.operations;
  }

  /** Share of the arena that the live blocks would take. */
  get filled(): number {
    return this.takenBytes / this.arena;
  }

  /** A whole number from `from` to `to`. */
  between(from: number, to: number): number {
    const least = Math.floor(from);
    return least + this.random.below(Math.floor(to) - least + 1);
  }

  chance(probability: number): boolean {
    return this.random.unit() < probability;
  }

  one<Value>(values: readonly Value[]): Value {
    return values[this.random.below(values.length)]!;
  }

  malloc(bytes: number): void {
    this.lines.push(`a ${this.nextId} ${bytes}`);
    this.add(bytes);
  }

  calloc(count: number, bytes: number): void {
    this.lines.push(`c ${this.nextId} ${count} ${bytes}`);
    this.add(count * bytes);
  }

  private add(bytes: number): void {
    this.live.push({ id: this.nextId++, bytes });
    this.takenBytes += taken(bytes);
  }

  /** By place in the list of live blocks. */
  free(index: number): void {
    const [block] = this.live.splice(index, 1);
    this.lines.push(`f ${block!.id}`);
    this.takenBytes -= taken(block!.bytes);
  }

  freeAny(): void {
    this.free(this.random.below(this.live.length));
  }

  realloc(index: number, bytes: number): void {
    const block = this.live[index]!;
    this.lines.push(`r ${block.id} ${bytes}`);
    this.takenBytes -= taken(block.bytes);
    if (bytes === 0) this.live.splice(index, 1);
    else {
      this.takenBytes += taken(bytes);
      block.bytes = bytes;
    }
  }

  /** Frees as many as there are, or `count`, in some order. */
  freeSome(order: Order, count: number): void {
    for (let left = Math.min(count, this.live.length); left > 0; left--) {
      if (order === 'any') this.freeAny();
      else this.free(order === 'oldest' ? 0 : this.live.length - 1);
    }
  }
}
