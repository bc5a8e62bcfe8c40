/**
 * The worst case of a buddy heap, by shapes. A heap that takes whichever it likes of the smallest holes has the same
 * before it when the halves of a block change places, or whole blocks of the largest size: layouts that differ only
 * by that are one shape. There are thousands of shapes where there are tens of millions of layouts, and as all the
 * choices are tried, what holds for all of them holds for the lowest of the smallest holes, and for the last freed.
 */

import type { Layout } from './worst-case.js';

/** A block of the largest size: a hole `.`, in use `#`, or two halves in brackets. Nothing in use is always `.`. */
type Chunk = string;

const HOLE = '.';
const BLOCK = '#';

function joined(one: Chunk, other: Chunk): Chunk {
  if (one === HOLE && other === HOLE) return HOLE;
  return one <= other ? `(${one}${other})` : `(${other}${one})`;
}

/** Of a chunk in brackets. */
function halvesOf(chunk: Chunk): [Chunk, Chunk] {
  let end = 1;
  for (let depth = 0; ; end++) {
    if (chunk[end] === '(') depth++;
    if (chunk[end] === ')') depth--;
    if (depth === 0) return [chunk.slice(1, end + 1), chunk.slice(end + 1, -1)];
  }
}

/** What a chunk can become when `change` can make those of one of its halves. */
function eitherHalf(chunk: Chunk, change: (half: Chunk) => readonly Chunk[]): Chunk[] {
  const [one, other] = halvesOf(chunk);
  return [
    ...change(one).map((half) => joined(half, other)),
    ...change(other).map((half) => joined(one, half)),
  ];
}

function unitsInUse(chunk: Chunk, size: number): number {
  if (chunk === HOLE) return 0;
  if (chunk === BLOCK) return size;
  return halvesOf(chunk).reduce((sum, half) => sum + unitsInUse(half, size / 2), 0);
}

/** A bit for each size of hole, which is that size. */
function holesIn(chunk: Chunk, size: number): number {
  if (chunk === HOLE) return size;
  if (chunk === BLOCK) return 0;
  return halvesOf(chunk).reduce((sizes, half) => sizes | holesIn(half, size / 2), 0);
}

/** What a chunk of `size` can be with one block less. */
function withoutOne(chunk: Chunk): Chunk[] {
  if (chunk === HOLE) return [];
  return chunk === BLOCK ? [HOLE] : eitherHalf(chunk, withoutOne);
}

/** What a chunk of `size` can be with a block made of one of its holes of the size `hole`. */
function withBlock(chunk: Chunk, size: number, hole: number, block: number): Chunk[] {
  if (chunk === HOLE) return size === hole ? [carved(hole, block)] : [];
  return chunk === BLOCK ? [] : eitherHalf(chunk, (half) => withBlock(half, size / 2, hole, block));
}

function carved(hole: number, block: number): Chunk {
  return hole === block ? BLOCK : joined(carved(hole / 2, block), HOLE);
}

/** All shapes that can come about: the chunks with something in them, in order, as text. */
export class BuddyShapes {
  /** Of each shape what it can be after one request or free. */
  private readonly next = new Map<string, ReadonlySet<string>>();
  /** The most chunks that are in use at once. */
  private chunks = 0;

  /** At most `peak` units in use, in blocks of powers of two up to `largest`. */
  constructor(
    private readonly peak: number,
    private readonly largest: number,
  ) {
    const open = [''];
    for (let shape = open.pop(); shape !== undefined; shape = open.pop()) {
      if (this.next.has(shape)) continue;
      const used = chunksOf(shape);
      const next = this.nextOf(used);
      this.next.set(shape, next);
      this.chunks = Math.max(this.chunks, used.length);
      open.push(...next);
    }
  }

  /** Units of the least arena in which no request can fail. */
  get arena(): number {
    return this.chunks * this.largest;
  }

  get count(): number {
    return this.next.size;
  }

  /** Whether one request or free can lead from the one to the other. */
  canFollow(before: string, after: string): boolean {
    return this.next.get(before)?.has(after) === true;
  }

  shapeOf(layout: Layout): string {
    const end = Math.max(0, ...layout.map(([start, size]) => start + size));
    const chunks: Chunk[] = [];
    for (let start = 0; start < end; start += this.largest) chunks.push(chunkOf(layout, start, this.largest));
    return shapeOf(chunks);
  }

  private nextOf(used: readonly Chunk[]): Set<string> {
    const { largest, peak } = this;
    const live = used.reduce((sum, chunk) => sum + unitsInUse(chunk, largest), 0);
    const holes = used.reduce((sizes, chunk) => sizes | holesIn(chunk, largest), 0);
    const next = new Set(changed(used, withoutOne));
    for (let block = 1; block <= largest && live + block <= peak; block *= 2) {
      let hole = block;
      while (hole < largest && (holes & hole) === 0) hole *= 2;
      if (hole === largest) next.add(shapeOf([...used, carved(largest, block)]));
      else
        for (const shape of changed(used, (chunk) => withBlock(chunk, largest, hole, block))) next.add(shape);
    }
    return next;
  }
}

/** The shapes in which one of the chunks has become one of those that `change` makes of it. */
function changed(chunks: readonly Chunk[], change: (chunk: Chunk) => readonly Chunk[]): string[] {
  return chunks.flatMap((chunk, index) => change(chunk).map((other) => shapeOf(chunks.with(index, other))));
}

function shapeOf(chunks: readonly Chunk[]): string {
  return chunks
    .filter((chunk) => chunk !== HOLE)
    .sort()
    .join();
}

function chunksOf(shape: string): Chunk[] {
  return shape === '' ? [] : shape.split(',');
}

function chunkOf(layout: Layout, start: number, size: number): Chunk {
  const inside = layout.filter(([at]) => at >= start && at < start + size);
  if (inside.length === 0) return HOLE;
  if (inside[0]![1] === size) return BLOCK;
  return joined(chunkOf(layout, start, size / 2), chunkOf(layout, start + size / 2, size / 2));
}
