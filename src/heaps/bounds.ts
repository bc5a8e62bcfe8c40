/**
 * How large an arena must be so that no request can ever fail, whatever the order of requests: what no heap
 * without moving blocks can do with less, and what is proved to be enough for some.
 *
 * M: the most that is live at once; n: the largest block. Both as the allocator sees them, headers and rounding
 * included, in units of its granularity. A heap's fixed bookkeeping comes on top.
 */

/** Which proof applies to a heap: a row of {@link SUFFICIENT}. */
export type BoundRow = keyof typeof SUFFICIENT;

/** What a run asked of a heap. All in bytes, as the allocator sees them: multiples of `unitBytes`. */
export interface Load {
  /** M: the most that was live at once. */
  readonly peakBytes: number;
  /** n: the largest block. */
  readonly largestBytes: number;
  /** The smallest block that the heap makes; `unitBytes` where that is not known. */
  readonly smallestBytes: number;
  /** What every block is a multiple of. */
  readonly unitBytes: number;
}

/** {@link Load} in units. */
interface Units {
  readonly peak: number;
  readonly largest: number;
  readonly smallest: number;
  readonly unitBytes: number;
}

/** TLSF's lists per power of two: a hole inside the class of a request may be passed over. */
const LISTS_PER_LEVEL = 32;
/** Below this size its lists are exact. */
const EXACT_BELOW_BYTES = 128;

/**
 * Sufficient arenas, in units. Where several proofs hold the least is taken. Sources: Knuth, The Art of
 * Computer Programming 2.5, exercises 41 and 43; o1heap's readme. That of aligned first fit is proved at
 * {@link alignedReach}. The last two rows are the pigeonhole: when a request of r fails, at most M - r units are live,
 * and of the holes between them none is as large as r.
 */
const SUFFICIENT = {
  'first-fit': (load: Units) =>
    Math.min(
      Math.ceil((load.peak * harmonic(load.largest)) / Math.LN2),
      load.peak * (1 + ceilLog2(load.largest)),
      pigeonhole(load, (size) => size),
    ),
  'half-fit': ({ peak, largest }: Units) => 2 * peak * (1 + ceilLog2(largest)),
  buddy: ({ peak, largest }: Units) => {
    const top = 2 ** ceilLog2(largest);
    return (1 + Math.log2(top)) * roundUp(peak, top);
  },
  'aligned-first-fit': ({ peak, largest }: Units) => alignedReach(peak, 2 ** ceilLog2(largest)),
  'eager-merge': (load: Units) => pigeonhole(load, (size) => size),
  'eager-merge-by-class': (load: Units) =>
    pigeonhole(load, (size) => roundToClass(size * load.unitBytes) / load.unitBytes),
} as const;

/** The rows as people read them, with M and n. */
export const BOUND_FORMULAS: Readonly<Record<BoundRow, string>> = {
  'first-fit': 'min(M * H(n) / ln 2, M * (1 + ceil(log2 n)))',
  'half-fit': '2 * M * (1 + ceil(log2 n))',
  buddy: 'M * (1 + log2 n)',
  'aligned-first-fit': 'at most M * (1 + log2(n) / 2) in multiples of n, counted size by size',
  'eager-merge': 'max over r <= n of r * (M - r + 1)',
  'eager-merge-by-class': 'max over r <= n of class(r) * (M - r + 1)',
};

/**
 * Bytes below which no heap that leaves blocks where they are can serve every sequence of requests with this
 * peak and this largest block (Robson 1974).
 */
export function lowerBoundBytes({ peakBytes, largestBytes, smallestBytes }: Load): number {
  // The client of that proof asks for powers of two, here of the smallest block; there are no smaller ones.
  const peak = Math.floor(peakBytes / smallestBytes);
  const largest = 2 ** Math.floor(Math.log2(largestBytes / smallestBytes));
  return Math.max(peakBytes, Math.ceil(robson(peak, largest)) * smallestBytes);
}

/** Bytes that are proved to be enough for a heap of this kind, its fixed bookkeeping left out. */
export function sufficientBytes(row: BoundRow, load: Load): number {
  const units = inUnits(load);
  return Math.max(units.peak, SUFFICIENT[row](units)) * load.unitBytes;
}

function inUnits({ peakBytes, largestBytes, smallestBytes, unitBytes }: Load): Units {
  const units = (bytes: number) => Math.max(1, Math.ceil(bytes / unitBytes));
  return {
    peak: units(peakBytes),
    largest: units(largestBytes),
    smallest: units(smallestBytes),
    unitBytes,
  };
}

/** `largest` is a power of two. */
function robson(peak: number, largest: number): number {
  return peak * (1 + Math.log2(largest) / 2) - largest + 1;
}

/**
 * How far first fit at aligned addresses goes, for sizes that are powers of two up to `largest`. A block of `size`
 * goes to the first of the places 0, size, 2 * size ... that no block reaches into. What keeps it from a place is a
 * smaller block, or a part of `size` of a larger one; and a smaller one only where such have ever been. So go
 * through the sizes, and for each fill the places from the lowest up, with the smallest blocks that can lie there,
 * until all is live that may be live beside the new block: that one can lie no higher.
 *
 * Not only enough: wherever all clients were tried, one of them comes as far (test/heaps/bounds.test.ts).
 */
function alignedReach(peak: number, largest: number): number {
  /** Where the blocks of each size end at most, those smaller than the current one. */
  const ends = new Map<number, number>();
  for (let size = 1; size <= Math.min(peak, largest); size *= 2) {
    let places = 0;
    let left = peak - size;
    for (const [smaller, end] of [...ends, [size, Number.POSITIVE_INFINITY] as const]) {
      const blocked = Math.min(Math.floor(left / smaller), Math.max(0, Math.ceil(end / size) - places));
      places += blocked;
      left -= blocked * smaller;
    }
    ends.set(size, (places + 1) * size);
  }
  return Math.max(0, ...ends.values());
}

/** `holeFor`: with a hole of that size the heap is sure to serve the request. */
function pigeonhole({ peak, largest, smallest }: Units, holeFor: (size: number) => number): number {
  let most = 0;
  for (let size = 1; size <= largest; size++) {
    const live = Math.max(0, peak - size);
    const holes = Math.floor(live / smallest) + 1;
    most = Math.max(most, live + holes * (holeFor(size) - 1) + 1);
  }
  return most;
}

/** The lower end of the first class whose holes are all large enough for `bytes`. */
function roundToClass(bytes: number): number {
  if (bytes < EXACT_BELOW_BYTES) return bytes;
  return roundUp(bytes, 2 ** Math.floor(Math.log2(bytes)) / LISTS_PER_LEVEL);
}

/** H(n) = 1 + 1/2 + ... + 1/n. */
function harmonic(count: number): number {
  let sum = 0;
  for (let term = 1; term <= count; term++) sum += 1 / term;
  return sum;
}

function ceilLog2(value: number): number {
  return Math.ceil(Math.log2(value));
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
