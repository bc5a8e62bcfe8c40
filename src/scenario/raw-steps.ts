/** Walks scripts as YAML gives them, well-formed or not: names are checked even where other things are wrong. */

import { isMap, type Path } from '../input/files.js';
import { stepSchemas, stepWords } from './schema/steps.js';

/** An item of some list of steps that is one, whatever may be wrong inside it. */
export interface RawStep {
  /** The key or word that says what it does. */
  readonly name: string;
  /** What follows the key; undefined for a word. */
  readonly argument: unknown;
  readonly path: Path;
}

/** Visits every step of a list and of the lists inside it, in the order in which they are written. */
export function visitSteps(list: unknown, path: Path, visit: (step: RawStep) => void): void {
  if (!Array.isArray(list)) return;
  for (const [index, item] of list.entries()) visitStep(item, [...path, index], visit);
}

/** The steps of a policy's hook, if it has one. */
export function visitHook(policy: unknown, path: Path, visit: (step: RawStep) => void): void {
  if (isMap(policy)) visitSteps(policy.hook, [...path, 'hook'], visit);
}

function visitStep(item: unknown, path: Path, visit: (step: RawStep) => void): void {
  if (typeof item === 'string' && Object.hasOwn(stepWords, item)) {
    visit({ name: item, argument: undefined, path });
  }
  if (!isMap(item)) return;
  const name = Object.keys(item).find((key) => Object.hasOwn(stepSchemas, key));
  if (name === undefined) return;
  const argument = item[name];
  visit({ name, argument, path });
  if (name === 'if allocated') {
    visitSteps(item.then, [...path, 'then'], visit);
    visitSteps(item.else, [...path, 'else'], visit);
  } else if (name === 'choose' && Array.isArray(argument)) {
    for (const [index, branch] of argument.entries()) {
      if (isMap(branch)) visitSteps(branch.steps, [...path, name, index, 'steps'], visit);
    }
  } else if (isMap(argument)) {
    if (name === 'repeat') visitSteps(argument.steps, [...path, name, 'steps'], visit);
    visitHook(argument['on oom'], [...path, name, 'on oom'], visit);
  }
}
