/**
 * `npm run bench [replay|scenario|startup|long|inspect|cost|compaction …]`: what heaplab costs, as ratios measured in one
 * run; `compaction` takes further traces. Every heap is measured in a process of its own, as a user runs it.
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { catalog } from '../src/heaps/catalog.js';

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

const words = process.argv.slice(2);
const isPart = (word: string) => (PARTS as readonly string[]).includes(word);
const chosen = words.filter(isPart);
const files = words.filter((word) => !isPart(word));
for (const part of PARTS) {
  if (chosen.length > 0 && !chosen.includes(part)) continue;
  if (part === 'replay' || part === 'scenario' || part === 'cost')
    for (const { name } of catalog) fresh(part, name);
  else fresh(part, ...(part === 'compaction' ? files : []));
}
