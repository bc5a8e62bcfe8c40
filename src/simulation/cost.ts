/** What a heap call costs in time on the target. */

import type { CostTable, HeapCallKind } from '../costs/cost-table.js';
import { type Build, deviceCostTable, unmeasuredOptions } from '../costs/files.js';
import type { HeapDefinition, HeapOptions } from '../heaps/definition.js';
import type { HeapView } from '../heaps/heap.js';
import { accessesSince, type Memory } from '../mcu/index.js';
import type { Target } from '../targets/target.js';

export interface CostModel {
  /** Said beside every figure that rests on it. */
  readonly source: string;
  /** Whether instruction counts are an estimate; cycles always are. */
  readonly estimated: boolean;
  /** Of the call priced last. */
  readonly instructions: number;
  /** Of the call priced last: its path was never measured, and the nearest one that was stands in. */
  readonly byNearestPath: boolean;
  /** Cycles of the call just made; `loads` and `stores` are the memory's counters before it. */
  price(kind: HeapCallKind, heap: HeapView, memory: Memory, loads: number, stores: number): number;
  /**
   * Cycles of what no table covers: locks and compactions. `accesses` of single words; `wordsMoved` are copied
   * on top of those.
   */
  work(accesses: number, wordsMoved: number): number;
}

/** Heap calls take no time, as in the recorded kernel schedules. */
export class NoCost implements CostModel {
  readonly source = 'no cost: heap calls take no time';
  readonly estimated = false;
  readonly instructions = 0;
  readonly byNearestPath = false;

  price(): number {
    return 0;
  }

  work(): number {
    return 0;
  }
}

/** By the path the call took, from a table measured on a Cortex-M3. */
export class MeasuredCost implements CostModel {
  readonly estimated: boolean;
  readonly source: string;
  instructions = 0;
  byNearestPath = false;

  /**
   * `core`: the target's; on another than the measured one the counts are only near, and so they are with
   * `changedOptions`, those that are not as they were measured.
   */
  constructor(
    private readonly table: CostTable,
    core: string,
    changedOptions: readonly string[],
  ) {
    const doubts = changedOptions.map((option) => `${option} is not as it was then`);
    if (core !== table.core) doubts.unshift(`the target's core is a ${core}`);
    this.estimated = doubts.length > 0;
    this.source = [table.build, ...doubts].join('; ');
  }

  price(kind: HeapCallKind, heap: HeapView): number {
    const { table } = this;
    table.price(kind, heap.lastCall);
    this.instructions = table.instructions;
    this.byNearestPath = !table.measured;
    return table.cycles;
  }

  work(accesses: number, wordsMoved: number): number {
    return estimatedCycles(accesses, wordsMoved);
  }
}

/**
 * For heaps and cores that nobody measured: a fixed part and one per memory access, fitted by least squares to
 * 13,170 measured calls of heap_2 and heap_4 (gcc 12.2 -Os, t1 and t2). Of these and as many of tlsf and o1heap,
 * which were not fitted, half come out within 14 %, the worst at 59 %; tlsf computes more than it accesses and
 * comes out 29 % too low in the median. 45 instructions are `xTaskResumeAll`'s; 1.8 cycles per instruction are the tables'
 * ratio.
 */
export class EstimatedCost implements CostModel {
  readonly source =
    'estimated from memory accesses, off by 14 % in the median and up to 59 % where it was tried';
  readonly estimated = true;
  readonly byNearestPath = false;
  instructions = 0;

  price(_kind: HeapCallKind, _heap: HeapView, memory: Memory, loads: number, stores: number): number {
    const accesses = accessesSince(loads, memory.loads) + accessesSince(stores, memory.stores);
    this.instructions = Math.round(45 + 15.6 + INSTRUCTIONS_PER_ACCESS * accesses);
    return Math.round(CYCLES_PER_INSTRUCTION * this.instructions);
  }

  work(accesses: number, wordsMoved: number): number {
    return estimatedCycles(accesses, wordsMoved);
  }
}

const INSTRUCTIONS_PER_ACCESS = 3.73;
const CYCLES_PER_INSTRUCTION = 1.8;

/**
 * By Arm's timings for the Cortex-M3 at zero wait states: a memmove that loads and stores four registers at a
 * time takes 5 + 5 cycles and 4 for its loop.
 */
const CYCLES_PER_WORD_MOVED = 3.5;

function estimatedCycles(accesses: number, wordsMoved: number): number {
  const bookkeeping = CYCLES_PER_INSTRUCTION * INSTRUCTIONS_PER_ACCESS * accesses;
  return Math.round(bookkeeping + CYCLES_PER_WORD_MOVED * wordsMoved);
}

export const COST_CHOICES = ['auto', 'gcc12-Os', 'gcc12-O2', 'estimate', 'none'] as const;
export type CostChoice = (typeof COST_CHOICES)[number];

/**
 * `auto` takes the -Os table on a Cortex-M where the heap has one, and the estimate elsewhere. A build by name
 * that the heap was not measured with is estimated too. Options that are not given are as they were measured.
 */
export function costModel(
  choice: CostChoice,
  heap: HeapDefinition,
  target: Target,
  options: HeapOptions = {},
): CostModel {
  if (choice === 'none') return new NoCost();
  const build = chosenBuild(choice, target);
  const table = build === undefined ? undefined : deviceCostTable(heap, build);
  if (table === undefined) return new EstimatedCost();
  return new MeasuredCost(table, target.core, unmeasuredOptions(heap, options));
}

function chosenBuild(choice: CostChoice, target: Target): Build | undefined {
  if (choice === 'gcc12-Os' || choice === 'gcc12-O2') return choice;
  return choice === 'auto' && target.core.startsWith('cortex-m') ? 'gcc12-Os' : undefined;
}
