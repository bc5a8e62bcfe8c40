/** Asks z3 about a proof and its twins, and runs what it finds against a twin through the code itself. */

import { resolve } from 'node:path';
import { ROOT, Sources } from './code/sources.js';
import { Translator } from './code/translate.js';
import type { Value } from './code/values.js';
import { constant, equal, type Integer, less, not, type Truth, variable } from './formula/expression.js';
import { type Question, smtLib } from './formula/smt-lib.js';
import type { Chapter, Premise, Proof, Range, Statement, Twin, Values } from './proof.js';
import type { Solver } from './solver.js';

export interface TwinResult {
  readonly twin: Twin;
  /** Values with which the twin's claim is false; undefined if z3 finds that there are none. */
  readonly counterexample?: Values;
}

export interface Result {
  readonly proof: Proof;
  /** How many questions were asked for it. */
  readonly cases: number;
  /** Values with which the claim is false: the proof has failed. */
  readonly counterexample?: Values;
  readonly twins: readonly TwinResult[];
  readonly milliseconds: number;
}

export function holds({ counterexample, twins }: Result): boolean {
  return counterexample === undefined && twins.every((twin) => twin.counterexample !== undefined);
}

/** `smallest`: of each twin, the counterexample that is the smallest in its first value, then in the second … */
export async function run(solver: Solver, chapter: Chapter, proof: Proof, smallest = false): Promise<Result> {
  const start = performance.now();
  const { cases, counterexample } = await refute(solver, new Variant(chapter.file, proof));
  const twins: TwinResult[] = [];
  // Where the claim is false already, nothing can be learned from changing the code further.
  for (const twin of counterexample === undefined ? proof.twins : []) {
    const variant = new Variant(chapter.file, proof, twin);
    const { question, counterexample: any } = await refute(solver, variant);
    const found = any && smallest ? await minimise(solver, question!, any) : any;
    if (found !== undefined) variant.confirm(found);
    twins.push({ twin, ...(found !== undefined && { counterexample: found }) });
  }
  const milliseconds = performance.now() - start;
  return { proof, cases, ...(counterexample !== undefined && { counterexample }), twins, milliseconds };
}

interface Refutation {
  readonly cases: number;
  /** The one that was answered with values. */
  readonly question?: Question;
  readonly counterexample?: Values;
}

async function refute(solver: Solver, variant: Variant): Promise<Refutation> {
  let cases = 0;
  for (const question of variant.questions()) {
    cases++;
    const counterexample = await answer(solver, question);
    if (counterexample !== undefined) return { cases, question, counterexample };
  }
  return { cases };
}

async function answer(solver: Solver, question: Question): Promise<Values | undefined> {
  const found = await solver.ask(smtLib(question));
  if (!found.found) return undefined;
  return new Map([...question.values].map(([name, { low }]) => [name, found.values.get(name) ?? low]));
}

/** Halves the interval of one value after the other for as long as there is a counterexample in its lower half. */
async function minimise(solver: Solver, question: Question, known: Values): Promise<Values> {
  let best = known;
  let assertions = question.assertions;
  for (const [name, value] of question.values) {
    let { low } = value;
    while (low < best.get(name)!) {
      const middle = low + Math.floor((best.get(name)! - low) / 2);
      const bound = { says: 'smaller', truth: not(less(constant(middle), value)) };
      const smaller = await answer(solver, { ...question, assertions: [...assertions, bound] });
      if (smaller === undefined) low = middle + 1;
      else best = smaller;
    }
    assertions = [...assertions, { says: name, truth: equal(value, constant(low)) }];
  }
  return best;
}

/** A proof, or one of its twins. */
export class Variant {
  private readonly sources: Sources;
  private readonly translator: Translator;
  private readonly ranges: [string, Range][];
  private readonly premises: readonly Premise[];
  private readonly claim: Statement;

  constructor(
    private readonly file: string,
    private readonly proof: Proof,
    private readonly twin?: Twin,
  ) {
    this.sources = new Sources(twin?.change);
    this.translator = new Translator(this.sources);
    this.claim = twin?.holds ?? proof.holds;
    const names = this.translator.parameters(file, this.claim.name);
    const over = { ...proof.over, ...twin?.over };
    if (Object.keys(over).join() !== names.join()) {
      throw new Error(
        `${proof.name}: the claim is about ${names.join()}, not about ${Object.keys(over).join()}`,
      );
    }
    this.ranges = Object.entries(over);
    const { given = {} } = proof;
    if (twin?.without !== undefined && given[twin.without] === undefined) {
      throw new Error(`${proof.name}: there is no premise ${twin.without} to drop`);
    }
    this.premises = Object.entries(given).flatMap(([name, premise]) =>
      name === twin?.without ? [] : [premise],
    );
  }

  /** What exactly the counterexamples satisfy: a question for each combination of constants. */
  *questions(): Generator<Question> {
    for (const values of combinations(this.ranges)) {
      const list = [...values.values()];
      const assertions = [
        ...this.premises.map(({ says, holds }) => ({ says, truth: this.translate(holds, list) })),
        { says: `not: ${this.proof.claim}`, truth: not(this.translate(this.claim, list)) },
      ];
      yield { values, assertions };
    }
  }

  private translate({ name }: Statement, values: readonly Value[]): Truth {
    const translated = this.translator.apply(this.file, name, values);
    if (translated.kind !== 'truth') throw new Error(`${name} is no statement`);
    return translated;
  }

  /** Whether the claim holds of these values when the code runs. */
  evaluate(values: readonly number[]): boolean {
    return this.statement(this.claim)(...values);
  }

  /** @throws where the code, run with the values, does not bear out that they are a counterexample */
  confirm(found: Values): void {
    const values = [...found.values()];
    const broken = this.premises.find(({ holds }) => !this.statement(holds)(...values));
    if (broken === undefined && !this.evaluate(values)) return;
    const list = [...found].map(([name, value]) => `${name} = ${value}`).join(', ');
    throw new Error(
      `${this.proof.name}: ${list} is no counterexample when the code is run (${this.twin?.says})`,
    );
  }

  private statement({ name }: Statement): Statement {
    return this.sources.load(resolve(ROOT, this.file))[name] as Statement;
  }
}

function* combinations([first, ...rest]: readonly [string, Range][]): Generator<Map<string, Integer>> {
  if (first === undefined) return yield new Map();
  const [name, range] = first;
  const choices =
    'each' in range
      ? range.each.map((value) => variable(name, value, value))
      : [variable(name, range.low, range.high)];
  for (const choice of choices) {
    for (const others of combinations(rest)) yield new Map([[name, choice], ...others]);
  }
}
