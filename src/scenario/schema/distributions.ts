/** Where a scenario's numbers come from: one value, or a map that names a distribution. */

import * as v from 'valibot';
import {
  agree,
  described,
  integer,
  keyedMaps,
  MAXIMUM_WORD,
  positiveSize,
  positiveTime,
  SIZE_WORDS,
  size,
  sizeOr,
  TIME_WORDS,
  time,
  timeOr,
} from '../../input/files.js';
import type { Duration } from '../../input/index.js';
import type { Distribution, Limits } from '../scenario.js';

/** What must be known about a kind of number to read and check distributions of it. */
interface Kind<T> {
  /** Stands alone: its words mention distributions. */
  readonly constant: v.GenericSchema<unknown, T>;
  readonly value: v.GenericSchema<unknown, T>;
  /** A mean or median: above 0, with fractions where things are counted. */
  readonly centre: v.GenericSchema<unknown, T>;
  readonly deviation: v.GenericSchema<unknown, T>;
  readonly amount: (value: T) => number;
  /** Whether it can be told which is larger without knowing the target. */
  readonly comparable: (a: T, b: T) => boolean;
}

const WEIGHT_WORDS = 'a number above 0';
const NOT_ONE_UNIT = 'these two limits are not in the same unit';
const SIGMA_WORDS = 'a number from 0 to 10';

/** How often one of several is taken, relative to the other weights. */
export const weight = described(
  'How often this one is taken, relative to the weights of the others',
  v.pipe(v.number(WEIGHT_WORDS), v.finite(WEIGHT_WORDS), v.gtValue(0, WEIGHT_WORDS)),
);

const sigma = v.pipe(v.number(SIGMA_WORDS), v.minValue(0, SIGMA_WORDS), v.maxValue(10, SIGMA_WORDS));

function distributionOf<T>(kind: Kind<T>) {
  const constant = v.pipe(
    kind.constant,
    v.transform((value): Distribution<T> => ({ kind: 'constant', value })),
  );
  return keyedMaps('distribution', constant, {
    uniform: uniform(kind),
    normal: normal(kind),
    'log-normal': logNormal(kind),
    exponential: exponential(kind),
    weighted: weighted(kind),
    histogram: histogram(kind),
  });
}

function uniform<T>(kind: Kind<T>) {
  const range = ranged(kind, {});
  return v.pipe(
    v.strictObject(
      { uniform: described('Every value of a range, all equally likely', range) },
      'a map { uniform: { from: …, to: … } }',
    ),
    v.transform(
      ({ uniform: { from, to } }): Distribution<T> => ({ kind: 'uniform', minimum: from, maximum: to }),
    ),
  );
}

function normal<T>(kind: Kind<T>) {
  const shape = limited(kind, {
    mean: described('The value in the middle, which is also the likeliest', kind.centre),
    deviation: described('The standard deviation: two thirds lie nearer to the mean', kind.deviation),
  });
  return v.pipe(
    v.strictObject(
      { normal: described('A bell curve', shape) },
      'a map { normal: { mean: …, deviation: … } }',
    ),
    v.transform(
      ({ normal: { mean, deviation, ...limits } }): Distribution<T> => ({
        kind: 'normal',
        mean,
        deviation,
        limits: limitsOf(limits),
      }),
    ),
  );
}

function logNormal<T>(kind: Kind<T>) {
  const shape = limited(kind, {
    median: described('Half of the values are smaller', kind.centre),
    sigma: described('The standard deviation of the logarithm; the larger, the longer the tail', sigma),
  });
  return v.pipe(
    v.strictObject(
      { 'log-normal': described('Mostly small values, with a long tail of large ones', shape) },
      'a map { log-normal: { median: …, sigma: … } }',
    ),
    v.transform(
      ({ 'log-normal': { median, sigma, ...limits } }): Distribution<T> => ({
        kind: 'log-normal',
        median,
        sigma,
        limits: limitsOf(limits),
      }),
    ),
  );
}

function exponential<T>(kind: Kind<T>) {
  const shape = limited(kind, { mean: described('The average', kind.centre) });
  return v.pipe(
    v.strictObject(
      { exponential: described('Gaps between events that know nothing of each other, and the like', shape) },
      'a map { exponential: { mean: … } }',
    ),
    v.transform(
      ({ exponential: { mean, ...limits } }): Distribution<T> => ({
        kind: 'exponential',
        mean,
        limits: limitsOf(limits),
      }),
    ),
  );
}

function weighted<T>(kind: Kind<T>) {
  const words = 'a list of maps such as { value: …, weight: 1 }';
  const item = v.strictObject({ value: described('The value', kind.value), weight }, words);
  const list = v.pipe(v.array(item, words), v.minLength(1, `${words}, at least one`));
  return v.pipe(
    v.strictObject({ weighted: described('One of a few values', list) }, 'a map { weighted: [ … ] }'),
    v.transform(({ weighted: choices }): Distribution<T> => ({ kind: 'weighted', choices })),
  );
}

function histogram<T>(kind: Kind<T>) {
  const words = 'a list of maps such as { from: …, to: …, weight: 1 }';
  const bin = ranged(kind, { weight }, words);
  const list = v.pipe(v.array(bin, words), v.minLength(1, `${words}, at least one`));
  return v.pipe(
    v.strictObject(
      { histogram: described('A value from one of several ranges, as measured', list) },
      'a map { histogram: [ … ] }',
    ),
    v.transform(({ histogram: bins }): Distribution<T> => ({ kind: 'histogram', bins })),
  );
}

type OutputOf<Entries extends v.ObjectEntries> = v.InferOutput<v.StrictObjectSchema<Entries, undefined>>;

/** A map with `from` and `to`, and what `more` adds. */
function ranged<T, More extends v.ObjectEntries>(kind: Kind<T>, more: More, words = 'a map') {
  type Range = { readonly from: T; readonly to: T };
  const entries = {
    from: described('The smallest value, included', kind.value),
    to: described('The largest value, included', kind.value),
  };
  const map = v.strictObject({ ...entries, ...more }, words) as unknown as v.GenericSchema<unknown, Range>;
  return v.pipe(
    map,
    agree<Range>(['from', 'to'], ({ from, to }) => kind.comparable(from, to), NOT_ONE_UNIT),
    agree<Range>(['from', 'to'], ({ from, to }) => !isAbove(kind, from, to), '"from" is above "to"'),
  ) as v.GenericSchema<unknown, Range & OutputOf<More>>;
}

/** A map with what `entries` say, and `min` and `max` beside it. */
function limited<T, Entries extends v.ObjectEntries>(kind: Kind<T>, entries: Entries) {
  type Limited = { readonly min?: T | undefined; readonly max?: T | undefined };
  const limits = {
    min: v.optional(described('No value is smaller', kind.value)),
    max: v.optional(described('No value is larger', kind.value)),
  };
  const map = v.strictObject({ ...entries, ...limits }, 'a map') as unknown as v.GenericSchema<
    unknown,
    Limited
  >;
  const both = (holds: (min: T, max: T) => boolean) => {
    return ({ min, max }: Limited) => min === undefined || max === undefined || holds(min, max);
  };
  return v.pipe(
    map,
    agree<Limited>(['min', 'max'], both(kind.comparable), NOT_ONE_UNIT),
    agree<Limited>(
      ['min', 'max'],
      both((min, max) => !isAbove(kind, min, max)),
      '"min" is above "max"',
    ),
  ) as v.GenericSchema<unknown, Limited & OutputOf<Entries>>;
}

function isAbove<T>(kind: Kind<T>, low: T, high: T): boolean {
  return kind.comparable(low, high) && kind.amount(low) > kind.amount(high);
}

function limitsOf<T>({ min, max }: { min?: T | undefined; max?: T | undefined }): Limits<T> {
  return { ...(min !== undefined && { minimum: min }), ...(max !== undefined && { maximum: max }) };
}

const COUNT_WORDS = 'a whole number from 0 to 4294967295';
const POSITIVE_WORDS = 'a number above 0';
const DEVIATION_WORDS = 'a number, 0 or more';

/** Sizes in bytes. */
export const sizes = distributionOf<number>({
  constant: sizeOr(`${SIZE_WORDS}, or a distribution`),
  value: size,
  centre: positiveSize,
  deviation: size,
  amount: (bytes) => bytes,
  comparable: () => true,
});

export const times = distributionOf<Duration>({
  constant: timeOr(`${TIME_WORDS}, or a distribution`),
  value: time,
  centre: positiveTime,
  deviation: time,
  amount: (duration) => duration.amount,
  comparable: (a, b) => a.unit === b.unit || a.amount === 0 || b.amount === 0,
});

/** How many of something. */
export const counts = distributionOf<number>({
  constant: integer(0, MAXIMUM_WORD, `${COUNT_WORDS}, or a distribution`),
  value: integer(0, MAXIMUM_WORD, COUNT_WORDS),
  centre: v.pipe(v.number(POSITIVE_WORDS), v.finite(POSITIVE_WORDS), v.gtValue(0, POSITIVE_WORDS)),
  deviation: v.pipe(v.number(DEVIATION_WORDS), v.finite(DEVIATION_WORDS), v.minValue(0, DEVIATION_WORDS)),
  amount: (count) => count,
  comparable: () => true,
});

/** For what would never end if no time passed. */
export const positiveTimes = v.pipe(
  times,
  v.check(
    (distribution) => distribution.kind !== 'constant' || distribution.value.amount > 0,
    `${TIME_WORDS}, but not 0, or a distribution`,
  ),
);
