/** The faults W1 to W7 of the published attempt at coalescing in heap_2: each trace that showed one, on ours. */

import { describe, expect, it } from 'vitest';
import { NULL } from '../../../src/heaps/heap.js';
import { parseTrace } from '../../../src/traces/read.js';
import { NO_BLOCK, Replay } from '../../../src/traces/replay.js';
import { type Device, device, faultOf, listed, ORIGIN, type Setup } from '../device.js';

const NAME = 'heap_2_coalescing';
/** The published heap of 4096 bytes used them all; ours gives one alignment unit up, as heap_2 does. */
const PUBLISHED = { bytes: 4104 };

/** Replays `a 0 8; f 0; ...`, checking after each; the offsets handed out, -1 for NULL. */
function replay(made: Device, trace: string): number[] {
  const offsets: number[] = [];
  const parsed = parseTrace(trace.replaceAll('; ', '\n'), 'trace');
  new Replay(made.heap, made.memory, parsed).run((index, address) => {
    expect(address).not.toBe(NO_BLOCK);
    made.heap.check();
    if (parsed.kinds[index] === 0) offsets.push(address === NULL ? -1 : address - made.origin);
  });
  return offsets;
}

function afterTrace(trace: string, setup: Setup = PUBLISHED) {
  const made = device(NAME, setup);
  const offsets = replay(made, trace);
  return { offsets, holes: listed(made, 'hole'), used: listed(made, 'used'), free: made.heap.freeBytes() };
}

const TIE = 'a 0 1000; a 1 2048; f 0; f 1';

describe('W1: of holes equal in size the right one is unlinked', () => {
  it('no stale block stays when a block joins two holes of the same size', () => {
    expect(afterTrace(TIE)).toMatchObject({ holes: ['0:4096'], free: 4096 });
  });

  it('no hole is lost when another of its size is merged', () => {
    expect(afterTrace('a 0 1000; a 1 8; a 2 2024; f 0; f 2')).toMatchObject({
      holes: ['0:1016', '1040:3056'],
      free: 4096 - 24,
    });
  });

  it('no hole is lost among small equal ones', () => {
    expect(afterTrace('a 0 8; a 1 8; a 2 8; a 3 8; f 2; f 0; f 3')).toMatchObject({
      holes: ['0:24', '48:4048'],
      used: ['24:24'],
      free: 4096 - 24,
    });
  });

  it('the rest of the next block lands in no stale header', () => {
    expect(afterTrace(`${TIE}; a 2 3056`)).toMatchObject({
      offsets: [16, 1032, 16],
      holes: ['3072:1024'],
      free: 1024,
    });
  });

  it('no list leads back to itself', () => {
    expect(afterTrace(`${TIE}; a 2 3064; a 3 2000`)).toMatchObject({
      offsets: [16, 1032, 16, -1],
      holes: ['3080:1016'],
      free: 1016,
    });
  });

  it('no large block is laid over a live one', () => {
    expect(afterTrace(`${TIE}; a 2 1000; a 3 3500`)).toMatchObject({
      offsets: [16, 1032, 16, -1],
      used: ['0:1016'],
      free: 3080,
    });
  });

  it('no small block is laid over a live one', () => {
    expect(afterTrace('a 0 8; a 1 8; a 2 8; a 3 8; f 2; f 0; f 1; a 4 8; a 5 56')).toMatchObject({
      // The freed three are one hole of 72: it serves the 8 bytes, and what is left is too small for 56.
      offsets: [16, 40, 64, 88, 16, 112],
      used: ['0:24', '72:24', '96:72'],
      holes: ['24:48', '168:3928'],
    });
  });

  it('no request is denied that a lost hole would have served', () => {
    expect(afterTrace('a 0 1008; a 1 1008; a 2 1008; f 0; f 2; a 3 2032; a 4 8')).toMatchObject({
      offsets: [16, 1040, 2064, 2064, 16],
      holes: ['24:1000'],
      free: 1000,
    });
  });

  it.each([
    [0, 1, 2, 3],
    [0, 2, 1, 3],
    [0, 3, 2, 1],
    [1, 3, 0, 2],
    [2, 0, 3, 1],
    [3, 1, 0, 2],
    [3, 2, 1, 0],
  ])('four equal blocks freed in the order %i %i %i %i become one hole', (...order) => {
    const frees = order.map((id) => `f ${id}`).join('; ');
    expect(afterTrace(`a 0 100; a 1 100; a 2 100; a 3 100; ${frees}`)).toMatchObject({ holes: ['0:4096'] });
  });
});

describe('W2: where no hole is left, a freed block has no successor', () => {
  it('the live neighbour is not merged', () => {
    expect(afterTrace('a 0 1000; a 1 3064; f 0; a 2 3500')).toMatchObject({
      offsets: [16, 1032, -1],
      holes: ['0:1016'],
      used: ['1016:3080'],
      free: 1016,
    });
  });
});

describe('W3: a merge does not count the neighbours again', () => {
  it('one block given back restores the counter', () => {
    expect(afterTrace('a 0 8')).toMatchObject({ free: 4072 });
    expect(afterTrace('a 0 8; f 0')).toMatchObject({ free: 4096, holes: ['0:4096'] });
  });

  it('so does a block between two holes', () => {
    expect(afterTrace('a 0 8; a 1 8; a 2 8; f 0; f 2; f 1')).toMatchObject({ free: 4096 });
  });
});

describe('W4: a size near 2^32 does not wrap', () => {
  it.each([4_294_967_280, 4_294_967_281, 4_294_967_288, 4_294_967_292, 4_294_967_295])(
    '%i bytes',
    (bytes) => {
      expect(afterTrace(`a 0 8; a 1 ${bytes}; a 2 8; c 3 1 ${bytes}`)).toMatchObject({
        offsets: [16, -1, 40],
        used: ['0:24', '24:24'],
        holes: ['48:4048'],
      });
    },
  );
});

describe('W5: no byte is lost to padding, and blocks are aligned wherever the array lies', () => {
  it.each([
    [4, 12, 4],
    [8, 16, 8],
    [16, 16, 16],
  ])('at alignment %i a header has %i bytes', (alignment, header, payload) => {
    const setup = { alignment, bytes: 4096 + alignment };
    expect(afterTrace('a 0 1; a 1 1', setup)).toMatchObject({
      offsets: [header, 2 * header + payload],
      used: [`0:${header + payload}`, `${header + payload}:${header + payload}`],
    });
  });

  it.each([
    [8, 4],
    [16, 4],
    [16, 8],
    [16, 12],
  ])('at alignment %i an array that begins at +%i gives aligned payloads', (alignment, shift) => {
    const { heap } = device(NAME, { alignment, origin: ORIGIN + shift });
    for (let bytes = 1; bytes < 40; bytes += 6) expect(heap.malloc(bytes) % alignment).toBe(0);
    heap.check();
  });
});

describe('W6: nothing depends on where the linker puts what', () => {
  const traces = [
    `${TIE}; a 2 1000; a 3 900; a 4 8; f 2; a 5 1200; f 4; f 3; a 6 1900; f 5; f 6`,
    'a 0 8; a 1 8; a 2 8; a 3 8; f 2; f 0; f 1; a 4 8; a 5 56; f 3; f 5; f 4',
    'a 0 1008; a 1 1008; a 2 1008; f 0; f 2; a 3 2032; a 4 8; f 1; f 4; f 3',
  ];

  it.each(traces)('not on the side on which the list ends lie: %s', (trace) => {
    const [below, above] = (['below', 'above'] as const).map((statics) =>
      afterTrace(trace, { ...PUBLISHED, statics }),
    );
    expect(above).toEqual(below);
    expect(below!.free).toBe(4096);
  });

  it.each(traces)('not on the sign of an address: %s', (trace) => {
    const usual = afterTrace(trace);
    for (const origin of [0x7fff_f800, 0x7fff_fc00, 0x7fff_ff00, 0x8000_0400]) {
      for (const statics of ['below', 'above'] as const) {
        expect(afterTrace(trace, { ...PUBLISHED, origin, statics })).toEqual(usual);
      }
    }
  });
});

describe('W7: blocks are marked, and the whole arena can be asked for', () => {
  it('a request of the whole arena is served, one byte more is not', () => {
    expect(afterTrace('a 0 4081; a 1 4080')).toMatchObject({ offsets: [-1, 16], used: ['0:4096'], free: 0 });
    expect(afterTrace('a 0 4080; f 0; a 1 4080')).toMatchObject({ offsets: [16, 16], free: 0 });
  });

  const misuses: [string, (payload: number, other: number) => number][] = [
    ['a second free', (payload) => payload],
    ['a pointer into a payload', (_payload, other) => other + 24],
    ['a foreign pointer', () => ORIGIN + 4104 + 0x40],
    ['a pointer below the heap', () => ORIGIN - 0x40],
  ];
  it.each(misuses)('%s is an assertion, and harms nothing where asserts are off', (_misuse, wrongPointer) => {
    for (const asserts of [true, false]) {
      const made = device(NAME, { ...PUBLISHED, options: { asserts } });
      const [payload, other] = [made.heap.malloc(1000), made.heap.malloc(100)];
      made.heap.free(payload);
      const fault = faultOf(() => made.heap.free(wrongPointer(payload, other)));
      expect(fault).toBe(asserts ? 'assertion' : undefined);
      made.heap.check();
      expect(listed(made, 'hole')).toEqual(['0:1016', '1136:2960']);
    }
  });
});
