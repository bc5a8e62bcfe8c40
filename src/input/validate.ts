/** Checks a file's value against a schema and turns every complaint into a problem with a place. */

import * as v from 'valibot';
import { nearest } from './nearest.js';
import type { Problem, ProblemCode } from './problem.js';
import { type SchemaPlace, schemaAt } from './schema-place.js';
import { expectedWords, mapWords, statement } from './words.js';
import type { Path, ProblemAt } from './yaml-file.js';

/** What a user wrote, as plain data that still knows where everything stood. */
export interface Source {
  readonly value: unknown;
  /** Completes a problem with file, position and text. */
  problem(problem: ProblemAt): Problem;
}

export interface Validated<Output> {
  /** Undefined when there are problems. */
  readonly output: Output | undefined;
  readonly problems: readonly Problem[];
}

/**
 * The value of `source`, or its part at `base`, as `schema` reads it, or all that is wrong with it.
 * What a schema or check has as its message is taken as what was expected, in words; only the message of a
 * `partialCheck`, which says that two keys do not go together, is the problem itself.
 */
export function validate<Output>(
  source: Source,
  schema: v.GenericSchema<unknown, Output>,
  base: Path = [],
): Validated<Output> {
  const value = valueAt(source.value, base);
  const result = v.safeParse(schema, value, { abortEarly: false });
  const found = [
    ...(result.issues ?? []).flatMap((issue) => problemsOf(issue, schema, value)),
    ...listsForMaps(value, [], schema, value),
  ];
  if (result.success && found.length === 0) return { output: result.output, problems: [] };
  const problems = new Map<string, Problem>();
  for (const { path, ...rest } of found) {
    // Several checks of one value often want the same.
    const key = JSON.stringify([path, rest.message, rest.expected]);
    problems.set(key, source.problem({ ...rest, path: [...base, ...path] }));
  }
  return { output: undefined, problems: byPlace([...problems.values()]) };
}

/** Sorted by place. */
export function byPlace(problems: readonly Problem[]): Problem[] {
  const line = ({ start }: Problem) => start?.line ?? 0;
  const column = ({ start }: Problem) => start?.column ?? 0;
  return problems.toSorted((a, b) => line(a) - line(b) || column(a) - column(b));
}

/** What stands at `path` in plain data. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Record<string | number, unknown>)[step];
  }
  return found;
}

type Issue = v.BaseIssue<unknown>;

function problemsOf(issue: Issue, schema: v.GenericSchema, value: unknown): ProblemAt[] {
  const items = issue.path ?? [];
  const path = items.map((item) => item.key as string | number);
  // A list that passed for a map is told by listsForMaps, and nothing else about it is worth telling.
  if (items.some((item) => item.type === 'object' && Array.isArray(item.input))) return [];
  const last = items.at(-1);
  if (last === undefined || last.origin !== 'key') return [wrongValue(issue, path, schema, value)];
  if (issue.type !== 'strict_object') return [wrongKey(issue, path)];
  const parent = path.slice(0, -1);
  return issue.expected === 'never'
    ? unknownKeys(parent, last.input as object, schema, value)
    : [missingKey(parent, String(last.key), schema, value)];
}

/** The library lets a list pass as a map whose keys are 0, 1 … or as an empty one. */
function listsForMaps(part: unknown, path: Path, schema: v.GenericSchema, value: unknown): ProblemAt[] {
  if (typeof part !== 'object' || part === null) return [];
  const inner = Object.entries(part).flatMap(([key, item]) =>
    listsForMaps(item, [...path, Array.isArray(part) ? Number(key) : key], schema, value),
  );
  if (!Array.isArray(part) || !schemaAt(schema, path, value)?.isMap) return inner;
  return [wrongType(path, schema, value)];
}

/** The library names only the first. */
function unknownKeys(parent: Path, map: object, schema: v.GenericSchema, value: unknown): ProblemAt[] {
  const place = schemaAt(schema, parent, value);
  const known = Object.keys(place?.entries ?? {});
  const noun = place?.title;
  return Object.keys(map)
    .filter((key) => !known.includes(key))
    .map((key) => ({
      code: noun === undefined ? 'unknown-key' : 'unknown-name',
      message: `unknown ${noun ?? 'key'} "${key}"`,
      path: [...parent, key],
      at: 'key',
      ...oneOf(known, key),
    }));
}

function missingKey(parent: Path, key: string, schema: v.GenericSchema, value: unknown): ProblemAt {
  const description = schemaAt(schema, [...parent, key], value)?.description;
  const purpose = description && `"${key}": ${description.charAt(0).toLowerCase()}${description.slice(1)}`;
  return { code: 'missing-key', message: `missing key "${key}"`, path: parent, expected: purpose };
}

function wrongKey(issue: Issue, path: Path): ProblemAt {
  return {
    code: 'wrong-value',
    message: `"${path.at(-1)}" cannot be a name here`,
    path,
    at: 'key',
    expected: expectedWords(issue, undefined),
  };
}

function wrongType(path: Path, schema: v.GenericSchema, value: unknown): ProblemAt {
  const place = schemaAt(schema, path, value);
  const expected = place?.expected ?? mapWords(place);
  return { code: 'wrong-type', message: statement(path, valueAt(value, path)), path, expected };
}

function wrongValue(issue: Issue, path: Path, schema: v.GenericSchema, value: unknown): ProblemAt {
  if (issue.type === 'partial_check') return { code: 'contradiction', message: issue.message, path };
  // What the file says, not what a transformation has already made of it.
  const found = valueAt(value, path);
  const place = schemaAt(schema, path, value);
  const options = issue.type === 'picklist' && typeof found === 'string' ? wordsOf(place) : undefined;
  if (options !== undefined && place?.title !== undefined) {
    const message = `unknown ${place.title} "${found}"`;
    return { code: 'unknown-name', message, path, ...oneOf(options, String(found)) };
  }
  return {
    code: codeOf(issue, found, place),
    message: statement(path, found),
    path,
    expected: expectedWords(issue, place),
    nearest: options && guessFor(issue, place) ? nearest(String(found), options) : undefined,
  };
}

/** Whether to guess what was meant: not where the schema has words of its own on this very value. */
export function guessFor({ message }: Pick<Issue, 'message'>, place: SchemaPlace | undefined): boolean {
  return place?.expected === undefined || place.expected === message;
}

/** What may be written there, where that is words: a number is not nearer to one number than to another. */
function wordsOf(place: SchemaPlace | undefined): string[] | undefined {
  return place?.options?.filter((option) => typeof option === 'string');
}

function codeOf(issue: Issue, found: unknown, place: SchemaPlace | undefined): ProblemCode {
  if (issue.kind === 'validation') return 'wrong-value';
  // A transformation reads text or numbers, a picklist whatever its words are; schemas are about types.
  const readable = issue.kind === 'transformation' ? ['string', 'number'] : typesOf(issue, place);
  return readable.includes(typeof found) ? 'wrong-value' : 'wrong-type';
}

function typesOf(issue: Issue, place: SchemaPlace | undefined): string[] {
  return issue.type === 'picklist' ? (place?.options ?? []).map((option) => typeof option) : [];
}

/** A long list helps nobody who only mistyped one of its words. */
const LONG_LIST = 8;

function oneOf(words: readonly string[], found: string): Pick<Problem, 'expected' | 'nearest'> {
  const near = nearest(found, words);
  if (near !== undefined && words.length > LONG_LIST) return { nearest: near };
  return { expected: words.length === 1 ? `"${words[0]}"` : `one of ${words.join(', ')}`, nearest: near };
}
