/**
 * The published worst cases of powers of two that have too many layouts to try them all (test/heaps/bounds.test.ts
 * does that for the smaller ones): clients that bring the real heap so far, and why none brings it further. For
 * first fit the bound is the same figure; for the smallest hole all shapes of layouts are tried.
 */

import { describe, expect, it } from 'vitest';
import { lowerBoundBytes, sufficientBytes } from '../../../src/heaps/bounds.js';
import type { HeapOptions } from '../../../src/heaps/definition.js';
import { NULL } from '../../../src/heaps/heap.js';
import { BuddyShapes } from '../buddy-shapes.js';
import { device, piecesOf } from '../device.js';
import { type Layout, powersOfTwo } from '../worst-case.js';
import { buddyOn, explore, type FlatLayout } from './explore.js';

const UNIT_BYTES = 16;
/** More than any of these clients comes to use. */
const ARENA_UNITS = 64;

type Pick = 'first' | 'lowest';

/** The fewest bytes in which the heap's tables leave that many units: a power of two, which is one hole. */
function bytesFor(options: HeapOptions): number {
  for (let bytes = ARENA_UNITS * UNIT_BYTES; ; bytes += 4) {
    if (device('buddy', { bytes, options }).heap.freeBytes() === ARENA_UNITS * UNIT_BYTES) return bytes;
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
    this.origin = piecesOf(this.heap).find(({ kind }) => kind === 'hole')!.address;
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
  ])('%i live, blocks of at most %i: reaches %i, as no other does', (peak, largest, arena) => {
    const client = new Client(peak, 'first');
    robson(client, largest);
    expect(client.reach).toBe(arena);
    expect(lowerBoundBytes(words(peak, largest)) / 4).toBeLessThanOrEqual(arena);
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

  it.each([
    [8, 2, 12],
    [7, 4, 16],
    [8, 4, 16],
    [12, 4, 24],
    [13, 4, 28],
    [8, 8, 16],
    [11, 8, 32],
    [12, 8, 32],
  ])(
    '%i live, blocks of at most %i: %i are enough, whichever of the smallest holes is taken',
    (peak, largest, arena) => {
      expect(new BuddyShapes(peak, largest).arena).toBe(arena);
    },
  );

  // That these shapes stand for the heap: all that it does from one layout of each is foreseen.
  it.each([
    [8, 4, 16, 'lowest'],
    [12, 4, 24, 'lowest'],
    [13, 4, 28, 'lowest'],
    [13, 4, 28, 'lifo'],
    [12, 8, 32, 'lowest'],
    [12, 8, 32, 'lifo'],
  ])(
    '%i live, blocks of at most %i, on %i units, taking the %s hole: steps between those shapes',
    (...given) => {
      const [peak, largest, arena, pick] = given;
      const { shapes, fails, visited, unforeseen } = compared(peak, largest, arena, pick);
      expect(fails).toBe(false);
      expect(unforeseen).toEqual([]);
      expect(visited).toBeGreaterThan(0.6 * shapes.count);
    },
  );

  it('that took the lowest hole of any size would do what is not foreseen', () => {
    expect(compared(8, 4, 16, 'first').unforeseen).not.toEqual([]);
  });
});

/** What the real heap does from one layout of each shape beside what is foreseen. */
function compared(peak: number, largest: number, arena: number, pick: string) {
  const shapes = new BuddyShapes(peak, largest);
  const unforeseen: string[] = [];
  const { fails, keys } = explore(
    buddyOn(arena, pick),
    peak,
    powersOfTwo(largest),
    (flat) => shapes.shapeOf(pairsOf(flat)),
    (before, after) => {
      if (!shapes.canFollow(before, after)) unforeseen.push(`${before} to ${after}`);
    },
  );
  return { shapes, fails, visited: keys.size, unforeseen };
}

function pairsOf(flat: FlatLayout): Layout {
  return flat.flatMap((start, index) => (index % 2 === 0 ? [[start, flat[index + 1]!] as const] : []));
}
