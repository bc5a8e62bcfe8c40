/**
 * A scenario as data: what the loaders make of a file, checked and with every name resolved, and what the
 * compiler turns into task programs. Times are as written ({@link Duration}): only a target knows how long a
 * tick is.
 */

import type { Duration, Position } from '../input/index.js';
import type { Script, TaskCalls } from './calls.js';

/** Where a number comes from: a constant, or a distribution drawn from the run's seed. */
export type Distribution<T> =
  | { readonly kind: 'constant'; readonly value: T }
  | { readonly kind: 'uniform'; readonly minimum: T; readonly maximum: T }
  | { readonly kind: 'normal'; readonly mean: T; readonly deviation: T; readonly limits: Limits<T> }
  /** `median` is e^mu; `sigma` the standard deviation of the logarithm. */
  | { readonly kind: 'log-normal'; readonly median: T; readonly sigma: number; readonly limits: Limits<T> }
  | { readonly kind: 'exponential'; readonly mean: T; readonly limits: Limits<T> }
  | { readonly kind: 'weighted'; readonly choices: readonly { readonly value: T; readonly weight: number }[] }
  /** Bins `[from, to]` with a weight each, uniform within a bin. */
  | {
      readonly kind: 'histogram';
      readonly bins: readonly { readonly from: T; readonly to: T; readonly weight: number }[];
    };

export interface Limits<T> {
  readonly minimum?: T;
  readonly maximum?: T;
}

export type SizeDistribution = Distribution<number>;
export type TimeDistribution = Distribution<Duration>;

/** Which of the blocks held under a name a step means; `newest` unless the step says otherwise. */
export type Selection = 'newest' | 'oldest' | 'random' | 'all';

/** What firmware does when a request returns NULL. */
export type OomPolicy =
  | { readonly kind: 'continue' }
  | { readonly kind: 'halt' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hook'; readonly script: TaskScript }
  /** Tries again after `delay`, at most `times` times, then goes on without. */
  | { readonly kind: 'retry'; readonly delay: Duration; readonly times: number };

/** What firmware answers when a heap that moves blocks fills up. A hook's steps cannot wait. */
export type FullnessPolicy =
  | { readonly kind: 'defer' }
  | { readonly kind: 'compact' }
  | { readonly kind: 'hook'; readonly script: TaskScript };

/** How much a compaction may do at a time. */
export type WorkBudget = { readonly bytes: number } | { readonly time: Duration };

/** How long a queue operation waits. */
export type Timeout = Duration | 'forever';

/** What a message carries: a block, whose ownership passes, or a number. `step` is added at each send. */
export type MessageSource =
  | { readonly kind: 'block'; readonly name: string }
  | { readonly kind: 'number'; readonly first: number; readonly step: number };

interface At {
  /** In the scenario's file. */
  readonly at: Position;
}

export type Step = At &
  (
    | {
        readonly kind: 'alloc';
        readonly name: string;
        readonly size: SizeDistribution;
        readonly onOom?: OomPolicy;
      }
    /** An object of a cache by name, or an array of `count`. */
    | {
        readonly kind: 'alloc-from';
        readonly name: string;
        readonly cache: string;
        readonly count?: SizeDistribution;
        readonly onOom?: OomPolicy;
      }
    | { readonly kind: 'cache'; readonly name: string; readonly bytes: number }
    | { readonly kind: 'destroy-cache'; readonly name: string }
    | {
        readonly kind: 'calloc';
        readonly name: string;
        readonly count: SizeDistribution;
        readonly size: SizeDistribution;
        readonly onOom?: OomPolicy;
      }
    | {
        readonly kind: 'realloc';
        readonly name: string;
        readonly size: SizeDistribution;
        readonly which: Exclude<Selection, 'all'>;
        readonly onOom?: OomPolicy;
      }
    | { readonly kind: 'free'; readonly name: string; readonly which: Selection }
    /** All blocks held under the name, so many at each heartbeat of the heap. */
    | { readonly kind: 'defer-free'; readonly name: string; readonly perHeartbeat: number }
    | { readonly kind: 'lock'; readonly name: string; readonly which: Selection }
    | { readonly kind: 'unlock'; readonly name: string; readonly which: Selection }
    | { readonly kind: 'fill'; readonly name: string; readonly which: Selection }
    | { readonly kind: 'verify'; readonly name: string; readonly which: Selection }
    /** All there is to do without a budget. */
    | { readonly kind: 'compact'; readonly budget?: WorkBudget }
    /** Writes `bytes` times `value` behind the newest block's requested size. */
    | { readonly kind: 'overflow'; readonly name: string; readonly bytes: number; readonly value: number }
    | { readonly kind: 'compute'; readonly time: TimeDistribution }
    | { readonly kind: 'delay'; readonly time: TimeDistribution }
    /** `vTaskDelayUntil` on the task's own grid, which starts when the task first runs. */
    | { readonly kind: 'delay-until'; readonly period: Duration }
    | {
        readonly kind: 'send';
        readonly queue: string;
        readonly message: MessageSource;
        readonly timeout: Timeout;
      }
    /** A received block is held under `name`; a number is dropped. */
    | { readonly kind: 'receive'; readonly queue: string; readonly name?: string; readonly timeout: Timeout }
    | {
        readonly kind: 'repeat';
        readonly times: SizeDistribution | 'forever';
        readonly steps: readonly Step[];
      }
    | {
        readonly kind: 'choose';
        readonly branches: readonly { readonly weight: number; readonly steps: readonly Step[] }[];
      }
    | {
        readonly kind: 'if-allocated';
        readonly name: string;
        readonly then: readonly Step[];
        readonly otherwise: readonly Step[];
      }
    | { readonly kind: 'yield' }
    | { readonly kind: 'suspend'; readonly task: string | 'self' }
    | { readonly kind: 'resume'; readonly task: string }
    | { readonly kind: 'set-priority'; readonly task: string | 'self'; readonly priority: number }
    | { readonly kind: 'suspend-all' }
    | { readonly kind: 'resume-all' }
    | { readonly kind: 'start-task'; readonly task: string }
    | { readonly kind: 'delete-task'; readonly task: string | 'self' }
    | { readonly kind: 'log'; readonly text: string }
    | ChurnStep
  );

export type StepKind = Step['kind'];

/** What a task, a handler or a hook does: steps of a YAML file, or code of a TypeScript one. */
export type TaskScript = readonly Step[] | ScriptFunction;

/** Makes the generator for one pass. A handler of an interrupt may use part of `task` only. */
export type ScriptFunction = (task: TaskCalls) => Script;

/** A whole synthetic workload: blocks arrive, live for a while and are freed, until `duration` is over. */
export interface ChurnStep {
  readonly kind: 'churn';
  /** Time between two arrivals. */
  readonly every: TimeDistribution;
  readonly size: SizeDistribution;
  readonly lifetime: TimeDistribution;
  /** Arrivals are skipped while the requested bytes live exceed this: bytes, or a share of the heap. */
  readonly fill?: { readonly bytes: number } | { readonly share: number };
  /** For ever where absent. */
  readonly duration?: Duration;
  readonly onOom?: OomPolicy;
}

export interface Task extends At {
  readonly name: string;
  readonly priority: number;
  /** Bytes. */
  readonly stackBytes?: number;
  /** Script runs once per period, on `delay until`'s grid. */
  readonly period?: Duration;
  /** From the start of a period to the end of its script; the period itself where absent. */
  readonly deadline?: Duration;
  /** Without a period: start again at the end instead of deleting the task. */
  readonly loop: boolean;
  /** False: created by a `start task` step. */
  readonly autostart: boolean;
  readonly script: TaskScript;
}

export interface Queue extends At {
  readonly name: string;
  /** Messages it can hold. */
  readonly length: number;
  /** Storage per message, 4 unless given. */
  readonly itemBytes: number;
}

export interface Interrupt extends At {
  readonly name: string;
  /** From the scheduler's start to the first one. */
  readonly first: TimeDistribution;
  readonly period: TimeDistribution;
  /** How often it fires; for ever where absent. */
  readonly count?: number;
  /** Sends and receives without waiting, `log`, `compute`; of heap calls only `free` may be allowed, on some heaps. */
  readonly script: TaskScript;
}

/** When the run ends. */
export type RunLength =
  | { readonly kind: 'time'; readonly time: Duration }
  | { readonly kind: 'operations'; readonly count: number };

/** How a run can come to its end. */
export const OUTCOMES = [
  /** Its time or number of operations was up. */
  'finished',
  /** The firmware's `halt` after an out-of-memory event. */
  'halted',
  /** The machine or an assert of the firmware refused to go on. */
  'fault',
  /** A check found the heap's invariants broken. */
  'corrupted',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What must hold at the end; decides the exit code. */
export interface Expectations {
  /** Where absent, a fault and a corrupted heap fail the run, and a halt does not. */
  readonly outcome?: Outcome;
  readonly resets?: { readonly atLeast?: number; readonly atMost?: number };
  readonly oom?: { readonly atLeast?: number; readonly atMost?: number };
  readonly missedDeadlines?: { readonly atLeast?: number; readonly atMost?: number };
  /** At least this many bytes. */
  readonly minimumEverFreeBytes?: number;
  /** At most this share, 0 to 1: 1 - largest hole / free bytes, at its worst moment seen. */
  readonly fragmentation?: number;
  /** At most. */
  readonly longestSuspension?: Duration;
}

export interface Scenario {
  /** As the user named it. */
  readonly file: string;
  /** The file's text. */
  readonly source: string;
  readonly name: string;
  readonly description: string;
  /** Name of a target, or path to a profile. */
  readonly target: string;
  /** Where it stands. */
  readonly targetAt: Position;
  readonly heap: {
    readonly name: string;
    readonly options: Readonly<Record<string, boolean | number | string>>;
  };
  readonly length: RunLength;
  readonly seed: number;
  /** Block names that all tasks share, like global variables; every other name is its task's own. */
  readonly globals: readonly string[];
  readonly queues: readonly Queue[];
  readonly interrupts: readonly Interrupt[];
  readonly tasks: readonly Task[];
  /** Run once per tick while nothing else does. Steps, none of them, where the file has no idle hook. */
  readonly idleHook: TaskScript;
  /** For steps that have none of their own. */
  readonly onOom: OomPolicy;
  /** Absent: the heap's own options answer. */
  readonly onFullness?: FullnessPolicy;
  readonly expect: Expectations;
}
