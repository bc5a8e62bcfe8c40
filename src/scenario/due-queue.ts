/**
 * A priority queue of what falls due at a cycle: a binary heap in two parallel arrays, so that a comparison is
 * of two numbers that lie side by side, without an object to follow for each.
 */
export class DueQueue<Item> {
  private readonly items: Item[] = [];
  /** Infinity from `length` on: a child that is not there is never the earlier one. */
  private cycles = new Float64Array(64).fill(Number.POSITIVE_INFINITY);
  private length = 0;

  /** When the first falls due; Infinity if there is none. */
  get firstCycle(): number {
    return this.cycles[0]!;
  }

  push(item: Item, cycle: number): void {
    if (this.length + 1 === this.cycles.length) this.grow();
    const { items, cycles } = this;
    let at = this.length++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (cycle >= cycles[parent]!) break;
      items[at] = items[parent]!;
      cycles[at] = cycles[parent]!;
      at = parent;
    }
    items[at] = item;
    cycles[at] = cycle;
  }

  /** Takes out the first to fall due. */
  pop(): Item | undefined {
    if (this.length === 0) return undefined;
    const { items, cycles } = this;
    const first = items[0]!;
    const last = --this.length;
    const item = items.pop()!;
    const cycle = cycles[last]!;
    cycles[last] = Number.POSITIVE_INFINITY;
    if (last > 0) this.sink(item, cycle);
    return first;
  }

  /** From the top, where a place is free, to below all that fall due earlier. */
  private sink(item: Item, cycle: number): void {
    const { items, cycles } = this;
    const parents = this.length >> 1;
    let at = 0;
    while (at < parents) {
      const left = 2 * at + 1;
      // Added and not chosen by a branch, which would be as good as random.
      const child = left + Number(cycles[left + 1]! < cycles[left]!);
      if (cycles[child]! >= cycle) break;
      items[at] = items[child]!;
      cycles[at] = cycles[child]!;
      at = child;
    }
    items[at] = item;
    cycles[at] = cycle;
  }

  private grow(): void {
    const larger = new Float64Array(2 * this.cycles.length).fill(Number.POSITIVE_INFINITY);
    larger.set(this.cycles);
    this.cycles = larger;
  }
}
