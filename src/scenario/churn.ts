/**
 * A synthetic workload in one step: blocks arrive, live for a while and are freed. The task sleeps from tick
 * to tick and deals with everything that has fallen due, as firmware does that is driven by a timer.
 */

import type { Program } from '../kernel/index.js';
import { DueQueue } from './due-queue.js';
import type { Block, Firmware, Request } from './firmware.js';
import type { Frame, Settle } from './frame.js';
import { type Sampler, sampler } from './random.js';
import type { ChurnStep, Step } from './scenario.js';
import { cycleDistribution, toCycles } from './times.js';

export function churn(step: ChurnStep & Pick<Step, 'at'>, frame: Frame, settle: Settle): Program {
  return new Churn(step, frame, settle).run();
}

class Churn {
  private readonly firmware: Firmware;
  private readonly gap: Sampler;
  private readonly size: Sampler;
  private readonly lifetime: Sampler;
  private readonly request: Request;
  /** Live bytes up to which blocks may arrive. */
  private readonly limitBytes: number;
  private readonly endCycle: number;
  private readonly deaths = new DueQueue<Block>();
  private liveBytes = 0;
  private nextArrival: number;
  /** The arrival at hand. */
  private bornCycle = 0;
  private bytes = 0;

  constructor(
    step: ChurnStep & Pick<Step, 'at'>,
    frame: Frame,
    private readonly settle: Settle,
  ) {
    const { firmware, random } = frame;
    const { clock } = firmware.kernel;
    this.firmware = firmware;
    this.gap = sampler(cycleDistribution(step.every, clock), random);
    this.size = sampler(step.size, random);
    this.lifetime = sampler(cycleDistribution(step.lifetime, clock), random);
    this.request = { owner: frame.owner, label: 'churn', at: step.at };
    this.limitBytes = fillLimit(step, firmware.heapBytes);
    this.endCycle = step.duration === undefined ? Infinity : clock.cycle + toCycles(step.duration, clock);
    this.nextArrival = clock.cycle + this.gap();
  }

  *run(): Program {
    const { deaths, endCycle } = this;
    const { clock, scheduler } = this.firmware.kernel;
    while (clock.cycle < endCycle) {
      while (deaths.firstCycle <= clock.cycle) {
        this.die(deaths.pop()!);
        if (scheduler.switchDue) yield;
      }
      while (this.nextArrival <= clock.cycle) {
        const program = this.arrive();
        if (program !== undefined) yield* program;
        if (scheduler.switchDue) yield;
      }
      const due = Math.min(this.nextArrival, deaths.firstCycle, endCycle);
      yield* this.firmware.kernel.delay(Math.max(1, Math.ceil((due - clock.cycle) / clock.cyclesPerTick)));
    }
    for (let block = deaths.pop(); block !== undefined; block = deaths.pop()) {
      this.die(block);
      if (scheduler.switchDue) yield;
    }
  }

  private die(block: Block): void {
    this.liveBytes -= block.bytes;
    this.firmware.free(block);
  }

  /** A program where the failure of the request is settled by one. */
  private arrive(): Program | undefined {
    this.bytes = this.size();
    this.bornCycle = this.nextArrival;
    this.nextArrival += Math.max(1, this.gap());
    if (this.liveBytes + this.bytes > this.limitBytes) return undefined;
    return this.settle(this.bytes, this.attempt);
  }

  private readonly attempt = (): boolean => {
    const block = this.firmware.malloc(this.bytes, this.request);
    if (block === undefined) return false;
    this.liveBytes += this.bytes;
    this.deaths.push(block, this.bornCycle + this.lifetime());
    return true;
  };
}

function fillLimit(step: ChurnStep, heapBytes: number): number {
  if (step.fill === undefined) return Infinity;
  return 'bytes' in step.fill ? step.fill.bytes : step.fill.share * heapBytes;
}
