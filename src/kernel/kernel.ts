/**
 * The kernel as firmware sees it: creates tasks and queues, starts the scheduler, runs programs, takes
 * interrupts, lets idle clean up. FreeRTOS's rules; where they leave room, what the real kernel was seen to
 * do (test/vectors/kernel).
 *
 * A program is a generator that yields exactly where its task loses the CPU. Calls that can block are
 * generators (`yield* kernel.delay(3)`); after any other call the program yields if `switchDue` is set.
 */

import { type Clock, Fault } from '../mcu/index.js';
import type { KernelEvents } from './events.js';
import { List } from './list.js';
import { Queue } from './queue.js';
import { QueueCalls } from './queue-calls.js';
import { Scheduler } from './scheduler.js';
import { type Program, Task } from './task.js';

/** A source of interrupts. `fire` runs the handler and sets `nextCycle` to a later cycle, or to Infinity. */
export interface Interrupt {
  readonly name: string;
  nextCycle: number;
  fire(): void;
}

export type KernelObject = 'stack' | 'tcb' | 'queue';

/** Where stacks, TCBs and queue storage come from: heap calls, with their suspension and cost. */
export interface KernelStorage {
  /** An address, or 0 when there is no room. `owner`: the task's or queue's name. */
  allocate(object: KernelObject, owner: string, bytes: number): number;
  release(object: KernelObject, owner: string, address: number): void;
}

/**
 * `vApplicationMallocFailedHook`, called inside pvPortMalloc when there is no room for one of the kernel's
 * objects: acts at once, or returns a program to run before the creation fails.
 */
export type MallocFailedHook = (object: KernelObject, bytes: number) => Program | undefined;

export interface KernelConfig {
  readonly priorities: number;
  readonly tcbBytes: number;
  /** Of a queue's control structure; its storage comes on top. */
  readonly queueBytes: number;
  readonly idleStackBytes: number;
}

/** Ends the run from wherever it is: the power goes off, or the firmware halts or resets the chip. */
export class Stop {
  constructor(readonly reason: 'end' | 'halt' | 'reset') {}
}

/** What runs before the scheduler. No task or interrupt can have this name. */
export const MAIN = 'main()';

const noHook: MallocFailedHook = () => undefined;

const MAXIMUM_IDLE_SWITCHES = 100_000;

export class Kernel {
  readonly scheduler: Scheduler;
  readonly queues: QueueCalls;
  /** Runs once per tick while the idle task does; it must not block. */
  idleHook: (() => Program) | undefined;
  /** What the idle task does before its hook, a portion at a time; false: there is nothing to do. */
  idleWork: (() => boolean) | undefined;
  /** Called before what the kernel allocated for a deleted task is freed. */
  taskDeleted: ((task: Task) => void) | undefined;
  readonly interrupts: Interrupt[] = [];
  /** Of all tasks that were ever created: that of number 1 first. */
  readonly taskNames: string[] = [];

  private readonly terminated = new List<Task>();
  /** When the run ends; may be put off while it runs. */
  endCycle = Number.POSITIVE_INFINITY;
  private aborted: { readonly reason: unknown } | undefined;
  /** Whose handler is running. */
  interrupted: Interrupt | undefined;

  /** `storage`: undefined when kernel objects are static. */
  constructor(
    readonly clock: Clock,
    private readonly config: KernelConfig,
    private readonly events: KernelEvents,
    private readonly storage: KernelStorage | undefined,
  ) {
    this.scheduler = new Scheduler(clock, config.priorities, events);
    this.queues = new QueueCalls(this.scheduler, events);
  }

  // --- creation -----------------------------------------------------------------------------------------

  /** `xQueueCreate` in main(): one block for structure and storage; undefined when there is no room. */
  createQueue(
    name: string,
    length: number,
    itemBytes: number,
    mallocFailed: MallocFailedHook = noHook,
  ): Queue | undefined {
    if (this.storage === undefined) return new Queue(name, length, 0);
    const bytes = this.config.queueBytes + length * itemBytes;
    const address = this.atBoot(this.allocate('queue', name, bytes, mallocFailed));
    return address === 0 ? undefined : new Queue(name, length, address);
  }

  /** `xTaskCreate`: stack, then TCB; undefined when there is no room for both. */
  *createTask(
    name: string,
    priority: number,
    stackBytes: number,
    program: (task: Task) => Program,
    mallocFailed: MallocFailedHook = noHook,
  ): Generator<void, Task | undefined, void> {
    const { storage, scheduler } = this;
    const task = new Task(name, priority, stackBytes);
    if (storage !== undefined) {
      task.stackAddress = yield* this.allocate('stack', name, stackBytes, mallocFailed);
      if (task.stackAddress === 0) return undefined;
      task.tcbAddress = yield* this.allocate('tcb', name, this.config.tcbBytes, mallocFailed);
      if (task.tcbAddress === 0) {
        storage.release('stack', name, task.stackAddress);
        if (scheduler.switchDue) yield;
        return undefined;
      }
    }
    task.number = this.taskNames.push(name);
    task.program = program(task);
    scheduler.add(task);
    if (scheduler.switchDue) yield;
    return task;
  }

  /** {@link createTask} in main(). */
  createTaskAtBoot(...task: Parameters<Kernel['createTask']>): Task | undefined {
    return this.atBoot(this.createTask(...task));
  }

  private *allocate(
    object: KernelObject,
    owner: string,
    bytes: number,
    mallocFailed: MallocFailedHook,
  ): Generator<void, number, void> {
    const address = this.storage!.allocate(object, owner, bytes);
    if (this.scheduler.switchDue) yield;
    const hook = address === 0 ? mallocFailed(object, bytes) : undefined;
    if (hook !== undefined) yield* hook;
    return address;
  }

  /** Before the scheduler runs nothing can switch: a program yields only where it is to be aborted. */
  private atBoot<Result>(program: Generator<void, Result, void>): Result {
    const { done, value } = program.next();
    if (done) return value;
    this.throwIfAborted();
    throw new Fault('illegal-call', 0, 'main() gives up the CPU before the scheduler was started');
  }

  // --- running ------------------------------------------------------------------------------------------

  /** `vTaskStartScheduler`: creates IDLE and lets the first task run; false when IDLE finds no room. */
  start(mallocFailed: MallocFailedHook = noHook): boolean {
    const { idleStackBytes } = this.config;
    const idle = this.createTaskAtBoot('IDLE', 0, idleStackBytes, () => this.idle(), mallocFailed);
    if (idle === undefined) return false;
    this.scheduler.idleTask = idle;
    this.scheduler.start();
    return true;
  }

  /** Runs until a {@link Stop} is thrown, at the latest at `endCycle`. */
  run(endCycle: number): Stop {
    this.endCycle = endCycle;
    const { scheduler, clock } = this;
    let lastCycle = clock.cycle;
    let switches = 0;
    try {
      for (;;) {
        const task = scheduler.current!;
        task.lastWakeTick ??= scheduler.tick;
        task.program!.next();
        this.throwIfAborted();
        scheduler.switchContext();
        if (clock.cycle !== lastCycle) {
          lastCycle = clock.cycle;
          switches = 0;
        } else if (++switches > MAXIMUM_IDLE_SWITCHES) {
          throw new Fault('endless-loop', 0, `tasks switch for ever at cycle ${lastCycle}: no time passes`);
        }
      }
    } catch (stop) {
      if (stop instanceof Stop) return stop;
      throw stop;
    }
  }

  /**
   * Ends the run as soon as the running program has yielded, which it must do next and from which it never
   * comes back: `reason` is thrown, and no `catch` or `finally` of the program's own sees anything of it.
   */
  abort(reason: unknown): void {
    this.aborted ??= { reason };
  }

  /** For whoever drives a program to its end, after each yield. */
  throwIfAborted(): void {
    if (this.aborted !== undefined) throw this.aborted.reason;
  }

  /**
   * Lets the running task work for `cycles`; interrupts come in between. Returns what is left to do when
   * another task must run first. While the scheduler is suspended that is never the case.
   */
  work(cycles: number): number {
    const { clock, scheduler } = this;
    let left = cycles;
    while (left > 0) {
      const next = this.nextInterruptCycle();
      if (clock.cycle + left < next) {
        clock.cycle += left;
        left = 0;
      } else {
        const spent = Math.max(0, next - clock.cycle);
        clock.cycle += spent;
        left -= spent;
        this.takeInterrupt();
        if (scheduler.switchDue) break;
      }
    }
    scheduler.passTicks();
    return left;
  }

  private nextInterruptCycle(): number {
    let next = Math.min(this.endCycle, this.scheduler.nextTickCycle());
    for (const interrupt of this.interrupts) next = Math.min(next, interrupt.nextCycle);
    return next;
  }

  /** What is due now: the end of the run, else the tick, else interrupts in their order. */
  private takeInterrupt(): void {
    const { clock, scheduler } = this;
    if (clock.cycle >= this.endCycle) throw new Stop('end');
    if (scheduler.nextTickCycle() <= clock.cycle) {
      if (scheduler.incrementTick(scheduler.timerTicks())) scheduler.yield();
      return;
    }
    scheduler.passTicks();
    const due = this.interrupts.find((interrupt) => interrupt.nextCycle <= clock.cycle);
    if (due === undefined) return;
    this.handle(due);
  }

  /** After a fault it stays noted whose handler it was in. */
  private handle(interrupt: Interrupt): void {
    const { clock } = this;
    const startCycle = clock.cycle;
    this.interrupted = interrupt;
    try {
      interrupt.fire();
    } finally {
      if (clock.cycle > startCycle) this.events.interruptRan(interrupt.name, clock.cycle - startCycle);
    }
    this.interrupted = undefined;
  }

  /** Whose code runs: the name of an interrupt, a task, or {@link MAIN} before the scheduler does. */
  get running(): string {
    const { interrupted, scheduler } = this;
    return interrupted?.name ?? (scheduler.isRunning ? scheduler.current!.name : MAIN);
  }

  /** Time that an interrupt's handler takes: nothing else happens meanwhile. */
  workInInterrupt(cycles: number): void {
    this.clock.cycle += cycles;
  }

  /** For calls that an interrupt must not make. @throws Fault in an interrupt */
  assertInTask(call: string): void {
    if (this.interrupted !== undefined) {
      throw new Fault('illegal-call', 0, `${call} called from interrupt ${this.interrupted.name}`);
    }
  }

  // --- calls of the running task ------------------------------------------------------------------------

  /** Uses the CPU for `cycles`. */
  *compute(cycles: number): Program {
    let left = this.work(cycles);
    while (left > 0) {
      yield;
      left = this.work(left);
    }
    if (this.scheduler.switchDue) yield;
  }

  /** `vTaskDelay`; 0 ticks are a yield. */
  *delay(ticks: number): Program {
    this.scheduler.assertMayBlock('delay');
    if (ticks > 0) this.scheduler.blockUntil(this.scheduler.tick + ticks);
    else this.scheduler.yield();
    yield;
  }

  /** `xTaskDelayUntil` on the task's own grid. A time already past does not block, but still yields. */
  *delayUntil(periodTicks: number): Program {
    this.scheduler.assertMayBlock('delay until');
    const task = this.scheduler.current!;
    const wake = task.lastWakeTick! + periodTicks;
    task.lastWakeTick = wake;
    if (wake > this.scheduler.tick) this.scheduler.blockUntil(wake);
    else this.scheduler.yield();
    yield;
  }

  /** `vTaskDelete`: another task's memory is freed here, the caller's own later by IDLE. */
  *deleteTask(task: Task): Program {
    this.scheduler.remove(task);
    if (task === this.scheduler.current) {
      this.terminated.insertAtEnd(task.stateItem);
      yield;
      throw new Error(`the deleted task ${task.name} was scheduled`);
    }
    yield* this.releaseTask(task);
  }

  private *releaseTask(task: Task): Program {
    this.taskDeleted?.(task);
    if (this.scheduler.switchDue) yield;
    if (this.storage === undefined) return;
    this.storage.release('stack', task.name, task.stackAddress);
    if (this.scheduler.switchDue) yield;
    this.storage.release('tcb', task.name, task.tcbAddress);
    if (this.scheduler.switchDue) yield;
  }

  // --- idle ---------------------------------------------------------------------------------------------

  /** Frees deleted tasks, makes way for others of priority 0, works, runs the hook, waits for an interrupt. */
  private *idle(): Program {
    const { scheduler } = this;
    for (;;) {
      for (let task = this.terminated.head; task !== undefined; task = this.terminated.head) {
        task.stateItem.remove();
        yield* this.releaseTask(task);
      }
      if (scheduler.hasReadyEqual()) {
        scheduler.yield();
        yield;
        continue;
      }
      if (this.idleWork?.() === true) {
        if (scheduler.switchDue) yield;
        continue;
      }
      if (this.idleHook !== undefined) yield* this.idleHook();
      this.waitForInterrupt();
      if (scheduler.switchDue) yield;
    }
  }

  private waitForInterrupt(): void {
    const { clock, scheduler } = this;
    scheduler.everyTick = this.idleHook !== undefined || this.idleWork !== undefined;
    clock.cycle = Math.max(clock.cycle, this.nextInterruptCycle());
    this.takeInterrupt();
    scheduler.everyTick = false;
    scheduler.passTicks();
  }
}
