import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CostTable, type CostTableFile } from '../../src/costs/cost-table.js';
import { PathWords } from '../../src/costs/paths.js';
import { findHeap } from '../../src/heaps/catalog.js';
import { HeapCall } from '../../src/heaps/heap.js';

type Kind = 'malloc' | 'free';

const price = (instructions: number) => ({ instructions, est_cycles_P2: [2 * instructions] });

function tableOf(heap: string, paths: CostTableFile['paths']): CostTable {
  const steps = { per_search_step: 1, per_insert_step: 1 };
  const build = { variant: 'plain', core: 'cortex-m3', compiler: 'gcc' } as const;
  return new CostTable({ heap, ...build, instructions: steps, est_cycles_P2: steps, paths }, findHeap(heap)!);
}

/** Prices the path with this name. */
function priced(table: CostTable, heap: string, name: string, searchSteps = 0) {
  const kind = name.split(' ')[0] as Kind;
  const call = new HeapCall();
  call.path = new PathWords(findHeap(heap)!, kind).parse(name.slice(kind.length + 1));
  call.searchSteps = searchSteps;
  table.price(kind, call);
  const { instructions, cycles, measured } = table;
  return { instructions, cycles, measured };
}

describe('a path that nobody measured', () => {
  const paths = {
    'malloc walk nonzero': price(40),
    'malloc nonzero': price(30),
    free: price(20),
    'free NULL': price(4),
  };

  it('is priced by the nearest one, steps on top, and marked', () => {
    const table = tableOf('heap_2', paths);
    expect(priced(table, 'heap_2', 'malloc walk found nonzero', 3)).toEqual({
      instructions: 43,
      cycles: 83,
      measured: false,
    });
    // The second time from memory.
    expect(priced(table, 'heap_2', 'malloc walk found nonzero').instructions).toBe(40);
  });

  it('leaves measured ones unmarked', () => {
    const table = tableOf('heap_2', paths);
    priced(table, 'heap_2', 'malloc found nonzero');
    expect(priced(table, 'heap_2', 'free NULL')).toEqual({ instructions: 4, cycles: 8, measured: true });
    expect(priced(table, 'heap_2', 'malloc nonzero')).toEqual({
      instructions: 30,
      cycles: 60,
      measured: true,
    });
  });

  it('takes what the differing words cost elsewhere, if that was measured', () => {
    const table = tableOf('heap_2', { ...paths, 'malloc align walk nonzero': price(47) });
    expect(priced(table, 'heap_2', 'malloc align nonzero')).toEqual({
      instructions: 37,
      cycles: 74,
      measured: false,
    });
  });

  it('takes what they cost in a fit over all paths, if no two paths differ in just them', () => {
    const table = tableOf('heap_2', {
      malloc: price(20),
      'malloc align nonzero': price(33),
      'malloc walk nonzero': price(40),
      'malloc align walk': price(33),
      'malloc align walk found split nonzero': price(93),
      free: price(9),
    });
    // 20, align 3, walk 10, nonzero 10, found and split 25 each: never one without the other.
    expect(priced(table, 'heap_2', 'malloc found split').instructions).toBe(70);
    expect(priced(table, 'heap_2', 'malloc found').instructions).toBe(45);
  });

  it('counts how often a word happened, not only whether', () => {
    const table = tableOf('tlsf', {
      'free map_small ins': price(90),
      'free map_small=3 rm=2 ins': price(200),
      'free merge_next map_small ins': price(101),
      'free merge_next map_small=2 rm ins': price(155),
    });
    expect(priced(table, 'tlsf', 'free map_small=3 rm=2 ins').measured).toBe(true);
    // Without the merging, which is 11 elsewhere.
    expect(priced(table, 'tlsf', 'free map_small=2 rm ins').instructions).toBe(144);
  });

  it('has to have words that the heap knows, as often as it can count', () => {
    expect(() => tableOf('tlsf', { 'free maps_small': price(1) })).toThrow('has maps_small');
    expect(() => tableOf('tlsf', { 'free ins=2': price(1) })).toThrow('has ins=2');
  });
});

/** Every path of the tables left out in turn. */
describe('against measured prices', () => {
  it.each(['tlsf', 'o1heap'])('%s: exact but for the path without a word', (heap) => {
    for (const build of ['Os', 'O2']) {
      const url = new URL(`../../costs/${heap}-cortex-m3-gcc12-${build}.json`, import.meta.url);
      const file = JSON.parse(readFileSync(url, 'utf8')) as CostTableFile;
      const wrong = Object.keys(file.paths).filter((name) => {
        if (name === 'free NULL') return false;
        const { [name]: left, ...paths } = file.paths;
        const { instructions, measured } = priced(
          new CostTable({ ...file, paths }, findHeap(heap)!),
          heap,
          name,
        );
        expect(measured).toBe(false);
        expect(Math.abs(instructions - left!.instructions)).toBeLessThanOrEqual(10);
        return instructions !== left!.instructions;
      });
      expect(wrong).toEqual(['malloc']);
    }
  });
});
