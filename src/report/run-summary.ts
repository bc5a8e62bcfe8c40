/** What `heaplab run` prints for one scenario: from what was run to whether it passed. */

import { formatBytes, groupDigits } from '../input/index.js';
import type { RunResult } from '../inspect/result.js';
import { compactionTable, compactionText } from './compactions.js';
import { extensionText, heapStatsText, pageMemoryText } from './heap-stats.js';
import { type Fact, facts, paragraph, section, stack, title } from './layout.js';
import type { Paint } from './paint.js';
import { arenaBytes, bytes, counted, percent, runName, time } from './phrases.js';
import { outOfMemoryTable, taskTable } from './run-tables.js';
import { expectationTable, faultText, lostContentsText, notCreatedText, verdictLine } from './run-verdict.js';
import { glue } from './text.js';
import { trendLines } from './trend-lines.js';

/** `out`: the file that holds the result, if there is one. The last line is the verdict. */
export function runSummary(result: RunResult, paint: Paint, out?: string): string {
  return stack([
    heading(result, paint),
    facts([...deviceFacts(result), ...runFacts(result, paint)], paint),
    facts([...memoryFacts(result, paint), ...timeFacts(result, paint)], paint),
    section('Tasks', taskTable(result, paint), paint),
    section(outOfMemoryTitle(result), outOfMemoryTable(result, paint), paint),
    section('Not created', notCreatedText(result, paint), paint),
    section('Compactions', compactionTable(result, paint), paint),
    section('Fault', faultText(result, paint), paint),
    section('Contents lost', lostContentsText(result, paint), paint),
    section('Expectations', expectationTable(result, paint), paint),
    hint(result, paint, out),
    verdictLine(result, paint),
  ]);
}

function heading(result: RunResult, paint: Paint): string {
  const { description } = result.scenario;
  const name = title(runName(result), paint);
  return description === '' ? name : `${name}\n${paragraph(description, paint, paint.color.dim)}`;
}

function deviceFacts({ scenario, target, heap }: RunResult): Fact[] {
  const ram = target.regions.reduce((sum, region) => sum + region.bytes, 0);
  const arena = heap.regions.reduce((sum, region) => sum + region.bytes, 0);
  const regions = heap.regions.length === 1 ? '' : ` in ${counted(heap.regions.length, 'region')}`;
  const clock = `${target.core} at ${target.clockHertz / 1e6} MHz, ${groupDigits(target.tickHertz)} Hz tick`;
  return [
    ['scenario', scenario.file],
    ['target', [target.name, clock, `${formatBytes(ram)} RAM`].map(glue).join(', ')],
    [
      'heap',
      `${heap.name}, ${glue(bytes(arena))}${regions} and ${glue(`${bytes(heap.staticBytes)} of statics`)}` +
        optionsText(heap.options),
    ],
  ];
}

function optionsText(options: RunResult['heap']['options']): string {
  const words = Object.entries(options).map(([name, value]) =>
    glue(typeof value === 'boolean' ? `${name} ${value ? 'on' : 'off'}` : `${name} ${value}`),
  );
  return words.length === 0 ? '' : `; ${words.join(', ')}`;
}

const OUTCOMES: Readonly<Record<RunResult['outcome'], string>> = {
  finished: 'ran to the end',
  halted: 'halted by the firmware after a failed request',
  fault: 'stopped by a fault',
  corrupted: 'stopped by a corrupted heap',
};

function runFacts(result: RunResult, { color }: Paint): Fact[] {
  const end = OUTCOMES[result.outcome];
  const outcome = result.outcome === 'finished' ? end : color.red(glue(end));
  const resets = result.resets === 0 ? '' : `, ${color.yellow(glue(`${counted(result.resets, 'reset')}`))}`;
  const simulated = `${glue(time(result, result.cycle))} simulated, ${glue(counted(result.tick, 'tick'))}`;
  return [['run', `${simulated}${resets}; ${outcome}`]];
}

function memoryFacts(result: RunResult, paint: Paint): Fact[] {
  const peak = glue(percent(result.peakRequested / arenaBytes(result)));
  const worst = glue(percent(result.worstFragmentation));
  return [
    [
      'heap calls',
      `${callsText(result, paint)}; ${glue(`${groupDigits(result.live.blocks)} live`)} at the end`,
    ],
    ['requested', `${amount(result.peakRequested)} at most at a time, ${peak} of the heap`],
    [
      'free',
      `${amount(result.minimumEverFreeBytes)} minimum ever; ${amount(result.freeBytes)} at the end, ` +
        `largest hole ${amount(result.largestHole)}`,
    ],
    ...statsFacts(result),
    ...(result.compactions.count === 0 ? [] : [['compaction', compactionText(result)] as const]),
    ['fragmentation', `${worst} of free memory outside the largest hole, at worst`],
    ...trendLines(result, paint),
  ];
}

function statsFacts({ heapStats, pageMemory, heap }: RunResult): Fact[] {
  const facts: Fact[] = [];
  if (heapStats !== undefined) {
    facts.push(['heap stats', `${heapStatsText(heapStats)}${extensionText(heapStats, heap.name)}`]);
  }
  if (pageMemory !== undefined) facts.push(['page memory', pageMemoryText(pageMemory)]);
  return facts;
}

function callsText(result: RunResult, { color }: Paint): string {
  const { outOfMemoryCount, zeroSizeRequests } = result;
  const failures = glue(counted(outOfMemoryCount, 'failure'));
  const calls = [
    glue(counted(result.allocations, 'malloc')),
    glue(counted(result.frees, 'free')),
    outOfMemoryCount === 0 ? 'no failure' : color.red.bold(failures),
  ];
  if (result.lostBlocks > 0)
    calls.push(color.red(glue(`${counted(result.lostBlocks, 'free')} ignored, the block lost`)));
  if (zeroSizeRequests > 0) calls.push(glue(`${counted(zeroSizeRequests, 'request')} for 0 bytes`));
  return calls.join(', ');
}

function timeFacts(result: RunResult, { color }: Paint): Fact[] {
  const { suspension, malloc, free } = result;
  const mark = result.cost.estimated ? ` ${color.yellow('(estimate)')}` : '';
  const by = result.longestSuspensionBy === '' ? '' : `, by ${result.longestSuspensionBy}`;
  const share = glue(percent(result.cycle === 0 ? 0 : suspension.total / result.cycle));
  const span = (cycles: number) => glue(time(result, cycles));
  return [
    ['suspension', `${span(suspension.longest)}${mark} at longest${by}; ${share} of the time`],
    ['malloc', callCost(result, malloc, mark || nearestPathText(malloc))],
    ['free', callCost(result, free, mark || nearestPathText(free))],
    ['cost model', result.cost.source],
    ['deadlines', deadlinesText(result, color)],
  ];
}

/** Instructions are exact for the build that the cost model names; time follows from estimated cycles. */
function callCost(result: RunResult, { instructions, cycles }: RunResult['malloc'], mark: string): string {
  if (instructions.count === 0) return 'never called';
  const { p50, p99, maximum } = instructions;
  const longest = glue(time(result, cycles.maximum));
  const counts = [`p50 ${groupDigits(p50)}`, `p99 ${groupDigits(p99)}`, `at most ${groupDigits(maximum)}`];
  return `${counts.map(glue).join(', ')} instructions; ${glue(`${longest} at longest`)}${mark}`;
}

/** Said where some of the counts are no measured ones. */
function nearestPathText({ byNearestPath, cycles }: RunResult['malloc']): string {
  if (byNearestPath === 0) return '';
  const calls = `${groupDigits(byNearestPath)} of ${counted(cycles.count, 'call')}`;
  return `; ${glue(calls)} priced by the nearest measured path`;
}

function deadlinesText(result: RunResult, color: Paint['color']): string {
  if (result.missedDeadlines === 0) return 'none missed';
  const worst = result.tasks.reduce((late, task) => Math.max(late, task.worstLatenessCycles), 0);
  const missed = glue(`${groupDigits(result.missedDeadlines)} missed`);
  return `${color.red.bold(missed)}, ${glue(time(result, worst))} late at worst`;
}

function amount(count: number): string {
  return glue(bytes(count));
}

function outOfMemoryTitle(result: RunResult): string {
  return `Out of memory: ${counted(result.outOfMemoryCount, 'request')} failed`;
}

function hint(result: RunResult, paint: Paint, out: string | undefined): string | undefined {
  if (result.outOfMemory.length === 0) return undefined;
  const command = (file: string) => `heaplab inspect ${file} --oom 1`;
  const text =
    out === undefined
      ? `Look closer: --out result.json, then ${command('result.json')}`
      : `Look closer: ${command(quoted(out))}`;
  return paragraph(text, paint, paint.color.cyan);
}

/** As a shell wants it. */
function quoted(file: string): string {
  return /^[\w./:@%+,-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`;
}
