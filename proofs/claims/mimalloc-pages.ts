/** What keeps a page of mimalloc's heap small, and the words that note what becomes of it. */

import { extensionOf, threadCount, threadHead, threadWord } from '../../src/heaps/mimalloc/blocks.js';
import { EXTENSION_BLOCKS, FLAGS } from '../../src/heaps/mimalloc/layout.js';
import {
  type BinBits,
  binOf,
  bitsBetween,
  MAXIMUM_UNITS,
  unitsOfBin,
} from '../../src/heaps/mimalloc/sizes.js';
import { between, chapter, each } from '../proof.js';

const BLOCKS = 'src/heaps/mimalloc/blocks.ts';
const SIZES = 'src/heaps/mimalloc/sizes.ts';

export function addsFew(capacity: number, reserved: number): boolean {
  const added = extensionOf(capacity, reserved);
  return added >= 0 && added <= EXTENSION_BLOCKS && capacity + added <= reserved;
}

export function addsSome(capacity: number, reserved: number): boolean {
  return extensionOf(capacity, reserved) > 0;
}

export function hasRoom(capacity: number, reserved: number): boolean {
  return capacity < reserved;
}

export function hasMade(capacity: number, reserved: number): boolean {
  return capacity <= reserved;
}

export function isAClass(bits: BinBits, pageUnits: number, bin: number): boolean {
  return bin <= binOf(pageUnits / 2, bits);
}

export function hasTwoToMany(bits: BinBits, pageUnits: number, bin: number): boolean {
  const units = unitsOfBin(bin, bits);
  return units >= 1 && 2 * units <= pageUnits && pageUnits <= MAXIMUM_UNITS * units;
}

export function comesOutAsItWentIn(count: number, block: number, flags: number): boolean {
  const word = threadWord(count, block, flags) >>> 0;
  return threadCount(word) === count && threadHead(word) === block && (word & FLAGS) === flags;
}

export function hasThoseBetween(first: number, end: number, bit: number): boolean {
  const has = ((bitsBetween(first, end & 31) >>> bit) & 1) === 1;
  return has === (bit >= first && bit < end);
}

export const mimallocPages = chapter(
  import.meta.url,
  'mimalloc: pages',
  'How many blocks a page gets at a time and has at most, and the words that note them and unused pages.',
  [
    {
      name: 'mimalloc-extension',
      claim: 'A page gets at most 16 blocks more at a time, and never more than it has room for',
      over: { capacity: between(0, MAXIMUM_UNITS), reserved: between(0, MAXIMUM_UNITS) },
      given: { made: { says: 'capacity <= reserved', holds: hasMade } },
      holds: addsFew,
      twins: [
        {
          says: 'always 16',
          change: {
            file: BLOCKS,
            from: 'Math.min(EXTENSION_BLOCKS, reserved - capacity)',
            to: 'EXTENSION_BLOCKS',
          },
        },
        { says: 'of a page that has made more than it has room for', without: 'made' },
      ],
    },
    {
      name: 'mimalloc-extension-goes-on',
      claim: 'As long as there is room it gets one at least',
      over: { capacity: between(0, MAXIMUM_UNITS), reserved: between(0, MAXIMUM_UNITS) },
      given: { room: { says: 'capacity < reserved', holds: hasRoom } },
      holds: addsSome,
      twins: [{ says: 'without room', without: 'room' }],
    },
    {
      name: 'mimalloc-heartbeat',
      claim: `After at most ${MAXIMUM_UNITS} blocks of one page a malloc takes the generic way, and the heart beats: a page has 2 to ${MAXIMUM_UNITS}`,
      over: {
        bits: each([2, 3]),
        pageUnits: each([4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]),
        bin: between(1, 80),
      },
      given: {
        class: { says: 'bin is a class of the page: its blocks take half of it at most', holds: isAClass },
      },
      holds: hasTwoToMany,
      twins: [{ says: 'any class', without: 'class' }],
    },
    {
      name: 'mimalloc-thread-free',
      claim: 'Count, block and flags come out of threadFree as they went in',
      over: { count: between(0, MAXIMUM_UNITS), block: between(0, MAXIMUM_UNITS), flags: between(0, 3) },
      holds: comesOutAsItWentIn,
      twins: [
        { says: 'pages of 4096 blocks', over: { block: between(0, 4096) } },
        {
          says: 'the flags have one bit',
          change: { file: 'src/heaps/mimalloc/layout.ts', from: 'HEAD_SHIFT = 2', to: 'HEAD_SHIFT = 1' },
        },
      ],
    },
    {
      name: 'mimalloc-bits-between',
      claim: 'Pages are marked with exactly their bits, up to the end of a word too',
      over: { first: between(0, 31), end: between(1, 32), bit: between(0, 31) },
      holds: hasThoseBetween,
      twins: [
        {
          says: 'one bit more',
          change: { file: SIZES, from: '-1 >>> (31 & -end)', to: '-1 >>> (31 & ~end)' },
        },
        { says: 'an end of 0', over: { end: between(0, 32) } },
      ],
    },
  ],
);
