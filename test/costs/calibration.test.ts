import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { CostTable } from '../../src/costs/cost-table.js';
import { BUILDS, deviceCostTable, plainCostTable } from '../../src/costs/files.js';
import { MeteredHeap } from '../../src/costs/metered-heap.js';
import { findHeap } from '../../src/heaps/catalog.js';
import { readTrace } from '../../src/traces/read.js';
import { Replay } from '../../src/traces/replay.js';
import { DEFAULT_ORIGIN, replayMachine } from '../../src/traces/replay-machine.js';

const FOLDER = new URL('../vectors/costs/', import.meta.url);

/** Instructions of every call as counted on a Cortex-M3, and ours. */
function counts(
  heap: string,
  build: (typeof BUILDS)[number],
  trace: string,
): { ours: number[]; counted: number[] } {
  const definition = findHeap(heap)!;
  const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes: 20_480 };
  const machine = replayMachine(definition, v.parse(definition.options, {}), [region], 8);
  const meter = new MeteredHeap(machine.heap, plainCostTable(definition, build)!);
  const ours: number[] = [];
  new Replay(meter, machine.memory, readTrace(new URL(`${trace}.trace.gz`, FOLDER).pathname)).run(() => {
    ours.push(meter.takeInstructions());
  });
  const file = new URL(`${heap}-${build.replace('gcc12-', '')}-${trace}.tsv.gz`, FOLDER);
  const [, ...rows] = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n');
  return { ours, counted: rows.map((row) => Number(row.split('\t')[5])) };
}

describe('instructions of every call', () => {
  for (const heap of ['heap_2', 'heap_4']) {
    for (const build of BUILDS) {
      it.each(['t1', 't2'])(`equal the count on a Cortex-M3: ${heap}, ${build}, %s`, (trace) => {
        const { ours, counted } = counts(heap, build, trace);
        // The first call's count includes the heap's lazy initialisation.
        expect(ours.slice(1)).toEqual(counted.slice(1));
        expect(ours[0]).toBeLessThan(counted[0]!);
      });
    }
  }
});

describe('a path that nobody measured', () => {
  const heap = findHeap('heap_2')!;
  const price = (instructions: number) => ({ instructions, est_cycles_P2: [2 * instructions] });
  const table = new CostTable(
    {
      heap: 'heap_2',
      variant: 'plain',
      core: 'cortex-m3',
      compiler: 'gcc',
      instructions: { per_search_step: 1, per_insert_step: 1 },
      est_cycles_P2: { per_search_step: 1, per_insert_step: 1 },
      paths: {
        'malloc walk nonzero': price(40),
        'malloc nonzero': price(30),
        free: price(20),
        'free NULL': price(4),
      },
    },
    heap,
  );

  it('is priced by the nearest one and counted', () => {
    const walkFound = 2 + 4 + 16;
    expect(
      table.instructions('malloc', { path: walkFound, searchSteps: 3, insertSteps: 2, begin() {} }),
    ).toBe(45);
    expect(table.unseenCalls).toBe(1);
  });

  it('leaves measured ones alone', () => {
    expect(table.instructions('free', { path: -1, searchSteps: 0, insertSteps: 0, begin() {} })).toBe(4);
    expect(table.unseenCalls).toBe(1);
  });
});

describe('what a device pays', () => {
  it("includes the kernel's part where that was measured", () => {
    expect(deviceCostTable(findHeap('heap_4')!, 'gcc12-Os')?.build).toContain('xTaskResumeAll');
    expect(deviceCostTable(findHeap('heap_2')!, 'gcc12-Os')?.build).toContain('stub');
    expect(deviceCostTable(findHeap('heap_2_coalescing')!, 'gcc12-Os')).toBeUndefined();
  });
});
