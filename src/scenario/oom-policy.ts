/** What firmware does when a request returns NULL, its own or one of the kernel's for it. */

import { type Program, Stop } from '../kernel/index.js';
import type { CreationPolicy } from './firmware.js';
import type { Frame, Pass, Settle } from './frame.js';
import type { OomPolicy, TaskScript } from './scenario.js';
import { toTicks } from './times.js';

const WORD_LIMIT = 2 ** 32;

/** `compile` turns a hook into what runs. */
export function compileOomPolicy(
  policy: OomPolicy,
  frame: Frame,
  compile: (script: TaskScript, frame: Frame) => Pass,
): Settle {
  switch (policy.kind) {
    case 'continue':
      return (_bytes, attempt) => {
        attempt();
        return undefined;
      };
    case 'halt':
    case 'reset':
      return (bytes, attempt) => {
        // pvPortMalloc(0) returns NULL too, but no firmware gives up over it.
        if (!attempt() && bytes !== 0) throw new Stop(policy.kind);
        return undefined;
      };
    case 'hook': {
      const hook = compile(policy.script, { ...frame, onOom: { kind: 'continue' } });
      // pvPortCalloc refuses an overflow before pvPortMalloc, in which the hook is called.
      return (bytes, attempt) => (attempt() || bytes >= WORD_LIMIT ? undefined : hook());
    }
    case 'retry': {
      const ticks = toTicks(policy.delay, frame.firmware.kernel.clock);
      return (bytes, attempt) =>
        attempt() || bytes === 0 ? undefined : retry(frame, ticks, policy.times, attempt);
    }
  }
}

/** `settle`: compiled from the frame's own policy. A hook runs inside the request, another try is another call. */
export function creationPolicy({ onOom, firmware }: Frame, settle: Settle): CreationPolicy {
  if (onOom.kind === 'retry') {
    const retryTicks = toTicks(onOom.delay, firmware.kernel.clock);
    return { mallocFailed: () => undefined, retries: onOom.times, retryTicks };
  }
  return { mallocFailed: (_object, bytes) => settle(bytes, () => false), retries: 0, retryTicks: 0 };
}

function* retry(frame: Frame, ticks: number, times: number, attempt: () => boolean): Program {
  const { kernel } = frame.firmware;
  for (let round = 0; round < times; round++) {
    if (kernel.scheduler.switchDue) yield;
    yield* kernel.delay(ticks);
    if (attempt()) return;
    frame.passes.count();
  }
}
