/** `heaplab check`: finds every mistake in scenarios and profiles without running anything. */

import { readText } from '../input/files.js';
import { type Problem, UserError } from '../input/index.js';
import { escaped } from '../report/text.js';
import { loadScenario } from '../scenario/load.js';
import { assertFeasible } from '../simulation/feasible.js';
import { loadTarget } from '../targets/load.js';
import { heapNamed, heapOptions, loadOptions } from './flags.js';
import { scenarioTarget } from './scenario-target.js';
import { SUCCESS, type Terminal } from './terminal.js';

export function checkCommand(terminal: Terminal, files: string[]): number {
  const problems: Problem[] = [];
  for (const file of files) {
    try {
      terminal.print(`${escaped(`${file}: ${checkFile(file)}`)}\n`);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new UserError(problems);
  return SUCCESS;
}

function checkFile(file: string): string {
  if (looksLikeTarget(file)) {
    const target = loadTarget(file);
    return `a target, ${target.name}`;
  }
  const scenario = loadScenario(file, loadOptions());
  const heap = heapNamed(scenario.heap.name);
  const options = heapOptions(heap, scenario.heap.options);
  const target = scenarioTarget(scenario);
  assertFeasible(scenario, { target, heap, options }, file);
  return `a scenario, ${scenario.name} on ${target.name} with ${scenario.heap.name}`;
}

/** By its keys; what cannot be read is left to the scenario loader to complain about. */
function looksLikeTarget(file: string): boolean {
  try {
    const text = readText(file);
    return /^(regions|core|clock|extends)\s*:/m.test(text) && !/^(tasks|duration)\s*:/m.test(text);
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}
