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
