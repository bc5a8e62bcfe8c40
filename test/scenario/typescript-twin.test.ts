/** The scenario that there is in both forms. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/inspect/result.js';
import { loadScenario } from '../../src/scenario/load.js';
import { ran, type Variation } from './running.js';

const options = { heapNames: ['heap_4'] };
const pathOf = (ending: string) =>
  fileURLToPath(new URL(`../../scenarios/message-pipeline.${ending}`, import.meta.url));

const yaml = loadScenario(pathOf('yaml'), options);
const code = loadScenario(pathOf('ts'), options);

/** What may differ: where the scenario and its calls stand. */
function withoutPlaces(result: RunResult): string {
  const { scenario, ...rest } = result;
  const bare = { ...rest, scenario: { ...scenario, file: '', source: '' } };
  return JSON.stringify(bare, (key, value) => (key === 'at' || key === 'line' ? undefined : value));
}

const variations: [string, Variation][] = [
  ['as it is', { cost: 'auto' }],
  ['without costs', { cost: 'none' }],
  ['with another seed', { cost: 'auto', seed: 77 }],
  ['with too little RAM', { cost: 'auto', ramBytes: 6 * 1024 }],
  ['with far too little RAM', { cost: 'auto', ramBytes: 4.5 * 1024 }],
];

describe('message-pipeline, in YAML and in TypeScript', () => {
  it.each(variations)('is the same run %s', (_, variation) => {
    const [expected, actual] = [ran(yaml, variation), ran(code, variation)];
    expect(actual.schedule.length).toBeGreaterThan(1000);
    expect(actual.schedule.join('\n')).toBe(expected.schedule.join('\n'));
    expect(withoutPlaces(actual.result)).toBe(withoutPlaces(expected.result));
  });

  it('has the line of every request, of its own file', () => {
    const lines = { yaml: textLines('yaml'), ts: textLines('ts') };
    const few = { cost: 'auto', ramBytes: 6 * 1024 } as const;
    const [fromYaml, fromCode] = [ran(yaml, few), ran(code, few)].map(({ result }) => result.outOfMemory);
    expect(fromCode!.length).toBeGreaterThan(10);
    for (const [index, { at, map }] of fromCode!.entries()) {
      const other = fromYaml![index]!;
      expect(lines.ts[at!.line - 1]).toContain('task.malloc(');
      expect(lines.ts[at!.line - 1]!.slice(at!.column - 1)).toMatch(/^task\.malloc\(/);
      for (const [number, piece] of map.entries()) {
        const size = /malloc\((\d+)\)/.exec(lines.ts[(piece.at?.line ?? 0) - 1] ?? '')?.[1];
        expect(size).toBe(
          /size: (\d+) B/.exec(lines.yaml[(other.map[number]!.at?.line ?? 0) - 1] ?? '')?.[1],
        );
      }
    }
  });
});

function textLines(ending: string): string[] {
  return readFileSync(pathOf(ending), 'utf8').split('\n');
}
