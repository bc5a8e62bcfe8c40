/** All that can happen on a heap, tried on the heap itself: RAM is put back for every request and every free. */

import * as v from 'valibot';
import { findHeap } from '../../../src/heaps/catalog.js';
import type { HeapOptions } from '../../../src/heaps/definition.js';
import { NULL } from '../../../src/heaps/heap.js';
import { type ReplayMachine, replayMachine } from '../../../src/traces/replay-machine.js';

export const ORIGIN = 0x2000_0000;

/** What every size is a multiple of, in bytes. */
export const UNIT = 16;

/** Blocks in use by address: offset and size in units, flat. */
export type FlatLayout = readonly number[];

const FAILED = 'failed';

interface State {
  readonly layout: FlatLayout;
  /** What lies in RAM then. */
  readonly words: Uint32Array;
}

export interface Search {
  readonly machine: ReplayMachine;
  /** Address of the lowest block. */
  readonly base: number;
  /** Bytes of a block beside its payload. */
  readonly overheadBytes: number;
}

export interface Outcome {
  /** End of the highest block there has been, in units. */
  readonly highest: number;
  readonly fails: boolean;
  /** Of all layouts. */
  readonly keys: ReadonlySet<string>;
}

function ramOf({ machine }: Search): { from: number; bytes: number } {
  const { statics, regions } = machine.layout;
  return { from: statics, bytes: regions[0]!.origin + regions[0]!.bytes - statics };
}

function taken(search: Search): Uint32Array {
  const { from, bytes } = ramOf(search);
  return new Uint32Array(search.machine.memory.image(from, bytes).buffer);
}

function restore(search: Search, words: Uint32Array): void {
  const { from } = ramOf(search);
  for (let index = 0; index < words.length; index++) {
    search.machine.memory.storeWord(from + 4 * index, words[index]!);
  }
}

/** Makes every request and every free that is possible; each time RAM is as the layout, or FAILED, says. */
function* steps(search: Search, { layout, words }: State, most: number, sizes: readonly number[]) {
  const { heap } = search.machine;
  for (let index = 0; index < layout.length; index += 2) {
    restore(search, words);
    heap.free(search.base + layout[index]! * UNIT);
    yield layout.toSpliced(index, 2);
  }
  const live = layout.reduce((sum, value, index) => (index % 2 === 0 ? sum : sum + value), 0);
  for (const size of sizes.filter((units) => live + units <= most)) {
    restore(search, words);
    const address = heap.malloc(size * UNIT - search.overheadBytes);
    yield address === NULL ? FAILED : withBlock(layout, (address - search.base) / UNIT, size);
  }
}

function withBlock(layout: FlatLayout, offset: number, size: number): FlatLayout {
  const above = layout.findIndex((value, index) => index % 2 === 0 && value > offset);
  return layout.toSpliced(above < 0 ? layout.length : above, 0, offset, size);
}

/** What a layout is known by. */
export type KeyOf = (layout: FlatLayout) => string;

/**
 * From every layout that comes about with at most `most` units in use. A layout says all that matters: none of these
 * heaps remembers how it came to it. Of layouts that have the same key only one is gone on with. `watch` is told the
 * keys before and after every step.
 */
export function explore(
  search: Search,
  most: number,
  sizes: readonly number[],
  keyOf: KeyOf = (layout) => layout.join(),
  watch: (before: string, after: string) => void = () => {},
): Outcome {
  const keys = new Set<string>();
  const open: State[] = [];
  let highest = 0;
  let fails = false;
  const visit = (layout: FlatLayout) => {
    const key = keyOf(layout);
    if (keys.has(key)) return;
    keys.add(key);
    open.push({ layout, words: taken(search) });
    highest = Math.max(highest, (layout.at(-2) ?? 0) + (layout.at(-1) ?? 0));
  };
  visit([]);
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (const layout of steps(search, state, most, sizes)) {
      if (layout !== FAILED) {
        watch(keyOf(state.layout), keyOf(layout));
        visit(layout);
      } else fails = true;
    }
  }
  return { highest, fails, keys };
}

export function machineOf(name: string, bytes: number, options: HeapOptions): ReplayMachine {
  const definition = findHeap(name)!;
  const region = { name: 'heap', origin: ORIGIN, bytes };
  return replayMachine(definition, v.parse(definition.options, options), [region], UNIT);
}

/** A buddy heap of exactly `units` smallest blocks, behind heads and table. */
export function buddyOn(units: number, pick: string): Search {
  const heads = 4 * (Math.floor(Math.log2(units)) + 1);
  const base = Math.ceil((heads + units) / UNIT) * UNIT;
  const machine = machineOf('buddy', base + units * UNIT, { minimumBlock: UNIT, pick });
  return { machine, base: ORIGIN + base, overheadBytes: 0 };
}
