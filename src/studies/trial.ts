/**
 * What the trial of a remedy is judged by. A whole result, with maps of every failure and the trend, would take
 * as long again as the run itself, and nobody looks at it.
 */

import type { HeapCallKind } from '../costs/cost-table.js';
import type { Corruption } from '../heaps/heap.js';
import { freeBytesOf } from '../heaps/look.js';
import { IntegerHistogram } from '../inspect/histogram.js';
import type { RunResult } from '../inspect/result.js';
import { measureHoles } from '../inspect/trend.js';
import type { Fault } from '../mcu/index.js';
import type { Outcome } from '../scenario/scenario.js';
import type { Board } from '../simulation/board.js';
import type { RunObserver } from '../simulation/events.js';

export interface TrialFigures {
  /** Whether the run came to its end without a fault, a halt, or a failed request. */
  readonly clean: boolean;
  readonly outOfMemoryCount: number;
  /** Of heap and statics together. */
  readonly footprintBytes: number;
  readonly minimumEverFreeBytes: number;
  readonly mallocP99Cycles: number;
  /** Whether the cost of heap calls is an estimate. */
  readonly estimated: boolean;
  readonly longestSuspensionCycles: number;
  readonly missedDeadlines: number;
}

export class Trial implements RunObserver {
  /** What ended the run, if it was a fault. */
  faultReason: string | undefined;
  private board!: Board;
  private outOfMemoryCount = 0;
  private minimumFreeBytes = Number.POSITIVE_INFINITY;
  private readonly mallocCycles = new IntegerHistogram();
  private longestSuspensionCycles = 0;
  private missedDeadlines = 0;

  booted(board: Board): void {
    this.board = board;
  }

  allocated(): void {
    this.minimumFreeBytes = Math.min(
      this.minimumFreeBytes,
      freeBytesOf(this.board.heap) ?? this.minimumFreeBytes,
    );
  }

  heapCalled(kind: HeapCallKind, cycles: number): void {
    if (kind !== 'free') this.mallocCycles.add(cycles);
  }

  outOfMemory(): void {
    this.outOfMemoryCount++;
  }

  suspensionEnded(_holder: unknown, cycles: number): void {
    this.longestSuspensionCycles = Math.max(this.longestSuspensionCycles, cycles);
  }

  missedDeadline(): void {
    this.missedDeadlines++;
  }

  faulted({ reason }: Fault): void {
    this.faultReason = reason;
  }

  corrupted({ invariant }: Corruption): void {
    this.faultReason = invariant;
  }

  /** After the run. */
  figures(outcome: Outcome): TrialFigures {
    const { outOfMemoryCount, longestSuspensionCycles, missedDeadlines } = this;
    const { config, layout } = this.board;
    return {
      clean: outcome === 'finished' && outOfMemoryCount === 0,
      outOfMemoryCount,
      footprintBytes: footprint(config.heap.staticBytes(config.options), layout.regions),
      minimumEverFreeBytes: this.minimumEverFreeBytes(),
      mallocP99Cycles: this.mallocCycles.percentile(0.99),
      estimated: config.cost.estimated,
      longestSuspensionCycles,
      missedDeadlines,
    };
  }

  /** Where no request was served, free memory never was another than it is at the end. */
  private minimumEverFreeBytes(): number {
    if (this.minimumFreeBytes !== Number.POSITIVE_INFINITY) return this.minimumFreeBytes;
    return measureHoles(this.board)?.freeBytes ?? 0;
  }
}

/** The same of a run that was recorded. */
export function figuresOf(result: RunResult): TrialFigures {
  return {
    clean: result.outcome === 'finished' && result.outOfMemoryCount === 0,
    outOfMemoryCount: result.outOfMemoryCount,
    footprintBytes: footprint(result.heap.staticBytes, result.heap.regions),
    minimumEverFreeBytes: result.minimumEverFreeBytes,
    mallocP99Cycles: result.malloc.cycles.p99,
    estimated: result.cost.estimated,
    longestSuspensionCycles: result.suspension.longest,
    missedDeadlines: result.missedDeadlines,
  };
}

function footprint(staticBytes: number, regions: readonly { readonly bytes: number }[]): number {
  return staticBytes + regions.reduce((sum, region) => sum + region.bytes, 0);
}
