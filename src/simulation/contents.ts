/** What scripts write into their blocks, and look for there: patterns, and bytes behind a block's end. */

import type { Memory } from '../mcu/index.js';
import type { Block } from '../scenario/firmware.js';
import type { Board } from './board.js';
import type { Place, RunEvents } from './events.js';

export class Contents {
  /** `released`: blocks that are gone, though their owners do not know. `overflows`: whether these are written at all. */
  constructor(
    private readonly board: Board,
    private readonly events: RunEvents,
    private readonly released: ReadonlySet<Block>,
    private readonly overflows: boolean,
  ) {}

  /** A byte pattern that differs from block to block and within a block. */
  fill(block: Block): void {
    if (this.released.has(block)) return;
    this.write(block, (index) => patternByte(block, index));
    block.filledBytes = block.bytes;
  }

  zero(block: Block): void {
    this.write(block, () => 0);
  }

  verify(block: Block): void {
    if (this.released.has(block)) return;
    const { handles, memory } = this.board;
    const address = handles.lock(block.handle);
    const lost = firstLostByte(memory, block, address);
    if (lost !== undefined) this.events.contentsLost(block, address + lost);
    handles.unlock(block.handle);
  }

  overflow(block: Block, bytes: number, value: number, place: Place): void {
    if (this.released.has(block)) return;
    const { handles, memory } = this.board;
    const end = handles.lock(block.handle) + block.bytes;
    this.events.overflows(block, end, bytes, place);
    if (this.overflows) {
      for (let index = 0; index < bytes; index++) memory.storeByte(end + index, value);
    }
    handles.unlock(block.handle);
  }

  private write(block: Block, byteAt: (index: number) => number): void {
    const { handles, memory } = this.board;
    const address = handles.lock(block.handle);
    for (let index = 0; index < block.bytes; index++) memory.storeByte(address + index, byteAt(index));
    handles.unlock(block.handle);
  }
}

/** Of a block whose contents begin at `address`: the first that is not as `fill` wrote it. */
export function firstLostByte(memory: Memory, block: Block, address: number): number | undefined {
  for (let index = 0; index < block.filledBytes; index++) {
    if (memory.loadByte(address + index) !== patternByte(block, index)) return index;
  }
  return undefined;
}

function patternByte(block: Block, index: number): number {
  return (Math.imul(block.pattern, 31) + Math.imul(index, 7)) & 0xff;
}
