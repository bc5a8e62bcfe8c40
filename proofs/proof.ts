/**
 * What a proof is. Claims and premises are ordinary functions of integers, about the functions that the heaps
 * call; they are read from their files, translated, and z3 is asked for values with which the claim is false.
 */

import { fileURLToPath } from 'node:url';
import type { Change } from './code/sources.js';

export { ROOT } from './code/sources.js';

/** True of the values it is given, which stand in the order of {@link Proof.over}. */
// biome-ignore lint/suspicious/noExplicitAny: a value may be one of a few numbers only
export type Statement = (...values: any[]) => boolean;

/** Every integer from `low` to `high`; or each of a few, proved one by one so that they are constants. */
export type Range = { readonly low: number; readonly high: number } | { readonly each: readonly number[] };

/** A premise beyond the ranges. */
export interface Premise {
  readonly says: string;
  readonly holds: Statement;
}

/** The proof with one thing changed, so that it must fail. */
export interface Twin {
  /** What is changed, in words. */
  readonly says: string;
  /** In the code, or in the file of the claims. */
  readonly change?: Change;
  /** Another claim instead. */
  readonly holds?: Statement;
  /** A premise that is dropped, by its name. */
  readonly without?: string;
  /** Other ranges for some of the values. */
  readonly over?: Readonly<Record<string, Range>>;
}

export interface Proof {
  readonly name: string;
  /** The claim in words. */
  readonly claim: string;
  /** By the name of the parameter. */
  readonly over: Readonly<Record<string, Range>>;
  readonly given?: Readonly<Record<string, Premise>>;
  readonly holds: Statement;
  /** What follows, for the page. */
  readonly note?: string;
  readonly twins: readonly [Twin, ...Twin[]];
}

/** Values by name, in the order of the claim's parameters. */
export type Values = ReadonlyMap<string, number>;

/** From here on a number says more in another form than in decimal. */
const LARGE = 2 ** 15;
/** How far from a power of two a number is still written as one. */
const NEAR = 64;

export function valuesText(values: Values): string {
  return [...values].map(([name, value]) => `${name} = ${numberText(value)}`).join(', ');
}

/** `2^30 - 4`, `0x41FC`, `-12`. */
export function numberText(value: number): string {
  if (Math.abs(value) < LARGE) return String(value);
  if (value < 0) return `-(${numberText(-value)})`;
  const exponent = Math.round(Math.log2(value));
  const difference = value - 2 ** exponent;
  if (difference === 0) return `2^${exponent}`;
  if (Math.abs(difference) > NEAR) return `0x${value.toString(16).toUpperCase()}`;
  return `2^${exponent} ${difference < 0 ? '-' : '+'} ${Math.abs(difference)}`;
}

export function rangeText(range: Range): string {
  if (!('each' in range)) return `from ${numberText(range.low)} to ${numberText(range.high)}`;
  const { each: values } = range;
  const [first] = values;
  const last = values.at(-1);
  if (values.length === 1) return `= ${numberText(first!)}`;
  if (values.length > 3 && last! - first! === values.length - 1)
    return `each from ${numberText(first!)} to ${numberText(last!)}`;
  return `each of ${values.map(numberText).join(', ')}`;
}

/** Proofs whose statements are in the same module. */
export interface Chapter {
  readonly title: string;
  /** A sentence or two. */
  readonly introduction: string;
  /** Path of the module. */
  readonly file: string;
  readonly proofs: readonly Proof[];
}

/** `module`: the `import.meta.url` of the statements. */
export function chapter(
  module: string,
  title: string,
  introduction: string,
  proofs: readonly Proof[],
): Chapter {
  return { title, introduction, file: fileURLToPath(module), proofs };
}

export function between(low: number, high: number): Range {
  return { low, high };
}

export function each(values: readonly number[]): Range {
  return { each: values };
}

/** All integers from `low` to `high`, one by one. */
export function eachFrom(low: number, high: number): Range {
  return { each: Array.from({ length: high - low + 1 }, (_, index) => low + index) };
}
