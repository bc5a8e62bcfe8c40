import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { findHeap } from '../../../src/heaps/catalog.js';
import { Corruption, NULL } from '../../../src/heaps/heap.js';
import { anyCalls } from '../calls.js';
import { type Device, device, faultOf, listed, ORIGIN, piecesOf } from '../device.js';
import { anyPlace, Model } from '../model.js';

const PICKS = ['lowest', 'lifo', 'first'] as const;
type Pick = (typeof PICKS)[number];
const runs = { seed: 20_240_531, numRuns: 300 };

/** Of a heap of 4096 bytes: 8 list heads, 239 table bytes, and as many blocks of 16 bytes. */
const BASE = 272;
const COUNT = 239;

interface Hole {
  readonly index: number;
  readonly order: number;
}

/** The buddy system as a textbook tells it: a list of holes, the one freed last in front. */
class BuddyModel {
  private holes: Hole[] = [];

  constructor(private readonly pick: Pick) {
    for (let order = 7, index = 0; order >= 0; order--) {
      if ((COUNT & (2 ** order)) === 0) continue;
      this.holes.push({ index, order });
      index += 2 ** order;
    }
  }

  take(order: number): number | undefined {
    const [hole] = this.holes.filter((candidate) => candidate.order >= order).toSorted(this.preferred());
    if (hole === undefined) return undefined;
    this.holes = this.holes.filter((other) => other !== hole);
    const halves = Array.from({ length: hole.order - order }, (_, steps) => order + steps);
    this.holes.unshift(...halves.map((half) => ({ index: hole.index + 2 ** half, order: half })));
    return hole.index;
  }

  give(index: number, order: number): void {
    const buddyIndex = (index & (2 ** order)) === 0 ? index + 2 ** order : index - 2 ** order;
    const buddy = this.holes.find((hole) => hole.index === buddyIndex && hole.order === order);
    this.holes = this.holes.filter((hole) => hole !== buddy);
    if (buddy === undefined) this.holes.unshift({ index, order });
    else this.give(Math.min(index, buddyIndex), order + 1);
  }

  private preferred(): (a: Hole, b: Hole) => number {
    if (this.pick === 'first') return (a, b) => a.index - b.index;
    if (this.pick === 'lifo') return (a, b) => a.order - b.order;
    return (a, b) => a.order - b.order || a.index - b.index;
  }
}

describe.each(PICKS)('buddy with pick %s', (pick) => {
  it('chooses, splits and merges as the textbook does', () => {
    const call = fc.record({
      bytes: fc.oneof(fc.nat(100), fc.nat(1200)),
      free: fc.boolean(),
      at: fc.nat(999),
    });
    fc.assert(
      fc.property(fc.array(call, { minLength: 20, maxLength: 120, size: 'max' }), (calls) => {
        const { heap } = device('buddy', { options: { pick } });
        const model = new BuddyModel(pick);
        const live: { address: number; order: number }[] = [];
        for (const { bytes, free, at } of calls) {
          if (free && live.length > 0) {
            const [block] = live.splice(at % live.length, 1);
            heap.free(block!.address);
            model.give((block!.address - ORIGIN - BASE) / 16, block!.order);
            continue;
          }
          const order = Math.max(0, Math.ceil(Math.log2(bytes / 16)));
          const index = bytes === 0 ? undefined : model.take(order);
          const address = heap.malloc(bytes);
          expect(address).toBe(index === undefined ? NULL : ORIGIN + BASE + 16 * index);
          if (address !== NULL) live.push({ address, order });
        }
      }),
      runs,
    );
  });

  it('keeps every promise of a heap, and has its first holes back when everything is free', () => {
    const definition = findHeap('buddy')!;
    fc.assert(
      fc.property(
        anyPlace(definition),
        fc.constantFrom(8, 16, 32, 64, 128, 256),
        anyCalls(definition),
        (place, minimumBlock, calls) => {
          const options = v.parse(definition.options, { pick, minimumBlock });
          const model = new Model(definition, { ...place, options }).run(calls).freeAll();
          expect(model.holes()).toEqual(model.firstHoles);
        },
      ),
      runs,
    );
  });

  const anyMask = fc.oneof(
    fc.nat(31).map((bit) => 2 ** bit),
    fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  );
  const anyBlocks = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 60 }), freed: fc.boolean() }), {
    minLength: 4,
    maxLength: 20,
  });

  it('is found broken whichever word of table, list heads, links or statics changed', () => {
    fc.assert(
      fc.property(anyBlocks, fc.nat(10_000), anyMask, (blocks, at, mask) => {
        const { heap, memory, statics } = device('buddy', { options: { pick } });
        const addresses = blocks.map(({ bytes }) => heap.malloc(bytes));
        addresses.forEach((address, index) => {
          if (blocks[index]!.freed) heap.free(address);
        });
        const words = piecesOf(heap).flatMap(({ kind, address }) =>
          kind === 'hole' ? [address, address + 4] : [],
        );
        // The last word of the table holds a byte of padding as well.
        for (let offset = 0; offset < BASE - 4; offset += 4) words.push(ORIGIN + offset);
        words.push(statics, statics + 4);
        const word = words[at % words.length]!;
        const before = memory.loadWord(word);
        memory.storeWord(word, before ^ mask);
        expect(() => heap.check()).toThrow(Corruption);
        memory.storeWord(word, before);
        heap.check();
      }),
      { ...runs, numRuns: 1000 },
    );
  });
});

describe('buddy', () => {
  const halves = (made: Device) => listed(made, 'hole').map((hole) => Number(hole.split(':')[1]));

  it('cuts an arena that is no power of two into those that it is the sum of', () => {
    const made = device('buddy');
    expect(halves(made)).toEqual([2048, 1024, 512, 128, 64, 32, 16]);
    expect(listed(made, 'bookkeeping')).toEqual([`0:${BASE}`]);
  });

  it('has its table in the arena, a byte for each smallest block', () => {
    const table = (minimumBlock: number) =>
      listed(device('buddy', { options: { minimumBlock } }), 'bookkeeping');
    expect(table(8)[0]).toBe('0:488');
    expect(table(64)).toEqual(['0:88', '4056:40']);
  });

  it.each([
    [1, 16],
    [16, 16],
    [17, 32],
    [512, 512],
    [513, 1024],
    [2 ** 31 + 1, 2 ** 32],
    [2 ** 32 - 1, 2 ** 32],
  ])('rounds a request of %i bytes to %i', (bytes, rounded) => {
    expect(device('buddy').heap.blockBytesFor(bytes)).toBe(rounded);
  });

  it.each([
    [8, 16, 16],
    [8, 32, 32],
    [64, 8, 64],
  ])(
    'with a minimumBlock of %i at alignment %i has blocks of at least %i',
    (minimumBlock, alignment, least) => {
      const { heap } = device('buddy', { alignment, options: { minimumBlock } });
      const [first, second] = [heap.malloc(1), heap.malloc(1)];
      expect(heap.blockBytesFor(1)).toBe(least);
      expect([first % alignment, Math.abs(second - first) % least]).toEqual([0, 0]);
    },
  );

  it('does not merge neighbours that are no buddies', () => {
    const made = device('buddy');
    const blocks = Array.from({ length: 7 }, () => made.heap.malloc(512));
    const [, second, third] = blocks.filter((block) => block < ORIGIN + BASE + 2048).sort((a, b) => a - b);
    made.heap.free(second!);
    made.heap.free(third!);
    const large = listed(made, 'hole').filter((hole) => hole.endsWith(':512'));
    expect(large).toEqual([`${second! - ORIGIN}:512`, `${third! - ORIGIN}:512`]);
    expect(made.heap.malloc(1024)).toBe(NULL);
  });

  it('counts splits as search steps, and says that it merged', () => {
    const { heap } = device('buddy');
    const block = heap.malloc(16);
    expect(heap.lastCall).toMatchObject({ path: 3, searchSteps: 0 });
    heap.malloc(16);
    expect(heap.lastCall).toMatchObject({ path: 7, searchSteps: 1 });
    heap.free(block);
    expect(heap.lastCall.path).toBe(0);
    heap.free(heap.malloc(300));
    expect(heap.lastCall.path).toBe(0);
    const small = heap.malloc(9 * 16);
    heap.free(small);
    expect(heap.lastCall.path).toBe(1);
  });

  it.each(['lowest', 'first'])(
    'with pick %s meets a list that runs in a circle as an endless loop',
    (pick) => {
      const { heap, memory } = device('buddy', { options: { pick } });
      const blocks = Array.from({ length: 8 }, () => heap.malloc(256)).sort((a, b) => a - b);
      for (const index of [0, 2, 4]) heap.free(blocks[index]!);
      memory.storeWord(blocks[2]!, blocks[0]!);
      expect(faultOf(() => heap.free(blocks[6]!))).toBe('endless-loop');
    },
  );
});
