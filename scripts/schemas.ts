/**
 * Writes schemas/*.json, by which editors complete and check scenarios and target profiles, from the schemas
 * that the loaders use. `--check` writes nothing and exits with 1 if the files are not up to date.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import {
  hertz,
  positiveSize,
  positiveTime,
  share,
  size,
  sizeOrShare,
  sizeOrTime,
  time,
} from '../src/input/files.js';
import { counts, sizes, times } from '../src/scenario/schema/distributions.js';
import { compaction } from '../src/scenario/schema/heap-steps.js';
import { blocks, timeout } from '../src/scenario/schema/names.js';
import { heap, limit, runLength, scenarioSchema } from '../src/scenario/schema/scenario.js';
import {
  anyStep,
  fullnessPolicy,
  oomPolicy,
  repetitions,
  steps,
  word,
} from '../src/scenario/schema/steps.js';
import { logText, messageValue } from '../src/scenario/schema/task-steps.js';
import { targetSchema } from '../src/targets/schema.js';
import { givenArguments, runTool } from './tool.js';

type Lazy = v.LazySchema<v.GenericSchema>;

/** The schemas that others refer to, by the names they have in the file. */
const scenarioNames: Record<string, Lazy> = {
  step: anyStep,
  steps,
  word,
  'on-oom': oomPolicy,
  'on-fullness': fullnessPolicy,
  repetitions,
  blocks,
  compaction,
  'message-value': messageValue,
  'log-text': logText,
  timeout,
  heap,
  'run-length': runLength,
  limit,
  size,
  'positive-size': positiveSize,
  'size-or-distribution': sizes,
  time,
  'positive-time': positiveTime,
  'time-or-distribution': times,
  'count-or-distribution': counts,
  share,
  'size-or-share': sizeOrShare,
  'size-or-time': sizeOrTime,
};

const targetNames: Record<string, Lazy> = { size, 'positive-size': positiveSize, frequency: hertz };

/** The text of each file, by its name in schemas/. */
export function schemaFiles(): Record<string, string> {
  const target = targetSchema.getter(undefined);
  return {
    'scenario.schema.json': fileText('A heaplab scenario', scenarioSchema, scenarioNames),
    'target.schema.json': fileText('A target profile of heaplab', target, targetNames),
  };
}

function fileText(title: string, schema: v.GenericSchema, names: Record<string, Lazy>): string {
  // Asked with undefined, a schema that chooses by the value gives all it chooses from.
  const definitions = Object.fromEntries(
    Object.entries(names).map(([name, lazy]) => [name, lazy.getter(undefined)]),
  );
  const { $schema, $defs, ...rest } = toJsonSchema(schema, {
    typeMode: 'input',
    target: 'draft-07',
    definitions,
    // What JSON Schema cannot say: checks between keys, and that numbers are finite, which in JSON they are.
    ignoreActions: ['partial_check', 'check', 'finite'],
  });
  return `${JSON.stringify({ $schema, title, ...rest, $defs }, null, 2)}\n`;
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(`../schemas/${file}`, import.meta.url));
}

function main(): void {
  const check = givenArguments({ check: 'on' }).flags.has('check');
  for (const [file, text] of Object.entries(schemaFiles())) {
    const path = pathOf(file);
    if (!check) {
      writeFileSync(path, text);
    } else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
      console.error(`schemas/${file} is not up to date: run npm run schemas`);
      process.exitCode = 1;
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runTool(main);
