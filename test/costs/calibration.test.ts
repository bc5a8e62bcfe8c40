import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { BUILDS, type Build, deviceCostTable, plainCostTable } from '../../src/costs/files.js';
import { MeteredHeap } from '../../src/costs/metered-heap.js';
import { findHeap } from '../../src/heaps/catalog.js';
import { readTrace } from '../../src/traces/read.js';
import { Replay } from '../../src/traces/replay.js';
import { DEFAULT_ORIGIN, replayMachine } from '../../src/traces/replay-machine.js';

const FOLDER = new URL('../vectors/costs/', import.meta.url);

function meterOf(heap: string, build: Build) {
  const definition = findHeap(heap)!;
  const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes: 20_480 };
  const machine = replayMachine(definition, v.parse(definition.options, {}), [region], 8);
  return { ...machine, meter: new MeteredHeap(machine.heap, plainCostTable(definition, build)!) };
}

/** Instructions of every call of a trace. */
function ours(heap: string, build: Build, trace: string): number[] {
  const { meter, memory } = meterOf(heap, build);
  const instructions: number[] = [];
  new Replay(meter, memory, readTrace(new URL(`${trace}.trace.gz`, FOLDER).pathname)).run(() => {
    instructions.push(meter.takeInstructions());
  });
  expect(meter.estimatedCalls).toBe(0);
  return instructions;
}

/** The same as counted on a Cortex-M3. */
function counted(heap: string, build: Build, trace: string): number[] {
  const [head, ...rows] = gunzipSync(readFileSync(new URL(`${heap}-${trace}.tsv.gz`, FOLDER)))
    .toString()
    .trimEnd()
    .split('\n')
    .map((row) => row.split('\t'));
  const column = head!.indexOf(build.replace('gcc12-', ''));
  return rows.map((row) => Number(row[column]));
}

describe('instructions of every call', () => {
  for (const heap of ['heap_2', 'heap_4', 'tlsf', 'o1heap']) {
    for (const build of BUILDS) {
      it.each(['t1', 't2'])(`equal the count on a Cortex-M3: ${heap}, ${build}, %s`, (trace) => {
        const [first, ...rest] = ours(heap, build, trace);
        const [firstCounted, ...restCounted] = counted(heap, build, trace);
        expect(restCounted.length).toBeGreaterThan(2000);
        expect(rest).toEqual(restCounted);
        // FreeRTOS's heaps initialise themselves in the first call, and that was counted with it.
        if (heap.startsWith('heap_')) expect(first).toBeLessThan(firstCounted!);
        else expect(first).toBe(firstCounted);
      });
    }
  }
});

describe('a block resized where it stands', () => {
  it('is priced as an estimate: nobody measured that', () => {
    const { meter } = meterOf('tlsf', 'gcc12-Os');
    const address = meter.malloc(100);
    expect(meter.estimatedCalls).toBe(0);
    meter.takeInstructions();
    expect(meter.resize(address, 200)).toBe(true);
    expect(meter).toMatchObject({ calls: 2, estimatedCalls: 1 });
    expect(meter.takeInstructions()).toBeGreaterThan(0);
  });
});

describe('what a device pays', () => {
  it("includes the kernel's part where that was measured", () => {
    expect(deviceCostTable(findHeap('heap_4')!, 'gcc12-Os')?.build).toContain('xTaskResumeAll');
    expect(deviceCostTable(findHeap('heap_2')!, 'gcc12-Os')?.build).toContain('stub');
    expect(deviceCostTable(findHeap('heap_2_coalescing')!, 'gcc12-Os')).toBeUndefined();
  });
});
