/**
 * Runs a scenario's file, and what it imports, as CommonJS modules of its own. Node's loader runs a module
 * once per process; a device has its variables anew at every power-on, and so have these.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, resolve } from 'node:path';
import { compileFunction } from 'node:vm';
import { readText } from '../../input/files.js';
import { locate } from '../call-site.js';
import { type CompiledFile, compile, type SourceFile, shownName } from './compiler.js';
import { LOCATE, PASS } from './instrument.js';
import { LoopPasses } from './loops.js';

type Body = (
  exports: object,
  require: (name: string) => unknown,
  module: { exports: object },
  filename: string,
  dirname: string,
  at: (index: number, operand: unknown) => unknown,
  pass: (index: number) => void,
) => void;

interface CompiledModule {
  readonly file: CompiledFile;
  readonly body: Body;
}

/** The files of one scenario, compiled once. */
export class ScenarioModules {
  readonly loops = new LoopPasses();
  private readonly compiled = new Map<string, CompiledModule>();

  /** @throws UserError */
  constructor(readonly scenario: SourceFile) {
    this.add(scenario, true);
  }

  /** Every file so far, the scenario's first. */
  get files(): readonly CompiledFile[] {
    return [...this.compiled.values()].map(({ file }) => file);
  }

  /** Runs them from scratch and returns what the scenario's file exports. `library` is `heaplab` to them. */
  run(library: object): unknown {
    const running = new Map<string, { exports: object }>();
    const load = (path: string): object => {
      const started = running.get(path);
      if (started !== undefined) return started.exports;
      const { file, body } = this.compiled.get(path) ?? this.addImported(path);
      const module = { exports: {} };
      running.set(path, module);
      const requireThere = (name: string): unknown => {
        if (name === 'heaplab') return library;
        const imported = typeScriptFile(name, path);
        return imported === undefined ? createRequire(path)(name) : load(imported);
      };
      const at = (index: number, operand: unknown) => locate(file.sites[index]!, operand);
      const pass = (index: number) => this.loops.count(file, index);
      body(module.exports, requireThere, module, path, dirname(path), at, pass);
      return module.exports;
    };
    return load(this.scenario.path);
  }

  private addImported(path: string): CompiledModule {
    const shown = shownName(path, this.scenario);
    return this.add({ shown, path, text: readText(path) }, false);
  }

  private add(source: SourceFile, isScenario: boolean): CompiledModule {
    const file = compile(source, isScenario);
    const parameters = ['exports', 'require', 'module', '__filename', '__dirname', LOCATE, PASS];
    const body = compileFunction(file.code, parameters, { filename: source.path }) as Body;
    const module = { file, body };
    this.compiled.set(source.path, module);
    return module;
  }
}

/** What an import of a file leads to, if that is TypeScript. The compiler has seen to it that it exists. */
function typeScriptFile(name: string, from: string): string | undefined {
  if (!name.startsWith('.') && !isAbsolute(name)) return undefined;
  const path = resolve(dirname(from), name);
  const candidates = [path.replace(/\.js$/, '.ts'), `${path}.ts`, `${path}/index.ts`];
  return candidates.find((candidate) => candidate.endsWith('.ts') && existsSync(candidate));
}
