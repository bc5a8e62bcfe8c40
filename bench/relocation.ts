/**
 * The experiment that rmalloc's author never ran: `node --import ./ts-node.register.mjs bench/relocation.ts
 * [--heaps a,b] [--locks] trace...` prints a Markdown table per trace. `--locks` takes the traces for recordings
 * of accesses and simulates locks. Without traces it runs on those that the tests have.
 */

import { fileURLToPath } from 'node:url';
import { givenArguments, runTool } from '../scripts/tool.js';
import { allowInlining } from '../src/cli/engine.js';
import { heapNamed } from '../src/cli/flags.js';
import { catalog } from '../src/heaps/catalog.js';
import { groupDigits } from '../src/input/index.js';
import { type RelocationResult, relocationOf } from '../src/studies/relocation.js';
import { candidateFor, TraceWorkload } from '../src/studies/workload.js';
import { simulateLocks } from '../src/traces/lock-simulation.js';
import { readTrace } from '../src/traces/read.js';
import { replayOptions } from '../src/traces/replay-machine.js';

const ALIGNMENT = 8;
const SCAN = 16;
const GENERATED = ['uniform-20', 'sizelist-20', 'server-4', 'ramp-4'].map((name) =>
  fileURLToPath(new URL(`../test/vectors/traces/gen-${name}-s1.trace.gz`, import.meta.url)),
);

function experiment(): void {
  const { words, flags } = givenArguments({ heaps: 'value', locks: 'on' });
  const heaps = flags.has('heaps') ? flags.get('heaps')!.split(',').map(heapNamed) : catalog;
  // All of them first: what is wrong with the last one should not be found out in an hour.
  const traces = (words.length === 0 ? GENERATED : words).map((file) => readTrace(file));
  for (const trace of traces) {
    const workload = new TraceWorkload(flags.has('locks') ? simulateLocks(trace) : trace, ALIGNMENT);
    const results = heaps
      .filter(({ neverFrees }) => neverFrees !== true)
      .map((heap) => relocationOf(workload, candidateFor(heap, replayOptions(heap)), SCAN));
    console.log(table(workload, results));
  }
}

function table({ name, peakLiveBytes }: TraceWorkload, results: readonly RelocationResult[]): string {
  const yardstick = results.find(({ size }) => size.heap === 'heap_4')?.run?.totalCycles;
  const rows = [...results]
    .sort((a, b) => (a.size.overPeakLive ?? 1e9) - (b.size.overPeakLive ?? 1e9))
    .map(({ size, run }) => {
      if (run === undefined) return `| ${size.heap} | none | | | | |`;
      const cost = yardstick === undefined ? '' : (run.totalCycles / yardstick).toFixed(2);
      const moved =
        run.compactions === 0 ? '0' : `${groupDigits(run.bytesMoved)} in ${groupDigits(run.compactions)}`;
      const cells = [
        size.heap,
        size.overPeakLive!.toFixed(3),
        groupDigits(run.metadataBytes),
        moved,
        groupDigits(run.longestCallCycles),
        cost,
      ];
      return `| ${cells.join(' | ')} |`;
    });
  return [
    `### ${name}, ${groupDigits(peakLiveBytes)} bytes live at the peak`,
    '',
    '| heap | smallest arena ÷ peak live | RAM for metadata | bytes moved, in compactions | longest call, cycles | all calls ÷ heap_4 |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
    '',
  ].join('\n');
}

allowInlining();
await runTool(experiment);
