/**
 * Reads the sizes and times that scripts give to their calls, in the words of scenario files. Texts and
 * distributions come again and again: they are checked once and then recognised.
 */

import * as v from 'valibot';
import { MAXIMUM_WORD, sizeOrTime } from '../input/files.js';
import { FOREVER } from '../kernel/index.js';
import type { Clock } from '../mcu/index.js';
import type { CompactionLimit } from './firmware.js';
import type { Drawn, Patience, Size, Time } from './quantity-texts.js';
import { type RandomStream, sampler } from './random.js';
import type { Distribution } from './scenario.js';
import { sizes, times } from './schema/distributions.js';
import { mistake } from './script-call.js';
import { compactionLimit, cycleDistribution, lessThanATick, tickDistribution } from './times.js';

export class ScriptQuantities {
  private readonly sizes: Samplers<Drawn<Size>>;
  private readonly cycleTimes: Samplers<Drawn<Time>>;
  private readonly tickTimes: Samplers<Drawn<Time>>;

  constructor(
    private readonly clock: Clock,
    stream: RandomStream,
  ) {
    this.sizes = new Samplers((value) => sampler(read(sizes, value), stream));
    this.cycleTimes = new Samplers((value) => sampler(cycleDistribution(read(times, value), clock), stream));
    this.tickTimes = new Samplers((value) => sampler(waits(value, clock), stream));
  }

  /** @throws UserError, as the others do, when there is nothing to be made of `value` */
  bytes(value: Drawn<Size>): number {
    return isWord(value) ? value : this.sizes.of(value)();
  }

  cycles(value: Drawn<Time>): number {
    return this.cycleTimes.of(value)();
  }

  ticks(value: Drawn<Time>): number {
    return this.tickTimes.of(value)();
  }

  /** How much a compaction may do; all there is to do if undefined. */
  limit(value: Size | Time | undefined): CompactionLimit | undefined {
    if (value === undefined) return undefined;
    const result = v.safeParse(sizeOrTime, value);
    if (!result.success) throw mistake(`${JSON.stringify(value)} is no budget`, result.issues[0].message);
    return compactionLimit(result.output, this.clock);
  }

  timeout(value: Patience): number {
    return value === 'forever' ? FOREVER : this.ticks(value);
  }
}

/** Whether it can be given to C as it is. */
export function isWord(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAXIMUM_WORD;
}

/** In ticks. @throws UserError for a time that is written as one and comes to none */
function waits(value: unknown, clock: Clock): Distribution<number> {
  const written = read(times, value);
  const tooShort = written.kind === 'constant' ? lessThanATick(written.value, clock) : undefined;
  if (tooShort !== undefined) throw mistake(tooShort.message, tooShort.expected);
  return tickDistribution(written, clock);
}

function read<T>(schema: v.GenericSchema<unknown, Distribution<T>>, value: unknown): Distribution<T> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  // Between two keys the message is the problem itself, else it is what was expected.
  throw issue.type === 'partial_check'
    ? mistake(issue.message)
    : mistake(`${JSON.stringify(value) ?? String(value)} is not possible here`, issue.message);
}

/** What a script makes up as it goes is forgotten again. */
const MAXIMUM_CONSTANTS = 1000;
const MAXIMUM_DISTRIBUTIONS = 16;

/** Samplers by what the script wrote for them. */
class Samplers<Written> {
  private readonly constants = new Map<unknown, () => number>();
  /** Few: compared one by one, since a script writes a new object at every call. */
  private readonly distributions: { readonly written: unknown; readonly draw: () => number }[] = [];

  constructor(private readonly make: (value: Written) => () => number) {}

  of(value: Written): () => number {
    if (typeof value !== 'object' || value === null) return this.constants.get(value) ?? this.learn(value);
    for (const { written, draw } of this.distributions) if (isSame(written, value)) return draw;
    const draw = this.make(value);
    if (this.distributions.length === MAXIMUM_DISTRIBUTIONS) this.distributions.length = 0;
    this.distributions.push({ written: structuredClone(value), draw });
    return draw;
  }

  private learn(value: Written): () => number {
    const draw = this.make(value);
    if (this.constants.size === MAXIMUM_CONSTANTS) this.constants.clear();
    this.constants.set(value, draw);
    return draw;
  }
}

/** Of plain data. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  let keys = 0;
  for (const key in a) {
    keys++;
    if (!isSame(a[key as keyof typeof a], b[key as keyof typeof b])) return false;
  }
  for (const _ in b) keys--;
  return keys === 0;
}
