/** What the firmware knows of its blocks while they travel. */

import type { Queue } from '../kernel/index.js';
import { type Block, QUEUE_OWNER } from '../scenario/firmware.js';
import type { Board } from './board.js';
import { Broadcast } from './events.js';

/** A block that travels belongs to its queue, then to who receives it. Whose it was is told before. */
export class FirmwareEvents extends Broadcast {
  private board!: Board;

  override booted(board: Board): void {
    this.board = board;
    super.booted(board);
  }

  override sent(sender: string, queue: Queue, message: unknown): void {
    super.sent(sender, queue, message);
    if (typeof message === 'object') (message as Block).owner = `${QUEUE_OWNER}${queue.name}`;
  }

  override received(receiver: string, queue: Queue, message: unknown): void {
    super.received(receiver, queue, message);
    if (typeof message === 'object') (message as Block).owner = this.board.holderOf(receiver);
  }
}
