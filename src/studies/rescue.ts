/**
 * What would have saved a failed request: not guessed but tried. The same run is made again on every other
 * heap, with more RAM, and with the blockers released in time.
 */

import * as v from 'valibot';
import { catalog } from '../heaps/catalog.js';
import type { HeapDefinition, HeapOptions } from '../heaps/definition.js';
import { UserError } from '../input/index.js';
import { analyse } from '../inspect/analysis.js';
import type { OutOfMemoryEvent, RunResult } from '../inspect/result.js';
import type { Scenario } from '../scenario/scenario.js';
import { costModel } from '../simulation/cost.js';
import { type RunSettings, run } from '../simulation/run.js';
import type { Target } from '../targets/target.js';
import { attemptAt, RequestWatch } from './request-watch.js';
import { DEFAULT_SCAN, SizeSearch } from './smallest.js';
import { figuresOf, Trial, type TrialFigures } from './trial.js';

/** One attempt. */
export interface Remedy {
  readonly kind: 'as it was' | 'heap' | 'RAM' | 'release';
  /** `heap_4`, `+1,024 B`, `3 blocks of sampler released in time`. */
  readonly what: string;
  /** Whether this request succeeds then. */
  readonly saved: boolean;
  /** Whether the request is made at all then; undefined where there was no run. */
  readonly reached?: boolean;
  /** Whether the run came to an end of its own, so that the figures below are known. */
  readonly measured: boolean;
  /** Whether the run then comes to its end without a fault, a halt, or a failed request. */
  readonly clean: boolean;
  /** Out-of-memory events of the whole run then. */
  readonly outOfMemoryCount: number;
  /** Bytes for heap and statics together, beyond what the run had. */
  readonly extraBytes: number;
  readonly minimumEverFreeBytes: number;
  /** Of malloc, in cycles. */
  readonly mallocP99Cycles: number;
  /** Whether times are not those of paths measured with this heap on the target's core. */
  readonly estimated: boolean;
  readonly longestSuspensionCycles: number;
  readonly missedDeadlines: number;
  /** Why it could not be tried, or not to the end: no room on the chip, no size that passes, a script's error. */
  readonly note?: string;
}

/** Beyond this many times the heap's size no more RAM is tried. */
const MAXIMUM_GROWTH = 8;

/** `settings`: those of the run that `result` came from. */
export function remedies(
  scenario: Scenario,
  settings: RunSettings,
  result: RunResult,
  event: OutOfMemoryEvent,
): Remedy[] {
  const rescue = new Rescue(scenario, settings, result, event);
  const others = catalog.filter((heap) => heap.name !== settings.heap.name);
  return [
    rescue.asItWas(),
    ...others.map((heap) => rescue.onHeap(heap)),
    rescue.withMoreRam(),
    ...rescue.withBlockersReleased(),
  ];
}

class Rescue {
  /** Which of the requests from its place the event was. */
  private readonly attempt: number;
  private readonly baseBytes: number;
  /** What the scenario's own code last threw where it ran on another heap. */
  private scriptError: string | undefined;

  constructor(
    private readonly scenario: Scenario,
    private readonly settings: RunSettings,
    private readonly result: RunResult,
    private readonly event: OutOfMemoryEvent,
  ) {
    this.attempt = attemptAt(scenario, settings, event);
    this.baseBytes = figuresOf(result).footprintBytes;
  }

  asItWas(): Remedy {
    const { heap } = this.settings;
    return {
      kind: 'as it was',
      what: heap.name,
      saved: false,
      reached: true,
      ...this.figures(figuresOf(this.result)),
    };
  }

  /** Options that both heaps have are kept, but for what they rest on. */
  onHeap(heap: HeapDefinition): Remedy {
    const { settings } = this;
    const options = sharedOptions(heap, settings.options);
    const cost = costModel(settings.costChoice, heap, settings.target, options);
    const remedy = this.tried('heap', heap.name, { ...settings, heap, options, cost });
    return heap.createHandles === undefined || remedy.note !== undefined
      ? remedy
      : { ...remedy, note: 'for firmware that locks what it touches, as blocks move' };
  }

  /** The smallest heap of the same kind with which the whole run passes; RAM grows with it. */
  withMoreRam(): Remedy {
    const { settings } = this;
    const { bytes } = this.result.heap.regions[0]!;
    const { alignment } = settings.target;
    const sized = (size: number) => ({ ...settings, target: enlarged(settings.target, bytes, size) });
    const most = bytes * MAXIMUM_GROWTH;
    const range = { least: bytes + alignment, most, step: alignment, scan: DEFAULT_SCAN };
    const smallest = new SizeSearch(range, (size) => this.passes(sized(size))).smallest();
    if (smallest !== undefined) return this.tried('RAM', 'more RAM', sized(smallest));
    return {
      ...UNMEASURED,
      kind: 'RAM',
      what: 'more RAM',
      saved: false,
      note: `no size up to ${MAXIMUM_GROWTH} times as much passes${this.scriptErrorText()}`,
    };
  }

  /** The blockers freed just before the request, as their owner could have done. Kernel objects cannot be. */
  withBlockersReleased(): Remedy[] {
    const blocks = analyse(this.result, this.event).blockers?.blocks ?? [];
    const serials = blocks.flatMap(({ serial, at }) =>
      serial === undefined || at === undefined ? [] : [serial],
    );
    if (serials.length === 0 || serials.length < blocks.length) return [];
    const owners = [...new Set(blocks.map((block) => block.owner))].join(', ');
    const what = `${serials.length === 1 ? '1 block' : `${serials.length} blocks`} of ${owners} released`;
    return [
      this.tried('release', what, {
        ...this.settings,
        release: { operation: this.event.operation, serials },
      }),
    ];
  }

  private tried(kind: Remedy['kind'], what: string, settings: RunSettings): Remedy {
    const trial = new Trial();
    const watch = new RequestWatch(this.event, this.attempt);
    try {
      const outcome = run(this.scenario, settings, [trial, watch]);
      const { faultReason } = trial;
      const figures = this.figures(trial.figures(outcome));
      const attempt = { kind, what, ...fateOf(watch), ...figures };
      return faultReason === undefined
        ? attempt
        : { ...attempt, measured: false, note: `ends in a fault: ${faultReason}` };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { ...UNMEASURED, kind, what, ...fateOf(watch), note: problemText(error) };
    }
  }

  private scriptErrorText(): string {
    return this.scriptError === undefined ? '' : `; with one, ${this.scriptError}`;
  }

  /** Whether the run ends well; it is cut short at the first failure. One whose script throws does not. */
  private passes(settings: RunSettings): boolean {
    let failed = false;
    const watcher = {
      outOfMemory: () => {
        failed = true;
      },
    };
    try {
      const outcome = run(this.scenario, { ...settings, stopAtFirstFailure: true }, [watcher]);
      return outcome === 'finished' && !failed;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.scriptError = problemText(error);
      return false;
    }
  }

  private figures({ clean, outOfMemoryCount, footprintBytes, ...others }: TrialFigures) {
    const extraBytes = footprintBytes - this.baseBytes;
    return { measured: true, clean, outOfMemoryCount, extraBytes, ...others };
  }
}

const UNMEASURED = {
  measured: false,
  clean: false,
  outOfMemoryCount: 0,
  extraBytes: 0,
  minimumEverFreeBytes: 0,
  mallocP99Cycles: 0,
  estimated: false,
  longestSuspensionCycles: 0,
  missedDeadlines: 0,
};

function fateOf({ fate }: RequestWatch): Pick<Remedy, 'saved' | 'reached'> {
  return { saved: fate === 'served', reached: fate !== 'not made' };
}

/** The first problem, with its place if that is a line of a script. */
function problemText({ problems }: UserError): string {
  const { code, file, start, message } = problems[0]!;
  if (code !== 'script-error' || file === undefined) return message;
  const place = start === undefined ? file : `${file}:${start.line}`;
  return `its own code ended the run at ${place}: ${message}`;
}

function sharedOptions(heap: HeapDefinition, options: HeapOptions): HeapOptions {
  const known = v.parse(heap.options, {});
  // Heaps may use one name with different values. What one rests on says nothing of another.
  const shared = Object.entries(options).filter(
    ([name, value]) =>
      name !== 'inner' && Object.hasOwn(known, name) && v.safeParse(heap.options, { [name]: value }).success,
  );
  return v.parse(heap.options, Object.fromEntries(shared));
}

/** The chip with a heap of `size` instead of `bytes`, and as much more RAM. */
function enlarged(target: Target, bytes: number, size: number): Target {
  const regions = target.regions.map((region, index) => {
    // Kept in words: a region ends at one.
    return index === 0 ? { ...region, bytes: region.bytes + Math.ceil((size - bytes) / 4) * 4 } : region;
  });
  return { ...target, regions, heapBytes: size };
}
