/**
 * What mimalloc's heap costs others: `node --import ./ts-node.register.mjs bench/mimalloc.ts FOLDER` prints three Markdown
 * tables. The suspensions of scenarios/showcase.yaml by heap; the most that one malloc looks at, by the option
 * `pagesPerCall`: over the generated traces in FOLDER, and under an attack, each beside the bound; and the accesses to
 * memory of the mallocs of these traces by the bytes of a page: mean, 99 % and most.
 */

import * as v from 'valibot';
import { generatedTraces, givenArguments, runTool, type TraceFile } from '../scripts/tool.js';
import { allowInlining } from '../src/cli/engine.js';
import { badOption, heapNamed, heapOptions } from '../src/cli/flags.js';
import { catalog } from '../src/heaps/catalog.js';
import type { HeapOptions } from '../src/heaps/definition.js';
import { type Heap, NULL } from '../src/heaps/heap.js';
import { boundOf, boundParameters } from '../src/heaps/mimalloc/bound.js';
import { planFor } from '../src/heaps/mimalloc/layout.js';
import { mimallocOptions } from '../src/heaps/mimalloc/options.js';
import { RETRY } from '../src/heaps/mimalloc/paths.js';
import { groupDigits } from '../src/input/index.js';
import { packageFile } from '../src/input/package-file.js';
import { Recorder } from '../src/inspect/recorder.js';
import { accessesSince } from '../src/mcu/memory.js';
import { loadScenario } from '../src/scenario/load.js';
import { costModel } from '../src/simulation/cost.js';
import { run } from '../src/simulation/run.js';
import { loadTarget } from '../src/targets/load.js';
import { readTrace } from '../src/traces/read.js';
import { Replay } from '../src/traces/replay.js';
import { DEFAULT_ORIGIN, replayMachine } from '../src/traces/replay-machine.js';
import { MALLOC } from '../src/traces/trace.js';

const ALIGNMENT = 8;

const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
const head = (cells: readonly string[]) => [
  row(cells),
  row(cells.map((_, index) => (index === 0 ? '---' : '---:'))),
];

// --- suspensions -------------------------------------------------------------------------------------------

/** Its name, and options behind a colon. */
const HEAPS = [
  'mimalloc',
  'mimalloc:pagesPerCall=0',
  'mimalloc:pagesPerCall=1',
  'mimalloc:asserts=false',
  'mimalloc:heaps=shared',
  'mimalloc:heaps=shared,asserts=false',
  'mimalloc:pageBytes=128',
  'heap_4',
  'tlsf',
];

function suspensionRow(text: string): string {
  const [name, given = ''] = text.split(':') as [string, string?];
  const heapNames = catalog.map((heap) => heap.name);
  const scenario = loadScenario(packageFile('scenarios/showcase.yaml'), { heapNames });
  const heap = heapNamed(name);
  const target = loadTarget(scenario.target);
  const options = heapOptions(heap, {}, given.split(',').filter(Boolean));
  const cost = costModel('auto', heap, target);
  const settings = { target, heap, options, seed: scenario.seed, costChoice: 'auto' as const, cost };
  const recorder = new Recorder();
  const { suspension, outOfMemoryCount } = recorder.result(
    scenario,
    settings,
    run(scenario, settings, [recorder]),
  );
  const cycles = [suspension.p50, suspension.p99, suspension.longest].map(groupDigits);
  return row([text, ...cycles, outOfMemoryCount]);
}

// --- what one malloc looks at ------------------------------------------------------------------------------

interface Most {
  served: number;
  any: number;
}

function machineFor(given: HeapOptions, bytes: number) {
  const options = v.parse(mimallocOptions, given);
  const regions = [{ name: 'heap', origin: DEFAULT_ORIGIN, bytes }];
  const machine = replayMachine(heapNamed('mimalloc'), options, regions, ALIGNMENT);
  const bound = boundOf(boundParameters(planFor(machine.layout, options), options));
  return { machine, bound };
}

/** Notes the steps of the last malloc. */
function note(most: Most, { path, searchSteps }: { path: number; searchSteps: number }): void {
  most.any = Math.max(most.any, searchSteps);
  if ((path & RETRY) === 0) most.served = Math.max(most.served, searchSteps);
}

function onTraces(traces: readonly TraceFile[], kib: number, pagesPerCall: number): Most {
  const most = { served: 0, any: 0 };
  for (const { path } of traces.filter((trace) => trace.kib === kib)) {
    const { machine } = machineFor({ pagesPerCall }, kib * 1024);
    new Replay(machine.handles, machine.memory, readTrace(path)).run(() => note(most, machine.heap.lastCall));
  }
  return most;
}

/**
 * Pages of one class from each of which one block is freed and taken again, so that all are in its queue and have
 * nothing: half of the arena, where the class is asked for more; then all of it, where a smaller class is asked.
 */
function underAttack(kib: number, pagesPerCall: number): Most {
  const most = { served: 0, any: 0 };
  const half = exhausted(kib, pagesPerCall, kib * 8);
  for (let left = 4; left > 0; left--) {
    half.malloc(64);
    note(most, half.lastCall);
  }
  const all = exhausted(kib, pagesPerCall, Number.POSITIVE_INFINITY);
  all.malloc(16);
  note(most, all.lastCall);
  return most;
}

function exhausted(kib: number, pagesPerCall: number, count: number): Heap {
  const { heap } = machineFor({ pagesPerCall }, kib * 1024).machine;
  const blocks: number[] = [];
  while (blocks.length < count) {
    const address = heap.malloc(64);
    if (address === NULL) break;
    blocks.push(address);
  }
  for (let index = 0; index < blocks.length - 8; index += 4) {
    heap.free(blocks[index]!);
    heap.malloc(64);
  }
  return heap;
}

function boundRow(traces: readonly TraceFile[], kib: number, pagesPerCall: number): string {
  const { bound } = machineFor({ pagesPerCall }, kib * 1024);
  const replayed = onTraces(traces, kib, pagesPerCall);
  const attack = underAttack(kib, pagesPerCall);
  const limit = pagesPerCall === 0 ? 'none' : pagesPerCall;
  return row([
    `${kib} KiB`,
    limit,
    ...[replayed.served, attack.served, bound.usualSearch],
    ...[replayed.any, attack.any, bound.search],
  ]);
}

// --- what mallocs cost by the bytes of a page ----------------------------------------------------------------

const PAGE_BYTES = [256, 512, 1024] as const;

function accessesCell(traces: readonly TraceFile[], kib: number, pageBytes: number): string {
  const mallocs: number[] = [];
  for (const { path } of traces.filter((trace) => trace.kib === kib)) {
    const { handles, memory } = machineFor({ pageBytes }, kib * 1024).machine;
    const trace = readTrace(path);
    let { loads, stores } = memory;
    new Replay(handles, memory, trace).run((index) => {
      const accesses = accessesSince(loads, memory.loads) + accessesSince(stores, memory.stores);
      ({ loads, stores } = memory);
      if (trace.kinds[index] === MALLOC) mallocs.push(accesses);
    });
  }
  mallocs.sort((a, b) => a - b);
  const mean = mallocs.reduce((sum, accesses) => sum + accesses, 0) / mallocs.length;
  return [Math.round(mean), mallocs[Math.floor(0.99 * mallocs.length)], mallocs.at(-1)].join(', ');
}

function accessesRow(traces: readonly TraceFile[], kib: number): string {
  return row([`${kib} KiB`, ...PAGE_BYTES.map((pageBytes) => accessesCell(traces, kib, pageBytes))]);
}

function printTables(): void {
  const [folder] = givenArguments().words;
  if (folder === undefined) throw badOption('no folder is given', 'a folder of traces');
  const traces = generatedTraces(folder);
  console.log([...head(['heap', 'p50', 'p99', 'longest', 'failed']), ...HEAPS.map(suspensionRow)].join('\n'));
  const columns = [
    'arena',
    'pagesPerCall',
    'served: traces',
    'attack',
    'bound',
    'any: traces',
    'attack',
    'bound',
  ];
  const rows = [4, 20, 64].flatMap((kib) => [0, 1, 8].map((limit) => boundRow(traces, kib, limit)));
  console.log(['', ...head(columns), ...rows].join('\n'));
  const sizes = [...new Set(traces.map(({ kib }) => kib))].sort((a, b) => a - b);
  const costs = sizes.map((kib) => accessesRow(traces, kib));
  console.log(['', ...head(['arena', ...PAGE_BYTES.map(String)]), ...costs].join('\n'));
}

allowInlining();
await runTool(printTables);
