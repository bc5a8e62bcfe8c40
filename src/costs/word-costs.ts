/** What each word of a path costs, if words cost the same whatever the others: a fit by least squares. */

/** Words that never happen apart from each other share what they cost together; those never seen cost 0. */
const RIDGE = 1e-6;

/** A path: how often each word happened, and what it costs. */
export interface Sample {
  readonly counts: readonly number[];
  readonly cost: number;
}

export function wordCosts(samples: readonly Sample[]): number[] {
  const rows = samples.map(({ counts, cost }) => ({ terms: [1, ...counts], cost }));
  const unknowns = rows[0]!.terms.map((_, index) => index);
  const sum = (term: (row: (typeof rows)[number]) => number) => rows.reduce((all, row) => all + term(row), 0);
  // The normal equations, each with its right side at the end.
  const equations = unknowns.map((i) => [
    ...unknowns.map((j) => sum(({ terms }) => terms[i]! * terms[j]!) + (i === j ? RIDGE : 0)),
    sum(({ terms, cost }) => terms[i]! * cost),
  ]);
  return solve(equations).slice(1);
}

/** By Gauss and Jordan. The ridge keeps what is on the diagonal above 0. */
function solve(equations: number[][]): number[] {
  for (const [pivot, row] of equations.entries()) {
    for (const other of equations) {
      if (other === row) continue;
      const factor = other[pivot]! / row[pivot]!;
      for (const [column, value] of row.entries()) other[column]! -= factor * value;
    }
  }
  return equations.map((row, index) => row.at(-1)! / row[index]!);
}
