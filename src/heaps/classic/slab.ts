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
 *             it, as it does the objects of a cache that are too large for a slab. A cache that is destroyed gives
 *             all its slabs back, whatever lives in them. Arrays of objects are malloc's.
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
 *             object to its slab. Over heap_5 every region in which a slab fits ends with one.
 *
 * Inner heap  Any that does not move its blocks, as it is by default. A slab is a block of it: within a page of
 *             mimalloc or mempool if one holds so much, else beside them. What it wants of kernel and firmware it gets:
 *             the caller and the time, the idle task, a heartbeat (which beats only when it is asked for a slab or a
 *             large block), a hook before it refuses. Interrupts must not free here, even if they might there:
 *             the lists of slabs have no locks. Over heap_1, which takes nothing back, slabs are kept for ever, one
 *             class never helps another, and the free of more than 128 bytes is an assertion: pools of objects, made at
 *             start-up or when first needed. Heaps that move blocks are out of the question: a slab would have
 *             to be locked for life, and so would all else that is known by its address; nothing could move any more.
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
import type { Region } from '../../mcu/memory.js';
import { defineHeap, type HeapDefinition, wholeNumber } from '../definition.js';
import { InnerHeaps, movers } from '../inner-heap.js';
import type { SlabLayout, Stretches } from './slab-caches.js';
import { cachesIn, FREE_WORDS, MALLOC_WORDS, SlabHeap, slabStaticBytes } from './slab-heap.js';

/** Words of a region's directory: one for each stretch in which a slab can begin. */
function directoryEntries(regionBytes: number, slabBytes: number): number {
  return regionBytes < slabBytes ? 0 : Math.ceil(regionBytes / slabBytes);
}

/** The directory ends the region, but for bytes that make no word. */
function stretchesIn({ origin, bytes }: Region, slabBytes: number): Stretches {
  const entries = directoryEntries(bytes, slabBytes);
  const end = origin + bytes;
  const directory = entries === 0 ? end : end - (end % 4) - 4 * entries;
  return { origin, directory, entries, end };
}

type SlabOptions = {
  readonly inner: string;
  readonly slabBytes: number;
  readonly caches: number;
};

const WHY_NOT = {
  ...movers('it moves blocks, and a slab has to stay; were all locked for life, nothing could move any more'),
  slab: 'a slab of slabs would be one of them',
};

/** `definitions`: those that slabs may come from, the first by default. */
export function slabFrom(definitions: readonly HeapDefinition[]): HeapDefinition {
  const heaps = new InnerHeaps(definitions, WHY_NOT);
  const { byDefault } = heaps;
  const options = v.strictObject({
    inner: heaps.option('the heap that slabs come from'),
    slabBytes: wholeNumber('Bytes of a slab, its header included', [256, 65536], 512),
    caches: wholeNumber(
      'How many caches the firmware may create; each takes 20 bytes of statics',
      [0, 64],
      8,
    ),
  });
  const payloadAlignment = (target: number, chosen: SlabOptions) =>
    Math.min(target, heaps.chosen(chosen).payloadAlignment(target));
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
    // Of what the inner heap serves; objects have none.
    blockWords: (chosen) => heaps.chosen(chosen).words,
    pathWords: { malloc: MALLOC_WORDS, free: FREE_WORDS },
    coalesces: false,
    mayPassOverAHole: true,
    reclaims: true,
    notAtZero: byDefault.traits.notAtZero === true,
    regions: byDefault.traits.regions,
    traits: (chosen) => {
      const { notAtZero, regions } = heaps.chosen(chosen).traits;
      return { notAtZero, regions };
    },
    payloadAlignment,
    staticBytes: (chosen) => slabStaticBytes(chosen.caches) + heaps.chosen(chosen).staticBytes,
    minimumArenaBytes: (alignment, chosen) => {
      const bytes = heaps.chosen(chosen).minimumArenaBytes(alignment);
      return bytes + 4 * (Math.ceil(bytes / chosen.slabBytes) + 1);
    },
    create: (memory, { statics, regions, alignment }, chosen, surroundings) => {
      const heap = heaps.chosen(chosen);
      const { slabBytes, caches } = chosen;
      const stretches = regions.map((region) => stretchesIn(region, slabBytes));
      const rest = regions.map((region, index) => {
        const { origin, directory } = stretches[index]!;
        return { ...region, bytes: directory - origin };
      });
      const innerLayout = { statics: statics + slabStaticBytes(caches), regions: rest, alignment };
      const layout: SlabLayout = {
        ...cachesIn(statics, caches),
        stretches: stretches.filter(({ entries }) => entries > 0),
        slabBytes,
        alignment: payloadAlignment(alignment, chosen),
      };
      return new SlabHeap(memory, statics, layout, {
        heap: heap.create(memory, innerLayout, surroundings),
        name: heap.name,
        regions: rest,
        words: heap.words,
        takesBack: heap.traits.neverFrees !== true,
      });
    },
  });
}
