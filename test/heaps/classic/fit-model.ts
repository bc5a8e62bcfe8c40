/** The four fits as a textbook tells them, on a plain array: no tags, no links, no RAM. */

import type { Fit } from '../../../src/heaps/classic/fits.js';

interface Piece {
  offset: number;
  bytes: number;
  used: boolean;
}

export interface FitModelOptions {
  readonly order: 'address' | 'lifo';
  readonly sizeLists?: boolean;
}

const listOf = (bytes: number) => (bytes < 256 ? 0 : bytes < 1024 ? 1 : 2);

export class FitModel {
  /** In address order. */
  private readonly pieces: Piece[];
  /** In list order. */
  private holes: Piece[];
  private rover: Piece | undefined;

  constructor(
    private readonly fit: Fit,
    arenaBytes: number,
    private readonly minimumBytes: number,
    private readonly options: FitModelOptions,
  ) {
    const whole = { offset: 0, bytes: arenaBytes, used: false };
    this.pieces = [whole];
    this.holes = [whole];
    this.rover = whole;
  }

  /** Offset of a block of `wanted` bytes; undefined where no hole is large enough. */
  allocate(wanted: number): number | undefined {
    const hole = this.choose(this.holes.filter(({ bytes }) => bytes >= wanted));
    if (hole === undefined) return undefined;
    this.rover = hole;
    const rest = { offset: hole.offset + wanted, bytes: hole.bytes - wanted, used: false };
    if (rest.bytes >= this.minimumBytes) {
      this.pieces.splice(this.pieces.indexOf(hole) + 1, 0, rest);
      this.exchange(hole, rest, hole.bytes);
      hole.bytes = wanted;
    } else {
      this.remove(hole);
    }
    hole.used = true;
    return hole.offset;
  }

  free(offset: number): void {
    const index = this.pieces.findIndex((piece) => piece.offset === offset);
    const freed = this.pieces[index]!;
    const below = this.pieces[index - 1];
    const above = this.pieces[index + 1];
    freed.used = false;
    const mergesAbove = above?.used === false;
    if (below?.used === false) {
      if (mergesAbove) this.remove(above);
      const before = below.bytes;
      below.bytes += freed.bytes + (mergesAbove ? above.bytes : 0);
      this.pieces.splice(index, mergesAbove ? 2 : 1);
      this.exchange(below, below, before);
    } else if (mergesAbove) {
      freed.bytes += above.bytes;
      this.pieces.splice(index + 1, 1);
      this.exchange(above, freed, above.bytes);
    } else {
      this.file(freed);
    }
  }

  private choose(holes: readonly Piece[]): Piece | undefined {
    if (this.fit === 'best') return holes.toSorted((a, b) => a.bytes - b.bytes)[0];
    if (this.fit === 'worst') return holes.toSorted((a, b) => b.bytes - a.bytes)[0];
    if (this.fit === 'first' && this.options.sizeLists === true) {
      return holes.toSorted((a, b) => listOf(a.bytes) - listOf(b.bytes))[0];
    }
    if (this.fit === 'first') return holes[0];
    const start = this.rover === undefined ? 0 : this.holes.indexOf(this.rover);
    return holes.find((hole) => this.holes.indexOf(hole) >= start) ?? holes[0];
  }

  /** `hole` takes the place of `old`, unless they belong to different lists. */
  private exchange(old: Piece, hole: Piece, oldBytes: number): void {
    if (this.options.sizeLists === true && listOf(oldBytes) !== listOf(hole.bytes)) {
      this.remove(old);
      this.file(hole);
      return;
    }
    this.holes[this.holes.indexOf(old)] = hole;
    if (this.rover === old) this.rover = hole;
  }

  private remove(hole: Piece): void {
    const index = this.holes.indexOf(hole);
    this.holes.splice(index, 1);
    // Behind the last hole comes the head of the list, and then the first.
    if (this.rover === hole) this.rover = this.holes[index];
  }

  private file(hole: Piece): void {
    if (this.options.order === 'lifo') this.holes = [hole, ...this.holes];
    else this.holes = [...this.holes, hole].sort((a, b) => a.offset - b.offset);
  }
}
