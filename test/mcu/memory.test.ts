import { describe, expect, it } from 'vitest';
import { accessesSince, Fault, type FaultKind, hex, Memory } from '../../src/mcu/index.js';

const LOW = 0x2000_0000;
const HIGH = 0x9000_0000;
/** Ends with the address space. */
const TOP = 0xffff_ff00;

const memory = (origin = LOW, bytes = 0x100) => new Memory([{ name: 'RAM', origin, bytes }]);

/** A small low region, a gap, one that lies across 2^31, and the last 256 bytes there are. */
const scattered = () =>
  new Memory([
    { name: 'CCM', origin: 0x1000_0000, bytes: 0x20 },
    { name: 'SRAM', origin: LOW, bytes: 0x40 },
    { name: 'middle', origin: 0x7fff_fff0, bytes: 0x20 },
    { name: 'top', origin: TOP, bytes: 0x100 },
  ]);

const named = (addresses: readonly number[]) => addresses.map((address) => [hex(address), address] as const);

function faultOf(access: () => unknown): [FaultKind, number] {
  try {
    access();
  } catch (error) {
    if (error instanceof Fault) return [error.kind, error.address];
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('bytes and words', () => {
  it.each(named([LOW, HIGH, TOP]))('are little-endian views of the same RAM at %s', (_name, origin) => {
    const ram = memory(origin);
    ram.storeWord(origin + 4, 0x8899_aabb);
    expect([4, 5, 6, 7].map((offset) => ram.loadByte(origin + offset))).toEqual([0xbb, 0xaa, 0x99, 0x88]);
    ram.storeByte(origin + 7, 0xff);
    expect(ram.loadWord(origin + 4)).toBe(0xff99_aabb);
    expect(ram.loadWord(origin)).toBe(0);
    expect(ram.loadWord(origin + 8)).toBe(0);
  });

  it('start as zeroes', () => {
    expect(memory().image(LOW, 0x100)).toEqual(new Uint8Array(0x100));
  });

  it.each([
    [2 ** 31, 2 ** 31],
    [2 ** 32 - 1, 2 ** 32 - 1],
    [2 ** 32, 0],
    [2 ** 32 + 5, 5],
    [-1, 2 ** 32 - 1],
    [-(2 ** 31), 2 ** 31],
  ])('a stored %i is loaded as the unsigned word %i', (stored, loaded) => {
    for (const ram of [memory(), scattered()]) {
      ram.storeWord(LOW, stored);
      expect(ram.loadWord(LOW)).toBe(loaded);
    }
  });

  it.each([
    [0x1ff, 0xff],
    [-1, 0xff],
    [256, 0],
  ])('of a stored byte %i the low eight bits, %i, are kept', (stored, loaded) => {
    const ram = memory();
    ram.storeByte(LOW + 1, stored);
    expect(ram.loadWord(LOW)).toBe(loaded * 0x100);
  });

  it('reach the first and the last of every region', () => {
    const ram = scattered();
    const ends = ram.regions.flatMap(({ origin, bytes }) => [origin, origin + bytes - 4]);
    ends.forEach((address, index) => {
      ram.storeWord(address, 0xf000_0000 + index);
    });
    expect(ends.map((address) => ram.loadWord(address))).toEqual(ends.map((_, index) => 0xf000_0000 + index));
    ends.forEach((address, index) => {
      ram.storeByte(address + 3, index);
    });
    expect(ends.map((address) => ram.loadByte(address + 3))).toEqual(ends.map((_, index) => index));
  });

  it('of one region are not those of another', () => {
    const ram = scattered();
    ram.storeWord(0x1000_0000, 1);
    ram.storeWord(TOP, 2);
    expect(ram.regions.map(({ origin }) => ram.loadWord(origin))).toEqual([1, 0, 0, 2]);
  });
});

describe('a refused access is a fault', () => {
  const words: [string, FaultKind, number][] = [
    ['one byte past a word', 'unaligned', LOW + 1],
    ['half a word further', 'unaligned', LOW + 2],
    ['three bytes further', 'unaligned', LOW + 7],
    ['unaligned in a region that is not the first', 'unaligned', TOP + 2],
    ['unaligned outside RAM', 'unaligned', 0x3000_0001],
    ['across the end of a region', 'unaligned', LOW + 0x3e],
    ['below the first region', 'unmapped', 0x0fff_fffc],
    ['at NULL', 'unmapped', 0],
    ['directly above a region', 'unmapped', LOW + 0x40],
    ['in the gap between regions', 'unmapped', 0x5000_0000],
    ['above 2^31 where only the low half is RAM', 'unmapped', 0xa000_0000],
    ['directly below the last region', 'unmapped', TOP - 4],
  ];
  it.each(words)('for a word %s', (_place, kind, address) => {
    const ram = scattered();
    expect(faultOf(() => ram.loadWord(address))).toEqual([kind, address]);
    expect(faultOf(() => ram.storeWord(address, 1))).toEqual([kind, address]);
  });

  const outside = [
    0,
    0x0fff_ffff,
    0x1000_0020,
    LOW - 1,
    LOW + 0x40,
    0x7fff_ffef,
    0x8000_0010,
    TOP - 1,
    2 ** 32,
  ];
  it.each(named(outside))('for a byte outside every region, at %s', (_name, address) => {
    const ram = scattered();
    expect(faultOf(() => ram.loadByte(address))).toEqual(['unmapped', address]);
    expect(faultOf(() => ram.storeByte(address, 1))).toEqual(['unmapped', address]);
  });

  it.each([LOW, TOP])('for bytes 2^32 above RAM at %i, which words cannot tell from RAM', (origin) => {
    const ram = memory(origin);
    ram.storeWord(origin, 0x1122_3344);
    const alias = 2 ** 32 + origin;
    expect(faultOf(() => ram.loadByte(alias))).toEqual(['unmapped', alias]);
    expect(faultOf(() => ram.storeByte(alias, 1))).toEqual(['unmapped', alias]);
    expect(faultOf(() => ram.fill(alias, 4, 1))).toEqual(['unmapped', alias]);
    expect(faultOf(() => ram.copy(origin, alias, 4))).toEqual(['unmapped', alias]);
    expect(faultOf(() => ram.copy(alias, origin, 4))).toEqual(['unmapped', alias]);
    expect(ram.loadWord(alias)).toBe(0x1122_3344);
  });

  it('for a range of less than no bytes', () => {
    const ram = scattered();
    expect(faultOf(() => ram.fill(LOW, -4, 1))).toEqual(['unmapped', LOW]);
  });

  it('for a range that leaves its region, and then nothing has changed', () => {
    const ram = scattered();
    const before = ram.image(LOW, 0x40);
    expect(faultOf(() => ram.fill(LOW + 0x3d, 4, 1))).toEqual(['unmapped', LOW + 0x3d]);
    expect(faultOf(() => ram.copy(LOW + 0x20, LOW, 0x21))).toEqual(['unmapped', LOW + 0x20]);
    expect(faultOf(() => ram.copy(LOW, LOW + 0x20, 0x21))).toEqual(['unmapped', LOW + 0x20]);
    expect(faultOf(() => ram.image(LOW - 1, 2))).toEqual(['unmapped', LOW - 1]);
    expect(ram.image(LOW, 0x40)).toEqual(before);
  });

  it('for a range over two regions that touch: they are two chips', () => {
    const ram = new Memory([
      { name: 'SRAM1', origin: LOW, bytes: 0x10 },
      { name: 'SRAM2', origin: LOW + 0x10, bytes: 0x10 },
    ]);
    expect(faultOf(() => ram.fill(LOW + 0xc, 8, 1))).toEqual(['unmapped', LOW + 0xc]);
  });

  it('that names every region and the address as firmware people write them', () => {
    expect(() => scattered().loadWord(0x44)).toThrow(
      /^unmapped at 0x00000044: .*CCM 0x10000000\.\.0x1000001f.*middle 0x7ffffff0\.\.0x8000000f/,
    );
    expect(hex(0xffff_fffc)).toBe('0xfffffffc');
    expect(() => memory().loadByte(0)).toThrow(': 1 byte there is outside RAM (RAM 0x20000000..0x200000ff)');
    expect(() => memory().fill(0, 2, 0)).toThrow(': 2 bytes there are outside RAM');
  });

  it('that names an address only where it is about one', () => {
    expect(new Fault('endless-loop', 0, 'why').message).toBe('endless loop: why');
    expect(new Fault('illegal-call', 0, 'why').message).toBe('illegal call: why');
    expect(new Fault('assertion', LOW, 'why').message).toBe('failed assertion at 0x20000000: why');
    expect(new Fault('unmapped', 0, 'why').message).toBe('unmapped at 0x00000000: why');
  });
});

describe('contains', () => {
  it.each<[boolean, number, number]>([
    [true, LOW, 0x40],
    [false, LOW, 0x41],
    [false, LOW - 1, 2],
    [true, LOW + 0x3f, 1],
    [true, 0x7fff_fff0, 0x20],
    [true, TOP, 0x100],
    [false, TOP, 0x101],
  ])('is %s for address %i and %i bytes', (inside, address, bytes) => {
    expect(scattered().contains(address, bytes)).toBe(inside);
  });
});

describe('fill and copy', () => {
  const numbered = (origin = LOW) => {
    const ram = memory(origin);
    for (let index = 0; index < 0x40; index++) ram.storeByte(origin + index, index + 1);
    return ram;
  };

  it('fill exactly the bytes they name', () => {
    const ram = numbered();
    ram.fill(LOW + 3, 6, 0x1aa);
    expect([...ram.image(LOW, 11)]).toEqual([1, 2, 3, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 10, 11]);
  });

  it.each([
    ['upwards', 4, 0],
    ['downwards', 0, 5],
  ])('copy %s between overlapping ranges as memmove does', (_direction, to, from) => {
    const ram = numbered(HIGH);
    const source = ram.image(HIGH + from, 20);
    ram.copy(HIGH + to, HIGH + from, 20);
    expect(ram.image(HIGH + to, 20)).toEqual(source);
    expect(ram.loadByte(HIGH + to + 20)).toBe(to + 21);
  });

  it('copy from one region to another', () => {
    const ram = scattered();
    ram.storeWord(LOW + 4, 0x8765_4321);
    ram.copy(TOP + 0xfc, LOW + 4, 4);
    expect(ram.loadWord(TOP + 0xfc)).toBe(0x8765_4321);
  });

  it.each([
    [0, 0],
    [1, 1],
    [4, 1],
    [5, 2],
    [64, 16],
  ])('of %i bytes count as %i words', (bytes, words) => {
    const filled = memory();
    filled.fill(LOW, bytes, 0);
    expect([filled.loads, filled.stores]).toEqual([0, words]);
    const copied = memory();
    copied.copy(LOW + 64, LOW, bytes);
    expect([copied.loads, copied.stores]).toEqual([words, words]);
  });

  it('of nothing may name any address', () => {
    const ram = memory();
    ram.fill(0, 0, 1);
    ram.copy(LOW, 0, 0);
    ram.copy(0, LOW, 0);
    expect(ram.image(LOW, 0x100)).toEqual(new Uint8Array(0x100));
  });
});

describe('halfwords', () => {
  it('are two bytes, in every region', () => {
    const ram = scattered();
    for (const origin of [LOW, TOP]) {
      ram.storeHalf(origin + 2, 0x1_8899);
      expect([2, 3, 4].map((offset) => ram.loadByte(origin + offset))).toEqual([0x99, 0x88, 0]);
      expect(ram.loadHalf(origin + 2)).toBe(0x8899);
      expect(ram.loadHalf(origin)).toBe(0);
    }
  });

  it('lie at even addresses and inside a region', () => {
    const ram = memory();
    expect(faultOf(() => ram.loadHalf(LOW + 1))).toEqual(['unaligned', LOW + 1]);
    expect(faultOf(() => ram.storeHalf(LOW + 3, 0))).toEqual(['unaligned', LOW + 3]);
    expect(faultOf(() => ram.loadHalf(LOW + 0x100))).toEqual(['unmapped', LOW + 0x100]);
    expect(faultOf(() => ram.storeHalf(LOW - 2, 0))).toEqual(['unmapped', LOW - 2]);
  });
});

it('a word is swapped only for what it was expected to be', () => {
  const ram = memory();
  ram.storeWord(LOW, 0xffff_ffff);
  expect(ram.compareAndSwap(LOW, 1, 2)).toBe(false);
  expect(ram.loadWord(LOW)).toBe(0xffff_ffff);
  expect(ram.compareAndSwap(LOW, -1, 2)).toBe(true);
  expect(ram.loadWord(LOW)).toBe(2);
});

describe('accesses', () => {
  it('are counted one by one, in every region, and images are none', () => {
    const ram = scattered();
    ram.storeWord(LOW, 1);
    ram.storeByte(TOP, 1);
    ram.loadWord(TOP);
    ram.loadByte(LOW);
    ram.loadWord(LOW);
    ram.image(LOW, 0x40);
    ram.contains(LOW, 4);
    expect([ram.loads, ram.stores]).toEqual([3, 2]);
    ram.storeHalf(LOW, 1);
    ram.loadHalf(TOP);
    expect([ram.loads, ram.stores]).toEqual([4, 3]);
    // One that fails stores nothing.
    ram.compareAndSwap(LOW + 4, 0, 1);
    ram.compareAndSwap(LOW + 4, 0, 1);
    expect([ram.loads, ram.stores]).toEqual([6, 4]);
  });

  it('are counted over the wrap of the counter', () => {
    const ram = memory();
    ram.loads = 0x7fff_ffff;
    ram.stores = -1;
    const { loads, stores } = ram;
    ram.loadWord(LOW);
    ram.loadByte(LOW);
    ram.fill(LOW, 12, 0);
    expect([accessesSince(loads, ram.loads), accessesSince(stores, ram.stores)]).toEqual([2, 3]);
    expect(accessesSince(-5, -5)).toBe(0);
    expect(accessesSince(0, -1)).toBe(2 ** 32 - 1);
  });
});

it('a memory counts how often it was put back', () => {
  const ram = memory();
  const before = ram.save();
  ram.storeWord(LOW, 1);
  ram.restore(before);
  expect([ram.restorations, ram.loadWord(LOW)]).toEqual([1, 0]);
});

describe('an image', () => {
  it('is a copy: later stores do not show in it, nor its changes in RAM', () => {
    const ram = memory();
    const image = ram.image(LOW, 4);
    ram.storeWord(LOW, 0xffff_ffff);
    expect([...image]).toEqual([0, 0, 0, 0]);
    image[0] = 7;
    expect(ram.loadByte(LOW)).toBe(0xff);
  });
});

describe('a memory', () => {
  it.each([
    ['an origin between words', LOW + 2, 0x100],
    ['a size that is no whole number of words', LOW, 0x102],
    ['no bytes', LOW, 0],
    ['fewer than no bytes', LOW, -4],
    ['an end beyond the last address', TOP, 0x104],
    ['addresses of more than 32 bits', 2 ** 32 + LOW, 0x100],
    ['addresses below 0', -0x100, 0x100],
  ])('refuses a region with %s', (_fault, origin, bytes) => {
    expect(() => memory(origin, bytes)).toThrow(RangeError);
  });

  it('refuses to be nowhere', () => {
    expect(() => new Memory([])).toThrow(RangeError);
  });
});
