/** `heaplab size`: the smallest arena that would do, for every heap. */

import { formatBytes } from '../input/index.js';
import { sizeReport, traceRunReport } from '../report/size-report.js';
import { loadScenario } from '../scenario/load.js';
import type { CostChoice } from '../simulation/cost.js';
import { smallestArena } from '../studies/size.js';
import { runTrace } from '../studies/trace-run.js';
import { type Candidate, ScenarioWorkload, TraceWorkload, type Workload } from '../studies/workload.js';
import { simulateLocks } from '../traces/lock-simulation.js';
import { readTrace } from '../traces/read.js';
import { replayOptions } from '../traces/replay-machine.js';
import { alignmentFlag, badOption, loadOptions, numberFlag, sizeFlag } from './flags.js';
import { targetFor } from './run.js';
import { type CandidateFlags, candidatesOf, isScenario, progress } from './study.js';
import { SUCCESS, type Terminal } from './terminal.js';

interface SizeFlags extends CandidateFlags {
  readonly target?: string;
  readonly alignment?: string;
  readonly seed?: string;
  readonly cost: CostChoice;
  readonly scan: string;
  readonly at?: string;
  readonly points: string;
  readonly locks?: boolean;
  readonly json?: boolean;
}

const DEFAULT_ALIGNMENT = 8;

export function sizeCommand(terminal: Terminal, file: string, flags: SizeFlags): number {
  const workload = workloadOf(file, flags);
  const candidates = candidatesOf(flags, workload instanceof TraceWorkload ? replayOptions : () => ({}));
  const arenaBytes = sizeFlag('--at', flags.at);
  if (arenaBytes !== undefined) return runAt(terminal, workload, candidates, arenaBytes, flags);
  const scan = numberFlag('--scan', flags.scan, 0, 4096);
  const sizes = candidates.map((candidate, index) => {
    progress(terminal, `${candidate.heap.name} (${index + 1} of ${candidates.length})`);
    return smallestArena(workload, candidate, { scan });
  });
  progress(terminal, '');
  const { name, alignment, peakLiveBytes } = workload;
  const report = { name, alignment, peakLiveBytes, scan, sizes };
  terminal.print(flags.json === true ? `${JSON.stringify(report)}\n` : `${sizeReport(report, terminal)}\n`);
  return SUCCESS;
}

/** What happens in an arena of a given size, instead of the search for one. */
function runAt(
  terminal: Terminal,
  workload: Workload,
  candidates: readonly Candidate[],
  arenaBytes: number,
  flags: SizeFlags,
): number {
  if (!(workload instanceof TraceWorkload)) {
    throw badOption('--at is for traces', '"heaplab run --heap-size" for a scenario');
  }
  for (const { heap, options } of candidates) {
    const least = heap.minimumArenaBytes(workload.alignment, options);
    if (arenaBytes >= least) continue;
    throw badOption(
      `--at: ${heap.name} cannot work in ${formatBytes(arenaBytes)}`,
      `at least ${formatBytes(least)}`,
    );
  }
  const points = numberFlag('--points', flags.points, 1, 1000);
  const runs = candidates.map((candidate) => runTrace(workload, candidate, arenaBytes, points));
  const text = flags.json === true ? JSON.stringify(runs) : traceRunReport(workload.name, runs, terminal);
  terminal.print(`${text}\n`);
  return SUCCESS;
}

function workloadOf(file: string, flags: SizeFlags): Workload {
  const alignment = alignmentFlag(flags.alignment);
  if (!isScenario(file)) {
    for (const flag of ['target', 'seed'] as const) {
      if (flags[flag] !== undefined)
        throw badOption(`--${flag} is for scenarios`, 'a scenario instead of a trace');
    }
    const trace = readTrace(file);
    return new TraceWorkload(
      flags.locks === true ? simulateLocks(trace) : trace,
      alignment ?? DEFAULT_ALIGNMENT,
    );
  }
  if (flags.locks === true) throw badOption('--locks is for traces', 'a trace with accesses');
  const scenario = loadScenario(file, loadOptions());
  const seed = flags.seed === undefined ? scenario.seed : numberFlag('--seed', flags.seed, 0, 2 ** 32 - 1);
  return new ScenarioWorkload(scenario, targetFor(scenario, flags), seed, flags.cost);
}
