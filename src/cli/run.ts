/** `heaplab run`: scenarios from file to verdict. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileErrorReason, UserError } from '../input/index.js';
import { Recorder } from '../inspect/recorder.js';
import type { RunResult } from '../inspect/result.js';
import { runSummary } from '../report/run-summary.js';
import { ScheduleLog } from '../report/schedule.js';
import { loadScenario } from '../scenario/load.js';
import type { Scenario } from '../scenario/scenario.js';
import { type CostChoice, costModel } from '../simulation/cost.js';
import type { RunObserver } from '../simulation/events.js';
import { type RunSettings, run } from '../simulation/run.js';
import { loadTarget } from '../targets/load.js';
import { withOverrides } from '../targets/overrides.js';
import type { Target } from '../targets/target.js';
import {
  alignmentFlag,
  badOption,
  heapNamed,
  heapOptions,
  loadOptions,
  numberFlag,
  sizeFlag,
} from './flags.js';
import { EventLines, Progress } from './live.js';
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
  readonly heapOption: string[];
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
  if (flags.json === true && (flags.schedule === true || flags.inspect === true)) {
    throw badOption('--json excludes --schedule and --inspect', 'one of them');
  }
  // Everything is read before anything runs: a mistake in the last file should not cost the first one's time.
  const jobs = loadAll(files, flags);
  // Explaining needs much code that running does not.
  const explain = flags.inspect === true ? (await import('./inspect.js')).explainFirst : undefined;
  const results = jobs.map(({ scenario, settings }) => {
    const result = runOne(terminal, scenario, settings, flags, jobs.length);
    explain?.(terminal, result);
    return result;
  });
  if (flags.json === true) terminal.print(`${JSON.stringify(results.length === 1 ? results[0] : results)}\n`);
  return results.every((result) => result.passed) ? SUCCESS : UNEXPECTED;
}

interface Job {
  readonly scenario: Scenario;
  readonly settings: RunSettings;
}

/** @throws UserError with the problems of all files */
function loadAll(files: readonly string[], flags: RunFlags): Job[] {
  const problems = [];
  const jobs: Job[] = [];
  for (const file of files) {
    try {
      const scenario = loadScenario(file, loadOptions());
      jobs.push({ scenario, settings: settingsFor(scenario, flags) });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new UserError(problems);
  return jobs;
}

function settingsFor(scenario: Scenario, flags: RunFlags): RunSettings {
  const heap = heapNamed(flags.heap ?? scenario.heap.name);
  // Options in the file belong to the file's heap; another one given by a flag has options of its own.
  const fromFile = heap.name === scenario.heap.name ? scenario.heap.options : {};
  const target = targetFor(scenario, flags);
  return {
    target,
    heap,
    options: heapOptions(heap, fromFile, flags.heapOption),
    costChoice: flags.cost,
    cost: costModel(flags.cost, heap, target),
    seed: flags.seed === undefined ? scenario.seed : numberFlag('--seed', flags.seed, 0, 2 ** 32 - 1),
    checkEveryCall: flags.check === true,
  };
}

/** The scenario's target or that of `--target`, as the flags change it. @throws UserError */
export function targetFor(scenario: Scenario, flags: TargetFlags): Target {
  const target =
    flags.target === undefined
      ? loadTarget(scenario.target, { from: dirname(scenario.file) })
      : loadTarget(flags.target);
  return withOverrides(target, {
    ramBytes: sizeFlag('--ram', flags.ram),
    heapBytes: sizeFlag('--heap-size', flags.heapSize),
    reserveBytes: sizeFlag('--reserve', flags.reserve),
    alignment: alignmentFlag(flags.alignment),
  });
}

function runOne(
  terminal: Terminal,
  scenario: Scenario,
  settings: RunSettings,
  flags: RunFlags,
  count: number,
): RunResult {
  const recorder = new Recorder(numberFlag('--keep-events', flags.keepEvents, 1, 1_000_000));
  const observers: RunObserver[] = [recorder];
  if (flags.schedule === true) observers.push(new ScheduleLog((line) => terminal.print(`${line}\n`)));
  if (flags.verbose === true) observers.push(new EventLines(terminal, scenario.file));
  const progress = terminal.interactive ? new Progress(terminal, scenario) : undefined;
  if (progress !== undefined) observers.push(progress);

  const outcome = run(scenario, settings, observers);
  progress?.clear();
  const result = recorder.result(scenario, settings, outcome);
  const out = writeResult(result, flags.out, count);
  if (flags.json !== true && flags.schedule !== true) {
    terminal.print(`${runSummary(result, terminal, out)}\n`);
  }
  return result;
}

/** With several scenarios `--out` names a folder. Returns the file written. */
function writeResult(result: RunResult, out: string | undefined, count: number): string | undefined {
  if (out === undefined) return undefined;
  const name = basename(result.scenario.file).replace(/\.\w+$/, '');
  const file = count === 1 ? out : join(out, `${name}.json`);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(result)}\n`);
  } catch (error) {
    throw badOption(`--out: cannot write ${file}: ${fileErrorReason(error)}`, 'a file that can be written');
  }
  return file;
}
