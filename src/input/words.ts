/** How problems speak about values: what stands there, and what should. */

import type * as v from 'valibot';
import type { SchemaPlace } from './schema-place.js';
import type { Path } from './yaml-file.js';

const MAXIMUM_SHOWN = 40;

/** What a value is, as a sentence: `"size" is "12 xx"`, `item 3 of "script" is a list`. */
export function statement(path: Path, value: unknown): string {
  if (path.length === 0 && (value === null || value === undefined)) return 'the file is empty';
  return `${subject(path)} ${shownValue(value)}`;
}

/** What a path leads to: `"size"`, `item 3 of "script"`. */
function subject(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return 'the file';
  if (typeof last === 'string') return `"${last}"`;
  const list = path.findLast((step) => typeof step === 'string');
  return list === undefined ? `item ${last + 1}` : `item ${last + 1} of "${list}"`;
}

/** What a value is, as the rest of a sentence: `is "12 xx"`, `is a list`, `has no value`. */
function shownValue(value: unknown): string {
  if (value === null || value === undefined) return 'has no value';
  if (Array.isArray(value)) return value.length === 0 ? 'is an empty list' : 'is a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'is an empty map' : 'is a map';
  if (typeof value !== 'string') return `is ${value}`;
  const line = value.split('\n', 1)[0]!;
  return line.length < value.length || line.length > MAXIMUM_SHOWN
    ? `is "${line.slice(0, MAXIMUM_SHOWN)}…"`
    : `is "${value}"`;
}

/** For schemas that were written without words of their own, by the type of the issue. */
const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
};

/** What an issue's schema wanted at `place`. */
export function expectedWords(issue: v.BaseIssue<unknown>, place: SchemaPlace | undefined): string {
  // Every message of the library's own begins like this; ours say what was expected.
  if (!issue.message.startsWith('Invalid ')) return issue.message;
  switch (issue.type) {
    case 'strict_object':
    case 'record':
      return mapWords(place);
    case 'picklist':
      return `one of ${place?.options?.join(', ')}`;
    case 'min_value':
      return `at least ${issue.requirement}`;
    case 'max_value':
      return `at most ${issue.requirement}`;
    default:
      return TYPE_WORDS[issue.type] ?? issue.expected ?? 'another value';
  }
}

/** `a map with "name", "size"`: the keys that it must have. */
export function mapWords(place: SchemaPlace | undefined): string {
  const keys = place?.required.map((key) => `"${key}"`) ?? [];
  return keys.length === 0 ? 'a map' : `a map with ${keys.join(', ')}`;
}
