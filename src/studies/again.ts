/** Makes a run again from its result. */

import * as v from 'valibot';
import { catalog, findHeap } from '../heaps/catalog.js';
import { UserError } from '../input/index.js';
import type { RunResult } from '../inspect/result.js';
import { loadScenarioAgain } from '../scenario/load.js';
import type { Scenario } from '../scenario/scenario.js';
import { costModel } from '../simulation/cost.js';
import type { RunSettings } from '../simulation/run.js';

/** The scenario from the text in the result, and the settings it ran with. @throws UserError */
export function settingsOf(result: RunResult): { scenario: Scenario; settings: RunSettings } {
  const { target, seed, length } = result;
  const heap = findHeap(result.heap.name);
  if (heap === undefined) {
    const message = `this heaplab has no heap "${result.heap.name}"`;
    throw new UserError([{ code: 'unknown-name', message, expected: 'a result of this version' }]);
  }
  const options = v.parse(heap.options, result.heap.options);
  const { choice } = result.cost;
  const { source, file } = result.scenario;
  const scenario = loadScenarioAgain(file, source, { heapNames: catalog.map(({ name }) => name) });
  const cost = costModel(choice, heap, target, options);
  const settings = { target, heap, options, seed, costChoice: choice, cost };
  return { scenario, settings: length === undefined ? settings : { ...settings, length } };
}
