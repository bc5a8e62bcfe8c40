/**
 * Where calls stand in a script's text. A stack trace per call would cost more than the call itself, so the
 * loader of TypeScript scenarios writes a number into every `yield*`, and {@link locate} looks up its place.
 */

import type { Waiting } from './calls.js';
import { type CallSite, ScriptCall } from './script-call.js';

/** What `yield*` gets instead of `operand`, which stands at `site`. */
export function locate(site: CallSite, operand: unknown): unknown {
  if (operand instanceof ScriptCall) {
    operand.site = site;
    return operand;
  }
  // What cannot be iterated is left to `yield*` to complain about.
  return isIterable(operand) ? new LocatedPart(site, operand[Symbol.iterator]()) : operand;
}

/** A part of a script: calls in it that have no place of their own, being in another file, have this one. */
class LocatedPart implements IterableIterator<Waiting, unknown, undefined> {
  constructor(
    private readonly site: CallSite,
    private readonly part: Iterator<Waiting, unknown, undefined>,
  ) {}

  [Symbol.iterator](): this {
    return this;
  }

  next(value?: undefined): IteratorResult<Waiting, unknown> {
    ScriptCall.outerSite = this.site;
    return this.part.next(value);
  }

  return(value?: unknown): IteratorResult<Waiting, unknown> {
    return this.part.return?.(value) ?? { done: true, value };
  }

  throw(error: unknown): IteratorResult<Waiting, unknown> {
    if (this.part.throw === undefined) throw error;
    return this.part.throw(error);
  }
}

function isIterable(value: unknown): value is Iterable<Waiting, unknown, undefined> {
  return typeof (value as Partial<Iterable<unknown>> | undefined)?.[Symbol.iterator] === 'function';
}
