/** `heaplab run`: scenarios from file to verdict. */

import { type Problem, problemLine, UserError } from '../input/index.js';
import { Recorder } from '../inspect/recorder.js';
import type { RunResult } from '../inspect/result.js';
import { resultJson, resultsJson } from '../report/result-json.js';
import { runSummary } from '../report/run-summary.js';
import { ScheduleLog } from '../report/schedule.js';
import { loadScenario } from '../scenario/load.js';
import type { Scenario } from '../scenario/scenario.js';
import { type CostChoice, costModel } from '../simulation/cost.js';
import type { RunObserver } from '../simulation/events.js';
import { assertFeasible } from '../simulation/feasible.js';
import { type RunSettings, run } from '../simulation/run.js';
import { loadTarget } from '../targets/load.js';
import { withOverrides } from '../targets/overrides.js';
import type { Target } from '../targets/target.js';
import {
  alignmentFlag,
  badOption,
  durationFlag,
  heapNamed,
  heapOptions,
  loadOptions,
  numberFlag,
  sizeFlag,
} from './flags.js';
import { EventLines, Progress } from './live.js';
import { outFiles, writeResult } from './out.js';
import { scenarioTarget } from './scenario-target.js';
import { SUCCESS, type Terminal, UNEXPECTED } from './terminal.js';

/** What may be changed about a target. */
export interface TargetFlags {
  readonly target?: string;
  readonly ram?: string;
  readonly heapSize?: string;
  readonly reserve?: string;
  readonly alignment?: string;
}

export interface RunFlags extends TargetFlags {
  readonly heap?: string;
  readonly heapOption?: string[];
  readonly duration?: string;
  readonly seed?: string;
  readonly cost: CostChoice;
  readonly out?: string;
  readonly json?: boolean;
  readonly schedule?: boolean;
  readonly inspect?: boolean;
  readonly check?: boolean;
  readonly keepEvents: string;
  readonly verbose?: boolean;
}

export async function runCommand(terminal: Terminal, files: string[], flags: RunFlags): Promise<number> {
  if ([flags.json, flags.schedule, flags.inspect].filter((given) => given === true).length > 1) {
    throw badOption('--json, --schedule and --inspect exclude each other', 'one of them');
  }
  const keptEvents = numberFlag('--keep-events', flags.keepEvents, 1, 1_000_000);
  // Everything is read before anything runs: a mistake in the last file should not cost the first one's time.
  const jobs = loadAll(files, flags);
  const outs = flags.out === undefined ? [] : outFiles(flags.out, files);
  // Explaining needs much code that running does not.
  const explain = flags.inspect === true ? (await import('./inspect.js')).explainFirst : undefined;
  const results = jobs.map(({ scenario, settings }, index) => {
    const result = runOne(terminal, scenario, settings, flags, keptEvents, outs[index]);
    explain?.(terminal, result);
    return result;
  });
  if (flags.json === true) printJson(terminal, results);
  return results.every((result) => result.passed) ? SUCCESS : UNEXPECTED;
}

interface Job {
  readonly scenario: Scenario;
  readonly settings: RunSettings;
}

/** @throws UserError with the problems of all files; a flag's mistake, which all of them meet, once */
function loadAll(files: readonly string[], flags: RunFlags): Job[] {
  const problems = new Map<string, Problem>();
  const jobs: Job[] = [];
  for (const file of files) {
    try {
      const scenario = loadScenario(file, loadOptions());
      const settings = settingsFor(scenario, flags);
      assertFeasible(scenario, settings);
      jobs.push({ scenario, settings });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      for (const problem of error.problems) problems.set(problemLine(problem), problem);
    }
  }
  if (problems.size > 0) throw new UserError([...problems.values()]);
  return jobs;
}

function settingsFor(scenario: Scenario, flags: RunFlags): RunSettings {
  const heap = heapNamed(flags.heap ?? scenario.heap.name);
  // Options in the file belong to the file's heap; another one given by a flag has options of its own.
  const fromFile = heap.name === scenario.heap.name ? scenario.heap.options : {};
  const target = targetFor(scenario, flags);
  const options = heapOptions(heap, fromFile, flags.heapOption);
  const length = durationFlag(flags.duration);
  return {
    target,
    heap,
    options,
    costChoice: flags.cost,
    cost: costModel(flags.cost, heap, target, options),
    seed: flags.seed === undefined ? scenario.seed : numberFlag('--seed', flags.seed, 0, 2 ** 32 - 1),
    ...(length !== undefined && { length }),
    checkEveryCall: flags.check === true,
  };
}

/** The scenario's target or that of `--target`, as the flags change it. @throws UserError */
export function targetFor(scenario: Scenario, flags: TargetFlags): Target {
  const target = flags.target === undefined ? scenarioTarget(scenario) : loadTarget(flags.target);
  return withOverrides(target, {
    ramBytes: sizeFlag('--ram', flags.ram),
    heapBytes: sizeFlag('--heap-size', flags.heapSize),
    reserveBytes: sizeFlag('--reserve', flags.reserve, 0),
    alignment: alignmentFlag(flags.alignment),
  });
}

function runOne(
  terminal: Terminal,
  scenario: Scenario,
  settings: RunSettings,
  flags: RunFlags,
  keptEvents: number,
  out: string | undefined,
): RunResult {
  const recorder = new Recorder(keptEvents);
  const observers: RunObserver[] = [recorder];
  if (flags.schedule === true) observers.push(new ScheduleLog((line) => terminal.print(`${line}\n`)));
  // What programs read stays free of what people read.
  const print = flags.json === true || flags.schedule === true ? terminal.warn : terminal.print;
  if (flags.verbose === true) observers.push(new EventLines(print, scenario.file));
  const progress = terminal.interactive
    ? new Progress(terminal, scenario.name, settings.length ?? scenario.length)
    : undefined;
  if (progress !== undefined) observers.push(progress);

  const outcome = run(scenario, settings, observers);
  progress?.clear();
  const result = recorder.result(scenario, settings, outcome);
  if (out !== undefined) writeResult(out, result);
  if (flags.json !== true && flags.schedule !== true) {
    terminal.print(`${runSummary(result, terminal, out)}\n`);
  }
  return result;
}

function printJson(terminal: Terminal, results: readonly RunResult[]): void {
  const [only] = results;
  for (const piece of results.length === 1 ? resultJson(only!) : resultsJson(results)) terminal.print(piece);
  terminal.print('\n');
}
