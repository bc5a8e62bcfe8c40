/** The observer that turns a run into its result. Its memory does not grow with the run's length. */

import type { HeapCallKind } from '../costs/cost-table.js';
import type { Compaction } from '../heaps/handle-heap.js';
import type { Corruption } from '../heaps/heap.js';
import { freeBytesOf, isBroken } from '../heaps/look.js';
import type { Queue, Task } from '../kernel/index.js';
import type { Fault } from '../mcu/index.js';
import { type Block, QUEUE_OWNER, type Request } from '../scenario/firmware.js';
import type { Outcome, Scenario } from '../scenario/scenario.js';
import type { Board } from '../simulation/board.js';
import type { CostModel } from '../simulation/cost.js';
import type { CreationFailure, Place, RunObserver } from '../simulation/events.js';
import type { RunSettings } from '../simulation/run.js';
import { holeSizes, liveByLine, liveByOwner, takeBlockMap, UNKNOWN_OWNER } from './block-map.js';
import { causeOf } from './cause.js';
import { CompactionLog } from './compaction-log.js';
import { CreationFailures } from './creation-failures.js';
import { judge } from './expectations.js';
import { externalFragmentation, fragmentationMeasures } from './fragmentation.js';
import { IntegerHistogram } from './histogram.js';
import { locksPrevented, pinsOf } from './pins.js';
import { type OutOfMemoryEvent, RESULT_VERSION, type RunResult, type SizeClassResult } from './result.js';
import { TaskStatistics } from './task-statistics.js';
import { measureHoles, Trend } from './trend.js';

/** Out-of-memory events recorded in full, with their block maps, unless told otherwise. */
export const DEFAULT_KEPT_EVENTS = 100;
/** Of their maps, all together: some 100 MB of JSON, which can still be read again in one piece. */
const MAXIMUM_KEPT_PIECES = 500_000;
/** What an event takes besides its map, as so many pieces of a map. */
const PIECES_PER_EVENT = 10;
const MAXIMUM_LOST_CONTENTS = 100;

/** What calls of one kind cost. */
class CallCosts {
  readonly instructions = new IntegerHistogram();
  readonly cycles = new IntegerHistogram();
  private byNearestPath = 0;

  add(cycles: number, cost: CostModel): void {
    this.instructions.add(cost.instructions);
    this.cycles.add(cycles);
    if (cost.byNearestPath) this.byNearestPath++;
  }

  get plain() {
    return {
      instructions: percentiles(this.instructions),
      cycles: percentiles(this.cycles),
      byNearestPath: this.byNearestPath,
    };
  }
}

/** Nothing where the heap keeps no such statistics, or is broken. */
function statsOf({ heap }: Board): Pick<RunResult, 'heapStats' | 'pageMemory'> {
  try {
    const heapStats = heap.stats?.();
    const pageMemory = heap.pageMemory?.();
    return { ...(heapStats !== undefined && { heapStats }), ...(pageMemory !== undefined && { pageMemory }) };
  } catch (broken) {
    if (isBroken(broken)) return {};
    throw broken;
  }
}

/** `asked` only where the last call was this request: the heap hears nothing of a calloc that overflows. */
/** `objects`: of a cache, if that was asked for an array. */
function classesOf(board: Board, requested: number, objects: number): SizeClassResult[] | undefined {
  try {
    return board.heap.classes?.().map(({ cache, ...one }) => ({
      ...one,
      isCache: cache !== undefined,
      ...(cache !== undefined && { cacheName: board.cacheNames.get(cache) }),
      asked: one.asked && requested <= (one.objectBytes ?? requested) * (cache === undefined ? 1 : objects),
    }));
  } catch (broken) {
    if (isBroken(broken)) return undefined;
    throw broken;
  }
}

function percentiles(histogram: IntegerHistogram) {
  const { count, maximum } = histogram;
  return { count, p50: histogram.percentile(0.5), p99: histogram.percentile(0.99), maximum };
}

export class Recorder implements RunObserver {
  private board!: Board;
  private readonly tasks = new TaskStatistics();
  private readonly trend = new Trend();
  private readonly malloc = new CallCosts();
  private readonly free = new CallCosts();
  private readonly suspension = new IntegerHistogram();
  private longestSuspension = 0;
  private longestSuspensionBy = '';
  private resets = 0;
  private allocations = 0;
  private frees = 0;
  private lostBlocks = 0;
  private operations = 0;
  private zeroSizeRequests = 0;
  private missedDeadlines = 0;
  private requestedBytes = 0;
  private peakRequested = 0;
  private minimumFreeBytes = Number.POSITIVE_INFINITY;
  private outOfMemoryCount = 0;
  private readonly events: OutOfMemoryEvent[] = [];
  private piecesLeft = MAXIMUM_KEPT_PIECES;
  private readonly compactions: CompactionLog;
  private fault: RunResult['fault'];
  private readonly creationFailures = new CreationFailures();
  private readonly lostContents: RunResult['lostContents'] = [];

  constructor(private readonly keptEvents = DEFAULT_KEPT_EVENTS) {
    this.compactions = new CompactionLog(keptEvents);
  }

  // --- what happens -------------------------------------------------------------------------------------

  booted(board: Board): void {
    this.board = board;
    this.requestedBytes = 0;
  }

  allocated(block: Block): void {
    this.allocations++;
    this.requestedBytes += block.bytes;
    if (this.requestedBytes > this.peakRequested) this.peakRequested = this.requestedBytes;
    const free = freeBytesOf(this.board.heap);
    if (free !== undefined && free < this.minimumFreeBytes) this.minimumFreeBytes = free;
    this.tasks.allocated(block);
    this.creationFailures.noteAllocated(block);
  }

  notCreated(failure: CreationFailure): void {
    this.creationFailures.add(failure, this.board.kernel.scheduler.tick);
  }

  freed(block: Block): void {
    this.frees++;
    this.requestedBytes -= block.bytes;
    this.tasks.freed(block);
  }

  /** The bytes stay out of use; nobody holds them. */
  freeIgnored(block: Block): void {
    this.tasks.lost(block);
    this.lostBlocks++;
  }

  heapCalled(kind: HeapCallKind, cycles: number, cost: CostModel): void {
    (kind === 'free' ? this.free : this.malloc).add(cycles, cost);
    this.operations++;
    this.trend.heapCalled(this.board);
  }

  zeroSizeRequest(): void {
    this.zeroSizeRequests++;
  }

  outOfMemory(request: Request, bytes: number): void {
    this.outOfMemoryCount++;
    this.tasks.failed(request.owner);
    this.trend.outOfMemory(this.board);
    if (this.events.length < this.keptEvents && this.piecesLeft >= 0) this.keep(request, bytes);
  }

  /** If there is room for the event. The first that finds none is the last that is looked at. */
  private keep(request: Request, bytes: number): void {
    const event = this.describe(request, bytes);
    this.piecesLeft -= event.map.length + PIECES_PER_EVENT;
    if (this.piecesLeft >= 0) this.events.push(event);
  }

  compactionBegan(): void {
    this.compactions.began(this.board);
  }

  compacted(compaction: Compaction, cycles: number): void {
    this.compactions.ended(this.board, compaction, cycles, this.currentTask());
  }

  switchedIn(task: Task): void {
    this.tasks.switchedIn(task.name, this.board.clock.cycle);
  }

  interruptRan(name: string, cycles: number): void {
    this.tasks.interruptRan(name, cycles);
  }

  /** Who sends a block that all tasks share need not be who holds it. */
  sent(_sender: string, queue: Queue, message: unknown): void {
    if (this.isLive(message)) this.tasks.moved(message, message.owner, `${QUEUE_OWNER}${queue.name}`);
  }

  received(receiver: string, _queue: Queue, message: unknown): void {
    if (this.isLive(message)) this.tasks.moved(message, message.owner, this.board.holderOf(receiver));
  }

  /** A firmware with a bug may also pass on a block that has been freed. */
  private isLive(message: unknown): message is Block {
    return typeof message === 'object' && this.board.blocks.get((message as Block).handle) === message;
  }

  suspensionEnded(holder: Task, cycles: number): void {
    this.suspension.add(cycles);
    this.compactions.suspensionEnded(cycles);
    if (cycles <= this.longestSuspension) return;
    this.longestSuspension = cycles;
    this.longestSuspensionBy = holder.name;
  }

  heldUp(victim: Task, holder: Task, cycles: number): void {
    this.tasks.heldUp(victim, holder, cycles);
  }

  missedDeadline(task: Task, _releaseCycle: number, lateCycles: number): void {
    this.missedDeadlines++;
    this.tasks.missedDeadline(task, lateCycles);
  }

  contentsLost(block: Block, address: number): void {
    if (this.lostContents.length >= MAXIMUM_LOST_CONTENTS) return;
    const { label, owner, at } = block;
    const task = this.currentTask();
    const place = at === undefined ? {} : { at };
    this.lostContents.push({ task, tick: this.board.kernel.scheduler.tick, label, owner, address, ...place });
  }

  faulted({ kind, address, reason }: Fault, place: Place): void {
    this.fault = { kind, address, reason, ...this.placed(place) };
  }

  corrupted({ address, invariant: reason }: Corruption, place: Place): void {
    this.fault = { kind: 'corruption', address, reason, ...this.placed(place) };
  }

  private placed({ context, task, at }: Place) {
    const { tick } = this.board.kernel.scheduler;
    return { context, task, tick, ...(at !== undefined && { at }) };
  }

  reset(): void {
    this.resets++;
    this.tasks.stopClock(this.board.clock.cycle);
    this.tasks.forgetBlocks();
  }

  ended(): void {
    this.tasks.stopClock(this.board.clock.cycle);
  }

  // --- an out-of-memory event ---------------------------------------------------------------------------

  private describe(request: Request, requested: number): OutOfMemoryEvent {
    const { heap, clock, kernel } = this.board;
    const { pieces: map, pageOwners, corruption } = takeBlockMap(this.board);
    const holes = holeSizes(map);
    const freeBytes = holes.reduce((sum, bytes) => sum + bytes, 0);
    const byOwner = liveByOwner(map);
    const { objects = 1 } = request;
    const classes = classesOf(this.board, requested, objects);
    // A cache's object need not be of the size that malloc would make of it.
    const askedClass = classes?.find(({ asked }) => asked);
    const { objectBytes, isCache = false } = askedClass ?? {};
    const needed =
      objectBytes === undefined ? heap.blockBytesFor(requested) : objectBytes * (isCache ? objects : 1);
    const pinned = corruption === undefined && locksPrevented(this.board, map, requested);
    const cause = causeOf(map, requested, needed, {
      largestBlockBytes: heap.largestBlockBytes?.(),
      pinned,
      regionStarts: this.board.layout.regions.map(({ origin }) => origin),
      askedPageBytes: askedClass?.pageBytes,
    });
    // Blocks that nobody owns any more say nothing about what was asked for.
    const known = byOwner.filter((entry) => entry.owner !== UNKNOWN_OWNER);
    const allocatedBytes = known.reduce((sum, entry) => sum + entry.bytes, 0);
    const requestedBytes = known.reduce((sum, entry) => sum + entry.requested, 0);
    return {
      number: this.outOfMemoryCount,
      operation: this.operations,
      cause,
      tick: kernel.scheduler.tick,
      cycle: clock.cycle,
      task: this.currentTask(),
      ...(heap.gridOrigin === undefined ? {} : { gridOrigin: heap.gridOrigin }),
      label: request.label,
      ...(request.at === undefined ? {} : { at: request.at }),
      requested,
      needed,
      freeBytes,
      freeCounter: freeBytesOf(heap) ?? freeBytes,
      ...statsOf(this.board),
      ...(classes === undefined ? {} : { classes }),
      largestHole: holes.reduce((largest, bytes) => Math.max(largest, bytes), 0),
      holes: holes.length,
      fragmentation: fragmentationMeasures(holes, needed, requestedBytes, allocatedBytes),
      liveByOwner: byOwner.map(({ owner, blocks, bytes, requested: asked }) => ({
        owner,
        blocks,
        bytes,
        requested: asked,
      })),
      liveByLine: liveByLine(map),
      map,
      ...(pageOwners === undefined ? {} : { pageOwners }),
      ...(cause === 'pinned' && { pins: pinsOf(this.board, map) }),
      ...(corruption === undefined ? {} : { corruption }),
    };
  }

  private currentTask(): string {
    const { scheduler } = this.board.kernel;
    return scheduler.isRunning ? scheduler.current!.name : '-';
  }

  private suspensions(): RunResult['suspension'] {
    const { count, total, maximum: longest } = this.suspension;
    return {
      count,
      total,
      longest,
      p50: this.suspension.percentile(0.5),
      p99: this.suspension.percentile(0.99),
    };
  }

  // --- the result ---------------------------------------------------------------------------------------

  /** After the run. `settings` and `scenario` are those of the run. */
  result(scenario: Scenario, settings: RunSettings, outcome: Outcome): RunResult {
    const { board } = this;
    const { target, heap, options, cost, seed } = settings;
    const { freeBytes, largestHole } = measureHoles(board) ?? { freeBytes: 0, largestHole: 0 };
    const worstFragmentation = Math.max(
      this.trend.worstFragmentation,
      externalFragmentation(freeBytes, largestHole),
    );
    // Where no request was served, free memory never was another than it is at the end.
    const served = this.minimumFreeBytes !== Number.POSITIVE_INFINITY;
    const minimumEverFreeBytes = served ? this.minimumFreeBytes : freeBytes;
    const unjudged = {
      version: RESULT_VERSION,
      scenario: {
        name: scenario.name,
        file: scenario.file,
        description: scenario.description,
        source: scenario.source,
      },
      target,
      heap: {
        name: heap.name,
        options: { ...options },
        staticBytes: heap.staticBytes(options),
        regions: board.layout.regions.map(({ name, origin, bytes }) => ({ name, origin, bytes })),
      },
      cost: { choice: settings.costChoice, source: cost.source, estimated: cost.estimated },
      seed,
      ...(settings.length !== undefined && { length: settings.length }),
      outcome,
      // Over all resets, unlike the kernel's own count.
      tick: Math.floor(board.clock.cycle / board.clock.cyclesPerTick),
      cycle: board.clock.cycle,
      resets: this.resets,
      operations: this.operations,
      allocations: this.allocations,
      frees: this.frees,
      lostBlocks: this.lostBlocks,
      zeroSizeRequests: this.zeroSizeRequests,
      live: { blocks: board.blocks.size, requested: this.requestedBytes },
      peakRequested: this.peakRequested,
      freeBytes,
      minimumEverFreeBytes,
      largestHole,
      ...statsOf(board),
      worstFragmentation,
      malloc: this.malloc.plain,
      free: this.free.plain,
      suspension: this.suspensions(),
      longestSuspensionBy: this.longestSuspensionBy,
      missedDeadlines: this.missedDeadlines,
      tasks: this.tasks.results(),
      samples: this.trend.samples,
      outOfMemoryCount: this.outOfMemoryCount,
      outOfMemory: this.events,
      compactions: this.compactions.plain,
      ...(this.fault === undefined ? {} : { fault: this.fault }),
      notCreated: this.creationFailures.results(),
      lostContents: this.lostContents,
    } as const;
    const expectations = judge(scenario.expect, unjudged, board.clock);
    const isEndBad = scenario.expect.outcome === undefined && ['fault', 'corrupted'].includes(outcome);
    const broken = isEndBad || this.lostContents.length > 0;
    return {
      ...unjudged,
      expectations,
      passed: !broken && expectations.every((expectation) => expectation.holds),
    };
  }
}
