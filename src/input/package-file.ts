/** Finds the files that come with heaplab, both from its sources and from the bundled `dist/`. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder with our package.json: the first one upwards from this code. */
const ROOT = rootAbove(dirname(fileURLToPath(import.meta.url)));

function rootAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootAbove(dirname(folder));
}

/** Absolute path of a file or folder of the package, given as `targets` or `costs/heap_4.json`. */
export function packageFile(path: string): string {
  return join(ROOT, path);
}

/** Whether this code is the sources themselves, run by ts-node or vitest. */
export const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts');
