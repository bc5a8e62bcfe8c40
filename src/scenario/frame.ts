/** What a compiled script runs in. */

import type { Position } from '../input/index.js';
import type { Program } from '../kernel/index.js';
import type { Block, Firmware } from './firmware.js';
import type { RandomStream } from './random.js';
import type { OomPolicy } from './scenario.js';
import type { TimelessRounds } from './timeless.js';

/** Acts at once and returns nothing, or returns a program to run where the step can block or loop. */
export type CompiledStep = () => Program | undefined;

/** Makes a program that runs a whole script once. */
export type Pass = () => Program;

/** What travels through queues: a block, or a number. */
export type Message = Block | number;

/** Blocks held under a name, newest last. */
export type Holdings = Map<string, Block[]>;

/**
 * Makes an attempt to allocate `bytes` and does what the firmware does when it fails. What calloc asks for may be more
 * than a heap can be asked for: 2^32 and above.
 */
export type Settle = (bytes: number, attempt: () => boolean) => Program | undefined;

/** What {@link Settle} is told of so many objects of a cache: whether they are the 0 bytes over which nobody gives up. */
export function leastBytes(objects: number): number {
  return Math.min(objects, 1);
}

/** One running instance of a script: a task's, an interrupt's or a hook's. */
export interface Frame {
  readonly firmware: Firmware;
  readonly random: RandomStream;
  /** The task's or interrupt's name. */
  readonly owner: string;
  /** Names of the task's own. */
  readonly locals: Holdings;
  /** Names all tasks share. */
  readonly globals: Holdings;
  readonly onOom: OomPolicy;
  readonly inInterrupt: boolean;
  /** The step being run, for events and faults; shared with the frame's hooks. */
  readonly place: { at: Position | undefined };
  /** Passes of all loops together, because those of nested ones multiply; shared like the place. */
  readonly passes: TimelessRounds;
}

/** The blocks that a script holds under `name`, its own or all tasks'. */
export function holdings(name: string, frame: Frame): Block[] {
  const scope = frame.globals.has(name) ? frame.globals : frame.locals;
  let held = scope.get(name);
  if (held === undefined) {
    held = [];
    scope.set(name, held);
  }
  return held;
}
