/** Somebody wrote where they should not have: check() finds it, and no call hangs over it. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Corruption } from '../../../src/heaps/heap.js';
import { type Device, device, faultOf, type Piece, piecesOf } from '../device.js';

const ALLOCATED = 0x8000_0000;

/** Offsets in a header, alignment 8. The start of the lists, first in the statics, has the same links. */
interface Header {
  readonly bytes: number;
  readonly links: readonly number[];
  readonly size: number;
}
const HEAPS: [string, Header][] = [
  ['heap_2', { bytes: 8, links: [0], size: 4 }],
  ['heap_2_coalescing', { bytes: 16, links: [0, 4], size: 8 }],
  ['heap_4', { bytes: 8, links: [0], size: 4 }],
  ['heap_5', { bytes: 8, links: [0], size: 4 }],
];
const WITH_PROTECTOR = ['heap_4', 'heap_5'];

const anyBlocks = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 60 }), freed: fc.boolean() }), {
  minLength: 4,
  maxLength: 20,
});
const anyPick = fc.nat(10_000);
const anyMask = fc.oneof(
  fc.nat(31).map((bit) => 2 ** bit),
  fc.integer({ min: 1, max: 2 ** 32 - 1 }),
);
const runs = { seed: 20_240_531, numRuns: 1500 };

function corruptionOf(made: Device): Corruption | undefined {
  try {
    made.heap.check();
  } catch (error) {
    if (error instanceof Corruption) return error;
    throw error;
  }
  return undefined;
}

/** Live blocks and holes of all kinds: at least one of each. */
function churned(name: string, blocks: readonly { bytes: number; freed: boolean }[], options = {}): Device {
  const made = device(name, { bytes: 2048, options });
  const addresses = blocks.map(({ bytes }) => made.heap.malloc(bytes));
  addresses.forEach((address, index) => {
    if (blocks[index]!.freed && index > 0) made.heap.free(address);
  });
  made.heap.check();
  return made;
}

/** The word of the statics that holds the free count. */
function freeCounterOf({ heap, memory, statics }: Device): number {
  const before = heap.freeBytes();
  for (let address = statics; ; address += 4) {
    const word = memory.loadWord(address);
    memory.storeWord(address, word ^ 8);
    const counts = heap.freeBytes() !== before;
    memory.storeWord(address, word);
    if (counts) return address;
  }
}

/** With one word changed check() throws; once it is put back all is well. */
function expectFound(made: Device, address: number, word: number): void {
  const before = made.memory.loadWord(address);
  made.memory.storeWord(address, word);
  expect(corruptionOf(made)).toBeInstanceOf(Corruption);
  made.memory.storeWord(address, before);
  expect(corruptionOf(made)).toBeUndefined();
}

describe.each(HEAPS)('check of %s', (name, header) => {
  const anyDevice = anyBlocks.chain((blocks) =>
    (WITH_PROTECTOR.includes(name) ? fc.boolean() : fc.constant(false)).map((protector) => ({
      ...churned(name, blocks, WITH_PROTECTOR.includes(name) ? { protector } : {}),
    })),
  );
  const some = <T>(list: readonly T[], pick: number): T => list[pick % list.length]!;
  const pieces = (made: Device, kind: Piece['kind']) =>
    piecesOf(made.heap).filter((piece) => piece.kind === kind);

  it('finds every change of a link, of holes, of live blocks and of the start', () => {
    fc.assert(
      fc.property(anyDevice, anyPick, anyPick, anyMask, (made, pick, link, mask) => {
        const nodes = [...pieces(made, 'hole'), ...pieces(made, 'used')].map(({ address }) => address);
        const address = some([made.statics, ...nodes], pick) + some(header.links, link);
        expectFound(made, address, (made.memory.loadWord(address) ^ mask) >>> 0);
      }),
      runs,
    );
  });

  it("finds every change of a hole's size", () => {
    fc.assert(
      fc.property(anyDevice, anyPick, anyMask, (made, pick, mask) => {
        const address = some(pieces(made, 'hole'), pick).address + header.size;
        expectFound(made, address, (made.memory.loadWord(address) ^ mask) >>> 0);
      }),
      runs,
    );
  });

  it('finds a live block that lost its mark, or whose size leads to no other block', () => {
    fc.assert(
      fc.property(anyDevice, anyPick, anyMask, (made, pick, mask) => {
        const block = some(pieces(made, 'used'), pick);
        const address = block.address + header.size;
        const word = (made.memory.loadWord(address) ^ mask) >>> 0;
        const bytes = word % ALLOCATED;
        const mayLeadToABlock = bytes >= header.bytes && bytes % 4 === 0 && bytes < 2048;
        fc.pre(word < ALLOCATED || !mayLeadToABlock);
        expectFound(made, address, word);
      }),
      runs,
    );
  });

  it('finds every change of the free counter', () => {
    fc.assert(
      fc.property(anyDevice, anyMask, (made, mask) => {
        const address = freeCounterOf(made);
        expectFound(made, address, (made.memory.loadWord(address) ^ mask) >>> 0);
      }),
      { ...runs, numRuns: 200 },
    );
  });

  /** Live blocks between holes of 32, 48 and 64 payload bytes, and the rest of the arena. */
  const threeHoles = () => {
    const made = device(name);
    const blocks = [32, 8, 48, 8, 64, 8, 800].map((bytes) => made.heap.malloc(bytes));
    for (const index of [0, 2, 4]) made.heap.free(blocks[index]!);
    const holes = pieces(made, 'hole').map(({ address }) => address);
    return { made, blocks, holes };
  };
  const link = ({ memory }: Device, node: number, next: number) => {
    for (const offset of header.links) memory.storeWord(node + offset, next);
  };

  it.each(header.links)('finds two holes in the wrong order, by the link at +%i', (offset) => {
    const { made, holes } = threeHoles();
    const order = [made.statics, holes[1]!, holes[0]!, holes[2]!];
    for (let index = 0; index < 3; index++) made.memory.storeWord(order[index]! + offset, order[index + 1]!);
    expect(corruptionOf(made)).toBeInstanceOf(Corruption);
  });

  it('finds a last block that ends behind the arena', () => {
    const made = device(name);
    const payload = made.heap.malloc(4088 - header.bytes);
    expectFound(made, payload - header.bytes + header.size, ALLOCATED + 4096);
  });

  it('names the live block whose header was overrun', () => {
    const { made, blocks } = threeHoles();
    const block = blocks[3]! - header.bytes;
    made.memory.storeWord(block, 1);
    expect(corruptionOf(made)?.address).toBe(block);
  });

  it('names the block whose size leads nowhere', () => {
    const { made, blocks } = threeHoles();
    const block = blocks[3]! - header.bytes;
    made.memory.storeWord(block + header.size, 0xffff_ffff);
    expect(corruptionOf(made)?.address).toBe(block);
  });

  it('names the hole that the list leaves out', () => {
    const { made, holes } = threeHoles();
    link(made, holes[0]!, holes[2]!);
    expect(corruptionOf(made)?.address).toBe(holes[1]);
  });

  describe.each([
    ['to itself', 1],
    ['to one before it', 0],
  ])('when a hole in the list leads back %s', (_where, target) => {
    const circle = () => {
      const { made, blocks, holes } = threeHoles();
      link(made, holes[1]!, holes[target]!);
      return { heap: made.heap, made, blocks };
    };

    it('finds the circle', () => {
      expect(corruptionOf(circle().made)).toBeInstanceOf(Corruption);
    });

    it('a malloc that meets it is an endless loop', () => {
      const { heap } = circle();
      expect(faultOf(() => heap.malloc(2000))).toBe('endless-loop');
    });

    it('a free that meets it is an endless loop', () => {
      const { heap, blocks } = circle();
      expect(faultOf(() => heap.free(blocks[6]!))).toBe('endless-loop');
    });

    it('a malloc served before it succeeds', () => {
      const { heap, blocks } = circle();
      expect(heap.malloc(32)).toBe(blocks[0]);
    });
  });
});

describe('check finds an overrun end of the list', () => {
  it.each([
    ['heap_4', 'its link', 0],
    ['heap_4', 'its size', 4],
    ['heap_5', 'its link', 0],
    ['heap_5', 'its size', 4],
  ])('in %s, where it lies behind the last block: %s', (name, _word, offset) => {
    const made = device(name);
    const payload = made.heap.malloc(4080);
    made.memory.storeWord(payload + 4080 + offset, 0xffff_ffff);
    expect(corruptionOf(made)).toBeInstanceOf(Corruption);
  });
});
