/**
 * A call of a script: made when `yield*` first asks for its result, not when it is written down. Each task
 * has one object per kind of call and uses it again and again, so that a call that does not have to give up
 * the CPU allocates nothing.
 */

import { type Position, UserError } from '../input/index.js';
import type { Call, Waiting } from './calls.js';
import type { Request } from './firmware.js';
import type { Frame } from './frame.js';
import { TimelessRounds } from './timeless.js';

/** One `yield*` of a scenario's file. */
export interface CallSite {
  readonly at: Position;
  /** The variable that takes the result: what a developer would call the block. */
  readonly name: string | undefined;
}

/** What a call does: at once, setting {@link ScriptCall.result}, or in the program that it returns. */
export type Act<Call> = (call: Call) => Iterator<void, unknown, void> | undefined;

const WAITING = { done: false, value: undefined } as unknown as IteratorYieldResult<Waiting>;

/** What the calls of one script have in common. */
export class CallContext {
  /** Written down, and not made so far. */
  open: { readonly name: string } | undefined;
  private readonly calls: TimelessRounds;

  constructor(readonly frame: Frame) {
    this.calls = new TimelessRounds(frame.firmware.kernel.clock, frame.owner);
  }

  /** @throws UserError if the call before has not been made: its `yield*` is missing */
  assertNothingOpen(): void {
    const { open } = this;
    if (open === undefined) return;
    this.open = undefined;
    const message = `${open.name} was not called: "yield*" is missing before it`;
    throw mistake(message, `yield* task.${open.name}(…)`);
  }

  begin(at: Position | undefined): void {
    this.frame.place.at = at;
    this.open = undefined;
    this.calls.count();
  }
}

export class ScriptCall<Result, First = undefined, Second = undefined, Third = undefined>
  implements Call<Result>, Iterator<Waiting, Result, void>
{
  /** Where parts of scripts stand whose calls have no place of their own. */
  static outerSite: CallSite | undefined;

  first!: First;
  second!: Second;
  third!: Third;
  result!: Result;
  site: CallSite | undefined;

  private stage: 'idle' | 'open' | 'running' | 'switching' = 'idle';
  private program: Iterator<void, unknown, void> | undefined;
  private readonly answer: { done: true; value: Result } = { done: true, value: undefined as Result };

  /** `name`: of the method that makes it. */
  constructor(
    private readonly context: CallContext,
    readonly name: string,
    private readonly act: Act<ScriptCall<Result, First, Second, Third>>,
  ) {}

  /** Writes the call down. */
  of(first: First, second: Second, third: Third): this {
    this.context.assertNothingOpen();
    this.context.open = this;
    this.stage = 'open';
    this.site = undefined;
    this.first = first;
    this.second = second;
    this.third = third;
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }

  /**
   * Makes the call. What ends the run does not pass through the script, which might catch it, but goes to the
   * kernel; the script is just never resumed.
   */
  next(): IteratorResult<Waiting, Result> {
    try {
      if (this.stage === 'switching') return this.finish();
      if (this.stage === 'open') this.begin();
      else if (this.stage === 'idle') throw mistake(`${this.name} was called already: a call is made once`);
      if (this.program !== undefined) {
        if (!this.program.next().done) return WAITING;
        this.program = undefined;
      }
      if (!this.context.frame.firmware.kernel.scheduler.switchDue) return this.finish();
      this.stage = 'switching';
      return WAITING;
    } catch (error) {
      if (error instanceof UserError) throw error;
      this.context.frame.firmware.kernel.abort(error);
      return WAITING;
    }
  }

  /** For calls that ask for memory; `name`: what the script calls the block. */
  request(name: string | undefined): Request {
    const site = this.site ?? ScriptCall.outerSite;
    return { owner: this.context.frame.owner, label: name ?? site?.name ?? 'block', at: site?.at };
  }

  private begin(): void {
    this.stage = 'running';
    this.result = undefined as Result;
    this.context.begin((this.site ?? ScriptCall.outerSite)?.at);
    this.program = this.act(this);
  }

  private finish(): IteratorResult<Waiting, Result> {
    this.stage = 'idle';
    this.answer.value = this.result;
    return this.answer;
  }
}

/** What the author of a script did wrong. Where it stands is added by the loader. */
export function mistake(message: string, expected?: string): UserError {
  return new UserError([{ code: 'script-error', message, ...(expected !== undefined && { expected }) }]);
}
