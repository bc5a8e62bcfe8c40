/** Runs one scenario on one target with one heap and one seed. Same inputs, same events. */

import { Corruption } from '../heaps/heap.js';
import { Stop } from '../kernel/index.js';
import { Clock, Fault } from '../mcu/index.js';
import { RandomStream } from '../scenario/random.js';
import type { Outcome, RunLength, Scenario } from '../scenario/scenario.js';
import { toCycles } from '../scenario/times.js';
import { Board, type BoardConfig } from './board.js';
import type { CostChoice } from './cost.js';
import { Device } from './device.js';
import type { RunObserver } from './events.js';
import { assertFeasible } from './feasible.js';
import { FirmwareEvents } from './firmware-events.js';
import { PATIENCE_SECONDS, type Release } from './heap-service.js';

export interface RunSettings extends BoardConfig {
  readonly seed: number;
  /** Instead of the scenario's. */
  readonly length?: RunLength;
  /** How `cost` was chosen, to choose again for another heap. */
  readonly costChoice: CostChoice;
  /** Check the heap's invariants after every call: slow, and finds an overflow at once. */
  readonly checkEveryCall?: boolean;
  /** End the run, as if its time were up, at the first request that fails. */
  readonly stopAtFirstFailure?: boolean;
  /** What would have been: frees these blocks by magic just before the heap call `operation` (from 1). */
  readonly release?: Release;
  /** What would have been without the bug: what the firmware writes behind its blocks is not written. */
  readonly withoutOverflows?: boolean;
}

/** What a reset costs until the scheduler runs again, so that a device that resets at once makes progress. */
const BOOT_SECONDS = 1e-3;

/** @throws UserError when the target cannot give what the scenario asks, or has no room for the heap */
export function run(scenario: Scenario, settings: RunSettings, observers: readonly RunObserver[]): Outcome {
  const { target, seed } = settings;
  assertFeasible(scenario, settings);
  const events = new FirmwareEvents(observers);
  const clock = new Clock(target.clockHertz, target.tickHertz);
  const length = settings.length ?? scenario.length;
  const cyclesLeft = () =>
    length.kind === 'time' ? toCycles(length.time, clock) - clock.cycle : clock.cycles(PATIENCE_SECONDS);
  const budget = { made: 0, limit: length.kind === 'operations' ? length.count : Number.POSITIVE_INFINITY };
  const streams = new Map<string, RandomStream>();
  const stream = (name: string) => {
    const known = streams.get(name) ?? new RandomStream(seed, name);
    streams.set(name, known);
    return known;
  };

  for (;;) {
    const board = new Board(settings, clock);
    const device = new Device(scenario, board, events, budget, stream, settings);
    events.booted(board);
    const end = runDevice(device, cyclesLeft());
    device.kernel.scheduler.tellOpenSuspension();
    if (end instanceof Fault) events.faulted(end, device.place);
    if (end instanceof Corruption) events.corrupted(end, device.place);
    if (end instanceof Stop && end.reason === 'reset') {
      events.reset();
      clock.cycle += clock.cycles(BOOT_SECONDS);
      if (cyclesLeft() > 0) continue;
    }
    device.reportOverdueJobs();
    events.ended();
    return outcome(end);
  }
}

function runDevice(device: Device, lengthCycles: number): Stop | Fault | Corruption {
  try {
    return device.run(lengthCycles);
  } catch (end) {
    if (end instanceof Stop || end instanceof Fault || end instanceof Corruption) return end;
    throw end;
  }
}

function outcome(end: Stop | Fault | Corruption): Outcome {
  if (end instanceof Fault) return 'fault';
  if (end instanceof Corruption) return 'corrupted';
  return end.reason === 'halt' ? 'halted' : 'finished';
}
