/** TLSF's mapping: how a request is rounded, which list a hole is filed in, where a search begins. */

import {
  ALIGNMENT,
  classOf,
  FIRST_LEVELS,
  MAXIMUM_BYTES,
  MINIMUM_BYTES,
  requestBytes,
  SECOND_LEVELS,
  searchBytes,
} from '../../src/heaps/tlsf/layout.js';
import { between, chapter } from '../proof.js';

const LAYOUT = 'src/heaps/tlsf/layout.ts';

const request = between(1, MAXIMUM_BYTES - ALIGNMENT);
const hole = between(MINIMUM_BYTES, MAXIMUM_BYTES - ALIGNMENT);

export function roundsUp(request: number): boolean {
  const bytes = requestBytes(request);
  const isLeast = bytes === MINIMUM_BYTES || bytes < request + ALIGNMENT;
  return bytes >= request && bytes % ALIGNMENT === 0 && isLeast;
}

export function wrapsNowhere(request: number): boolean {
  const bytes = requestBytes(request);
  return bytes === 0 || bytes >= request;
}

/** How the C code rounds: the sum keeps 32 bits. */
export function cSumWrapsNowhere(request: number): boolean {
  const bytes = ((request + ALIGNMENT - 1) & -ALIGNMENT) >>> 0;
  return bytes >= MAXIMUM_BYTES || Math.max(bytes, MINIMUM_BYTES) >= request;
}

export function hasAList(bytes: number): boolean {
  const list = classOf(bytes);
  return list >= 0 && list < FIRST_LEVELS * SECOND_LEVELS;
}

export function ascends(smaller: number, larger: number): boolean {
  return classOf(smaller) <= classOf(larger);
}

export function isInOrder(smaller: number, larger: number): boolean {
  return smaller <= larger;
}

/** Of a hole in a list that a search for the request comes to. */
export function isLargeEnough(request: number, hole: number): boolean {
  return hole >= requestBytes(request);
}

export function isFound(request: number, hole: number): boolean {
  return classOf(hole) >= classOf(searchBytes(requestBytes(request)));
}

export function isLargerByAClass(request: number, hole: number): boolean {
  return hole * SECOND_LEVELS >= requestBytes(request) * (SECOND_LEVELS + 1);
}

export function differByAClass(one: number, other: number): boolean {
  return (other - one) * SECOND_LEVELS < one;
}

export function shareAList(one: number, other: number): boolean {
  return classOf(one) === classOf(other) && other >= one && one % ALIGNMENT === 0 && other % ALIGNMENT === 0;
}

export const tlsf = chapter(
  import.meta.url,
  'TLSF: the two-level mapping',
  'How a request is rounded, which list a hole is filed in, and where the search for a request begins.',
  [
    {
      name: 'tlsf-request',
      claim: 'A request is rounded up to a multiple of 4, 12 at least, and by no more than that takes',
      over: { request },
      holds: roundsUp,
      twins: [
        {
          says: 'the code adds 4 before it cuts the low bits off',
          change: { file: LAYOUT, from: '(bytes + 3) & ~3', to: '(bytes + 4) & ~3' },
        },
        { says: 'requests that the heap refuses', over: { request: between(1, 2 ** 32 - 1) } },
      ],
    },
    {
      name: 'tlsf-request-wrap',
      claim: 'No request, however large, is rounded to something smaller: it is refused',
      over: { request: between(1, 2 ** 32 - 1) },
      holds: wrapsNowhere,
      twins: [
        {
          says: 'the limit on requests is dropped',
          change: { file: LAYOUT, from: ' || bytes > MAXIMUM_BYTES - ALIGNMENT', to: '' },
        },
        { says: 'rounded as the C code does it, which then gives 12 bytes', holds: cSumWrapsNowhere },
      ],
    },
    {
      name: 'tlsf-class-in-range',
      claim: 'Every hole has one of the 768 lists',
      over: { bytes: hole },
      holds: hasAList,
      twins: [
        {
          says: 'a level of lists is missing',
          change: { file: LAYOUT, from: 'FIRST_LEVELS = 24', to: 'FIRST_LEVELS = 23' },
        },
        { says: 'a hole of 2^30 bytes', over: { bytes: between(MINIMUM_BYTES, MAXIMUM_BYTES) } },
      ],
    },
    {
      name: 'tlsf-class-monotone',
      claim: 'A larger hole is never in a lower list',
      over: { smaller: hole, larger: hole },
      given: { order: { says: 'smaller <= larger', holds: isInOrder } },
      holds: ascends,
      twins: [
        {
          says: 'level 0 ends a power of two later',
          change: { file: LAYOUT, from: '(exponent - 6)', to: '(exponent - 7)' },
        },
        { says: 'in either order', without: 'order' },
      ],
    },
    {
      name: 'tlsf-class-width',
      claim: 'Holes of one list differ by less than a 32nd of their size',
      over: { one: hole, other: hole },
      given: {
        list: { says: 'both are multiples of 4 in one list, other is the larger', holds: shareAList },
      },
      holds: differByAClass,
      twins: [
        {
          says: 'level 0 has lists 8 bytes wide',
          change: { file: LAYOUT, from: 'return bytes >>> 2', to: 'return bytes >>> 3' },
        },
        { says: 'of different lists', without: 'list' },
      ],
    },
    {
      name: 'tlsf-good-fit',
      claim: 'Every hole in a list that the search for a request comes to is large enough',
      over: { request, hole },
      given: { found: { says: 'the search comes to the list of the hole', holds: isFound } },
      holds: isLargeEnough,
      twins: [
        {
          says: 'the search begins half a class lower',
          change: {
            file: LAYOUT,
            from: '1 << (26 - Math.clz32(wanted))',
            to: '1 << (25 - Math.clz32(wanted))',
          },
        },
        { says: 'any hole', without: 'found' },
      ],
    },
    {
      name: 'tlsf-passed-over',
      claim: 'A hole that is larger than the request by a 32nd is not passed over',
      over: { request, hole },
      given: {
        larger: { says: 'the hole is as large as the request and a 32nd of it', holds: isLargerByAClass },
      },
      holds: isFound,
      twins: [
        {
          says: 'the search begins a class higher',
          change: {
            file: LAYOUT,
            from: '1 << (26 - Math.clz32(wanted))',
            to: '2 << (26 - Math.clz32(wanted))',
          },
        },
        { says: 'any hole', without: 'larger' },
      ],
    },
  ],
);
