/** Reads the values of flags; every error names the flag, what was expected and the nearest valid word. */

import * as v from 'valibot';
import { catalog, findHeap } from '../heaps/catalog.js';
import { type HeapDefinition, type HeapOptions, optionNames, optionValues } from '../heaps/definition.js';
import { nearest, type Problem, parseBytes, UserError } from '../input/index.js';
import { schemaAt } from '../input/schema-place.js';
import { guessFor } from '../input/validate.js';
import type { LoadOptions } from '../scenario/load.js';
import type { RunLength } from '../scenario/scenario.js';
import { RUN_LENGTH_WORDS, readRunLength } from '../scenario/schema/scenario.js';
import { targetNames } from '../targets/load.js';
import { MAXIMUM_RAM_BYTES } from '../targets/target.js';

/** What the scenario loader needs to know of heaps and targets to find wrong names where they stand. */
export function loadOptions(): LoadOptions {
  return {
    heapNames: catalog.map((heap) => heap.name),
    targetNames: targetNames(),
    heapOptions: (name) => findHeap(name)?.options,
  };
}

export function badOption(message: string, expected: string, nearestWord?: string): UserError {
  const problem: Problem = { code: 'bad-option', message, expected };
  return new UserError([nearestWord === undefined ? problem : { ...problem, nearest: nearestWord }]);
}

/** undefined where the flag was not given. @throws UserError also below `minimum` */
export function sizeFlag(flag: string, text: string | undefined, minimum = 1): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes < minimum || bytes > MAXIMUM_RAM_BYTES) {
    throw badOption(`${flag} ${text} is no possible size`, 'a size such as 16KiB or 20480, at most 1024MiB');
  }
  return bytes;
}

/** @throws UserError unless a whole number from `minimum` to `maximum` */
export function numberFlag(flag: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
    throw badOption(`${flag} ${text} is not possible`, `a whole number from ${minimum} to ${maximum}`);
  }
  return value;
}

/** As in a scenario's `duration`. @throws UserError */
export function durationFlag(text: string | undefined): RunLength | undefined {
  if (text === undefined) return undefined;
  const length = readRunLength(text);
  if (length === undefined) throw badOption(`--duration ${text} is not possible`, RUN_LENGTH_WORDS);
  return length;
}

const ALIGNMENTS = [4, 8, 16, 32];

export function alignmentFlag(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const alignment = Number(text);
  if (!ALIGNMENTS.includes(alignment))
    throw badOption(`--alignment ${text} is not possible`, '4, 8, 16 or 32');
  return alignment;
}

/** @throws UserError naming the nearest heap */
export function heapNamed(name: string): HeapDefinition {
  const heap = findHeap(name);
  if (heap !== undefined) return heap;
  const names = catalog.map((known) => known.name);
  const problem: Problem = {
    code: 'unknown-name',
    message: `there is no heap "${name}"`,
    expected: names.join(', '),
  };
  const guess = nearest(name, names);
  throw new UserError([guess === undefined ? problem : { ...problem, nearest: guess }]);
}

/** A heap's options from a scenario and from `--heap-option name=value`, the latter first. @throws UserError */
export function heapOptions(
  heap: HeapDefinition,
  fromFile: HeapOptions,
  flags: readonly string[] = [],
): HeapOptions {
  const values: Record<string, boolean | number | string> = { ...fromFile };
  const names = optionNames(heap);
  for (const flag of flags) {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(flag) ?? [];
    if (name === undefined || value === undefined) {
      throw badOption(`--heap-option ${flag} has no value`, 'name=value, such as asserts=false');
    }
    // Asked before it is set: every object has a __proto__, and a schema does not look at it.
    if (!names.includes(name)) throw new UserError([unknownOption(heap, name)]);
    values[name] = optionValue(value);
  }
  const parsed = v.safeParse(heap.options, values);
  if (parsed.success) return parsed.output;
  throw new UserError(parsed.issues.map((issue) => optionProblem(heap, issue)));
}

function optionValue(text: string): boolean | number | string {
  if (text === 'true' || text === 'on') return true;
  if (text === 'false' || text === 'off') return false;
  return /^\d/.test(text) ? (parseBytes(text) ?? text) : text;
}

function optionProblem(heap: HeapDefinition, issue: v.BaseIssue<unknown>): Problem {
  const name = v.getDotPath(issue) ?? '';
  if (!optionNames(heap).includes(name)) return unknownOption(heap, name);
  const message = `option ${name} of ${heap.name} cannot be ${issue.received}`;
  const problem: Problem = { code: 'bad-option', message, expected: issue.message };
  const place = schemaAt(heap.options, [name], {});
  const guess =
    typeof issue.input === 'string' && guessFor(issue, place)
      ? nearest(issue.input, optionWords(heap, name))
      : undefined;
  return guess === undefined ? problem : { ...problem, nearest: guess };
}

/** The values of an option, where they are words of a closed list. */
function optionWords(heap: HeapDefinition, name: string): string[] {
  const values = optionValues(heap, name) ?? [];
  return values.filter((value) => typeof value === 'string');
}

function unknownOption(heap: HeapDefinition, name: string): Problem {
  const names = optionNames(heap);
  const problem: Problem = {
    code: 'unknown-name',
    message: `${heap.name} has no option "${name}"`,
    expected: names.join(', '),
  };
  const guess = nearest(name, names);
  return guess === undefined ? problem : { ...problem, nearest: guess };
}
