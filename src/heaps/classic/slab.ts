/**
 * Slab: caches of objects of one size, over another heap.
 *
 * Policy      A request up to `largestClass` bytes gets an object of the class it fits: 8, 16, 24, 32, 48, 64,
 *             96 ... bytes. A class keeps its objects in slabs, which are blocks of the heap `inner`; it takes
 *             the lowest free object of a partial slab, else an empty slab, else asks `inner` for another one.
 *             Never an object of a larger class. What is larger than all classes goes to `inner`. Where `inner`
 *             has no room, the empty slabs of all caches are given back, and it is asked once more. Firmware
 *             can make caches of its own: their objects keep what is in them from free to the next allocation.
 *
 *     Slab    0        4           8        12      16          firstObject
 *             +--------+-----------+--------+-------+-----------+---------+---------+-- ... --+------+
 *             | next   | previous  | cache  | live  | bitmap    | object  | object  |         | tail |
 *             +--------+-----------+--------+-------+-----------+---------+---------+-- ... --+------+
 *             An object has no header; a bit of the bitmap is set while it is free. A slab has `slabBytes`, or
 *             twice, four or eight times as much where otherwise more than an eighth would be lost.
 *
 *     Arena   | table, a word per `slabBytes`: the slab that begins there | the inner heap |
 *
 * Statics     bytes of free objects, the first cache, the reach of the longest slab: 12 bytes; a descriptor of
 *             28 bytes for each class; the statics of `inner`.
 *
 * Cost        malloc and free of an object O(1) (words of the bitmap: objects / 32), unless a slab is taken:
 *             then that of `inner`, and once in a while of giving back all empty slabs.
 *
 * Use it      where a few kinds of objects come and go in numbers; where making an object ready costs more
 *             than allocating it (caches of one's own).
 * Not when    memory is short and sizes are many: each class holds on to slabs of its own, and room in one is
 *             none for another. The report then says class-empty, and where the room is.
 *
 * Source      Bonwick, The Slab Allocator (USENIX Summer 1994): objects, caches, slabs, the limit of an eighth.
 * Deviations  Free objects are in a bitmap, not a list, so that one is never written to and a second free is
 *             noticed; no colouring, for there is no cache to colour for; nothing is given back unasked. There
 *             are no constructors: firmware makes an object ready when it first gets it. A request for 0 bytes
 *             gets NULL.
 */

import * as v from 'valibot';
import type { Memory, Region } from '../../mcu/memory.js';
import { choice, defineHeap, type HeapDefinition } from '../definition.js';
import { alignUp } from '../freertos/request.js';
import {
  type Caches,
  Corruption,
  type Heap,
  HeapCall,
  type HeapLayout,
  NULL,
  NULL_CALL,
  type PieceVisitor,
  type SizeClass,
} from '../heap.js';
import {
  CACHE_STATIC_BYTES,
  DESCRIPTOR_BYTES,
  EMPTY,
  OBJECT_BYTES,
  OBJECTS,
  PARTIAL,
  SLAB_BYTES,
  SlabCaches,
} from './slab-caches.js';
import { cachesOf, checkSlabs, slabsIn, walkSlabs } from './slab-check.js';
import { classSizes, LIVE } from './slab-shape.js';

/** The cost model's words, in the order of their bits; the first two are the caches' own. */
const MALLOC_WORDS = ['grow', 'reap', 'large', 'found'] as const;
const LARGE = 4;
const FOUND = 8;
const FREE_WORDS = ['object'] as const;
const OBJECT = 1;

interface SlabOptions {
  readonly slabBytes: number;
  readonly largestClass: number;
}

export class Slab implements Heap, Caches {
  readonly lastCall = new HeapCall();
  readonly caches: Caches = this;
  readonly descriptorBytes = DESCRIPTOR_BYTES;

  private readonly slabs: SlabCaches;
  private readonly inner: Heap;
  private readonly largestClass: number;
  /** Address of the classes' descriptors, ascending. */
  private readonly descriptors: number;
  /** Descriptor of the class for a request, by its bytes in eights. */
  private readonly classes: readonly number[];

  constructor(
    definition: HeapDefinition,
    private readonly memory: Memory,
    private readonly layout: HeapLayout,
    { slabBytes, largestClass }: SlabOptions,
  ) {
    const { alignment, statics } = layout;
    const innerRegion = regionWithin(layout, slabBytes);
    this.largestClass = largestClass;
    const sizes = classSizes(largestClass, alignment);
    const descriptors = statics + CACHE_STATIC_BYTES;
    this.descriptors = descriptors;
    this.inner = definition.create(
      memory,
      {
        statics: descriptors + classSizes(largestClass, 4).length * DESCRIPTOR_BYTES,
        regions: [innerRegion],
        alignment,
      },
      v.parse(definition.options, {}),
    );
    const table = layout.regions[0]!.origin;
    const place = {
      inner: this.inner,
      region: innerRegion,
      alignment,
      statics,
      table,
      pieceBytes: slabBytes,
    };
    this.slabs = new SlabCaches(memory, place, this.lastCall);
    for (const [index, size] of sizes.entries())
      this.slabs.describe(descriptors + index * DESCRIPTOR_BYTES, size);
    this.classes = Array.from({ length: largestClass / 8 + 1 }, (_, eights) => {
      return descriptors + sizes.findIndex((size) => size >= 8 * eights) * DESCRIPTOR_BYTES;
    });
  }

  malloc(bytes: number): number {
    const { lastCall: call, slabs } = this;
    call.begin();
    if (bytes === 0) return NULL;
    slabs.path = 0;
    const cache = this.classFor(bytes);
    const address = cache === undefined ? slabs.takeRoom(bytes) : slabs.allocate(cache);
    call.path = slabs.path | (cache === undefined ? LARGE : 0) | (address === NULL ? 0 : FOUND);
    return address;
  }

  free(address: number): void {
    const { lastCall: call, slabs } = this;
    call.begin();
    if (address === NULL) {
      call.path = NULL_CALL;
      return;
    }
    const slab = slabs.slabOf(address);
    if (slab !== NULL) {
      slabs.free(slab, address);
      call.path = OBJECT;
      return;
    }
    this.inner.free(address);
    call.searchSteps = this.inner.lastCall.searchSteps;
    call.insertSteps = this.inner.lastCall.insertSteps;
  }

  freeBytes(): number {
    return this.inner.freeBytes() + this.slabs.freeObjectBytes;
  }

  blockBytesFor(bytes: number): number {
    const cache = this.classFor(bytes);
    return cache === undefined ? this.inner.blockBytesFor(bytes) : this.memory.loadWord(cache + OBJECT_BYTES);
  }

  walk(visit: PieceVisitor): void {
    const [{ origin, bytes }, inner] = [this.layout.regions[0]!, this.slabs.place.region];
    visit('bookkeeping', origin, inner.origin - origin, 0);
    walkSlabs(this.slabs, visit);
    const innerEnd = inner.origin + inner.bytes;
    if (innerEnd < origin + bytes) visit('bookkeeping', innerEnd, origin + bytes - innerEnd, 0);
  }

  check(): void {
    this.inner.check();
    checkSlabs(this.slabs);
    const known = new Set(cachesOf(this.slabs));
    for (const [index, size] of classSizes(this.largestClass, this.layout.alignment).entries()) {
      const cache = this.descriptors + index * DESCRIPTOR_BYTES;
      if (known.has(cache) && this.memory.loadWord(cache + OBJECT_BYTES) === size) continue;
      throw new Corruption(`the descriptor of class ${size} has been overwritten or is in no chain`, cache);
    }
  }

  // --- caches and classes -------------------------------------------------------------------------------

  create(bytes: number): number {
    const descriptor = bytes === 0 ? NULL : this.malloc(DESCRIPTOR_BYTES);
    if (descriptor !== NULL) this.slabs.describe(descriptor, bytes);
    return descriptor;
  }

  allocate(cache: number): number {
    const { lastCall: call, slabs } = this;
    call.begin();
    slabs.path = 0;
    const address = slabs.allocate(cache);
    call.path = slabs.path | (address === NULL ? 0 : FOUND);
    return address;
  }

  classFor(bytes: number): number | undefined {
    return bytes > this.largestClass ? undefined : this.classes[(bytes + 7) >>> 3];
  }

  sizeClasses(): SizeClass[] {
    const { memory } = this;
    return cachesOf(this.slabs).map((cache) => {
      const slabs = [PARTIAL, EMPTY].flatMap((list) => slabsIn(this.slabs, cache + list));
      const objects = memory.loadWord(cache + OBJECTS);
      return {
        id: cache,
        blockBytes: memory.loadWord(cache + OBJECT_BYTES),
        freeBlocks: slabs.reduce((sum, slab) => sum + objects - memory.loadWord(slab + LIVE), 0),
        refillBytes: this.inner.blockBytesFor(memory.loadWord(cache + SLAB_BYTES)),
      };
    });
  }
}

/** What the table leaves of the arena. */
function regionWithin({ regions, alignment }: HeapLayout, slabBytes: number): Region {
  const { name, origin, bytes } = regions[0]!;
  const start = alignUp(origin + 4 * Math.ceil(bytes / slabBytes), alignment);
  return { name, origin: start, bytes: origin + bytes - start };
}

/** `inners`: the heaps that slabs may be taken from. */
export function slabOver(inners: readonly HeapDefinition[]): HeapDefinition {
  const usable = inners.filter((heap) => heap.neverFrees !== true);
  const innerOf = (name: string) => usable.find((heap) => heap.name === name)!;
  const innerOptions = (name: string) => v.parse(innerOf(name).options, {});
  const options = v.strictObject({
    inner: choice(
      'The heap that gives the slabs, and all that is larger than the classes',
      usable.map((heap) => heap.name),
      'buddy',
    ),
    slabBytes: choice('Bytes of the smallest slab', [256, 512, 1024, 2048, 4096], 512),
    largestClass: choice('Bytes of the largest class', [64, 128, 256, 512, 1024], 128),
  });
  return defineHeap({
    name: 'slab',
    origin: 'Bonwick 1994, over another heap',
    facts: {
      policy:
        'classes of object sizes, each with slabs of its own from another heap; larger requests to that heap',
      block:
        'no header; per slab a header of 16 bytes, a bitmap, a tail; a table word per slabBytes of arena',
      mallocCost: 'O(1), and that of the inner heap for a slab',
      freeCost: 'O(1)',
      bound: 'not provable: room in the slabs of one class is none for another',
      useWhen: 'a few kinds of objects come and go in numbers, or are costly to make ready',
      notWhen: 'memory is short and sizes are many',
    },
    options,
    pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
    coalesces: false,
    mayPassOverAHole: true,
    reclaims: true,
    regions: 'one',
    staticBytes: ({ inner, largestClass }) =>
      CACHE_STATIC_BYTES +
      classSizes(largestClass, 4).length * DESCRIPTOR_BYTES +
      innerOf(inner).staticBytes(innerOptions(inner)),
    minimumArenaBytes: (alignment, { inner, slabBytes }) => {
      const least = innerOf(inner).minimumArenaBytes(alignment, innerOptions(inner));
      return least + 4 * (Math.ceil(least / slabBytes) + 2) + 2 * alignment;
    },
    create: (memory, layout, chosen) => new Slab(innerOf(chosen.inner), memory, layout, chosen),
  });
}
