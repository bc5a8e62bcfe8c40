// Puts `dist/` together: reading two hundred modules one by one would take longer than a short run.
// Names stay as they are, so that a stack trace in a bug report can be read.

import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

await build({
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  input: { index: 'src/index.ts', 'cli/main': 'src/cli/main.ts' },
  platform: 'node',
  // Loaded for scenarios in TypeScript alone, and too large to be bundled.
  external: ['typescript', 'ts-node'],
  // yaml's build for browsers is one of ES modules, of which only what is used is taken.
  resolve: {
    alias: { yaml: fileURLToPath(new URL('./browser/index.js', import.meta.resolve('yaml/package.json'))) },
  },
  plugins: [licences()],
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    codeSplitting: { minSize: 0, groups: chunks() },
    chunkFileNames: 'chunks/[name]-[hash].js',
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
  },
});
// npm marks the command executable when it links it, which it does once; building anew would take that away.
chmodSync(fileURLToPath(new URL('../dist/cli/main.js', import.meta.url)), 0o755);

/**
 * What several commands need is one file: each takes half a millisecond to find, and a run would need twenty. What
 * help needs of it is apart, so that it need not wait for the rest.
 */
function chunks() {
  const forHelp = /src[\\/](input[\\/](problem|read-text|package-file)|report[\\/]paint)\.ts$/;
  return [
    { name: 'start', test: forHelp, priority: 1 },
    { name: 'shared', minShareCount: 2 },
  ];
}

/** What the licences of the bundled packages ask for: their text goes with the code. */
function licences() {
  return {
    name: 'licences',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((chunk) => chunk.moduleIds ?? []);
      const packages = [...new Set(modules.map(packageOf).filter((folder) => folder !== undefined))].sort();
      const source = packages
        .map((folder) => `${titleOf(folder)}\n\n${licenceOf(folder)}`)
        .join('\n\n---\n\n');
      this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY-LICENCES.txt', source });
    },
  };
}

function packageOf(module) {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(module)?.[1];
}

function titleOf(folder) {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `${name} ${version}`;
}

function licenceOf(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${folder} has no licence file`);
  return readFileSync(join(folder, file), 'utf8').trim();
}
