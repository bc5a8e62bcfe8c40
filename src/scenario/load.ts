/** Reads a scenario's file, in YAML or in TypeScript. */

import { byPlace, readText, YamlFile } from '../input/files.js';
import { UserError } from '../input/index.js';
import { assemble, type LoadOptions } from './assemble.js';
import { interruptProblems } from './interrupt-rules.js';
import { nameProblems } from './names.js';
import type { Scenario } from './scenario.js';
import { loadTypeScript } from './typescript/load.js';

export type { LoadOptions } from './assemble.js';

/** A path that ends in .ts is TypeScript's. @throws UserError with everything that is wrong with the file */
export function loadScenario(path: string, options: LoadOptions): Scenario {
  if (/\.([cm]ts|[jt]sx|[cm]?js)$/.test(path)) {
    const message = 'scenarios are not written in this language';
    throw new UserError([{ code: 'unreadable-file', file: path, message, expected: 'a .yaml or .ts file' }]);
  }
  if (/\.(trace|gz)$/.test(path)) {
    const message = 'by its name this is a trace, not a scenario';
    const expected = 'a .yaml or .ts file; traces are for "heaplab replay", "size" and "compare"';
    throw new UserError([{ code: 'unreadable-file', file: path, message, expected }]);
  }
  return isTypeScript(path) ? loadTypeScript(path, options) : scenarioOf(YamlFile.read(path), options);
}

/** The same for the text of a YAML file; `file` is the name under which problems are reported. @throws UserError */
export function parseScenario(text: string, file: string, options: LoadOptions): Scenario {
  return scenarioOf(new YamlFile(file, text), options);
}

/**
 * The scenario of a recorded run, whose text was `source`. YAML is taken from there; code is not run because it
 * stands in a result, but loaded from its file.
 *
 * @throws UserError also when that file has changed since
 */
export function loadScenarioAgain(file: string, source: string, options: LoadOptions): Scenario {
  if (!isTypeScript(file)) return parseScenario(source, file, options);
  if (readText(file) !== source) {
    const message = 'this file has changed since the run';
    throw new UserError([{ code: 'contradiction', file, message, expected: 'the file that was run' }]);
  }
  return loadTypeScript(file, options);
}

function isTypeScript(path: string): boolean {
  return path.endsWith('.ts');
}

function scenarioOf(file: YamlFile, options: LoadOptions): Scenario {
  if (file.value === undefined) throw new UserError(byPlace(file.problems));
  const named = [...nameProblems(file.value), ...interruptProblems(file.value)];
  return assemble(file, options, [...file.problems, ...named.map((problem) => file.problem(problem))]);
}
