/**
 * The price of a heap call on a real core, by the path it took: instructions = a constant for the path + a
 * slope for each node the search stepped over + one for each node the insertion stepped over. The tables in
 * `costs/` were measured call by call on a Cortex-M3 build of the real C code and predict other traces without
 * an error, as far as these take paths that were measured. Cycles were not measured: they are Arm's instruction
 * timings at zero wait states.
 */

import type { HeapDefinition } from '../heaps/definition.js';
import type { HeapCall } from '../heaps/heap.js';
import { type Price, priceByNearestPath } from './nearest-path.js';
import { PathWords } from './paths.js';

/** `resize`: a block's size changed where it stands. */
export type HeapCallKind = 'malloc' | 'free' | 'resize';

export interface MeasuredPrice {
  readonly instructions: number;
  /** Several where code that the words do not tell apart takes different times. */
  readonly est_cycles_P2: readonly number[];
}

const VARIANTS = {
  plain: 'suspension a stub',
  kernel: "with the kernel's xTaskResumeAll",
  'kernel added': "with the kernel's xTaskResumeAll as measured around heap_4",
} as const;

/** A file of `costs/`, as it was measured. */
export interface CostTableFile {
  readonly heap: string;
  readonly variant: keyof typeof VARIANTS;
  readonly core: string;
  readonly compiler: string;
  readonly instructions: { readonly per_search_step: number; readonly per_insert_step: number };
  readonly est_cycles_P2: { readonly per_search_step: number; readonly per_insert_step: number };
  readonly paths: Readonly<Record<string, MeasuredPrice>>;
}

/** A path's constants. */
export interface PathPrice extends Price {
  readonly path: number;
  /** False where the nearest measured path stands in. */
  readonly measured: boolean;
}

export class CostTable {
  private readonly malloc: PathPrices;
  private readonly free: PathPrices;
  private readonly instructionsPerSearchStep: number;
  private readonly instructionsPerInsertStep: number;
  private readonly cyclesPerSearchStep: number;
  private readonly cyclesPerInsertStep: number;

  /** Of the call priced last. Instructions are exact for the named build where its path was measured. */
  instructions = 0;
  /** An estimate from Arm's timings; the pipeline's refill (1 to 3 cycles) moves it by up to 12 %. */
  cycles = 0;
  /** False where nobody measured what the call did, and the nearest path that was measured stands in. */
  measured = true;

  constructor(
    private readonly file: CostTableFile,
    heap: HeapDefinition,
  ) {
    this.malloc = new PathPrices(file, heap, 'malloc');
    this.free = new PathPrices(file, heap, 'free');
    const { instructions, est_cycles_P2: cycles } = file;
    this.instructionsPerSearchStep = instructions.per_search_step;
    this.instructionsPerInsertStep = instructions.per_insert_step;
    this.cyclesPerSearchStep = cycles.per_search_step;
    this.cyclesPerInsertStep = cycles.per_insert_step;
  }

  get core(): string {
    return this.file.core;
  }

  /** `gcc 12.2 -Os on cortex-m3, asserts off, with the kernel's xTaskResumeAll`. */
  get build(): string {
    const { compiler, core, variant } = this.file;
    return `${compiler} on ${core}, asserts off, ${VARIANTS[variant]}`;
  }

  /** What the call's path costs, without its steps. */
  pathPrice(kind: HeapCallKind, call: HeapCall): PathPrice {
    return (kind === 'free' ? this.free : this.malloc).of(call.path);
  }

  /** Of the whole call, where `path` is its path's price. */
  instructionsOf(path: PathPrice, call: HeapCall): number {
    return (
      path.instructions +
      call.searchSteps * this.instructionsPerSearchStep +
      call.insertSteps * this.instructionsPerInsertStep
    );
  }

  /**
   * Leaves what the call costs in {@link instructions}, {@link cycles} and {@link measured}. No resizing was
   * measured: it is priced as a malloc that does the same.
   */
  price(kind: HeapCallKind, call: HeapCall): void {
    const { searchSteps, insertSteps } = call;
    const path = this.pathPrice(kind, call);
    this.instructions = this.instructionsOf(path, call);
    this.cycles =
      path.cycles + searchSteps * this.cyclesPerSearchStep + insertSteps * this.cyclesPerInsertStep;
    this.measured = path.measured && kind !== 'resize';
  }
}

/** What paths of one kind of call cost. Others than the measured ones are worked out when they first come up. */
class PathPrices {
  private readonly words: PathWords;
  private readonly measured = new Map<number, PathPrice>();
  private readonly estimated = new Map<number, PathPrice>();
  /** The price asked for last in each slot. A heap takes few paths, and a Map for every call is slow. */
  private readonly recent: PathPrice[];

  constructor(file: CostTableFile, heap: HeapDefinition, kind: 'malloc' | 'free') {
    this.words = new PathWords(heap, kind);
    for (const [name, { instructions, est_cycles_P2 }] of Object.entries(file.paths)) {
      if (name !== kind && !name.startsWith(`${kind} `)) continue;
      const cycles = est_cycles_P2.reduce((sum, value) => sum + value, 0) / est_cycles_P2.length;
      const path = this.words.parse(name.slice(kind.length + 1));
      this.measured.set(path, { path, instructions, cycles: Math.round(cycles), measured: true });
    }
    this.recent = new Array<PathPrice>(2 ** SLOT_BITS).fill(NO_PATH);
  }

  of(path: number): PathPrice {
    const price = this.recent[slotOf(path)]!;
    return price.path === path ? price : this.lookUp(path);
  }

  private lookUp(path: number): PathPrice {
    const price = this.measured.get(path) ?? this.estimated.get(path) ?? this.estimate(path);
    this.recent[slotOf(path)] = price;
    return price;
  }

  private estimate(path: number): PathPrice {
    const price = { path, ...priceByNearestPath(this.measured, this.words, path), measured: false };
    this.estimated.set(path, price);
    return price;
  }
}

const SLOT_BITS = 10;

/** The product's highest bits, on which all bits of a path have an influence: hardly two share a slot. */
function slotOf(path: number): number {
  return Math.imul(path, 0x85eb_ca6b) >>> (32 - SLOT_BITS);
}

/** Fills a slot that has not been asked for: no path is below that of free(NULL), -1. */
const NO_PATH: PathPrice = { path: -2, instructions: 0, cycles: 0, measured: false };
