/** `heaplab compare`: the same workloads on every heap, ranked. */

import { UserError } from '../input/index.js';
import { compareMarkdown, compareReport } from '../report/compare-report.js';
import { loadScenario } from '../scenario/load.js';
import type { CostChoice } from '../simulation/cost.js';
import { type CompareSettings, type Comparison, compareScenario, compareTrace } from '../studies/compare.js';
import { TraceWorkload } from '../studies/workload.js';
import { loadTarget } from '../targets/load.js';
import { withOverrides } from '../targets/overrides.js';
import type { Target } from '../targets/target.js';
import { readTrace } from '../traces/read.js';
import { replayOptions } from '../traces/replay-machine.js';
import { alignmentFlag, badOption, loadOptions, numberFlag, sizeFlag } from './flags.js';
import { targetFor } from './run.js';
import { type CandidateFlags, candidatesOf, isScenario, namesIn, progress } from './study.js';
import { SUCCESS, type Terminal } from './terminal.js';

interface CompareFlags extends CandidateFlags {
  readonly targets?: string;
  readonly heapSize?: string;
  readonly alignment?: string;
  readonly seed?: string;
  readonly cost: CostChoice;
  readonly scan: string;
  readonly size: boolean;
  readonly json?: boolean;
  readonly markdown?: boolean;
}

/** Where traces run unless told otherwise. */
const TRACE_TARGET = 'stm32f103c8';

export function compareCommand(terminal: Terminal, files: string[], flags: CompareFlags): number {
  if (flags.json === true && flags.markdown === true) {
    throw badOption('--json and --markdown exclude each other', 'one of them');
  }
  const jobs = jobsFor(terminal, files, flags);
  const comparisons = jobs.map((job) => job());
  progress(terminal, '');
  if (flags.json === true) terminal.print(`${JSON.stringify(comparisons)}\n`);
  else if (flags.markdown === true) terminal.print(`${compareMarkdown(comparisons)}\n`);
  else terminal.print(`${compareReport(comparisons, terminal)}\n`);
  return SUCCESS;
}

/** Everything is read before anything runs. @throws UserError with the problems of all files */
function jobsFor(terminal: Terminal, files: readonly string[], flags: CompareFlags): (() => Comparison)[] {
  const seed = flags.seed === undefined ? undefined : numberFlag('--seed', flags.seed, 0, 2 ** 32 - 1);
  if (seed !== undefined && !files.some(isScenario)) {
    throw badOption('--seed is for scenarios', 'no --seed: nothing in a trace is random');
  }
  const problems = [];
  const jobs: (() => Comparison)[] = [];
  const settings: CompareSettings = {
    costChoice: flags.cost,
    scan: flags.size ? numberFlag('--scan', flags.scan, 0, 4096) : undefined,
    onHeap: (heap) => progress(terminal, heap),
  };
  for (const file of files) {
    try {
      jobs.push(
        ...(isScenario(file) ? scenarioJobs(file, flags, seed, settings) : traceJobs(file, flags, settings)),
      );
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new UserError(problems);
  return jobs;
}

function scenarioJobs(
  file: string,
  flags: CompareFlags,
  seed: number | undefined,
  settings: CompareSettings,
): (() => Comparison)[] {
  const scenario = loadScenario(file, loadOptions());
  const candidates = candidatesOf(flags, (heap) =>
    heap.name === scenario.heap.name ? scenario.heap.options : {},
  );
  return named(flags.targets)
    .map((target) => targetFor(scenario, { ...flags, ...(target !== undefined && { target }) }))
    .map((target) => () => compareScenario(scenario, target, seed ?? scenario.seed, candidates, settings));
}

function traceJobs(file: string, flags: CompareFlags, settings: CompareSettings): (() => Comparison)[] {
  const trace = readTrace(file);
  const candidates = candidatesOf(flags, replayOptions);
  return named(flags.targets)
    .map((name) => traceTarget(name ?? TRACE_TARGET, flags))
    .map(
      (target) => () =>
        compareTrace(new TraceWorkload(trace, target.alignment), target, candidates, settings),
    );
}

function traceTarget(name: string, flags: CompareFlags): Target {
  return withOverrides(loadTarget(name), {
    heapBytes: sizeFlag('--heap-size', flags.heapSize),
    alignment: alignmentFlag(flags.alignment),
  });
}

/** Undefined stands for the scenario's own, or the usual one. */
function named(targets: string | undefined): (string | undefined)[] {
  return targets === undefined ? [undefined] : namesIn(targets);
}
