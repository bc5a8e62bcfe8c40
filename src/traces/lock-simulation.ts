/**
 * Locks for a trace of accesses, as rmalloc's author simulated them: a program written for a relocating heap
 * would hold a block locked while it works on it, and that shows in how dense its accesses are.
 */

import { FREE, LOCK, MALLOC, type Trace, UNLOCK } from './trace.js';

/** By how much a block's life rises at an access of its own, and sinks at an operation on another block. */
const RISE = 1;
const SINK = 0.5;

/**
 * `trace`, whose lock and unlock pairs are accesses, with locks held instead while a block's life is above 0.
 * Blocks that are never freed are never locked. No lock is held when its block is freed.
 */
export function simulateLocks(trace: Trace): Trace {
  const freed = new Set<number>();
  for (let index = 0; index < trace.length; index++) {
    if (trace.kinds[index] === FREE) freed.add(trace.ids[index]!);
  }
  const lives = new Lives();
  const out = new Operations();
  for (let index = 0; index < trace.length; index++) {
    const kind = trace.kinds[index]!;
    const id = trace.ids[index]!;
    // One access is a pair; the second half says nothing new.
    if (kind === UNLOCK) continue;
    out.line = trace.source?.lines[index] ?? 0;
    for (const dead of lives.sinkAllBut(id)) out.push(UNLOCK, dead);
    if (kind === LOCK) {
      if (freed.has(id) && lives.rise(id)) out.push(LOCK, id);
    } else {
      if (kind !== MALLOC && lives.end(id)) out.push(UNLOCK, id);
      out.push(kind, id, trace.counts[index]!, trace.bytes[index]!, trace.caches?.[index]);
    }
  }
  return out.toTrace(trace);
}

/** The lives above 0, in the order in which they began. */
class Lives {
  private readonly byId = new Map<number, number>();

  /** Whether it begins to live. */
  rise(id: number): boolean {
    const life = this.byId.get(id);
    this.byId.set(id, (life ?? 0) + RISE);
    return life === undefined;
  }

  /** Whose life is over by that. */
  sinkAllBut(id: number): number[] {
    const dead: number[] = [];
    for (const [other, life] of this.byId) {
      if (other === id) continue;
      if (life > SINK) this.byId.set(other, life - SINK);
      else if (this.byId.delete(other)) dead.push(other);
    }
    return dead;
  }

  /** Whether it was alive. */
  end(id: number): boolean {
    return this.byId.delete(id);
  }
}

class Operations {
  /** Where those that are pushed next come from. */
  line = 0;
  private readonly kinds: number[] = [];
  private readonly ids: number[] = [];
  private readonly counts: number[] = [];
  private readonly bytes: number[] = [];
  private readonly caches: number[] = [];
  private readonly lines: number[] = [];

  push(kind: number, id: number, count = 1, bytes = 0, cache = 0): void {
    this.kinds.push(kind);
    this.ids.push(id);
    this.counts.push(count);
    this.bytes.push(bytes);
    this.caches.push(cache);
    this.lines.push(this.line);
  }

  toTrace({ name, idCount, caches, source }: Trace): Trace {
    return {
      name: `${name}, locks simulated`,
      length: this.kinds.length,
      kinds: Uint8Array.from(this.kinds),
      ids: Uint32Array.from(this.ids),
      counts: Uint32Array.from(this.counts),
      bytes: Uint32Array.from(this.bytes),
      idCount,
      ...(caches === undefined ? {} : { caches: Uint32Array.from(this.caches) }),
      ...(source === undefined ? {} : { source: { ...source, lines: Uint32Array.from(this.lines) } }),
    };
  }
}
