/**
 * Building blocks for the schemas of our files. A schema's or check's message says what is expected, in words
 * ("a size such as 24 B"), and problems quote it; a description says what the value is for, and goes into the
 * JSON Schemas.
 */

import * as v from 'valibot';
import { stringify } from 'yaml';

/** `schema` with help for whoever writes the value. */
export function described<const Schema extends v.GenericSchema>(description: string, schema: Schema) {
  return v.pipe(schema, v.description(description));
}

/** A whole number from `minimum` to `maximum`. */
export function integer(minimum: number, maximum: number, expected: string) {
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(minimum, expected),
    v.maxValue(maximum, expected),
  );
}

/** What the JSON Schema says about values that a {@link reading} understands. */
export interface JsonKeywords {
  readonly type: string | readonly string[];
  readonly [keyword: string]: unknown;
}

/** A single value that `read` turns into data; undefined means that it cannot. */
export function reading<Output>(
  expected: string,
  json: JsonKeywords,
  read: (value: unknown) => Output | undefined,
): v.GenericSchema<unknown, Output> {
  return v.pipe(
    v.unknown(),
    v.metadata({ ...json }),
    v.rawTransform<unknown, Output>(({ dataset, addIssue, NEVER }) => {
      const output = read(dataset.value);
      if (output !== undefined) return output;
      addIssue({ message: expected });
      return NEVER;
    }),
  );
}

/**
 * A schema that is used in many places under one name. In the JSON Schemas those places refer to it, each with
 * its own description.
 */
export function named<Output>(
  schema: v.GenericSchema<unknown, Output>,
): v.LazySchema<v.GenericSchema<unknown, Output>> {
  return v.lazy(() => schema);
}

/**
 * One of several schemas, chosen by looking at the value, so that whatever is wrong is said about the one
 * that was meant. A union would only say that none of them fits.
 */
export function choice<const Schema extends v.GenericSchema>(
  alternatives: readonly Schema[],
  choose: (value: unknown) => v.GenericSchema,
): v.LazySchema<v.GenericSchema<unknown, v.InferOutput<Schema>>> {
  const all = v.union([...alternatives]);
  // Whoever makes a JSON Schema of this asks with undefined, and gets all of them.
  return v.lazy((value) => (value === undefined ? all : choose(value)) as v.GenericSchema<unknown, never>);
}

/** A short form, and a map for those who need more: `free: frame`, `free: { name: frame, which: oldest }`. */
export function scalarOrMap<const Scalar extends v.GenericSchema, const Map extends v.GenericSchema>(
  scalar: Scalar,
  map: Map,
) {
  return choice<Scalar | Map>([scalar, map], (value) => (isMap(value) ? map : scalar));
}

/**
 * Maps told apart by a key of theirs, as in `{ uniform: … }`, and a `scalar` for everything else.
 * `noun` is what those keys are called in problems. `strange` may say something better than that none of a
 * map's keys is known.
 */
export function keyedMaps<
  const Scalar extends v.GenericSchema,
  const Maps extends Readonly<Record<string, v.GenericSchema>>,
>(
  noun: string,
  scalar: Scalar,
  maps: Maps,
  strange: (keys: readonly string[]) => v.GenericSchema | undefined = () => undefined,
) {
  const known = Object.keys(maps);
  const unknown = v.pipe(
    v.strictObject(
      v.entriesFromList(known, v.optional(v.unknown())),
      `a ${noun}: one of ${known.join(', ')}`,
    ),
    v.check((map) => Object.keys(map).length > 0, `a ${noun}: one of ${known.join(', ')}`),
    v.title(noun),
  );
  return choice<Scalar | Maps[keyof Maps]>(
    [scalar, ...(Object.values(maps) as Maps[keyof Maps][])],
    (value) => {
      // The bare key as text: its own schema says best what is missing.
      if (typeof value === 'string') return Object.hasOwn(maps, value) ? maps[value]! : scalar;
      if (!isMap(value)) return scalar;
      const key = Object.keys(value).find((candidate) => Object.hasOwn(maps, candidate));
      return key === undefined ? (strange(Object.keys(value)) ?? unknown) : maps[key]!;
    },
  );
}

/**
 * What must hold between keys of a map, and the problem where it does not, told at the last of them. Checked
 * only where those keys themselves are right.
 */
export function agree<Map>(
  keys: readonly (keyof Map & string)[],
  holds: (map: Map) => boolean,
  problem: string,
): v.GenericValidation<Map> {
  const check = v.partialCheck(keys.map((key) => [key]) as never, holds as never, problem);
  return v.forward(check, [keys.at(-1)] as never) as unknown as v.GenericValidation<Map>;
}

/** An example as one would write it into the file: `a map such as { free: frame }`. */
export function suchAs(example: object): () => string {
  return () => `a map such as ${stringify(example, { collectionStyle: 'flow', lineWidth: 0 }).trim()}`;
}

/** A plain map, as YAML's maps become. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
