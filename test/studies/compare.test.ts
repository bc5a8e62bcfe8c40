import { Chalk } from 'chalk';
import { describe, expect, it } from 'vitest';
import { catalog, findHeap } from '../../src/heaps/catalog.js';
import { compareMarkdown, compareReport } from '../../src/report/compare-report.js';
import { parseScenario } from '../../src/scenario/load.js';
import { type Comparison, compareScenario, compareTrace } from '../../src/studies/compare.js';
import { candidateFor, TraceWorkload } from '../../src/studies/workload.js';
import { loadTarget } from '../../src/targets/load.js';
import { withOverrides } from '../../src/targets/overrides.js';
import { parseTrace } from '../../src/traces/read.js';
import { replayOptions } from '../../src/traces/replay-machine.js';

const paint = { width: 200, color: new Chalk({ level: 0 }) };
const heapNames = catalog.map(({ name }) => name);
const quick = { costChoice: 'auto', scan: undefined } as const;

/** Small blocks, all freed, then a large one: what heap_2 cannot serve. */
const CUT = [
  ...Array.from({ length: 12 }, (_, id) => `a ${id} 24`),
  ...Array.from({ length: 12 }, (_, id) => `f ${id}`),
  'a 20 300',
].join('\n');

function compared(text: string, names: readonly string[], heapBytes: number, scan?: number): Comparison {
  const target = withOverrides(loadTarget('stm32f103c8'), { heapBytes });
  const candidates = names.map((name) => candidateFor(findHeap(name)!, replayOptions(findHeap(name)!)));
  const workload = new TraceWorkload(parseTrace(text, 'cut.trace'), target.alignment);
  return compareTrace(workload, target, candidates, { ...quick, scan });
}

describe('heaps compared on a trace', () => {
  it('come ranked: without failures first, then by the RAM they take', () => {
    const { contenders, kind, heapBytes } = compared(CUT, ['heap_2', 'heap_2_coalescing', 'heap_4'], 512, 0);
    expect({ kind, heapBytes }).toEqual({ kind: 'trace', heapBytes: 512 });
    expect(contenders.map(({ heap, outOfMemoryCount }) => [heap, outOfMemoryCount])).toEqual([
      ['heap_4', 0],
      ['heap_2_coalescing', 0],
      ['heap_2', 1],
    ]);
    expect(contenders[2]!.firstOutOfMemory).toBe(24);
    // Twelve blocks of 32 bytes and the end marker.
    expect(contenders[0]!.smallestArenaBytes).toBe(12 * 32 + 8);
  });

  it('may have caches, and arrays of their objects', () => {
    const arrays = `K 0 20\nS 0 0 5\nS 1 0 1\nT 0\nS 2 0 2\nT 1\nT 2`;
    const { contenders } = compared(arrays, ['mempool', 'slab', 'heap_4'], 4096, 0);
    for (const { outOfMemoryCount, fault } of contenders) {
      expect({ outOfMemoryCount, fault }).toEqual({ outOfMemoryCount: 0, fault: undefined });
    }
  });

  it('have the bounds that are proved for their blocks', () => {
    const [heap4, heap2] = compared(CUT, ['heap_2', 'heap_4'], 512).contenders;
    expect(heap4!.provableBytes).toBeGreaterThan(heap4!.lowerBoundBytes!);
    expect(heap2).not.toHaveProperty('provableBytes');
    expect(heap2!.lowerBoundBytes).toBeGreaterThanOrEqual(12 * 32);
  });

  it('say why the winner won, and mark the best figures', () => {
    const text = compareReport([compared(CUT, ['heap_2', 'heap_4', 'heap_2_coalescing'], 512)], paint);
    expect(text).toMatch(
      /heap_4 wins: no request failed with 2 heaps; of these it takes the least RAM, 4\d\d B/,
    );
    expect(text).toMatch(/heap_4 +0\*/);
    // Cheap, but it failed.
    expect(text).not.toMatch(/heap_2 [^\n]*\*/);
    expect(text).toContain('op 24');
  });

  it('mark times that are estimated, and say what they rest on', () => {
    const resized = ['a 0 24', 'r 0 48', 'f 0'].join('\n');
    const comparison = compared(resized, ['heap_4', 'heap_2_coalescing', 'tlsf'], 4096);
    const costs = Object.fromEntries(comparison.contenders.map(({ heap, cost }) => [heap, cost]));
    expect(costs.heap_4).toMatchObject({ estimated: false, byNearestPath: 0 });
    expect(costs.tlsf).toMatchObject({ estimated: false, byNearestPath: 1 });
    expect(costs.heap_2_coalescing).toMatchObject({ estimated: true });
    const text = compareReport([comparison], paint);
    expect(text).toMatch(/heap_2_coalescing [^\n]* ~[\d,]+\*? +~[\d,]+ /);
    expect(text).not.toMatch(/heap_4 [^\n]*~/);
    const inOneLine = text.replaceAll(/\s+/g, ' ');
    expect(inOneLine).toContain('~ estimated from memory accesses');
    expect(inOneLine).toContain('tlsf: 1 call priced by the nearest measured path.');
  });

  it('price both calls of a realloc that moves the block', () => {
    const moved = 'a 0 24\na 1 24\nr 0 48\nf 0\nf 1';
    const [heap4] = compared(moved, ['heap_4'], 512).contenders;
    // Paths of malloc and free only: no path of free was looked up as one of malloc.
    expect(heap4!.cost).toMatchObject({ byNearestPath: 0 });
    // The last malloc splits, past the hole that the first block's free has not left yet.
    expect(heap4!.worstCycles).toBe(213);
  });

  it('name the only one that served everything', () => {
    const text = compareReport([compared(CUT, ['heap_2', 'heap_4'], 512)], paint);
    expect(text).toContain(
      'heap_4 wins: with it alone no request failed; with heap_2, the next best, 1 did.',
    );
  });

  it('have their bounds beside what was measured, each with its own blocks', () => {
    const comparison = compared(CUT, ['heap_2', 'heap_4', 'buddy'], 1024);
    const text = compareReport([comparison], paint);
    expect(text).toMatch(/lower bound +provable/);
    expect(text).toMatch(/heap_2 [^\n]* B\*? +no proof/);
    for (const { heap, provableBytes, boundFormula, load, lowerBoundBytes } of comparison.contenders) {
      expect(boundFormula !== undefined).toBe(provableBytes !== undefined);
      expect(provableBytes === undefined).toBe(heap === 'heap_2');
      expect(load!.peakBytes).toBeLessThanOrEqual(lowerBoundBytes!);
    }
    expect(comparison.contenders.find(({ heap }) => heap === 'buddy')!.load).toEqual({
      peakBytes: 512,
      largestBytes: 512,
      smallestBytes: 16,
      unitBytes: 16,
    });
  });

  it('are best where the first failure comes last, if requests fail with all', () => {
    const text = compareReport([compared(`${CUT}\na 21 9000`, ['heap_4', 'tlsf'], 4096)], paint);
    expect(text).toMatch(/heap_4 [^\n]* op 25\*/);
    expect(text).toContain('1 request failed with 2 heaps;');
  });

  it('come last where no arena at all would do, and say which line asks for too much', () => {
    const load = `${CUT}\na 21 4000000000`;
    const { contenders, ...comparison } = compared(load, ['heap_4', 'tlsf'], 4096, 0);
    const place = { kind: 'trace', operation: 25, file: 'cut.trace', line: 26 };
    for (const { obstacle } of contenders) expect(obstacle).toMatchObject({ kind: 'request', place });
    const text = compareReport([{ ...comparison, contenders }], paint).replaceAll(/\s+/g, ' ');
    expect(text).toMatch(
      /heap_4, tlsf: even in an arena of .* the request of 4,000,000,000 B at operation 25/,
    );
  });

  it('say once what is true of several', () => {
    const text = compareReport([compared(CUT, ['heap_2', 'heap_4', 'first_fit'], 4)], paint);
    expect(text.replaceAll(/\s+/g, ' ')).toMatch(/heap_2, heap_4(, first_fit)?: /);
  });

  it('take part with a note where the chip has no room', () => {
    const comparison = compared(CUT, ['tlsf', 'heap_4'], 512);
    expect(comparison.contenders.map(({ heap }) => heap)).toEqual(['heap_4', 'tlsf']);
    expect(comparison.contenders[1]!.note).toBeDefined();
    expect(compareReport([comparison], paint)).toMatch(/tlsf +–/);
  });

  it('make a Markdown table with the best in bold', () => {
    const lines = compareMarkdown([compared(CUT, ['heap_2', 'heap_4'], 512)]).split('\n');
    expect(lines[0]).toBe('## cut on STM32F103C8 at 72 MHz, 512 B for the heap');
    expect(lines.find((line) => line.startsWith('| heap_4'))).toMatch(/^\| heap_4 \| \*\*0\*\* \|/);
    const columns = lines.filter((line) => line.startsWith('|')).map((line) => line.split('|').length);
    expect(new Set(columns).size).toBe(1);
  });
});

describe('heaps compared on a scenario', () => {
  const text = `name: two
target: stm32f103c8
heap: heap_4
duration: 1 s
tasks:
  a:
    priority: 1
    stack: 256 B
    period: 100 ms
    script: [{ alloc: { name: x, size: 1 KiB } }, { compute: 1 ms }, { free: x }]
`;
  const scenario = parseScenario(text, 'two.yaml', { heapNames });
  const target = loadTarget('stm32f103c8');

  it('have suspensions and deadlines', () => {
    const candidates = ['heap_4', 'heap_1'].map((name) => candidateFor(findHeap(name)!));
    const { contenders } = compareScenario(scenario, target, 1, candidates, { ...quick, scan: 0 });
    expect(contenders.map(({ heap }) => heap)).toEqual(['heap_4', 'heap_1']);
    expect(contenders[0]).toMatchObject({ outOfMemoryCount: 0, missedDeadlines: 0 });
    expect(contenders[0]!.longestSuspensionCycles).toBeGreaterThan(0);
    expect(contenders[0]!.smallestArenaBytes).toBeLessThan(5000);
    // Its first free ends the run.
    expect(contenders[1]!.note).toMatch(/configASSERT/);
  });

  it('come out the same each time', () => {
    const candidates = catalog.map((heap) => candidateFor(heap));
    const [first, second] = [1, 2].map(() => compareScenario(scenario, target, 1, candidates, quick));
    expect(second).toEqual(first);
  });
});
