/** Loads a scenario in TypeScript: type-checked, with the lines of its calls, and anew at every power-on. */

import { resolve } from 'node:path';
import { type Path, readText } from '../../input/files.js';
import { UserError } from '../../input/index.js';
import type { LoadOptions } from '../assemble.js';
import type { Script } from '../calls.js';
import { type DescriptionPlace, describedScenario, scriptIn } from '../described.js';
import type { Scenario, ScriptFunction } from '../scenario.js';
import type { ScriptTask } from '../script-task.js';
import { ScenarioModules } from './modules.js';
import { scriptError } from './script-errors.js';

/** @throws UserError with everything that is wrong with the file */
export function loadTypeScript(path: string, options: LoadOptions): Scenario {
  const text = readText(path);
  return new ScenarioFile(new ScenarioModules({ shown: path, path: resolve(path), text })).scenario(options);
}

/** What `defineScenario` makes while a file is loaded: its loader checks it, knowing where everything stands. */
class Definition {
  constructor(readonly description: unknown) {}
}

const LIBRARY = { defineScenario: (description: unknown) => new Definition(description) };

class ScenarioFile {
  /** What the file said when a device was powered on. */
  private readonly descriptions = new WeakMap<object, unknown>();

  constructor(private readonly modules: ScenarioModules) {}

  scenario(options: LoadOptions): Scenario {
    return describedScenario(this.describe(), this.place(), options, (path) => this.scriptAt(path));
  }

  /** Runs the file. */
  private describe(): unknown {
    try {
      const exported = this.modules.run(LIBRARY) as { default?: unknown };
      if (exported.default instanceof Definition) return exported.default.description;
    } catch (error) {
      throw scriptError(error, this.modules.files, undefined);
    }
    const { shown: file, text: source } = this.modules.scenario;
    const message = 'this file does not export a scenario';
    const expected = '`export default defineScenario({ … })`';
    throw new UserError([{ code: 'script-error', message, expected, file, source }]);
  }

  private place(): DescriptionPlace {
    const { shown: file, text } = this.modules.scenario;
    const range = this.modules.files[0]!.partRange ?? (() => ({ start: { line: 1, column: 1 } }));
    return { file, text, range };
  }

  private scriptAt(path: Path): ScriptFunction {
    return (task) => this.guarded(path, task as ScriptTask);
  }

  private *guarded(path: Path, task: ScriptTask): Script {
    this.modules.loops.watch(task.boot.kernel.clock);
    try {
      yield* scriptIn(this.descriptionFor(task.boot), path)(task);
    } catch (error) {
      throw scriptError(error, this.modules.files, task.at);
    }
  }

  /** Variables of the file are the firmware's: every device, and every reset, has them as they were written. */
  private descriptionFor(boot: object): unknown {
    let description = this.descriptions.get(boot);
    if (description === undefined) {
      description = this.describe();
      this.descriptions.set(boot, description);
    }
    return description;
  }
}
