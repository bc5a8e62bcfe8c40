/**
 * What FreeRTOS's heaps 2, 4 and 5 share before they look at a list: how a request becomes a block size,
 * how a block is marked allocated, and what free asserts.
 */

import { alignUp } from '../words.js';

export { alignDown, alignUp, assertion, endlessList } from '../words.js';

/** Top bit of a block's size word: set while the block belongs to the application. */
export const ALLOCATED = 0x8000_0000;

const WORD_LIMIT = 2 ** 32;

/** The header's bytes, rounded up so that the payload behind it is aligned. */
export function alignedHeader(headerBytes: number, alignment: number): number {
  return alignUp(headerBytes, alignment);
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
