/**
 * `npm run bench [replay|scenario|startup|long|inspect|cost …]`: what heaplab costs, as ratios measured in one
 * run. Every heap is measured in a process of its own, as a user runs it.
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { catalog } from '../src/heaps/catalog.js';

const PARTS = ['replay', 'cost', 'scenario', 'startup', 'long', 'inspect'] as const;
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

const chosen = process.argv.slice(2);
for (const part of PARTS) {
  if (chosen.length > 0 && !chosen.includes(part)) continue;
  if (part === 'replay' || part === 'scenario' || part === 'cost')
    for (const { name } of catalog) fresh(part, name);
  else fresh(part);
}
