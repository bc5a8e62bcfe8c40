/**
 * A histogram of whole numbers that forgets nothing: percentiles are exact. Costs of heap calls are small
 * numbers, so those have an array, and adding one is an increment; the few large ones, suspensions by a script
 * above all, go to a map. Everything else is worked out when it is asked for.
 */
export class IntegerHistogram {
  /** As long as it has to be: a program may have many histograms in its time, most of them nearly empty. */
  private small = new Float64Array(FIRST_SMALL_VALUES);
  private readonly large = new Map<number, number>();

  /** `value`: a whole number, at least 0. */
  add(value: number): void {
    if (value < this.small.length) this.small[value]!++;
    else this.addAbove(value);
  }

  get count(): number {
    let count = 0;
    for (let value = 0; value < this.small.length; value++) count += this.small[value]!;
    for (const times of this.large.values()) count += times;
    return count;
  }

  get total(): number {
    let total = 0;
    for (let value = 0; value < this.small.length; value++) total += value * this.small[value]!;
    for (const [value, times] of this.large) total += value * times;
    return total;
  }

  /** 0 if empty. */
  get maximum(): number {
    return this.percentile(1);
  }

  /** The smallest value that at least `share` (above 0, at most 1) of all values do not exceed; 0 if empty. */
  percentile(share: number): number {
    const rank = Math.ceil(this.count * share);
    let seen = 0;
    for (let value = 0; value < this.small.length; value++) {
      seen += this.small[value]!;
      if (seen >= rank && this.small[value]! > 0) return value;
    }
    for (const [value, times] of [...this.large].sort(([a], [b]) => a - b)) {
      seen += times;
      if (seen >= rank) return value;
    }
    return 0;
  }

  private addAbove(value: number): void {
    if (value >= MAXIMUM_SMALL_VALUES) {
      this.large.set(value, (this.large.get(value) ?? 0) + 1);
      return;
    }
    const larger = new Float64Array(2 ** (32 - Math.clz32(value)));
    larger.set(this.small);
    larger[value]!++;
    this.small = larger;
  }
}

const FIRST_SMALL_VALUES = 256;
const MAXIMUM_SMALL_VALUES = 1 << 14;
