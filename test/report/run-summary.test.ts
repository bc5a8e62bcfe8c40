import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/inspect/result.js';
import { runSummary } from '../../src/report/run-summary.js';
import { widthOf } from '../../src/report/text.js';
import { FILE, ORIGIN, paint, showcase, stripped } from './fixture.js';

const RESULT = showcase();
const PASSING: RunResult = {
  ...RESULT,
  outOfMemoryCount: 0,
  outOfMemory: [],
  expectations: [],
  passed: true,
};

function summary(changes: Partial<RunResult> = {}, width = 100): string {
  return runSummary({ ...RESULT, ...changes }, paint(width), 'result.json');
}

/** Wherever lines break. */
function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

describe.each([60, 80, 140])('a summary %d columns wide', (width) => {
  it.each([0, 3] as const)('fits at colour level %d', (level) => {
    const text = runSummary(RESULT, paint(width, level), 'result.json');
    for (const line of stripped(text).split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  it('says the same with and without colour', () => {
    expect(stripped(runSummary(RESULT, paint(width, 3)))).toBe(runSummary(RESULT, paint(width, 0)));
  });
});

describe('a summary', () => {
  it('names what was run', () => {
    const text = inOneLine(summary());
    for (const part of [
      'showcase',
      'STM32F103C8',
      'seed 1',
      '20 KiB RAM',
      '16,384 B',
      '24 B of statics',
      FILE,
    ]) {
      expect(text).toContain(part);
    }
  });

  it('gives the figures of memory', () => {
    const text = inOneLine(summary({ peakRequested: 7_001, minimumEverFreeBytes: 1_002, largestHole: 303 }));
    for (const part of ['7,001 B', '1,002 B minimum ever', 'largest hole 303 B'])
      expect(text).toContain(part);
  });

  const heapStats = {
    freeBytes: 5_000,
    largestHoleBytes: 3_000,
    smallestHoleBytes: 24,
    holes: 7,
    minimumEverFreeBytes: 1_234,
    allocations: 12_345,
    frees: 1,
  };

  it('says what vPortGetHeapStats says, where the heap has it', () => {
    expect(summary()).not.toContain('heap stats');
    expect(inOneLine(summary({ heapStats }))).toContain(
      'heap stats 5,000 B available in 7 free blocks (largest 3,000 B, smallest 24 B); 1,234 B minimum ever; ' +
        '12,345 successful mallocs, 1 free',
    );
    const none = {
      ...heapStats,
      freeBytes: 0,
      largestHoleBytes: 0,
      smallestHoleBytes: 2 ** 32 - 1,
      holes: 0,
    };
    expect(inOneLine(summary({ heapStats: none }))).toContain(
      'heap stats 0 B available in no free block; 1,234 B',
    );
  });

  it('says of figures that the real heap has no such call', () => {
    const mark = /an extension: the real heap_\w+ has no vPortGetHeapStats/;
    expect(inOneLine(summary({ heapStats }))).not.toMatch(mark);
    expect(inOneLine(summary({ heapStats: { ...heapStats, extension: true } }))).toMatch(mark);
  });

  it('marks estimates and names the model', () => {
    const estimate = summary();
    expect(estimate).toContain('412 µs (estimate) at longest, by logger');
    expect(estimate).toContain('may be off by half');
    expect(summary({ cost: { choice: 'auto', source: 'measured', estimated: false } })).not.toContain(
      '(estimate)',
    );
  });

  it('has no times of calls that were never made', () => {
    const none = { count: 0, p50: 0, p99: 0, maximum: 0 };
    const text = summary({ free: { ...RESULT.free, instructions: none, cycles: none } });
    expect(text).toMatch(/^ +free +never called$/m);
    expect(text).toMatch(/^ +malloc +p50 /m);
  });

  it('says how many calls took a path that was never measured', () => {
    const cost = { choice: 'auto', source: 'measured', estimated: false } as const;
    const free = { ...RESULT.free, byNearestPath: 7 };
    const text = inOneLine(summary({ cost, free }));
    expect(text).toMatch(/at longest; 7 of [\d,]+ calls priced by the nearest measured path cost model/);
    expect(text.match(/nearest measured path/g)).toHaveLength(1);
    // Where all is an estimate, that says enough.
    expect(summary({ free })).not.toContain('nearest');
  });

  it('has a row for every task, with who held it up', () => {
    const text = summary({}, 80);
    for (const { name } of RESULT.tasks) expect(text).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(text).toContain('412 µs by logger');
  });

  it('shows the first failures with their line, and counts the rest', () => {
    const text = runSummary(RESULT, paint(120));
    expect(text.match(new RegExp(`${FILE}:63`, 'g'))).toHaveLength(12);
    expect(text).toContain('… and 3 more');
    expect(summary({ outOfMemoryCount: 340 })).toContain('… and 328 more; the first 15 were kept in full');
  });

  it('leads to the next command', () => {
    expect(summary()).toContain('heaplab inspect result.json --oom 1');
    expect(runSummary(RESULT, paint(80), "it's.json")).toContain("heaplab inspect 'it'\\''s.json' --oom 1");
    expect(runSummary(RESULT, paint(80))).toContain('--out result.json');
    expect(runSummary(PASSING, paint(80), 'result.json')).not.toContain('inspect');
  });

  it('ends with the verdict', () => {
    expect(summary().split('\n').at(-1)).toBe(
      '✗ failed: 2 of 3 expectations not met (out-of-memory events, minimum ever free)',
    );
    const held = { ...PASSING, expectations: [{ what: 'x', expected: 'none', actual: '0', holds: true }] };
    expect(runSummary(held, paint(80)).split('\n').at(-1)).toBe('✓ passed: the expectation holds');
    expect(runSummary(PASSING, paint(80))).toMatch(
      /✓ passed: nothing failed, and the scenario states no expectations$/,
    );
  });

  it('lists expectations with what was', () => {
    expect(summary()).toMatch(/✗ +out-of-memory events +expected none +was 15/);
    expect(summary()).toMatch(/✓ +missed deadlines +expected at most 3 +was 2/);
  });

  it('tells faults and lost contents', () => {
    const at = { line: 44, column: 3 };
    const text = inOneLine(
      summary({
        outcome: 'corrupted',
        fault: {
          kind: 'corruption',
          address: ORIGIN,
          reason: 'a size word is wrong',
          context: 'task',
          task: 'logger',
          tick: 99,
          at,
        },
        lostContents: [
          { task: 'radio', tick: 98, label: 'packet', owner: 'logger', address: ORIGIN + 8, at },
        ],
      }),
    );
    expect(text).toContain(`At tick 99 in task logger (${FILE}:44): the heap is corrupted at 0x20000c18`);
    expect(text).toContain('a size word is wrong');
    expect(text).toContain(`Tick 98, seen by radio: block "packet" of logger (${FILE}:44)`);
    expect(text).toContain('the heap was corrupted; contents lost 1 time');
  });

  it.each<[fault: Partial<NonNullable<RunResult['fault']>>, text: string]>([
    [{ context: 'interrupt', task: 'alarm' }, 'At tick 7 in interrupt alarm: illegal call the reason'],
    [{ context: 'main', task: '-' }, 'At tick 7, before the scheduler started: illegal call the reason'],
    [{ kind: 'endless-loop' }, 'At tick 7 in task logger: endless loop the reason'],
    [
      { kind: 'assertion', address: ORIGIN },
      'At tick 7 in task logger: failed assertion at 0x20000c18 the reason',
    ],
    [{ kind: 'unmapped' }, 'At tick 7 in task logger: unmapped at 0x00000000 the reason'],
  ])('says of a fault where the firmware was, and at which address if it was at one: %j', (part, text) => {
    const fault = {
      kind: 'illegal-call',
      address: 0,
      reason: 'the reason',
      context: 'task',
      task: 'logger',
      tick: 7,
    } as const;
    expect(inOneLine(summary({ outcome: 'fault', fault: { ...fault, ...part } }))).toContain(text);
  });

  it('has a row for an interrupt, and says that it is one', () => {
    const [first, ...others] = RESULT.tasks;
    const uart = { ...first!, name: 'uart', kind: 'interrupt', runCycles: RESULT.cycle / 4 } as const;
    const text = summary({ tasks: [...others, uart] }, 100);
    expect(text).toMatch(/^ {2}uart \(interrupt\) +25\.0 % /m);
  });

  it('survives names that would break a terminal or a table', () => {
    const [first, ...others] = RESULT.tasks;
    const name = `${String.fromCharCode(27)}[2J\n${'x'.repeat(200)}`;
    const text = summary({ tasks: [{ ...first!, name }, ...others] }, 60);
    expect(text).not.toContain(String.fromCharCode(27));
    for (const line of text.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(60);
  });
});
