/** What a TypeScript scenario says: the keys of the YAML form in camel case, with functions as scripts. */

import type { InterruptCalls, Script, TaskCalls } from './calls.js';
import type { Drawn, Size, Time } from './quantity-texts.js';

/** `Queue` and `Task`: the names that this scenario gives, so that scripts can use no others. */
export interface ScenarioDescription<Queue extends string = string, Task extends string = string> {
  readonly name: string;
  /** What it shows, and what to look at. */
  readonly description?: string;
  /** One of the targets that `heaplab targets` lists, or the path of a profile from here, ending in .yaml. */
  readonly target: string;
  /** One of the heaps that `heaplab heaps` lists. */
  readonly heap:
    | string
    | { readonly name: string; readonly options?: Readonly<Record<string, boolean | number | string>> };
  /** When the run ends: a time, or a number of heap operations. */
  readonly duration: Exclude<Time, 0> | `${number} operations`;
  /** Where random numbers start; 1 if absent. */
  readonly seed?: number;
  /** What a task does when a request returns NULL; `continue` if absent: the call gives undefined. */
  readonly onOom?: OomDescription<Queue, Task>;
  /** What the firmware answers when a heap that moves blocks fills up; the heap's option if absent. */
  readonly onFullness?: FullnessDescription<Queue, Task>;
  readonly queues?: { readonly [Name in Queue]: QueueDescription };
  readonly interrupts?: { readonly [name: string]: InterruptDescription<Queue> };
  readonly tasks: { readonly [Name in Task]: TaskDescription<Queue, Task> };
  /** What must hold at the end for the run to pass. */
  readonly expect?: ExpectationsDescription;
  /** Run once per tick while no task has anything to do. */
  idleHook?(task: TaskCalls<Queue, Task>): Script;
}

export interface TaskDescription<Queue extends string = string, Task extends string = string> {
  /** The higher, the more urgent; 0 is that of the idle task. */
  readonly priority: number;
  /** Bytes of its stack; as much as the idle task's if absent. */
  readonly stack?: Size;
  /** The script runs once in each. */
  readonly period?: Time;
  /** From a period's start to the end of its script; the period if absent. */
  readonly deadline?: Time;
  /** Whether a script without a period starts again at its end; false if absent. */
  readonly loop?: boolean;
  /** Whether it exists from the start; if not, `startTask` creates it. True if absent. */
  readonly autostart?: boolean;
  script(task: TaskCalls<Queue, Task>): Script;
}

export interface QueueDescription {
  /** How many messages it holds. */
  readonly length: number;
  /** Bytes of storage for each message; 4 if absent. */
  readonly itemSize?: Size;
}

export interface InterruptDescription<Queue extends string = string> {
  /** From the scheduler's start to the first one; one period if absent. */
  readonly first?: Drawn<Time>;
  /** From one to the next. */
  readonly period: Drawn<Time>;
  /** How often it comes; for ever if absent. */
  readonly count?: number;
  script(interrupt: InterruptCalls<Queue>): Script;
}

export type OomDescription<Queue extends string = string, Task extends string = string> =
  | 'continue'
  | 'halt'
  | 'reset'
  /** Asks again after a while, and goes on without the block in the end. */
  | { readonly retry: { readonly delay: Time; readonly times: number } }
  /** Runs this, then goes on without the block. */
  | { hook(task: TaskCalls<Queue, Task>): Script };

export type FullnessDescription<Queue extends string = string, Task extends string = string> =
  | 'defer'
  | 'compact'
  /** Runs this, which cannot wait, instead. */
  | { hook(task: TaskCalls<Queue, Task>): Script };

type Limit = 'none' | `${'at least' | 'at most' | 'exactly'} ${number}`;

export interface ExpectationsDescription {
  /** How the run must end; if absent, a fault or a corrupted heap fails it. */
  readonly outcome?: 'finished' | 'halted' | 'fault' | 'corrupted';
  /** How often the firmware may reset the chip. */
  readonly resets?: Limit;
  /** How many requests may return NULL. */
  readonly oom?: Limit;
  readonly missedDeadlines?: Limit;
  /** The least that must always be free. */
  readonly minimumEverFree?: Size;
  /** The most that 1 - largest hole / free bytes may reach. */
  readonly fragmentation?: `${number} %` | `${number}%`;
  readonly longestSuspension?: Time;
}
