/** `--out`: where results are written, found out before anything runs. */

import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileErrorReason } from '../input/index.js';
import type { RunResult } from '../inspect/result.js';
import { resultJson } from '../report/result-json.js';
import { badOption } from './flags.js';

/**
 * The file for each scenario's result: `out` itself for a single one, files in the folder `out` for several.
 * Folders are made.
 *
 * @throws UserError when one cannot be written, or two would be the same
 */
export function outFiles(out: string, scenarios: readonly string[]): string[] {
  const files = scenarios.length === 1 ? [out] : distinctNames(out, scenarios).map((name) => join(out, name));
  for (const file of files) attempt(file, () => prepare(file));
  return files;
}

/** @throws UserError when the file cannot be written */
export function writeResult(file: string, result: RunResult): void {
  attempt(file, () => {
    const descriptor = openSync(file, 'w');
    try {
      for (const piece of resultJson(result)) writeFileSync(descriptor, piece);
      writeFileSync(descriptor, '\n');
    } finally {
      closeSync(descriptor);
    }
  });
}

/** What is wrong with the file is the user's; whatever else goes wrong is not. */
function attempt(file: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const reason = code === 'ENOTDIR' ? 'a file is in the way' : fileErrorReason(error, 'written');
    throw badOption(`--out: cannot write ${file}: ${reason}`, 'a file that can be written');
  }
}

/** Opens the file for writing, and leaves everything as it was. */
function prepare(file: string): void {
  makeFolders(dirname(file));
  const exists = lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  const status = statSync(file, { throwIfNoEntry: false });
  // Whoever reads from a pipe would take its being closed for the end.
  if (status !== undefined && !status.isFile() && !status.isDirectory()) return;
  closeSync(openSync(file, 'a'));
  if (!exists) rmSync(file);
}

/** Node's own way to make them all does not come back from /proc. */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  mkdirSync(folder);
}

const stem = (path: string) => basename(path).replace(/\.\w+$/, '');
const parent = (path: string) => basename(dirname(resolve(path)));

/** How a result may be called, the shortest first. */
const FORMS: readonly ((path: string) => string)[] = [
  (path) => `${stem(path)}.json`,
  (path) => `${basename(path)}.json`,
  (path) => `${parent(path)}-${stem(path)}.json`,
  (path) => `${parent(path)}-${basename(path)}.json`,
];

/** Each has the first form that is no other's. */
function distinctNames(out: string, paths: readonly string[]): string[] {
  const forms = FORMS.map((form) => paths.map((path) => form(path).toLowerCase()));
  const names = paths.map((path, index) => {
    const chosen = forms.findIndex((all) => all.indexOf(all[index]!) === all.lastIndexOf(all[index]!));
    return FORMS[Math.max(0, chosen)]!(path);
  });
  const first = new Map<string, string>();
  names.forEach((name, index) => {
    const other = first.get(name.toLowerCase());
    if (other !== undefined) {
      const both = `${other} and ${paths[index]}`;
      const message = `--out: the results of ${both} would both be written to ${join(out, name)}`;
      throw badOption(message, 'scenarios of different names');
    }
    first.set(name.toLowerCase(), paths[index]!);
  });
  return names;
}
