/** What is tried to save a failed request, where trying itself goes wrong. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chalk } from 'chalk';
import * as v from 'valibot';
import { afterAll, describe, expect, it } from 'vitest';
import { catalog, findHeap } from '../../src/heaps/catalog.js';
import { Recorder } from '../../src/inspect/recorder.js';
import { remedyTable } from '../../src/report/remedy-table.js';
import { loadScenario } from '../../src/scenario/load.js';
import { costModel } from '../../src/simulation/cost.js';
import { run } from '../../src/simulation/run.js';
import { type Remedy, remedies } from '../../src/studies/rescue.js';
import { loadTarget } from '../../src/targets/load.js';

const others = catalog.map(({ name }) => name).filter((name) => name !== 'heap_2');

const folder = mkdtempSync(join(tmpdir(), 'heaplab-rescue-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** On heap_2 the large request, in line 10, fails: small blocks are never merged. `then` stands in line 11. */
function script(name: string, then: string): string {
  const file = join(folder, `${name}.ts`);
  const text = `import { defineScenario } from 'heaplab';
export default defineScenario({
  name: 'cut', target: 'stm32f103c8', heap: 'heap_2', duration: '100 ms',
  tasks: {
    main: {
      priority: 1, stack: 256, *script(task) {
        const blocks = [];
        for (let i = 0; i < 120; i++) blocks.push(yield* task.malloc(100, 'small'));
        for (const block of blocks) yield* task.free(block);
        const large = yield* task.malloc(12000);
        ${then}
      },
    },
  },
});
`;
  writeFileSync(file, text);
  return file;
}

function tried(file: string): { attempts: Remedy[]; table: string } {
  const scenario = loadScenario(file, { heapNames: ['heap_2', 'heap_4', 'heap_2_coalescing'] });
  const heap = findHeap('heap_2')!;
  const target = loadTarget(scenario.target);
  const settings = {
    target,
    heap,
    options: v.parse(heap.options, {}),
    costChoice: 'none' as const,
    cost: costModel('none', heap, target),
    seed: 1,
  };
  const recorder = new Recorder();
  const outcome = run(scenario, settings, [recorder]);
  const result = recorder.result(scenario, settings, outcome);
  expect(result).toMatchObject({ outcome: 'finished', outOfMemoryCount: 1 });
  const attempts = remedies(scenario, settings, result, result.outOfMemory[0]!);
  const table = remedyTable(result, attempts, { width: 500, color: new Chalk({ level: 0 }) });
  return { attempts, table: table.replaceAll(/\s+/g, ' ') };
}

describe('a scenario in TypeScript that throws only where the request is served', () => {
  const { attempts, table } = tried(script('throws', "if (large) throw new Error('never had so much');"));
  const error = /its own code ended the run at .*throws\.ts:11: this threw Error: never had so much/;

  it('was served where it then threw, but nothing is known of the run', () => {
    for (const what of ['heap_4', 'heap_2_coalescing']) {
      const attempt = attempts.find((each) => each.what === what)!;
      expect(attempt).toMatchObject({ kind: 'heap', saved: true, clean: false, measured: false });
      expect(attempt.note).toMatch(error);
    }
  });

  it('tells a heap that refuses it from one where it is never made', () => {
    expect(attempts.find(({ what }) => what === 'o1heap')).toMatchObject({ saved: false, reached: true });
    expect(attempts.find(({ what }) => what === 'heap_1')).toMatchObject({ saved: false, reached: false });
  });

  it('has failed with more RAM, and the others are tried all the same', () => {
    const ram = attempts.find(({ kind }) => kind === 'RAM')!;
    expect(ram).toMatchObject({ saved: false, clean: false });
    expect(ram.note).toMatch(/^no size up to 8 times as much passes; with one, /);
    expect(ram.note).toMatch(error);
    expect(attempts.map(({ what }) => what)).toEqual(['heap_2', ...others, 'more RAM']);
  });

  it('has its notes under the table', () => {
    expect(table).toMatch(/heap_4 ✓ succeeds –/);
    expect(table).toMatch(/o1heap ✗ fails too 9 /);
    expect(table).toMatch(/heap_1 – not made – /);
    expect(table).toMatch(/more RAM ✗ none found –/);
    expect(table).toMatch(/attempts would have saved this request, but none the whole run\./);
  });

  it('says once what holds for many', () => {
    expect(table).toMatch(/heap_2_coalescing, heap_3, heap_4, .*?: its own code ended the run at/);
    expect(table.match(/its own code ended the run/g)).toHaveLength(2);
  });
});

it('what a heap rests on is no option for another: heap_3 is tried as it is by default', () => {
  const scenario = loadScenario(script('options', 'yield* task.free(large);'), { heapNames: ['heap_2'] });
  const heap = findHeap('slab')!;
  const target = loadTarget(scenario.target);
  const settings = {
    target,
    heap,
    options: v.parse(heap.options, { inner: 'buddy' }),
    costChoice: 'none' as const,
    cost: costModel('none', heap, target),
    seed: 1,
  };
  const recorder = new Recorder();
  const outcome = run(scenario, settings, [recorder]);
  const result = recorder.result(scenario, settings, outcome);
  const attempts = remedies(scenario, settings, result, result.outOfMemory[0]!);
  const { what: _, ...heap3 } = attempts.find(({ what }) => what === 'heap_3')!;
  const { what: __, ...newlib } = attempts.find(({ what }) => what === 'newlib_nano')!;
  expect(heap3).toEqual(newlib);
});

it('a scenario that does not throw is saved by heaps that merge, and by RAM', () => {
  const { attempts } = tried(script('plain', 'yield* task.free(large);'));
  const successes = attempts.flatMap(({ what, saved, clean }) => (saved && clean ? [what] : []));
  expect(successes).toEqual(expect.arrayContaining(['heap_2_coalescing', 'heap_4', 'more RAM']));
  expect(successes).not.toContain('heap_2');
});
