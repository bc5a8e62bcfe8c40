/** Arrays of objects from caches, and caches that are destroyed: on every heap, since malloc serves where it has none. */

import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../src/heaps/catalog.js';
import {
  defineScenario,
  parseScenario,
  type Script,
  type TaskCalls,
  type UserError,
} from '../../src/index.js';
import { RunResultSchema } from '../../src/inspect/result.js';
import { type Ran, ran, type Variation } from './running.js';

const HEAPS = catalog.map(({ name }) => name);
/** Those that take blocks back. */
const FREEING = HEAPS.filter((name) => name !== 'heap_1');

function scenarioWith(steps: unknown[], others: Record<string, unknown> = {}) {
  const scenario = {
    name: 'caches',
    target: 'mps2-an385',
    heap: 'mempool',
    duration: '1 s',
    tasks: { main: { priority: 2, script: [...steps, { delay: '2 s' }] } },
    ...others,
  };
  return parseScenario(JSON.stringify(scenario), 'caches.yaml', { heapNames: HEAPS });
}

/** In 32 KiB, checked after every call. */
function runOn(heap: string, steps: unknown[], variation: Variation = {}): Ran {
  const run = ran(scenarioWith(steps), {
    heap,
    heapOptions: {},
    heapBytes: 32 * 1024,
    checks: true,
    ...variation,
  });
  expect(v.is(RunResultSchema, run.result)).toBe(true);
  return run;
}

function offsets({ schedule }: Ran, name: string): number[] {
  const lines = schedule.filter((line) => line.includes(` malloc main ${name} `));
  return lines.map((line) => Number(line.split(' ').at(-1)));
}

const cache = (name: string, bytes: string) => ({ cache: { name, bytes } });
const alloc = (name: string, from: string, count?: unknown) => ({
  alloc: { name, from, ...(count !== undefined && { count }) },
});
const destroy = (name: string) => ({ 'destroy cache': name });

/** What main's blocks add to allocations, frees and live bytes of the kernel's own. */
function added({ result }: Ran, { result: without }: Ran) {
  const main = (tasks: typeof result.tasks) => tasks.find(({ name }) => name === 'main')!;
  return {
    allocations: result.allocations - without.allocations,
    frees: result.frees - without.frees,
    liveBytes: main(result.tasks).liveBytes - main(without.tasks).liveBytes,
  };
}

const CACHES = ['a', 'b', 'c'] as const;
const SIZES = { a: '12 B', b: '40 B', c: '200 B' };

type CacheName = (typeof CACHES)[number];
type Work =
  | { from: CacheName; count: number }
  | { size: number }
  | { free: string }
  | { anew: CacheName; freed: boolean };

/** Steps of that; what a cache takes with it is no more looked at: names change with every cache. */
function cachedWork(calls: readonly Work[]): unknown[] {
  const generation = { a: 0, b: 0, c: 0 };
  const held = (name: CacheName) => `${name}${generation[name]}`;
  const begin = (name: CacheName) => [
    cache(name, SIZES[name]),
    alloc(held(name), name),
    { fill: held(name) },
  ];
  const verified = (name: string) => ({ verify: { name, which: 'all' } });
  const steps: unknown[] = [
    { alloc: { name: 'block', size: 8 } },
    { fill: 'block' },
    ...CACHES.flatMap(begin),
  ];
  for (const [index, call] of calls.entries()) {
    if ('from' in call) steps.push(alloc(held(call.from), call.from, call.count), { fill: held(call.from) });
    else if ('size' in call) steps.push({ alloc: { name: 'block', size: call.size } }, { fill: 'block' });
    else if ('free' in call) {
      const name = ['block', ...CACHES.map(held)][index % 4]!;
      steps.push(verified(name), { free: { name, which: call.free } });
    } else {
      steps.push(verified(held(call.anew)));
      if (call.freed) steps.push({ free: { name: held(call.anew), which: 'all' } });
      steps.push(destroy(call.anew));
      generation[call.anew]++;
      steps.push(...begin(call.anew));
    }
  }
  return [...steps, ...['block', ...CACHES.map(held)].map(verified)];
}

describe.each(FREEING)('on %s', (heap) => {
  const nothing = runOn(heap, []);

  it('an array is one block, with room for all its objects, and goes back the ordinary way', () => {
    const steps = [
      cache('frames', '44 B'),
      alloc('a', 'frames', 5),
      { fill: 'a' },
      alloc('o', 'frames'),
      { fill: 'o' },
    ];
    const run = runOn(heap, [...steps, { verify: 'a' }, { verify: 'o' }]);
    expect(run.result).toMatchObject({ outcome: 'finished', lostContents: [], outOfMemoryCount: 0 });
    expect(added(run, nothing)).toEqual({ allocations: 2, frees: 0, liveBytes: 6 * 44 });
    const freed = runOn(heap, [...steps, { free: 'a' }, { verify: 'o' }, { free: 'o' }]);
    expect(added(freed, nothing)).toEqual({ allocations: 2, frees: 2, liveBytes: 0 });
    expect(freed.result).toMatchObject({ outcome: 'finished', lostContents: [] });
  });

  it('a cache that is destroyed takes what has been allocated from it with it, and nothing else', () => {
    const steps = [
      cache('frames', '44 B'),
      cache('large', '700 B'),
      ...[alloc('a', 'frames', 5), alloc('o', 'frames'), alloc('l', 'large'), alloc('m', 'large', 2)],
      { alloc: { name: 'b', size: '60 B' } },
      { fill: 'b' },
      { free: 'o' },
      destroy('frames'),
      destroy('large'),
      { verify: 'b' },
    ];
    const run = runOn(heap, steps);
    expect(run.result).toMatchObject({ outcome: 'finished', lostContents: [], outOfMemoryCount: 0 });
    expect(added(run, nothing)).toEqual({ allocations: 5, frees: 4, liveBytes: 60 });
  });

  it('it may be created anew, with objects of another size, as often as one likes', () => {
    const round = [
      cache('c', '24 B'),
      alloc('o', 'c', 3),
      destroy('c'),
      cache('c', '90 B'),
      alloc('o', 'c'),
      destroy('c'),
    ];
    const run = runOn(heap, [{ repeat: { times: 20, steps: round } }]);
    expect(run.result).toMatchObject({ outcome: 'finished', outOfMemoryCount: 0 });
    expect(added(run, nothing)).toEqual({ allocations: 40, frees: 40, liveBytes: 0 });
  });

  it('whatever tasks do with caches, arrays and blocks keeps every promise', () => {
    const names = fc.constantFrom(...CACHES);
    const rounds = fc.array(
      fc.oneof(
        fc.record({ from: names, count: fc.constantFrom(1, 1, 2, 7, 33) }),
        fc.record({ size: fc.integer({ min: 1, max: 300 }) }),
        fc.record({ free: fc.constantFrom('oldest', 'newest', 'all') }),
        fc.record({ anew: names, freed: fc.boolean() }),
      ),
      { minLength: 5, maxLength: 30 },
    );
    fc.assert(
      fc.property(rounds, (calls) => {
        const steps = cachedWork(calls);
        const run = runOn(heap, steps);
        expect(run.result).toMatchObject({ outcome: 'finished', lostContents: [], outOfMemoryCount: 0 });
      }),
      { seed: 20_240_614, numRuns: 12 },
    );
  });
});

describe('an array', () => {
  it('has its objects side by side, and leaves no room between them, on mempool', () => {
    const run = runOn('mempool', [
      cache('frames', '44 B'),
      alloc('o', 'frames', 3),
      alloc('o', 'frames'),
      alloc('o', 'frames', 2),
    ]);
    const [first, second, third] = offsets(run, 'o');
    expect([second! - first!, third! - second!]).toEqual([3 * 44, 44]);
  });

  it.each(['mempool', 'slab', 'heap_4'])('of a random length is drawn anew each time, on %s', (heap) => {
    const count = { uniform: { from: 1, to: 6 } };
    const run = runOn(heap, [cache('c', '20 B'), { repeat: { times: 40, steps: [alloc('o', 'c', count)] } }]);
    expect(run.result.outOfMemoryCount).toBe(0);
    const nothing = runOn(heap, [cache('c', '20 B')]);
    const { allocations, liveBytes } = added(run, nothing);
    expect(allocations).toBe(40);
    expect(liveBytes).toBeGreaterThan(40 * 20 * 2);
    expect(liveBytes).toBeLessThan(40 * 20 * 5);
  });

  it.each(['mempool', 'slab', 'heap_4'])('that is made larger is freed as a whole, on %s', (heap) => {
    const steps = [cache('c', '20 B'), alloc('o', 'c', 4), { fill: 'o' }];
    const grown = [...steps, { realloc: { name: 'o', size: '200 B' } }, { verify: 'o' }, { free: 'o' }];
    const run = runOn(heap, [...grown, { 'destroy cache': 'c' }]);
    expect(run.result).toMatchObject({ outcome: 'finished', lostContents: [], outOfMemoryCount: 0 });
    expect(added(run, runOn(heap, []))).toMatchObject({ allocations: 2, frees: 2, liveBytes: 0 });
  });

  it('that stays where it is while it is made smaller stays an array', () => {
    const steps = [
      cache('c', '40 B'),
      alloc('o', 'c', 4),
      { realloc: { name: 'o', size: '30 B' } },
      { free: 'o' },
    ];
    const run = runOn('mempool', [...steps, alloc('o', 'c', 4)]);
    const [first, , again] = offsets(run, 'o');
    expect(again).toBe(first);
  });

  it.each([
    ['none', 0, { outOfMemoryCount: 0, zeroSizeRequests: 1 }],
    ['more than 32 bits can count', 4_000_000_000, { outOfMemoryCount: 1, zeroSizeRequests: 0 }],
  ])('of %s is no block, on heap_4', (_what, count, expected) => {
    const run = runOn('heap_4', [cache('c', '20 B'), alloc('o', 'c', count)]);
    expect(run.result).toMatchObject({ outcome: 'finished', ...expected });
    expect(added(run, runOn('heap_4', []))).toMatchObject({ allocations: 0, liveBytes: 0 });
  });

  it('that finds no room says for which cache, by its name, and is one block in the map', () => {
    const steps = [cache('small', '20 B'), cache('frames', '44 B'), alloc('s', 'small', 3)];
    const run = runOn('mempool', [...steps, { repeat: { times: 300, steps: [alloc('o', 'frames', 4)] } }]);
    const [event] = run.result.outOfMemory;
    expect(event).toMatchObject({ requested: 4 * 44, needed: 4 * 44 });
    expect(event!.classes!.map(({ cacheName, asked }) => [cacheName, asked])).toEqual([
      [undefined, false],
      ['small', false],
      ['frames', true],
    ]);
    const arrays = event!.map.filter(({ label }) => label === 'o');
    expect(arrays).toHaveLength(run.result.allocations - runOn('mempool', steps).result.allocations);
    expect(new Set(arrays.map(({ bytes }) => bytes))).toEqual(new Set([4 * 44]));
    expect(event!.map.filter(({ kind, owner }) => kind === 'used' && owner === undefined)).toEqual([]);
  });

  it('may be given back by an interrupt where a heap lets it', () => {
    const scenario = scenarioWith(
      [cache('c', '20 B'), alloc('o', 'c', 6), { send: { queue: 'q', block: 'o' } }],
      {
        queues: { q: { length: 1 } },
        interrupts: {
          dma: {
            period: '10 ms',
            count: 1,
            script: [{ receive: { queue: 'q', name: 'got' } }, { free: 'got' }],
          },
        },
      },
    );
    const { result } = ran(scenario, { heapOptions: {} });
    expect(result).toMatchObject({ outcome: 'finished' });
    expect(result.tasks.find(({ kind }) => kind === 'interrupt')).toMatchObject({ frees: 1, liveBytes: 0 });
  });
});

describe('a cache that is destroyed', () => {
  it.each(['mempool', 'slab', 'heap_4'])('cannot be used any more, on %s', (heap) => {
    for (const step of [alloc('o', 'c'), alloc('o', 'c', 2), destroy('c')]) {
      const { result } = runOn(heap, [cache('c', '20 B'), destroy('c'), step]);
      expect(result.fault).toMatchObject({ kind: 'illegal-call', reason: 'cache c has been destroyed' });
    }
    const { result } = runOn(heap, [destroy('c'), cache('c', '20 B')]);
    expect(result.fault).toMatchObject({ kind: 'illegal-call', reason: 'cache c has not been created' });
  });

  it.each(['mempool', 'heap_4'])('leaves pointers behind whose free is an error, on %s', (heap) => {
    for (const count of [1, 3]) {
      const { result } = runOn(heap, [
        cache('c', '20 B'),
        alloc('o', 'c', count),
        destroy('c'),
        { free: 'o' },
      ]);
      expect(result.fault).toMatchObject({ kind: 'assertion', context: 'task', task: 'main' });
    }
  });

  it('takes time where the heap has caches', () => {
    const cycles = (objects: number, last: unknown[]) => {
      const steps = [cache('c', '100 B'), { repeat: { times: objects, steps: [alloc('o', 'c')] } }, ...last];
      const { tasks } = ran(scenarioWith(steps), { heapOptions: {}, cost: 'estimate' }).result;
      return tasks.find(({ name }) => name === 'main')!.runCycles;
    };
    const [few, many] = [3, 30].map((objects) => cycles(objects, [destroy('c')]) - cycles(objects, []));
    expect(few).toBeGreaterThan(0);
    expect(many).toBeGreaterThan(few!);
  });

  it('by an interrupt is a mistake of the file', () => {
    const interrupts = { uart: { period: '1 ms', script: [destroy('c')] } };
    expect(() => scenarioWith([cache('c', '20 B')], { interrupts })).toThrow(
      'an interrupt cannot "destroy cache"',
    );
  });
});

describe('mistakes', () => {
  it.each<[string, unknown[], object]>([
    [
      'a misspelt cache',
      [cache('frames', '20 B'), destroy('frame')],
      { code: 'unknown-name', nearest: 'frames' },
    ],
    ['no cache at all', [destroy('c')], { code: 'unknown-name', expected: 'a "cache" step of that name' }],
    [
      'a misspelt step',
      [cache('c', '20 B'), { 'destroy cach': 'c' }],
      { code: 'unknown-name', nearest: 'destroy cache' },
    ],
    ['a number of blocks', [{ alloc: { name: 'o', size: 8, count: 2 } }], { code: 'contradiction' }],
    ['half an object', [cache('c', '20 B'), alloc('o', 'c', 1.5)], { code: 'wrong-value' }],
    ['no name', [cache('c', '20 B'), destroy('my cache')], { code: 'wrong-value' }],
  ])('are found: %s', (_what, steps, problem) => {
    try {
      scenarioWith(steps);
    } catch (error) {
      expect((error as UserError).problems).toEqual([expect.objectContaining(problem)]);
      return;
    }
    expect.unreachable();
  });
});

describe('in TypeScript', () => {
  const runTask = (script: (task: TaskCalls) => Script, heap: string) =>
    ran(
      defineScenario({
        name: 'caches',
        target: 'mps2-an385',
        heap,
        duration: '1 s',
        tasks: { main: { priority: 2, script } },
      }),
    );

  it.each(['mempool', 'slab', 'heap_4'])('they are the same as in YAML, on %s', (heap) => {
    const code = runTask(function* (task) {
      yield* task.createCache('c', '44 B');
      const array = yield* task.mallocArrayFrom('c', 5, 'o');
      yield* task.mallocFrom('c', 'o');
      yield* task.mallocArrayFrom('c', 2, 'o');
      yield* task.free(array);
      yield* task.destroyCache('c');
      yield* task.delay('2 s');
    }, heap);
    const yaml = ran(
      scenarioWith([
        cache('c', '44 B'),
        alloc('o', 'c', 5),
        alloc('o', 'c'),
        alloc('o', 'c', 2),
        { free: { name: 'o', which: 'oldest' } },
        destroy('c'),
      ]),
      { heap, heapOptions: {} },
    );
    expect(offsets(code, 'o')).toHaveLength(3);
    expect(code.schedule).toEqual(yaml.schedule);
  });

  it('a block says of which cache it is, and what is no count is refused', () => {
    const seen: unknown[] = [];
    const take = (count: number) =>
      runTask(function* (task) {
        yield* task.createCache('c', '44 B');
        const array = yield* task.mallocArrayFrom('c', count);
        seen.push(array?.label, array?.cache, array?.objects, array?.bytes);
      }, 'mempool');
    take(3);
    expect(seen).toEqual(['block', 'c', 3, 132]);
    for (const count of [-1, 0.5, Number.NaN, 2 ** 32]) expect(() => take(count)).toThrow('is no count');
  });
});
