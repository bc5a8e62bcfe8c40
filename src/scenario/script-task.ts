/** What a TypeScript scenario's script gets as `task`. */

import type { HeapStats } from '../heaps/heap.js';
import type { Position } from '../input/index.js';
import type { Program } from '../kernel/index.js';
import type { Call, ScriptRandom, TaskCalls } from './calls.js';
import type { Block, CreationPolicy, Firmware } from './firmware.js';
import type { Frame, Settle } from './frame.js';
import { heapCalls } from './heap-calls.js';
import { queueCalls, taskCalls, timeCalls } from './kernel-calls.js';
import type { Drawn, Patience, Size, Time } from './quantity-texts.js';
import type { ScriptFunction } from './scenario.js';
import { CallContext, ScriptCall } from './script-call.js';
import { ScriptQuantities } from './script-quantities.js';

/** One running script's view of its device. The methods are explained in {@link TaskCalls}. */
export class ScriptTask implements TaskCalls {
  readonly name: string;
  readonly random: ScriptRandom;
  private readonly context: CallContext;
  private readonly quantities: ScriptQuantities;
  private readonly heap: ReturnType<typeof heapCalls>;
  private readonly time: ReturnType<typeof timeCalls>;
  private readonly queues: ReturnType<typeof queueCalls>;
  private readonly tasks: ReturnType<typeof taskCalls>;

  constructor(
    private readonly frame: Frame,
    settle: Settle,
    creation: CreationPolicy,
  ) {
    ScriptCall.outerSite = undefined;
    this.name = frame.owner;
    this.random = frame.random;
    this.context = new CallContext(frame);
    this.quantities = new ScriptQuantities(frame.firmware.kernel.clock, frame.random);
    this.heap = heapCalls(this.context, this.quantities, settle);
    this.time = timeCalls(this.context, this.quantities);
    this.queues = queueCalls(this.context, this.quantities);
    this.tasks = taskCalls(this.context, creation);
  }

  /** The device from power-on to power-off: what scripts remember must not outlive it. */
  get boot(): Firmware {
    return this.frame.firmware;
  }

  /** Where the call made last stands. */
  get at(): Position | undefined {
    return this.frame.place.at;
  }

  /** Runs a script once. */
  *run(script: ScriptFunction): Program {
    yield* script(this);
    this.context.assertNothingOpen();
  }

  get now(): number {
    return this.frame.firmware.kernel.scheduler.tick;
  }

  get freeHeapSize(): number {
    return this.frame.firmware.heapCounters.freeBytes();
  }

  get minimumEverFreeHeapSize(): number | undefined {
    return this.frame.firmware.heapCounters.minimumEverFreeBytes?.();
  }

  resetMinimumEverFreeHeapSize(): void {
    this.frame.firmware.heapCounters.resetMinimumEverFreeBytes?.();
  }

  get heapStats(): HeapStats | undefined {
    return this.frame.firmware.heapCounters.stats?.();
  }

  draw(distribution: Drawn<Size>): number {
    return this.quantities.bytes(distribution);
  }

  // --- memory -------------------------------------------------------------------------------------------

  malloc(size: Drawn<Size>, name?: string): Call<Block | undefined> {
    return this.heap.malloc.of(size, name, undefined);
  }

  calloc(count: number, size: Drawn<Size>, name?: string): Call<Block | undefined> {
    return this.heap.calloc.of(count, size, name);
  }

  createCache(name: string, objectSize: Size): Call<void> {
    return this.heap.createCache.of(name, objectSize, undefined);
  }

  mallocFrom(cache: string, name?: string): Call<Block | undefined> {
    return this.heap.mallocFrom.of(cache, name, undefined);
  }

  mallocArrayFrom(cache: string, count: number, name?: string): Call<Block | undefined> {
    return this.heap.mallocArrayFrom.of(cache, count, name);
  }

  destroyCache(cache: string): Call<void> {
    return this.heap.destroyCache.of(cache, undefined, undefined);
  }

  realloc(block: Block | undefined, size: Drawn<Size>, name?: string): Call<Block | undefined> {
    return this.heap.realloc.of(block, size, name);
  }

  free(block: Block | undefined): Call<void> {
    return this.heap.free.of(block, undefined, undefined);
  }

  deferFree(blocks: readonly Block[], perHeartbeat: number): Call<void> {
    return this.heap.deferFree.of(blocks, perHeartbeat, undefined);
  }

  lock(block: Block): Call<void> {
    return this.heap.lock.of(block, undefined, undefined);
  }

  unlock(block: Block): Call<void> {
    return this.heap.unlock.of(block, undefined, undefined);
  }

  compact(budget?: Size | Time): Call<number> {
    return this.heap.compact.of(budget, undefined, undefined);
  }

  fill(block: Block): Call<void> {
    return this.heap.fill.of(block, undefined, undefined);
  }

  verify(block: Block): Call<void> {
    return this.heap.verify.of(block, undefined, undefined);
  }

  overflow(block: Block, bytes: Size = 4, value = 0xff): Call<void> {
    return this.heap.overflow.of(block, bytes, value);
  }

  // --- time ---------------------------------------------------------------------------------------------

  compute(time: Drawn<Time>): Call<void> {
    return this.time.compute.of(time, undefined, undefined);
  }

  delay(time: Drawn<Time>): Call<void> {
    return this.time.delay.of(time, undefined, undefined);
  }

  delayUntil(period: Time): Call<void> {
    return this.time.delayUntil.of(period, undefined, undefined);
  }

  log(text: string | number | boolean): Call<void> {
    return this.time.log.of(text, undefined, undefined);
  }

  // --- queues and tasks ---------------------------------------------------------------------------------

  send(queue: string, message: Block | number, timeout: Patience = 'forever'): Call<boolean> {
    return this.queues.send.of(queue, message, timeout);
  }

  receive(queue: string, timeout: Patience = 'forever'): Call<Block | undefined> {
    return this.queues.receive.of(queue, timeout, undefined);
  }

  receiveNumber(queue: string, timeout: Patience = 'forever'): Call<number | undefined> {
    return this.queues.receiveNumber.of(queue, timeout, undefined);
  }

  yield(): Call<void> {
    return this.tasks.yield.of(undefined, undefined, undefined);
  }

  suspend(task: string): Call<void> {
    return this.tasks.suspend.of(task, undefined, undefined);
  }

  resume(task: string): Call<void> {
    return this.tasks.resume.of(task, undefined, undefined);
  }

  setPriority(task: string, priority: number): Call<void> {
    return this.tasks.setPriority.of(task, priority, undefined);
  }

  suspendAll(): Call<void> {
    return this.tasks.suspendAll.of(undefined, undefined, undefined);
  }

  resumeAll(): Call<void> {
    return this.tasks.resumeAll.of(undefined, undefined, undefined);
  }

  startTask(task: string): Call<void> {
    return this.tasks.startTask.of(task, undefined, undefined);
  }

  deleteTask(task: string): Call<void> {
    return this.tasks.deleteTask.of(task, undefined, undefined);
  }
}
