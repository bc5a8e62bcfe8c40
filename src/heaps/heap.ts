/**
 * The contract of every allocator.
 *
 * A heap keeps all its bookkeeping in simulated RAM, laid out as the real one lays it out on a 32-bit
 * machine: in its arena, and in its statics (list ends, counters), which lie outside. There is no JavaScript
 * object per block, so an image of the RAM can be held against a real device's.
 */

import type { Region } from '../mcu/memory.js';

/** What a request that could not be served returns. */
export const NULL = 0;

/** The path of a free(NULL), which does nothing. */
export const NULL_CALL = -1;

/** Where a heap lives. */
export interface HeapLayout {
  /** Address of the heap's own variables, `staticBytes` long. */
  readonly statics: number;
  /** What it may hand out, in ascending order. Only heap_5 takes more than one. */
  readonly regions: readonly Region[];
  /** `portBYTE_ALIGNMENT`: a power of two, 4 to 32. Payload addresses are multiples of it. */
  readonly alignment: number;
}

/** What a heap knows of the device around it: what it would ask the kernel for. */
export interface Surroundings {
  /** The kernel's tick count (`xTaskGetTickCount`). */
  ticks(): number;
  /** Who makes the call: {@link NO_TASK}, {@link AN_INTERRUPT}, or a task's number, from 1 in order of creation. */
  caller(): number;
}

/** main() before the scheduler runs, or whoever uses a heap without a kernel. */
export const NO_TASK = 0;
export const AN_INTERRUPT = -1;
/** No task has this number. */
export const A_DELETED_TASK = 0xffff_ffff;

/** No kernel: no time passes, and nobody calls but main(). */
export const ALONE: Surroundings = { ticks: () => 0, caller: () => NO_TASK };

/** A piece of the arena: a live block, a hole, or bytes that are neither (end markers, alignment losses). */
export type PieceKind = 'used' | 'hole' | 'bookkeeping';

/**
 * Called for each piece. `address` and `bytes` are those of the whole piece, header included; `payload` is
 * where the caller's bytes of a used block begin (its header is `payload - address` bytes), else 0. Heaps that
 * move blocks add the `handle` that names a used one, which elsewhere is the payload's address, and how many
 * `locks` it holds.
 */
export type PieceVisitor = (
  kind: PieceKind,
  address: number,
  bytes: number,
  payload: number,
  handle?: number,
  locks?: number,
) => void;

/**
 * What the last malloc or free did, for the cost tables. A path is a bit set: bit i is the i-th word of the
 * heap's vocabulary (see catalog). Steps are list nodes stepped over.
 */
export class HeapCall {
  path = 0;
  searchSteps = 0;
  insertSteps = 0;

  begin(): void {
    this.path = 0;
    this.searchSteps = 0;
    this.insertSteps = 0;
  }
}

/**
 * What `vPortGetHeapStats` says, or would say. Sizes are bytes with headers; `smallestHoleBytes` is 2^32-1 while there
 * is no hole.
 */
export interface HeapStats {
  readonly freeBytes: number;
  readonly largestHoleBytes: number;
  readonly smallestHoleBytes: number;
  readonly holes: number;
  readonly minimumEverFreeBytes: number;
  /** Calls that succeeded, since power-on. */
  readonly allocations: number;
  readonly frees: number;
  /** The real heap has no such call: the figures are heaplab's, by the rules of those that have it. */
  readonly extension?: true;
}

/**
 * What a heap knows of one of its size classes, caches or pools, as a debugger would read it. What they hold
 * they hold in pages, of which each belongs to one of them (a slab heap calls them slabs).
 */
export interface SizeClass {
  /** What one of its objects takes; absent where they are of any size. */
  readonly objectBytes?: number;
  /** What to call it where the size of its objects does not tell: `pool of heap pages`. */
  readonly name?: string;
  /** The inner heap's name, where it is that one's. */
  readonly of?: string;
  /** What {@link Heap.createCache} returned, where the firmware created it; else malloc serves from it. */
  readonly cache?: number;
  /** Whether the last malloc asked it. */
  readonly asked: boolean;
  readonly pageWord: 'slab' | 'page';
  /** What one more page would take out of the arena. */
  readonly pageBytes: number;
  readonly pages: number;
  readonly liveObjects: number;
  readonly freeObjects: number;
  /** In its pages. */
  readonly freeBytes: number;
}

/**
 * What has become of the memory of a heap's pages, where those that nobody uses are given back to the system. Together
 * they are all its pages.
 */
export interface PageMemory {
  /** Of pages in use, and of those that stay as they are. */
  readonly committedBytes: number;
  /** Of pages that are reset when they have been unused for long enough. */
  readonly pendingBytes: number;
  /** Of pages that have been reset and not been used since: it could be without power. */
  readonly resetBytes: number;
  /** The most that was ever. */
  readonly mostResetBytes: number;
}

/** What every heap shows of itself, however its blocks are named. */
export interface HeapView {
  /** The heap's own count of free bytes, headers included (`xPortGetFreeHeapSize`). */
  freeBytes(): number;

  /** The lowest that count has been, where the heap keeps one. */
  minimumEverFreeBytes?(): number;

  /** Has `minimumEverFreeBytes` begin anew from what is free now. */
  resetMinimumEverFreeBytes?(): void;

  /** The heap's own statistics, where it keeps some. */
  stats?(): HeapStats;

  /** What a request takes out of the arena: header and rounding included. Not limited to 32 bits. */
  blockBytesFor(bytes: number): number;

  /**
   * What {@link blockBytesFor} may be at most for an empty heap to serve it. Absent where the pieces tell: no
   * block spans bookkeeping.
   */
  largestBlockBytes?(): number;

  /** Its size classes or pools, where a request is served from the one that it fits. @throws Corruption */
  classes?(): readonly SizeClass[];

  /**
   * Visits their pages, in address order and whole. What is free in one serves its own class only, and is never
   * joined with what lies outside, unless the whole page is given back. A slab in a page of the inner heap is a part of
   * that page. `task`: where tasks have pages of their own, whose it is: {@link NO_TASK} that of all,
   * {@link A_DELETED_TASK} one's that is gone.
   */
  walkPages?(visit: (address: number, bytes: number, task?: number) => void): void;

  /** Undefined where the heap gives nothing back. */
  pageMemory?(): PageMemory | undefined;

  /** Visits pieces in address order. They tile every region: no gap, no overlap. */
  walk(visit: PieceVisitor): void;

  /**
   * The heap's own word at an address in a hole, or in a piece of bookkeeping, that begins at `piece`; undefined:
   * nobody uses it. Where that takes more than the definition's `blockWords`. Only asked while the heap is sound.
   */
  wordAt?(address: number, piece: number): string | undefined;

  /** What a page is called that an address lies in, the smaller one where it lies in two; absent where all are alike. */
  pageWordAt?(address: number): 'slab' | 'page';

  /** Where room is not enough: a block lies at a multiple of its own size from here, as a buddy does. */
  readonly gridOrigin?: number | undefined;

  /** @throws Corruption naming the invariant that no longer holds, and where */
  check(): void;

  /** Whether an interrupt may call free. On every other heap that is the firmware's error. */
  readonly interruptsMayFree?: boolean;

  /** What can hang work on its calls, where it has a heartbeat. */
  readonly deferral?: Deferral;

  /** Told before the kernel frees a deleted task's stack. Takes time like a call. */
  taskDeleted?(task: number): void;

  /** Who may be asked to free something before a request fails, where that is its policy. */
  readonly exhaustion?: Exhaustion;

  /** What it leaves for when nobody needs the CPU. */
  readonly idleWork?: IdleWork;

  /** Overwritten by every call. */
  readonly lastCall: HeapCall;
}

/**
 * Work between calls, in portions with a bound: done by the idle task before its hook, with the scheduler suspended, and
 * paid for. The idle task goes on with it for as long as it is due and nobody else can run.
 */
export interface IdleWork {
  /** Whether there is any. Read before the scheduler is suspended, and free of charge. */
  due(): boolean;
  /** Does one portion. */
  run(): void;
}

/** The part of a heap that calls back once before it refuses a request, and then tries again. The simulation sets it. */
export interface Exhaustion {
  client: (() => void) | undefined;
}

/** The part of a heap that calls back regularly. The simulation sets what it wants to be called. */
export interface Deferral {
  client: DeferredFreeClient | undefined;
}

/**
 * `mi_deferred_free_fun`: called at every heartbeat, inside a malloc, so that whoever has many blocks to free frees a
 * few each time. `force`: the heap has no room, and all should be freed now. `heartbeat` counts the calls.
 */
export type DeferredFreeClient = (force: boolean, heartbeat: number) => void;

/** A heap whose blocks have an address for life. */
export interface Heap extends HeapView {
  /** An address whose payload holds at least `bytes` (0 to 2^32-1), or {@link NULL}. */
  malloc(bytes: number): number;

  /** Gives a block back. @throws Fault where the real heap asserts */
  free(address: number): void;

  /**
   * Changes a live block's size to `bytes` > 0 where it stands, contents kept, if the heap can; false: nothing
   * has changed, and the block has to be moved. The last call is then priced like a malloc.
   */
  resize?(address: number, bytes: number): boolean;

  /** A realloc to 0 bytes frees nothing: {@link resize} is asked, which says yes, and a smallest block stays. */
  readonly keepsAtZero?: boolean;

  /**
   * Makes a cache of objects of `objectBytes` > 0, and returns what names it until it is destroyed.
   * Heaps have this, {@link destroyCache} and {@link mallocFrom}, or none of them: then malloc serves in their place.
   *
   * @throws Fault where there is no room for another
   */
  createCache?(objectBytes: number): number;

  /**
   * Gives a cache's pages back, and with them whatever lives there: whoever frees one of its objects later is wrong. What
   * malloc had to serve in the cache's place, as it is too large for pages, stays. The name may be given to another cache.
   */
  destroyCache?(cache: number): void;

  /**
   * An object of a cache, or {@link NULL}; given back with {@link free}. It has the contents that it had when
   * it was given back last, as long as the cache keeps the memory.
   */
  mallocFrom?(cache: number): number;

  /**
   * `count` objects side by side as one block, or {@link NULL}; given back with {@link freeArray} and the same count.
   * Heaps with caches have both, or neither.
   */
  mallocArrayFrom?(cache: number, count: number): number;
  freeArray?(address: number, count: number): void;
}

/** A heap whose invariants no longer hold: somebody wrote where they should not have. */
export class Corruption extends Error {
  override readonly name = 'Corruption';

  constructor(
    /** Which promise broke, in words. */
    readonly invariant: string,
    readonly address: number,
  ) {
    super(`heap corrupted at 0x${address.toString(16).padStart(8, '0')}: ${invariant}`);
  }
}
