/**
 * The live blocks by handle. Handles are addresses in nearly all cases, so an array over the heap's words
 * finds a block quicker than a map; handles elsewhere go to a map.
 */

import type { Block } from '../scenario/firmware.js';

export class LiveBlocks {
  size = 0;
  private readonly slots: (Block | undefined)[];
  private readonly elsewhere = new Map<number, Block>();

  /** `origin` and `bytes` of the range in which most handles lie. */
  constructor(
    private readonly origin: number,
    bytes: number,
  ) {
    this.slots = new Array(Math.ceil(bytes / 4)).fill(undefined);
  }

  get(handle: number): Block | undefined {
    const slot = (handle - this.origin) / 4;
    return slot >= 0 && slot < this.slots.length ? this.slots[slot] : this.elsewhere.get(handle);
  }

  /** In address order, those elsewhere last. */
  withSerials(serials: ReadonlySet<number>): Block[] {
    const all = [...this.slots, ...this.elsewhere.values()];
    return all.filter((block): block is Block => block !== undefined && serials.has(block.serial));
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
