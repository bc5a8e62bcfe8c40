/** Caches in scenarios: on a heap that has them, and on one that has not. */

import { describe, expect, it } from 'vitest';
import { findHeap } from '../../src/heaps/catalog.js';
import { type Block, defineScenario, type Script, type TaskCalls } from '../../src/index.js';
import { parseResult, type RunResult } from '../../src/inspect/result.js';
import { verdict } from '../../src/report/oom-verdict.js';
import { parseScenario } from '../../src/scenario/load.js';
import { type Ran, ran, type Variation } from '../scenario/running.js';

const HEAPS = ['heap_4', 'slab'];

function runSteps(heap: string, steps: string, variation: Variation = {}): Ran {
  const text = `name: Caches
target: stm32f103c8
heap: ${heap}
duration: 10 ms
tasks:
  main: { priority: 2, script: ${steps} }
`;
  return ran(parseScenario(text, 'test.yaml', { heapNames: HEAPS }), variation);
}

function runCode(heap: string, script: (task: TaskCalls) => Script, variation: Variation = {}): Ran {
  const tasks = { main: { priority: 2, script } };
  return ran(
    defineScenario<string, string>({ name: 'Caches', target: 'stm32f103c8', heap, duration: '10 ms', tasks }),
    variation,
  );
}

/** What main did with blocks of its own: `malloc packet 40 +8`. */
function mainCalls({ schedule }: Ran): string[] {
  return schedule
    .filter((line) => / (malloc|free) main /.test(line))
    .map((line) => line.replace(/^\d+ /, ''));
}

describe.each(HEAPS)('a cache on %s', (heap) => {
  const steps =
    '[{ cache: { name: packets, bytes: 40 } }, { alloc: { name: a, from: packets } }, { fill: a }, ' +
    '{ alloc: { name: b, from: packets } }, { free: a }, { verify: b }]';

  it('serves its objects and takes them back', () => {
    const { result, schedule } = runSteps(heap, steps);
    expect(result).toMatchObject({ outcome: 'finished', outOfMemoryCount: 0, lostContents: [] });
    expect(schedule.filter((line) => / main [ab]\b/.test(line))).toHaveLength(3);
  });

  it('is the same from TypeScript', () => {
    const code = runCode(heap, function* (task) {
      const made = yield* task.createCache('packets', '40 B');
      if (!made) return;
      const a = (yield* task.mallocFrom('packets', 'a'))!;
      yield* task.fill(a);
      const b = (yield* task.mallocFrom('packets', 'b'))!;
      yield* task.free(a);
      yield* task.verify(b);
    });
    expect(mainCalls(code)).toEqual(mainCalls(runSteps(heap, steps)));
    expect(mainCalls(code)).toHaveLength(3);
  });

  it('may be made again, for objects of the same size', () => {
    const again = (bytes: number) =>
      runSteps(heap, `[{ cache: { name: c, bytes: 8 } }, { cache: { name: c, bytes: ${bytes} } }]`).result;
    expect(again(8).outcome).toBe('finished');
    expect(again(16).fault).toMatchObject({ kind: 'illegal-call', task: 'main' });
  });

  it('that nobody has made is a fault', () => {
    const steps = '[{ alloc: { name: a, from: c } }, { cache: { name: c, bytes: 8 } }]';
    const { fault } = runSteps(heap, steps).result;
    expect(fault).toMatchObject({ kind: 'illegal-call', reason: 'cache c has not been made' });
  });

  it('is gone after a reset', () => {
    const steps =
      '[{ cache: { name: c, bytes: 8 } }, { alloc: { name: a, from: c } }, { alloc: { name: b, size: 1 MiB, on oom: reset } }]';
    const { result } = runSteps(heap, steps);
    expect(result.resets).toBeGreaterThan(2);
    expect(result.fault).toBe(undefined);
  });

  it('for objects of no size is a mistake', () => {
    const make = () =>
      runCode(heap, function* (task) {
        yield* task.createCache('c', 0);
      });
    expect(make).toThrow(/objects of no size/);
  });
});

describe('on slab', () => {
  const run = (script: (task: TaskCalls) => Script) =>
    runCode('slab', script, { heapBytes: 8 * 1024 }).result;

  /** Blocks of a size until there are no more. */
  function* exhaust(task: TaskCalls, size: number): Script<Block[]> {
    const blocks: Block[] = [];
    for (;;) {
      const x = yield* task.malloc(size);
      if (x === undefined) return blocks;
      blocks.push(x);
    }
  }

  /** Nothing but slabs of 8-byte objects, of which `count` are free. */
  function* leave(task: TaskCalls, count: number): Script {
    const blocks = yield* exhaust(task, 8);
    for (const block of blocks.slice(0, count)) yield* task.free(block);
  }

  const eventOf = (result: RunResult, label: string) =>
    result.outOfMemory.find((event) => event.label === label)!;

  it('an object keeps what is in it until it is handed out again', () => {
    const { result } = runCode('slab', function* (task) {
      yield* task.createCache('c', 40);
      const first = (yield* task.mallocFrom('c'))!;
      yield* task.fill(first);
      yield* task.free(first);
      const second = (yield* task.mallocFrom('c'))!;
      if (second.handle !== first.handle) throw new Error('not the same object');
      second.filledBytes = first.filledBytes;
      second.pattern = first.pattern;
      yield* task.verify(second);
    });
    expect(result).toMatchObject({ outcome: 'finished', lostContents: [] });
  });

  it('a request whose class is empty says so, and where the room is', () => {
    const result = run(function* (task) {
      yield* leave(task, 10);
      yield* task.malloc(20, 'y');
    });
    const event = eventOf(result, 'y');
    expect(event).toMatchObject({ requested: 20, needed: 24, cause: 'class-empty' });
    expect(event.emptyClass).toMatchObject({ blockBytes: 24, refillBytes: 512 });
    expect(event.emptyClass!.others).toContainEqual({ blockBytes: 8, freeBlocks: 10 });
    expect(eventOf(parseResult(JSON.stringify(result), 'result.json'), 'y')).toEqual(event);
    expect(verdict(result, event).explanation.replaceAll('\u00a0', ' ')).toContain(
      'Nothing was free in the class of 24 B, and slab did not have the 512 B',
    );
  });

  it('a request of a cache names the cache', () => {
    const result = run(function* (task) {
      yield* task.createCache('packets', 24);
      yield* leave(task, 10);
      yield* task.mallocFrom('packets', 'y');
    });
    const event = eventOf(result, 'y');
    expect(event).toMatchObject({ requested: 24, needed: 24, cause: 'class-empty' });
    expect(event.emptyClass).toMatchObject({ cache: 'packets', blockBytes: 24, refillBytes: 512 });
  });

  it('a cache that finds no room for its descriptor is a failed request', () => {
    const result = run(function* (task) {
      yield* exhaust(task, 28);
      yield* leave(task, 10);
      const made = yield* task.createCache('c', 8);
      yield* task.log(made);
    });
    expect(eventOf(result, 'cache:c')).toMatchObject({ requested: 28, needed: 32, cause: 'class-empty' });
    expect(result.outcome).toBe('finished');
  });

  it('a large request is not too large for ever because slabs are in its way', () => {
    const result = run(function* (task) {
      yield* task.malloc(9000, 'never');
      yield* leave(task, 0);
      yield* task.malloc(3000, 'not now');
    });
    expect(eventOf(result, 'never').cause).toBe('too-large');
    expect(eventOf(result, 'not now').cause).toBe('exhausted');
  });
});

it('heaps without caches have none', () => {
  const without = HEAPS.filter((name) => {
    const { result } = runSteps(name, '[{ cache: { name: c, bytes: 8 } }]');
    return result.operations === runSteps(name, '[]').result.operations;
  });
  expect(without).toEqual(['heap_4']);
  expect(findHeap('slab')!.reclaims).toBe(true);
});
