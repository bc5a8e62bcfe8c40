/** Where an rmalloc's arena lies: `rmalloc_init` and its three modes. */

import * as v from 'valibot';
import type { Memory, Region } from '../../mcu/memory.js';
import type { HeapDefinition } from '../definition.js';
import { heap2 } from '../freertos/heap-2.js';
import { heap2Coalescing } from '../freertos/heap-2-coalescing.js';
import { heap4 } from '../freertos/heap-4.js';
import type { Heap, HeapLayout, PieceVisitor } from '../heap.js';
import type { RelocationOptions } from './options.js';

type PlaceOptions = Pick<RelocationOptions, 'init' | 'arenaBytes' | 'outer'>;

const OUTER_HEAPS: Readonly<Record<PlaceOptions['outer'], HeapDefinition>> = {
  heap_2: heap2,
  heap_2_coalescing: heap2Coalescing,
  heap_4: heap4,
};

/** Bytes of statics: the heap's own, and those of the heap that holds its arena. */
export function placeStaticBytes(ownBytes: number, options: PlaceOptions): number {
  if (options.init !== 'heap') return ownBytes;
  const outer = OUTER_HEAPS[options.outer];
  return ownBytes + outer.staticBytes(v.parse(outer.options, {}));
}

/** What a region must have beyond the arena. */
export function placeOverheadBytes(alignment: number, options: PlaceOptions): number {
  if (options.init !== 'heap') return 0;
  const outer = OUTER_HEAPS[options.outer];
  return outer.minimumArenaBytes(alignment, v.parse(outer.options, {}));
}

export class ArenaPlace {
  readonly origin: number;
  readonly end: number;
  private readonly region: Region;
  private readonly outer: Heap | undefined;

  /** `ownStaticBytes`: of the heap itself; another heap's statics follow them. */
  constructor(memory: Memory, layout: HeapLayout, options: PlaceOptions, ownStaticBytes: number) {
    const [region] = layout.regions;
    this.region = region!;
    if (options.init === 'heap') {
      const definition = OUTER_HEAPS[options.outer];
      const outerLayout = { ...layout, statics: layout.statics + ownStaticBytes };
      this.outer = definition.create(memory, outerLayout, v.parse(definition.options, {}));
      const bytes = limited(options.arenaBytes, largestRequest(this.outer));
      this.origin = this.outer.malloc(bytes);
      this.end = this.origin + bytes;
    } else {
      this.origin = region!.origin;
      this.end = region!.origin + limited(options.init === 'ram' ? 0 : options.arenaBytes, region!.bytes);
    }
  }

  get bytes(): number {
    return this.end - this.origin;
  }

  /** The whole region: `walkArena` visits what lies in the arena, the rest is not the heap's to give. */
  walk(visit: PieceVisitor, walkArena: () => void): void {
    if (this.outer === undefined) {
      walkArena();
      visitRest(visit, this.end, this.region.origin + this.region.bytes);
      return;
    }
    this.outer.walk((_kind, address, bytes, payload) => {
      if (payload !== this.origin) return visit('bookkeeping', address, bytes, 0);
      visitRest(visit, address, payload);
      walkArena();
      visitRest(visit, this.end, address + bytes);
    });
  }

  check(): void {
    this.outer?.check();
  }
}

/** A wish of 0 is for all there is; nobody gets more. */
function limited(wish: number, available: number): number {
  return wish === 0 ? available : Math.min(wish, available);
}

function largestRequest(heap: Heap): number {
  let largest = 0;
  heap.walk((kind, _address, bytes) => {
    if (kind === 'hole' && bytes > largest) largest = bytes;
  });
  return largest - heap.blockBytesFor(0);
}

function visitRest(visit: PieceVisitor, from: number, to: number): void {
  if (to > from) visit('bookkeeping', from, to - from, 0);
}
