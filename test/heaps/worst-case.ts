/**
 * The worst that can happen to an allocation policy, found by trying everything: the largest arena that any
 * sequence of requests and frees makes it use. Only for a few words: the layouts are counted in millions soon.
 */

/** A live block: where it starts and how long it is, in units. */
export type Placed = readonly [start: number, size: number];

/** Live blocks in address order, in an arena without an end. */
export type Layout = readonly Placed[];

/** Where a policy puts a block of `size`. */
export type Place = (layout: Layout, size: number) => number;

/** Over all layouts that can be reached while at most `peak` units are live: the end of the highest block. */
export function worstArena(peak: number, sizes: readonly number[], place: Place): number {
  const seen = new Set(['']);
  const open: Layout[] = [[]];
  let worst = 0;
  const visit = (layout: Layout) => {
    const key = keyOf(layout);
    if (seen.has(key)) return;
    seen.add(key);
    open.push(layout);
    const [start, size] = layout.at(-1)!;
    worst = Math.max(worst, start + size);
  };
  for (let layout = open.pop(); layout !== undefined; layout = open.pop()) {
    const live = layout.reduce((sum, [, size]) => sum + size, 0);
    for (let index = 0; index < layout.length; index++) {
      if (layout.length > 1) visit(layout.filter((_, other) => other !== index));
    }
    for (const size of sizes) {
      if (live + size > peak) continue;
      const block: Placed = [place(layout, size), size];
      visit([...layout, block].sort((a, b) => a[0] - b[0]));
    }
  }
  return worst;
}

function keyOf(layout: Layout): string {
  return String.fromCharCode(...layout.map(([start, size]) => start * 32 + size));
}

/** 1 to `largest`. */
export function anySize(largest: number): number[] {
  return Array.from({ length: largest }, (_, index) => index + 1);
}

/** 1, 2, 4 ... `largest`. */
export function powersOfTwo(largest: number): number[] {
  return Array.from({ length: Math.log2(largest) + 1 }, (_, exponent) => 2 ** exponent);
}

/**
 * The least arena in which some allocator, however clever, serves everything while at most `peak` units are
 * live: a game against the firmware, solved by striking out layouts from which it can be lost.
 */
export function leastArena(peak: number, sizes: readonly number[]): number {
  for (let arena = peak; ; arena++) if (canBeWon(peak, sizes, arena)) return arena;
}

/** A layout as text: `.` for a free unit, a block's size and `#` for the rest of it. */
function canBeWon(peak: number, sizes: readonly number[], arena: number): boolean {
  const layouts = new Set<string>();
  const extend = (text: string, live: number): void => {
    if (text.length === arena) {
      layouts.add(text);
      return;
    }
    extend(`${text}.`, live);
    for (const size of sizes) {
      if (text.length + size <= arena && live + size <= peak) extend(text + blockText(size), live + size);
    }
  };
  extend('', 0);
  for (let struck = true; struck; ) {
    struck = false;
    for (const layout of layouts) {
      if (isSafe(layout, layouts, peak, sizes)) continue;
      layouts.delete(layout);
      struck = true;
    }
  }
  return layouts.has('.'.repeat(arena));
}

function blockText(size: number): string {
  return size + '#'.repeat(size - 1);
}

/** Whether every free, and every request with some answer to it, leads to a layout that is still in. */
function isSafe(layout: string, safe: ReadonlySet<string>, peak: number, sizes: readonly number[]): boolean {
  const live = layout.replaceAll('.', '').length;
  const replaced = (at: number, text: string) => layout.slice(0, at) + text + layout.slice(at + text.length);
  for (let at = 0; at < layout.length; at++) {
    const size = Number(layout[at]);
    if (size > 0 && !safe.has(replaced(at, '.'.repeat(size)))) return false;
  }
  return sizes.every((size) => {
    if (live + size > peak) return true;
    for (let at = 0; at + size <= layout.length; at++) {
      if (layout.startsWith('.'.repeat(size), at) && safe.has(replaced(at, blockText(size)))) return true;
    }
    return false;
  });
}
