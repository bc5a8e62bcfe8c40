/** Maps with a bit for each list or object; and slabs found by their stretch. */

import { bitsFrom, lowestBit, lowestBits, withoutLowest } from '../../src/heaps/bits.js';
import { stretchOf } from '../../src/heaps/classic/slab-caches.js';
import { between, chapter, each, eachFrom } from '../proof.js';

const BITS = 'src/heaps/bits.ts';
const map = between(0, 2 ** 32 - 1);
const bit = between(0, 31);
const some = { some: { says: 'a bit is set', holds: isSome } };

function has(bits: number, bit: number): boolean {
  return ((bits >>> bit) & 1) === 1;
}

export function isSome(bits: number): boolean {
  return bits !== 0;
}

export function isTheLowest(bits: number, bit: number): boolean {
  const lowest = lowestBit(bits);
  return has(bits, lowest) && (!has(bits, bit) || lowest <= bit);
}

export function keepsThoseFrom(bits: number, first: number, bit: number): boolean {
  return has(bitsFrom(bits, first), bit) === (bit >= first && has(bits, bit));
}

export function takesTheLowest(bits: number): boolean {
  return (bits ^ withoutLowest(bits)) >>> 0 === 2 ** Math.max(lowestBit(bits), 0);
}

export function areThoseBelow(count: number, bit: number): boolean {
  return has(lowestBits(count), bit) === bit < count;
}

export function liesInSlab(slabBytes: number, slab: number, address: number): boolean {
  return slab <= address && address < slab + slabBytes;
}

export function isInOneOfTwo(slabBytes: number, slab: number, address: number): boolean {
  const stretches = stretchOf(address, slabBytes) - stretchOf(slab, slabBytes);
  return stretches === 0 || stretches === 1;
}

export function areApart(slabBytes: number, lower: number, upper: number): boolean {
  return upper >= lower + slabBytes;
}

export function haveTheirOwn(slabBytes: number, lower: number, upper: number): boolean {
  return stretchOf(lower, slabBytes) !== stretchOf(upper, slabBytes);
}

/** Least, default and most, and what suits o1heap. */
const slabBytes = each([256, 496, 512, 65536]);
const offset = between(0, 2 ** 20 - 1);

export const maps = chapter(
  import.meta.url,
  'Maps of bits, and slabs',
  'TLSF, o1heap, dlmalloc and buddy find a list that is not empty in a map, slabs a free object.',
  [
    {
      name: 'lowest-bit',
      claim: 'lowestBit finds a bit that is set, and none below it is',
      over: { bits: map, bit },
      given: some,
      holds: isTheLowest,
      twins: [
        {
          says: 'the highest bit',
          change: { file: BITS, from: 'Math.clz32(bits & -bits)', to: 'Math.clz32(bits)' },
        },
        { says: 'of an empty map', without: 'some' },
      ],
    },
    {
      name: 'bits-from',
      claim: 'bitsFrom leaves the bits from a number on, and no others',
      over: { bits: map, first: bit, bit },
      holds: keepsThoseFrom,
      twins: [
        { says: 'from the next one on', change: { file: BITS, from: '-1 << first', to: '-2 << first' } },
        { says: 'from 32 on, where all stay: a shift by 32 is one by 0', over: { first: between(0, 32) } },
      ],
    },
    {
      name: 'without-lowest',
      claim: 'withoutLowest clears the lowest bit that is set, and no other',
      over: { bits: map },
      given: some,
      holds: takesTheLowest,
      twins: [
        { says: 'one off', change: { file: BITS, from: 'bits & (bits - 1)', to: 'bits & (bits - 2)' } },
        { says: 'of an empty map', without: 'some' },
      ],
    },
    {
      name: 'lowest-bits',
      claim: 'lowestBits has a slab of 32 objects too with a bit for each',
      over: { count: eachFrom(0, 32), bit },
      holds: areThoseBelow,
      twins: [
        {
          says: 'without the exception for 32',
          change: { file: BITS, from: 'count === 32 ? -1 : (1 << count) - 1', to: '(1 << count) - 1' },
        },
      ],
    },
    {
      name: 'slab-stretch',
      claim: 'The slab of an address begins in the stretch of the address or in the one below',
      over: { slabBytes, slab: offset, address: offset },
      given: { inside: { says: 'the address lies in the slab', holds: liesInSlab } },
      holds: isInOneOfTwo,
      twins: [{ says: 'any address', without: 'inside' }],
    },
    {
      name: 'slab-entry',
      claim: 'No two slabs begin in one stretch, so that the directory has an entry for each',
      over: { slabBytes, lower: offset, upper: offset },
      given: { apart: { says: 'they do not overlap', holds: areApart } },
      holds: haveTheirOwn,
      twins: [
        {
          says: 'stretches twice as long',
          change: {
            file: 'src/heaps/classic/slab-caches.ts',
            from: 'Math.floor(offset / slabBytes)',
            to: 'Math.floor(offset / (2 * slabBytes))',
          },
        },
        { says: 'slabs that overlap', without: 'apart' },
      ],
    },
  ],
);
