/** Times compactions, which happen inside other calls, and tells observers of them. */

import type { Compaction, CompactionBudget, CompactionWatcher } from '../heaps/handle-heap.js';
import { accessesSince } from '../mcu/index.js';
import type { Board } from './board.js';
import type { RunEvents } from './events.js';

const WORD_BYTES = 4;

export class CompactionMeter implements CompactionWatcher {
  /** Accesses of the memory that compactions have made since {@link takeCycles}. */
  loads = 0;
  stores = 0;
  private cycles = 0;
  private loadsBefore = 0;
  private storesBefore = 0;

  constructor(
    private readonly board: Board,
    private readonly events: RunEvents,
  ) {}

  began(): void {
    const { memory } = this.board;
    this.loadsBefore = memory.loads;
    this.storesBefore = memory.stores;
    this.unseen(() => this.events.compactionBegan());
  }

  ended(compaction: Compaction): void {
    const { memory, config } = this.board;
    const loads = accessesSince(this.loadsBefore, memory.loads);
    const stores = accessesSince(this.storesBefore, memory.stores);
    const words = Math.ceil(compaction.bytesMoved / WORD_BYTES);
    const cycles = config.cost.work(loads + stores - 2 * words, words);
    this.loads += loads;
    this.stores += stores;
    this.cycles += cycles;
    this.unseen(() => this.events.compacted(compaction, cycles));
  }

  /** Accesses since the memory's counters stood at `loads` and `stores`, those of compactions left out. */
  accessesBeside(loads: number, stores: number): number {
    const { memory } = this.board;
    const all = accessesSince(loads, memory.loads) + accessesSince(stores, memory.stores);
    return all - this.loads - this.stores;
  }

  /** Does something that makes, and pays for, calls of its own in the middle of a call. */
  aside<Result>(action: () => Result): Result {
    const { memory } = this.board;
    const { loads, stores, cycles } = this;
    const before = { loads: memory.loads, stores: memory.stores };
    this.takeCycles();
    const result = action();
    this.loads = loads + accessesSince(before.loads, memory.loads);
    this.stores = stores + accessesSince(before.stores, memory.stores);
    this.cycles = cycles;
    return result;
  }

  /** Of the compactions since this was called last. */
  takeCycles(): number {
    const { cycles } = this;
    this.loads = 0;
    this.stores = 0;
    this.cycles = 0;
    return cycles;
  }

  /** Observers may look at the heap in the middle of a call: what they read is not the call's doing. */
  private unseen(tell: () => void): void {
    const { memory } = this.board;
    const { loads, stores } = memory;
    tell();
    memory.loads = loads;
    memory.stores = stores;
  }
}

/** So many cycles of the target, as its cost model has them. Without a cost model there is no end to it. */
export class CycleBudget implements CompactionBudget {
  private readonly loads: number;
  private readonly stores: number;
  private wordsMoved = 0;

  constructor(
    private readonly board: Board,
    private readonly cycles: number,
  ) {
    this.loads = board.memory.loads;
    this.stores = board.memory.stores;
  }

  /** The first block moves whatever its size, or a large one would stay for ever. */
  allows(bytes: number): boolean {
    const { memory, config } = this.board;
    const accesses = accessesSince(this.loads, memory.loads) + accessesSince(this.stores, memory.stores);
    const words = bytes / WORD_BYTES;
    const spent = config.cost.work(accesses - 2 * this.wordsMoved, this.wordsMoved + words);
    if (spent > this.cycles && (bytes === 0 || this.wordsMoved > 0)) return false;
    this.wordsMoved += words;
    return true;
  }
}
