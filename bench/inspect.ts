/** How long an explanation takes: an event of 10,000 blocks, and the showcase's table of remedies. */

import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { catalog, findHeap } from '../src/heaps/catalog.js';
import { analyse } from '../src/inspect/analysis.js';
import { causeOf } from '../src/inspect/cause.js';
import { Recorder } from '../src/inspect/recorder.js';
import type { MapPiece, OutOfMemoryEvent, RunResult } from '../src/inspect/result.js';
import { loadScenario } from '../src/scenario/load.js';
import { costModel } from '../src/simulation/cost.js';
import { run } from '../src/simulation/run.js';
import { remedies } from '../src/studies/rescue.js';
import { loadTarget } from '../src/targets/load.js';

const SHOWCASE = fileURLToPath(new URL('../scenarios/showcase.yaml', import.meta.url));
const BLOCKS = 10_000;

export function measureInspection(): void {
  const scenario = loadScenario(SHOWCASE, { heapNames: catalog.map(({ name }) => name) });
  const target = loadTarget(scenario.target);
  const heap = findHeap(scenario.heap.name)!;
  const options = v.parse(heap.options, scenario.heap.options);
  const cost = costModel('auto', heap, target);
  const settings = { target, heap, options, cost, costChoice: 'auto', seed: scenario.seed } as const;
  const recorder = new Recorder();
  const result = recorder.result(scenario, settings, run(scenario, settings, [recorder]));
  const event = result.outOfMemory[0]!;

  const large = largeEvent(event);
  const milliseconds = timed(() => explain(result, large));
  console.log(`inspecting an event of ${BLOCKS} blocks: ${milliseconds.toFixed(1)} ms`);
  const table = timed(() => remedies(scenario, settings, result, event));
  console.log(`the showcase's table of what would have saved it: ${table.toFixed(0)} ms`);
}

function explain(result: RunResult, event: OutOfMemoryEvent): void {
  causeOf(event.map, event.requested, event.needed);
  analyse(result, event);
}

/** Blocks of 24 to 120 bytes, every other one freed. */
function largeEvent(event: OutOfMemoryEvent): OutOfMemoryEvent {
  const map: MapPiece[] = [];
  let address = 0x2000_0000;
  for (let index = 0; index < 2 * BLOCKS; index++) {
    const bytes = 24 + ((index * 40) % 104);
    const block = { owner: `task${index % 7}`, label: 'block', at: { line: index % 50, column: 1 } };
    const used = {
      payload: address + 8,
      requested: bytes - 8,
      allocatedCycle: index,
      serial: index,
      ...block,
    };
    map.push(index % 2 === 0 ? { kind: 'used', address, bytes, ...used } : { kind: 'hole', address, bytes });
    address += bytes;
  }
  return { ...event, map };
}

function timed(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / 1e6;
}
