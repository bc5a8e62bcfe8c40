/** ns per operation of a bare replay, beside a native C version of the same algorithm in the same run. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import * as v from 'valibot';
import { findHeap } from '../src/heaps/catalog.js';
import { readTrace } from '../src/traces/read.js';
import { Replay } from '../src/traces/replay.js';
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
  const folder = mkdtempSync(join(tmpdir(), 'heaplab-bench-'));
  const plain = join(folder, 'trace');
  writeFileSync(plain, gunzipSync(readFileSync(file)));
  const { failures } = ours(heap, trace, heapBytes, 1);
  let nanoseconds = Number.POSITIVE_INFINITY;
  let nativeNanoseconds = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    nanoseconds = Math.min(nanoseconds, ours(heap, trace, heapBytes, REPEATS).nanoseconds);
    if ('program' in native && hasNativeVersion(heap)) {
      const args = [heap, String(heapBytes), String(ALIGNMENT), plain, '--repeat', String(REPEATS)];
      const line = execFileSync(native.program, args, { encoding: 'utf8' });
      nativeNanoseconds = Math.min(nativeNanoseconds, JSON.parse(line).nsPerOperation);
    }
  }
  rmSync(folder, { recursive: true });
  const measured = Number.isFinite(nativeNanoseconds) ? nativeNanoseconds : undefined;
  return { heap, trace: trace.name, nanoseconds, failures, nativeNanoseconds: measured };
}

function ours(heap: string, trace: Trace, heapBytes: number, repeats: number) {
  const definition = findHeap(heap)!;
  const options = v.parse(definition.options, replayOptions(definition));
  const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes: heapBytes };
  let nanoseconds = Number.POSITIVE_INFINITY;
  let failures = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const machine = replayMachine(definition, options, [region], ALIGNMENT);
    const replay = new Replay(machine.handles, machine.memory, trace);
    const start = process.hrtime.bigint();
    ({ failures } = replay.run());
    nanoseconds = Math.min(nanoseconds, Number(process.hrtime.bigint() - start) / trace.length);
  }
  return { nanoseconds, failures };
}
