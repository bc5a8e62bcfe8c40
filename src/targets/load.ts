/** Finds target profiles, reads them together with those they extend, and checks the whole. */

import { readdirSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { readText, validate, YamlFile } from '../input/files.js';
import { beginningWith, nearest, type Problem, UserError } from '../input/index.js';
import { packageFile } from '../input/package-file.js';
import { type TargetFault, targetFaults } from './faults.js';
import { type CompleteProfile, type ExtendingProfile, targetSchema } from './schema.js';
import type { Target } from './target.js';

/** The profiles that come with heaplab. */
const BUILT_IN = packageFile('targets');

/** The built-in targets' names, sorted. */
export function targetNames(): string[] {
  return readdirSync(BUILT_IN)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
}

export interface LoadTargetOptions {
  /** The directory that paths are relative to; the current one if absent. */
  readonly from?: string;
  /** Completes the problem that there is no such profile, where a file names it. */
  readonly blame?: (problem: Problem) => Problem;
}

/**
 * A target by the name of a built-in profile, or by a path: whatever ends in .yaml or .yml or has a slash.
 *
 * @throws UserError with all problems of the profile and of those it extends
 */
export function loadTarget(nameOrPath: string, { from, blame }: LoadTargetOptions = {}): Target {
  const found = findProfile(nameOrPath, from);
  if (typeof found !== 'string') throw new UserError([blame?.(found) ?? found]);
  const file = blame === undefined ? YamlFile.read(found) : readProfile(found, blame);
  const layers = readLayers(file, []);
  const target = merged(found, layers);
  const faults = targetFaults(target);
  if (faults.length === 0) return target;
  throw new UserError(faults.map((fault) => placed(fault, layers)));
}

/** One file of a chain of profiles: first the one that was asked for, last the one that extends none. */
interface Layer {
  readonly file: YamlFile;
  readonly profile: CompleteProfile | ExtendingProfile;
}

/** A profile's path, or why there is none. */
function findProfile(nameOrPath: string, from: string | undefined): string | Problem {
  if (/\.ya?ml$|[/\\]/.test(nameOrPath)) {
    return from === undefined || isAbsolute(nameOrPath) ? nameOrPath : join(from, nameOrPath);
  }
  const names = targetNames();
  if (names.includes(nameOrPath)) return join(BUILT_IN, `${nameOrPath}.yaml`);
  const begun = beginningWith(nameOrPath, names);
  const known = begun.length === 0 ? 'one of the names that `heaplab targets` lists' : oneOf(begun);
  return {
    code: 'unknown-name',
    message: `unknown target "${nameOrPath}"`,
    expected: `the path of a profile, or ${known}`,
    nearest: nearest(nameOrPath, names) ?? (begun.length === 1 ? begun[0] : undefined),
  };
}

function oneOf(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `one of ${names.join(', ')}`;
}

/** `below`: the files that led here. @throws UserError with the problems of the first file that has some */
function readLayers(file: YamlFile, below: readonly string[]): Layer[] {
  const profile = checkedProfile(file);
  if (!('extends' in profile)) return [{ file, profile }];
  const chain = [...below, resolve(file.file)];
  return [{ file, profile }, ...readLayers(readBase(file, profile.extends, chain), chain)];
}

function checkedProfile(file: YamlFile): Layer['profile'] {
  if (file.value === undefined) throw new UserError(file.problems);
  const { output, problems } = validate(file, targetSchema);
  if (output === undefined || file.problems.length > 0) throw new UserError([...file.problems, ...problems]);
  return output;
}

/** The profile that `file` extends. What is wrong with it as a file is told where it is named. */
function readBase(file: YamlFile, nameOrPath: string, chain: readonly string[]): YamlFile {
  const blame = ({ code, message, expected, nearest: near }: Problem) =>
    file.problem({ code, message, expected, nearest: near, path: ['extends'] });
  const found = findProfile(nameOrPath, dirname(file.file));
  if (typeof found !== 'string') throw new UserError([blame(found)]);
  if (chain.includes(resolve(found))) {
    const circle = [...chain, resolve(found)].map((path) => basename(path)).join(' → ');
    const message = `these profiles extend each other in a circle: ${circle}`;
    throw new UserError([blame({ code: 'contradiction', message })]);
  }
  return readProfile(found, blame);
}

/** `blame` tells where it is named what is wrong with it as a file. */
function readProfile(path: string, blame: (problem: Problem) => Problem): YamlFile {
  try {
    return new YamlFile(path, readText(path));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const [{ code, message }] = error.problems as [Problem];
    throw new UserError([blame({ code, message: message.replace('the file', `"${path}"`) })]);
  }
}

/** What the layers say together: maps key by key, everything else as the nearest layer has it. */
function merged(path: string, layers: readonly Layer[]): Target {
  const whole = {} as CompleteProfile;
  for (const { profile } of layers.toReversed()) {
    Object.assign(whole, profile, { kernel: { ...whole.kernel, ...profile.kernel } });
  }
  const { kernel } = whole;
  return {
    id: basename(path).replace(/\.ya?ml$/, ''),
    file: path,
    name: whole.name,
    vendor: whole.vendor,
    core: whole.core,
    clockHertz: whole.clock,
    tickHertz: whole.tick,
    alignment: whole.alignment,
    source: whole.source ?? '',
    description: whole.description ?? '',
    regions: whole.regions.map(({ name, origin, size, heap }) => ({ name, origin, bytes: size, heap })),
    staticDataBytes: whole['static data'],
    mainStackBytes: whole['main stack'],
    ...(whole['heap size'] !== undefined && { heapBytes: whole['heap size'] }),
    kernel: {
      objectsFromHeap: kernel['objects from heap'],
      tcbBytes: kernel.tcb,
      queueBytes: kernel.queue,
      idleStackBytes: kernel['idle stack'],
      priorities: kernel.priorities,
    },
  };
}

/** A fault of the whole, blamed on the nearest layer that says something about it. */
function placed({ message, expected, places }: TargetFault, layers: readonly Layer[]): Problem {
  for (const { file } of layers) {
    const path = places.find((place) => file.has(place));
    if (path !== undefined) return file.problem({ code: 'contradiction', message, expected, path });
  }
  return layers[0]!.file.problem({ code: 'contradiction', message, expected, path: [] });
}
