/** Times as written become cycles or ticks only when a target is known. */

import { type Duration, formatDuration, formatSeconds } from '../input/index.js';
import type { Clock } from '../mcu/index.js';
import type { CompactionLimit } from './firmware.js';
import type { Distribution, Limits, TimeDistribution, WorkBudget } from './scenario.js';

export function toCycles(duration: Duration, clock: Clock): number {
  switch (duration.unit) {
    case 'seconds':
      return clock.cycles(duration.amount);
    case 'ticks':
      return Math.round(duration.amount * clock.cyclesPerTick);
    case 'cycles':
      return Math.round(duration.amount);
  }
}

/** Rounded down, as `pdMS_TO_TICKS` does; a hair's breadth below a whole number counts as that number. */
export function toTicks(duration: Duration, clock: Clock): number {
  if (duration.unit === 'ticks') return Math.floor(duration.amount);
  const ticks =
    duration.unit === 'seconds' ? duration.amount * clock.tickHertz : duration.amount / clock.cyclesPerTick;
  return Math.floor(ticks + 1e-9);
}

/**
 * What is wrong with a wait that is more than nothing as written and comes to no tick at all; undefined where
 * it does not. `pdMS_TO_TICKS` makes the same 0 of it, and the task does not wait.
 */
export function lessThanATick(
  wait: Duration,
  clock: Clock,
): { readonly message: string; readonly expected: string } | undefined {
  if (wait.amount === 0 || toTicks(wait, clock) >= 1) return undefined;
  const tick = formatSeconds(1 / clock.tickHertz);
  return {
    message: `${formatDuration(wait)} is less than a tick (${tick}): no wait at all comes of it`,
    expected: `at least ${tick}`,
  };
}

/** undefined: all there is to do. */
export function compactionLimit(budget: WorkBudget | undefined, clock: Clock): CompactionLimit | undefined {
  if (budget === undefined || 'bytes' in budget) return budget;
  return { cycles: toCycles(budget.time, clock) };
}

/** The same distribution over another unit. */
export function mapDistribution<From, To>(
  distribution: Distribution<From>,
  convert: (value: From) => To,
): Distribution<To> {
  switch (distribution.kind) {
    case 'constant':
      return { kind: 'constant', value: convert(distribution.value) };
    case 'uniform':
      return {
        kind: 'uniform',
        minimum: convert(distribution.minimum),
        maximum: convert(distribution.maximum),
      };
    case 'normal': {
      const { mean, deviation, limits } = distribution;
      return {
        kind: 'normal',
        mean: convert(mean),
        deviation: convert(deviation),
        limits: mapLimits(limits, convert),
      };
    }
    case 'log-normal': {
      const { median, sigma, limits } = distribution;
      return { kind: 'log-normal', median: convert(median), sigma, limits: mapLimits(limits, convert) };
    }
    case 'exponential':
      return {
        kind: 'exponential',
        mean: convert(distribution.mean),
        limits: mapLimits(distribution.limits, convert),
      };
    case 'weighted':
      return {
        kind: 'weighted',
        choices: distribution.choices.map(({ value, weight }) => ({ value: convert(value), weight })),
      };
    case 'histogram':
      return {
        kind: 'histogram',
        bins: distribution.bins.map(({ from, to, weight }) => ({
          from: convert(from),
          to: convert(to),
          weight,
        })),
      };
  }
}

function mapLimits<From, To>(limits: Limits<From>, convert: (value: From) => To): Limits<To> {
  return {
    ...(limits.minimum === undefined ? {} : { minimum: convert(limits.minimum) }),
    ...(limits.maximum === undefined ? {} : { maximum: convert(limits.maximum) }),
  };
}

export function cycleDistribution(times: TimeDistribution, clock: Clock): Distribution<number> {
  return mapDistribution(times, (duration) => toCycles(duration, clock));
}

export function tickDistribution(times: TimeDistribution, clock: Clock): Distribution<number> {
  return mapDistribution(times, (duration) => toTicks(duration, clock));
}
