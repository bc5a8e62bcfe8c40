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

/** A band reaches from one of these shares to the next, the last one to whatever is older. */
const BANDS = [0, 0.01, 0.1, 0.5];
/** Into how many parts the elapsed time is cut to tell a leak from a working set. */
const PARTS = 4;

/** Youngest first. Blocks without a birthday (of a broken heap) are left out. */
export function ageBands(pieces: readonly MapPiece[], nowCycle: number): AgeBand[] {
  const bands = BANDS.map((fromShare, index) => {
    return { fromShare, toShare: BANDS[index + 1] ?? 1, blocks: 0, bytes: 0 };
  });
  for (const { allocatedCycle, bytes } of pieces) {
    if (allocatedCycle === undefined) continue;
    const share = nowCycle === 0 ? 0 : (nowCycle - allocatedCycle) / nowCycle;
    let band = bands.length - 1;
    while (band > 0 && share < bands[band]!.fromShare) band--;
    bands[band]!.blocks++;
    bands[band]!.bytes += bytes;
  }
  return bands;
}

/**
 * Lines that have live blocks from every quarter of the elapsed time: what is freed in time leaves none from
 * the early ones, what is allocated once at the start leaves none from the late ones. Most bytes first.
 */
export function leakSuspects(pieces: readonly MapPiece[], nowCycle: number): LeakSuspect[] {
  const byLine = new Map<number, LineBlocks>();
  for (const { kind, at, allocatedCycle, bytes, owner = 'unknown', label = '' } of pieces) {
    if (kind !== 'used' || at === undefined || allocatedCycle === undefined) continue;
    let line = byLine.get(at.line);
    if (line === undefined) {
      line = { owner, label, blocks: 0, bytes: 0, oldestCycle: allocatedCycle, parts: new Set() };
      byLine.set(at.line, line);
    }
    line.blocks++;
    line.bytes += bytes;
    if (allocatedCycle < line.oldestCycle) line.oldestCycle = allocatedCycle;
    line.parts.add(Math.min(PARTS - 1, Math.floor((allocatedCycle / Math.max(1, nowCycle)) * PARTS)));
  }
  return [...byLine]
    .filter(([, { parts }]) => parts.size === PARTS)
    .map(([line, { owner, label, blocks, bytes, oldestCycle }]) => {
      return { line, owner, label, blocks, bytes, oldestCycles: nowCycle - oldestCycle };
    })
    .sort((a, b) => b.bytes - a.bytes);
}

/** The live blocks that one script line asked for; whose they are is said of the first. */
interface LineBlocks {
  readonly owner: string;
  readonly label: string;
  blocks: number;
  bytes: number;
  oldestCycle: number;
  /** The parts of the elapsed time that they are from. */
  readonly parts: Set<number>;
}
