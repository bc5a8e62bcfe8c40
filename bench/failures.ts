/**
 * The failed share of requests on generated traces: `node --import ./ts-node.register.mjs bench/failures.ts FOLDER
 * [title@]heap[:option=value,...] ...` prints a Markdown table, a row for each arena size in the names of the traces
 * (`gen-<profile>-<KiB>-<seed>.trace.gz`) and a column for each heap. The value `arena` stands for the arena's bytes.
 *
 * Requests are mallocs, callocs and reallocs of what is live; reallocs to 0 bytes are left out, and so are the traces
 * of the profile `edge`, which ask for what cannot be served. A row takes the requests of its traces together; `–`: the
 * heap needs a larger arena.
 */

import { generatedTraces, givenArguments, runTool } from '../scripts/tool.js';
import { allowInlining } from '../src/cli/engine.js';
import { badOption, heapNamed, heapOptions } from '../src/cli/flags.js';
import { NULL } from '../src/heaps/heap.js';
import { groupDigits } from '../src/input/index.js';
import { readTrace } from '../src/traces/read.js';
import { NO_BLOCK, Replay } from '../src/traces/replay.js';
import { DEFAULT_ORIGIN, replayMachine, replayOptions } from '../src/traces/replay-machine.js';
import { CACHE_ALLOC, CALLOC, MALLOC, REALLOC, type Trace } from '../src/traces/trace.js';

const ALIGNMENT = 8;

interface Requests {
  made: number;
  failed: number;
}

interface Given {
  readonly kib: number;
  readonly trace: Trace;
}

function tracesIn(folder: string): Given[] {
  return generatedTraces(folder)
    .filter(({ profile }) => profile !== 'edge')
    .map(({ path, kib }) => ({ kib, trace: readTrace(path) }));
}

/** `column`: perhaps a title, the heap's name, and options behind a colon. */
function chosen(column: string, arenaBytes: number) {
  const [name, given = ''] = column.slice(column.indexOf('@') + 1).split(':') as [string, string?];
  const definition = heapNamed(name);
  const flags = given
    .split(',')
    .filter(Boolean)
    .map((option) => option.replace(/=arena$/, `=${arenaBytes}`));
  return { definition, options: heapOptions(definition, replayOptions(definition), flags) };
}

/** Of a heap that cannot work in so small an arena there are none. */
function requestsOf({ kib, trace }: Given, column: string): Requests {
  const bytes = kib * 1024;
  const { definition, options } = chosen(column, bytes);
  const requests = { made: 0, failed: 0 };
  if (bytes < definition.minimumArenaBytes(ALIGNMENT, options)) return requests;
  const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes };
  const { handles, memory } = replayMachine(definition, options, [region], ALIGNMENT);
  new Replay(handles, memory, trace).run((index, address) => {
    const kind = trace.kinds[index];
    const isRequest =
      kind === MALLOC ||
      kind === CALLOC ||
      kind === CACHE_ALLOC ||
      (kind === REALLOC && trace.bytes[index] !== 0 && address !== NO_BLOCK);
    if (!isRequest) return;
    requests.made++;
    if (address === NULL) requests.failed++;
  });
  return requests;
}

function cell(traces: readonly Given[], heap: string): string {
  const all = traces.map((given) => requestsOf(given, heap));
  const made = all.reduce((sum, one) => sum + one.made, 0);
  const failed = all.reduce((sum, one) => sum + one.failed, 0);
  return made === 0 ? '–' : `${((100 * failed) / made).toFixed(1)} %`;
}

function titleOf(column: string): string {
  return column.split('@')[0]!;
}

function table(traces: readonly Given[], heaps: readonly string[]): string {
  const sizes = [...new Set(traces.map(({ kib }) => kib))].sort((a, b) => a - b);
  const rows = sizes.map((kib) => {
    const own = traces.filter((given) => given.kib === kib);
    return [`${groupDigits(kib)} KiB, ${own.length} traces`, ...heaps.map((heap) => cell(own, heap))];
  });
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(['arena', ...heaps.map(titleOf)]),
    line(['---', ...heaps.map(() => '---:')]),
    ...rows.map(line),
  ].join('\n');
}

function printTable(): void {
  const [folder, ...heaps] = givenArguments().words;
  if (folder === undefined || heaps.length === 0) {
    throw badOption(
      'no traces or no heaps are given',
      'FOLDER HEAP ..., such as traces heap_4 tlsf:asserts=false',
    );
  }
  console.log(table(tracesIn(folder), heaps));
}

allowInlining();
await runTool(printTable);
