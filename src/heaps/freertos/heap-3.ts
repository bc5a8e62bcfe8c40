/**
 * heap_3: somebody else's malloc, with the scheduler suspended around it.
 *
 * Policy      The inner heap's, by default newlib's nano malloc (newlib-nano.ts): first fit in address order,
 *             holes merged at once. Any heap can be called like this that could stand in a C library or beside it.
 *
 * Block       The inner heap's.
 *
 * Statics     The inner heap's.
 *
 * Cost        The inner heap's, in one suspension per call: what other tasks wait for is the inner heap's
 *             worst case. Under FreeRTOS that holds for every heap; the kernel here suspends around all.
 *
 * Use it      where libraries call malloc anyway and one heap should serve all.
 * Not when    time must be bounded and the library's malloc is not; or the free bytes should be known: heap_3
 *             has neither xPortGetFreeHeapSize nor statistics.
 *
 * Source      FreeRTOS kernel V11, portable/MemMang/heap_3.c, by its behaviour.
 * Deviations  configTOTAL_HEAP_SIZE has no effect on the real one, whose arena the linker script sets; here
 *             the arena is the target's. The inner heap has its default options. Nothing of it can be called but
 *             malloc and free: no caches, no realloc in place, and no free in interrupts, since heap_3 suspends the
 *             scheduler. What it wants of kernel and firmware it gets: the caller, the time, the idle task, a heartbeat.
 *             FreeRTOS's other heaps cannot be inner ones: they define pvPortMalloc too.
 *             As an extension the inner heap's free bytes are shown, and with them statistics and the minimum ever free,
 *             by heap_4's rules and beside the RAM. What is free the library is asked now and then after a malloc, which
 *             takes no time on the device.
 */

import * as v from 'valibot';
import type { Memory } from '../../mcu/memory.js';
import { defineHeap, type HeapDefinition } from '../definition.js';
import {
  type Deferral,
  type Exhaustion,
  type Heap,
  HeapCall,
  type IdleWork,
  NULL,
  NULL_CALL,
  type PieceVisitor,
} from '../heap.js';
import { InnerHeaps, movers } from '../inner-heap.js';
import { freeBytesOf } from '../look.js';
import { CountedHeap } from './counted-heap.js';

export class Heap3 extends CountedHeap implements Heap {
  /** Without a path: the words of a path are the inner heap's. */
  readonly lastCall = new HeapCall();

  // What not every inner heap has.
  readonly deferral: Deferral | undefined;
  readonly exhaustion: Exhaustion | undefined;
  readonly idleWork: IdleWork | undefined;
  readonly taskDeleted: Heap['taskDeleted'];
  readonly largestBlockBytes: Heap['largestBlockBytes'];
  readonly classes: Heap['classes'];
  readonly walkPages: Heap['walkPages'];
  readonly wordAt: Heap['wordAt'];
  readonly pageWordAt: Heap['pageWordAt'];

  /** What is free at least: who knows that need not ask whether it is less than ever. */
  private freeAtLeast = 0;

  /** `surplusBytes`: the most that a block takes beyond what is announced; Infinity where that is not known. */
  constructor(
    private readonly inner: Heap,
    private readonly memory: Memory,
    private readonly surplusBytes: number,
  ) {
    super(inner.freeBytes());
    this.deferral = inner.deferral;
    this.exhaustion = inner.exhaustion;
    this.idleWork = inner.idleWork;
    this.taskDeleted = inner.taskDeleted?.bind(inner);
    this.largestBlockBytes = inner.largestBlockBytes?.bind(inner);
    this.classes = inner.classes?.bind(inner);
    this.walkPages = inner.walkPages?.bind(inner);
    this.wordAt = inner.wordAt?.bind(inner);
    this.pageWordAt = inner.pageWordAt?.bind(inner);
  }

  malloc(bytes: number): number {
    const address = this.inner.malloc(bytes);
    this.noteCall();
    if (address !== NULL) this.noteTaken(bytes);
    return address;
  }

  free(address: number): void {
    this.inner.free(address);
    this.noteCall();
    if (address !== NULL) this.noteFreed();
  }

  /** The device does not ask: neither are the accesses its, nor what goes wrong where the library's lists are broken. */
  private noteTaken(bytes: number): void {
    const { memory, inner } = this;
    const { loads } = memory;
    this.freeAtLeast -= inner.blockBytesFor(bytes) + this.surplusBytes;
    if (this.freeAtLeast < this.minimumEverFreeBytes()) {
      this.freeAtLeast = freeBytesOf(inner) ?? Number.POSITIVE_INFINITY;
    }
    this.noteAllocated(this.freeAtLeast);
    memory.loads = loads;
  }

  /** Of the holes that the inner heap shows. @throws Corruption where it is broken */
  protected override holeSizes(): number[] {
    const holes: number[] = [];
    this.inner.walk((kind, _address, bytes) => {
      if (kind === 'hole') holes.push(bytes);
    });
    return holes;
  }

  freeBytes(): number {
    return this.inner.freeBytes();
  }

  blockBytesFor(bytes: number): number {
    return this.inner.blockBytesFor(bytes);
  }

  get gridOrigin(): number | undefined {
    return this.inner.gridOrigin;
  }

  walk(visit: PieceVisitor): void {
    this.inner.walk(visit);
  }

  check(): void {
    this.inner.check();
  }

  private noteCall(): void {
    const { lastCall: call, inner } = this;
    call.path = inner.lastCall.path === NULL_CALL ? NULL_CALL : 0;
    call.searchSteps = inner.lastCall.searchSteps;
    call.insertSteps = inner.lastCall.insertSteps;
  }
}

const FREERTOS =
  'a firmware is linked with one of the heaps that define pvPortMalloc, and heap_3 is that one';
const WHY_NOT = {
  ...movers('it moves blocks, and malloc gives an address for life'),
  heap_1: FREERTOS,
  heap_2: FREERTOS,
  heap_2_coalescing: FREERTOS,
  heap_3: FREERTOS,
  heap_4: FREERTOS,
  heap_5: FREERTOS,
};

/** `libraries`: heaps that a C library or a vendor could bring along; the first is the default. */
export function heap3Around(libraries: readonly HeapDefinition[]): HeapDefinition {
  const heaps = new InnerHeaps(libraries, WHY_NOT);
  const { byDefault } = heaps;
  const inner = heaps.option('the malloc that is called');
  return defineHeap({
    name: 'heap_3',
    origin: 'FreeRTOS V11, heap_3.c',
    facts: {
      policy: `the C library's malloc with the scheduler suspended; by default ${byDefault.name}`,
      block: "the inner heap's",
      mallocCost: "the inner heap's",
      freeCost: "the inner heap's",
      bound: "the inner heap's",
      useWhen: 'libraries call malloc anyway, and one heap should serve all',
      notWhen: "the library's malloc has no bound on its time, or free bytes must be known",
    },
    options: v.strictObject({ inner }),
    boundRow: (options) => heaps.chosen(options).boundRow,
    surplusBytes: (alignment, options) => heaps.chosen(options).surplusBytes(alignment),
    blockWords: (options) => heaps.chosen(options).words,
    pathWords: { malloc: [], free: [] },
    ...byDefault.traits,
    traits: (options) => heaps.chosen(options).traits,
    payloadAlignment: (targetAlignment, options) => heaps.chosen(options).payloadAlignment(targetAlignment),
    staticBytes: (options) => heaps.chosen(options).staticBytes,
    minimumArenaBytes: (alignment, options) => heaps.chosen(options).minimumArenaBytes(alignment),
    create: (memory, layout, options, surroundings) => {
      const library = heaps.chosen(options);
      // Where nothing is proved, a call may also take a page.
      const surplusBytes =
        library.boundRow === undefined ? Number.POSITIVE_INFINITY : library.surplusBytes(layout.alignment);
      return new Heap3(library.create(memory, layout, surroundings), memory, surplusBytes);
    },
  });
}
