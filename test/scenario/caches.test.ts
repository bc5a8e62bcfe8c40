/** Caches in scenarios: on a heap that has them and on one that has not. */

import { describe, expect, it } from 'vitest';
import { defineScenario, parseScenario, type Script, type TaskCalls, UserError } from '../../src/index.js';
import { type Ran, ran } from './running.js';

const HEAPS = ['slab', 'heap_4', 'mempool'];

function scenarioWith(steps: string) {
  const text = `name: caches
target: stm32f103c8
heap: slab
duration: 1 s
tasks:
  main:
    priority: 2
    script: ${steps}
  other: { priority: 1, script: [{ delay: 5 ms }] }
`;
  return parseScenario(text, 'caches.yaml', { heapNames: HEAPS });
}

function runOn(heap: string, steps: string): Ran {
  return ran(scenarioWith(steps), { heap, heapOptions: heap === 'slab' ? { inner: 'first_fit' } : {} });
}

/** Where main's objects lie, by name. */
function offsets({ schedule }: Ran): number[] {
  return schedule.filter((line) => /malloc main o/.test(line)).map((line) => Number(line.split(' ').at(-1)));
}

const THREE = `[{ cache: { name: frames, bytes: 44 B } }, { alloc: { name: o, from: frames } },
      { alloc: { name: o, from: frames } }, { alloc: { name: o, from: frames } }]`;

describe('a cache', () => {
  it('has its objects side by side on slab, and is malloc elsewhere', () => {
    const [first, second, third] = offsets(runOn('slab', THREE));
    expect([second! - first!, third! - second!]).toEqual([48, 48]);
    const [one, two] = offsets(runOn('heap_4', THREE));
    // With the 8 bytes of heap_4's header.
    expect(two! - one!).toBe(56);
    const [a, b] = offsets(runOn('mempool', THREE));
    expect(b! - a!).toBe(44);
  });

  it.each(HEAPS)('gives blocks of its size, which go back the ordinary way, on %s', (heap) => {
    const { result } = runOn(heap, `${THREE.slice(0, -1)}, { free: { name: o, which: all } }]`);
    expect(result).toMatchObject({ outcome: 'finished', outOfMemoryCount: 0 });
    const { allocations, frees, peakRequested } = result;
    const without = runOn(heap, '[]').result;
    expect(allocations - without.allocations).toBe(3);
    expect(frees - without.frees).toBe(3);
    expect(peakRequested - without.peakRequested).toBe(3 * 44);
  });

  it.each(HEAPS)('keeps to the policy for failed requests on %s', (heap) => {
    const full = `[{ cache: { name: frames, bytes: 400 B } }, { repeat: { times: forever, steps: [
      { alloc: { name: o, from: frames, on oom: halt } }] } }]`;
    expect(runOn(heap, full).result).toMatchObject({ outcome: 'halted', outOfMemoryCount: 1 });
  });

  it.each(HEAPS)('may be created once only, on %s', (heap) => {
    const { result } = runOn(
      heap,
      '[{ cache: { name: c, bytes: 8 B } }, { cache: { name: c, bytes: 8 B } }]',
    );
    expect(result.fault).toMatchObject({ kind: 'illegal-call' });
    expect(result.fault!.reason).toBe('cache c: it has been created already');
  });

  it.each(HEAPS)('must have been created before it is used, on %s', (heap) => {
    const { result } = runOn(heap, '[{ alloc: { name: o, from: c } }, { cache: { name: c, bytes: 8 B } }]');
    expect(result.fault).toMatchObject({ kind: 'illegal-call', at: { line: 8 } });
    expect(result.fault!.reason).toBe('cache c has not been created');
  });

  it('is misspelt: the nearest is named', () => {
    const steps = '[{ cache: { name: frames, bytes: 8 B } }, { alloc: { name: o, from: frame } }]';
    expect(() => scenarioWith(steps)).toThrow(UserError);
    try {
      scenarioWith(steps);
    } catch (error) {
      const [problem] = (error as UserError).problems;
      expect(problem).toMatchObject({ code: 'unknown-name', nearest: 'frames', start: { line: 8 } });
    }
  });

  it('fails one too many on slab with a fault that names the option', () => {
    const steps = [...'abcdefghi'].map((name) => `{ cache: { name: ${name}, bytes: 8 B } }`);
    expect(runOn('slab', `[${steps}]`).result.fault!.reason).toContain('room for 8 (option caches)');
    expect(runOn('heap_4', `[${steps}]`).result.outcome).toBe('finished');
  });
});

describe('a request that finds its class empty', () => {
  // Objects of 200 bytes take all slabs, two each; then one of the first slab is free.
  const steps = `[{ cache: { name: large, bytes: 200 B } }, { cache: { name: small, bytes: 40 B } },
      { repeat: { times: 100, steps: [{ alloc: { name: a, from: large } }] } },
      { free: { name: a, which: oldest } },
      { alloc: { name: o, from: small } }, { alloc: { name: o, size: 20 B } }]`;

  it('says which one, and where the room is', () => {
    const { outOfMemory } = runOn('slab', steps).result;
    const [cache, general] = outOfMemory.slice(-2);
    expect(cache).toMatchObject({ cause: 'class-empty', requested: 40, needed: 40 });
    expect(general).toMatchObject({ cause: 'class-empty', requested: 20, needed: 32 });
    const asked = (event: typeof cache) => event!.classes!.filter((one) => one.asked);
    expect(asked(cache)).toMatchObject([{ objectBytes: 40, isCache: true, pages: 0 }]);
    expect(asked(general)).toMatchObject([{ objectBytes: 32, isCache: false, pages: 0 }]);
    const large = general!.classes!.find(({ objectBytes }) => objectBytes === 200)!;
    expect(large.freeObjects).toBe(1);
    expect(large.freeObjects * 200).toBeLessThanOrEqual(general!.freeBytes);
  });
});

describe('a request that no other class can help', () => {
  /** Small objects and large blocks fill the arena; then so many of the small ones, side by side, are free. */
  const eventOf = (freed: number, last: string) => {
    const steps = `[{ repeat: { times: 300, steps: [{ alloc: { name: s, size: 8 B } }] } },
      { repeat: { times: 9, steps: [{ alloc: { name: l, size: 200 B } }, { alloc: { name: l, size: 129 B } },
      { alloc: { name: l, size: 100 B } }] } },
      { repeat: { times: ${freed}, steps: [{ free: { name: s, which: newest } }] } },
      { alloc: { name: last, size: ${last} } }]`;
    const { result } = ran(scenarioWith(steps), { heap: 'slab', heapOptions: {}, heapBytes: 8000 });
    return result.outOfMemory.at(-1)!;
  };

  it('finds its class empty, though free objects of another touch and would be enough', () => {
    const event = eventOf(12, '100 B');
    const expected = { cause: 'class-empty', requested: 100, needed: 128, freeBytes: 192, largestHole: 16 };
    expect(event).toMatchObject(expected);
  });

  it('needs what does not lie in slabs, though what does would be enough', () => {
    expect(eventOf(20, '150 B')).toMatchObject({ cause: 'class-empty', needed: 256, freeBytes: 320 });
    expect(eventOf(12, '150 B')).toMatchObject({ cause: 'exhausted', needed: 256, freeBytes: 192 });
  });
});

describe('caches in TypeScript', () => {
  const runTask = (script: (task: TaskCalls) => Script, heap = 'slab') =>
    ran(
      defineScenario({
        name: 'caches',
        target: 'stm32f103c8',
        heap,
        duration: '10 ms',
        tasks: { main: { priority: 2, script } },
      }),
    );

  it.each(HEAPS)('are the same as in YAML, on %s', (heap) => {
    const code = runTask(function* (task) {
      yield* task.createCache('frames', '44 B');
      for (let count = 0; count < 3; count++) yield* task.mallocFrom('frames', 'o');
    }, heap);
    const apart = (places: number[]) => places.slice(1).map((place, index) => place - places[index]!);
    expect(apart(offsets(code))).toHaveLength(2);
    expect(apart(offsets(code))).toEqual(apart(offsets(runOn(heap, THREE))));
  });

  it('give undefined when there is no room', () => {
    let last: unknown = 'never asked';
    const { result } = runTask(function* (task) {
      yield* task.createCache('pages', 480);
      for (let count = 0; count < 100; count++) last = yield* task.mallocFrom('pages');
    });
    expect(last).toBeUndefined();
    expect(result.outOfMemoryCount).toBeGreaterThan(0);
  });

  it('refuse objects of 0 bytes', () => {
    expect(() =>
      runTask(function* (task) {
        yield* task.createCache('none', 0);
      }),
    ).toThrow(/cannot have objects of 0 bytes/);
  });
});
