/** Every claim is proved and every twin refuted, as `npm run prove` does it; and what docs/proofs.md shows is real. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chapters } from '../../proofs/catalog.js';
import { readRecord } from '../../proofs/record.js';
import { run, Variant } from '../../proofs/run.js';
import { Solver } from '../../proofs/solver.js';

const proofs = chapters.flatMap((chapter) =>
  chapter.proofs.map((proof) => [proof.name, chapter, proof] as const),
);

let solver: Solver;
beforeAll(async () => {
  solver = await Solver.start();
});
afterAll(() => solver.stop());

describe('the proof', () => {
  it.each(proofs)('%s holds, and its twins do not', async (_name, chapter, proof) => {
    const { counterexample, twins } = await run(solver, chapter, proof);
    expect(counterexample).toBeUndefined();
    const unrefuted = twins.filter((twin) => twin.counterexample === undefined).map(({ twin }) => twin.says);
    expect(unrefuted).toEqual([]);
  });

  it('has a name of its own', () => {
    const names = proofs.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('what is written down of', () => {
  const record = readRecord();

  it.each(proofs)('%s refutes its twins', (name, { file }, proof) => {
    const recorded = record.get(name) ?? [];
    expect(recorded).toHaveLength(proof.twins.length);
    for (const [index, twin] of proof.twins.entries()) {
      expect(() => new Variant(file, proof, twin).confirm(recorded[index]!)).not.toThrow();
    }
  });
});
