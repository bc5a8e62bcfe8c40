/** Finds the part of a schema that is about one place in a value: the library's issues do not say it. */

import * as v from 'valibot';
import { isMap } from './schema-parts.js';
import type { Path } from './yaml-file.js';

/** What a schema says about one place in a value. */
export interface SchemaPlace {
  /** Whether only a map may stand there. */
  readonly isMap: boolean;
  readonly entries?: Readonly<Record<string, unknown>>;
  /** Those of the entries that must be there. */
  readonly required: readonly string[];
  /** The values of a picklist. */
  readonly options?: readonly (string | number)[];
  /** What the schema's message says is expected. */
  readonly expected: string | undefined;
  readonly title: string | undefined;
  readonly description: string | undefined;
}

/** The parts of the library's schemas that lead further in. */
interface SchemaParts {
  readonly type: string;
  readonly entries?: Readonly<Record<string, SchemaParts>>;
  readonly item?: SchemaParts;
  readonly value?: SchemaParts;
  readonly wrapped?: SchemaParts;
  readonly getter?: (value: unknown) => SchemaParts;
  readonly options?: readonly (string | number)[];
  readonly message?: string | (() => string);
}

/** What `schema` says about the place at `path` in `value`, which decides between alternatives. */
export function schemaAt(schema: v.GenericSchema, path: Path, value: unknown): SchemaPlace | undefined {
  let place: SchemaParts | undefined = schema as unknown as SchemaParts;
  let description: string | undefined;
  let found = value;
  for (const step of [undefined, ...path]) {
    if (step !== undefined) {
      place = typeof step === 'number' ? place?.item : (place?.entries?.[step] ?? place?.value);
      found =
        isMap(found) || Array.isArray(found) ? (found as Record<string | number, unknown>)[step] : undefined;
    }
    if (place === undefined) return undefined;
    description = descriptionOf(place);
    place = innermost(place, found);
  }
  if (place === undefined) return undefined;
  const { entries, options, message } = place;
  return {
    isMap: place.type === 'strict_object' || place.type === 'record',
    entries,
    required: Object.keys(entries ?? {}).filter((key) => entries?.[key]?.wrapped === undefined),
    options,
    expected: typeof message === 'function' ? message() : message,
    title: v.getTitle(place as unknown as v.GenericSchema),
    description,
  };
}

function innermost(schema: SchemaParts, value: unknown): SchemaParts {
  let inner = schema;
  for (;;) {
    const next: SchemaParts | undefined = inner.wrapped ?? inner.getter?.(value);
    if (next === undefined) return inner;
    inner = next;
  }
}

function descriptionOf(schema: SchemaParts): string | undefined {
  return v.getDescription((schema.wrapped ?? schema) as unknown as v.GenericSchema);
}
