import { describe, expect, it } from 'vitest';
import { NULL, NULL_CALL } from '../../src/heaps/heap.js';
import { parseTrace } from '../../src/traces/read.js';
import { NO_BLOCK, Replay } from '../../src/traces/replay.js';
import { device, faultOf, listed } from '../heaps/device.js';

/** On heap_4, 4096 bytes at alignment 8: a block of n bytes takes n + 8. Offsets, NULL or NO_BLOCK. */
function replayed(trace: string, bytes = 4096) {
  const made = device('heap_4', { bytes });
  const answers: number[] = [];
  const replay = new Replay(made.heap, made.memory, parseTrace(trace.replaceAll('; ', '\n'), 'trace'));
  replay.run((index, address) => {
    expect(index).toBe(answers.length);
    answers.push(address > 0 ? address - made.origin : address);
  });
  return { ...made, answers, summary: replay.summary, used: listed(made, 'used') };
}

const NOTHING = {
  operations: 0,
  allocations: 0,
  failures: 0,
  frees: 0,
  lost: 0,
  idle: 0,
  peakLiveBytes: 0,
  liveBytes: 0,
  liveBlocks: 0,
};

describe('a replay', () => {
  it('of nothing did nothing', () => {
    expect(replayed('').summary).toEqual(NOTHING);
  });

  it('tells after every operation which payload it was about', () => {
    expect(replayed('a 0 8; a 1 24; f 0; l 1; u 1; a 2 8; f 1').answers).toEqual([8, 24, 8, 24, 24, 8, 24]);
  });

  it('needs no observer', () => {
    const { heap, memory } = device('heap_4');
    expect(new Replay(heap, memory, parseTrace('a 0 8\nf 0', 'trace')).run().operations).toBe(2);
    expect(heap.freeBytes()).toBe(4088);
  });

  it('counts operations, allocations, frees, and the bytes asked for, at the end and at their peak', () => {
    expect(replayed('a 0 100; a 1 30; f 0; a 2 5; c 3 4 10').summary).toEqual({
      ...NOTHING,
      operations: 5,
      allocations: 4,
      frees: 1,
      peakLiveBytes: 130,
      liveBytes: 75,
      liveBlocks: 3,
    });
  });

  it('counts what the heap refused, a request of 0 bytes not', () => {
    const { answers, summary } = replayed('a 0 5000; a 1 0; c 2 0 8; c 3 2 2147483648; c 4 2 8');
    expect(answers).toEqual([NULL, NULL, NULL, NULL, 8]);
    expect(summary).toEqual({
      ...NOTHING,
      operations: 5,
      allocations: 1,
      failures: 2,
      peakLiveBytes: 16,
      liveBytes: 16,
      liveBlocks: 1,
    });
  });

  it('lets operations on an id that holds nothing idle; a free is then a free(NULL)', () => {
    const { answers, summary, heap } = replayed('f 0; r 0 8; l 0; u 0');
    expect(answers).toEqual([NO_BLOCK, NO_BLOCK, NO_BLOCK, NO_BLOCK]);
    expect(summary).toEqual({ ...NOTHING, operations: 4, idle: 4 });
    expect(heap.freeBytes()).toBe(0);
    expect(heap.lastCall.path).toBe(NULL_CALL);
  });

  it.each([
    ['was refused', 'a 0 5000', 0],
    ['was given back', 'a 0 8; f 0', 1],
    ['was given back by a realloc', 'a 0 8; r 0 0', 1],
  ])('lets a free idle when the id %s', (_how, trace, frees) => {
    const { answers, summary } = replayed(`${trace}; f 0`);
    expect(answers.at(-1)).toBe(NO_BLOCK);
    expect(summary).toMatchObject({ idle: 1, frees, liveBlocks: 0, liveBytes: 0 });
  });

  it('uses an id again after its block is gone', () => {
    expect(replayed('a 0 8; f 0; a 0 24; f 0').summary).toMatchObject({ allocations: 2, frees: 2, idle: 0 });
  });

  it('zeroes what it callocs', () => {
    const { memory, origin } = replayed('a 0 16; f 0');
    expect(memory.loadWord(origin + 8)).toBe(0);
    const made = device('heap_4');
    made.memory.fill(made.origin, 4096, 0xff);
    new Replay(made.heap, made.memory, parseTrace('c 0 3 4', 'trace')).run();
    expect([...made.memory.image(made.origin + 8, 16)]).toEqual([
      ...Array(12).fill(0),
      ...Array(4).fill(0xff),
    ]);
  });

  it('ends with the fault of the heap', () => {
    const made = device('heap_4');
    const replay = new Replay(made.heap, made.memory, parseTrace('a 0 8\nf 0\na 1 8', 'trace'));
    const observed: number[] = [];
    const run = () =>
      replay.run((index) => {
        observed.push(index);
        made.memory.fill(made.origin, 8, 0);
      });
    expect(faultOf(run)).toBe('assertion');
    expect(observed).toEqual([0]);
  });
});

describe('a realloc', () => {
  /** Blocks are written at allocation, so that copies show. */
  function contents(trace: string) {
    const made = device('heap_4');
    const parsed = parseTrace(trace.replaceAll('; ', '\n'), 'trace');
    let last = NULL;
    new Replay(made.heap, made.memory, parsed).run((index, address) => {
      if (index === 0) for (let at = 0; at < 24; at++) made.memory.storeByte(address + at, at + 1);
      last = address;
    });
    return [...made.memory.image(last, 24)];
  }
  const numbered = Array.from({ length: 24 }, (_, index) => index + 1);

  it('is malloc, copy, free: the block moves even when it shrinks', () => {
    expect(replayed('a 0 24; r 0 8')).toMatchObject({ answers: [8, 40], used: ['32:16'] });
    expect(replayed('a 0 24; r 0 24')).toMatchObject({ answers: [8, 40], used: ['32:32'] });
  });

  it('keeps the contents, up to the smaller of the two sizes', () => {
    expect(contents('a 0 24; r 0 24')).toEqual(numbered);
    expect(contents('a 0 24; r 0 100')).toEqual(numbered);
    expect(contents('a 0 24; r 0 5').slice(0, 8)).toEqual([1, 2, 3, 4, 5, 0, 0, 0]);
  });

  it('counts as an allocation and a free, and the peak never counts both blocks', () => {
    expect(replayed('a 0 100; r 0 150').summary).toEqual({
      ...NOTHING,
      operations: 2,
      allocations: 2,
      frees: 1,
      peakLiveBytes: 150,
      liveBytes: 150,
      liveBlocks: 1,
    });
  });

  it('to 0 bytes frees, and is no failure', () => {
    const { answers, summary, used } = replayed('a 0 100; r 0 0');
    expect(answers).toEqual([8, NULL]);
    expect(used).toEqual([]);
    expect(summary).toMatchObject({ allocations: 1, frees: 1, failures: 0, liveBytes: 0, liveBlocks: 0 });
  });

  it('that the heap refuses leaves the block, which can still be freed', () => {
    const { answers, summary, used } = replayed('a 0 2000; r 0 2100; a 1 8; f 0');
    expect(answers).toEqual([8, NULL, 2016, 8]);
    expect(used).toEqual(['2008:16']);
    expect(summary).toMatchObject({ allocations: 2, frees: 1, failures: 1, idle: 0, liveBytes: 8 });
  });
});

describe('arrays of a cache', () => {
  /** How many objects live in mempool's cache at the end, and how many blocks are left. */
  const left = (trace: string) => {
    const made = device('mempool');
    const parsed = parseTrace(`K 0 20; ${trace}`.replaceAll('; ', '\n'), 'trace');
    const { liveBlocks } = new Replay(made.heap, made.memory, parsed).run();
    made.heap.check();
    return [made.heap.classes!()[1]!.liveObjects, liveBlocks];
  };

  it.each<[trace: string, objects: number, blocks: number]>([
    ['S 0 0 4', 4, 1],
    ['S 0 0 4; T 0', 0, 0],
    ['S 0 0 4; r 0 100', 0, 1],
    ['S 0 0 4; r 0 100; f 0', 0, 0],
    ['S 0 0 4; r 0 15', 4, 1],
    ['S 0 0 4; r 0 15; T 0', 0, 0],
    ['S 0 0 4; a 0 100; f 0', 4, 1],
    ['S 0 0 4; S 0 0 1; T 0', 4, 1],
  ])('go back as a whole: %s', (trace, objects, blocks) => {
    expect(left(trace)).toEqual([objects, blocks]);
  });
});
