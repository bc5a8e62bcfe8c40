/**
 * The price of a heap call on a real core, by the path it took: instructions = a constant for the path + a
 * slope for each node the search stepped over + one for each node the insertion stepped over. The tables in
 * `costs/` were measured call by call on a Cortex-M3 build of the real C code and predict other traces without
 * an error. Cycles were not measured: they are Arm's instruction timings at zero wait states.
 */

import type { HeapDefinition } from '../heaps/definition.js';
import { type HeapCall, NULL_CALL } from '../heaps/heap.js';

export type HeapCallKind = 'malloc' | 'free';

interface Price {
  readonly instructions: number;
  readonly est_cycles_P2: readonly number[];
}

/** A file of `costs/`, as it was measured. */
export interface CostTableFile {
  readonly heap: string;
  /** `plain`: suspending the scheduler is a stub. `kernel`: with the real `xTaskResumeAll`. */
  readonly variant: string;
  readonly core: string;
  readonly compiler: string;
  readonly instructions: { readonly per_search_step: number; readonly per_insert_step: number };
  readonly est_cycles_P2: { readonly per_search_step: number; readonly per_insert_step: number };
  readonly paths: Readonly<Record<string, Price>>;
}

/** A path's constants. `seen` is false where the nearest measured path stands in. */
interface PathPrice {
  readonly instructions: number;
  readonly cycles: number;
  readonly seen: boolean;
}

export class CostTable {
  /** Priced by the nearest path because the calibration never saw theirs. */
  unseenCalls = 0;
  /** What has been looked up, by path + 1: a path is a small number, and that of free(NULL) is -1. */
  private readonly prices: Readonly<Record<HeapCallKind, PathPrice[]>> = { malloc: [], free: [] };
  private readonly measured: Readonly<Record<HeapCallKind, ReadonlyMap<number, Price>>>;

  constructor(
    private readonly file: CostTableFile,
    heap: HeapDefinition,
  ) {
    this.measured = {
      malloc: measuredPaths(file, 'malloc', heap.pathWords.malloc),
      free: measuredPaths(file, 'free', heap.pathWords.free),
    };
  }

  get core(): string {
    return this.file.core;
  }

  /** `gcc 12.2 -Os on cortex-m3, with the kernel's xTaskResumeAll`. */
  get build(): string {
    const { compiler, core, variant } = this.file;
    return `${compiler} on ${core}, ${variant === 'kernel' ? "with the kernel's xTaskResumeAll" : 'suspension a stub'}`;
  }

  /** Exact for the named build, where the path has been seen. */
  instructions(kind: HeapCallKind, call: HeapCall): number {
    const { per_search_step, per_insert_step } = this.file.instructions;
    const { instructions } = this.price(kind, call.path);
    return instructions + call.searchSteps * per_search_step + call.insertSteps * per_insert_step;
  }

  /** An estimate from Arm's timings; the pipeline's refill (1 to 3 cycles) moves it by up to 12 %. */
  cycles(kind: HeapCallKind, call: HeapCall): number {
    const { per_search_step, per_insert_step } = this.file.est_cycles_P2;
    const { cycles } = this.price(kind, call.path);
    return cycles + call.searchSteps * per_search_step + call.insertSteps * per_insert_step;
  }

  private price(kind: HeapCallKind, path: number): PathPrice {
    const prices = this.prices[kind];
    let price = prices[path + 1];
    if (price === undefined) {
      price = this.lookUp(kind, path);
      prices[path + 1] = price;
    }
    if (!price.seen) this.unseenCalls++;
    return price;
  }

  private lookUp(kind: HeapCallKind, path: number): PathPrice {
    const paths = this.measured[kind];
    const exact = paths.get(path);
    const { instructions, est_cycles_P2 } = exact ?? nearestPrice(paths, path);
    const cycles = est_cycles_P2.reduce((sum, value) => sum + value, 0) / est_cycles_P2.length;
    return { instructions, cycles: Math.round(cycles), seen: exact !== undefined };
  }
}

/** The table's paths of one kind, as bit sets of the heap's vocabulary. */
function measuredPaths(
  file: CostTableFile,
  kind: HeapCallKind,
  words: readonly string[],
): Map<number, Price> {
  const paths = new Map<number, Price>();
  for (const [name, price] of Object.entries(file.paths)) {
    const [first, ...rest] = name.split(' ');
    if (first === kind) paths.set(pathOf(rest, words, name), price);
  }
  return paths;
}

function pathOf(names: readonly string[], words: readonly string[], path: string): number {
  if (names[0] === 'NULL') return NULL_CALL;
  return names.reduce((bits, name) => {
    const bit = words.indexOf(name);
    if (bit < 0) throw new Error(`the cost table's path "${path}" has a word that the heap does not know`);
    return bits | (1 << bit);
  }, 0);
}

/** The measured path that differs in the fewest words; the cheaper of equals, so that the order is certain. */
function nearestPrice(paths: ReadonlyMap<number, Price>, path: number): Price {
  let best: Price | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const [candidate, price] of paths) {
    if (candidate === NULL_CALL) continue;
    const distance = bitCount(candidate ^ path);
    const better =
      distance < bestDistance || (distance === bestDistance && price.instructions < best!.instructions);
    if (better) {
      best = price;
      bestDistance = distance;
    }
  }
  if (best === undefined) throw new Error('a cost table without a path');
  return best;
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
