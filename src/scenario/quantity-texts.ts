/** Quantities as TypeScript scenarios write them: the texts of the YAML form, checked by the compiler. */

type SizeUnit = 'B' | 'kB' | 'KiB' | 'MB' | 'MiB';
type TimeUnit = 'ns' | 'us' | 'µs' | 'ms' | 's' | 'min' | 'h' | 'd' | 'tick' | 'ticks' | 'cycle' | 'cycles';

/** Bytes: `64`, `'64 B'`, `'2 KiB'`. */
export type Size = number | `${number} ${SizeUnit}` | `${number}${SizeUnit}`;

/** `'10 ms'`, `'3 ticks'`, `'500 cycles'`. Only 0 needs no unit. */
export type Time = 0 | `${number} ${TimeUnit}` | `${number}${TimeUnit}`;

/** How long a call waits. */
export type Patience = Time | 'forever';

/** One value, or a distribution to draw from, written as in YAML: `{ uniform: { from: 16, to: 64 } }`. */
export type Drawn<Value> = Value | DistributionOf<Value>;

interface Bounds<Value> {
  /** No value is smaller. */
  readonly min?: Value;
  /** No value is larger. */
  readonly max?: Value;
}

/** A distribution, with the same words as in a scenario file. */
export type DistributionOf<Value> =
  /** Every value of a range, all equally likely. */
  | { readonly uniform: { readonly from: Value; readonly to: Value } }
  /** A bell curve. */
  | { readonly normal: { readonly mean: Value; readonly deviation: Value } & Bounds<Value> }
  /** Mostly small values, with a long tail of large ones. */
  | { readonly 'log-normal': { readonly median: Value; readonly sigma: number } & Bounds<Value> }
  /** Gaps between events that know nothing of each other. */
  | { readonly exponential: { readonly mean: Value } & Bounds<Value> }
  /** One of a few values. */
  | { readonly weighted: readonly { readonly value: Value; readonly weight: number }[] }
  /** A value from one of several ranges, as measured. */
  | {
      readonly histogram: readonly { readonly from: Value; readonly to: Value; readonly weight: number }[];
    };
