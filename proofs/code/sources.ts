/**
 * The project's modules as text, as syntax and as running code, with one change made to them or none. What is
 * proved and what is run with a counterexample are thereby the same text.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileFunction } from 'node:vm';
import ts from 'typescript';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** `from` stands in the file once. */
export interface Change {
  /** From the project's root. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

type Exports = Record<string, unknown>;

const external = createRequire(import.meta.url);

/** By file and text: most twins change one file of several. */
const parsed = remembered((file, text) => ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true));
const compiled = remembered((file, text) => {
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  const { outputText } = ts.transpileModule(text, { fileName: file, compilerOptions });
  // Claims name their module by its address; CommonJS has no word for it.
  return outputText.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href));
});

function remembered<Result>(make: (file: string, text: string) => Result): typeof make {
  const known = new Map<string, Result>();
  return (file, text) => {
    const key = `${file}\n${text}`;
    const result = known.get(key) ?? make(file, text);
    known.set(key, result);
    return result;
  };
}

export class Sources {
  private readonly modules = new Map<string, { exports: Exports }>();

  constructor(private readonly change?: Change) {}

  tree(file: string): ts.SourceFile {
    return parsed(file, this.text(file));
  }

  /** The module that `specifier` means in `importer`; undefined if it is none of ours. */
  resolve(specifier: string, importer: string): string | undefined {
    if (!specifier.startsWith('.')) return undefined;
    return resolve(dirname(importer), specifier.replace(/\.js$/, '.ts'));
  }

  /** Compiles and runs a module, and what it imports. */
  load(file: string): Exports {
    const known = this.modules.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} as Exports };
    this.modules.set(file, module);
    const require = (specifier: string) => {
      const own = this.resolve(specifier, file);
      return own === undefined ? external(specifier) : this.load(own);
    };
    const run = compileFunction(compiled(file, this.text(file)), ['module', 'exports', 'require'], {
      filename: file,
    });
    run(module, module.exports, require);
    return module.exports;
  }

  private text(file: string): string {
    const text = readFileSync(file, 'utf8');
    const { change } = this;
    if (change === undefined || resolve(ROOT, change.file) !== file) return text;
    const parts = text.split(change.from);
    if (parts.length !== 2) {
      throw new Error(
        `${change.file} has ${JSON.stringify(change.from)} ${parts.length - 1} times, not once`,
      );
    }
    return parts.join(change.to);
  }
}
