/**
 * How free memory and the largest hole went over a run, in a bounded number of samples: when there are too
 * many, every other one is dropped and the distance between samples doubled.
 */

import { isBroken } from '../heaps/look.js';
import type { Board } from '../simulation/board.js';
import { externalFragmentation } from './fragmentation.js';

export interface TrendSample {
  readonly cycle: number;
  readonly freeBytes: number;
  readonly largestHole: number;
  readonly liveBlocks: number;
}

const MAXIMUM_SAMPLES = 256;
/** Heap calls between the first samples. */
const FIRST_DISTANCE = 8;

export class Trend {
  samples: TrendSample[] = [];
  /** Highest external fragmentation of all samples ever taken, and when requests failed. */
  worstFragmentation = 0;
  private distance = FIRST_DISTANCE;
  private callsUntilSample = 1;

  /** Called after every heap call. */
  heapCalled(board: Board): void {
    if (--this.callsUntilSample > 0) return;
    this.callsUntilSample = this.distance;
    this.take(board);
  }

  /** A request has failed: how fragmented memory is then counts, whether or not a sample is due. */
  outOfMemory(board: Board): void {
    this.look(board);
  }

  private take(board: Board): void {
    const measured = this.look(board);
    if (measured === undefined) return;
    this.samples.push({ cycle: board.clock.cycle, ...measured, liveBlocks: board.blocks.size });
    if (this.samples.length >= MAXIMUM_SAMPLES) {
      this.samples = this.samples.filter((_, index) => index % 2 === 0);
      this.distance *= 2;
    }
  }

  /** Nothing where the heap is broken: who watches a run does not end it. */
  private look(board: Board): { freeBytes: number; largestHole: number } | undefined {
    const measured = measureHoles(board);
    if (measured === undefined) return undefined;
    const external = externalFragmentation(measured.freeBytes, measured.largestHole);
    this.worstFragmentation = Math.max(this.worstFragmentation, external);
    return measured;
  }
}

/** undefined where the heap's structure is broken. */
export function measureHoles(board: Board): { freeBytes: number; largestHole: number } | undefined {
  let freeBytes = 0;
  let largestHole = 0;
  try {
    board.heap.walk((kind, _address, bytes) => {
      if (kind !== 'hole') return;
      freeBytes += bytes;
      if (bytes > largestHole) largestHole = bytes;
    });
  } catch (broken) {
    if (isBroken(broken)) return undefined;
    throw broken;
  }
  return { freeBytes, largestHole };
}
