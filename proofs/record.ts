/** The counterexamples of all twins, written down so that docs/proofs.md can be made without z3. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Proof, ROOT, type Values } from './proof.js';
import type { Result } from './run.js';

export const RECORD_FILE = 'docs/data/proofs.json';

/** For each proof by name: the values that refute each of its twins, in the order of the twins. */
type RecordFile = Readonly<Record<string, readonly Readonly<Record<string, number>>[]>>;

export function readRecord(): ReadonlyMap<string, readonly Values[]> {
  const file = join(ROOT, RECORD_FILE);
  const record = (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as RecordFile;
  return new Map(
    Object.entries(record).map(([name, twins]) => [
      name,
      twins.map((values) => new Map(Object.entries(values))),
    ]),
  );
}

/** Replaces what `results` are about and drops what is no proof any more. */
export function writeRecord(results: readonly Result[], proofs: readonly Proof[]): void {
  const known = new Map(readRecord());
  for (const { proof, twins } of results) {
    known.set(
      proof.name,
      twins.map(({ counterexample }) => counterexample!),
    );
  }
  const record = Object.fromEntries(
    proofs
      .filter(({ name }) => known.has(name))
      .map(({ name }) => [name, known.get(name)!.map((values) => Object.fromEntries(values))]),
  );
  writeFileSync(join(ROOT, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
}
