/**
 * heap_3: somebody else's malloc, with the scheduler suspended around it.
 *
 * Policy      The inner heap's, by default newlib's nano malloc (newlib-nano.ts): first fit in address order,
 *             holes merged at once.
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
 *             has neither xPortGetFreeHeapSize nor statistics. Here the inner heap's free bytes are shown.
 *
 * Source      FreeRTOS kernel V11, portable/MemMang/heap_3.c, by its behaviour.
 * Deviations  configTOTAL_HEAP_SIZE has no effect on the real one, whose arena the linker script sets; here
 *             the arena is the target's. The inner heap has its default options.
 */

import * as v from 'valibot';
import { boundRowOf, choice, defineHeap, type HeapDefinition } from '../definition.js';
import { type Heap, HeapCall, NULL_CALL, type PieceVisitor } from '../heap.js';

export class Heap3 implements Heap {
  /** Without a path: the words of a path are the inner heap's. */
  readonly lastCall = new HeapCall();

  constructor(private readonly inner: Heap) {}

  malloc(bytes: number): number {
    const address = this.inner.malloc(bytes);
    this.noteCall();
    return address;
  }

  free(address: number): void {
    this.inner.free(address);
    this.noteCall();
  }

  freeBytes(): number {
    return this.inner.freeBytes();
  }

  blockBytesFor(bytes: number): number {
    return this.inner.blockBytesFor(bytes);
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

/** `libraries`: heaps that a C library or a vendor could bring along; the first is the default. */
export function heap3Around(libraries: readonly HeapDefinition[]): HeapDefinition {
  const names = libraries.map((library) => library.name);
  const inner = choice('the malloc that is called', names, names[0]!);
  const libraryOf = (options: { readonly inner: string }) =>
    libraries.find((library) => library.name === options.inner)!;
  const defaults = (library: HeapDefinition) => v.parse(library.options, {});
  return defineHeap({
    name: 'heap_3',
    origin: 'FreeRTOS V11, heap_3.c',
    facts: {
      policy: `the C library's malloc with the scheduler suspended; by default ${names[0]}`,
      block: "the inner heap's",
      mallocCost: "the inner heap's",
      freeCost: "the inner heap's",
      bound: "the inner heap's",
      useWhen: 'libraries call malloc anyway, and one heap should serve all',
      notWhen: "the library's malloc has no bound on its time, or free bytes must be known",
    },
    options: v.strictObject({ inner }),
    boundRow: (options) => boundRowOf(libraryOf(options), defaults(libraryOf(options))),
    surplusBytes: (alignment, options) =>
      libraryOf(options).surplusBytes?.(alignment, defaults(libraryOf(options))) ?? 0,
    blockWords: (options) => libraryOf(options).blockWords?.(defaults(libraryOf(options))) ?? {},
    pathWords: { malloc: [], free: [] },
    coalesces: libraries.every((library) => library.coalesces),
    mayPassOverAHole: libraries.some((library) => library.mayPassOverAHole === true),
    notAtZero: libraries.some((library) => library.notAtZero === true),
    regions: 'one',
    payloadAlignment: (targetAlignment, options) => {
      const library = libraryOf(options);
      return library.payloadAlignment?.(targetAlignment, defaults(library)) ?? targetAlignment;
    },
    staticBytes: (options) => libraryOf(options).staticBytes(defaults(libraryOf(options))),
    minimumArenaBytes: (alignment, options) =>
      libraryOf(options).minimumArenaBytes(alignment, defaults(libraryOf(options))),
    create: (memory, layout, options, surroundings) => {
      const library = libraryOf(options);
      return new Heap3(library.create(memory, layout, defaults(library), surroundings));
    },
  });
}
