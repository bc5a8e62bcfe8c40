import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  agree,
  described,
  integer,
  keyedMaps,
  named,
  reading,
  scalarOrMap,
  suchAs,
  validate,
  YamlFile,
} from '../../src/input/files.js';
import { brief } from './problems.js';

const even = named(
  reading('an even number', { type: 'number' }, (value) =>
    typeof value === 'number' && value % 2 === 0 ? value : undefined,
  ),
);

const shape = keyedMaps(
  'shape',
  v.pipe(
    v.literal('dot', 'dot, or a map'),
    v.transform(() => 0),
  ),
  {
    circle: v.strictObject({ circle: v.strictObject({ radius: even }) }, suchAs({ circle: { radius: 2 } })),
    square: v.strictObject({ square: even }),
  },
);

const schema = v.strictObject(
  {
    name: described('What it is called', v.string('text')),
    count: v.optional(integer(1, 9, 'a digit from 1 to 9'), 3),
    kind: v.optional(v.picklist(['large', 'small'])),
    shapes: v.optional(v.array(shape, 'a list of shapes')),
    range: v.optional(
      v.pipe(
        v.strictObject({ from: even, to: even, note: v.optional(v.string('text')) }),
        agree(['from', 'to'], ({ from, to }) => from <= to, '"from" is above "to"'),
      ),
    ),
    block: v.optional(scalarOrMap(v.string('a name'), v.strictObject({ name: v.string('a name') }))),
    people: v.optional(
      v.record(v.pipe(v.string(), v.regex(/^[a-z]+$/, 'a small word')), v.boolean(), 'a map'),
    ),
  },
  'a thing: a map with "name"',
);

const check = (text: string) => validate(new YamlFile('file.yaml', text), schema);

it('returns what the schema makes of the value', () => {
  const { output, problems } = check('name: x\nshapes: [dot, { circle: { radius: 4 } }]\nblock: b\n');
  expect(problems).toEqual([]);
  expect(output).toEqual({ name: 'x', count: 3, shapes: [0, { circle: { radius: 4 } }], block: 'b' });
});

describe('problems', () => {
  it.each<[text: string, problems: string[]]>([
    // Keys.
    ['count: 1', ['missing-key 1:1']],
    ['name: x\ncuont: 1', ['unknown-key 2:1 count']],
    [
      'name: x\ncuont: 1\nnmae: y\nq: 1',
      ['unknown-key 2:1 count', 'unknown-key 3:1 name', 'unknown-key 4:1'],
    ],
    ['name: x\nrange:\n  from: 2\n', ['missing-key 3:3']],
    // Types and values.
    ['', ['wrong-type 1:1']],
    ['- name', ['wrong-type 1:1']],
    ['name: 1', ['wrong-type 1:7']],
    ['name:', ['wrong-type 1:6']],
    ['name: x\ncount: 0', ['wrong-value 2:8']],
    ['name: x\ncount: 1.5', ['wrong-value 2:8']],
    ['name: x\ncount: one', ['wrong-type 2:8']],
    ['name: x\nkind: lagre', ['wrong-value 2:7 large']],
    ['name: x\nkind: 3', ['wrong-type 2:7']],
    ['name: x\nrange: []', ['wrong-type 2:8']],
    ['name: x\nrange: [1]', ['wrong-type 2:8']],
    ['name: x\nrange: { from: 1, to: [] }', ['wrong-value 2:16', 'wrong-type 2:23']],
    ['name: x\nblock: []', ['wrong-type 2:8']],
    ['name: x\nblock: {}', ['missing-key 2:8']],
    ['name: x\npeople: { Bob: true, bob: 1 }', ['wrong-value 2:11', 'wrong-type 2:27']],
    ['name: x\npeople: [true]', ['wrong-type 2:9']],
    ['name: x\npeople: []', ['wrong-type 2:9']],
    ['name: x\npeople: [{ people: [] }]', ['wrong-type 2:9']],
    // What does not go together.
    ['name: x\nrange: { from: 4, to: 2 }', ['contradiction 2:23']],
    ['name: x\nrange: { from: 4, to: 2, note: 1 }', ['contradiction 2:23', 'wrong-type 2:32']],
    ['name: x\nrange: { from: 4, to: 3 }', ['wrong-value 2:23']],
    // Alternatives: never that none of them fits.
    ['name: x\nshapes: [line]', ['wrong-type 2:10']],
    ['name: x\nshapes: [circle]', ['wrong-type 2:10']],
    ['name: x\nshapes: [{ cicle: 1 }]', ['unknown-name 2:12 circle']],
    ['name: x\nshapes: [{}]', ['wrong-value 2:10']],
    ['name: x\nshapes: [{ circle: { radius: 3 } }]', ['wrong-value 2:30']],
    ['name: x\nshapes: [{ circle: { raduis: 2 } }]', ['missing-key 2:20', 'unknown-key 2:22 radius']],
    ['name: x\nshapes: [{ circle: { radius: 2 }, square: 2 }]', ['unknown-key 2:35']],
    ['name: x\nshapes: { circle: 1 }', ['wrong-type 2:9']],
  ])('of %j', (text, problems) => {
    expect(check(text).problems.map(brief)).toEqual(problems);
    expect(check(text).output).toBeUndefined();
  });

  it.each<[text: string, message: string, expected: string | undefined]>([
    ['', 'the file is empty', 'a thing: a map with "name"'],
    ['count: 1', 'missing key "name"', '"name": what it is called'],
    ['name: 1', '"name" is 1', 'text'],
    ['name:', '"name" has no value', 'text'],
    ['name: x\ncount: 0', '"count" is 0', 'a digit from 1 to 9'],
    ['name: x\nkind: medium', '"kind" is "medium"', 'one of large, small'],
    ['name: x\nshapes: [dot, 2]', 'item 2 of "shapes" is 2', 'dot, or a map'],
    [
      'name: x\nshapes: [circle]',
      'item 1 of "shapes" is "circle"',
      'a map such as { circle: { radius: 2 } }',
    ],
    ['name: x\nshapes: [square]', 'item 1 of "shapes" is "square"', 'a map with "square"'],
    ['name: x\nshapes: [{ circle: 2 }]', '"circle" is 2', 'a map with "radius"'],
    ['name: x\nshapes: [{ ring: 2 }]', 'unknown shape "ring"', 'one of circle, square'],
    ['name: x\nrange: { from: 4, to: 2 }', '"from" is above "to"', undefined],
    [`name: x\nkind: ${'y'.repeat(60)}`, `"kind" is "${'y'.repeat(40)}…"`, 'one of large, small'],
  ])('says of %j what is wrong and what is expected', (text, message, expected) => {
    const { problems } = check(text);
    expect(problems.map((problem) => [problem.message, problem.expected])).toEqual([[message, expected]]);
  });

  it('are found in a part of a file', () => {
    const file = new YamlFile('file.yaml', 'deep:\n  - {}\n  - thing: { nmae: x }\n');
    const { problems } = validate(file, schema, ['deep', 1, 'thing']);
    expect(problems.map(brief)).toEqual(['missing-key 3:12', 'unknown-key 3:14 name']);
  });
});
