/** Scenarios in which a block is overrun, and what comes of them on heaps of the catalog. */

import { expect } from 'vitest';
import { catalog } from '../../src/heaps/catalog.js';
import type { HeapOptions } from '../../src/heaps/definition.js';
import { parseScenario } from '../../src/scenario/load.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import { type OverflowStudy, type OverflowTrial, overflowStudy } from '../../src/studies/overflow.js';
import { candidateFor } from '../../src/studies/workload.js';
import { loadTarget } from '../../src/targets/load.js';

export const heapNames = catalog.map(({ name }) => name);

/** `options`: of all of them. */
export function studied(
  scenario: Scenario,
  names: readonly string[] = heapNames,
  options: HeapOptions = {},
): OverflowStudy {
  const candidates = catalog
    .filter(({ name }) => names.includes(name))
    .map((heap) => candidateFor(heap, heap.name === scenario.heap.name ? scenario.heap.options : options));
  return overflowStudy(scenario, loadTarget(scenario.target), scenario.seed, candidates, {
    costChoice: 'none',
  });
}

/** The steps of its only task. */
export function scenarioWith(steps: string): Scenario {
  const text = `name: overrun
target: stm32f103c8
heap: heap_4
duration: 50 ms
tasks:
  writer:
    priority: 2
    script: [${steps.replaceAll(/\s+/g, ' ')}]
`;
  return parseScenario(text, 'overrun.yaml', { heapNames });
}

function alloc(bytes: number): (name: string) => string {
  return (name) => `{ alloc: { name: ${name}, size: ${bytes} B } }, { fill: ${name} }`;
}

function free(name: string): string {
  return `{ free: ${name} }`;
}

/** Three blocks side by side, the second of them overrun, then all freed and as much asked for again. */
export function threeBlocks(bytes: number, overflow: string, check = ''): Scenario {
  return scenarioWith(`${['a', 'b', 'c'].map(alloc(bytes))}, { overflow: ${overflow} }, { delay: 5 ms }, ${check}
    ${['c', 'b', 'a'].map(free)}, ${['d', 'e', 'f'].map(alloc(bytes))}, ${['e', 'd', 'f'].map(free)}`);
}

/** A block in front of one that is free already, overrun; then blocks of that size are asked for and freed. */
export function beforeAHole(bytes: number, value: number): Scenario {
  const blocks = (names: readonly string[]) => names.map(alloc(bytes));
  return scenarioWith(`${blocks(['a', 'b', 'c', 'd'])}, ${['c', 'a'].map(free)},
    { overflow: { name: b, bytes: 4 B, value: ${value} } }, ${blocks(['e', 'f', 'g'])},
    ${['f', 'd', 'b', 'e', 'g'].map(free)}, ${blocks(['h', 'i'])}, ${['i', 'h'].map(free)}`);
}

/** What is called unused breaks nothing, and nobody notices it. Returns how many did harm. */
export function expectUnusedIsHarmless(trials: readonly OverflowTrial[]): number {
  let harmful = 0;
  for (const trial of trials) {
    if (trial.overwritten.some(({ what }) => what !== 'unused')) {
      harmful++;
      continue;
    }
    expect(trial).not.toHaveProperty('noticed');
    if (trial.damage === undefined) continue;
    const { missing, lost, overlapping, spoilt, check } = trial.damage;
    expect({ missing, lost, overlapping, spoilt, check }).toEqual({
      missing: [],
      lost: { blocks: 0, bytes: 0 },
      overlapping: [],
      spoilt: [],
      check: undefined,
    });
  }
  return harmful;
}
