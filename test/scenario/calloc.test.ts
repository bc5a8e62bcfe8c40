/** `pvPortCalloc` in scenarios, on each of FreeRTOS's heaps: what overflows, what is for nothing, what is zeroed. */

import { describe, expect, it } from 'vitest';
import {
  defineScenario,
  type OomDescription,
  parseScenario,
  type Script,
  type TaskCalls,
} from '../../src/index.js';
import { type Ran, ran } from './running.js';

const HEAPS = ['heap_1', 'heap_2', 'heap_2_coalescing', 'heap_3', 'heap_4', 'heap_5'];

/** 2^32, 2^32 + 65536, and the most that there is. */
const OVERFLOWS = [
  [65_536, 65_536],
  [65_536, 65_537],
  [4_294_967_295, 4_294_967_295],
] as const;

/** The task never ends: heap_1 would have to take its stack back. */
function inYaml(heap: string, steps: string, policy = 'continue'): Ran {
  const text = `name: calloc
target: stm32f103c8
heap: ${heap}
duration: 100 ms
on oom: ${policy}
tasks:
  main:
    priority: 2
    script: [${steps}, { delay: 1 s }]
`;
  return ran(parseScenario(text, 'calloc.yaml', { heapNames: HEAPS }));
}

function inTypeScript(
  heap: string,
  script: (task: TaskCalls) => Script,
  onOom: OomDescription = 'continue',
): Ran {
  return ran(
    defineScenario<string, string>({
      name: 'calloc',
      target: 'stm32f103c8',
      heap,
      duration: '100 ms',
      onOom,
      tasks: {
        main: {
          priority: 2,
          *script(task) {
            yield* script(task);
            yield* task.delay('1 s');
          },
        },
      },
    }),
  );
}

function calloc(count: number | string, size: number | string, name = 'a'): string {
  return `{ calloc: { name: ${name}, count: ${count}, size: ${size} } }`;
}

/** What the task has logged, in order. */
function marks({ schedule }: Ran): string[] {
  return schedule.filter((line) => line.includes(' mark ')).map((line) => line.split(' ').at(-1)!);
}

describe.each(HEAPS)('calloc on %s', (heap) => {
  it.each(OVERFLOWS)('refuses %i times %i bytes without asking the heap', (count, bytes) => {
    const without = inYaml(heap, '{ log: on }').result;
    for (const { result } of [
      inYaml(heap, calloc(count, bytes)),
      inTypeScript(heap, function* (task) {
        expect(yield* task.calloc(count, bytes, 'a')).toBeUndefined();
      }),
    ]) {
      expect(result.outcome).toBe('finished');
      expect(result.outOfMemory).toMatchObject([
        { requested: count * bytes, cause: 'too-large', label: 'a' },
      ]);
      expect(result.operations).toBe(without.operations);
      expect(result.malloc.instructions.count).toBe(without.malloc.instructions.count);
      expect(result.heapStats).toEqual(without.heapStats);
    }
  });

  it('calls no hook then, which is called in pvPortMalloc; but what the firmware does itself it does', () => {
    const [count, bytes] = OVERFLOWS[1];
    const steps = `${calloc(count, bytes)}, { log: on }`;
    expect(marks(inYaml(heap, steps, '{ hook: [{ log: hook }] }'))).toEqual(['on']);
    expect(marks(inYaml(heap, '{ alloc: { name: a, size: 1 MiB } }', '{ hook: [{ log: hook }] }'))).toEqual([
      'hook',
    ]);
    expect(inYaml(heap, steps, 'halt').result.outcome).toBe('halted');
    expect(inYaml(heap, steps, '{ retry: { delay: 1 ms, times: 3 } }').result.outOfMemoryCount).toBe(4);
    const script = function* (task: TaskCalls) {
      yield* task.calloc(count, bytes);
      yield* task.log('on');
    };
    const hook = function* (task: { log(text: string): ReturnType<TaskCalls['log']> }) {
      yield* task.log('hook');
    };
    expect(marks(inTypeScript(heap, script, { hook } as OomDescription))).toEqual(['on']);
    expect(inTypeScript(heap, script, 'halt').result.outcome).toBe('halted');
  });

  it.each([
    [0, 16],
    [16, 0],
  ])(
    'gives nothing, or a smallest block, for %i times %i bytes, and no firmware gives up over it',
    (count, bytes) => {
      const { result } = inYaml(heap, `${calloc(count, bytes)}, { log: on }`, 'halt');
      expect(result).toMatchObject({ outcome: 'finished', outOfMemoryCount: 0 });
      // newlib, which heap_3 calls, has a block for 0 bytes.
      expect(result.zeroSizeRequests).toBe(heap === 'heap_3' ? 0 : 1);
      const typed = inTypeScript(
        heap,
        function* (task) {
          yield* task.calloc(count, bytes);
        },
        'halt',
      );
      expect(typed.result.outcome).toBe('finished');
    },
  );

  it('gives a block of the product, zeroed', () => {
    const { result } = inYaml(heap, `${calloc(3, 40)}, { verify: a }`);
    expect(result).toMatchObject({ outOfMemoryCount: 0, lostContents: [] });
    const size = (steps: string) => inYaml(heap, steps).result.freeBytes;
    expect(size(calloc(3, 40))).toBe(size('{ alloc: { name: a, size: 120 } }'));
  });
});

it('asks again for as much as before where it tries again', () => {
  const drawn = '{ uniform: { from: 300, to: 9000 } }';
  const { result } = inYaml('heap_4', calloc(drawn, drawn), '{ retry: { delay: 1 ms, times: 5 } }');
  const [first, ...others] = result.outOfMemory.map(({ requested }) => requested);
  expect(others).toEqual(Array(5).fill(first));
});

it('realloc of nothing asks for what it says', () => {
  const steps = `{ realloc: { name: a, size: { uniform: { from: 30000, to: 90000 } } } }`;
  const { result } = inYaml('heap_4', steps, '{ retry: { delay: 1 ms, times: 5 } }');
  const [first, ...others] = result.outOfMemory.map(({ requested }) => requested);
  expect(others).toEqual(Array(5).fill(first));
});
