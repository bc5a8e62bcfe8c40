/** The fewest units that must be moved for an aligned hole in a small buddy heap, by trying everything. */

export interface PlacedBlock {
  readonly index: number;
  readonly order: number;
  readonly isFixed: boolean;
}

/** A bit per unit; blocks of a size are alike. */
interface Arrangement {
  readonly free: number;
  /** Where the movable blocks of each order begin. */
  readonly starts: readonly number[];
}

/** undefined if no moving about makes a hole of `order` among `units` (up to 30). */
export function fewestMoved(
  blocks: readonly PlacedBlock[],
  order: number,
  units: number,
): number | undefined {
  let free = 2 ** units - 1;
  const starts = Array.from({ length: order + 1 }, () => 0);
  for (const block of blocks) {
    free &= ~maskOf(block.index, block.order);
    if (!block.isFixed && block.order < order) starts[block.order]! |= 1 << block.index;
  }
  // By cost: the states first reached with it.
  const reached: Arrangement[][] = [[{ free, starts }]];
  const settled = new Set<string>();
  for (let cost = 0; cost < reached.length; cost++) {
    for (const state of reached[cost] ?? []) {
      const key = `${state.free} ${state.starts.join(' ')}`;
      if (settled.has(key)) continue;
      settled.add(key);
      if (places(order, units).some((place) => isFree(state.free, place, order))) return cost;
      for (const [moved, next] of neighbours(state, units)) {
        reached[cost + moved] ??= [];
        reached[cost + moved]!.push(next);
      }
    }
  }
  return undefined;
}

function* neighbours({ free, starts }: Arrangement, units: number): Generator<[number, Arrangement]> {
  for (const [order, begun] of starts.entries()) {
    const targets = places(order, units).filter((place) => isFree(free, place, order));
    for (const from of places(order, units)) {
      if ((begun & (1 << from)) === 0) continue;
      for (const to of targets) {
        const moved = (begun & ~(1 << from)) | (1 << to);
        const next = (free | maskOf(from, order)) & ~maskOf(to, order);
        yield [1 << order, { free: next, starts: starts.with(order, moved) }];
      }
    }
  }
}

function places(order: number, units: number): number[] {
  return Array.from({ length: units >>> order }, (_, place) => place << order);
}

function maskOf(index: number, order: number): number {
  return (2 ** (1 << order) - 1) << index;
}

function isFree(free: number, index: number, order: number): boolean {
  return (free & maskOf(index, order)) === maskOf(index, order);
}
