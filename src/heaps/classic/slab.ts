/**
 * slab: objects of one size side by side in slabs, which come from another heap.
 *
 * Policy      A cache has objects of one size. It takes one from a partial slab, else from an empty one, else
 *             has the inner heap give it another slab; of a slab always the lowest free object, of slabs the
 *             one that became partial last. A slab that becomes empty is kept, until the inner heap refuses
 *             a request: then all empty slabs of all caches go back to it, and it is asked once more. A free
 *             object keeps its contents, so that what was constructed once need not be again.
 *             malloc has four caches of its own, the classes: 16, 32, 64 and 128 bytes. A request is served
 *             from the smallest that it fits, never from a larger one; above 128 bytes the inner heap serves
 *             it, as it does the objects of a cache that are too large for a slab.
 *
 * Block       objects have no header. A slab of `slabBytes` is a block of the inner heap:
 *
 *                   0      4          8       12     16
 *                   +------+----------+-------+------+----------+----------+----------+-----+------+
 *                   | next | previous | cache | used | free map | object 0 | object 1 | ... | rest |
 *                   +------+----------+-------+------+----------+----------+----------+-----+------+
 *
 *             The map has a bit for each object; objects are rounded up to the alignment.
 *
 * Arena       The inner heap's, and behind it the directory: a word for each `slabBytes`, which leads from an
 *             object to its slab.
 *
 * Statics     bytes in free objects, number of caches, 20 bytes for each cache that there may be (its object
 *             size, objects per slab, and lists of partial, full and empty slabs), then the inner heap's.
 *
 * Cost        malloc O(objects per slab / 32) while a slab has a free object; else the inner heap's malloc, and
 *             under pressure a free of every empty slab. free O(1): the slab stays.
 *
 * Use it      where many objects of few sizes come and go: no header, no search, no fragmentation among
 *             them, and no construction.
 * Not when    RAM is short: each size in use holds on to a slab, however few objects it has; or the inner heap
 *             rounds sizes up: o1heap makes 1024 bytes of a slab of 512, and wants slabs of 496.
 *
 * Source      J. Bonwick, The Slab Allocator, USENIX Summer 1994; Linux's kmalloc for the classes.
 * Deviations  Bonwick finds the slab of a small object by the page that it lies in, and chains free ones
 *             through the slab's end. Pages are for aligned heaps only, so here is a directory; the map
 *             lets free notice at once what is not live. No colouring: there is no cache of lines to spread
 *             over. Caches are never destroyed. A request for 0 bytes gets NULL.
 */

import * as v from 'valibot';
import { choice, defineHeap, type HeapDefinition, wholeNumber } from '../definition.js';
import { cachesIn, FREE_WORDS, MALLOC_WORDS, SlabHeap, slabStaticBytes } from './slab-heap.js';

/** Where slabs come from unless the options say. */
const DEFAULT_INNER = 'buddy';

/** Words of the directory: one for each stretch in which a slab can begin. */
function directoryEntries(innerBytes: number, slabBytes: number): number {
  return Math.ceil(innerBytes / slabBytes);
}

type SlabOptions = {
  readonly inner: string;
  readonly slabBytes: number;
  readonly caches: number;
};

/** `heaps`: those that slabs may come from. */
export function slabFrom(heaps: readonly HeapDefinition[]): HeapDefinition {
  const names = heaps.map((heap) => heap.name);
  const options = v.strictObject({
    inner: choice('the heap that slabs come from', names, DEFAULT_INNER),
    slabBytes: wholeNumber('Bytes of a slab, its header included', [256, 65536], 512),
    caches: wholeNumber(
      'How many caches the firmware may create; each takes 20 bytes of statics',
      [0, 64],
      8,
    ),
  });
  const innerOf = (chosen: SlabOptions) => heaps.find((heap) => heap.name === chosen.inner)!;
  const defaults = (heap: HeapDefinition) => v.parse(heap.options, {});
  const payloadAlignment = (target: number, chosen: SlabOptions) => {
    const heap = innerOf(chosen);
    return Math.min(target, heap.payloadAlignment?.(target, defaults(heap)) ?? target);
  };
  return defineHeap({
    name: 'slab',
    origin: 'Bonwick, The Slab Allocator, USENIX 1994',
    facts: {
      policy: 'objects of one size in slabs of another heap, partial slabs first; empty ones are kept',
      block: 'no header; 20 bytes for each slab and a bit for each object; classes of 16, 32, 64, 128 bytes',
      mallocCost: "O(1) while a slab has a free object; else the inner heap's",
      freeCost: "O(1); above 128 bytes the inner heap's",
      bound: 'none: every class can hold on to slabs that have one live object each',
      useWhen: 'many objects of few sizes come and go',
      notWhen: 'RAM is short and sizes are many: each holds on to a slab of its own',
    },
    options,
    // Of what the inner heap serves; objects have none. A tag at a block's end would be theirs as well, and is left out.
    blockWords: (chosen) => {
      const heap = innerOf(chosen);
      const { used, hole } = heap.blockWords?.(defaults(heap)) ?? {};
      return { used, hole, behind: 'directory' };
    },
    pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
    coalesces: false,
    mayPassOverAHole: true,
    reclaims: true,
    notAtZero: heaps.some((heap) => heap.notAtZero === true),
    regions: 'one',
    payloadAlignment,
    staticBytes: (chosen) => {
      const heap = innerOf(chosen);
      return slabStaticBytes(chosen.caches) + heap.staticBytes(defaults(heap));
    },
    minimumArenaBytes: (alignment, chosen) => {
      const heap = innerOf(chosen);
      const bytes = heap.minimumArenaBytes(alignment, defaults(heap));
      return bytes + 4 * (directoryEntries(bytes, chosen.slabBytes) + 1);
    },
    create: (memory, { statics, regions, alignment }, chosen, surroundings) => {
      const heap = innerOf(chosen);
      const region = regions[0]!;
      const entries = directoryEntries(region.bytes, chosen.slabBytes);
      const end = region.origin + region.bytes;
      const directory = end - (end % 4) - 4 * entries;
      const innerRegion = { ...region, bytes: directory - region.origin };
      const innerStatics = statics + slabStaticBytes(chosen.caches);
      const innerLayout = { statics: innerStatics, regions: [innerRegion], alignment };
      const inner = heap.create(memory, innerLayout, defaults(heap), surroundings);
      const layout = {
        ...cachesIn(statics, chosen.caches),
        origin: region.origin,
        directory,
        entries,
        slabBytes: chosen.slabBytes,
        alignment: payloadAlignment(alignment, chosen),
      };
      return new SlabHeap(memory, region, statics, layout, inner);
    },
  });
}
