/** A histogram of whole numbers that forgets nothing: percentiles are exact. Costs repeat, so it stays small. */
export class IntegerHistogram {
  count = 0;
  total = 0;
  maximum = 0;
  private readonly counts = new Map<number, number>();

  add(value: number): void {
    this.count++;
    this.total += value;
    if (value > this.maximum) this.maximum = value;
    this.counts.set(value, (this.counts.get(value) ?? 0) + 1);
  }

  /** The smallest value that at least `share` (above 0, at most 1) of all values do not exceed; 0 if empty. */
  percentile(share: number): number {
    const rank = Math.ceil(this.count * share);
    let seen = 0;
    for (const value of [...this.counts.keys()].sort((a, b) => a - b)) {
      seen += this.counts.get(value)!;
      if (seen >= rank) return value;
    }
    return 0;
  }
}
