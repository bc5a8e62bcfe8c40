/** `heaplab targets`: the chips, or one of them in full. */

import { targetList, targetReport } from '../report/listings.js';
import { loadTarget, targetNames } from '../targets/load.js';
import { SUCCESS, type Terminal } from './terminal.js';

export function targetsCommand(
  terminal: Terminal,
  name: string | undefined,
  flags: { json?: boolean },
): number {
  const chosen = name === undefined ? targetNames().map((known) => loadTarget(known)) : [loadTarget(name)];
  if (flags.json === true)
    terminal.print(`${JSON.stringify(name === undefined ? chosen : chosen[0], null, 2)}\n`);
  else
    terminal.print(
      `${name === undefined ? targetList(chosen, terminal) : targetReport(chosen[0]!, terminal)}\n`,
    );
  return SUCCESS;
}
