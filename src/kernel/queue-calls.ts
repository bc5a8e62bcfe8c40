/** What tasks and interrupts do with queues (queue.c): send and receive, with timeouts. */

import type { KernelEvents } from './events.js';
import type { Queue } from './queue.js';
import type { Scheduler } from './scheduler.js';

/** Those of a task yield where it gives up the CPU; those of an interrupt never wait. */
export class QueueCalls {
  constructor(
    private readonly scheduler: Scheduler,
    private readonly events: KernelEvents,
  ) {}

  /** `xQueueSend`: waits at most `timeoutTicks` (0, a number, {@link FOREVER}) for room. */
  *send(queue: Queue, message: unknown, timeoutTicks: number): Generator<void, boolean, void> {
    const { scheduler, events } = this;
    scheduler.assertRunning('send');
    const sender = scheduler.current!;
    if (timeoutTicks > 0) scheduler.assertMayBlock('send with a timeout');
    const deadline = scheduler.tick + timeoutTicks;
    while (queue.isFull) {
      if (timeoutTicks === 0 || scheduler.tick >= deadline) {
        events.sendFailed(sender.name, queue, message);
        return false;
      }
      scheduler.waitOn(queue.senders, deadline);
      yield;
    }
    this.put(sender.name, queue, message);
    if (scheduler.switchDue) yield;
    return true;
  }

  /** `xQueueReceive`: the message, or undefined when the timeout passed without one. */
  *receive(queue: Queue, timeoutTicks: number): Generator<void, { message: unknown } | undefined, void> {
    const { scheduler, events } = this;
    scheduler.assertRunning('receive');
    const receiver = scheduler.current!;
    if (timeoutTicks > 0) scheduler.assertMayBlock('receive with a timeout');
    const deadline = scheduler.tick + timeoutTicks;
    while (queue.messages.length === 0) {
      if (timeoutTicks === 0 || scheduler.tick >= deadline) {
        events.receiveFailed(receiver.name, queue);
        return undefined;
      }
      scheduler.waitOn(queue.receivers, deadline);
      yield;
    }
    const message = this.take(receiver.name, queue);
    if (scheduler.switchDue) yield;
    return { message };
  }

  /** `xQueueSendFromISR`: a message that finds the queue full is lost. */
  sendFromInterrupt(sender: string, queue: Queue, message: unknown): boolean {
    if (queue.isFull) {
      this.events.sendFailed(sender, queue, message);
      return false;
    }
    this.put(sender, queue, message);
    return true;
  }

  /** `xQueueReceiveFromISR`: the message, or undefined where there is none. */
  receiveFromInterrupt(receiver: string, queue: Queue): { message: unknown } | undefined {
    if (queue.messages.length > 0) return { message: this.take(receiver, queue) };
    this.events.receiveFailed(receiver, queue);
    return undefined;
  }

  private put(sender: string, queue: Queue, message: unknown): void {
    this.events.sent(sender, queue, message);
    queue.messages.push(message);
    if (queue.receivers.length > 0 && this.scheduler.wakeFirst(queue.receivers)) this.scheduler.yield();
  }

  private take(receiver: string, queue: Queue): unknown {
    const message = queue.messages.shift();
    this.events.received(receiver, queue, message);
    if (queue.senders.length > 0 && this.scheduler.wakeFirst(queue.senders)) this.scheduler.yield();
    return message;
  }
}
