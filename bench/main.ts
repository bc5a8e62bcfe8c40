/**
 * `npm run bench [replay|scenario|startup|long|inspect|cost|compaction …]`: what heaplab costs, as ratios measured in one
 * run; `compaction` takes further traces. Every heap is measured in a process of its own, as a user runs it.
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { givenArguments, runTool, unknownWord } from '../scripts/tool.js';
import { catalog } from '../src/heaps/catalog.js';
import { UserError } from '../src/input/index.js';
import { readTrace } from '../src/traces/read.js';

const PARTS = ['replay', 'cost', 'scenario', 'startup', 'long', 'inspect', 'compaction'] as const;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Runs one part in a fresh process; what it prints goes straight through. */
function fresh(...args: string[]): void {
  execFileSync(
    process.execPath,
    ['--expose-gc', '--import', './ts-node.register.mjs', 'bench/part.ts', ...args],
    {
      cwd: ROOT,
      stdio: 'inherit',
    },
  );
}

function measure(): void {
  const { words } = givenArguments();
  const isPart = (word: string) => (PARTS as readonly string[]).includes(word);
  const chosen = words.filter(isPart);
  const others = words.filter((word) => !isPart(word));
  if (!chosen.includes('compaction') && others.length > 0) {
    throw new UserError(others.map((word) => unknownWord('part', word, PARTS)));
  }
  // Now: what is wrong with them should not be found out when all else is measured.
  for (const file of others) readTrace(file);
  for (const part of PARTS) {
    if (chosen.length > 0 && !chosen.includes(part)) continue;
    if (part === 'replay' || part === 'scenario' || part === 'cost')
      for (const { name } of catalog) fresh(part, name);
    else fresh(part, ...(part === 'compaction' ? others : []));
  }
}

await runTool(measure);
