/**
 * Random numbers and the distributions that scenarios draw from. Each task and interrupt has a stream of its
 * own, seeded by the run's seed and its name, so that adding a task does not change what another one draws.
 */

import { randomNormal } from 'd3-random';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { Distribution, Limits } from './scenario.js';

export class RandomStream {
  private readonly generator;
  /** Of mean 0 and deviation 1. */
  readonly normal: () => number;

  constructor(seed: number, name: string) {
    this.generator = xoroshiro128plus(hash(`${seed}:${name}`));
    this.normal = randomNormal.source(() => this.unit())(0, 1);
  }

  /** Uniform in [0, 1), 53 bits. */
  unit(): number {
    const high = this.generator.next() >>> 5;
    const low = this.generator.next() >>> 6;
    return (high * 0x400_0000 + low) / 2 ** 53;
  }

  /** A whole number from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.unit() * count);
  }

  /** One of `choices`, each as often as its weight says; draws as {@link weightedIndex} does. */
  pick<Value>(choices: readonly { readonly value: Value; readonly weight: number }[]): Value {
    let total = 0;
    for (const { weight } of choices) total += weight;
    const point = this.unit() * total;
    let sum = 0;
    for (const { value, weight } of choices) {
      sum += weight;
      if (point < sum) return value;
    }
    if (choices.length === 0) throw new RangeError('there is nothing to pick from');
    return choices.at(-1)!.value;
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c_9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193);
  }
  return value;
}

/** How often a draw outside its limits is repeated before it is clipped to them. */
const MAXIMUM_REDRAWS = 100;

/** Draws whole numbers, at least 0. */
export type Sampler = () => number;

export function sampler(distribution: Distribution<number>, stream: RandomStream): Sampler {
  switch (distribution.kind) {
    case 'constant': {
      const value = Math.max(0, Math.round(distribution.value));
      return () => value;
    }
    case 'uniform': {
      const { minimum, maximum } = distribution;
      return () => minimum + stream.below(maximum - minimum + 1);
    }
    case 'normal': {
      const { mean, deviation, limits } = distribution;
      return limited(() => mean + deviation * stream.normal(), limits);
    }
    case 'log-normal': {
      const { median, sigma, limits } = distribution;
      return limited(() => median * Math.exp(sigma * stream.normal()), limits);
    }
    case 'exponential': {
      const { mean, limits } = distribution;
      return limited(() => -mean * Math.log(1 - stream.unit()), limits);
    }
    case 'weighted': {
      const pick = weightedIndex(distribution.choices, stream);
      return () => Math.max(0, Math.round(distribution.choices[pick()]!.value));
    }
    case 'histogram': {
      const pick = weightedIndex(distribution.bins, stream);
      return () => {
        const { from, to } = distribution.bins[pick()]!;
        return from + stream.below(to - from + 1);
      };
    }
  }
}

/** A function that draws the index of one of `items`, each as often as its weight says. */
export function weightedIndex(
  items: readonly { readonly weight: number }[],
  stream: RandomStream,
): () => number {
  const sums: number[] = [];
  let total = 0;
  for (const { weight } of items) {
    total += weight;
    sums.push(total);
  }
  return () => {
    const point = stream.unit() * total;
    const index = sums.findIndex((sum) => point < sum);
    return index < 0 ? sums.length - 1 : index;
  };
}

/** Draws again while out of limits; whole numbers, never below 0. */
function limited(draw: () => number, limits: Limits<number>): () => number {
  const minimum = Math.max(0, limits.minimum ?? 0);
  const maximum = limits.maximum ?? Number.MAX_SAFE_INTEGER;
  return () => {
    let value = Math.round(draw());
    for (let redraws = 0; value < minimum || value > maximum; value = Math.round(draw())) {
      if (++redraws > MAXIMUM_REDRAWS) return Math.min(Math.max(value, minimum), maximum);
    }
    return value;
  };
}
