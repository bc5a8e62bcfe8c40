/** Checks and compiles a scenario's files with ts-node, which is loaded when the first one comes. */

import { createRequire, SourceMap } from 'node:module';
import { dirname, join, relative } from 'node:path';
import type { Service } from 'ts-node';
import type ts from 'typescript';
import { byPlace, type Path } from '../../input/files.js';
import { type Position, type Problem, UserError } from '../../input/index.js';
import { packageFile, RUNS_FROM_SOURCE } from '../../input/package-file.js';
import type { CallSite } from '../script-call.js';
import { instrument, type Job } from './instrument.js';
import { partRange, rangeBetween, type TextRange } from './text-ranges.js';

/** A file of a scenario, by the name that the user knows and by the one that the system does. */
export interface SourceFile {
  readonly shown: string;
  readonly path: string;
  readonly text: string;
}

export interface CompiledFile extends SourceFile {
  /** A CommonJS module. */
  readonly code: string;
  readonly map: SourceMap;
  readonly sites: readonly CallSite[];
  /** Where its loops begin. */
  readonly loops: readonly Position[];
  /** Where a part of what is given to `defineScenario` stands; undefined where nothing is. */
  readonly partRange: ((path: Path, at: 'key' | 'value') => TextRange) | undefined;
}

/** The same for everybody: what a scenario does must not depend on whose tsconfig.json is near. */
const COMPILER_OPTIONS = {
  target: 'ES2022',
  lib: ['ES2023'],
  module: 'CommonJS',
  moduleResolution: 'Bundler',
  rewriteRelativeImportExtensions: true,
  resolveJsonModule: true,
  esModuleInterop: true,
  strict: true,
  skipLibCheck: true,
  types: [],
  rootDir: '/',
};

/** "Cannot find name 'console'": whose types come with the browser's, which scenarios have no use for. */
const NO_CONSOLE = 2584;

const require = createRequire(import.meta.url);

class ScenarioCompiler {
  private readonly typescript: typeof ts = require('typescript');
  private readonly service: Service;
  private job!: Job;

  constructor() {
    const { create } = require('ts-node') as typeof import('ts-node');
    const { prepareStackTrace } = Error;
    this.service = create({
      cwd: packageFile('.'),
      compiler: require.resolve('typescript'),
      skipProject: true,
      transpileOnly: false,
      typeCheck: true,
      files: false,
      emit: false,
      logError: false,
      pretty: false,
      ignoreDiagnostics: [NO_CONSOLE],
      compilerOptions: { ...COMPILER_OPTIONS, paths: { heaplab: [libraryTypes()] } },
      transformers: (program) => ({ before: [instrument(this.typescript, program, this.job)] }),
    });
    // ts-node would have all stack traces of this process go through its own source maps.
    Error.prepareStackTrace = prepareStackTrace;
  }

  compile(source: SourceFile, isScenario: boolean): CompiledFile {
    const file = source.path.replaceAll('\\', '/');
    const job: Job = { file, isScenario, sites: [], loops: [], mistakes: [], description: undefined };
    this.job = job;
    const found = this.output(source);
    const mistakes = job.mistakes.map(
      (mistake): Problem => ({ code: 'script-error', file: source.shown, source: source.text, ...mistake }),
    );
    const problems = [...found.problems, ...mistakes];
    const syntax = problems.filter((problem) => problem.code === 'syntax');
    // What else is found in a text that cannot be read is seldom meant.
    if (problems.length > 0) throw new UserError(byPlace(syntax.length > 0 ? syntax : problems));
    const { sites, loops } = job;
    return { ...source, ...splitOutput(found.text), sites, loops, partRange: this.ranges(job) };
  }

  private output(source: SourceFile): { text: string; problems: Problem[] } {
    try {
      return { text: this.service.compile(source.text, source.path), problems: [] };
    } catch (error) {
      const { diagnostics } = error as { diagnostics?: readonly ts.Diagnostic[] };
      if (diagnostics === undefined) throw error;
      return { text: '', problems: diagnostics.map((diagnostic) => this.problem(diagnostic, source)) };
    }
  }

  private problem(
    { file, start = 0, length = 0, code, messageText }: ts.Diagnostic,
    source: SourceFile,
  ): Problem {
    const text = this.typescript.flattenDiagnosticMessageText(messageText, '\n');
    return {
      // TypeScript numbers what is wrong with the text itself from 1000.
      code: code < 2000 ? 'syntax' : 'type-error',
      message: `${inShort(text)} (TS${code})`,
      file: file === undefined ? source.shown : shownName(file.fileName, source),
      ...(file !== undefined && { ...rangeBetween(file, start, start + length), source: file.text }),
    };
  }

  private ranges({ description }: Job): CompiledFile['partRange'] {
    if (description === undefined) return undefined;
    const file = description.getSourceFile();
    return (path, at) => partRange(this.typescript, file, description, path, at);
  }
}

let shared: ScenarioCompiler | undefined;

/** @throws UserError with everything that is wrong with `source`, types included */
export function compile(source: SourceFile, isScenario: boolean): CompiledFile {
  shared ??= new ScenarioCompiler();
  return shared.compile(source, isScenario);
}

/** What `heaplab` means in a scenario's imports, without regard to what may be installed beside it. */
function libraryTypes(): string {
  return packageFile(RUNS_FROM_SOURCE ? 'src/scenario/define.ts' : 'dist/scenario/define.d.ts');
}

/** The name of another file, as the user would give it. */
export function shownName(path: string, from: SourceFile): string {
  return join(dirname(from.shown), relative(dirname(from.path), path));
}

/** Of a long explanation the first sentence, which says what, and the last, which says why. */
function inShort(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const [what, why] = [lines[0]!, lines.at(-1)!];
  return (lines.length === 1 ? what : `${what} ${why}`).replace(/\.$/, '');
}

const MAP_COMMENT = '//# sourceMappingURL=data:application/json;charset=utf-8;base64,';

/** Without its map, code has the same positions in stack traces whoever else may look at those. */
function splitOutput(output: string): { code: string; map: SourceMap } {
  const start = output.lastIndexOf(MAP_COMMENT);
  const json = Buffer.from(output.slice(start + MAP_COMMENT.length), 'base64').toString('utf8');
  return { code: output.slice(0, start), map: new SourceMap(JSON.parse(json)) };
}
