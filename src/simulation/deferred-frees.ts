/** Blocks that the firmware has handed over to be freed a few at a time, at the heartbeats of the heap. */

import type { Block } from '../scenario/firmware.js';

interface HungBlocks {
  /** Those not freed yet, the first to be freed last in the array. */
  readonly blocks: Block[];
  readonly perHeartbeat: number;
}

export class DeferredFrees {
  private readonly lists: HungBlocks[] = [];

  constructor(private readonly free: (block: Block) => void) {}

  /** Their order is that in which they will be freed. */
  hang(blocks: readonly Block[], perHeartbeat: number): void {
    this.lists.push({ blocks: blocks.toReversed(), perHeartbeat });
  }

  /** Frees as many of each list as it may; all of all lists if the heap has no room otherwise. */
  heartbeat(force: boolean): void {
    for (let index = this.lists.length - 1; index >= 0; index--) {
      const { blocks, perHeartbeat } = this.lists[index]!;
      const count = force ? blocks.length : Math.min(perHeartbeat, blocks.length);
      for (let left = count; left > 0; left--) this.free(blocks.pop()!);
      if (blocks.length === 0) this.lists.splice(index, 1);
    }
  }
}
