/** What the schemas of steps are made of. */

import * as v from 'valibot';
import { described, integer, suchAs } from '../../input/files.js';
import { blocks, name } from './names.js';

export const blockName = described('The name under which the task holds the block', name);

/** A step that is a map with one key. The example shows it in problems, editors and the reference. */
export function step<const Name extends string, Argument extends v.GenericSchema>(
  key: Name,
  description: string,
  example: { readonly [key in Name]: unknown },
  argument: Argument,
) {
  const entries = { [key]: described(description, argument) } as {
    readonly [key in Name]: v.SchemaWithPipe<
      readonly [Argument, v.DescriptionAction<v.InferOutput<Argument>, string>]
    >;
  };
  return v.pipe(
    v.strictObject(entries, suchAs(example)),
    v.description(description),
    v.metadata({ examples: [example] }),
  );
}

/** A step that names a block, shortly or with a selection. */
export function blockStep<const Name extends string>(
  key: Name,
  description: string,
  example: { readonly [key in Name]: unknown },
) {
  return step(key, description, example, blocks);
}

const PRIORITY_WORDS = 'a whole number from 0 to 255';

export const priority = described(
  'The higher, the more urgent; 0 is that of the idle task',
  integer(0, 255, PRIORITY_WORDS),
);
