/**
 * Virtual time. The CPU clock's cycles are the only thing that advances; ticks follow from them.
 * A cycle count is an exact integer in a double: 2^53 cycles are 4 years at 72 MHz.
 */
export class Clock {
  /** Cycles since power-on. */
  cycle = 0;
  /** Cycles from one tick interrupt to the next, a whole number as in SysTick's reload register. */
  readonly cyclesPerTick: number;

  /** `hertz`: the CPU's clock; `tickHertz`: the kernel's timer, at most the clock. */
  constructor(
    readonly hertz: number,
    readonly tickHertz: number,
  ) {
    this.cyclesPerTick = Math.floor(hertz / tickHertz);
    if (!(this.cyclesPerTick >= 1)) {
      throw new RangeError(`a ${tickHertz} Hz tick needs a clock of at least as many Hz, not ${hertz}`);
    }
  }

  seconds(cycles: number): number {
    return cycles / this.hertz;
  }

  /** Whole cycles in a time, rounded to the nearest. */
  cycles(seconds: number): number {
    return Math.round(seconds * this.hertz);
  }
}
