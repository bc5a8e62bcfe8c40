/** What a heap can ask of the device around it, and what the device does for a heap that asks for it. */

import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { findHeap } from '../../src/heaps/catalog.js';
import type { HeapDefinition } from '../../src/heaps/definition.js';
import type { Deferral, Heap, Surroundings } from '../../src/heaps/heap.js';
import { Recorder } from '../../src/inspect/recorder.js';
import { parseScenario } from '../../src/scenario/load.js';
import { type CostChoice, costModel } from '../../src/simulation/cost.js';
import { run } from '../../src/simulation/run.js';
import { loadTarget } from '../../src/targets/load.js';

const inner = findHeap('heap_4')!;

type Gifts = Partial<Pick<Heap, 'interruptsMayFree' | 'deferral' | 'taskDeleted' | 'idleWork'>>;

/** heap_4 with more abilities, and with a note of who called what when. */
function witness(gifts: (heap: Heap, calls: string[], surroundings: Surroundings) => Gifts = () => ({})) {
  const calls: string[] = [];
  const create: HeapDefinition['create'] = (memory, layout, options, surroundings) => {
    const heap = inner.create(memory, layout, options);
    const [malloc, free] = [heap.malloc.bind(heap), heap.free.bind(heap)];
    const note = (call: string) =>
      calls.push(`${call} by ${surroundings!.caller()} at ${surroundings!.ticks()}`);
    heap.malloc = (bytes) => {
      note(`malloc ${bytes}`);
      return malloc(bytes);
    };
    heap.free = (address) => {
      note('free');
      free(address);
    };
    return Object.assign(heap, gifts(heap, calls, surroundings!));
  };
  return { definition: { ...inner, create }, calls };
}

function runOn(definition: HeapDefinition, body: string, cost: CostChoice = 'none') {
  const text = `name: x\ntarget: stm32f103c8\nheap: heap_4\nduration: 100 ms\n${body}`;
  const scenario = parseScenario(text, 'test.yaml', { heapNames: ['heap_4'] });
  const target = loadTarget('stm32f103c8');
  const recorder = new Recorder();
  const settings = {
    target: { ...target, kernel: { ...target.kernel, objectsFromHeap: false } },
    heap: definition,
    options: v.parse(definition.options, {}),
    costChoice: cost,
    cost: costModel(cost, definition, target),
    seed: 1,
  };
  const outcome = run(scenario, settings, [recorder]);
  return recorder.result(scenario, settings, outcome);
}

const SLEEPER = 'sleeper: { priority: 1, loop: true, script: [{ delay: 50 ms }] }';

describe('who calls', () => {
  it('is a task by the order of creation, in the tick of its call', () => {
    const { definition, calls } = witness();
    runOn(
      definition,
      `tasks:
  late: { priority: 1, script: [{ delay: 7 ms }, { alloc: { name: b, size: 24 } }] }
  early: { priority: 2, script: [{ alloc: { name: b, size: 16 } }, { free: b }, { delay: 90 ms }] }`,
    );
    expect(calls).toEqual(['malloc 16 by 2 at 0', 'free by 2 at 0', 'malloc 24 by 1 at 7']);
  });

  it('is main() before the scheduler runs', () => {
    const { definition, calls } = witness();
    const text = `name: x\ntarget: stm32f103c8\nheap: heap_4\nduration: 1 ms\ntasks: { ${SLEEPER} }`;
    const scenario = parseScenario(text, 'test.yaml', { heapNames: ['heap_4'] });
    const target = loadTarget('stm32f103c8');
    const cost = costModel('none', definition, target);
    run(scenario, { target, heap: definition, options: {}, costChoice: 'none', cost, seed: 1 }, []);
    expect(calls.length).toBeGreaterThan(2);
    expect(new Set(calls.map((call) => call.split(' by ')[1]))).toEqual(new Set(['0 at 0']));
  });
});

const HANDED = `globals: [handed]
interrupts: { uart: { first: 10 ms, period: 10 ms, count: 2, script: [{ free: handed }] } }
tasks:
  giver: { priority: 1, script: [{ alloc: { name: handed, size: 40 } }, { delay: 90 ms }] }`;

describe('a free in an interrupt', () => {
  it("is the firmware's error", () => {
    const { definition } = witness();
    expect(runOn(definition, HANDED)).toMatchObject({
      outcome: 'fault',
      fault: { kind: 'illegal-call', context: 'interrupt', task: 'uart' },
    });
  });

  it("counts and takes the interrupt's time on a heap that lets it", () => {
    const { definition, calls } = witness(() => ({ interruptsMayFree: true }));
    const result = runOn(definition, HANDED, 'gcc12-Os');
    expect(calls).toEqual(['malloc 40 by 1 at 0', 'free by -1 at 10']);
    expect(result).toMatchObject({ outcome: 'finished', allocations: 1, frees: 1, operations: 2 });
    const row = (kind: string) => result.tasks.find((task) => task.kind === kind)!;
    expect(row('interrupt').runCycles).toBeGreaterThan(50);
    expect(result.suspension.count).toBe(1);
  });
});

it('a deleted task is told before its memory is freed, once', () => {
  const { definition, calls } = witness((_heap, notes) => ({
    taskDeleted: (task) => notes.push(`deleted ${task}`),
  }));
  runOn(
    definition,
    `tasks:
  ends: { priority: 2, script: [{ delay: 5 ms }] }
  other: { priority: 2, script: [{ delay: 90 ms }] }
  killer: { priority: 1, script: [{ delay: 20 ms }, { delete task: other }, { delay: 90 ms }] }`,
  );
  expect(calls).toEqual(['deleted 1', 'deleted 2']);
});

it('idle work is done in portions while it is due, with the scheduler suspended, at the next tick that idle has', () => {
  const { definition, calls } = witness((_heap, notes, { ticks, caller }) => {
    let left = 3;
    return {
      idleWork: {
        due: () => ticks() >= 20 && left > 0,
        run: () => {
          notes.push(`${left--} left at ${ticks()} for ${caller()}`);
        },
      },
    };
  });
  const result = runOn(
    definition,
    'tasks: { busy: { priority: 1, script: [{ compute: 15 ms }, { delay: 8 ms }, { compute: 5 ms }] } }',
  );
  expect(calls).toEqual(['3 left at 20 for 2', '2 left at 20 for 2', '1 left at 20 for 2']);
  expect(result.suspension.count).toBe(3);
});

describe('blocks whose free is deferred', () => {
  const body = (script: string) => `tasks:
  a:
    priority: 1
    script:
      - repeat: { times: 5, steps: [{ alloc: { name: tree, size: 16 } }] }
      ${script}`;
  const HANG = `- defer free: { name: tree, per heartbeat: 2 }
      - log: hung
      - repeat: { times: 3, steps: [{ alloc: { name: other, size: 24 } }] }
      - delay: 90 ms`;

  function beating(force: (beat: number) => boolean) {
    return witness((heap) => {
      const deferral: Deferral = { client: undefined };
      const malloc = heap.malloc.bind(heap);
      let beats = 0;
      heap.malloc = (bytes) => {
        beats++;
        deferral.client?.(force(beats), beats);
        return malloc(bytes);
      };
      return { deferral };
    });
  }

  const kinds = (calls: readonly string[]) => calls.map((call) => call.split(' by ')[0]);
  const five = Array.from({ length: 5 }, () => 'malloc 16');

  it('are freed so many at each heartbeat, the oldest first', () => {
    const { definition, calls } = beating(() => false);
    const result = runOn(definition, body(HANG));
    const [two, one] = [['free', 'free'], ['free']];
    expect(kinds(calls)).toEqual([...five, ...two, 'malloc 24', ...two, 'malloc 24', ...one, 'malloc 24']);
    expect(result).toMatchObject({ outcome: 'finished', frees: 5, operations: 13 });
  });

  it('are freed all together when the heap has no room', () => {
    const { definition, calls } = beating((beat) => beat === 6);
    runOn(definition, body(HANG));
    expect(kinds(calls).slice(5, 11)).toEqual(['free', 'free', 'free', 'free', 'free', 'malloc 24']);
  });

  it('are freed at once where the heap has no heartbeat', () => {
    const { definition, calls } = witness();
    runOn(definition, body('- defer free: { name: tree, per heartbeat: 2 }'));
    expect(kinds(calls)).toEqual([...five, 'free', 'free', 'free', 'free', 'free']);
  });

  it('pay for themselves', () => {
    const { definition } = beating(() => false);
    const deferred = runOn(definition, body(HANG), 'gcc12-Os');
    const plain = runOn(witness().definition, body(HANG), 'gcc12-Os');
    const cycles = ({ tasks }: typeof plain) => tasks.find(({ name }) => name === 'a')!.runCycles;
    expect(deferred.frees).toBe(plain.frees);
    expect(Math.abs(cycles(deferred) / cycles(plain) - 1)).toBeLessThan(0.2);
    expect(deferred.suspension.count).toBe(plain.suspension.count - 5);
  });
});
