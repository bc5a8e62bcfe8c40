/**
 * What the scripts of TypeScript scenarios can do. A script is a generator function; every call that firmware
 * makes is waited for with `yield*`, since the kernel may let other tasks run before it comes back:
 *
 *     const block = yield* task.malloc(64);
 */

import type { HeapStats } from '../heaps/heap.js';
import type { Block } from './firmware.js';
import type { Drawn, Patience, Size, Time } from './quantity-texts.js';

declare const waiting: unique symbol;

/** What a script yields while others run. Only calls can make one, so that a bare `yield` does not compile. */
// biome-ignore lint/suspicious/noConfusingVoidType: must be assignable to what the kernel's programs yield
export type Waiting = void & { readonly [waiting]: never };

/** A script, or a part of one: what `function* helper(task: TaskCalls): Script<number>` returns. */
export type Script<Result = void> = Generator<Waiting, Result, void>;

/** A call that has not been made yet. `yield*` makes it and gives its result. */
export interface Call<Result> {
  [Symbol.iterator](): Iterator<Waiting, Result, void>;
}

/** Random numbers that depend on nothing but the run's seed and the task's name. */
export interface ScriptRandom {
  /** Uniform in [0, 1). */
  unit(): number;
  /** A whole number from 0 to `count - 1`. */
  below(count: number): number;
  /** One of several values, each as often as its weight says: the `choose` of scenario files. */
  pick<Value>(choices: readonly { readonly value: Value; readonly weight: number }[]): Value;
}

/**
 * What handlers of interrupts can do: nothing that waits. Calls of the heap are the firmware's fault, save `free` on a
 * heap that lets interrupts do it.
 */
export interface InterruptCalls<Queue extends string = string> {
  /** The task's or interrupt's own name. */
  readonly name: string;
  /** The kernel's tick, which stands still while the scheduler is suspended. */
  readonly now: number;
  readonly random: ScriptRandom;
  /** A number of bytes, or of anything else, from a distribution. */
  draw(distribution: Drawn<Size>): number;

  /** Uses the CPU. */
  compute(time: Drawn<Time>): Call<void>;
  /** Writes a line into the record of the run. */
  log(text: string | number | boolean): Call<void>;
  /** `xQueueSendFromISR`; false: the queue was full. A block then belongs to whoever receives it. */
  send(queue: Queue, message: Block | number): Call<boolean>;
  /** `xQueueReceiveFromISR` of a block; undefined: the queue was empty. */
  receive(queue: Queue): Call<Block | undefined>;
  /** The same for a queue that carries numbers. */
  receiveNumber(queue: Queue): Call<number | undefined>;

  /** `pvPortMalloc`. undefined: out of memory. `name` defaults to that of the variable it is assigned to. */
  malloc(size: Drawn<Size>, name?: string): Call<Block | undefined>;
  /** `pvPortCalloc`: `count` items of `size` bytes, zeroed. */
  calloc(count: number, size: Drawn<Size>, name?: string): Call<Block | undefined>;
  /** `vPortFree`. undefined is a NULL pointer: no effect. */
  free(block: Block | undefined): Call<void>;
}

/** What a task's script can do; `Queue` and `Task` are the names that its scenario has. */
export interface TaskCalls<Queue extends string = string, Task extends string = string>
  extends InterruptCalls<Queue> {
  /** `xPortGetFreeHeapSize`: what the heap counts as free, headers included. */
  readonly freeHeapSize: number;
  /** `xPortGetMinimumEverFreeHeapSize`; undefined where the heap keeps none. */
  readonly minimumEverFreeHeapSize: number | undefined;
  /** `xPortResetHeapMinimumEverFreeHeapSize`: the minimum begins anew; no effect where the heap keeps none. */
  resetMinimumEverFreeHeapSize(): void;
  /**
   * `vPortGetHeapStats`, of this moment; undefined where the heap keeps none. Takes no time. `extension`: the real heap
   * has no such call, as heaps 1 to 3 of FreeRTOS.
   */
  readonly heapStats: HeapStats | undefined;

  /** Creates a cache of objects of one size. A heap without caches serves them with malloc. */
  createCache(name: string, objectSize: Size): Call<void>;
  /** An object of a cache, which any task may have created. It is given back with `free`. */
  mallocFrom(cache: string, name?: string): Call<Block | undefined>;
  /** `count` objects of a cache side by side, as one block. It is given back with `free`. */
  mallocArrayFrom(cache: string, count: number, name?: string): Call<Block | undefined>;
  /** Gives all memory of a cache back, and with it whatever has been allocated from it and is not freed. */
  destroyCache(cache: string): Call<void>;
  /** Asks for another size. undefined: the old block stays, unless `size` is 0 and it was freed. */
  realloc(block: Block | undefined, size: Drawn<Size>, name?: string): Call<Block | undefined>;
  /**
   * Hands blocks over, to be freed so many at each heartbeat of the heap, the first ones first; all when the heap
   * has no room. A heap without heartbeats frees them at once.
   */
  deferFree(blocks: readonly Block[], perHeartbeat: number): Call<void>;
  /** Pins a block to its address, so that a compacting heap cannot move it. */
  lock(block: Block): Call<void>;
  /** Lets a compacting heap move the block again. */
  unlock(block: Block): Call<void>;
  /**
   * Slides unlocked blocks together where the heap moves blocks, and says how many bytes it moved. With a budget,
   * of bytes or of time, it stops there and the next call goes on.
   */
  compact(budget?: Size | Time): Call<number>;
  /** Writes a pattern over the requested bytes. */
  fill(block: Block): Call<void>;
  /** Checks that the pattern which `fill` wrote is still there. */
  verify(block: Block): Call<void>;
  /** Writes behind the block's end, as a bug would: 4 bytes of 0xff unless told otherwise. */
  overflow(block: Block, bytes?: Size, value?: number): Call<void>;

  /** `vTaskDelay`; 0 lets tasks of the same priority run. */
  delay(time: Drawn<Time>): Call<void>;
  /** `vTaskDelayUntil`: to the next point of a grid in time that began when the task first ran. */
  delayUntil(period: Time): Call<void>;

  /** `xQueueSend`, waiting for ever unless told otherwise; false: no room in time, the block is still yours. */
  send(queue: Queue, message: Block | number, timeout?: Patience): Call<boolean>;
  /** `xQueueReceive` of a block, waiting for ever unless told otherwise; undefined: none came in time. */
  receive(queue: Queue, timeout?: Patience): Call<Block | undefined>;
  /** The same for a queue that carries numbers. */
  receiveNumber(queue: Queue, timeout?: Patience): Call<number | undefined>;

  /** `taskYIELD`: lets another task of the same priority run. */
  yield(): Call<void>;
  /** `vTaskSuspend`: stops a task until it is resumed. */
  suspend(task: Task | 'self'): Call<void>;
  /** `vTaskResume`. */
  resume(task: Task): Call<void>;
  /** `vTaskPrioritySet`. */
  setPriority(task: Task | 'self', priority: number): Call<void>;
  /** `vTaskSuspendAll`: keeps every other task from running. */
  suspendAll(): Call<void>;
  /** `xTaskResumeAll`, once for each `suspendAll`. */
  resumeAll(): Call<void>;
  /** `xTaskCreate`: creates a task whose `autostart` is false. */
  startTask(task: Task): Call<void>;
  /** `vTaskDelete`. */
  deleteTask(task: Task | 'self'): Call<void>;
}
