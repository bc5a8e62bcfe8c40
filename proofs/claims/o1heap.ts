/** o1heap's fragments and bins. */

import {
  BINS,
  binOf,
  fragmentBytes,
  HEADER_BYTES,
  MAXIMUM_BYTES,
  MINIMUM_BYTES,
} from '../../src/heaps/o1heap/layout.js';
import { between, chapter } from '../proof.js';

const LAYOUT = 'src/heaps/o1heap/layout.ts';

const request = between(1, MAXIMUM_BYTES - HEADER_BYTES);
const fragment = between(MINIMUM_BYTES, MAXIMUM_BYTES);

export function isLeastPower(request: number): boolean {
  const bytes = fragmentBytes(request);
  const needed = request + HEADER_BYTES;
  const isPower = bytes === MINIMUM_BYTES * 2 ** Math.max(binOf(bytes), 0);
  return isPower && bytes >= needed && (bytes === MINIMUM_BYTES || bytes < 2 * needed);
}

export function fitsCapacity(request: number): boolean {
  return fragmentBytes(request) <= MAXIMUM_BYTES;
}

export function isInItsBin(bytes: number): boolean {
  const bin = binOf(bytes);
  const least = MINIMUM_BYTES * 2 ** Math.max(bin, 0);
  return bin >= 0 && bin < BINS && least <= bytes && bytes < 2 * least;
}

export function isFound(request: number, hole: number): boolean {
  return binOf(hole) >= binOf(fragmentBytes(request));
}

export function isLargeEnough(request: number, hole: number): boolean {
  return hole >= fragmentBytes(request);
}

export const o1heap = chapter(
  import.meta.url,
  'o1heap: fragments and bins',
  'Half fit rests on two things: fragments are powers of two, and a bin holds sizes of one power of two.',
  [
    {
      name: 'o1heap-fragment',
      claim: 'A fragment is the smallest power of two, 32 at least, that holds request and header',
      over: { request },
      holds: isLeastPower,
      twins: [
        {
          says: 'the code looks at the size itself, not at the one below it',
          change: { file: LAYOUT, from: 'Math.clz32(needed - 1)', to: 'Math.clz32(needed)' },
        },
        {
          says: 'the header is forgotten',
          change: { file: LAYOUT, from: 'const needed = bytes + HEADER_BYTES', to: 'const needed = bytes' },
        },
      ],
    },
    {
      name: 'o1heap-capacity',
      claim: 'The fragment of a request that passes the check of malloc is no larger than an arena can be',
      over: { request },
      holds: fitsCapacity,
      twins: [{ says: 'the check forgets the header', over: { request: between(1, MAXIMUM_BYTES) } }],
    },
    {
      name: 'o1heap-bin',
      claim: 'Bin i holds sizes from 32 * 2^i to just below twice that, and every fragment has a bin',
      over: { bytes: fragment },
      holds: isInItsBin,
      twins: [
        { says: 'a bin higher', change: { file: LAYOUT, from: '26 - Math.clz32', to: '27 - Math.clz32' } },
        { says: 'fragments below 32 bytes', over: { bytes: between(1, MAXIMUM_BYTES) } },
      ],
    },
    {
      name: 'o1heap-half-fit',
      claim: 'Every hole in a bin that the search for a request comes to is large enough',
      over: { request, hole: fragment },
      given: { found: { says: 'the search comes to the bin of the hole', holds: isFound } },
      holds: isLargeEnough,
      twins: [
        {
          says: 'fragments are multiples of 32, no powers of two',
          change: {
            file: LAYOUT,
            from: ': 2 ** (32 - Math.clz32(needed - 1))',
            to: ': Math.ceil(needed / MINIMUM_BYTES) * MINIMUM_BYTES',
          },
        },
        { says: 'any hole', without: 'found' },
      ],
    },
  ],
);
