/**
 * Expressions as SMT-LIB text. Where nothing is computed on 32 bits, numbers are integers, for which sums of many
 * are no harder than sums of few. Else all are bit vectors of one width: two's complement, wide enough for every
 * interval in the formula, so that none of its sums can wrap. What JavaScript computes on 32 bits takes the lowest
 * 32 and extends the result again.
 */

import { bitsOf, type Expression, type Integer, type Operation, type Truth } from './expression.js';

/** What is to be shown impossible: values in their intervals that satisfy all of these. */
export interface Question {
  /** By name. Those that are constants are not asked for. */
  readonly values: ReadonlyMap<string, Integer>;
  readonly assertions: readonly { readonly says: string; readonly truth: Truth }[];
}

/** A word, and a sign. */
const LEAST_WIDTH = 33;

export function smtLib({ values, assertions }: Question): string {
  const variables = [...values.values()];
  const roots = assertions.map(({ truth }) => truth);
  const writer = new Writer([...variables, ...roots]);
  const declared = variables.flatMap((variable) => writer.declare(variable));
  const asserted = assertions.flatMap(({ says, truth }) => {
    const text = writer.reference(truth);
    return [...writer.takeDefinitions(), `; ${says}`, `(assert ${text})`];
  });
  return [`(set-logic ${writer.logic})`, ...declared, ...asserted, ''].join('\n');
}

/** What integers in SMT-LIB can do as well. */
const ON_INTEGERS: readonly Operation[] = ['variable', 'constant', 'if', 'add', 'subtract', 'multiply'];

/** Operators on bit vectors, and on integers. */
const OPERATORS = {
  if: ['ite', 'ite'],
  add: ['bvadd', '+'],
  subtract: ['bvsub', '-'],
  multiply: ['bvmul', '*'],
  divide: ['bvudiv', 'div'],
  less: ['bvslt', '<'],
  equal: ['=', '='],
  both: ['and', 'and'],
  not: ['not', 'not'],
} as const;

class Writer {
  /** Of bit vectors; 0: integers. */
  private readonly width: number;
  private readonly uses = new Map<Expression, number>();
  private readonly names = new Map<Expression, string>();
  private definitions: string[] = [];

  constructor(roots: readonly Expression[]) {
    const most = this.survey(roots);
    const isWhole = [...this.uses.keys()].every(isOnIntegers);
    this.width = isWhole ? 0 : Math.max(LEAST_WIDTH, bitsOf(most) + 1);
  }

  get logic(): string {
    return this.width === 0 ? 'QF_NIA' : 'QF_BV';
  }

  private get sort(): string {
    return this.width === 0 ? 'Int' : `(_ BitVec ${this.width})`;
  }

  /** Counts how often each expression is used; returns the largest magnitude of all. */
  private survey(roots: readonly Expression[]): number {
    let most = 0;
    const stack = [...roots];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const seen = this.uses.get(next) ?? 0;
      this.uses.set(next, seen + 1);
      if (next.kind === 'integer') most = Math.max(most, Math.abs(next.low), Math.abs(next.high));
      if (seen === 0) stack.push(...next.parts);
    }
    return most;
  }

  declare(variable: Integer): string[] {
    const { name, low, high, operation } = variable;
    if (operation !== 'variable') return [];
    this.names.set(variable, name!);
    const atMost = this.width === 0 ? '<=' : 'bvsle';
    return [
      `(declare-const ${name} ${this.sort})`,
      `(assert (and (${atMost} ${this.number(low)} ${name}) (${atMost} ${name} ${this.number(high)})))`,
    ];
  }

  takeDefinitions(): string[] {
    const taken = this.definitions;
    this.definitions = [];
    return taken;
  }

  /** What is used more than once gets a name. */
  reference(expression: Expression): string {
    const known = this.names.get(expression);
    if (known !== undefined) return known;
    const text = expression.kind === 'integer' ? this.integer(expression) : this.truth(expression);
    if (this.uses.get(expression) === 1 || expression.parts.length === 0) return text;
    const name = `v${this.names.size}`;
    const sort = expression.kind === 'integer' ? this.sort : 'Bool';
    this.definitions.push(`(define-fun ${name} () ${sort} ${text})`);
    this.names.set(expression, name);
    return name;
  }

  private truth(expression: Truth): string {
    const { connective, known } = expression;
    if (connective === 'known') return String(known);
    return this.operation(OPERATORS[connective], expression.parts);
  }

  private operation(names: readonly [string, string], parts: readonly Expression[]): string {
    const name = names[this.width === 0 ? 1 : 0];
    return `(${name} ${parts.map((part) => this.reference(part)).join(' ')})`;
  }

  private integer(expression: Integer): string {
    const { operation, parts, low } = expression;
    switch (operation) {
      case 'constant':
        return this.number(low);
      case 'if':
      case 'add':
      case 'subtract':
      case 'multiply':
      case 'divide':
        return this.operation(OPERATORS[operation], parts);
      case 'remainder':
        return this.operation([(parts[0] as Integer).low < 0 ? 'bvsrem' : 'bvurem', 'mod'], parts);
      case 'power':
        return `(bvshl ${this.number(1)} ${this.reference(parts[0]!)})`;
      case 'shift-right':
        return `((_ zero_extend ${this.width - 32}) ${this.bits(expression)})`;
      case 'leading-zeros':
        return this.leadingZeros(parts[0] as Integer);
      default:
        return `((_ sign_extend ${this.width - 32}) ${this.bits(expression)})`;
    }
  }

  /** An operation on 32 bits, as 32 bits. */
  private bits({ operation, parts }: Integer): string {
    const [a, b] = parts.map((part) => this.lowWord(part as Integer)) as [string, string];
    // JavaScript shifts by the lowest five bits.
    const by = `(bvand ${b} #x0000001f)`;
    switch (operation) {
      case 'and':
        return `(bvand ${a} ${b})`;
      case 'or':
        return `(bvor ${a} ${b})`;
      case 'xor':
        return `(bvxor ${a} ${b})`;
      case 'multiply-32':
        return `(bvmul ${a} ${b})`;
      case 'shift-left':
        return `(bvshl ${a} ${by})`;
      case 'shift-right':
        return `(bvlshr ${a} ${by})`;
      case 'shift-right-signed':
        return `(bvashr ${a} ${by})`;
      default:
        throw new Error(`${operation} is no operation on 32 bits`);
    }
  }

  private lowWord(expression: Integer): string {
    return `((_ extract 31 0) ${this.reference(expression)})`;
  }

  /** The place of the highest bit that is set, asked from the top. */
  private leadingZeros(of: Integer): string {
    const word = this.reference(of);
    let text = this.number(32);
    for (let bit = 0; bit < 32; bit++) {
      text = `(ite (= ((_ extract ${bit} ${bit}) ${word}) #b1) ${this.number(31 - bit)} ${text})`;
    }
    return text;
  }

  private number(value: number): string {
    if (this.width === 0) return value < 0 ? `(- ${-value})` : String(value);
    return `(_ bv${BigInt.asUintN(this.width, BigInt(value))} ${this.width})`;
  }
}

function isOnIntegers(expression: Expression): boolean {
  if (expression.kind === 'truth') return true;
  const { operation, parts } = expression;
  // Of a negative number SMT-LIB's remainder is another one.
  if (operation === 'divide' || operation === 'remainder') return (parts[0] as Integer).low >= 0;
  return ON_INTEGERS.includes(operation);
}
