/**
 * The firmware of a scenario on a board: creates queues and tasks as main() would, gives scripts what they
 * need, and runs until something stops it.
 */

import type { Position } from '../input/index.js';
import { Kernel, type Program, type Queue, type Stop, type Task } from '../kernel/index.js';
import { Fault } from '../mcu/index.js';
import type { Block, Firmware, Request } from '../scenario/firmware.js';
import type { Frame, Holdings, Pass } from '../scenario/frame.js';
import { type RandomStream, sampler } from '../scenario/random.js';
import type {
  Interrupt as InterruptDescription,
  Scenario,
  Task as TaskDescription,
} from '../scenario/scenario.js';
import { compileScript, repeatForever } from '../scenario/script.js';
import { cycleDistribution, toCycles, toTicks } from '../scenario/times.js';
import type { Board } from './board.js';
import type { RunEvents } from './events.js';
import { type Experiments, HeapService, type OperationBudget } from './heap-service.js';

/** A periodic task's current period. */
interface Job {
  readonly task: Task;
  readonly releaseCycle: number;
  readonly deadlineCycle: number;
  readonly periodCycles: number;
}

export class Device implements Firmware {
  readonly kernel: Kernel;
  private readonly heap: HeapService;
  private readonly queues = new Map<string, Queue>();
  private readonly tasks = new Map<string, Task>();
  private readonly globals: Holdings;
  private readonly jobs = new Map<string, Job>();
  private readonly places = new Map<string, { at: Position | undefined }>();

  constructor(
    private readonly scenario: Scenario,
    private readonly board: Board,
    private readonly events: RunEvents,
    budget: OperationBudget,
    private readonly streams: (name: string) => RandomStream,
    experiments: Experiments,
  ) {
    this.heap = new HeapService(board, events, budget, experiments);
    const { kernel } = board.config.target;
    const storage = kernel.objectsFromHeap ? this.heap : undefined;
    this.kernel = new Kernel(board.clock, kernel, kernelEvents(events), storage);
    board.kernel = this.kernel;
    this.globals = new Map(scenario.globals.map((name) => [name, []]));
  }

  get heapBytes(): number {
    return this.board.heapBytes;
  }

  /** Boots and runs to `endCycle`, counted from the scheduler's start. @throws Fault, Corruption */
  run(lengthCycles: number): Stop {
    for (const { name, length, itemBytes } of this.scenario.queues) {
      const queue = this.kernel.createQueue(name, length, itemBytes);
      if (queue !== undefined) this.queues.set(name, queue);
    }
    for (const task of this.scenario.tasks) if (task.autostart) this.createAtBoot(task);
    const started = this.kernel.start();
    const startCycle = this.board.clock.cycle;
    if (!started) {
      throw new Fault('assertion', 0, 'the scheduler cannot start: no room on the heap for the IDLE task');
    }
    this.installIdleHook();
    for (const interrupt of this.scenario.interrupts) this.installInterrupt(interrupt, startCycle);
    return this.kernel.run(startCycle + lengthCycles);
  }

  /** The running script's line. */
  get place(): { task: string; at: Position | undefined } {
    const task = this.kernel.interrupted?.name ?? this.kernel.scheduler.current?.name ?? '-';
    return { task, at: this.places.get(task)?.at };
  }

  /** Periods still running past their deadline. */
  reportOverdueJobs(): void {
    for (const { task, releaseCycle, deadlineCycle, periodCycles } of this.jobs.values()) {
      if (task.deleted) continue;
      // A starved task misses every period's deadline, not only the one it is stuck in.
      let late = this.board.clock.cycle - deadlineCycle;
      for (let release = releaseCycle; late > 0; release += periodCycles, late -= periodCycles) {
        this.events.missedDeadline(task, release, late, false);
      }
    }
  }

  // --- tasks --------------------------------------------------------------------------------------------

  private createAtBoot(description: TaskDescription): void {
    const { name, priority } = description;
    const task = this.kernel.createTaskAtBoot(name, priority, this.stackBytes(description), (created) =>
      this.program(created, description),
    );
    if (task !== undefined) this.tasks.set(name, task);
  }

  *startTask(name: string): Program {
    const description = this.scenario.tasks.find((candidate) => candidate.name === name);
    if (description === undefined) throw new Fault('illegal-call', 0, `start task ${name}: there is none`);
    const existing = this.tasks.get(name);
    if (existing !== undefined && !existing.deleted) {
      throw new Fault('illegal-call', 0, `start task ${name}: it has been started already`);
    }
    const { priority } = description;
    yield* this.kernel.createTask(name, priority, this.stackBytes(description), (task) => {
      this.tasks.set(name, task);
      return this.program(task, description);
    });
  }

  private stackBytes(description: TaskDescription): number {
    return description.stackBytes ?? this.board.config.target.kernel.idleStackBytes;
  }

  /** Around the script: periods and deadlines, or a loop, or one pass and deletion. */
  private *program(task: Task, description: TaskDescription): Program {
    const pass = compileScript(description.script, this.frame(task.name, false));
    if (description.period !== undefined) yield* this.periodic(task, description, pass);
    else if (description.loop) yield* repeatForever(this, pass);
    else yield* pass();
    this.events.taskEnded(task);
    yield* this.kernel.deleteTask(task);
  }

  private *periodic(task: Task, description: TaskDescription, pass: Pass): Program {
    const { clock, scheduler } = this.kernel;
    const periodTicks = toTicks(description.period!, clock);
    const deadlineCycles = toCycles(description.deadline ?? description.period!, clock);
    const periodCycles = periodTicks * clock.cyclesPerTick;
    // The next job is noted before the task waits for it: it may never get the CPU again.
    const release = (tick: number) => {
      const releaseCycle = scheduler.cycleOfTick(tick);
      const job = { task, releaseCycle, deadlineCycle: releaseCycle + deadlineCycles, periodCycles };
      this.jobs.set(task.name, job);
      return job;
    };
    for (;;) {
      const { releaseCycle, deadlineCycle } = release(task.lastWakeTick!);
      yield* pass();
      release(task.lastWakeTick! + periodTicks);
      const late = clock.cycle - deadlineCycle;
      if (late > 0) this.events.missedDeadline(task, releaseCycle, late, true);
      yield* this.kernel.delayUntil(periodTicks);
    }
  }

  private frame(owner: string, inInterrupt: boolean): Frame {
    const place = { at: undefined };
    this.places.set(owner, place);
    const { onOom } = this.scenario;
    const { globals } = this;
    return {
      firmware: this,
      random: this.streams(owner),
      owner,
      locals: new Map(),
      globals,
      onOom,
      inInterrupt,
      place,
    };
  }

  private installIdleHook(): void {
    const { idleHook } = this.scenario;
    if (typeof idleHook !== 'function' && idleHook.length === 0) return;
    this.kernel.idleHook = compileScript(idleHook, this.frame('IDLE', false));
  }

  // --- interrupts ---------------------------------------------------------------------------------------

  private installInterrupt(description: InterruptDescription, startCycle: number): void {
    const { clock } = this.kernel;
    const frame = this.frame(description.name, true);
    const handler = compileScript(description.script, frame);
    const first = sampler(cycleDistribution(description.first, clock), frame.random);
    const gap = sampler(cycleDistribution(description.period, clock), frame.random);
    let left = description.count ?? Number.POSITIVE_INFINITY;
    const interrupt = {
      name: description.name,
      nextCycle: left > 0 ? startCycle + first() : Number.POSITIVE_INFINITY,
      fire: () => {
        left--;
        interrupt.nextCycle = left > 0 ? interrupt.nextCycle + Math.max(1, gap()) : Number.POSITIVE_INFINITY;
        // A switch that a step asks for waits until the handler is through.
        const program = handler();
        while (!program.next().done) this.kernel.throwIfAborted();
      },
    };
    this.kernel.interrupts.push(interrupt);
  }

  // --- what scripts call --------------------------------------------------------------------------------

  malloc(bytes: number, request: Request): Block | undefined {
    return this.heap.malloc(bytes, request);
  }

  calloc(count: number, bytes: number, request: Request): Block | undefined {
    return this.heap.calloc(count, bytes, request);
  }

  realloc(block: Block, bytes: number, request: Request): Block | undefined {
    return this.heap.realloc(block, bytes, request);
  }

  free(block: Block): void {
    this.heap.free(block);
  }

  lock(block: Block): void {
    this.board.handles.lock(block.handle);
  }

  unlock(block: Block): void {
    this.board.handles.unlock(block.handle);
  }

  fill(block: Block): void {
    this.heap.fill(block);
  }

  verify(block: Block): void {
    this.heap.verify(block);
  }

  overflow(block: Block, bytes: number, value: number): void {
    this.heap.overflow(block, bytes, value);
  }

  log(owner: string, text: string): void {
    this.events.logged(owner, text);
  }

  task(name: string): Task {
    const task = this.tasks.get(name);
    if (task === undefined) throw new Fault('illegal-call', 0, `task ${name} has not been created`);
    if (task.deleted) throw new Fault('illegal-call', 0, `task ${name} has been deleted`);
    return task;
  }

  queue(name: string): Queue {
    const queue = this.queues.get(name);
    if (queue === undefined)
      throw new Fault('illegal-call', 0, `queue ${name} was never created: no room for it`);
    return queue;
  }
}

/** A block that travels belongs to its queue, then to who receives it. */
function kernelEvents(events: RunEvents): RunEvents {
  return {
    ...events,
    sent(sender, queue, message) {
      if (typeof message === 'object') (message as Block).owner = `queue:${queue.name}`;
      events.sent(sender, queue, message);
    },
    received(task, queue, message) {
      if (typeof message === 'object') (message as Block).owner = task.name;
      events.received(task, queue, message);
    },
  };
}
