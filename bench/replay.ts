/** ns per operation of a bare replay, beside a native C version of the same algorithm in the same run. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import * as v from 'valibot';
import { findHeap } from '../src/heaps/catalog.js';
import { NULL } from '../src/heaps/heap.js';
import { readTrace } from '../src/traces/read.js';
import { NO_BLOCK, Replay } from '../src/traces/replay.js';
import { DEFAULT_ORIGIN, replayMachine, replayOptions } from '../src/traces/replay-machine.js';
import type { Trace } from '../src/traces/trace.js';

const NATIVE = fileURLToPath(new URL('./native/', import.meta.url));
const ALIGNMENT = 8;
/** Replays of one trace per measurement; the fastest counts, for the machine is shared. */
const REPEATS = 60;

export interface ReplayFigure {
  readonly heap: string;
  readonly trace: string;
  readonly nanoseconds: number;
  /** Requests that found no room: what is measured then is not the whole trace's work. */
  readonly failures: number;
  /** undefined without a C compiler or a C version of the heap. */
  readonly nativeNanoseconds: number | undefined;
}

/** Builds the C programs; undefined, with the reason, where there is no compiler. */
export function buildNative(): { program: string } | { missing: string } {
  try {
    execFileSync('make', ['-s', '-C', NATIVE], { stdio: ['ignore', 'ignore', 'pipe'] });
    return { program: join(NATIVE, 'build', 'replay') };
  } catch (error) {
    return { missing: (error as Error).message.split('\n')[0]! };
  }
}

export function hasNativeVersion(heap: string): boolean {
  return existsSync(join(NATIVE, `${heap}.c`));
}

/** One trace on one heap: ours and the native one, if there is one, take turns, so that both see the same machine. */
export function measureReplay(
  heap: string,
  file: string,
  heapBytes: number,
  native: { program: string } | { missing: string },
): ReplayFigure {
  const trace = readTrace(file);
  const { failures } = ours(heap, trace, heapBytes, 1);
  if ('missing' in native || !hasNativeVersion(heap)) {
    const { nanoseconds } = ours(heap, trace, heapBytes, 3 * REPEATS);
    return { heap, trace: trace.name, nanoseconds, failures, nativeNanoseconds: undefined };
  }
  const difference = differenceToNative(heap, file, heapBytes, native.program);
  if (difference !== undefined) throw new Error(difference);
  let nanoseconds = Number.POSITIVE_INFINITY;
  let nativeNanoseconds = Number.POSITIVE_INFINITY;
  withPlain(file, (plain) => {
    const args = [heap, String(heapBytes), String(ALIGNMENT), plain, '--repeat', String(REPEATS)];
    for (let round = 0; round < 3; round++) {
      nanoseconds = Math.min(nanoseconds, ours(heap, trace, heapBytes, REPEATS).nanoseconds);
      const line = execFileSync(native.program, args, { encoding: 'utf8' });
      nativeNanoseconds = Math.min(nativeNanoseconds, JSON.parse(line).nsPerOperation);
    }
  });
  return { heap, trace: trace.name, nanoseconds, failures, nativeNanoseconds };
}

/** Who is compared has to do the same work: the first operation with another offset or other free bytes afterwards. */
export function differenceToNative(
  heap: string,
  file: string,
  heapBytes: number,
  program: string,
): string | undefined {
  const trace = readTrace(file);
  const theirs = withPlain(file, (plain) => {
    const args = [heap, String(heapBytes), String(ALIGNMENT), plain, '--ops'];
    return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 }).split('\n');
  });
  const { handles, memory } = machineFor(heap, heapBytes);
  let difference: string | undefined;
  new Replay(handles, memory, trace).run((index, address) => {
    const offset = address === NULL ? -1 : address - DEFAULT_ORIGIN;
    const answer = address === NO_BLOCK ? '-' : `${offset} ${handles.heap.freeBytes()}`;
    if (theirs[index] === `${index} ${answer}`) return;
    difference ??= `${heap} on ${trace.name}, operation ${index}: ${answer}, in C ${theirs[index]}`;
  });
  return difference;
}

/** The C programs read traces that are not compressed. */
function withPlain<Result>(file: string, use: (plain: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'heaplab-bench-'));
  try {
    const plain = join(folder, 'trace');
    writeFileSync(plain, gunzipSync(readFileSync(file)));
    return use(plain);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function machineFor(heap: string, heapBytes: number) {
  const definition = findHeap(heap)!;
  const options = v.parse(definition.options, replayOptions(definition));
  const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes: heapBytes };
  return replayMachine(definition, options, [region], ALIGNMENT);
}

function ours(heap: string, trace: Trace, heapBytes: number, repeats: number) {
  let nanoseconds = Number.POSITIVE_INFINITY;
  let failures = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const machine = machineFor(heap, heapBytes);
    const replay = new Replay(machine.handles, machine.memory, trace);
    const start = process.hrtime.bigint();
    ({ failures } = replay.run());
    nanoseconds = Math.min(nanoseconds, Number(process.hrtime.bigint() - start) / trace.length);
  }
  return { nanoseconds, failures };
}
