/** dlmalloc's policy as its author tells it, on plain arrays: no heads, no bins, no tries, no RAM. */

interface Piece {
  offset: number;
  bytes: number;
  used: boolean;
}

const LARGE = 256;
const MINIMUM = 16;

export class DlmallocModel {
  /** In address order; the last one is top. */
  private readonly pieces: Piece[];
  /** All but top and the victim, the last filed at the end. */
  private filed: Piece[] = [];
  victim: Piece | undefined;

  constructor(topBytes: number) {
    this.pieces = [{ offset: 0, bytes: topBytes, used: false }];
  }

  private get top(): Piece {
    return this.pieces.at(-1)!;
  }

  /** `offset:bytes` of every hole; of top without the 8 bytes that it keeps. */
  get holes(): string[] {
    return this.pieces
      .filter(({ used }) => !used)
      .map((piece) => ({ ...piece, bytes: piece.bytes - (piece === this.top ? 8 : 0) }))
      .filter(({ bytes }) => bytes > 0)
      .map(({ offset, bytes }) => `${offset}:${bytes}`);
  }

  /** Offset of a chunk of `wanted` bytes; undefined where no hole is large enough. */
  allocate(wanted: number): number | undefined {
    const isSmall = wanted < LARGE;
    const exact = isSmall ? (this.small(wanted) ?? this.small(wanted + 8)) : undefined;
    if (exact !== undefined) return this.take(exact, wanted);
    const victimBytes = this.victim === undefined ? 0 : this.victim.bytes;
    const victimFits = victimBytes >= wanted;
    const closest = isSmall && victimFits ? undefined : this.closest(wanted);
    if (closest !== undefined && !(victimFits && victimBytes <= closest.bytes)) {
      const offset = closest.offset;
      const rest = this.cut(closest, wanted);
      if (rest !== undefined && isSmall) this.becomeVictim(rest);
      else if (rest !== undefined) this.filed.push(rest);
      return offset;
    }
    if (victimFits) {
      const victim = this.victim!;
      this.victim = this.cut(victim, wanted);
      return victim.offset;
    }
    if (wanted >= this.top.bytes) return undefined;
    const { offset } = this.top;
    this.cut(this.top, wanted);
    return offset;
  }

  free(offset: number): void {
    const piece = this.pieces.find((other) => other.offset === offset)!;
    piece.used = false;
    const index = this.pieces.indexOf(piece);
    const [before, after] = [this.pieces[index - 1], this.pieces[index + 1]!];
    const merged = [before, piece, after].filter((other) => other?.used === false) as Piece[];
    const whole = {
      offset: merged[0]!.offset,
      bytes: merged.reduce((sum, { bytes }) => sum + bytes, 0),
      used: false,
    };
    const isTop = merged.includes(this.top);
    const isVictim = this.victim !== undefined && merged.includes(this.victim);
    this.filed = this.filed.filter((hole) => !merged.includes(hole));
    this.pieces.splice(this.pieces.indexOf(merged[0]!), merged.length, whole);
    if (isVictim) this.victim = isTop ? undefined : whole;
    else if (!isTop) this.filed.push(whole);
  }

  /** Whether the chunk could be given `wanted` bytes where it is. */
  resize(offset: number, wanted: number): boolean {
    const index = this.pieces.findIndex((other) => other.offset === offset);
    const [piece, next] = [this.pieces[index]!, this.pieces[index + 1]!];
    if (piece.bytes < wanted) {
      if (next.used || piece.bytes + next.bytes < wanted + (next === this.top ? 8 : 0)) return false;
      const rest = next.bytes - (wanted - piece.bytes);
      if (next === this.top || (next === this.victim && rest >= MINIMUM)) {
        next.offset += wanted - piece.bytes;
        next.bytes = rest;
        piece.bytes = wanted;
        return true;
      }
      if (next === this.victim) this.victim = undefined;
      this.filed = this.filed.filter((hole) => hole !== next);
      piece.bytes += next.bytes;
      this.pieces.splice(index + 1, 1);
    }
    const rest = this.cut(piece, wanted);
    if (rest === undefined) return true;
    rest.used = true;
    this.free(rest.offset);
    return true;
  }

  /** Of the small holes of a size the one that was filed last. */
  private small(bytes: number): Piece | undefined {
    return bytes < LARGE ? this.filed.filter((hole) => hole.bytes === bytes).at(-1) : undefined;
  }

  /** The smallest filed hole that will do: of several small ones the last filed, of large ones the first. */
  private closest(wanted: number): Piece | undefined {
    const bytes = Math.min(...this.filed.map((hole) => hole.bytes).filter((size) => size >= wanted));
    return this.small(bytes) ?? this.filed.find((hole) => hole.bytes === bytes);
  }

  private becomeVictim(rest: Piece): void {
    if (this.victim !== undefined) this.filed.push(this.victim);
    this.victim = rest;
  }

  private take(hole: Piece, wanted: number): number {
    this.cut(hole, wanted);
    return hole.offset;
  }

  /** The front of a piece is used; returns the rest, if it is large enough for a chunk or belongs to top. */
  private cut(piece: Piece, wanted: number): Piece | undefined {
    const isTop = piece === this.top;
    this.filed = this.filed.filter((hole) => hole !== piece);
    piece.used = true;
    const rest = { offset: piece.offset + wanted, bytes: piece.bytes - wanted, used: false };
    if (rest.bytes < MINIMUM && !isTop) return undefined;
    piece.bytes = wanted;
    this.pieces.splice(this.pieces.indexOf(piece) + 1, 0, rest);
    return rest;
  }
}
