/** The proofs as a page: docs/proofs.md. */

import { relative } from 'node:path';
import { type Chapter, type Proof, ROOT, rangeText, type Twin, type Values, valuesText } from './proof.js';

const INTRODUCTION = `What the heaps' arithmetic is relied on for, proved by [z3](https://github.com/Z3Prover/z3) for every value in the
ranges given, not tried with some. \`npm run prove\` proves all of it again; with a name, one of them; and
\`npm run prove -- NAME --smt\` prints what z3 is asked.

A claim is a function in \`proofs/claims/\` that calls the functions of the heaps. They are read from their files and
turned into formulas as they stand there, constants, branches and loops; the numbers are bit vectors wide enough for
every interval that can occur, and what JavaScript computes on 32 bits is cut to 32. z3 then looks for values with
which the claim is false. There are none: that is the proof. (What is turned into a formula is also run with random
values, and must give the same: \`test/proofs/\`.)

A proof that cannot fail is no proof. So each is also made false on purpose, by a change to the code, by a premise
dropped or by a range that is wider, and z3 must find the values that show it. Those below are the smallest. They
are run through the code, with that change, to see that they are real.`;

/** `record`: for each proof by name, what refutes its twins. */
export function proofsPage(
  chapters: readonly Chapter[],
  record: ReadonlyMap<string, readonly Values[]>,
  note: string,
): string {
  const parts = ['# Proofs', note, INTRODUCTION];
  for (const { title, introduction, file, proofs } of chapters) {
    const place = relative(ROOT, file);
    parts.push(`## ${title}`, `${introduction} Stated in \`${place}\`.`);
    parts.push(...proofs.map((proof) => section(proof, record.get(proof.name) ?? [])));
  }
  return `${parts.join('\n\n')}\n`;
}

function section(
  { name, claim, over, given = {}, note = '', twins }: Proof,
  found: readonly Values[],
): string {
  const ranges = Object.entries(over).map(([value, range]) => `\`${value}\` ${rangeText(range)}`);
  const premises = Object.values(given).map(({ says }) => says);
  return [
    `### \`${name}\``,
    `**${claim}.**`,
    `For ${ranges.join('; ')}.${premises.length > 0 ? ` Given that ${premises.join('; and that ')}.` : ''}`,
    note,
    ['Made false:', ...twins.map((twin, index) => twinLine(twin, found[index]))].join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function twinLine(twin: Twin, values: Values | undefined): string {
  const { says, change, over = {} } = twin;
  const changed =
    change === undefined
      ? []
      : [`${code(change.from)} becomes ${code(change.to || ' ')} in \`${change.file}\``];
  const ranges = Object.entries(over).map(([value, range]) => `\`${value}\` ${rangeText(range)}`);
  const details = [...changed, ...ranges];
  const how = details.length > 0 ? ` (${details.join('; ')})` : '';
  return `- ${says}${how}: ${values === undefined ? 'not recorded' : valuesText(values)}`;
}

function code(text: string): string {
  return `\`${text.trim() === '' ? 'nothing' : text.trim()}\``;
}
