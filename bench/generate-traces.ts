/**
 * Traces to measure heaps with, for arenas of any size: `node --import ./ts-node.register.mjs bench/generate-traces.ts
 * FOLDER KIB ...` writes `gen-<profile>-<KiB>-s<seed>.trace.gz` for each of the eleven profiles and each arena, with
 * `--seed N` others than those of seed 1. What is in them: trace-profiles.ts.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { givenArguments, runTool } from '../scripts/tool.js';
import { badOption } from '../src/cli/flags.js';
import { PROFILES, traceText } from './trace-profiles.js';

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1) throw badOption(text, 'a whole number of KiB, from 1');
  return number;
}

function writeTraces(): void {
  const { words, flags } = givenArguments({ seed: 'value' });
  const [folder, ...sizes] = words;
  if (folder === undefined || sizes.length === 0) {
    throw badOption('no folder or no size is given', 'a folder, and arenas in KiB');
  }
  const seed = wholeNumber(flags.get('seed') ?? '1');
  mkdirSync(folder, { recursive: true });
  for (const kib of sizes.map(wholeNumber)) {
    for (const profile of PROFILES.keys()) {
      const file = join(folder, `gen-${profile}-${kib}-s${seed}.trace.gz`);
      writeFileSync(file, gzipSync(traceText(profile, kib, seed)));
    }
  }
}

await runTool(writeTraces);
