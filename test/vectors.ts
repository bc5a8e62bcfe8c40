/** The recorded answers of the real C heaps, and the traces they answer (see test/vectors/README.md). */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as v from 'valibot';
import { expect } from 'vitest';
import { findHeap } from '../src/heaps/catalog.js';
import type { HeapDefinition } from '../src/heaps/definition.js';
import { type Heap, NULL } from '../src/heaps/heap.js';
import type { Region } from '../src/mcu/index.js';
import { readTrace } from '../src/traces/read.js';
import { NO_BLOCK, Replay } from '../src/traces/replay.js';
import { DEFAULT_ORIGIN, replayMachine, replayOptions } from '../src/traces/replay-machine.js';

const FOLDER = new URL('./vectors/', import.meta.url);

export interface Vector {
  readonly file: string;
  readonly trace: string;
  readonly heapKib: number;
  readonly alignment: number;
}

/** The answers kept for one heap, sorted by name. */
export function vectorsOf(heap: string): Vector[] {
  const folder = new URL(`${heap}/`, FOLDER);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const match = /^(gen-\w+-(\d+)-s\d+)\.(\d+)\.out\.gz$/.exec(file);
      if (match === null) throw new Error(`unexpected vector ${file}`);
      return { file, trace: match[1]!, heapKib: Number(match[2]), alignment: Number(match[3]) };
    });
}

/** The answer file's lines, each cut to its first `columns` columns. */
export function recordedAnswers(heap: string, vector: Vector, columns: number): string[] {
  const text = gunzipSync(readFileSync(new URL(`${heap}/${vector.file}`, FOLDER))).toString();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').slice(0, columns).join(' '));
}

/** Where the recorded heap had its RAM: an eighth, a quarter and five eighths where it takes several regions. */
export function regionsFor({ regions }: HeapDefinition, bytes: number): Region[] {
  const parts: [number, number][] = [
    [DEFAULT_ORIGIN, bytes / 8],
    [DEFAULT_ORIGIN + 0x1_0000, bytes / 4],
    [DEFAULT_ORIGIN + 0x2_0000, (5 * bytes) / 8],
  ];
  const chosen: [number, number][] = regions === 'several' ? parts : [[DEFAULT_ORIGIN, bytes]];
  return chosen.map(([origin, size], index) => ({ name: `region ${index}`, origin, bytes: size }));
}

/** Replays a vector's trace on `heap` and prints what the C code printed. `extraBytes` enlarge the heap. */
export function replayAnswers(
  name: string,
  vector: Vector,
  extraBytes: number,
  extraColumns: (heap: Heap) => string = () => '',
): string[] {
  const definition = findHeap(name)!;
  const options = v.parse(definition.options, replayOptions(definition));
  const regions = regionsFor(definition, vector.heapKib * 1024 + extraBytes);
  const { handles, heap, memory } = replayMachine(definition, options, regions, vector.alignment);
  const trace = readTrace(new URL(`traces/${vector.trace}.trace.gz`, FOLDER).pathname);
  const lines: string[] = [];
  new Replay(handles, memory, trace).run((index, address) => {
    if (address === NO_BLOCK) lines.push(`${index} -`);
    else {
      const offset = address === NULL ? -1 : address - DEFAULT_ORIGIN;
      lines.push(`${index} ${offset} ${heap.freeBytes()}${extraColumns(heap)}`);
    }
  });
  heap.check();
  return lines;
}

/** In bytes, headers included; 0 without a hole. */
export function largestHole(heap: Heap): number {
  let largest = 0;
  heap.walk((kind, _address, bytes) => {
    if (kind === 'hole' && bytes > largest) largest = bytes;
  });
  return largest;
}

/** The first line that differs, with its neighbour, says more than two long arrays. */
export function expectSameLines(actual: string[], expected: string[]): void {
  const at = expected.findIndex((line, index) => line !== actual[index]);
  expect(at < 0 ? undefined : { line: at, actual: actual[at], expected: expected[at] }).toBeUndefined();
  expect(actual.length).toBe(expected.length);
}
