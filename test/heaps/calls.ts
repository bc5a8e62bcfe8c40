/** Calls to try a heap with: mostly small blocks, some large ones, and the sizes at which arithmetic overflows. */

import * as fc from 'fast-check';
import type { HeapDefinition } from '../../src/heaps/definition.js';

/** `pick` chooses among the live blocks. */
export type Call =
  | readonly [kind: 'malloc', bytes: number]
  | readonly [kind: 'calloc', count: number, bytes: number]
  | readonly [kind: 'realloc', pick: number, bytes: number]
  | readonly [kind: 'free', pick: number]
  | readonly [kind: 'lock', pick: number]
  | readonly [kind: 'unlock', pick: number]
  | readonly [kind: 'compact', budgetBytes: number];

const anySize = fc.oneof(
  { weight: 6, arbitrary: fc.nat(64) },
  { weight: 3, arbitrary: fc.nat(600) },
  { weight: 1, arbitrary: fc.nat(9000) },
  { weight: 1, arbitrary: fc.constantFrom(0, 2 ** 31 - 9, 2 ** 31 - 8, 2 ** 31, 2 ** 32 - 16, 2 ** 32 - 1) },
);
const pick = fc.nat(1000);
const memoryCalls = [
  { weight: 5, arbitrary: fc.tuple(fc.constant('malloc' as const), anySize) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('free' as const), pick) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('realloc' as const), pick, anySize) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('calloc' as const), fc.nat(5), anySize) },
];
/** What only matters where blocks move. A budget of 0 stands for none. */
const handleCalls = [
  { weight: 2, arbitrary: fc.tuple(fc.constant('lock' as const), pick) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('unlock' as const), pick) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('compact' as const), fc.constantFrom(0, 0, 1, 40, 300)) },
];

export function anyCalls(definition: HeapDefinition): fc.Arbitrary<Call[]> {
  const kinds = definition.createHandles === undefined ? memoryCalls : [...memoryCalls, ...handleCalls];
  const anyCall: fc.Arbitrary<Call> = fc.oneof(...kinds);
  return fc.array(anyCall, { minLength: 1, maxLength: 100, size: 'max' });
}
