import { Chalk } from 'chalk';
import { describe, expect, it } from 'vitest';
import { compareMarkdown, compareReport } from '../../src/report/compare-report.js';
import { verdict } from '../../src/report/compare-verdict.js';
import { type Comparison, type Contender, rankOf } from '../../src/studies/compare.js';

const PLAIN = {
  outOfMemoryCount: 0,
  smallestArenaBytes: 1000,
  peakFootprintBytes: 1100,
  staticBytes: 20,
  fragmentation: 0.5,
  p99Cycles: 200,
  worstCycles: 300,
  longestSuspensionCycles: 400,
  missedDeadlines: 0,
  cost: { source: 'measured', estimated: false, byNearestPath: 0 },
} as const;

function heap(name: string, others: Partial<Contender> = {}): Contender {
  return { heap: name, ...PLAIN, ...others };
}

function faulty(name: string, others: Partial<Contender> = {}): Contender {
  const place = { kind: 'scenario', context: 'task', task: 't', tick: 3, file: 's.yaml', line: 7 } as const;
  const fault = { kind: 'fault', fault: 'assertion', reason: 'free twice', place } as const;
  return heap(name, { note: fault.reason, fault, ...others });
}

function comparison(contenders: readonly Contender[], others: Partial<Comparison> = {}): Comparison {
  const ranked = [...contenders].sort(rankOf);
  const common = {
    workload: 'w',
    kind: 'scenario',
    target: 'chip',
    clockHertz: 1e6,
    heapBytes: 2048,
  } as const;
  return { ...common, contenders: ranked, ...others };
}

const said = (...contenders: Contender[]) => verdict(comparison(contenders));

describe('the sentence that says why a heap won', () => {
  it('names what it saves and what that costs', () => {
    const quick = { longestSuspensionCycles: 100, smallestArenaBytes: 1100 };
    expect(said(heap('a'), heap('b', quick), heap('c', { outOfMemoryCount: 2 }))).toBe(
      'a wins: no request failed with 2 heaps; of these it takes the least RAM, 1,020 B, 100 B less than b; its ' +
        'longest suspension, 400 µs, is not the shortest of them: b has 100 µs.',
    );
  });

  it('compares those that are all as good with the next', () => {
    const estimated = { cost: { source: 'guessed', estimated: true, byNearestPath: 0 } };
    const next = heap('c', { smallestArenaBytes: 1200 });
    expect(said(heap('a', estimated), heap('b', estimated), next)).toBe(
      'a and b win together: no request failed with 3 heaps; of these they take the least RAM, 1,020 B, 200 B less ' +
        'than c; their longest suspension, ~400 µs, is the shortest of them too.',
    );
    expect(said(heap('a'), heap('b'))).toBe('a and b win together: no request failed with 2 heaps.');
  });

  it('falls back on who waits, and calls it a call where nobody is suspended', () => {
    const { longestSuspensionCycles, ...trace } = heap('a', { worstCycles: 100 });
    const { longestSuspensionCycles: _none, ...slower } = heap('b', { worstCycles: 250 });
    expect(longestSuspensionCycles).toBe(400);
    expect(verdict(comparison([trace, slower], { kind: 'trace' }))).toBe(
      'a wins: no request failed with 2 heaps; b takes as little RAM, but its longest call is 250 µs instead of 100 µs.',
    );
  });

  it('puts missed deadlines before RAM', () => {
    const late = heap('small', { smallestArenaBytes: 500, missedDeadlines: 1 });
    expect(said(late, heap('a'))).toBe(
      'a wins: no request failed with 2 heaps, and no deadline was missed with 1 of them; with small 1 deadline is ' +
        'missed.',
    );
    // Where nobody is in time, how often is only what decides last.
    expect(said(late, heap('a', { missedDeadlines: 9 }))).toContain(
      'small wins: no request failed with 2 heaps;',
    );
  });

  it('says how the next did where one alone had the fewest failures, and what would do', () => {
    const third = heap('c', { outOfMemoryCount: 9, smallestArenaBytes: 4000 });
    const failing = (count: number) => ({ outOfMemoryCount: count, smallestArenaBytes: 5000 });
    expect(said(heap('a', failing(5)), heap('b', failing(7)), third)).toBe(
      'a wins: with it alone the fewest requests failed, 5; with b, the next best, 7 did. For none to fail it takes ' +
        '4,020 B of RAM, with c.',
    );
    expect(said(heap('a'), heap('b', { outOfMemoryCount: 1 }))).toBe(
      'a wins: with it alone no request failed; with b, the next best, 1 did.',
    );
  });

  it('does not count a fault as a success, and warns that it may be the firmware', () => {
    expect(said(heap('newlib_nano'), faulty('heap_4'), faulty('heap_1'))).toBe(
      'newlib_nano wins: it alone came to the end, where no request failed. With 1 heap the run ends by a fault, see ' +
        "below: if that is the firmware's own, the others only fail to notice it.",
    );
    // heap_1 never frees, and after a failed request a fault may be what comes of that.
    const expected = faulty('heap_2', { outOfMemoryCount: 1 });
    expect(said(heap('a'), faulty('heap_1'), expected)).not.toContain('fault');
    expect(said(faulty('a'), faulty('b'))).toBe('No heap came to the end of it.');
  });

  it('has one heap alone win against nobody', () => {
    expect(said(heap('a', { outOfMemoryCount: 2, smallestArenaBytes: 5000 }))).toBe(
      'a was alone: 2 requests failed. For none to fail it takes 5,020 B of RAM, with a.',
    );
    expect(said()).toBe('There is nothing to compare.');
  });

  it('does not pretend to know what overflows break', () => {
    const overflows = { file: 's.yaml', trials: [] };
    expect(verdict(comparison([heap('a'), heap('b')], { overflows }))).toMatch(
      /on each heap stands below\.$/,
    );
  });
});

describe('the table of heaps', () => {
  const paint = { width: 200, color: new Chalk({ level: 0 }) };
  const report = (...contenders: Contender[]) => compareReport([comparison(contenders)], paint);

  it('has no figures of a run that broke off, but the arena that would do', () => {
    const text = report(heap('a'), faulty('b'));
    expect(text).toMatch(/ b +fault +1,000 B +–( +–)+ *\n/);
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'b: failed assertion at tick 3 in task t (s.yaml:7): free twice.',
    );
  });

  it('marks nothing as best but failures where one heap has no rival', () => {
    expect(report(heap('a'), heap('b', { outOfMemoryCount: 1 })).match(/\S\*/g)).toEqual(['0*']);
    expect(report(heap('a'), heap('b')).match(/ B\*/g)!.length).toBeGreaterThan(2);
  });

  it('explains the columns that it shows once, by the names that it shows', () => {
    const two = [comparison([heap('a')]), comparison([heap('b')])];
    const wide = compareReport(two, paint);
    expect(wide.match(/share of free memory outside the largest hole/g)).toHaveLength(1);
    expect(wide).toMatch(/\n {2}fragmentation +share/);
    const narrow = compareReport(two, { ...paint, width: 60 });
    expect(narrow).not.toContain('share of free memory');
    expect(narrow).toMatch(/\n {2}p99 +cycles/);
  });

  it('names the options that are not the usual ones, and which times are estimated how', () => {
    const one = { cost: { source: 'of another core', estimated: true, byNearestPath: 0 } };
    const other = { cost: { source: 'from accesses', estimated: true, byNearestPath: 0 } };
    const options = { asserts: false, inner: 'tlsf' };
    const text = report(heap('a', { ...one, options }), heap('b', other), heap('c', other));
    expect(text).toContain('~ from accesses. ~ of a: of another core.');
    expect(text).toContain('a: with asserts off, inner tlsf.');
  });

  it('is in Markdown what it is for terminals', () => {
    const lines = compareMarkdown([comparison([heap('a'), faulty('b')]), comparison([heap('c')])]).split(
      '\n',
    );
    expect(lines.filter((line) => line.startsWith('## '))).toEqual([
      '## w on chip at 1 MHz, 2,048 B for the heap',
      '## w on chip at 1 MHz, 2,048 B for the heap',
      '## What the columns say',
    ]);
    expect(lines.find((line) => line.startsWith('| b'))).toMatch(/^\| b \| fault \| 1,000 B \| – \|/);
    expect(lines.filter((line) => line.startsWith('- failed: '))).toHaveLength(1);
    expect(lines.at(-1)).toContain('**bold**');
  });
});
