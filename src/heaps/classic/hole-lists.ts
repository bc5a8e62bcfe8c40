/**
 * The lists in which the fits keep their holes: circular, linked both ways, one or one for each range of
 * sizes, and the rover of next fit, which must never be left on what is no hole any more.
 */

import type { Memory } from '../../mcu/memory.js';
import { endlessList } from '../freertos/request.js';
import { Corruption, type HeapCall } from '../heap.js';
import { NEXT, PREVIOUS, type TaggedArena } from './boundary-tags.js';

const LIST_BYTES = 8;
const ROVER_BYTES = 4;

/** SLOB's: holes below the first are in the first list, and so on; all others in the last. */
const SIZE_BREAKS = [256, 1024];

export interface ListOptions {
  /** By address, or the hole freed last in front. */
  readonly order: 'address' | 'lifo';
  /** Three lists by size instead of one. */
  readonly sizeLists: boolean;
  readonly rover: boolean;
}

/** Of the list heads and the rover. */
export function listBytes({ sizeLists, rover }: Omit<ListOptions, 'order'>): number {
  return (sizeLists ? SIZE_BREAKS.length + 1 : 1) * LIST_BYTES + (rover ? ROVER_BYTES : 0);
}

export class HoleLists {
  /** Where the rover lies; 0 without one. */
  readonly rover: number;

  private readonly first: number;
  private readonly last: number;
  private readonly inOrder: boolean;

  /** `heads`: address of the list heads, {@link listBytes} long. */
  constructor(
    private readonly memory: Memory,
    heads: number,
    { order, sizeLists, rover }: ListOptions,
    /** More than the arena can hold. */
    readonly maximumNodes: number,
    /** Told how many nodes are stepped over to file a hole. */
    private readonly call: HeapCall,
  ) {
    this.first = heads;
    this.last = heads + (sizeLists ? SIZE_BREAKS.length * LIST_BYTES : 0);
    this.rover = rover ? this.last + LIST_BYTES : 0;
    this.inOrder = order === 'address';
    for (let list = this.first; list <= this.last; list += LIST_BYTES) {
      memory.storeWord(list + NEXT, list);
      memory.storeWord(list + PREVIOUS, list);
    }
    if (rover) memory.storeWord(this.rover, this.first);
  }

  /** The list for holes of a size. */
  of(bytes: number): number {
    if (this.last === this.first) return this.first;
    let list = this.first;
    for (const limit of SIZE_BREAKS) if (bytes >= limit) list += LIST_BYTES;
    return list;
  }

  /** The list for larger holes; 0 behind the last. */
  after(list: number): number {
    return list === this.last ? 0 : list + LIST_BYTES;
  }

  insert(hole: number, bytes: number): void {
    const { memory, maximumNodes } = this;
    const list = this.of(bytes);
    let before = list;
    let after = memory.loadWord(list + NEXT);
    let steps = 0;
    if (this.inOrder) {
      while (after !== list && after < hole) {
        before = after;
        after = memory.loadWord(before + NEXT);
        if (++steps > maximumNodes) throw endlessList(after);
      }
    }
    this.call.insertSteps += steps;
    this.link(before, hole, after);
  }

  unlink(hole: number): void {
    const { memory } = this;
    const before = memory.loadWord(hole + PREVIOUS);
    const after = memory.loadWord(hole + NEXT);
    memory.storeWord(before + NEXT, after);
    memory.storeWord(after + PREVIOUS, before);
    if (this.rover !== 0) this.moveRover(hole, after);
  }

  /** Another hole, or the same one grown, takes the place of a hole: no third lies between them. */
  replace(old: number, oldBytes: number, hole: number, bytes: number): void {
    const { memory } = this;
    if (this.of(oldBytes) !== this.of(bytes)) {
      this.unlink(old);
      this.insert(hole, bytes);
    } else if (old !== hole) {
      this.link(memory.loadWord(old + PREVIOUS), hole, memory.loadWord(old + NEXT));
      if (this.rover !== 0) this.moveRover(old, hole);
    }
  }

  private link(before: number, hole: number, after: number): void {
    const { memory } = this;
    memory.storeWord(hole + NEXT, after);
    memory.storeWord(hole + PREVIOUS, before);
    memory.storeWord(before + NEXT, hole);
    memory.storeWord(after + PREVIOUS, hole);
  }

  private moveRover(from: number, to: number): void {
    if (this.memory.loadWord(this.rover) === from) this.memory.storeWord(this.rover, to);
  }

  /** The lists lead through exactly the arena's holes. @throws Corruption */
  check(arena: TaggedArena, holes: ReadonlyMap<number, number>): void {
    const listed = new Set<number>();
    for (let list = this.first; list !== 0; list = this.after(list)) {
      let previous = 0;
      for (const { hole, bytes } of arena.checkList(list, holes)) {
        if (this.of(bytes) !== list) throw new Corruption('a hole is in the list of other sizes', hole);
        if (this.inOrder && hole < previous) {
          throw new Corruption('the list of holes must ascend by address', hole);
        }
        previous = hole;
        listed.add(hole);
      }
    }
    for (const hole of holes.keys()) {
      if (!listed.has(hole)) throw new Corruption('a hole is in no list', hole);
    }
    if (this.rover !== 0) this.checkRover(holes);
  }

  private checkRover(holes: ReadonlyMap<number, number>): void {
    const hole = this.memory.loadWord(this.rover);
    if (hole !== this.first && !holes.has(hole)) {
      throw new Corruption('the rover leads to what is no hole', this.rover);
    }
  }
}
