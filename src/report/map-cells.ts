/** Cuts arenas into cells of equal size and says what fills each: the geometry of a block map, without looks. */

import type { MapPiece, RunResult } from '../inspect/result.js';

export type Region = RunResult['heap']['regions'][number];

export interface Cell {
  readonly address: number;
  /** Less than others at the end of a region. */
  readonly bytes: number;
  /** What covers most of it; `broken` is what the heap could no longer be asked about. */
  readonly kind: 'used' | 'header' | 'hole' | 'broken';
  /** Of a used cell. */
  readonly owner: string | undefined;
  /** A block of `owner` begins here; or a hole begins here directly behind another. */
  readonly begins: boolean;
}

/** A stretch of one kind. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly kind: Cell['kind'];
  readonly owner?: string;
  readonly begins: boolean;
}

const MINIMUM_CELL_BYTES = 8;

/** The smallest power of two with which all regions together take at most `rows` rows. */
export function cellBytesFor(regions: readonly Region[], cellsPerRow: number, rows: number): number {
  let cellBytes = MINIMUM_CELL_BYTES;
  // Each region starts a row of its own, so there are at least as many rows as regions.
  const limit = Math.max(rows, regions.length);
  while (
    regions.reduce((sum, region) => sum + Math.ceil(region.bytes / (cellBytes * cellsPerRow)), 0) > limit
  ) {
    cellBytes *= 2;
  }
  return cellBytes;
}

/** All cells of a region. `pieces` are those of the whole map, in address order. */
export function cellsOf(region: Region, pieces: readonly MapPiece[], cellBytes: number): Cell[] {
  const end = region.origin + region.bytes;
  const tallies = Array.from({ length: Math.ceil(region.bytes / cellBytes) }, () => new Tally());
  for (const span of spansOf(region, pieces)) {
    const first = Math.floor((span.from - region.origin) / cellBytes);
    // A result is a file, and may say anything of what lies behind the region.
    const last = Math.min(tallies.length, Math.ceil((span.to - region.origin) / cellBytes));
    for (let index = first; index < last; index++) {
      const from = Math.max(span.from, region.origin + index * cellBytes);
      const to = Math.min(span.to, region.origin + (index + 1) * cellBytes);
      tallies[index]!.add(span, to - from, span.begins && index === first);
    }
  }
  return tallies.map((tally, index) => {
    const address = region.origin + index * cellBytes;
    return { address, bytes: Math.min(cellBytes, end - address), ...tally.winner() };
  });
}

/** The region without gaps: what the map does not reach is broken. */
function* spansOf(region: Region, pieces: readonly MapPiece[]): Generator<Span> {
  let at = region.origin;
  let afterHole = false;
  for (const piece of pieces) {
    if (piece.address < region.origin || piece.address >= region.origin + region.bytes) continue;
    if (piece.address > at) yield { from: at, to: piece.address, kind: 'broken', begins: false };
    yield* spansOfPiece(piece, afterHole);
    at = piece.address + piece.bytes;
    afterHole = piece.kind === 'hole';
  }
  const end = region.origin + region.bytes;
  if (at < end) yield { from: at, to: end, kind: 'broken', begins: false };
}

function* spansOfPiece(piece: MapPiece, afterHole: boolean): Generator<Span> {
  const { kind, address: from, bytes, payload = from, owner = 'unknown' } = piece;
  const to = from + bytes;
  if (kind === 'hole') yield { from, to, kind: 'hole', begins: afterHole };
  else if (kind === 'bookkeeping') yield { from, to, kind: 'header', begins: false };
  else {
    const body = Math.min(Math.max(payload, from), to);
    if (body > from) yield { from, to: body, kind: 'header', begins: false };
    if (to > body) yield { from: body, to, kind: 'used', owner, begins: true };
  }
}

/** Where two cover the same, what is used is seen first: a block as small as its header still shows. */
const PRECEDENCE: readonly Cell['kind'][] = ['used', 'hole', 'header', 'broken'];

class Tally {
  private readonly entries: {
    kind: Cell['kind'];
    owner: string | undefined;
    bytes: number;
    begins: boolean;
  }[] = [];

  add({ kind, owner }: Span, bytes: number, begins: boolean): void {
    const known = this.entries.find((entry) => entry.kind === kind && entry.owner === owner);
    if (known === undefined) this.entries.push({ kind, owner, bytes, begins });
    else {
      known.bytes += bytes;
      known.begins ||= begins;
    }
  }

  winner(): Pick<Cell, 'kind' | 'owner' | 'begins'> {
    const rank = (kind: Cell['kind']) => PRECEDENCE.indexOf(kind);
    const [first] = this.entries.sort((a, b) => b.bytes - a.bytes || rank(a.kind) - rank(b.kind));
    const { kind, owner, begins } = first!;
    return { kind, owner, begins };
  }
}
