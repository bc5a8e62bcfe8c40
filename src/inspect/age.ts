/** Live blocks by age, and the script lines that look like leaks. */

import type { MapPiece } from './result.js';

/** A share of the time from power-on to the event. */
export interface AgeBand {
  /** A block belongs here when its age is at least this share of the elapsed time. */
  readonly fromShare: number;
  readonly toShare: number;
  readonly blocks: number;
  readonly bytes: number;
}

export interface LeakSuspect {
  readonly line: number;
  readonly owner: string;
  readonly label: string;
  readonly blocks: number;
  readonly bytes: number;
  /** Age of the oldest one. */
  readonly oldestCycles: number;
}

const EDGES = [0, 0.01, 0.1, 0.5, 1];
/** Into how many parts the elapsed time is cut to tell a leak from a working set. */
const PARTS = 4;

/** Youngest first. Blocks without a birthday (of a broken heap) are left out. */
export function ageBands(pieces: readonly MapPiece[], nowCycle: number): AgeBand[] {
  return EDGES.slice(1).map((toShare, index) => {
    const fromShare = EDGES[index]!;
    const inBand = pieces.filter((piece) => {
      if (piece.allocatedCycle === undefined) return false;
      const share = nowCycle === 0 ? 0 : (nowCycle - piece.allocatedCycle) / nowCycle;
      return share >= fromShare && (share < toShare || toShare === 1);
    });
    return {
      fromShare,
      toShare,
      blocks: inBand.length,
      bytes: inBand.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  });
}

/**
 * Lines that have live blocks from every quarter of the elapsed time: what is freed in time leaves none from
 * the early ones, what is allocated once at the start leaves none from the late ones. Most bytes first.
 */
export function leakSuspects(pieces: readonly MapPiece[], nowCycle: number): LeakSuspect[] {
  const byLine = new Map<number, MapPiece[]>();
  for (const piece of pieces) {
    if (piece.kind !== 'used' || piece.at === undefined || piece.allocatedCycle === undefined) continue;
    const sameLine = byLine.get(piece.at.line) ?? [];
    sameLine.push(piece);
    byLine.set(piece.at.line, sameLine);
  }
  return [...byLine.entries()]
    .filter(([, blocks]) => fromEveryPart(blocks, nowCycle))
    .map(([line, blocks]) => ({
      line,
      owner: blocks[0]!.owner ?? 'unknown',
      label: blocks[0]!.label ?? '',
      blocks: blocks.length,
      bytes: blocks.reduce((sum, block) => sum + block.bytes, 0),
      oldestCycles:
        nowCycle - blocks.reduce((oldest, block) => Math.min(oldest, block.allocatedCycle!), nowCycle),
    }))
    .sort((a, b) => b.bytes - a.bytes);
}

function fromEveryPart(blocks: readonly MapPiece[], nowCycle: number): boolean {
  const parts = new Set(
    blocks.map((block) =>
      Math.min(PARTS - 1, Math.floor((block.allocatedCycle! / Math.max(1, nowCycle)) * PARTS)),
    ),
  );
  return parts.size === PARTS;
}
