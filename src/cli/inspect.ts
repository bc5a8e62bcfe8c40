/** `heaplab inspect`: one out-of-memory event of a result, in words and as a map. */

import { readFileBytes } from '../input/index.js';
import { analyse } from '../inspect/analysis.js';
import { type OutOfMemoryEvent, parseResult, type RunResult } from '../inspect/result.js';
import { blockTable, oomReport } from '../report/oom-report.js';
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
  if (outOfMemoryCount === 0) {
    terminal.print(`${result.scenario.name}: no request failed, there is nothing to explain.\n`);
    return SUCCESS;
  }
  const number = numberFlag('--oom', flags.oom, 1, Number.MAX_SAFE_INTEGER);
  const event = outOfMemory.find((candidate) => candidate.number === number);
  if (event === undefined) {
    const kept = outOfMemory.length;
    const why = number <= outOfMemoryCount ? 'was counted, but not kept in full' : 'did not happen';
    const range = kept === 0 ? 'a run with smaller block maps: none was kept' : `1 to ${kept}`;
    throw badOption(`--oom ${number}: event ${number} ${why}`, `${range} (see "heaplab run --keep-events")`);
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

/** The first event of a run just made, if there was one. */
export function explainFirst(terminal: Terminal, result: RunResult): void {
  const [first] = result.outOfMemory;
  if (first !== undefined)
    terminal.print(`\n${oomReport(result, first, terminal, tryRemedies(result, first))}\n`);
}

/** The same run on other heaps, with more RAM, with the blockers released. */
function tryRemedies(result: RunResult, event: OutOfMemoryEvent): Remedy[] {
  const { scenario, settings } = settingsOf(result);
  return remedies(scenario, settings, result, event);
}

function readResult(file: string): string {
  const expected = 'a file written by "heaplab run … --out result.json"';
  return readFileBytes(file, MAXIMUM_RESULT_BYTES, expected).toString('utf8');
}
