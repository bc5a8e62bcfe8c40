/** What compactions did in a run: totals, and the first ones in full. */

import type { Compaction } from '../heaps/handle-heap.js';
import type { Board } from '../simulation/board.js';
import { takeBlockMap } from './block-map.js';
import { pinsOf } from './pins.js';
import type { CompactionEvent, CompactionTotals } from './result.js';
import { measureHoles } from './trend.js';

export class CompactionLog {
  private readonly totals = { count: 0, bytesMoved: 0, blocksMoved: 0, cycles: 0, longestCycles: 0 };
  private readonly events: CompactionEvent[] = [];
  private largestHoleBefore = 0;
  /** Events whose call has not come to its end yet. */
  private open: CompactionEvent[] = [];

  constructor(private readonly keptEvents: number) {}

  get plain(): CompactionTotals {
    return { ...this.totals, events: this.events };
  }

  began(board: Board): void {
    if (this.events.length < this.keptEvents) this.largestHoleBefore = largestHole(board);
  }

  ended(board: Board, compaction: Compaction, cycles: number, task: string): void {
    const { totals } = this;
    totals.count++;
    totals.bytesMoved += compaction.bytesMoved;
    totals.blocksMoved += compaction.blocksMoved;
    totals.cycles += cycles;
    totals.longestCycles = Math.max(totals.longestCycles, cycles);
    // Firmware that compacts whenever it is idle mostly finds nothing to do.
    const matters = compaction.trigger !== 'call' || compaction.blocksMoved > 0;
    if (!matters || this.events.length >= this.keptEvents) return;
    const event = this.describe(board, compaction, cycles, task);
    this.events.push(event);
    if (board.kernel.scheduler.isRunning) this.open.push(event);
  }

  suspensionEnded(cycles: number): void {
    if (this.open.length === 0) return;
    for (const event of this.open) event.suspension = cycles;
    this.open = [];
  }

  private describe(board: Board, compaction: Compaction, cycles: number, task: string): CompactionEvent {
    const { finished, blocksInTheWay } = compaction;
    const hasPins = finished && blocksInTheWay > 0;
    return {
      number: this.totals.count,
      ...compaction,
      tick: board.kernel.scheduler.tick,
      cycle: board.clock.cycle,
      task,
      cycles,
      // Until the call is over; before the scheduler runs nothing is suspended.
      suspension: 0,
      largestHoleBefore: this.largestHoleBefore,
      largestHoleAfter: largestHole(board),
      pins: hasPins ? pinsOf(board, takeBlockMap(board).pieces) : [],
    };
  }
}

function largestHole(board: Board): number {
  return measureHoles(board)?.largestHole ?? 0;
}
