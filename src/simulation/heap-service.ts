/**
 * Heap calls as tasks make them: the scheduler suspended, the call made, its cycles spent, observers told,
 * the scheduler resumed. Also keeps the list of live blocks.
 */

import type { HeapCallKind } from '../costs/cost-table.js';
import { ByteBudget, type CompactionBudget, type FullnessClient, UNLIMITED } from '../heaps/handle-heap.js';
import { NULL } from '../heaps/heap.js';
import { freeObjects } from '../heaps/library.js';
import { freeBytesOf } from '../heaps/look.js';
import type { Position } from '../input/index.js';
import type { KernelObject, KernelStorage, Task } from '../kernel/index.js';
import { Stop } from '../kernel/index.js';
import type { Block, CompactionLimit, Request } from '../scenario/firmware.js';
import type { Board } from './board.js';
import { CompactionMeter, CycleBudget } from './compaction-meter.js';
import { Contents } from './contents.js';
import { DeferredFrees } from './deferred-frees.js';
import type { HeapCallInProgress, RunEvents } from './events.js';
import { type CacheObjects, FirmwareCaches, type HeapCalls } from './firmware-caches.js';

/** Counts heap calls over resets; the run ends when `limit` have been made. */
export interface OperationBudget {
  made: number;
  readonly limit: number;
}

/** Blocks to free just before a heap call, to see what that would have changed. */
export interface Release {
  /** The how-manieth heap call of the run, from 1. */
  readonly operation: number;
  /** The blocks' serial numbers since power-on. */
  readonly serials: readonly number[];
}

/** What a run may do differently from the device; see RunSettings. */
export interface Experiments {
  readonly checkEveryCall?: boolean;
  readonly stopAtFirstFailure?: boolean;
  readonly release?: Release;
  /** What the firmware writes behind its blocks is not written. */
  readonly withoutOverflows?: boolean;
}

/** How long a run of so many heap calls goes on without one. */
export const PATIENCE_SECONDS = 3600;

const FROM_MALLOC = { cache: undefined, objects: 1 };

export class HeapService implements KernelStorage, HeapCalls {
  private serial = 0;
  /** A heap without asserts takes no notice of a block whose header is broken. */
  private readonly mayIgnoreFrees: boolean;
  private readonly patienceCycles: number;
  /** Those that an experiment has freed, and whose owners do not know. */
  private readonly released = new Set<Block>();
  readonly contents: Contents;
  readonly caches: FirmwareCaches;
  private readonly compactions: CompactionMeter;
  private readonly deferredFrees = new DeferredFrees((block) => this.free(block));
  /** Whose memory the call in progress is about; undefined between calls. */
  private allocating: Request | undefined;
  private freeing: Block | undefined;

  constructor(
    private readonly board: Board,
    private readonly events: RunEvents,
    private readonly budget: OperationBudget,
    private readonly experiments: Experiments,
    /** Where the script is that creates a task now. */
    private readonly position: () => Position | undefined,
  ) {
    this.mayIgnoreFrees = board.config.options.asserts === false;
    this.patienceCycles = board.clock.cycles(PATIENCE_SECONDS);
    this.contents = new Contents(board, events, this.released, experiments.withoutOverflows !== true);
    this.caches = new FirmwareCaches(board, events, this);
    this.compactions = new CompactionMeter(board, events);
    const { relocation } = board.handles;
    if (relocation !== undefined) relocation.watcher = this.compactions;
    const { deferral } = board.heap;
    // What is freed meanwhile pays for itself: it is not the asking call's work.
    if (deferral !== undefined) {
      deferral.client = (force) => this.compactions.aside(() => this.deferredFrees.heartbeat(force));
    }
  }

  /** What the heap is doing right now, for whoever has to say where it failed. */
  get callInProgress(): HeapCallInProgress | undefined {
    if (this.allocating !== undefined) return { kind: 'malloc', block: this.allocating };
    return this.freeing === undefined ? undefined : { kind: 'free', block: this.freeing };
  }

  /** `pvPortMalloc`. */
  malloc(bytes: number, request: Request): Block | undefined {
    return this.take(bytes, request, undefined);
  }

  take(bytes: number, request: Request, from: CacheObjects | undefined): Block | undefined {
    const { kernel, handles, memory } = this.board;
    kernel.assertInTask('malloc');
    kernel.scheduler.suspendAll();
    const { loads, stores } = memory;
    this.countOperation();
    this.allocating = request;
    const handle = from === undefined ? handles.allocate(bytes) : this.allocateFrom(from, bytes);
    this.spend('malloc', loads, stores);
    const block = handle === NULL ? this.refuse(bytes, request) : this.record(handle, bytes, request, from);
    kernel.scheduler.resumeAll();
    return block;
  }

  /** malloc serves where the heap has no caches, or no arrays of them. */
  private allocateFrom({ id, objects }: CacheObjects, bytes: number): number {
    const { handles } = this.board;
    if (id === undefined) return handles.allocate(bytes);
    if (objects === 1) return handles.allocateFrom!(id);
    return handles.allocateArrayFrom?.(id, objects) ?? handles.allocate(bytes);
  }

  /** `pvPortCalloc`: overflow is refused before the heap is asked; zeroing happens outside the suspension. */
  calloc(count: number, bytes: number, request: Request): Block | undefined {
    const total = count * bytes;
    if (total >= 2 ** 32) {
      this.board.kernel.assertInTask('calloc');
      return this.refuse(total, request);
    }
    const block = this.malloc(total, request);
    if (block !== undefined) this.contents.zero(block);
    return block;
  }

  /** Where it stands if the heap can, else malloc, copy, free: FreeRTOS has no realloc of its own. */
  realloc(old: Block, bytes: number, request: Request): Block | undefined {
    if (bytes === 0 && this.board.handles.keepsAtZero !== true) {
      this.free(old);
      return undefined;
    }
    const resized = this.resize(old, bytes, request);
    if (resized !== undefined) return resized;
    const block = this.malloc(bytes, request);
    if (block === undefined) return undefined;
    const { handles, memory } = this.board;
    memory.copy(handles.lock(block.handle), handles.lock(old.handle), Math.min(old.bytes, bytes));
    block.filledBytes = Math.min(old.filledBytes, bytes);
    block.pattern = old.pattern;
    handles.unlock(block.handle);
    handles.unlock(old.handle);
    this.free(old);
    return block;
  }

  /** Told as the free of one block and the allocation of another at the same place. */
  private resize(old: Block, bytes: number, request: Request): Block | undefined {
    const { kernel, handles, memory, blocks } = this.board;
    if (handles.resize === undefined || blocks.get(old.handle) !== old) return undefined;
    kernel.assertInTask('realloc');
    kernel.scheduler.suspendAll();
    this.countOperation();
    this.allocating = request;
    const { loads, stores } = memory;
    let block: Block | undefined;
    if (handles.resize(old.handle, bytes)) {
      this.spend('resize', loads, stores);
      blocks.delete(old);
      this.events.freed(old);
      block = this.record(old.handle, bytes, request, old);
      block.filledBytes = Math.min(old.filledBytes, bytes);
      block.pattern = old.pattern;
    } else {
      // The attempt is part of the malloc that follows.
      this.budget.made--;
    }
    kernel.scheduler.resumeAll();
    return block;
  }

  /** `vPortFree`; on a heap that lets interrupts free, also from there, without a suspension. */
  free(block: Block): void {
    const { kernel, heap } = this.board;
    if (heap.interruptsMayFree !== true) kernel.assertInTask('free');
    if (this.released.size > 0 && this.released.delete(block)) return;
    if (kernel.interrupted !== undefined) return this.freeNow(block);
    kernel.scheduler.suspendAll();
    this.freeNow(block);
    kernel.scheduler.resumeAll();
  }

  private freeNow(block: Block): void {
    const { handles, memory, blocks } = this.board;
    this.countOperation();
    this.freeing = block;
    const freeBytes = this.mayIgnoreFrees ? freeBytesOf(handles.heap) : undefined;
    const { loads, stores } = memory;
    freeObjects(handles, block.handle, block.objects);
    this.spend('free', loads, stores);
    // A stale pointer frees whatever lives at its address by now.
    const freed = blocks.get(block.handle);
    if (freed !== undefined) {
      blocks.delete(freed);
      // A heap without asserts ignores the free of a block whose header is broken: the block is lost.
      const isIgnored = freeBytes !== undefined && freeBytesOf(handles.heap) === freeBytes;
      if (isIgnored) this.events.freeIgnored(freed);
      else this.events.freed(freed);
    }
  }

  /** Has the heap free `perHeartbeat` of the blocks at each heartbeat; false: it has none. */
  deferFree(blocks: readonly Block[], perHeartbeat: number): boolean {
    this.board.kernel.assertInTask('defer free');
    if (this.board.heap.deferral === undefined) return false;
    this.deferredFrees.hang(blocks, perHeartbeat);
    return true;
  }

  // --- what the kernel asks of the heap ------------------------------------------------------------------

  /** Does a portion of what the heap leaves for the idle task; false: there is none. */
  idleWork(): boolean {
    const { idleWork } = this.board.heap;
    if (idleWork?.due() !== true) return false;
    this.timed('idle work', () => idleWork.run());
    return true;
  }

  taskDeleted(task: Task): void {
    this.timed('task deleted', () => this.board.heap.taskDeleted?.(task.number));
  }

  // --- blocks that move ----------------------------------------------------------------------------------

  /** Takes no time where the handle is the address, and nothing happens. */
  lock(block: Block): void {
    if (this.isRelocatable(block)) this.timed('lock', () => this.board.handles.lock(block.handle));
  }

  unlock(block: Block): void {
    if (this.isRelocatable(block)) this.timed('unlock', () => this.board.handles.unlock(block.handle));
  }

  /** Returns how many bytes were moved. */
  compact(limit: CompactionLimit | undefined): number {
    const { handles } = this.board;
    if (handles.relocation === undefined) return 0;
    let bytesMoved = 0;
    this.timed('compact', () => {
      bytesMoved = handles.compact(this.budgetFor(limit)).bytesMoved;
    });
    return bytesMoved;
  }

  /** Has the heap ask when it fills up. What the client does meanwhile is not the asking call's work. */
  answerFullness(client: FullnessClient): void {
    const { relocation } = this.board.handles;
    if (relocation !== undefined) relocation.client = () => this.compactions.aside(client);
  }

  /** Has the heap ask before it refuses a request, where it does. */
  answerExhaustion(client: () => void): void {
    const { exhaustion } = this.board.heap;
    if (exhaustion !== undefined) exhaustion.client = () => this.compactions.aside(client);
  }

  private isRelocatable(block: Block): boolean {
    return this.board.handles.relocation !== undefined && !this.released.has(block);
  }

  private budgetFor(limit: CompactionLimit | undefined): CompactionBudget {
    if (limit === undefined) return UNLIMITED;
    return 'bytes' in limit ? new ByteBudget(limit.bytes) : new CycleBudget(this.board, limit.cycles);
  }

  /** A call that no cost table knows, and that is not counted as one of the run's heap calls. */
  timed(name: string, call: () => void): void {
    const { kernel, memory, heap, config } = this.board;
    kernel.assertInTask(name);
    kernel.scheduler.suspendAll();
    const { loads, stores } = memory;
    call();
    if (this.experiments.checkEveryCall === true) heap.check();
    const { compactions } = this;
    const accesses = compactions.accessesBeside(loads, stores);
    const cycles = config.cost.work(accesses, 0) + compactions.takeCycles();
    if (cycles > 0) kernel.work(cycles);
    kernel.scheduler.resumeAll();
  }

  // --- the kernel's own objects -------------------------------------------------------------------------

  allocate(object: KernelObject, owner: string, bytes: number): number {
    const label = `${object}:${owner}`;
    const request = {
      owner: object === 'queue' ? label : owner,
      label,
      at: this.position(),
      forKernel: true,
    };
    const block = this.malloc(bytes, request);
    if (block === undefined) return NULL;
    // The kernel keeps addresses, so these must never move.
    this.board.handles.lock(block.handle);
    return block.handle;
  }

  release(_object: KernelObject, _owner: string, handle: number): void {
    const block = this.board.blocks.get(handle);
    // Gone already where an experiment released it.
    if (block !== undefined) this.free(block);
  }

  // --- one call -----------------------------------------------------------------------------------------

  /** A run that counts heap calls ends too when none comes any more. */
  private waitOn(): void {
    const { kernel, clock } = this.board;
    kernel.endCycle = clock.cycle + this.patienceCycles;
  }

  /** Their owners do not know: what they do with these blocks from now on does nothing. */
  private releaseBlocks(serials: readonly number[]): void {
    const { blocks, handles } = this.board;
    for (const block of blocks.withSerials(new Set(serials))) {
      freeObjects(handles, block.handle, block.objects);
      blocks.delete(block);
      this.released.add(block);
      this.events.freed(block);
    }
  }

  private countOperation(): void {
    if (this.budget.made >= this.budget.limit) throw new Stop('end');
    this.budget.made++;
    if (this.budget.limit !== Number.POSITIVE_INFINITY) this.waitOn();
    if (this.budget.made === this.experiments.release?.operation)
      this.releaseBlocks(this.experiments.release.serials);
  }

  /** Lets the call's time pass; `loads` and `stores` are the memory's counters before it. */
  private spend(kind: HeapCallKind, loads: number, stores: number): void {
    const { memory, heap, config, kernel } = this.board;
    const { compactions } = this;
    const cycles =
      config.cost.price(kind, heap, memory, loads + compactions.loads, stores + compactions.stores) +
      compactions.takeCycles();
    if (this.experiments.checkEveryCall === true) heap.check();
    this.allocating = undefined;
    this.freeing = undefined;
    if (kernel.interrupted !== undefined) kernel.workInInterrupt(cycles);
    else if (cycles > 0) kernel.work(cycles);
    this.events.heapCalled(kind, cycles, config.cost);
  }

  private record(
    handle: number,
    bytes: number,
    request: Request,
    { cache, objects }: Pick<Block, 'cache' | 'objects'> = FROM_MALLOC,
  ): Block {
    const block: Block = {
      handle,
      bytes,
      cache,
      objects,
      serial: ++this.serial,
      label: request.label,
      owner: request.owner,
      at: request.forKernel === true ? undefined : request.at,
      allocatedCycle: this.board.clock.cycle,
      filledBytes: 0,
      pattern: this.serial,
    };
    this.board.blocks.set(block);
    this.events.allocated(block);
    return block;
  }

  refuse(bytes: number, request: Request): undefined {
    if (bytes === 0) {
      this.events.zeroSizeRequest(request);
    } else {
      this.events.outOfMemory(request, bytes);
      if (this.experiments.stopAtFirstFailure === true) throw new Stop('end');
    }
  }
}
