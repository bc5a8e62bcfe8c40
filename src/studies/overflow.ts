/**
 * A firmware that writes behind its blocks, on every heap: what it hits, when and how that is noticed, and what
 * is broken in the end. Tried, not guessed: each heap runs the scenario as it is, once more with `check()` after
 * every call, and once without the overflows, so that nothing is put down to them that happens anyway.
 */

import * as v from 'valibot';
import { type HeapOptions, ownOptions } from '../heaps/definition.js';
import type { Corruption } from '../heaps/heap.js';
import { type Position, UserError } from '../input/index.js';
import { type Damage, damageOf } from '../inspect/damage.js';
import { type Overwritten, overwrittenBy, sameThing } from '../inspect/overwritten.js';
import type { Fault } from '../mcu/index.js';
import type { Block } from '../scenario/firmware.js';
import type { Scenario } from '../scenario/scenario.js';
import type { Board } from '../simulation/board.js';
import { type CostChoice, costModel } from '../simulation/cost.js';
import type { Place, RunObserver } from '../simulation/events.js';
import { type RunSettings, run } from '../simulation/run.js';
import type { Target } from '../targets/target.js';
import type { Candidate } from './workload.js';

/** Of more the map is not looked at: that takes time for each. */
export const MAXIMUM_STUDIED = 200;

interface Moment {
  readonly tick: number;
  readonly cycle: number;
  /** Heap calls that had been made by then. */
  readonly calls: number;
}

/** The first overflow of a run. */
export interface FirstOverflow extends Moment {
  readonly task: string;
  readonly at?: Position;
  readonly label: string;
  readonly owner: string;
  readonly requested: number;
  readonly bytes: number;
}

export interface Notice extends Moment {
  /** An assert, one that looks at a canary, or whoever else saw it. */
  readonly by: 'assert' | 'canary' | 'chip' | 'endless loop' | 'check' | 'verify';
  readonly reason: string;
  readonly task: string;
  readonly at?: Position;
  /** The heap call in which it was noticed, and for which block. */
  readonly call?: {
    readonly kind: 'malloc' | 'free' | 'resize';
    readonly label: string;
    readonly owner: string;
  };
  /** After the first overflow that hit anything in use; 1 is the next call. */
  readonly callsLater: number;
  readonly ticksLater: number;
}

/** One heap's row. */
export interface OverflowTrial {
  readonly heap: string;
  /** Those that are not as the heap has them by default. */
  readonly options: HeapOptions;
  /** Why it could not be tried, or came to no overflow. */
  readonly note?: string;
  readonly first?: FirstOverflow;
  readonly overflows: number;
  /** What was hit, in order of first appearance, and by how many of the first {@link MAXIMUM_STUDIED}. */
  readonly overwritten: readonly (Overwritten & { readonly times: number })[];
  /** The first sign, without any checks. */
  readonly noticed?: Notice;
  /** What stopped the device, where contents that were lost had been the first sign. */
  readonly stopped?: Notice;
  /** With `check()` after every call of the heap. */
  readonly checked?: Notice;
  /** When the firmware's run ended. */
  readonly damage?: Damage;
  /** Requests that failed, with the overflows and without. */
  readonly outOfMemoryCount: number;
  readonly outOfMemoryWithout: number;
  /** Of the first request that fails only with them. */
  readonly firstOutOfMemoryTick?: number;
}

export interface OverflowStudy {
  /** The scenario's, for the places in it. */
  readonly file: string;
  /** A row for each heap, and one for each with the guards that it has. */
  readonly trials: readonly OverflowTrial[];
}

export function overflowStudy(
  scenario: Scenario,
  target: Target,
  seed: number,
  candidates: readonly Candidate[],
  { costChoice, onHeap }: { readonly costChoice: CostChoice; readonly onHeap?: (heap: string) => void },
): OverflowStudy {
  const trials = candidates.flatMap(variantsOf).map((candidate) => {
    const { heap, options } = candidate;
    onHeap?.(`${heap.name}, overflows`);
    try {
      const cost = costModel(costChoice, heap, target, options);
      return trial(scenario, { target, heap, options, seed, costChoice, cost });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { ...emptyTrial(candidate), note: error.problems[0]!.message };
    }
  });
  return { file: scenario.file, trials };
}

/** As chosen; with asserts, where those are off; and with all that the heap has against overflows. */
function variantsOf({ heap, options }: Candidate): Candidate[] {
  const variants = [options];
  if (options.asserts === false) variants.push({ ...options, asserts: true });
  if (heap.guards !== undefined) variants.push(v.parse(heap.options, { ...options, ...heap.guards }));
  const distinct = new Map(variants.map((chosen) => [JSON.stringify(chosen), chosen]));
  return [...distinct.values()].map((chosen) => ({ heap, options: chosen }));
}

function emptyTrial({ heap, options }: Candidate): OverflowTrial {
  return {
    heap: heap.name,
    options: ownOptions(heap, options),
    overflows: 0,
    overwritten: [],
    outOfMemoryCount: 0,
    outOfMemoryWithout: 0,
  };
}

function trial(scenario: Scenario, settings: RunSettings): OverflowTrial {
  const asItIs = watched(scenario, settings);
  const { first, overwritten, damage, times } = asItIs;
  const empty = emptyTrial(settings);
  if (first === undefined) return { ...empty, note: asItIs.whyNone };
  const without = watched(scenario, { ...settings, withoutOverflows: true });
  const noticed = asItIs.noticeBeside(without, asItIs.seen);
  const stopped = asItIs.noticeBeside(without, asItIs.stop);
  const checked = asItIs.harmfulSince === undefined ? undefined : checkedNotice(scenario, settings, without);
  return {
    ...empty,
    first,
    overflows: times,
    overwritten,
    ...(noticed !== undefined && { noticed }),
    ...(stopped !== undefined && noticed?.by === 'verify' && { stopped }),
    ...(checked !== undefined && { checked }),
    ...(damage !== undefined && { damage }),
    outOfMemoryCount: asItIs.failures.length,
    outOfMemoryWithout: without.failures.length,
    ...asItIs.firstFailureBeside(without),
  };
}

function checkedNotice(
  scenario: Scenario,
  settings: RunSettings,
  without: OverflowWatch,
): Notice | undefined {
  const watch = watched(scenario, { ...settings, checkEveryCall: true });
  return watch.noticeBeside(without, watch.stop);
}

function watched(scenario: Scenario, settings: RunSettings): OverflowWatch {
  const watch = new OverflowWatch();
  run(scenario, settings, [watch]);
  return watch;
}

type Sighting = Omit<Notice, 'callsLater' | 'ticksLater'>;

class OverflowWatch implements RunObserver {
  first: FirstOverflow | undefined;
  times = 0;
  readonly overwritten: (Overwritten & { times: number })[] = [];
  /** The first overflow that hit more than unused bytes. */
  harmfulSince: Moment | undefined;
  damage: Damage | undefined;
  /** Ticks of requests that failed. */
  readonly failures: number[] = [];
  /** The first sign that something was wrong. */
  seen: Sighting | undefined;
  /** What ended the run. */
  stop: Sighting | undefined;
  private board!: Board;
  private calls = 0;
  // --- what happens -------------------------------------------------------------------------------------

  booted(board: Board): void {
    this.board = board;
  }

  heapCalled(): void {
    this.calls++;
  }

  outOfMemory(): void {
    this.failures.push(this.board.kernel.scheduler.tick);
  }

  overflows(block: Block, address: number, bytes: number, { task, at }: Place): void {
    this.times++;
    const { label, owner, bytes: requested } = block;
    this.first ??= { ...this.now, task, ...(at !== undefined && { at }), label, owner, requested, bytes };
    if (this.times > MAXIMUM_STUDIED) return;
    const parts = overwrittenBy(this.board, block.handle, address, bytes);
    if (parts.some(({ what }) => what !== 'unused')) this.harmfulSince ??= this.now;
    const met = new Set<Overwritten>();
    for (const part of parts) {
      let known = this.overwritten.find((one) => sameThing(one, part));
      if (known === undefined) {
        known = { ...part, times: 0 };
        this.overwritten.push(known);
      }
      if (!met.has(known)) known.times++;
      met.add(known);
    }
  }

  contentsLost({ label, owner }: Block): void {
    const { scheduler } = this.board.kernel;
    const task = scheduler.isRunning ? scheduler.current!.name : '-';
    this.see('verify', `"${label}" of ${owner} does not hold what was written to it`, {
      task,
      at: undefined,
    });
  }

  faulted({ kind, reason }: Fault, place: Place): void {
    if (kind === 'endless-loop') this.see('endless loop', reason, place);
    else if (kind === 'unmapped' || kind === 'unaligned') this.see('chip', reason, place);
    else this.see(reason.includes('canary') ? 'canary' : 'assert', reason, place);
  }

  corrupted({ invariant }: Corruption, place: Place): void {
    this.see('check', invariant, place);
  }

  ended(): void {
    this.damage = damageOf(this.board);
  }

  private see(
    by: Notice['by'],
    reason: string,
    { task, at, call }: Pick<Place, 'task' | 'at' | 'call'>,
  ): void {
    const sighting = {
      ...this.now,
      by,
      reason,
      task,
      ...(at !== undefined && { at }),
      ...(call !== undefined && {
        call: { kind: call.kind, label: call.block.label, owner: call.block.owner },
      }),
    };
    this.seen ??= sighting;
    if (by !== 'verify') this.stop = sighting;
  }

  private get now(): Moment {
    const { clock, kernel } = this.board;
    return { tick: kernel.scheduler.tick, cycle: clock.cycle, calls: this.calls };
  }

  // --- what it means ------------------------------------------------------------------------------------

  /** Of a run without an overflow. */
  get whyNone(): string {
    if (this.seen !== undefined) return `the run ends before any overflow: ${this.seen.reason}`;
    return this.failures.length > 0
      ? 'requests fail before the firmware comes to an overflow'
      : 'the firmware comes to no overflow';
  }

  /** What was seen, if it was not seen in the same place without the overflows. */
  noticeBeside({ seen: otherSeen, stop }: OverflowWatch, seen: Sighting | undefined): Notice | undefined {
    const since = this.harmfulSince ?? this.first;
    if (seen === undefined || since === undefined) return undefined;
    const other = seen.by === 'verify' ? otherSeen : stop;
    if (other?.calls === seen.calls && other.reason === seen.reason) return undefined;
    return {
      ...seen,
      callsLater: seen.calls - since.calls + (seen.call === undefined ? 0 : 1),
      ticksLater: seen.tick - since.tick,
    };
  }

  /** The tick of the first request that failed, but not without the overflows. */
  firstFailureBeside({ failures }: OverflowWatch): { firstOutOfMemoryTick?: number } {
    const tick = this.failures.find((one, index) => one !== failures[index]);
    return tick === undefined ? {} : { firstOutOfMemoryTick: tick };
  }
}
