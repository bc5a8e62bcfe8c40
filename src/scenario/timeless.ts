/** Finds scripts that go round and round without any time passing: the run would never come to its end. */

import { type Clock, Fault } from '../mcu/index.js';

/** Rounds without any time passing, after which a script is taken to be in an endless loop. */
const MAXIMUM_ROUNDS = 1_000_000;

export class TimelessRounds {
  private cycle = -1;
  private rounds = 0;

  /** `owner`: the task or interrupt whose script it is. */
  constructor(
    private readonly clock: Clock,
    private readonly owner: string,
  ) {}

  /** Counts one more. @throws Fault when there were too many since time last passed */
  count(): void {
    const { cycle } = this.clock;
    if (cycle !== this.cycle) {
      this.cycle = cycle;
      this.rounds = 0;
    } else if (++this.rounds > MAXIMUM_ROUNDS) {
      throw new Fault('endless-loop', 0, `${this.owner} loops for ever: no time passes in its script`);
    }
  }
}
