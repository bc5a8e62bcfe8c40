/**
 * FreeRTOS's queue (queue.c): messages in order, and a wait list at either end. A woken waiter owns nothing
 * yet: it looks at the queue again and blocks for the rest of its timeout if somebody was faster.
 */

import { List } from './list.js';
import type { Task } from './task.js';

/** Waits for ever. */
export const FOREVER = Number.POSITIVE_INFINITY;

export class Queue {
  readonly messages: unknown[] = [];
  readonly receivers = new List<Task>();
  readonly senders = new List<Task>();

  /** `length`: messages it can hold, at least 1. `address`: of its storage, 0 where that is not on the heap. */
  constructor(
    readonly name: string,
    readonly length: number,
    readonly address: number,
  ) {}

  get isFull(): boolean {
    return this.messages.length >= this.length;
  }
}
