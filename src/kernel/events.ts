/** What the kernel tells about itself. Every method is called in the order in which things happen. */

import type { Queue } from './queue.js';
import type { Task } from './task.js';

export interface KernelEvents {
  /** `task` has the CPU now; the one before it had it until this moment. */
  switchedIn(task: Task): void;
  /** About to be put into the queue. `sender` is a task's or an interrupt's name. */
  sent(sender: string, queue: Queue, message: unknown): void;
  sendFailed(sender: string, queue: Queue, message: unknown): void;
  /** Taken out of the queue. `receiver` is a task's or an interrupt's name. */
  received(receiver: string, queue: Queue, message: unknown): void;
  receiveFailed(receiver: string, queue: Queue): void;
  /** The handler of interrupt `name` took `cycles`, more than 0, while the running task stood still. */
  interruptRan(name: string, cycles: number): void;
  /** The outermost `xTaskResumeAll` after `cycles` of suspension by `holder`. */
  suspensionEnded(holder: Task, cycles: number): void;
  /** `victim`, of higher priority, could have run `cycles` earlier had `holder` not suspended the scheduler. */
  heldUp(victim: Task, holder: Task, cycles: number): void;
}
