/**
 * The live blocks by handle. Handles are addresses in nearly all cases, so an array over the heap's words
 * finds a block quicker than a map; handles elsewhere go to a map, and so do those far up in a heap larger than
 * any real one, whose array would take more memory than the heap.
 */

import type { Block } from '../scenario/firmware.js';

/** Slots of the array: the words of 4 MiB. */
const MAXIMUM_SLOTS = 2 ** 20;

export class LiveBlocks {
  size = 0;
  private readonly slots: (Block | undefined)[];
  private readonly elsewhere = new Map<number, Block>();

  /** `origin` and `bytes` of the range in which most handles lie. */
  constructor(
    private readonly origin: number,
    bytes: number,
  ) {
    this.slots = new Array(Math.min(MAXIMUM_SLOTS, Math.ceil(bytes / 4))).fill(undefined);
  }

  get(handle: number): Block | undefined {
    const slot = (handle - this.origin) / 4;
    return slot >= 0 && slot < this.slots.length ? this.slots[slot] : this.elsewhere.get(handle);
  }

  /** In address order, those elsewhere last. */
  all(): Block[] {
    const elsewhere = [...this.elsewhere.values()].sort((a, b) => a.handle - b.handle);
    return [...this.slots, ...elsewhere].filter((block) => block !== undefined);
  }

  withSerials(serials: ReadonlySet<number>): Block[] {
    return this.all().filter((block) => serials.has(block.serial));
  }

  set(block: Block): void {
    const slot = (block.handle - this.origin) / 4;
    if (slot >= 0 && slot < this.slots.length) this.slots[slot] = block;
    else this.elsewhere.set(block.handle, block);
    this.size++;
  }

  delete(block: Block): void {
    const slot = (block.handle - this.origin) / 4;
    if (slot >= 0 && slot < this.slots.length) this.slots[slot] = undefined;
    else this.elsewhere.delete(block.handle);
    this.size--;
  }
}
