/** Scenarios on a heap that moves blocks: what lock, unlock, compact and the notification of fullness do there. */

import { describe, expect, it } from 'vitest';
import { defineScenario, type Script, type TaskCalls } from '../../src/index.js';
import { parseScenario } from '../../src/scenario/load.js';
import { type Ran, ran, type Variation } from './running.js';

/** 4 KiB for the heap, kernel objects elsewhere: offsets are the task's own. */
const SIZED = { heapBytes: 4096 };

/** Runs one task's steps; `more` are further keys of the scenario. */
function runSteps(steps: string, more = 'heap: rmalloc', variation: Variation = {}): Ran {
  const text = `name: Steps
target: mps2-an385
duration: 100 ms
${more}
tasks:
  main: { priority: 2, script: [${steps}] }
`;
  const heapNames = ['rmalloc', 'rmalloc_2008', 'heap_4', 'buddy_handles'];
  return ran(parseScenario(text, 'test.yaml', { heapNames }), { ...SIZED, ...variation });
}

const alloc = (name: string, bytes: number) =>
  `{ alloc: { name: ${name}, size: ${bytes} B } }, { fill: ${name} }`;
/** Blocks a and b, and the first one's bytes free. */
const HOLE_BELOW_B = `${alloc('a', 200)}, ${alloc('b', 100)}, { free: a }`;

describe.each(['rmalloc', 'rmalloc_2008'])('on %s', (heap) => {
  it('compact moves what is not locked, and contents survive', () => {
    const { result } = runSteps(`${HOLE_BELOW_B}, { compact: fully }, { verify: b }`, `heap: ${heap}`);
    expect(result.compactions).toMatchObject({ count: 1, bytesMoved: 104, blocksMoved: 1 });
    expect(result.lostContents).toEqual([]);
  });

  it('a locked block stays until it is unlocked as often', () => {
    const { result } = runSteps(
      `${HOLE_BELOW_B}, { lock: b }, { lock: b }, { compact: fully }, { unlock: b }, { compact: fully },
       { unlock: b }, { compact: fully }, { verify: b }`,
      `heap: ${heap}`,
    );
    expect(result.compactions).toMatchObject({ count: 3, blocksMoved: 1 });
    expect(result.passed).toBe(true);
  });

  it('unlocking what is not locked is the firmware’s fault, at its line', () => {
    const { result } = runSteps(`${alloc('a', 20)}, { unlock: a }`, `heap: ${heap}`);
    expect(result).toMatchObject({ outcome: 'fault', fault: { kind: 'assertion', task: 'main' } });
    expect(result.fault).toMatchObject({ at: { line: 6 }, reason: expect.stringContaining('unlocked') });
  });

  it('the kernel’s own objects are locked for good', () => {
    const { result } = runSteps('{ compact: fully }, { alloc: { name: big, size: 1 MiB } }', `heap: ${heap}`);
    const kernel = result.outOfMemory[0]!.map.filter(({ label }) => label?.startsWith('stack:'));
    expect(kernel.map(({ locks }) => locks)).toEqual([1, 1]);
  });
});

describe('a request that finds no room', () => {
  it('compacts first, and says what that did', () => {
    const { result } = runSteps(
      `{ alloc: { name: a, size: 400 B } }, { alloc: { name: b, size: 1000 B } },
       { alloc: { name: c, size: 200 B } }, { free: b }, { fill: c }, { alloc: { name: d, size: 1100 B } },
       { verify: c }`,
      'heap: rmalloc',
      { cost: 'estimate', heapBytes: 3600 },
    );
    expect(result.outOfMemoryCount).toBe(0);
    const [event] = result.compactions.events;
    expect(event).toMatchObject({ trigger: 'failure', task: 'main', blocksMoved: 1, bytesMoved: 200 });
    expect(event!.largestHoleAfter).toBeGreaterThanOrEqual(1100);
    expect(event!.largestHoleBefore).toBeLessThan(1100);
    // The call is suspended for its own work and the compaction's.
    expect(event!.cycles).toBeGreaterThan(0);
    expect(event!.suspension).toBeGreaterThan(event!.cycles);
    expect(result.malloc.cycles.maximum).toBeGreaterThanOrEqual(event!.cycles);
  });
});

describe('blocks whose places are on a grid', () => {
  /** Sixteen blocks of 256 B next to each other of which every other one is freed again. */
  const checkerboard = (lock: string) => `
    { repeat: { times: 8, steps: [{ alloc: { name: a, size: 256 B } }, ${lock}, { alloc: { name: b, size: 256 B } }] } },
    { free: { name: b, which: all } }, { alloc: { name: big, size: 1 KiB } }`;
  const run = (lock: string) => runSteps(checkerboard(lock), 'heap: buddy_handles', { heapBytes: 6000 });

  it('are named where their locks keep a request from being served, the lowest one too', () => {
    const { result } = run('{ lock: a }');
    expect(result.outOfMemoryCount).toBe(1);
    const [event] = result.outOfMemory;
    expect(event).toMatchObject({ cause: 'pinned', needed: 1024, largestHole: 256, freeBytes: 2144 });
    const costs = event!.pins!.map(({ label, address, cost }) => [label, address - event!.gridOrigin!, cost]);
    expect(costs.slice(0, 8)).toEqual(Array.from({ length: 8 }, (_, index) => ['a', 512 * index, 256]));
    // The kernel's, with no hole of their size beside them.
    for (const [, , cost] of costs.slice(8)) expect(cost).toBe(0);
  });

  it('make room where they are not locked', () => {
    const { result } = run('yield');
    expect(result).toMatchObject({ passed: true, outOfMemoryCount: 0 });
    expect(result.compactions.events).toMatchObject([{ trigger: 'failure', bytesMoved: 512 }]);
  });
});

describe('lock, unlock and compact', () => {
  it('do nothing and take no time where blocks never move', () => {
    const steps = `${HOLE_BELOW_B}, { lock: b }, { compact: fully }, { unlock: b }, { unlock: b }, { verify: b }`;
    const { result } = runSteps(steps, 'heap: heap_4', { cost: 'estimate' });
    expect(result).toMatchObject({ passed: true, compactions: { count: 0 } });
    const { result: plain } = runSteps(`${HOLE_BELOW_B}, { verify: b }`, 'heap: heap_4', {
      cost: 'estimate',
    });
    expect(result.suspension).toEqual(plain.suspension);
  });

  it('take time where they move', () => {
    const run = (steps: string) => runSteps(steps, 'heap: rmalloc', { cost: 'estimate' }).result;
    const locking = run(`${alloc('a', 20)}, { lock: a }, { unlock: a }`);
    const plain = run(alloc('a', 20));
    expect(locking.suspension.count).toBe(plain.suspension.count + 2);
    expect(locking.suspension.total).toBeGreaterThan(plain.suspension.total);
    expect(locking.operations).toBe(plain.operations);
  });

  it('on a name that holds nothing do nothing', () => {
    const { result } = runSteps(`${alloc('a', 20)}, { free: a }, { lock: a }, { unlock: a }`);
    expect(result.passed).toBe(true);
  });

  it('cannot be called from an interrupt', () => {
    const scenario = defineScenario({
      name: 'Interrupt',
      target: 'mps2-an385',
      heap: 'rmalloc',
      duration: '10 ms',
      interrupts: {
        tick: {
          period: '1 ms',
          *script(interrupt) {
            yield* (interrupt as TaskCalls).compact();
          },
        },
      },
      tasks: { main: { priority: 1, *script() {} } },
    });
    expect(ran(scenario).result.fault).toMatchObject({ kind: 'illegal-call' });
  });
});

describe('a budget', () => {
  /** 20 blocks of 40 B, every other one freed. */
  const holes = `{ repeat: { times: 10, steps: [{ alloc: { name: a, size: 40 } }, { alloc: { name: b, size: 40 } }] } },
    { free: { name: a, which: all } }`;
  const moves = (steps: string, cost: 'estimate' | 'none' = 'none') =>
    runSteps(`${holes}, ${steps}`, 'heap: rmalloc', { cost }).result.compactions.events;

  it('of bytes is never exceeded, except by a first block that is larger', () => {
    const events = moves('{ repeat: { times: 3, steps: [{ compact: { budget: 100 B } }] } }');
    expect(events.map(({ bytesMoved }) => bytesMoved)).toEqual([80, 80, 80]);
    expect(moves('{ compact: { budget: 1 B } }')[0]).toMatchObject({ bytesMoved: 40, finished: false });
  });

  it('of time ends a compaction in time, and the next one goes on', () => {
    const fully = moves('{ compact: fully }', 'estimate')[0]!;
    const half = Math.floor(fully.cycles / 2);
    const events = moves(
      `{ repeat: { times: 3, steps: [{ compact: { budget: ${half} cycles } }] } }`,
      'estimate',
    );
    expect(events[0]!.finished).toBe(false);
    expect(events.at(-1)!.finished).toBe(true);
    expect(events.reduce((sum, { blocksMoved }) => sum + blocksMoved, 0)).toBe(fully.blocksMoved);
    // One step may be begun just before the end, and the hole has to be left in order.
    for (const { cycles } of events) expect(cycles).toBeLessThan(1.5 * half);
  });

  it('in the idle hook compacts bit by bit', () => {
    const { result } = runSteps(
      `${holes}, { delay: 1 s }`,
      'heap: rmalloc\nidle hook: [{ compact: { budget: 80 B } }]',
    );
    const { count, blocksMoved, events } = result.compactions;
    expect(blocksMoved).toBe(10);
    expect(events.map(({ bytesMoved }) => bytesMoved)).toEqual([80, 80, 80, 80, 80]);
    // Most calls find nothing to do and are only counted.
    expect(count).toBeGreaterThan(50);
  });

  it('is a mistake of the script if it is neither bytes nor time', () => {
    function* script(task: TaskCalls): Script {
      yield* task.compact('7 apples' as never);
    }
    const scenario = defineScenario({
      name: 'Budget',
      target: 'mps2-an385',
      heap: 'rmalloc',
      duration: '10 ms',
      tasks: { main: { priority: 1, script } },
    });
    expect(() => ran(scenario)).toThrow('no budget');
  });
});

describe('in TypeScript', () => {
  it('compact says how much it moved, and fullness has a hook', () => {
    const scenario = defineScenario({
      name: 'Fullness',
      target: 'mps2-an385',
      heap: { name: 'rmalloc', options: { lower: 60 } },
      duration: '10 ms',
      onFullness: {
        *hook(task) {
          yield* task.log(`compacted ${yield* task.compact('1 KiB')}`);
        },
      },
      tasks: {
        main: {
          priority: 1,
          *script(task) {
            const blocks = [yield* task.malloc(1000), yield* task.malloc(600)];
            yield* task.free(blocks[0]);
            yield* task.malloc(200);
            yield* task.log(`compacted ${yield* task.compact()}`);
          },
        },
      },
    });
    const { schedule } = ran(scenario, SIZED);
    expect(schedule.filter((line) => line.includes('compacted'))).toEqual([
      expect.stringContaining('mark on fullness compacted 600'),
      expect.stringContaining('mark main compacted 0'),
    ]);
  });
});

describe('fullness', () => {
  /** Of 4 KiB 1,100 are the kernel's; 50 % are reached with the second block, 90 % with the last. */
  const filling = `{ alloc: { name: a, size: 600 } }, { alloc: { name: b, size: 600 } }, { free: a },
    { alloc: { name: c, size: 700 } }, { alloc: { name: d, size: 700 } }, { alloc: { name: e, size: 8 } },
    { alloc: { name: f, size: 8 } }`;
  const triggers = (answer: string, options = 'lower: 50, higher: 85') => {
    const heap = `heap: { name: rmalloc, options: { ${options} } }`;
    const { result } = runSteps(filling, `${heap}${answer}`);
    expect(result.outOfMemoryCount).toBe(0);
    return result.compactions.events.map(({ trigger, blocksMoved }) => `${trigger} ${blocksMoved}`);
  };

  it('is nobody’s business unless somebody answers', () => {
    expect(triggers('')).toEqual([]);
  });

  it('answered with compact compacts at LOWER', () => {
    expect(triggers('\non fullness: compact')).toEqual(['lower 1']);
    expect(triggers('', 'lower: 50, higher: 85, fullness: compact')).toEqual(['lower 1']);
  });

  it('deferred compacts at HIGHER', () => {
    expect(triggers('\non fullness: defer')).toEqual(['higher 3']);
    expect(triggers('', 'lower: 50, higher: 85, fullness: defer')).toEqual(['higher 3']);
  });

  it('goes by the scenario’s answer before the option’s', () => {
    expect(triggers('\non fullness: defer', 'lower: 50, higher: 85, fullness: compact')).toEqual([
      'higher 3',
    ]);
  });

  it('may be a script, which is not asked to do more than once until there is room again', () => {
    const hook = '\non fullness: { hook: [{ log: full }, { compact: fully }] }';
    expect(triggers(hook)).toEqual(['call 1']);
  });

  it('does not let a script wait', () => {
    const { result } = runSteps(
      filling,
      'heap: { name: rmalloc, options: { lower: 50 } }\non fullness: { hook: [{ delay: 1 ms }] }',
    );
    expect(result.fault).toMatchObject({ kind: 'assertion', task: 'main' });
  });

  it('lets a script free what it can do without', () => {
    const text = `name: Cache
target: mps2-an385
heap: { name: rmalloc, options: { lower: 50 } }
duration: 100 ms
globals: [cache]
on fullness: { hook: [{ free: cache }] }
tasks:
  main: { priority: 2, script: [
    { alloc: { name: cache, size: 1000 } }, { alloc: { name: b, size: 500 } },
    { alloc: { name: c, size: 1300 } }] }
`;
    const { result } = ran(parseScenario(text, 'test.yaml', { heapNames: ['rmalloc'] }), {
      ...SIZED,
      cost: 'estimate',
    });
    expect(result).toMatchObject({ outOfMemoryCount: 0, frees: 3 });
  });
});

describe('a request that locks defeat', () => {
  const steps = `{ alloc: { name: low, size: 1200 } }, { alloc: { name: pin, size: 100 } },
    { alloc: { name: other, size: 64 } }, { lock: pin }, { lock: other }, { free: low },
    { alloc: { name: big, size: 2000 } }`;

  it('has the cause pinned, and the locked blocks with their cost', () => {
    const { result } = runSteps(steps);
    const [event] = result.outOfMemory;
    expect(event!.cause).toBe('pinned');
    expect(event!.pins!.map(({ label, locks }) => `${label} ${locks}`)).toEqual(['pin 1', 'other 1']);
    // Each alone keeps the holes apart; the upper one would go down into the hole and leave its own bytes.
    expect(event!.pins!.map(({ cost }) => cost)).toEqual([0, 64]);
    expect(result.compactions.events.at(-1)).toMatchObject({ blocksInTheWay: 1, finished: true });
  });

  it('prices a single lock at what it keeps apart', () => {
    const { result } = runSteps(steps.replace('{ lock: other }, ', ''));
    const [event] = result.outOfMemory;
    expect(event).toMatchObject({ cause: 'pinned', pins: [{ label: 'pin', at: { line: 6 } }] });
    const { largestHole, freeBytes } = event!;
    expect(event!.pins![0]!.cost).toBe(freeBytes - largestHole);
    expect(result.compactions.events.at(-1)!.pins[0]!.cost).toBe(freeBytes - largestHole);
  });

  it('is as it was afterwards: what was tried leaves no trace', () => {
    const { result } = runSteps(`${steps}, { unlock: pin }, { unlock: other }, { compact: fully }`);
    expect(result.passed).toBe(true);
    expect(result.compactions.events.at(-1)).toMatchObject({ trigger: 'call', blocksMoved: 2 });
  });

  it('would fail without locks too: the cause is another', () => {
    const { result } = runSteps(steps.replace('size: 2000', 'size: 3200'));
    expect(result.outOfMemory[0]!.cause).toBe('exhausted');
  });

  it('could be served by a compaction that nobody made: the cause is fragmentation', () => {
    const { result } = runSteps(
      steps.replace('{ lock: pin }, { lock: other }, ', ''),
      'heap: { name: rmalloc, options: { compactOnFailure: false } }',
    );
    expect(result.outOfMemory[0]).toMatchObject({ cause: 'fragmented' });
    expect(result.outOfMemory[0]).not.toHaveProperty('pins');
  });

  it('too large for an empty heap is that, whatever is locked', () => {
    const { result } = runSteps(steps.replace('size: 2000', 'size: 4090'));
    expect(result.outOfMemory[0]!.cause).toBe('too-large');
  });
});
