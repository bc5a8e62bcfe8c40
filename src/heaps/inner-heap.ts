/**
 * Heaps that rest on another: slab has its slabs from one, heap_3 is put around one. An option says which, and what it
 * is otherwise it is by default.
 */

import * as v from 'valibot';
import type { Memory } from '../mcu/memory.js';
import type { BoundRow } from './bounds.js';
import {
  type BlockWords,
  boundRowOf,
  choice,
  type HeapDefinition,
  type HeapOptions,
  type HeapTraits,
  traitsOf,
} from './definition.js';
import type { Heap, HeapLayout, Surroundings } from './heap.js';

/** Why the heaps that move blocks cannot be inner ones. */
export function movers(reason: string): Record<string, string> {
  return { rmalloc: reason, rmalloc_2008: reason, buddy_handles: reason };
}

/** A heap as it is by default. */
export class InnerHeap {
  private readonly options: HeapOptions;

  constructor(private readonly definition: HeapDefinition) {
    this.options = v.parse(definition.options, {});
  }

  get name(): string {
    return this.definition.name;
  }

  get traits(): HeapTraits {
    return traitsOf(this.definition, this.options);
  }

  get words(): BlockWords {
    return this.definition.blockWords?.(this.options) ?? {};
  }

  get boundRow(): BoundRow | undefined {
    return boundRowOf(this.definition, this.options);
  }

  get staticBytes(): number {
    return this.definition.staticBytes(this.options);
  }

  surplusBytes(alignment: number): number {
    return this.definition.surplusBytes?.(alignment, this.options) ?? 0;
  }

  payloadAlignment(targetAlignment: number): number {
    return this.definition.payloadAlignment?.(targetAlignment, this.options) ?? targetAlignment;
  }

  minimumArenaBytes(alignment: number): number {
    return this.definition.minimumArenaBytes(alignment, this.options);
  }

  create(memory: Memory, layout: HeapLayout, surroundings: Surroundings | undefined): Heap {
    return this.definition.create(memory, layout, this.options, surroundings);
  }
}

/** Those that a heap may rest on; the first by default. */
export class InnerHeaps {
  private readonly heaps: ReadonlyMap<string, InnerHeap>;

  /** `whyNot`: of heaps that are not among them, why they cannot be. */
  constructor(
    definitions: readonly HeapDefinition[],
    private readonly whyNot: Readonly<Record<string, string>>,
  ) {
    this.heaps = new Map(definitions.map((heap) => [heap.name, new InnerHeap(heap)]));
  }

  get byDefault(): InnerHeap {
    return [...this.heaps.values()][0]!;
  }

  /** The schema of the option `inner`. */
  option(description: string) {
    return choice(description, [...this.heaps.keys()], this.byDefault.name, this.whyNot);
  }

  chosen({ inner }: { readonly inner: string }): InnerHeap {
    return this.heaps.get(inner)!;
  }
}
