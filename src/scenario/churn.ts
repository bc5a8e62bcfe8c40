/**
 * A synthetic workload in one step: blocks arrive, live for a while and are freed. The task sleeps from tick
 * to tick and deals with everything that has fallen due, as firmware does that is driven by a timer.
 */

import TinyQueue from 'tinyqueue';
import type { Program } from '../kernel/index.js';
import type { Block, Request } from './firmware.js';
import type { Frame, Settle } from './frame.js';
import { sampler } from './random.js';
import type { ChurnStep, Step } from './scenario.js';
import { cycleDistribution, toCycles } from './times.js';

interface Death {
  readonly cycle: number;
  readonly block: Block;
}

export function* churn(step: ChurnStep & Pick<Step, 'at'>, frame: Frame, settle: Settle): Program {
  const { firmware, random } = frame;
  const { kernel } = firmware;
  const { clock, scheduler } = kernel;
  const gap = sampler(cycleDistribution(step.every, clock), random);
  const size = sampler(step.size, random);
  const lifetime = sampler(cycleDistribution(step.lifetime, clock), random);
  const request: Request = { owner: frame.owner, label: 'churn', at: step.at };
  const limitBytes = fillLimit(step, firmware.heapBytes);
  const endCycle = step.duration === undefined ? Infinity : clock.cycle + toCycles(step.duration, clock);

  const deaths = new TinyQueue<Death>([], (a, b) => a.cycle - b.cycle);
  let liveBytes = 0;
  let nextArrival = clock.cycle + gap();

  while (clock.cycle < endCycle) {
    for (
      let death = deaths.peek();
      death !== undefined && death.cycle <= clock.cycle;
      death = deaths.peek()
    ) {
      deaths.pop();
      liveBytes -= death.block.bytes;
      firmware.free(death.block);
      if (scheduler.switchDue) yield;
    }
    while (nextArrival <= clock.cycle) {
      const bytes = size();
      const bornCycle = nextArrival;
      nextArrival += Math.max(1, gap());
      if (liveBytes + bytes > limitBytes) continue;
      const program = settle(bytes, () => {
        const block = firmware.malloc(bytes, request);
        if (block === undefined) return false;
        liveBytes += bytes;
        deaths.push({ cycle: bornCycle + lifetime(), block });
        return true;
      });
      if (program !== undefined) yield* program;
      if (scheduler.switchDue) yield;
    }
    const due = Math.min(nextArrival, deaths.peek()?.cycle ?? Infinity, endCycle);
    yield* kernel.delay(Math.max(1, Math.ceil((due - clock.cycle) / clock.cyclesPerTick)));
  }
  for (let death = deaths.pop(); death !== undefined; death = deaths.pop()) {
    firmware.free(death.block);
    if (scheduler.switchDue) yield;
  }
}

/** Live bytes up to which blocks may arrive. */
function fillLimit(step: ChurnStep, heapBytes: number): number {
  if (step.fill === undefined) return Infinity;
  return 'bytes' in step.fill ? step.fill.bytes : step.fill.share * heapBytes;
}
