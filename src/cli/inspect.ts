/** `heaplab inspect`: one out-of-memory event of a result, in words and as a map. */

import { readFileBytes, UserError } from '../input/index.js';
import { analyse } from '../inspect/analysis.js';
import { type OutOfMemoryEvent, parseResult, type RunResult } from '../inspect/result.js';
import { blockTable, oomReport } from '../report/oom-report.js';
import { escaped } from '../report/text.js';
import { settingsOf } from '../studies/again.js';
import { type Remedy, remedies } from '../studies/rescue.js';
import { badOption, numberFlag } from './flags.js';
import { SUCCESS, type Terminal } from './terminal.js';

/** Larger than any result with as many events as are kept; JSON is read in one piece. */
const MAXIMUM_RESULT_BYTES = 2 ** 27;

interface InspectFlags {
  readonly oom: string;
  readonly blocks?: boolean;
  readonly json?: boolean;
  /** False with --no-rescue. */
  readonly rescue: boolean;
}

export function inspectCommand(terminal: Terminal, file: string, flags: InspectFlags): number {
  const result = parseResult(readResult(file), file);
  const { outOfMemory, outOfMemoryCount } = result;
  const number = numberFlag('--oom', flags.oom, 1, outOfMemoryCount || Number.MAX_SAFE_INTEGER);
  if (outOfMemoryCount === 0 && number === 1) {
    const text = escaped(`${result.scenario.name}: no request failed, there is nothing to explain.`);
    terminal.print(flags.json === true ? 'null\n' : `${text}\n`);
    return SUCCESS;
  }
  const event = outOfMemory.find((candidate) => candidate.number === number);
  if (event === undefined) {
    const why = outOfMemoryCount === 0 ? 'did not happen' : 'was counted, but not kept in full';
    throw badOption(`--oom ${number}: event ${number} ${why}`, eventsThere(result));
  }
  const tried = flags.rescue ? tryRemedies(result, event) : [];
  if (flags.json === true) {
    terminal.print(`${JSON.stringify({ ...event, analysis: analyse(result, event), remedies: tried })}\n`);
  } else {
    terminal.print(`${oomReport(result, event, terminal, tried)}\n`);
    if (flags.blocks === true) terminal.print(`\n${blockTable(event, terminal)}\n`);
  }
  return SUCCESS;
}

function eventsThere({ outOfMemory, outOfMemoryCount }: RunResult): string {
  if (outOfMemoryCount === 0) return 'a run in which a request failed';
  if (outOfMemory.length === 0) return 'a run with smaller block maps: none of this one was kept';
  return `1 to ${outOfMemory.length} (see "heaplab run --keep-events")`;
}

/** The first event of a run just made, if there was one. */
export function explainFirst(terminal: Terminal, result: RunResult): void {
  const [first] = result.outOfMemory;
  if (first !== undefined)
    terminal.print(`\n${oomReport(result, first, terminal, tryRemedies(result, first))}\n`);
}

/** The same run on other heaps, with more RAM, with the blockers released. */
function tryRemedies(result: RunResult, event: OutOfMemoryEvent): Remedy[] {
  const { scenario, settings } = madeAgain(result);
  return remedies(scenario, settings, result, event);
}

/** A scenario in TypeScript is read from its file, which may have changed since, or be gone. */
function madeAgain(result: RunResult): ReturnType<typeof settingsOf> {
  try {
    return settingsOf(result);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { file } = result.scenario;
    const [problem, ...others] = error.problems;
    if (problem?.file !== file) throw error;
    const expected = `${problem.expected ?? 'the file that was run'}; --no-rescue explains the event without it`;
    throw new UserError([{ ...problem, expected }, ...others]);
  }
}

function readResult(file: string): string {
  const expected = 'a file written by "heaplab run … --out result.json"';
  return readFileBytes(file, MAXIMUM_RESULT_BYTES, expected).toString('utf8');
}
