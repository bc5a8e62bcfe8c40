/**
 * What FreeRTOS's heaps 2, 4 and 5 share before they look at a list: how a request becomes a block size,
 * how a block is marked allocated, and what free asserts.
 */

import { Fault } from '../../mcu/fault.js';

/** Top bit of a block's size word: set while the block belongs to the application. */
export const ALLOCATED = 0x8000_0000;

const WORD_LIMIT = 2 ** 32;

/** The header's bytes, rounded up so that the payload behind it is aligned. */
export function alignedHeader(headerBytes: number, alignment: number): number {
  return alignUp(headerBytes, alignment);
}

/** `alignment` is a power of two; exact beyond 2^32, where overflow is then noticed. */
export function alignUp(value: number, alignment: number): number {
  return value + (-value & (alignment - 1));
}

export function alignDown(value: number, alignment: number): number {
  return value - (value & (alignment - 1));
}

/**
 * Bytes of the block for a request, or 0 where the 32-bit arithmetic would overflow (and for a request of
 * 0 bytes, which gets nothing).
 */
export function blockBytes(requestBytes: number, headerBytes: number, alignment: number): number {
  if (requestBytes === 0) return 0;
  const bytes = alignUp(requestBytes + headerBytes, alignment);
  return bytes < WORD_LIMIT ? bytes : 0;
}

/** A failed `configASSERT`: what the kernel's source states at that place, in words. */
export function assertion(address: number, statement: string): Fault {
  return new Fault('assertion', address, `configASSERT: ${statement}`);
}

/** The list being walked has more nodes than blocks fit in the arena: it runs in a circle. */
export function endlessList(address: number): Fault {
  return new Fault('endless-loop', address, 'the list of holes runs in a circle: the device would hang here');
}
