/** The target that a scenario names. */

import { dirname } from 'node:path';
import type { Scenario } from '../scenario/scenario.js';
import { loadTarget } from '../targets/load.js';
import type { Target } from '../targets/target.js';

/** Paths are relative to the scenario's file. @throws UserError, where there is none with the scenario's line */
export function scenarioTarget({ file, source, target, targetAt }: Scenario): Target {
  return loadTarget(target, {
    from: dirname(file),
    blame: (problem) => ({ ...problem, file, source, start: targetAt }),
  });
}
