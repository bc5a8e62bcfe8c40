/**
 * The firmware of a scenario on a board: creates queues and tasks as main() would, gives scripts what they
 * need, and runs until something stops it.
 */

import type { Position } from '../input/index.js';
import {
  Kernel,
  MAIN,
  type MallocFailedHook,
  type Program,
  type Queue,
  type Stop,
  type Task,
} from '../kernel/index.js';
import { Fault } from '../mcu/index.js';
import type {
  Block,
  CacheRequest,
  CompactionLimit,
  CreationPolicy,
  Firmware,
  HeapCounters,
  Request,
} from '../scenario/firmware.js';
import type { Frame, Holdings, Pass } from '../scenario/frame.js';
import { compileOomPolicy, creationPolicy } from '../scenario/oom-policy.js';
import { type RandomStream, sampler } from '../scenario/random.js';
import type {
  Interrupt as InterruptDescription,
  Scenario,
  Task as TaskDescription,
} from '../scenario/scenario.js';
import { compileScript, repeatForever } from '../scenario/script.js';
import { TimelessRounds } from '../scenario/timeless.js';
import { cycleDistribution, toCycles, toTicks } from '../scenario/times.js';
import type { Board } from './board.js';
import type { CreationFailure, Place, RunEvents } from './events.js';
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
  /** Of tasks and of interrupts, which may have the same names. */
  private readonly frames = { task: new Map<string, Frame>(), interrupt: new Map<string, Frame>() };

  constructor(
    private readonly scenario: Scenario,
    private readonly board: Board,
    private readonly events: RunEvents,
    budget: OperationBudget,
    private readonly streams: (name: string) => RandomStream,
    experiments: Experiments,
  ) {
    // What main() creates stands in no script, though a hook may have run there.
    const position = () => (this.kernel.scheduler.isRunning ? this.place.at : undefined);
    this.heap = new HeapService(board, events, budget, experiments, position);
    const { kernel } = board.config.target;
    const storage = kernel.objectsFromHeap ? this.heap : undefined;
    this.kernel = new Kernel(board.clock, kernel, events, storage);
    board.kernel = this.kernel;
    this.serveHeap();
    this.globals = new Map(scenario.globals.map((name) => [name, []]));
  }

  /** What some heaps need of the kernel. */
  private serveHeap(): void {
    const { kernel, heap } = this;
    if (this.board.heap.idleWork !== undefined) kernel.idleWork = () => heap.idleWork();
    if (this.board.heap.taskDeleted !== undefined) kernel.taskDeleted = (task) => heap.taskDeleted(task);
  }

  get heapCounters(): HeapCounters {
    return this.board.heap;
  }

  get heapBytes(): number {
    return this.board.heapBytes;
  }

  /** Boots and runs for `lengthCycles`, counted from the scheduler's start. @throws Fault, Corruption, Stop */
  run(lengthCycles: number): Stop {
    this.installFullnessClient();
    this.installExhaustionClient();
    const started = this.boot(lengthCycles);
    const startCycle = this.board.clock.cycle;
    if (!started) {
      throw new Fault('assertion', 0, 'the scheduler cannot start: no room on the heap for the IDLE task');
    }
    this.installIdleHook();
    for (const interrupt of this.scenario.interrupts) this.installInterrupt(interrupt, startCycle);
    return this.kernel.run(startCycle + lengthCycles);
  }

  /** main(): whether the scheduler can be started. What it creates it does not try again: it cannot wait. */
  private boot(lengthCycles: number): boolean {
    const { kernel, scenario } = this;
    // A hook may compute for ever.
    kernel.endCycle = this.board.clock.cycle + lengthCycles;
    const main = this.frame(MAIN, false);
    const { mallocFailed } = policyOf(main);
    for (const { name, length, itemBytes } of scenario.queues) {
      const watched = this.watched('queue', name, mallocFailed);
      const queue = kernel.createQueue(name, length, itemBytes, watched.hook);
      if (queue === undefined) watched.tell();
      else this.queues.set(name, queue);
    }
    for (const task of scenario.tasks) if (task.autostart) this.createAtBoot(task, mallocFailed);
    const started = kernel.start(mallocFailed);
    main.place.at = undefined;
    return started;
  }

  /** Notes what there was no room for, to tell it when the creation has failed. */
  private watched(kind: CreationFailure['kind'], name: string, mallocFailed: MallocFailedHook) {
    let failure: CreationFailure | undefined;
    const hook: MallocFailedHook = (object, bytes) => {
      failure = { kind, name, object, bytes };
      return mallocFailed(object, bytes);
    };
    return { hook, tell: () => this.events.notCreated(failure!) };
  }

  /** Where the running script is. */
  get place(): Place {
    const { interrupted, scheduler, running } = this.kernel;
    const owners = interrupted === undefined ? 'task' : 'interrupt';
    const at = this.frames[owners].get(running)?.place.at;
    const isMain = interrupted === undefined && !scheduler.isRunning;
    const call = this.heap.callInProgress;
    return isMain ? { context: 'main', task: '-', at, call } : { context: owners, task: running, at, call };
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

  private createAtBoot(description: TaskDescription, mallocFailed: MallocFailedHook): void {
    const watched = this.watched('task', description.name, mallocFailed);
    const task = this.kernel.createTaskAtBoot(...this.creation(description), watched.hook);
    if (task === undefined) watched.tell();
  }

  *startTask(name: string, { mallocFailed, retries, retryTicks }: CreationPolicy): Program {
    const description = this.scenario.tasks.find((candidate) => candidate.name === name);
    if (description === undefined) throw new Fault('illegal-call', 0, `start task ${name}: there is none`);
    const { kernel } = this;
    const watched = this.watched('task', name, mallocFailed);
    for (let round = 0; ; round++) {
      this.assertNotStarted(name);
      const task = yield* kernel.createTask(...this.creation(description), watched.hook);
      if (task !== undefined) return;
      if (round >= retries) break;
      yield* kernel.delay(retryTicks);
    }
    watched.tell();
  }

  private assertNotStarted(name: string): void {
    const existing = this.tasks.get(name);
    if (existing === undefined || existing.deleted) return;
    throw new Fault('illegal-call', 0, `start task ${name}: it has been started already`);
  }

  /** What `xTaskCreate` is called with. */
  private creation(description: TaskDescription) {
    const { name, priority } = description;
    const program = (task: Task) => {
      this.tasks.set(name, task);
      return this.program(task, description);
    };
    return [name, priority, this.stackBytes(description), program] as const;
  }

  private stackBytes(description: TaskDescription): number {
    return description.stackBytes ?? this.board.config.target.kernel.idleStackBytes;
  }

  /** Around the script: periods and deadlines, or a loop, or one pass and deletion. */
  private *program(task: Task, description: TaskDescription): Program {
    const frame = this.frame(task.name, false);
    const pass = compileScript(description.script, frame);
    if (description.period !== undefined) yield* this.periodic(task, description, pass);
    else if (description.loop) yield* repeatForever(frame.passes, pass);
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
    const { onOom } = this.scenario;
    const { globals } = this;
    const frame = {
      firmware: this,
      random: this.streams(owner),
      owner,
      locals: new Map(),
      globals,
      onOom,
      inInterrupt,
      place: { at: undefined as Position | undefined },
      passes: new TimelessRounds(this.kernel.clock, owner),
    };
    this.frames[inInterrupt ? 'interrupt' : 'task'].set(owner, frame);
    return frame;
  }

  private installIdleHook(): void {
    const { idleHook } = this.scenario;
    if (typeof idleHook !== 'function' && idleHook.length === 0) return;
    this.kernel.idleHook = compileScript(idleHook, this.frame('IDLE', false));
  }

  /** The hook runs inside the request that found the heap so full: nothing in it can wait. */
  private installFullnessClient(): void {
    const { onFullness } = this.scenario;
    if (onFullness === undefined) return;
    if (onFullness.kind !== 'hook') return this.heap.answerFullness(() => onFullness.kind);
    const hook = compileScript(onFullness.script, this.frame('on fullness', false));
    this.heap.answerFullness(() => {
      this.finish(hook());
      return 'defer';
    });
  }

  /** Where the heap asks before it refuses, the hook of `on oom` runs within the request, as whoever makes it. */
  private installExhaustionClient(): void {
    const { onOom } = this.scenario;
    if (onOom.kind !== 'hook') return;
    const hooks = new Map<string, Pass>();
    this.heap.answerExhaustion(() => {
      const { running } = this.kernel;
      if (!hooks.has(running)) {
        const frame = this.frames.task.get(running) ?? this.frame(running, false);
        hooks.set(running, compileScript(onOom.script, { ...frame, onOom: { kind: 'continue' } }));
      }
      this.finish(hooks.get(running)!());
    });
  }

  /** To its end, whoever else may want to run. */
  private finish(program: Program): void {
    while (!program.next().done) this.kernel.throwIfAborted();
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
        this.finish(handler());
      },
    };
    this.kernel.interrupts.push(interrupt);
  }

  // --- what scripts call --------------------------------------------------------------------------------

  malloc(bytes: number, request: Request): Block | undefined {
    return this.heap.malloc(bytes, request);
  }

  createCache(name: string, objectBytes: number): void {
    this.heap.caches.create(name, objectBytes);
  }

  mallocFrom(request: CacheRequest): Block | undefined {
    return this.heap.caches.mallocFrom(request);
  }

  destroyCache(name: string): void {
    this.heap.caches.destroy(name);
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

  deferFree(blocks: readonly Block[], perHeartbeat: number): boolean {
    return this.heap.deferFree(blocks, perHeartbeat);
  }

  lock(block: Block): void {
    this.heap.lock(block);
  }

  unlock(block: Block): void {
    this.heap.unlock(block);
  }

  compact(limit: CompactionLimit | undefined): number {
    return this.heap.compact(limit);
  }

  fill(block: Block): void {
    this.heap.contents.fill(block);
  }

  verify(block: Block): void {
    this.heap.contents.verify(block);
  }

  overflow(block: Block, bytes: number, value: number): void {
    this.heap.contents.overflow(block, bytes, value, this.place);
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

function policyOf(frame: Frame): CreationPolicy {
  return creationPolicy(frame, compileOomPolicy(frame.onOom, frame, compileScript));
}
