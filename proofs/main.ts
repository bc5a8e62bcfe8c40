/**
 * `npm run prove [-- NAME …] [--smt] [--record]`: proves what the heaps' arithmetic is said to do. Exit code 1 if
 * z3 refutes a claim, or does not refute a twin, which is a claim made false on purpose.
 *
 * --smt      prints what z3 is asked, and asks nothing
 * --record   looks for the smallest counterexample of every twin and writes them down for docs/proofs.md
 */

import { givenArguments, runTool, toolPaint, unknownWord } from '../scripts/tool.js';
import { UserError } from '../src/input/problem.js';
import { type Column, table } from '../src/report/tables.js';
import { chapters } from './catalog.js';
import { smtLib } from './formula/smt-lib.js';
import { type Chapter, type Proof, valuesText } from './proof.js';
import { writeRecord } from './record.js';
import { holds, type Result, run, Variant } from './run.js';
import { Solver } from './solver.js';

type Chosen = { readonly chapter: Chapter; readonly proof: Proof };

const all: Chosen[] = chapters.flatMap((chapter) => chapter.proofs.map((proof) => ({ chapter, proof })));

function choose(names: readonly string[]): Chosen[] {
  const known = all.map(({ proof }) => proof.name);
  const wrong = names.filter((name) => !known.includes(name));
  if (wrong.length > 0) throw new UserError(wrong.map((name) => unknownWord('proof', name, known)));
  return names.length === 0 ? all : all.filter(({ proof }) => names.includes(proof.name));
}

function smtText({ chapter, proof }: Chosen): string {
  return [...new Variant(chapter.file, proof).questions()].map(smtLib).join('\n');
}

const COLUMNS: readonly Column[] = [
  { head: 'proof', minimum: 12, overflow: 'wrap' },
  { head: 'claim', minimum: 24, overflow: 'wrap' },
  { head: 'result', minimum: 8, overflow: 'wrap' },
  { head: 'time', align: 'right' },
  { head: 'made false, and refuted with', minimum: 24, overflow: 'wrap' },
];

function row(result: Result): string[] {
  const { proof, counterexample, cases, twins, milliseconds } = result;
  const times = cases > 1 ? `, ${cases} cases` : '';
  const outcome = counterexample === undefined ? `proved${times}` : `FALSE: ${valuesText(counterexample)}`;
  const refuted = twins.map(({ twin, counterexample: found }) => {
    return `${twin.says}: ${found === undefined ? 'NOT REFUTED' : valuesText(found)}`;
  });
  return [proof.name, proof.claim, outcome, `${(milliseconds / 1000).toFixed(2)} s`, refuted.join('; ')];
}

async function prove(chosen: readonly Chosen[], isRecorded: boolean): Promise<void> {
  const solver = await Solver.start();
  const results: Result[] = [];
  try {
    for (const { chapter, proof } of chosen) results.push(await run(solver, chapter, proof, isRecorded));
  } finally {
    await solver.stop();
  }
  const rows = results.map(row);
  process.stdout.write(`${table(COLUMNS, rows, toolPaint())}\n\n`);
  const failed = results.filter((result) => !holds(result)).map(({ proof }) => proof.name);
  const twins = results.reduce((sum, result) => sum + result.twins.length, 0);
  const cases = results.reduce((sum, result) => sum + result.cases, 0);
  process.stdout.write(
    failed.length === 0
      ? `${results.length} claims proved in ${cases} cases, ${twins} false ones refuted.\n`
      : `Failed: ${failed.join(', ')}\n`,
  );
  if (failed.length > 0) process.exitCode = 1;
  else if (isRecorded)
    writeRecord(
      results,
      all.map(({ proof }) => proof),
    );
}

await runTool(async () => {
  const { words, flags } = givenArguments({ smt: 'on', record: 'on' });
  const chosen = choose(words);
  if (flags.has('smt')) process.stdout.write(chosen.map(smtText).join('\n'));
  else await prove(chosen, flags.has('record'));
});
