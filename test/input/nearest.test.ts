import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/input/index.js';

const TASK_KEYS = ['priority', 'stack', 'period', 'deadline', 'loop', 'autostart', 'script'];
const HEAPS = ['heap_2', 'heap_2_coalescing', 'heap_4'];

const PROOFS = ['tlsf-class-in-range', 'mimalloc-bin-tight', 'o1heap-bin'];

describe('the nearest word', () => {
  it.each<[word: string, candidates: readonly string[], found: string | undefined]>([
    // Only begun: whatever else is but few letters away.
    ['prio', TASK_KEYS, 'priority'],
    ['per', TASK_KEYS, 'period'],
    ['dead', TASK_KEYS, 'deadline'],
    ['auto', TASK_KEYS, 'autostart'],
    ['PRIO', TASK_KEYS, 'priority'],
    ['heap', HEAPS, 'heap_2'],
    ['heap_2_coal', HEAPS, 'heap_2_coalescing'],
    ['del', ['delay until', 'delay', 'delete task'], 'delay'],
    // One letter begins too many.
    ['p', TASK_KEYS, undefined],
    // Mistyped.
    ['pirority', TASK_KEYS, 'priority'],
    ['scirpt', TASK_KEYS, 'script'],
    ['heap_2_coalesing', HEAPS, 'heap_2_coalescing'],
    ['heap4', HEAPS, 'heap_4'],
    ['SRAM', ['sram'], 'sram'],
    ['sarm', ['SRAM'], 'SRAM'],
    // More than was wanted.
    ['stack size', TASK_KEYS, 'stack'],
    ['deadlineInMilliseconds', TASK_KEYS, 'deadline'],
    // A part of a longer name.
    ['bni', PROOFS, 'o1heap-bin'],
    ['bins', PROOFS, 'o1heap-bin'],
    ['coal', HEAPS, 'heap_2_coalescing'],
    ['tight', PROOFS, 'mimalloc-bin-tight'],
    ['2x', HEAPS, undefined],
    // Something else.
    ['colour', TASK_KEYS, undefined],
    ['', TASK_KEYS, undefined],
    ['stack', [], undefined],
  ])('to %j among %j is %j', (word, candidates, found) => {
    expect(nearest(word, candidates)).toBe(found);
  });
});
