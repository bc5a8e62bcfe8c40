/** What the developers' programs say of arguments that are wrong: as heaplab says it, without a stack. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stderr: string;
}

async function outcomeOf(program: string, words: readonly string[]): Promise<Outcome> {
  const args = ['--disable-warning=DEP0180', '--import', './ts-node.register.mjs', program, ...words];
  try {
    const { stderr } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    return { code: 0, stderr };
  } catch (error) {
    return error as Outcome;
  }
}

describe('a wrong argument', () => {
  it.concurrent.each([
    ['proofs/main.ts', 'bni', 'unknown proof "bni"', 'did you mean "o1heap-bin"?'],
    ['proofs/main.ts', '--smtt', 'unknown option "--smtt"', 'did you mean "--smt"?'],
    ['bench/main.ts', 'replya', 'unknown part "replya"', 'did you mean "replay"?'],
    ['bench/main.ts', 'compaction nosuch', 'nosuch: error[unreadable-file]', 'expected: a trace'],
    ['bench/part.ts', 'cost haep_4', 'there is no heap "haep_4"', 'did you mean "heap_4"?'],
    ['bench/relocation.ts', '--heaps heap4', 'there is no heap "heap4"', 'did you mean "heap_4"?'],
    ['bench/relocation.ts', '--heaps', '--heaps', 'expected: a value behind it'],
    ['bench/relocation.ts', 'nosuch', 'nosuch: error[unreadable-file]', 'expected: a trace'],
    ['bench/failures.ts', 'nosuch heap_4', 'nosuch: error[unreadable-file]', 'expected: a folder'],
    ['bench/failures.ts', 'src heap_4', 'no trace is in there', 'expected: traces called'],
    ['bench/mimalloc.ts', '', 'no folder is given', 'expected: a folder'],
    ['scripts/curves.ts', 'heap4', 'there is no heap "heap4"', 'did you mean "heap_4"?'],
    ['scripts/docs.ts', '--check=1', '--check 1', 'expected: --check alone'],
    ['scripts/schemas.ts', '--chekc', 'unknown option "--chekc"', 'did you mean "--check"?'],
  ])('of %s: %s', { timeout: 60_000 }, async (program, words, message, hint) => {
    const { code, stderr } = await outcomeOf(program, words.split(' ').filter(Boolean));
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(2);
  });
});
