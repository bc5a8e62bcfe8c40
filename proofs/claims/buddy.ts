/** Buddies by exclusive or, and orders. */

import { lowestBits } from '../../src/heaps/bits.js';
import { buddyOf, lowerOf, orderFor, upperOf } from '../../src/heaps/classic/buddy-orders.js';
import { between, chapter, each, eachFrom } from '../proof.js';

const ORDERS = 'src/heaps/classic/buddy-orders.ts';

/** With the smallest blocks of 8 bytes there are 2^29 at most. */
const index = between(0, 2 ** 29 - 1);
const order = between(0, 28);
const block = { index, order };
const aligned = { aligned: { says: 'index is a multiple of 2^order', holds: isAligned } };

export function isAligned(index: number, order: number): boolean {
  return (index & lowestBits(order)) === 0;
}

export function isMutual(index: number, order: number): boolean {
  return buddyOf(buddyOf(index, order), order) === index && buddyOf(index, order) !== index;
}

export function isABlock(index: number, order: number): boolean {
  return buddyOf(index, order) >= 0 && isAligned(buddyOf(index, order), order);
}

export function touches(index: number, order: number): boolean {
  const buddy = buddyOf(index, order);
  const size = 2 ** order;
  return buddy === index + size || index === buddy + size;
}

export function makesOne(index: number, order: number): boolean {
  const lower = lowerOf(index, order);
  const isEither = lower === Math.min(index, buddyOf(index, order));
  const isShared = lower === lowerOf(buddyOf(index, order), order);
  return isEither && isShared && isAligned(lower, order + 1) && upperOf(index, order) === lower + 2 ** order;
}

export function isSmallest(unitShift: number, bytes: number): boolean {
  const order = orderFor(bytes, unitShift);
  const fits = 2 ** (order + unitShift) >= bytes;
  return fits && (order === 0 || 2 ** (Math.max(order, 1) + unitShift - 1) < bytes);
}

/** A block's size in bytes, its offset from the base and the base itself; all in an address space of 32 bits. */
export function mayXorAddresses(order: number, base: number, offset: number): boolean {
  const size = 2 ** order;
  return ((base + offset) ^ size) >>> 0 === base + ((offset ^ size) >>> 0);
}

export function isBaseAligned(order: number, base: number): boolean {
  return (base & lowestBits(order + 1)) === 0;
}

export const buddy = chapter(
  import.meta.url,
  'Buddy: halves of blocks',
  'Blocks are named by their index, in smallest blocks from where the first one lies.',
  [
    {
      name: 'buddy-mutual',
      claim: "A block is its buddy's buddy, and never its own",
      over: block,
      holds: isMutual,
      twins: [
        {
          says: 'the bit is set, whatever it was',
          change: { file: ORDERS, from: 'index ^ (1 << order)', to: 'index | (1 << order)' },
        },
      ],
    },
    {
      name: 'buddy-aligned',
      claim: "A block's buddy lies at a multiple of its size too",
      over: block,
      given: aligned,
      holds: isABlock,
      twins: [
        {
          says: 'the bit of half the size',
          change: { file: ORDERS, from: 'index ^ (1 << order)', to: 'index ^ (1 << (order - 1))' },
        },
        { says: 'blocks lie anywhere', without: 'aligned' },
      ],
    },
    {
      name: 'buddy-touches',
      claim: 'Block and buddy touch without overlapping',
      over: block,
      given: aligned,
      holds: touches,
      twins: [
        {
          says: 'the bit of twice the size',
          change: { file: ORDERS, from: 'index ^ (1 << order)', to: 'index ^ (2 << order)' },
        },
      ],
    },
    {
      name: 'buddy-merged',
      claim:
        'Merged from either half, it is the same block: it begins at the lower one, at a multiple of its size',
      over: block,
      given: aligned,
      holds: makesOne,
      twins: [
        {
          says: 'the bit stays',
          change: { file: ORDERS, from: 'index & ~(1 << order)', to: 'index' },
        },
        { says: 'blocks lie anywhere', without: 'aligned' },
      ],
    },
    {
      name: 'buddy-order',
      claim: 'The order for a request is the smallest whose blocks have room for it',
      over: { unitShift: eachFrom(3, 16), bytes: between(1, 2 ** 32 - 1) },
      holds: isSmallest,
      twins: [
        {
          says: 'the code looks at the size itself, not at the one below it',
          change: { file: ORDERS, from: '(bytes - 1) >>> unitShift', to: 'bytes >>> unitShift' },
        },
      ],
    },
    {
      name: 'buddy-addresses',
      claim:
        'On addresses instead of indices, exclusive or finds the buddy if the base is a multiple of twice the size',
      over: { order: eachFrom(3, 20), base: between(0, 2 ** 31 - 1), offset: between(0, 2 ** 24 - 1) },
      given: { base: { says: 'base is a multiple of 2^(order + 1)', holds: isBaseAligned } },
      holds: mayXorAddresses,
      twins: [
        { says: 'any base', without: 'base' },
        {
          says: 'an arena behind 4 KiB of other RAM',
          without: 'base',
          over: { order: each([12]), base: each([0x2000_1000]) },
        },
      ],
    },
  ],
);
