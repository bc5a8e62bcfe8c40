/** What counting instructions adds to a replay. */

import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { plainCostTable } from '../src/costs/files.js';
import { MeteredHeap } from '../src/costs/metered-heap.js';
import { findHeap } from '../src/heaps/catalog.js';
import { readTrace } from '../src/traces/read.js';
import { Replay } from '../src/traces/replay.js';
import { DEFAULT_ORIGIN, replayMachine } from '../src/traces/replay-machine.js';

const TRACE = fileURLToPath(new URL('../test/vectors/traces/gen-uniform-20-s1.trace.gz', import.meta.url));
const ROUNDS = 300;

/** Prints ns per operation without and with the meter, rounds in turn, the fastest of each. */
export function measureCostAccounting(name: string): void {
  const definition = findHeap(name)!;
  const table = plainCostTable(definition, 'gcc12-Os');
  if (table === undefined) return;
  const options = v.parse(definition.options, {});
  const trace = readTrace(TRACE);
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes: 20 * 1024 };
    const machine = replayMachine(definition, options, [region], 8);
    const metered = round % 2 === 1;
    const replay = new Replay(
      metered ? new MeteredHeap(machine.heap, table) : machine.heap,
      machine.memory,
      trace,
    );
    const start = process.hrtime.bigint();
    replay.run();
    const nanoseconds = Number(process.hrtime.bigint() - start) / trace.length;
    best[Number(metered)] = Math.min(best[Number(metered)]!, nanoseconds);
  }
  const [plain, metered] = best as [number, number];
  const added = ((metered / plain - 1) * 100).toFixed(1);
  console.log(
    `cost accounting on ${name}: ${plain.toFixed(1)} ns per operation, ${metered.toFixed(1)} with it: ${added} %`,
  );
}
