/**
 * The worst that can happen to an allocation policy, found by trying everything, where layouts come in millions:
 * one is two words, a bit for each unit that is in use and a bit for each block's first unit. So the arena has
 * no end as long as nothing reaches unit 32.
 */

const UNITS = 32;

/** Where a policy puts a block of `size`; `used` has a bit for each unit in use. */
export type MaskPlace = (used: number, size: number) => number;

/** A set of layouts that are not empty: pairs of words, in two arrays, found by hashing. */
class Layouts {
  private count = 0;
  private used = new Uint32Array(2 ** 16);
  private starts = new Uint32Array(2 ** 16);

  /** Whether it is new. */
  add(used: number, starts: number): boolean {
    const last = this.used.length - 1;
    const hash = Math.imul(used, 0x9e37_79b1) ^ Math.imul(starts, 0x85eb_ca6b);
    let slot = (hash ^ (hash >>> 15)) & last;
    while (this.used[slot] !== 0) {
      if (this.used[slot] === used && this.starts[slot] === starts) return false;
      slot = (slot + 1) & last;
    }
    this.used[slot] = used;
    this.starts[slot] = starts;
    if (++this.count * 2 > this.used.length) this.grow();
    return true;
  }

  private grow(): void {
    const { used, starts } = this;
    this.used = new Uint32Array(2 * used.length);
    this.starts = new Uint32Array(2 * used.length);
    this.count = 0;
    for (let slot = 0; slot < used.length; slot++) {
      if (used[slot] !== 0) this.add(used[slot]!, starts[slot]!);
    }
  }
}

/** Over all layouts that can be reached while at most `peak` units are live: the end of the highest block. */
export function worstReach(peak: number, sizes: readonly number[], place: MaskPlace): number {
  const seen = new Layouts();
  const open: number[] = [];
  let worst = 0;
  const visit = (used: number, starts: number) => {
    if (used !== 0 && seen.add(used >>> 0, starts >>> 0)) open.push(used >>> 0, starts >>> 0);
  };
  const expand = (used: number, starts: number) => {
    let live = 0;
    for (let left = used; left !== 0; left &= left - 1) live++;
    for (let left = starts; left !== 0; left &= left - 1) {
      const first = left & -left;
      visit(used & ~blockAt(used, starts, 31 - Math.clz32(first)), starts & ~first);
    }
    for (const size of sizes) {
      if (live + size > peak) continue;
      const at = place(used, size);
      if (at + size > UNITS) throw new Error('a word is too short for this case');
      worst = Math.max(worst, at + size);
      visit(used | (unitsOf(size) << at), starts | (1 << at));
    }
  };
  expand(0, 0);
  while (open.length > 0) {
    const starts = open.pop()!;
    expand(open.pop()!, starts);
  }
  return worst;
}

function unitsOf(size: number): number {
  return size === UNITS ? -1 : (1 << size) - 1;
}

/** The units of the block that begins at `at`. */
function blockAt(used: number, starts: number, at: number): number {
  let end = at + 1;
  while (end < UNITS && isSet(used, end) && !isSet(starts, end)) end++;
  return unitsOf(end) & ~unitsOf(at);
}

function isSet(mask: number, bit: number): boolean {
  return ((mask >>> bit) & 1) === 1;
}

/** Whether `size` units from `at` on are free; beyond the last unit all are. */
function isFree(used: number, at: number, size: number): boolean {
  return at >= UNITS || ((used >>> at) & unitsOf(size)) === 0;
}

export const firstFit: MaskPlace = (used, size) => {
  let at = 0;
  while (!isFree(used, at, size)) at++;
  return at;
};

/** The last hole has no end: it is taken where no other is large enough. */
export const bestFit: MaskPlace = (used, size) => {
  let best = UNITS;
  let bestSize = UNITS + 1;
  for (let at = 0; ; ) {
    while (at < UNITS && isSet(used, at)) at++;
    if (at === UNITS || used >>> at === 0) return bestSize > UNITS ? at : best;
    let end = at;
    while (!isSet(used, end)) end++;
    if (end - at >= size && end - at < bestSize) {
      best = at;
      bestSize = end - at;
    }
    at = end;
  }
};

/** At multiples of its size, a power of two. */
export const alignedFirstFit: MaskPlace = (used, size) => {
  let at = 0;
  while (!isFree(used, at, size)) at += size;
  return at;
};

/** The smallest free buddy that is large enough, the lowest of equals, in an arena of buddies of `top`. */
export function buddy(top: number): MaskPlace {
  return (used, size) => {
    for (let order = size; order <= top; order *= 2) {
      for (let at = 0; at < UNITS; at += order) {
        const parent = at - (at % (2 * order));
        const isWhole = order === top || !isFree(used, parent, 2 * order);
        if (isWhole && isFree(used, at, order)) return at;
      }
    }
    return UNITS;
  };
}
