import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { schemaFiles } from '../../scripts/schemas.js';
import { scenarioSchema } from '../../src/scenario/schema/scenario.js';
import { anyStep, stepSchemas, stepWords } from '../../src/scenario/schema/steps.js';
import { targetNames } from '../../src/targets/index.js';
import { targetSchema } from '../../src/targets/schema.js';
import { SHOWCASE } from './texts.js';

/** A node of a JSON Schema, as far as these tests look. */
interface Json {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Json>>;
  readonly anyOf?: readonly Json[];
  readonly items?: Json;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Json;
  readonly propertyNames?: Json;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly not?: Json;
  readonly type?: string | readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly minProperties?: number;
  readonly default?: unknown;
  readonly $schema?: string;
  readonly title?: string;
}

const files = schemaFiles();
const scenario = JSON.parse(files['scenario.schema.json']!) as Json;
const target = JSON.parse(files['target.schema.json']!) as Json;

describe.each(Object.entries(files))('schemas/%s', (file, text) => {
  const json = JSON.parse(text) as Json;

  it('is up to date: run `npm run schemas` if not', () => {
    const path = fileURLToPath(new URL(`../../schemas/${file}`, import.meta.url));
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('refers only to definitions that it has, each by a name', () => {
    const references = [...text.matchAll(/"\$ref": "#\/\$defs\/([^"]*)"/g)].map((match) => match[1]!);
    const names = Object.keys(json.$defs ?? {});
    expect(new Set(references)).toEqual(new Set(names));
    for (const name of names) expect(name).toMatch(/^[a-z-]+$/);
  });

  it('describes every key', () => {
    const missing: string[] = [];
    const visit = (node: Json, path: string) => {
      for (const [key, value] of Object.entries(node.properties ?? {})) {
        if (value.description === undefined) missing.push(`${path}.${key}`);
        visit(value, `${path}.${key}`);
      }
      const inner = [...(node.anyOf ?? []), ...Object.values(node.$defs ?? {}), node.items];
      if (typeof node.additionalProperties === 'object') inner.push(node.additionalProperties);
      for (const value of inner) if (value !== undefined) visit(value, path);
    };
    visit(json, '');
    expect(missing).toEqual([]);
  });
});

describe('the scenario schema', () => {
  const steps = scenario.$defs?.step?.anyOf ?? [];

  it('has every step, with a description and an example that the loader takes', () => {
    const maps = steps.filter((step) => step.properties !== undefined);
    expect(maps.map((step) => Object.keys(step.properties!)[0])).toEqual(Object.keys(stepSchemas));
    for (const { description, examples } of maps) {
      expect(description).toBeTruthy();
      expect(examples?.length).toBeGreaterThan(0);
      for (const example of examples!) expect(v.safeParse(anyStep, example).issues).toBeUndefined();
    }
  });

  it('has every word that is a step', () => {
    const words = scenario.$defs?.word?.anyOf ?? [];
    expect(words.map((word) => word.const)).toEqual(Object.keys(stepWords));
    expect(words.every((word) => word.description !== undefined)).toBe(true);
  });

  it.each(['size-or-distribution', 'time-or-distribution', 'count-or-distribution'])(
    'has all of %s',
    (name) => {
      const maps = (scenario.$defs?.[name]?.anyOf ?? []).flatMap((node) =>
        Object.keys(node.properties ?? {}),
      );
      expect(maps).toEqual(['uniform', 'normal', 'log-normal', 'exponential', 'weighted', 'histogram']);
    },
  );
});

/** Enough of JSON Schema for ours: what `node` finds wrong with `value`. Refuses keywords it does not know. */
function faults(root: Json, node: Json, value: unknown, path = ''): string[] {
  const known = new Set(
    '$ref $defs anyOf items properties required additionalProperties propertyNames description examples const enum not type pattern minimum maximum exclusiveMinimum minItems minProperties default $schema title'.split(
      ' ',
    ),
  );
  for (const key of Object.keys(node)) if (!known.has(key)) throw new Error(`unknown keyword ${key}`);
  const found: string[] = [];
  const check = (holds: boolean, what: string) => holds || found.push(`${path}: ${what}`);
  if (node.$ref !== undefined) {
    const name = node.$ref.replace('#/$defs/', '');
    found.push(...faults(root, root.$defs![name]!, value, path));
  }
  if (node.anyOf !== undefined) {
    const all = node.anyOf.map((option) => faults(root, option, value, path));
    check(
      all.some((list) => list.length === 0),
      `fits none: ${all.flat().join('; ')}`,
    );
  }
  if (node.not !== undefined) check(faults(root, node.not, value).length > 0, 'not');
  if (node.const !== undefined) check(node.const === value, 'const');
  if (node.enum !== undefined) check(node.enum.includes(value), 'enum');
  if (node.type !== undefined)
    check(
      [node.type].flat().some((type) => isOfType(type, value)),
      'type',
    );
  if (typeof value === 'string') check(new RegExp(node.pattern ?? '', 'u').test(value), 'pattern');
  if (typeof value === 'number') {
    check(value >= (node.minimum ?? -Infinity) && value <= (node.maximum ?? Infinity), 'range');
    check(value > (node.exclusiveMinimum ?? -Infinity), 'exclusiveMinimum');
  }
  if (Array.isArray(value)) {
    check(value.length >= (node.minItems ?? 0), 'minItems');
    if (node.items !== undefined) {
      found.push(...value.flatMap((item, index) => faults(root, node.items!, item, `${path}/${index}`)));
    }
  } else if (typeof value === 'object' && value !== null) {
    found.push(...mapFaults(root, node, value as Record<string, unknown>, path));
  }
  return found;
}

function mapFaults(root: Json, node: Json, map: Record<string, unknown>, path: string): string[] {
  const missing = (node.required ?? []).filter((key) => !(key in map)).map((key) => `${path}: no ${key}`);
  const few = Object.keys(map).length < (node.minProperties ?? 0) ? [`${path}: minProperties`] : [];
  const inner = Object.entries(map).flatMap(([key, value]) => {
    const names =
      node.propertyNames === undefined ? [] : faults(root, node.propertyNames, key, `${path}/${key}`);
    const schema = node.properties?.[key] ?? node.additionalProperties ?? {};
    if (typeof schema === 'boolean') return schema ? names : [...names, `${path}: unknown ${key}`];
    return [...names, ...faults(root, schema, value, `${path}/${key}`)];
  });
  return [...missing, ...few, ...inner];
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

describe('what the loader takes, the JSON Schema takes', () => {
  it('a scenario', () => {
    expect(v.is(scenarioSchema, parse(SHOWCASE))).toBe(true);
    expect(faults(scenario, scenario, parse(SHOWCASE))).toEqual([]);
  });

  it.each(targetNames())('the target %s', (name) => {
    const path = fileURLToPath(new URL(`../../targets/${name}.yaml`, import.meta.url));
    const value = parse(readFileSync(path, 'utf8'));
    expect(v.is(targetSchema, value)).toBe(true);
    expect(faults(target, target, value)).toEqual([]);
  });

  it('a profile that extends another', () => {
    expect(faults(target, target, { extends: 'rp2040', kernel: { priorities: 4 } })).toEqual([]);
    expect(faults(target, target, { kernel: { priorities: 4 } })).not.toEqual([]);
  });

  const sized = (size: unknown) => [{ alloc: { name: 'a', size } }];
  it.each<[value: unknown, good: boolean]>([
    [sized('64 B'), true],
    [sized('2KiB'), true],
    [sized('1.5 KiB'), true],
    [sized(0), true],
    [sized({ uniform: { from: 1, to: '2 KiB' } }), true],
    [['yield', { delay: '3 ticks' }, { delay: 0 }, { delay: { exponential: { mean: '200 µs' } } }], true],
    [[{ 'if allocated': 'a', else: [{ repeat: { times: 'forever', steps: [] } }] }], true],
    [[{ free: { name: 'a', which: 'all' } }, { log: 3 }], true],
    [sized(-1), false],
    [sized('64 X'), false],
    [sized({ unifrm: { from: 1, to: 2 } }), false],
    [['yeild'], false],
    [[{ delay: 5 }], false],
    [[{ aloc: { name: 'a', size: 1 } }], false],
    [[{ free: { name: '2b' } }], false],
  ])('steps %j: %s', (value, good) => {
    const steps = scenario.$defs!.steps!;
    expect(faults(scenario, steps, value).length === 0).toBe(good);
    expect(v.is(v.array(anyStep), value)).toBe(good);
  });
});
