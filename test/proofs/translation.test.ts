/** What is proved is what runs: functions are translated, and z3 and JavaScript must agree on values. */

import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sources } from '../../proofs/code/sources.js';
import { Translator } from '../../proofs/code/translate.js';
import * as x from '../../proofs/formula/expression.js';
import { type Question, smtLib } from '../../proofs/formula/smt-lib.js';
import { Solver } from '../../proofs/solver.js';
import * as requests from '../../src/heaps/freertos/request.js';
import * as bitmap from '../../src/heaps/mempool/bitmap.js';
import * as tree from '../../src/heaps/mempool/free-tree.js';
import * as sizes from '../../src/heaps/mimalloc/sizes.js';
import * as o1heap from '../../src/heaps/o1heap/layout.js';
import * as tlsf from '../../src/heaps/tlsf/layout.js';
import * as words from '../../src/heaps/words.js';
import * as arithmetic from './arithmetic.js';

type Computes = (...values: number[]) => number | boolean;
type Bounds = readonly [low: number, high: number];

const SAMPLES = 40;
const ANY: Bounds = [-(2 ** 32), 2 ** 32];
const WORD: Bounds = [0, 2 ** 32 - 1];

const sources = new Sources();
const translator = new Translator(sources);
const own = fileURLToPath(new URL('arithmetic.ts', import.meta.url));
const heap = (name: string) => fileURLToPath(new URL(`../../src/heaps/${name}.ts`, import.meta.url));

let solver: Solver;
beforeAll(async () => {
  solver = await Solver.start();
});
afterAll(() => solver.stop());

/** Random values and the bounds themselves. */
function samples(bounds: readonly Bounds[]): number[][] {
  const value = ([low, high]: Bounds) => {
    const near = fc.integer({ min: low, max: Math.min(high, low + 300) });
    return fc.oneof(
      fc.maxSafeInteger().map((n) => low + (Math.abs(n) % (high - low + 1))),
      near,
      fc.constant(high),
    );
  };
  return fc.sample(fc.tuple(...bounds.map(value)), { numRuns: SAMPLES, seed: 1 });
}

/** Asks for one of the samples of which the translation is something else than `computes`. */
function disagreement(file: string, computes: Computes, bounds: readonly Bounds[]): Question {
  const values = new Map<string, x.Integer>();
  let given = x.TRUE;
  let same = x.TRUE;
  for (const [index, sample] of samples(bounds).entries()) {
    const unknown = sample.map((_, at) => x.variable(`x${index}_${at}`, ...bounds[at]!));
    for (const [at, each] of unknown.entries()) {
      values.set(each.name!, each);
      given = x.both(given, x.equal(each, x.constant(sample[at]!)));
    }
    const result = translator.apply(file, computes.name, unknown);
    const expected = computes(...sample);
    if (result.kind === 'truth') same = x.both(same, expected === true ? result : x.not(result));
    else same = x.both(same, x.equal(result as x.Integer, x.constant(Number(expected))));
  }
  const assertions = [
    { says: 'the samples', truth: given },
    { says: 'not: as computed', truth: x.not(same) },
  ];
  return { values, assertions };
}

describe('the translation of', () => {
  it.each(Object.entries(arithmetic))('%s computes what it does', async (_name, computes) => {
    const bounds = Array.from({ length: computes.length }, () => ANY);
    const question = disagreement(own, computes as Computes, bounds);
    expect(await solver.ask(smtLib(question))).toEqual({ found: false });
  });

  it.each([
    ['words', words.alignUp, [ANY, [1, 2 ** 16]]],
    ['words', words.alignDown, [ANY, [1, 2 ** 16]]],
    ['freertos/request', requests.blockBytes, [WORD, [0, 16], [8, 8]]],
    ['tlsf/layout', tlsf.classOf, [[12, 2 ** 30]]],
    ['tlsf/layout', tlsf.searchBytes, [[12, 2 ** 30]]],
    ['tlsf/layout', tlsf.requestBytes, [WORD]],
    ['o1heap/layout', o1heap.binOf, [WORD]],
    ['o1heap/layout', o1heap.fragmentBytes, [WORD]],
    ['mempool/bitmap', bitmap.lowestRun, [WORD, [5, 5]]],
    ['mempool/free-tree', tree.withLeft, [WORD, [-1024, 1023]]],
    [
      'mimalloc/sizes',
      sizes.binOf,
      [
        [1, 2 ** 17],
        [2, 3],
      ],
    ],
    [
      'mimalloc/sizes',
      sizes.unitsOfBin,
      [
        [1, 80],
        [2, 3],
      ],
    ],
    ['mimalloc/sizes', sizes.runInWord, [WORD, [7, 7]]],
  ] as [string, Computes, Bounds[]][])('%s %o computes what it does', async (file, computes, bounds) => {
    const question = disagreement(heap(file), computes, bounds);
    expect(await solver.ask(smtLib(question))).toEqual({ found: false });
  });

  it('another function is noticed', async () => {
    const { values, assertions } = disagreement(own, arithmetic.sum as Computes, [ANY, ANY]);
    const wrong = { name: 'sum', computes: (a: number, b: number) => arithmetic.sum(a, b) + 1 };
    const changed = Object.defineProperty(wrong.computes, 'name', { value: 'sum' });
    expect(values.size).toBe(2 * SAMPLES);
    expect(assertions).toHaveLength(2);
    const answer = await solver.ask(smtLib(disagreement(own, changed as Computes, [ANY, ANY])));
    expect(answer.found).toBe(true);
  });
});
