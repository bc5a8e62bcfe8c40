/**
 * A run's result: plain data with a version, written by `heaplab run --out` and read by `heaplab inspect`
 * through this one schema. Times are cycles of the target's clock unless the name says otherwise; cycles
 * count from power-on. Sizes are bytes.
 */

import * as v from 'valibot';
import { type Problem, UserError } from '../input/index.js';
import { FAULT_KINDS } from '../mcu/index.js';
import { OUTCOMES } from '../scenario/scenario.js';
import { COST_CHOICES } from '../simulation/cost.js';
import { CAUSES } from './cause.js';

/** Grows with every change after which an old result would be read wrong, or not at all. */
export const RESULT_VERSION = 3;

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Position = v.object({ line: Count, column: Count });

/** One piece of the arena; used ones say whose they are. */
const Piece = v.object({
  kind: v.picklist(['used', 'hole', 'bookkeeping']),
  address: Count,
  bytes: Count,
  /** Of a used block: where the caller's bytes begin, and how many were asked for. */
  payload: v.optional(Count),
  requested: v.optional(Count),
  owner: v.optional(v.string()),
  label: v.optional(v.string()),
  at: v.optional(Position),
  allocatedCycle: v.optional(Count),
  /** The how-manieth allocation since power-on it was. */
  serial: v.optional(Count),
  /** Of a used block where blocks move: what names it, and if it is locked, how often. */
  handle: v.optional(Count),
  locks: v.optional(Count),
  /** Address of the slab or page that it lies in: {@link import('../heaps/heap.js').HeapView.walkPages}. */
  page: v.optional(Count),
});

/** A page that belongs to a task, or to all together. */
const PageOwner = v.object({ page: Count, owner: v.string() });

/** A locked block that a compaction could not move, and how much larger the largest hole would be without it. */
const Pin = v.object({ ...Piece.entries, cost: Count });

/** The named formulas of fragmentation; each 0 (none) to 1, `linuxIndex` is -1 where a hole would have done. */
const Fragmentation = v.object({
  /** 1 - largest hole / free bytes. */
  external: v.number(),
  /** umm_malloc: 1 - floor(sqrt(sum of squares)) / free bytes. */
  ummMalloc: v.number(),
  /** Pigweed, Sawicki: 1 - sqrt(sum of squares) / free bytes. */
  pigweed: v.number(),
  /** Linux's unusable free space index: share of the free bytes in holes too small for the request. */
  unusable: v.number(),
  /** Linux's fragmentation_index: towards 0 lack of memory, towards 1 fragmentation. */
  linuxIndex: v.number(),
  /** 1 - requested / allocated, over live blocks. */
  internal: v.number(),
});

/** What the heap's own statistics say (`vPortGetHeapStats`): {@link import('../heaps/heap.js').HeapStats}. */
const Stats = v.object({
  freeBytes: Count,
  largestHoleBytes: Count,
  smallestHoleBytes: Count,
  holes: Count,
  minimumEverFreeBytes: Count,
  allocations: Count,
  frees: Count,
  extension: v.optional(v.literal(true)),
});

/** What has become of the memory of the heap's pages: {@link import('../heaps/heap.js').PageMemory}. */
const PageMemory = v.object({
  committedBytes: Count,
  pendingBytes: Count,
  resetBytes: Count,
  mostResetBytes: Count,
});

/** One size class, cache or pool of the heap: {@link import('../heaps/heap.js').SizeClass}. */
const SizeClass = v.object({
  objectBytes: v.optional(Count),
  name: v.optional(v.string()),
  of: v.optional(v.string()),
  isCache: v.boolean(),
  /** The firmware's name for the cache. */
  cacheName: v.optional(v.string()),
  /** Whether the request went to it. */
  asked: v.boolean(),
  pageWord: v.picklist(['slab', 'page']),
  pageBytes: Count,
  pages: Count,
  liveObjects: Count,
  freeObjects: Count,
  freeBytes: Count,
});

const OwnedBytes = v.object({ owner: v.string(), blocks: Count, bytes: Count, requested: Count });
const LineBytes = v.object({ line: Count, owner: v.string(), blocks: Count, bytes: Count, requested: Count });

const OutOfMemory = v.object({
  /** From 1, over the whole run. */
  number: Count,
  /** The how-manieth heap call of the run it was, from 1. */
  operation: Count,
  cause: v.picklist(CAUSES),
  /** Where the block would have had to lie: at a multiple of `needed` from here. Anywhere if absent. */
  gridOrigin: v.optional(Count),
  tick: Count,
  cycle: Count,
  /** `-` before the scheduler runs. */
  task: v.string(),
  label: v.string(),
  at: v.optional(Position),
  requested: Count,
  /** With header and rounding. */
  needed: Count,
  freeBytes: Count,
  /** The heap's own counter, which may differ from the holes' sum. */
  freeCounter: Count,
  /** Absent where the heap keeps none, or its list is broken. */
  heapStats: v.optional(Stats),
  /** Absent where the heap has none, or is broken. */
  classes: v.optional(v.array(SizeClass)),
  /** Absent where the heap gives nothing back, or is broken. */
  pageMemory: v.optional(PageMemory),
  largestHole: Count,
  holes: Count,
  fragmentation: Fragmentation,
  liveByOwner: v.array(OwnedBytes),
  liveByLine: v.array(LineBytes),
  map: v.array(Piece),
  /** Where tasks have pages of their own. */
  pageOwners: v.optional(v.array(PageOwner)),
  /** With the cause `pinned`: the locked blocks with a hole below them. */
  pins: v.optional(v.array(Pin)),
  /** Why the map ends early: the heap's structure was broken by then. */
  corruption: v.optional(v.string()),
});

/** Blocks being moved together, inside a call. */
const CompactionEvent = v.object({
  /** From 1, over all compactions of the run. */
  number: Count,
  trigger: v.picklist(['failure', 'lower', 'higher', 'call']),
  tick: Count,
  cycle: Count,
  task: v.string(),
  bytesMoved: Count,
  blocksMoved: Count,
  /** Of the compaction itself. */
  cycles: Count,
  /** Of the call in which it took place, and of all around it that kept the scheduler suspended. */
  suspension: Count,
  largestHoleBefore: Count,
  largestHoleAfter: Count,
  /** Locked blocks met with a hole below them. */
  blocksInTheWay: Count,
  /** False where a budget stopped it. */
  finished: v.boolean(),
  /** What was in the way of one that finished. */
  pins: v.array(Pin),
});

const Compactions = v.object({
  count: Count,
  bytesMoved: Count,
  blocksMoved: Count,
  cycles: Count,
  longestCycles: Count,
  /** Those that moved something or that a request was waiting for, the first ones in full. */
  events: v.array(CompactionEvent),
});

const NO_COMPACTIONS = {
  count: 0,
  bytesMoved: 0,
  blocksMoved: 0,
  cycles: 0,
  longestCycles: 0,
  events: [],
};

const Sample = v.object({ cycle: Count, freeBytes: Count, largestHole: Count, liveBlocks: Count });

/** Of whatever runs or holds blocks. */
const TaskStatistics = v.object({
  name: v.string(),
  kind: v.picklist(['task', 'interrupt', 'queue']),
  runCycles: Count,
  allocations: Count,
  frees: Count,
  failures: Count,
  liveBytes: Count,
  peakLiveBytes: Count,
  missedDeadlines: Count,
  worstLatenessCycles: Count,
  /** Waited because another task had suspended the scheduler. */
  heldUpCycles: Count,
  longestHeldUpCycles: Count,
  longestHeldUpBy: v.string(),
});

/** Of one kind of heap call, exact to the unit: instructions of the named build, cycles estimated from them. */
const CallCost = v.object({ count: Count, p50: Count, p99: Count, maximum: Count });
const CallCosts = v.object({
  instructions: CallCost,
  cycles: CallCost,
  /** How many calls took a path that was never measured, so that the nearest one that was stands in. */
  byNearestPath: v.optional(Count, 0),
});
const Limits = v.object({ count: Count, total: Count, longest: Count, p50: Count, p99: Count });

/** A task or queue for which there was no room; told once, however often it was tried. */
const NotCreated = v.object({
  kind: v.picklist(['task', 'queue']),
  name: v.string(),
  /** What there was no room for, and its bytes, the first time. */
  object: v.picklist(['stack', 'tcb', 'queue']),
  bytes: Count,
  /** When that was; 0 may also be before the scheduler ran. */
  tick: Count,
  times: Count,
  /** Whether it was created another time, before or after. */
  created: v.boolean(),
});

const Expectation = v.object({
  what: v.string(),
  expected: v.string(),
  actual: v.string(),
  holds: v.boolean(),
});

/** The whole profile with all overrides applied: {@link import('../targets/target.js').Target}. */
const Target = v.object({
  id: v.string(),
  file: v.string(),
  name: v.string(),
  vendor: v.string(),
  core: v.string(),
  clockHertz: v.number(),
  tickHertz: v.number(),
  alignment: Count,
  source: v.string(),
  description: v.string(),
  regions: v.pipe(
    v.array(v.object({ name: v.string(), origin: Count, bytes: Count, heap: v.boolean() })),
    v.readonly(),
  ),
  staticDataBytes: Count,
  mainStackBytes: Count,
  heapBytes: v.optional(Count),
  kernel: v.object({
    objectsFromHeap: v.boolean(),
    tcbBytes: Count,
    queueBytes: Count,
    idleStackBytes: Count,
    priorities: Count,
  }),
});

const RunLength = v.variant('kind', [
  v.object({
    kind: v.literal('time'),
    time: v.object({ amount: v.number(), unit: v.picklist(['seconds', 'ticks', 'cycles']) }),
  }),
  v.object({ kind: v.literal('operations'), count: Count }),
]);

export const RunResultSchema = v.object({
  version: v.literal(RESULT_VERSION),
  scenario: v.object({
    name: v.string(),
    file: v.string(),
    description: v.string(),
    /** The file's text, so that the run can be made again whatever becomes of the file. */
    source: v.string(),
  }),
  target: Target,
  heap: v.object({
    name: v.string(),
    options: v.record(v.string(), v.union([v.boolean(), v.number(), v.string()])),
    staticBytes: Count,
    regions: v.array(v.object({ name: v.string(), origin: Count, bytes: Count })),
  }),
  cost: v.object({ choice: v.picklist(COST_CHOICES), source: v.string(), estimated: v.boolean() }),
  seed: Count,
  /** How long the run was to last, where that was not what the scenario says. */
  length: v.optional(RunLength),
  outcome: v.picklist(OUTCOMES),
  tick: Count,
  cycle: Count,
  resets: Count,
  operations: Count,
  allocations: Count,
  frees: Count,
  /** Blocks that the heap would not take back. */
  lostBlocks: Count,
  zeroSizeRequests: Count,
  live: v.object({ blocks: Count, requested: Count }),
  peakRequested: Count,
  freeBytes: Count,
  minimumEverFreeBytes: Count,
  largestHole: Count,
  /** At the end. */
  heapStats: v.optional(Stats),
  pageMemory: v.optional(PageMemory),
  worstFragmentation: v.number(),
  malloc: CallCosts,
  free: CallCosts,
  suspension: Limits,
  longestSuspensionBy: v.string(),
  missedDeadlines: Count,
  tasks: v.array(TaskStatistics),
  samples: v.array(Sample),
  /** All of them; `outOfMemory` holds the first ones in full. */
  outOfMemoryCount: Count,
  outOfMemory: v.array(OutOfMemory),
  compactions: v.optional(Compactions, NO_COMPACTIONS),
  fault: v.optional(
    v.object({
      kind: v.picklist([...FAULT_KINDS, 'corruption']),
      address: Count,
      reason: v.string(),
      /** Where the firmware was; in `main` the task is `-`. */
      context: v.picklist(['main', 'task', 'interrupt']),
      /** The task's or interrupt's name. */
      task: v.string(),
      tick: Count,
      at: v.optional(Position),
    }),
  ),
  /** Tasks and queues that the firmware went on without. */
  notCreated: v.array(NotCreated),
  lostContents: v.array(
    v.object({
      task: v.string(),
      tick: Count,
      label: v.string(),
      owner: v.string(),
      address: Count,
      at: v.optional(Position),
    }),
  ),
  expectations: v.array(Expectation),
  passed: v.boolean(),
});

export type RunResult = v.InferOutput<typeof RunResultSchema>;
export type OutOfMemoryEvent = v.InferOutput<typeof OutOfMemory>;
export type CompactionEvent = v.InferOutput<typeof CompactionEvent>;
export type CompactionTotals = v.InferOutput<typeof Compactions>;
export type PinnedPiece = v.InferOutput<typeof Pin>;
export type SizeClassResult = v.InferOutput<typeof SizeClass>;
export type MapPiece = v.InferOutput<typeof Piece>;
export type PageOwner = v.InferOutput<typeof PageOwner>;
export type FragmentationMeasures = v.InferOutput<typeof Fragmentation>;
export type CreationFailureResult = v.InferOutput<typeof NotCreated>;
export type TaskResult = v.InferOutput<typeof TaskStatistics>;
export type ExpectationResult = v.InferOutput<typeof Expectation>;

/** @throws UserError when `text` is no result of this version */
export function parseResult(text: string, file: string): RunResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw notAResult(file, 'it is no JSON');
  }
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version !== RESULT_VERSION) {
    throw otherVersion(file, version);
  }
  const parsed = v.safeParse(RunResultSchema, value);
  if (parsed.success) return parsed.output;
  throw notAResult(file, wrongPart(parsed.issues[0]));
}

function wrongPart(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? 'the top level';
  if (issue.input === undefined) return `"${path}" is missing`;
  return `"${path}" is ${issue.received}, where ${issue.expected} should be`;
}

function otherVersion(file: string, version: number): UserError {
  const age = version < RESULT_VERSION ? 'an older' : 'a newer';
  const problem: Problem = {
    code: 'syntax',
    file,
    message: `${age} heaplab wrote this result: it has version ${version}, this one reads version ${RESULT_VERSION}`,
    expected: 'a file written by this "heaplab run … --out result.json": make the run again',
  };
  return new UserError([problem]);
}

function notAResult(file: string, why: string): UserError {
  const problem: Problem = {
    code: 'syntax',
    file,
    message: `this is no result of a run: ${why}`,
    expected: 'a file written by "heaplab run … --out result.json"',
  };
  return new UserError([problem]);
}
