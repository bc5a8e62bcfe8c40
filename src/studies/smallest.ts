/** Searches for the smallest size with which something passes. */

/**
 * How many sizes to try beside what the search finds, unless told otherwise: for everyone who asks, since where
 * success is not monotone the answer depends on it.
 */
export const DEFAULT_SCAN = 32;

/**
 * Doubles the distance from `minimum` until `passes`, then halves the interval: where success is monotone in
 * size, the exact smallest multiple of `step` above `minimum`; where it is not, a size that passes next to one
 * that does not. undefined when nothing up to `maximum` passes.
 */
export function smallestPassing(
  minimum: number,
  maximum: number,
  step: number,
  passes: (size: number) => boolean,
): number | undefined {
  const size = (steps: number) => minimum + steps * step;
  const most = Math.floor((maximum - minimum) / step);
  let failing = -1;
  let passing = 0;
  while (!passes(size(passing))) {
    if (passing === most) return undefined;
    failing = passing;
    passing = Math.min(most, passing * 2 + 1);
  }
  while (passing - failing > 1) {
    const middle = Math.floor((failing + passing) / 2);
    if (passes(size(middle))) passing = middle;
    else failing = middle;
  }
  return size(passing);
}

/** The share of the sizes above that is tried first. */
const FIRST_LOOK = 4;

export interface SearchRange {
  /** The first size to try, a multiple of `step`. */
  readonly least: number;
  readonly most: number;
  readonly step: number;
  /** How many sizes to try beside what bisection finds, on either side. */
  readonly scan: number;
}

/**
 * Looks for the smallest size with which something passes where a larger one may fail though a smaller one passed:
 * sizes around what bisection finds are tried too. Each size is tried once.
 */
export class SizeSearch {
  private readonly tried = new Map<number, boolean>();

  constructor(
    private readonly range: SearchRange,
    private readonly attempt: (size: number) => boolean,
  ) {}

  /** How many sizes have been tried. */
  get runs(): number {
    return this.tried.size;
  }

  passes(size: number): boolean {
    let passed = this.tried.get(size);
    if (passed === undefined) {
      passed = this.attempt(size);
      this.tried.set(size, passed);
    }
    return passed;
  }

  /** By bisection, and as long as one of the sizes tried below passes again from there. */
  smallest(): number | undefined {
    const { least, most } = this.range;
    let smallest = this.bisect(least, most);
    while (smallest !== undefined) {
      const found = this.scanBelow(smallest);
      if (found === undefined) break;
      smallest = this.bisect(this.largestFailingBelow(found), found)!;
    }
    return smallest;
  }

  /** Those above `size` that were tried and fail, ascending. */
  failingAbove(size: number): number[] {
    return this.sizes(false).filter((one) => one > size);
  }

  /**
   * Tries sizes above `smallest`, for those that fail: a few, since what passes runs to its end, and all where one of
   * them fails.
   */
  scanAbove(smallest: number): void {
    const above = (count: number) => this.spread(smallest + this.range.step, 1, 2 * smallest, count);
    const { scan } = this.range;
    const fails = above(Math.ceil(scan / FIRST_LOOK)).filter((size) => !this.passes(size));
    if (fails.length > 0) for (const size of above(scan)) this.passes(size);
  }

  private bisect(from: number, to: number): number | undefined {
    return smallestPassing(from, to, this.range.step, (size) => this.passes(size));
  }

  /** The smallest of the sizes tried below `smallest` that passes. */
  private scanBelow(smallest: number): number | undefined {
    const { least, step } = this.range;
    const sizes = this.spread(smallest - step, -1, least).filter((size) => size >= least);
    return sizes.filter((size) => this.passes(size)).at(-1);
  }

  /** Half of them step by step from `near`, the other half evenly up to `far`. */
  private spread(near: number, direction: 1 | -1, far: number, count = this.range.scan): number[] {
    const { step } = this.range;
    const half = Math.ceil(count / 2);
    const close = Array.from({ length: half }, (_, index) => near + direction * index * step);
    const distance = (far - close.at(-1)!) * direction;
    if (distance <= 0 || half === 0) return close;
    const wide = Array.from({ length: half }, (_, index) =>
      this.roundUp(close.at(-1)! + (direction * distance * (index + 1)) / half),
    );
    return [...close, ...wide];
  }

  private largestFailingBelow(size: number): number {
    const below = this.sizes(false).filter((one) => one < size);
    return below.at(-1) ?? this.range.least;
  }

  /** Those tried so far, ascending. */
  private sizes(passing: boolean): number[] {
    return [...this.tried]
      .flatMap(([size, passed]) => (passed === passing ? [size] : []))
      .sort((a, b) => a - b);
  }

  private roundUp(size: number): number {
    const { least, step } = this.range;
    return least + Math.ceil((size - least) / step) * step;
  }
}
