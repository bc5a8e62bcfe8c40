/** The task control block. */

import { ListItem } from './list.js';

/**
 * A task's code. It runs until it yields, and it yields where the running task gives up the CPU: when
 * {@link Scheduler.switchDue} is set, and nowhere else.
 */
export type Program = Generator<void, void, void>;

export class Task {
  /** In a ready ring, the delayed list, the suspended list or the termination list. */
  readonly stateItem: ListItem<Task>;
  /** In a queue's wait list or the pending-ready list. */
  readonly eventItem: ListItem<Task>;
  /** Last wake tick of `delay until`; set when the task first runs. */
  lastWakeTick: number | undefined;
  /** Cycle at which an interrupt readied it while the scheduler was suspended. */
  readiedCycle = 0;
  /** `uxTaskNumber`: counts tasks from 1 as they are created; none is given twice. */
  number = 0;
  deleted = false;
  /** Addresses of what the kernel allocated for it, 0 where that is not from the heap. */
  stackAddress = 0;
  tcbAddress = 0;
  program: Program | undefined;

  constructor(
    readonly name: string,
    public priority: number,
    readonly stackBytes: number,
  ) {
    this.stateItem = new ListItem<Task>(this);
    this.eventItem = new ListItem<Task>(this);
  }
}
