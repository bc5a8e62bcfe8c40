/**
 * The published worst cases of powers of two that have too many layouts to try them all (test/heaps/bounds.test.ts
 * does that for the smaller ones): clients that bring the real heap so far. Where the bound is the same figure, that
 * it goes no further is proved.
 */

import { describe, expect, it } from 'vitest';
import { lowerBoundBytes, sufficientBytes } from '../../../src/heaps/bounds.js';
import type { HeapOptions } from '../../../src/heaps/definition.js';
import { NULL } from '../../../src/heaps/heap.js';
import { device, piecesOf } from '../device.js';

const UNIT_BYTES = 16;
/** More than any of these clients comes to use. */
const ARENA_UNITS = 64;

type Pick = 'first' | 'lowest';

/** The fewest bytes in which the heap's tables leave that many units in one piece: smaller ones beside it would count. */
function bytesFor(options: HeapOptions): number {
  for (let bytes = ARENA_UNITS * UNIT_BYTES; ; bytes += 4) {
    const holes = piecesOf(device('buddy', { bytes, options }).heap).filter(({ kind }) => kind === 'hole');
    if (holes.length === 1 && holes[0]!.bytes === ARENA_UNITS * UNIT_BYTES) return bytes;
  }
}

/** A client that never has more than `peak` units, and how far its blocks have reached. */
class Client {
  readonly blocks = new Map<number, number>();
  reach = 0;
  private live = 0;
  private readonly heap;
  private readonly origin: number;

  constructor(
    private readonly peak: number,
    pick: Pick,
  ) {
    const options = { minimumBlock: UNIT_BYTES, pick };
    this.heap = device('buddy', { bytes: bytesFor(options), options }).heap;
    const holes = piecesOf(this.heap).filter(({ kind }) => kind === 'hole');
    this.origin = holes[0]!.address;
  }

  /** Whether it may have so many units more. */
  affords(units: number): boolean {
    return this.live + units <= this.peak;
  }

  allocate(units: number): void {
    expect(this.affords(units)).toBe(true);
    const address = this.heap.malloc(units * UNIT_BYTES);
    expect(address).not.toBe(NULL);
    const start = (address - this.origin) / UNIT_BYTES;
    this.blocks.set(start, units);
    this.live += units;
    this.reach = Math.max(this.reach, start + units);
  }

  free(start: number): void {
    this.live -= this.blocks.get(start)!;
    this.blocks.delete(start);
    this.heap.free(this.origin + start * UNIT_BYTES);
  }
}

/**
 * Robson's: blocks of 1, then of 2, 4 and so on, as many as may be. Before each size it frees all blocks but those
 * with a unit at a multiple of that size, which leaves no hole that the new ones fit into.
 */
function robson(client: Client, largest: number) {
  while (client.affords(1)) client.allocate(1);
  for (let size = 2; size <= largest; size *= 2) {
    for (const [start, units] of [...client.blocks]) {
      const holdsMultiple = (size - (start % size)) % size < units;
      if (!holdsMultiple) client.free(start);
    }
    while (client.affords(size)) client.allocate(size);
  }
}

const words = (peak: number, largest: number) => ({
  peakBytes: 4 * peak,
  largestBytes: 4 * largest,
  smallestBytes: 4,
  unitBytes: 4,
});

describe("Robson's client on aligned first fit", () => {
  it.each([
    [8, 4, 16],
    [12, 4, 24],
    [16, 4, 32],
    [8, 8, 16],
    [12, 8, 32],
    [16, 8, 40],
  ])('%i live, blocks of at most %i: reaches %i', (peak, largest, arena) => {
    const client = new Client(peak, 'first');
    robson(client, largest);
    expect(client.reach).toBe(arena);
    expect(lowerBoundBytes(words(peak, largest)) / 4).toBeLessThanOrEqual(arena);
    expect(sufficientBytes('aligned-first-fit', words(peak, largest)) / 4).toBeGreaterThanOrEqual(arena);
  });

  it.each([
    [16, 4, 32],
    [16, 8, 40],
  ])('%i live, blocks of at most %i: no client can reach further than %i', (peak, largest, arena) => {
    expect(sufficientBytes('aligned-first-fit', words(peak, largest)) / 4).toBe(arena);
  });
});

describe('a buddy heap', () => {
  it("12 live, blocks of at most 8: Robson's client reaches 32", () => {
    const client = new Client(12, 'lowest');
    robson(client, 8);
    expect(client.reach).toBe(32);
  });

  it('13 live, blocks of at most 4: another one reaches 28', () => {
    const client = new Client(13, 'lowest');
    const steps = '+1 +2 +1 +1 +2 @0 +2 @1 @6 +4 +4 @2 @4 +1 +2 @8 @10 @12 +4';
    for (const step of steps.split(' ')) {
      const value = Number(step.slice(1));
      if (step.startsWith('+')) client.allocate(value);
      else client.free(value);
    }
    expect(client.reach).toBe(28);
  });
});
