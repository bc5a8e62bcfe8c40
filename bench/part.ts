/** One part of the benchmarks, in this process. Started by main.ts. */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { givenArguments, runTool, unknownWord } from '../scripts/tool.js';
import { allowInlining } from '../src/cli/engine.js';
import { badOption, heapNamed } from '../src/cli/flags.js';
import { UserError } from '../src/input/index.js';
import {
  measureBuddies,
  measureCurve,
  measureGenerations,
  measureReplayWithoutCompaction,
} from './compaction.js';
import { measureCostAccounting } from './cost.js';
import { measureInspection } from './inspect.js';
import { measureLongRun } from './long-run.js';
import { buildNative, hasNativeVersion, measureReplay, type ReplayFigure } from './replay.js';
import { measureScenario } from './scenario.js';
import { measureStartup } from './startup.js';

const TRACES = fileURLToPath(new URL('../test/vectors/traces/', import.meta.url));

function replay(heap: string): void {
  const native = buildNative();
  const compared = 'program' in native && hasNativeVersion(heap);
  if ('missing' in native)
    console.log(`no native column: the C versions could not be built (${native.missing})`);
  const columns = compared ? 'ours and native C (gcc -O2), ratio' : 'ours';
  console.log(`replay on ${heap}: ns per operation, ${columns}`);
  const figures: ReplayFigure[] = [];
  for (const file of readdirSync(TRACES).sort()) {
    const kib = Number(/-(\d+)-s\d+\.trace\.gz$/.exec(file)![1]);
    const figure = measureReplay(heap, `${TRACES}${file}`, kib * 1024, native);
    figures.push(figure);
    console.log(replayLine(figure));
  }
  if (compared) console.log(`  geometric mean of the ratios: ${geometricMean(figures)}`);
  else if (!hasNativeVersion(heap)) console.log(`  there is no native C version of ${heap} to compare with`);
}

function replayLine({ trace, nanoseconds, nativeNanoseconds, failures }: ReplayFigure): string {
  const theirs =
    nativeNanoseconds === undefined
      ? ''
      : `${nativeNanoseconds.toFixed(1).padStart(8)}${(nanoseconds / nativeNanoseconds).toFixed(2).padStart(8)}`;
  const refused = failures === 0 ? '' : `  ${failures} requests found no room`;
  return `  ${trace.padEnd(24)}${nanoseconds.toFixed(1).padStart(8)}${theirs}${refused}`;
}

function geometricMean(figures: readonly ReplayFigure[]): string {
  const logs = figures.flatMap(({ nanoseconds, nativeNanoseconds }) =>
    nativeNanoseconds === undefined ? [] : [Math.log(nanoseconds / nativeNanoseconds)],
  );
  if (logs.length === 0) return 'not measured';
  return Math.exp(logs.reduce((sum, value) => sum + value, 0) / logs.length).toFixed(2);
}

function scenario(heap: string): void {
  const figure = measureScenario(heap);
  if ('unfit' in figure) {
    console.log(`scenario on ${heap}: not measured, ${figure.unfit}`);
    return;
  }
  const { operations, scenarioNanoseconds, replayNanoseconds } = figure;
  const ratio = (scenarioNanoseconds / replayNanoseconds).toFixed(2);
  console.log(
    `scenario on ${heap}: ${scenarioNanoseconds.toFixed(0)} ns per heap operation with kernel, statistics and ` +
      `recording, ${replayNanoseconds.toFixed(0)} ns in a bare replay of the same ${operations} calls: ${ratio} times`,
  );
}

function startup(): void {
  console.log('start-up, whole process, median');
  for (const { command, milliseconds, ratio } of measureStartup()) {
    console.log(
      `  ${command.padEnd(28)}${milliseconds.toFixed(0).padStart(6)} ms  ${ratio.toFixed(2)} times node -e 0`,
    );
  }
}

function longRun(): void {
  console.log('ten million heap operations in one run');
  for (const { operations, seconds, heapMegabytes } of measureLongRun()) {
    const perOperation = ((seconds / operations) * 1e9).toFixed(0);
    console.log(
      `  ${String(operations).padStart(10)} operations  ${seconds.toFixed(2).padStart(6)} s  ` +
        `${perOperation} ns each  ${heapMegabytes.toFixed(1)} MB live`,
    );
  }
}

function compaction(files: readonly string[]): void {
  measureReplayWithoutCompaction();
  measureCurve();
  measureGenerations(files);
  measureBuddies(files);
}

/** Those about one heap have its name behind theirs. */
const PARTS: Readonly<Record<string, (words: readonly string[]) => void>> = {
  replay: (words) => replay(onlyHeap(words)),
  scenario: (words) => scenario(onlyHeap(words)),
  cost: (words) => measureCostAccounting(onlyHeap(words)),
  startup,
  long: longRun,
  inspect: measureInspection,
  compaction,
};

function onlyHeap(words: readonly string[]): string {
  if (words.length !== 1) throw badOption(`${words.length} heaps are named`, 'one');
  return heapNamed(words[0]!).name;
}

allowInlining();
await runTool(() => {
  const [part = '', ...words] = givenArguments().words;
  const measure = PARTS[part];
  if (measure === undefined) throw new UserError([unknownWord('part', part, Object.keys(PARTS))]);
  measure(words);
});
