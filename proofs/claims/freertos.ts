/** Alignment, and the block sizes of heaps 1, 2, 4 and 5. */

import { blockBytes } from '../../src/heaps/freertos/request.js';
import { alignDown, alignUp } from '../../src/heaps/words.js';
import { between, chapter, each } from '../proof.js';

const WORDS = 'src/heaps/words.ts';
const REQUEST = 'src/heaps/freertos/request.ts';
const ANY_WORD = between(0, 2 ** 32 - 1);
const POWERS = Array.from({ length: 17 }, (_, exponent) => 2 ** exponent);

export function isNextMultiple(alignment: number, value: number): boolean {
  const aligned = alignUp(value, alignment);
  return aligned >= value && aligned < value + alignment && aligned % alignment === 0;
}

export function isPreviousMultiple(alignment: number, value: number): boolean {
  const aligned = alignDown(value, alignment);
  return aligned <= value && aligned > value - alignment && aligned % alignment === 0;
}

/** In a register of 32 bits. */
export function doesNotWrap(alignment: number, value: number): boolean {
  return alignUp(value, alignment) >>> 0 >= value;
}

export function fitsAWord(alignment: number, value: number): boolean {
  return value <= 2 ** 32 - alignment;
}

/** How pvPortMalloc computes, in 32 bits, with a check before each of its two sums. */
function cBlockBytes(request: number, header: number, alignment: number): number {
  if (request === 0) return 0;
  if (request > 2 ** 32 - 1 - header) return 0;
  const bytes = (request + header) >>> 0;
  const rest = bytes & (alignment - 1);
  if (rest === 0) return bytes;
  const missing = alignment - rest;
  return bytes > 2 ** 32 - 1 - missing ? 0 : (bytes + missing) >>> 0;
}

export function isAsInC(alignment: number, header: number, request: number): boolean {
  return blockBytes(request, header, alignment) === cBlockBytes(request, header, alignment);
}

export function holdsTheRequest(alignment: number, header: number, request: number): boolean {
  const bytes = blockBytes(request, header, alignment);
  return bytes === 0 || (bytes >= request + header && bytes % alignment === 0);
}

/** The header's bytes are a multiple of the alignment, as alignedHeader makes them. */
const blocks = { alignment: each([4, 8, 16]), header: each([0, 8, 16]), request: ANY_WORD };

export const freertos = chapter(
  import.meta.url,
  "Alignment, and the blocks of FreeRTOS's heaps",
  'Rounding up and down, which every heap does, and how heaps 1, 2, 4 and 5 make a block size of a request.',
  [
    {
      name: 'align-up',
      claim: 'alignUp gives the next multiple of any power of two up to 2^16',
      over: { alignment: each(POWERS), value: between(0, 2 ** 33) },
      holds: isNextMultiple,
      twins: [
        {
          says: 'the mask is one too large',
          change: {
            file: WORDS,
            from: 'value + (-value & (alignment - 1))',
            to: 'value + (-value & alignment)',
          },
        },
        {
          says: 'an alignment that is no power of two',
          over: { alignment: each([12]), value: between(0, 4096) },
        },
      ],
    },
    {
      name: 'align-down',
      claim: 'alignDown gives the previous multiple of any power of two up to 2^16',
      over: { alignment: each(POWERS), value: between(0, 2 ** 33) },
      holds: isPreviousMultiple,
      twins: [
        {
          says: 'an alignment that is no power of two',
          over: { alignment: each([12]), value: between(0, 4096) },
        },
      ],
    },
    {
      name: 'align-up-wrap',
      claim: 'Aligning upwards does not wrap in 32 bits',
      over: { alignment: each(POWERS), value: ANY_WORD },
      given: { range: { says: 'value <= 2^32 - alignment', holds: fitsAWord } },
      holds: doesNotWrap,
      twins: [{ says: 'any word', without: 'range' }],
    },
    {
      name: 'block-bytes',
      claim: 'A block has room for its header and the request, or the request is refused',
      over: blocks,
      holds: holdsTheRequest,
      twins: [
        {
          says: 'the header is forgotten',
          change: { file: REQUEST, from: 'alignUp(requestBytes + headerBytes,', to: 'alignUp(requestBytes,' },
        },
      ],
    },
    {
      name: 'block-bytes-as-in-c',
      claim: 'Every request, up to 2^32 - 1, is rounded or refused as pvPortMalloc does it in 32 bits',
      over: blocks,
      holds: isAsInC,
      twins: [
        {
          says: 'without the check for overflow',
          change: { file: REQUEST, from: 'bytes < WORD_LIMIT ? bytes : 0', to: 'bytes' },
        },
        {
          says: 'the check is one off',
          change: { file: REQUEST, from: 'bytes < WORD_LIMIT', to: 'bytes <= WORD_LIMIT' },
        },
      ],
    },
  ],
);
