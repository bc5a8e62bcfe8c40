/**
 * FreeRTOS's scheduler: ready rings by priority, delays, ticks, suspension (tasks.c of V11, preemption and
 * time slicing on). Calls take no time of their own; a switch that one of them asks for is latched in
 * {@link Scheduler.switchDue}, and the running program yields as soon as it sees that.
 *
 * The tick interrupt is simulated only where something depends on it: while nobody of the running task's
 * priority is ready and no delay ends, ticks just pass.
 */

import { Fault } from '../mcu/fault.js';
import type { Clock } from '../mcu/index.js';
import type { KernelEvents } from './events.js';
import { List } from './list.js';
import type { Task } from './task.js';

export class Scheduler {
  /** The running program must yield now: another task is to be chosen. */
  switchDue = false;
  current: Task | undefined;
  /** Set once the kernel has made it. */
  idleTask: Task | undefined;
  /** Simulate every tick, also those on which the scheduler has nothing to do (set where the idle task looks for work). */
  everyTick = false;

  private readonly ready: readonly List<Task>[];
  private readonly delayed = new List<Task>();
  private readonly pendingReady = new List<Task>();
  private readonly suspendedTasks = new List<Task>();
  private running = false;
  private suspensions = 0;
  private suspendedSinceCycle = 0;
  private yieldPending = false;
  /** Ticks that have been dealt with. */
  private countedTicks = 0;
  /** Cycle of tick 0. */
  private startCycle = 0;

  constructor(
    readonly clock: Clock,
    readonly priorities: number,
    private readonly events: KernelEvents,
  ) {
    this.ready = Array.from({ length: priorities }, () => new List<Task>());
  }

  /** Whether the scheduler has been started. */
  get isRunning(): boolean {
    return this.running;
  }

  // --- time ---------------------------------------------------------------------------------------------

  /** `xTickCount`: stands still while the scheduler is suspended. */
  get tick(): number {
    return this.suspensions === 0 ? this.timerTicks() : this.countedTicks;
  }

  /** Ticks of the timer since the scheduler started, whether the kernel has counted them or not. */
  timerTicks(): number {
    const { cycle, cyclesPerTick } = this.clock;
    // Most calls come within the tick that was counted last: no need to divide.
    if (!this.running || cycle < this.cycleOfTick(this.countedTicks + 1)) return this.countedTicks;
    return Math.floor((cycle - this.startCycle) / cyclesPerTick);
  }

  cycleOfTick(tick: number): number {
    return this.startCycle + tick * this.clock.cyclesPerTick;
  }

  /** The next tick that has to be simulated, as a cycle; Infinity if none. */
  nextTickCycle(): number {
    return this.suspensions > 0 || !this.running
      ? Number.POSITIVE_INFINITY
      : this.cycleOfTick(this.nextEventfulTick());
  }

  /** Counts the ticks that went by without effect. */
  passTicks(): void {
    if (this.suspensions > 0 || !this.running) return;
    this.countedTicks = Math.min(this.timerTicks(), this.nextEventfulTick() - 1);
  }

  /** Equals share at every tick; otherwise a tick matters when a delay ends. */
  private nextEventfulTick(): number {
    if (this.everyTick || this.hasReadyEqual()) return this.countedTicks + 1;
    return this.delayed.headValue;
  }

  /** `xTaskIncrementTick` for `tick`: wakes whose time has come, then lets equals share. */
  incrementTick(tick: number): boolean {
    this.countedTicks = tick;
    const current = this.current!;
    let switchRequired = false;
    while (this.delayed.headValue <= tick) {
      const task = this.delayed.head!;
      task.stateItem.remove();
      task.eventItem.remove();
      this.addToReady(task);
      if (task.priority > current.priority) switchRequired = true;
    }
    return switchRequired || this.ready[current.priority]!.length > 1;
  }

  // --- choosing -----------------------------------------------------------------------------------------

  /** A task that has just been created. Before the start the last of the highest becomes the first to run. */
  add(task: Task): void {
    task.eventItem.value = this.priorities - task.priority;
    if (!this.running && (this.current === undefined || task.priority >= this.current.priority)) {
      this.current = task;
    }
    this.addToReady(task);
    if (this.running && task.priority > this.current!.priority) this.yield();
  }

  /** The task chosen at creation runs first; the rings have not moved yet. */
  start(): void {
    this.running = true;
    this.startCycle = this.clock.cycle;
    this.events.switchedIn(this.current!);
  }

  /** Calls that need a running task. @throws Fault before the scheduler has been started */
  assertRunning(call: string): void {
    if (!this.running) {
      throw new Fault('illegal-call', 0, `${call} called before the scheduler was started`);
    }
  }

  /** `taskYIELD`: a switch now, or at resume while the scheduler is suspended. */
  yield(): void {
    this.assertRunning('yield');
    if (this.suspensions > 0) this.yieldPending = true;
    else this.switchDue = true;
  }

  /** `vTaskSwitchContext`: the next of the highest ring that has one. */
  switchContext(): Task {
    this.switchDue = false;
    this.yieldPending = false;
    let priority = this.priorities - 1;
    while (this.ready[priority]!.length === 0) priority--;
    const chosen = this.ready[priority]!.advance();
    if (chosen !== this.current) {
      this.current = chosen;
      this.events.switchedIn(chosen);
    }
    return chosen;
  }

  /** Whether another task of the running one's priority is ready. */
  hasReadyEqual(): boolean {
    return this.ready[this.current!.priority]!.length > 1;
  }

  private addToReady(task: Task): void {
    this.ready[task.priority]!.insertAtEnd(task.stateItem);
  }

  // --- suspension of the scheduler ----------------------------------------------------------------------

  get suspended(): boolean {
    return this.suspensions > 0;
  }

  suspendAll(): void {
    if (this.suspensions === 0) {
      this.passTicks();
      this.suspendedSinceCycle = this.clock.cycle;
    }
    this.suspensions++;
  }

  /** `xTaskResumeAll`: what was readied meanwhile, then the pended ticks, then at most one switch. */
  resumeAll(): void {
    if (this.suspensions === 0) {
      throw new Fault('assertion', 0, 'configASSERT: resume all without a suspend all before it');
    }
    this.suspensions--;
    if (this.suspensions > 0 || this.current === undefined) return;
    const holder = this.current;
    this.events.suspensionEnded(holder, this.clock.cycle - this.suspendedSinceCycle);
    if (this.pendingReady.length > 0) this.releasePendingReady(holder);
    if (this.running && this.countedTicks < this.timerTicks()) this.replayTicks(holder);
    if (this.yieldPending && this.running) this.yield();
  }

  /** The run is over: what a suspension that nobody ended did until now is told as if it ended here. */
  tellOpenSuspension(): void {
    const { current: holder, clock } = this;
    const cycles = clock.cycle - this.suspendedSinceCycle;
    if (this.suspensions === 0 || holder === undefined || cycles === 0) return;
    this.events.suspensionEnded(holder, cycles);
    for (const task of this.pendingReady.owners()) {
      if (task.priority > holder.priority) this.events.heldUp(task, holder, clock.cycle - task.readiedCycle);
    }
    if (this.running) this.tellHeldUp(holder, this.timerTicks());
  }

  /** Those whose delay has ended by `tick`, though they could not run. */
  private tellHeldUp(holder: Task, tick: number): void {
    for (const task of this.delayed.owners()) {
      const wakeTick = task.stateItem.value;
      if (wakeTick > tick) break;
      // One that an interrupt has woken before is told of already.
      if (task.priority > holder.priority && task.eventItem.list !== this.pendingReady) {
        this.events.heldUp(task, holder, this.clock.cycle - this.cycleOfTick(wakeTick));
      }
    }
  }

  private releasePendingReady(holder: Task): void {
    for (let task = this.pendingReady.head; task !== undefined; task = this.pendingReady.head) {
      task.eventItem.remove();
      task.stateItem.remove();
      this.addToReady(task);
      if (task.priority > holder.priority) {
        this.yieldPending = true;
        this.events.heldUp(task, holder, this.clock.cycle - task.readiedCycle);
      }
    }
  }

  private replayTicks(holder: Task): void {
    const last = this.timerTicks();
    while (this.countedTicks < last) {
      const tick = Math.min(this.nextEventfulTick(), last);
      this.tellHeldUp(holder, tick);
      if (this.incrementTick(tick)) this.yieldPending = true;
    }
  }

  // --- blocking -----------------------------------------------------------------------------------------

  /** Blocks the running task until `tick`, and forever for Infinity. It must yield next. */
  blockUntil(tick: number): void {
    const task = this.current!;
    if (task === this.idleTask) throw new Fault('assertion', 0, 'the idle task and its hook must never wait');
    task.stateItem.remove();
    if (tick === Number.POSITIVE_INFINITY) {
      this.suspendedTasks.insertAtEnd(task.stateItem);
    } else {
      task.stateItem.value = tick;
      this.delayed.insertSorted(task.stateItem);
    }
    this.yield();
  }

  /** `vTaskPlaceOnEventList`: as {@link blockUntil}, and in `waiters` by priority. */
  waitOn(waiters: List<Task>, untilTick: number): void {
    waiters.insertSorted(this.current!.eventItem);
    this.blockUntil(untilTick);
  }

  /** `xTaskRemoveFromEventList`: readies the first waiter; whether it is above the running task. */
  wakeFirst(waiters: List<Task>): boolean {
    const task = waiters.head!;
    task.eventItem.remove();
    if (this.suspensions === 0) {
      task.stateItem.remove();
      this.addToReady(task);
    } else {
      task.readiedCycle = this.clock.cycle;
      this.pendingReady.insertAtEnd(task.eventItem);
    }
    return task.priority > this.current!.priority;
  }

  /** Blocking with the scheduler suspended would never end: FreeRTOS asserts. */
  assertMayBlock(call: string): void {
    this.assertRunning(call);
    if (this.suspensions > 0) {
      throw new Fault('assertion', 0, `configASSERT: ${call} may not block while the scheduler is suspended`);
    }
  }

  // --- tasks --------------------------------------------------------------------------------------------

  /** `vTaskSuspend`: off its delay and its queue, for good. */
  suspend(task: Task): void {
    this.assertRunning('suspend');
    if (task === this.current) this.assertMayBlock('suspend');
    task.stateItem.remove();
    task.eventItem.remove();
    this.suspendedTasks.insertAtEnd(task.stateItem);
    if (task === this.current) this.yield();
  }

  /** `vTaskResume`: no effect on a task that is not suspended, even if it waits without a timeout. */
  resume(task: Task): void {
    this.assertRunning('resume');
    const waits = task.eventItem.list !== null;
    if (task === this.current || task.stateItem.list !== this.suspendedTasks || waits) return;
    task.stateItem.remove();
    this.addToReady(task);
    if (task.priority > this.current!.priority) this.yield();
  }

  /** `vTaskPrioritySet`. A waiting task keeps its place in the queue's wait list. */
  setPriority(task: Task, priority: number): void {
    this.assertRunning('set priority');
    const old = task.priority;
    if (priority >= this.priorities) {
      throw new Fault(
        'assertion',
        0,
        `configASSERT: priority ${priority} is above ${this.priorities - 1}, the highest`,
      );
    }
    if (priority === old) return;
    const current = this.current!;
    const yieldRequired = priority > old ? task !== current && priority > current.priority : task === current;
    task.priority = priority;
    task.eventItem.value = this.priorities - priority;
    if (task.stateItem.list === this.ready[old]) {
      task.stateItem.remove();
      this.addToReady(task);
    }
    if (yieldRequired) this.yield();
  }

  /** Takes a task out of every list, for deletion; the running one must yield next. */
  remove(task: Task): void {
    this.assertRunning('delete');
    if (task === this.current) this.assertMayBlock('delete');
    task.stateItem.remove();
    task.eventItem.remove();
    task.deleted = true;
    if (task === this.current) this.yield();
  }
}
