/** What a file may be called that somebody named wrongly. */

import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nearest } from './nearest.js';

/** Beside the file that is not there; undefined where nothing there is called like it. */
export function nearestFile(path: string): string | undefined {
  const folder = dirname(path);
  const names = filesIn(folder);
  const guess = nearest(basename(path), names);
  if (guess === undefined) return undefined;
  return join(folder, guess);
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((one) => (one.isFile() ? [one.name] : []));
  } catch {
    return [];
  }
}
