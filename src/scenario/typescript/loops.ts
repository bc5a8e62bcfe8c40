/** Stops code that never comes back: a loop in which no call is made keeps the kernel from ending the run. */

import { groupDigits, UserError } from '../../input/index.js';
import type { Clock } from '../../mcu/index.js';
import type { CompiledFile } from './compiler.js';

/** Passes of a scenario's loops, all together, without any time passing. */
const MAXIMUM_PASSES = 10_000_000;

/** The loops of one scenario's files. */
export class LoopPasses {
  private passes = 0;
  private clock: Clock | undefined;
  private cycle = 0;

  /** Scripts run by this clock from now on. While a file is loaded there is none, and no time passes. */
  watch(clock: Clock): void {
    if (clock === this.clock) return;
    this.clock = clock;
    this.restart();
  }

  /** Counts a pass of the loop number `index` in `file`. @throws UserError */
  count(file: CompiledFile, index: number): void {
    if (++this.passes < MAXIMUM_PASSES) return;
    if (this.clock === undefined || this.clock.cycle === this.cycle) throw endless(file, index);
    this.restart();
  }

  private restart(): void {
    this.passes = 0;
    this.cycle = this.clock!.cycle;
  }
}

function endless({ shown, text, loops }: CompiledFile, index: number): UserError {
  const message = `loops went round ${groupDigits(MAXIMUM_PASSES)} times without any time passing, at last this one`;
  const expected = `an end, or a call that takes time, such as yield* task.compute('1 ms')`;
  return new UserError([
    { code: 'script-error', message, expected, file: shown, source: text, start: loops[index]! },
  ]);
}
