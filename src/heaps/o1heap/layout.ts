/** Where o1heap keeps what on a 32-bit ARM. Offsets in bytes. */

export const ALIGNMENT = 16;
export const HEADER_BYTES = 16;
export const MINIMUM_BYTES = 32;
export const MAXIMUM_BYTES = 2 ** 31;
export const BINS = 32;

// The instance, as offsets from the arena's start.
export const MASK = 128;
export const CAPACITY = 136;
export const ALLOCATED = 140;
export const PEAK_ALLOCATED = 144;
export const PEAK_REQUEST = 148;
export const FAILURES = 152;
export const INSTANCE_BYTES = 160;

// A fragment.
export const NEXT = 0;
export const PREVIOUS = 4;
export const SIZE = 8;
export const USED = 12;
export const NEXT_FREE = 16;
export const PREVIOUS_FREE = 20;

/** floor(log2(size / 32)). */
export function binOf(size: number): number {
  return 26 - Math.clz32(size);
}

/** The smallest power of two that holds `bytes` and a header, 32 at least. Not limited to 32 bits. */
export function fragmentBytes(bytes: number): number {
  if (bytes >= MAXIMUM_BYTES) return bytes + HEADER_BYTES <= 2 ** 32 ? 2 ** 32 : 2 ** 33;
  const needed = bytes + HEADER_BYTES;
  return needed <= MINIMUM_BYTES ? MINIMUM_BYTES : 2 ** (32 - Math.clz32(needed - 1));
}
