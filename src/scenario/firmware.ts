/**
 * What a script needs from the device it runs on. The simulation implements it; scripts know nothing else.
 */

import type { HeapView } from '../heaps/heap.js';
import type { Position } from '../input/index.js';
import type { Kernel, MallocFailedHook, Program, Queue, Task } from '../kernel/index.js';

/** What the names of owners begin with that are no tasks: one may have the same name. */
export const QUEUE_OWNER = 'queue:';
export const INTERRUPT_OWNER = 'interrupt:';

/** A live block with what a developer would like to know about it in a debugger. */
export interface Block {
  readonly handle: number;
  /** What was asked for. */
  readonly bytes: number;
  /** The cache that it is from. */
  readonly cache: string | undefined;
  /** As an array of that cache: how many objects, else 1. */
  readonly objects: number;
  /** Counts allocations of the run, from 1. */
  readonly serial: number;
  /** The script's name for it, or `stack:A`, `tcb:A`, `queue:q`. */
  readonly label: string;
  /** Task that holds it now, or `queue:q` while it travels, or `interrupt:i` if that has received it. */
  owner: string;
  /** Where it was allocated; undefined for the kernel's own objects. */
  readonly at: Position | undefined;
  readonly allocatedCycle: number;
  /** Bytes that `fill` wrote and `verify` can expect, from the first on. */
  filledBytes: number;
  /** Tells the patterns of blocks apart; moves along with the contents. */
  pattern: number;
}

/** Who asks for memory, under which name, and where in the script. */
export interface Request {
  readonly owner: string;
  readonly label: string;
  readonly at: Position | undefined;
  /** For a stack, a control block or a queue: `at` is where the task is started, no step that holds a block. */
  readonly forKernel?: boolean;
  /** How many objects of a cache it is for, where it is for some. */
  readonly objects?: number;
}

/** A request to a cache; several objects are an array. */
export interface CacheRequest extends Request {
  readonly cache: string;
  readonly objects: number;
}

/** What the firmware does when there is no room for a task that it wants to create. */
export interface CreationPolicy {
  readonly mallocFailed: MallocFailedHook;
  /** How often `xTaskCreate` is called again, and after how many ticks. */
  readonly retries: number;
  readonly retryTicks: number;
}

/** What a heap tells of itself. */
export type HeapCounters = Pick<
  HeapView,
  'freeBytes' | 'minimumEverFreeBytes' | 'resetMinimumEverFreeBytes' | 'stats'
>;

/** How much a compaction may do: move so many bytes, or take so many cycles. Nothing: all there is to do. */
export type CompactionLimit = { readonly bytes: number } | { readonly cycles: number };

export interface Firmware {
  readonly kernel: Kernel;
  readonly heapCounters: HeapCounters;
  /** Bytes that the heap manages, for `fill: 70 %`. */
  readonly heapBytes: number;

  /** undefined: out of memory. The OOM event has been told by then. */
  malloc(bytes: number, request: Request): Block | undefined;
  /** `kmem_cache_create`. @throws Fault when there is one of that name */
  createCache(name: string, objectBytes: number): void;
  /** @throws Fault when the cache has not been created */
  mallocFrom(request: CacheRequest): Block | undefined;
  /** `kmem_cache_destroy`; what has been allocated from it goes too. @throws Fault when it has not been created */
  destroyCache(name: string): void;
  calloc(count: number, bytes: number, request: Request): Block | undefined;
  /** undefined: the old block stays (or `bytes` is 0 and it is freed). */
  realloc(block: Block, bytes: number, request: Request): Block | undefined;
  free(block: Block): void;
  /** Has blocks freed so many at each heartbeat of the heap. False: the heap has none, and nothing was done. */
  deferFree(blocks: readonly Block[], perHeartbeat: number): boolean;
  lock(block: Block): void;
  unlock(block: Block): void;
  /** Moves unlocked blocks together where the heap can; returns how many bytes it moved. */
  compact(limit: CompactionLimit | undefined): number;
  /** Writes the whole requested size with a pattern of the block's own. */
  fill(block: Block): void;
  /** Reads the pattern back. Tells `contentsLost` where it is another. */
  verify(block: Block): void;
  /** Writes `bytes` bytes behind the requested size. */
  overflow(block: Block, bytes: number, value: number): void;

  /** A script's `log`; `owner` is the task's or interrupt's name. */
  log(owner: string, text: string): void;

  /** A task of the scenario by name. @throws Fault when it does not exist (any more) */
  task(name: string): Task;
  /** `xTaskCreate`. Where it fails to the end, that has been told. */
  startTask(name: string, policy: CreationPolicy): Program;
  /** @throws Fault when there was no room for it */
  queue(name: string): Queue;
}
