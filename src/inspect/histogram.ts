/**
 * A histogram of whole numbers that forgets nothing: percentiles are exact. Costs of heap calls are small
 * numbers, so those have an array, and adding one is an increment; the few large ones, suspensions by a script
 * above all, go to a map. Everything else is worked out when it is asked for.
 */
export class IntegerHistogram {
  private readonly small = new Float64Array(SMALL_VALUES);
  private readonly large = new Map<number, number>();

  /** `value`: a whole number, at least 0. */
  add(value: number): void {
    if (value < SMALL_VALUES) this.small[value]!++;
    else this.large.set(value, (this.large.get(value) ?? 0) + 1);
  }

  get count(): number {
    return this.sum(() => 1);
  }

  get total(): number {
    return this.sum((value) => value);
  }

  /** 0 if empty. */
  get maximum(): number {
    return this.percentile(1);
  }

  /** The smallest value that at least `share` (above 0, at most 1) of all values do not exceed; 0 if empty. */
  percentile(share: number): number {
    const rank = Math.ceil(this.count * share);
    let seen = 0;
    for (const [value, count] of this.entries()) {
      seen += count;
      if (count > 0 && seen >= rank) return value;
    }
    return 0;
  }

  private sum(term: (value: number) => number): number {
    let sum = 0;
    for (const [value, count] of this.entries()) sum += count * term(value);
    return sum;
  }

  /** Ascending by value. */
  private *entries(): Generator<readonly [number, number]> {
    yield* this.small.entries();
    yield* [...this.large.entries()].sort(([a], [b]) => a - b);
  }
}

const SMALL_VALUES = 1 << 14;
