/** What mempool asks of the device around it: the firmware's hook, frees of interrupts, the kernel's tick. */

import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/load.js';
import { type Ran, ran } from '../scenario/running.js';

function runOn(body: string, heapOptions: Record<string, unknown> = {}): Ran {
  const text = `name: x\ntarget: stm32f103c8\nheap: mempool\nduration: 100 ms\n${body}`;
  return ran(parseScenario(text, 'test.yaml', { heapNames: ['mempool'] }), { heapOptions });
}

/** Takes the rest of a heap in pieces of 1 KiB, then asks for one more that a hook can make room for. */
const HUNGRY = `globals: [spare]
on oom: { hook: [{ log: asked }, { free: spare }] }
tasks:
  eater:
    priority: 2
    stack: 512 B
    script:
      - alloc: { name: spare, size: 1 KiB }
      - repeat: { times: 30, steps: [{ alloc: { name: food, size: 1 KiB, on oom: continue } }] }
      - log: full
      - alloc: { name: wanted, size: 1 KiB }
      - delay: 50 ms`;

const logs = ({ schedule }: Ran) => schedule.flatMap((line) => /mark \S+ (.*)$/.exec(line)?.[1] ?? []);

describe('atExhaustion', () => {
  it('null leaves the hook to the firmware, which has got NULL', () => {
    const { result, ...rest } = runOn(HUNGRY);
    const failed = result.outOfMemoryCount;
    expect(failed).toBeGreaterThan(1);
    expect(logs({ result, ...rest })).toEqual(['full', 'asked']);
    // The spare one, and what the kernel had for the task.
    expect(result.frees).toBe(3);
  });

  it('hook runs it within the request, which is then served', () => {
    const plain = runOn(HUNGRY).result;
    const { result, schedule } = runOn(HUNGRY, { atExhaustion: 'hook' });
    const asked = logs({ result, schedule });
    // At the first piece too many the spare one goes; what fails later finds nothing more to free.
    expect(asked[0]).toBe('asked');
    expect(result.outOfMemoryCount).toBe(plain.outOfMemoryCount - 1);
    expect(result.allocations).toBe(plain.allocations + 1);
    expect(result.outcome).toBe('finished');
  });

  it('abort ends the run with a fault of the task', () => {
    const { result } = runOn(HUNGRY, { atExhaustion: 'abort' });
    expect(result).toMatchObject({ outcome: 'fault', fault: { kind: 'assertion', task: 'eater' } });
    expect(result.fault!.reason).toContain('abort()');
  });
});

describe('an interrupt', () => {
  const freeing = (size: string) => `globals: [handed]
interrupts: { uart: { first: 10 ms, period: 10 ms, count: 1, script: [{ free: handed }] } }
tasks:
  giver: { priority: 1, script: [{ alloc: { name: handed, size: ${size} } }, { delay: 90 ms }] }`;

  it('frees a buffer that is made of fragments', () => {
    const { result } = runOn(freeing('256 B'));
    expect(result).toMatchObject({ outcome: 'finished', frees: 3 });
    expect(result.fault).toBeUndefined();
  });

  it('may not free a small block', () => {
    expect(runOn(freeing('40 B')).result).toMatchObject({
      outcome: 'fault',
      fault: { kind: 'illegal-call', context: 'interrupt', task: 'uart' },
    });
  });
});

it('pageLifetimeTicks goes by the kernel', () => {
  const steps = (pause: string) => `tasks:
  main:
    priority: 2
    stack: 512 B
    script:
      - alloc: { name: b, size: 40 B }
      - delay: ${pause}
      - free: b
      - delay: 50 ms`;
  // The kernel's own objects are larger, and no blocks of heap pages then.
  const options = { pageLifetimeTicks: 20, heapMaximumBytes: 60 };
  const freeBytes = (pause: string) => runOn(steps(pause), options).result.freeBytes;
  // A page that is kept has 44 bytes of header and end.
  expect(freeBytes('20 ms') - freeBytes('10 ms')).toBe(44);
});

it('a request that finds its pool empty is told so', () => {
  const { result } = runOn(`tasks:
  main:
    priority: 2
    stack: 512 B
    script:
      - cache: { name: frames, bytes: 100 B }
      - repeat: { times: 130, steps: [{ alloc: { name: frame, from: frames, on oom: continue } }] }
      - alloc: { name: text, size: 900 B }
      - delay: 1 s`);
  const [first, ...others] = result.outOfMemory;
  expect(first!.classes!.find(({ asked }) => asked)).toMatchObject({ objectBytes: 100, isCache: true });
  const last = others.at(-1)!;
  expect(last.requested).toBe(900);
  expect(last.classes!.find(({ asked }) => asked)).toMatchObject({ name: 'pool of heap pages' });
});
