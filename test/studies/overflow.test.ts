import { Chalk } from 'chalk';
import { beforeAll, describe, expect, it } from 'vitest';
import { overflowMarkdown, overflowReport } from '../../src/report/overflow-report.js';
import { widthOf } from '../../src/report/text.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import type { OverflowStudy, OverflowTrial } from '../../src/studies/overflow.js';
import { ran } from '../scenario/running.js';
import {
  beforeAHole,
  expectUnusedIsHarmless,
  heapNames,
  scenarioWith,
  studied,
  threeBlocks,
} from './overflow-scenarios.js';

describe('the scenario "overflow"', () => {
  let study: OverflowStudy;
  const row = (heap: string, options: OverflowTrial['options'] = {}) =>
    study.trials.find((one) => one.heap === heap && JSON.stringify(one.options) === JSON.stringify(options))!;

  beforeAll(() => {
    study = studied(loadScenario('scenarios/overflow.yaml', { heapNames }));
  }, 120_000);

  it('has a row for every heap, and one for the guards of those that have some', () => {
    expect(new Set(study.trials.map(({ heap }) => heap))).toEqual(new Set(heapNames));
    for (const name of ['heap_4', 'heap_5']) expect(row(name, { protector: true })).toBeDefined();
    expect(row('heap_4')).toBeDefined();
    expect(row('heap_4', { asserts: false })).toBeDefined();
  });

  it('hits the header behind it, which an assert notices when that block is freed', () => {
    const block = { label: 'fields', owner: 'parser' };
    for (const [name, word] of [
      ['heap_2', 'next'],
      ['heap_4', 'next'],
      ['heap_2_coalescing', 'next by size'],
    ] as const) {
      const { first, overwritten, noticed, checked } = row(name);
      expect(first).toMatchObject({ tick: 1_919, at: { line: 47 }, label: 'line', requested: 40, bytes: 4 });
      expect(overwritten).toEqual([{ what: 'bookkeeping', of: 'block', word, block, bytes: 4, times: 1 }]);
      expect(noticed).toMatchObject({
        by: 'assert',
        tick: 2_625,
        ticksLater: 706,
        callsLater: 26,
        call: { kind: 'free', ...block },
        at: { line: 38 },
      });
      expect(checked).toMatchObject({ by: 'check', tick: 2_019, callsLater: 1 });
    }
  });

  it('meets the canary where there is one', () => {
    const { noticed } = row('heap_4', { protector: true });
    expect(noticed).toMatchObject({ by: 'canary', tick: 2_625, call: { label: 'fields' } });
  });

  it('looks like a leak without asserts', () => {
    const trial = row('heap_4', { asserts: false });
    expect(trial).not.toHaveProperty('noticed');
    expect(trial.damage).toMatchObject({ lost: { blocks: 6, bytes: 6 * 136 } });
    expect(trial).toMatchObject({ outOfMemoryCount: 1, outOfMemoryWithout: 0, firstOutOfMemoryTick: 10_086 });
  });

  it('is never noticed where free trusts what it reads', () => {
    const { noticed, checked, damage } = row('newlib_nano');
    expect(noticed).toBeUndefined();
    expect(checked!.callsLater).toBe(1);
    expect(damage!.walk).toContain('size word');
    expect(damage!.missing.length).toBeGreaterThan(0);
  });

  it.each(['newlib_nano', 'heap_3'])('is not noticed on %s by who watches the run either', (heap) => {
    const { result } = ran(loadScenario('scenarios/overflow.yaml', { heapNames }), { heap, heapOptions: {} });
    expect(result.outcome).toBe('finished');
    expect(result).not.toHaveProperty('fault');
    expect(result).not.toHaveProperty('heapStats');
    expect(result.minimumEverFreeBytes).toBeGreaterThan(0);
  });

  it("hits a heap's own tag behind the block, or the links of a hole", () => {
    expect(row('first_fit').overwritten).toMatchObject([{ of: 'own block', word: 'tag' }]);
    expect(row('dlmalloc', { footers: true }).overwritten).toMatchObject([{ of: 'own block', word: 'foot' }]);
    expect(row('rmalloc').overwritten).toMatchObject([{ of: 'hole', word: 'next' }]);
  });

  it('does nothing where rounding swallows it', () => {
    for (const name of ['buddy', 'slab', 'o1heap', 'dlmalloc']) {
      const { overwritten, noticed, checked, overflows } = row(name);
      expect(overwritten).toEqual([
        { what: 'unused', of: 'own block', word: undefined, block: undefined, bytes: 4, times: overflows },
      ]);
      expect([noticed, checked]).toEqual([undefined, undefined]);
    }
  });

  it('says why a heap was not tried', () => {
    expect(row('tlsf').note).toContain('no room');
    expect(row('heap_1').note).toContain('takes nothing back');
  });

  it.each([60, 80, 140])('is told in %i columns', (width) => {
    const text = overflowReport(study, { width, color: new Chalk({ level: 0 }) });
    for (const line of text.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(width);
    const flat = text.replaceAll(/\s+/g, ' ');
    expect(flat).toContain(
      'writes 4 B behind the 40 B of "line" (scenarios/overflow.yaml:47), first at tick 1,919',
    );
    expect(flat).toContain('in free of "fields" of parser (scenarios/overflow.yaml:38)');
    expect(flat).toContain('6 blocks of 816 B lost, 1 request more fails');
  });

  it('is a table in Markdown', () => {
    const lines = overflowMarkdown(study).split('\n');
    const rows = lines.filter((line) => line.startsWith('|'));
    expect(rows).toHaveLength(study.trials.length + 2);
    expect(new Set(rows.map((line) => line.split('|').length)).size).toBe(1);
  });
});

describe('what is not noticed without', () => {
  it('zeros over the link of a live block, the canary sees', () => {
    const { trials } = studied(threeBlocks(32, '{ name: b, bytes: 4 B, value: 0 }'), ['heap_4']);
    const [plain, guarded] = trials;
    expect(plain!.overwritten).toMatchObject([{ what: 'bookkeeping', word: 'next' }]);
    expect(plain).not.toHaveProperty('noticed');
    expect(plain).not.toHaveProperty('checked');
    expect(guarded!.noticed).toMatchObject({ by: 'canary', call: { kind: 'free', label: 'c' } });
  });

  it("another block's contents, only who reads them does", () => {
    const overrun = '{ name: b, bytes: 12 B }';
    const unread = studied(threeBlocks(32, overrun), ['buddy']).trials[0]!;
    expect(unread.overwritten).toMatchObject([{ what: 'contents', of: 'block', block: { label: 'c' } }]);
    expect([unread.noticed, unread.checked]).toEqual([undefined, undefined]);
    const read = studied(threeBlocks(32, overrun, '{ verify: c },'), ['buddy']).trials[0]!;
    expect(read.noticed).toMatchObject({ by: 'verify', callsLater: 0, ticksLater: 5 });
  });

  it('contents that were spoilt first, and what stops the device later', () => {
    const steps = threeBlocks(32, '{ name: b, bytes: 16 B }', '{ verify: c },');
    const [trial] = studied(steps, ['heap_4']).trials;
    expect(trial!.noticed!.by).toBe('verify');
    expect(trial!.stopped).toMatchObject({ by: 'assert', call: { kind: 'free', label: 'c' } });
  });

  it('happens without any overflow too, is not put down to it', () => {
    const steps = scenarioWith(`{ alloc: { name: a, size: 30 B } }, { alloc: { name: b, size: 30 B } },
      { overflow: { name: a, bytes: 4 B } }, { alloc: { name: c, size: 1 MiB } }, { free: a }`);
    const [trial] = studied(steps, ['heap_1']).trials;
    expect(trial!.overflows).toBe(1);
    expect(trial).not.toHaveProperty('noticed');
    expect(trial).not.toHaveProperty('checked');
    expect(trial).toMatchObject({ outOfMemoryCount: 1, outOfMemoryWithout: 1 });
  });

  it('a write far behind the RAM, the chip', () => {
    const [trial] = studied(threeBlocks(32, '{ name: b, bytes: 1 MiB }'), ['heap_2']).trials;
    expect(trial!.noticed).toMatchObject({ by: 'chip', callsLater: 0 });
    expect(trial!.overwritten.map(({ what }) => what)).toContain('outside');
  });
});

describe('of heaps that keep different things apart', () => {
  const hits = (scenario: Scenario, name: string) => studied(scenario, [name]).trials[0]!.overwritten;

  it('a free block of mimalloc has a link, and where a page ends there is nothing', () => {
    expect(hits(beforeAHole(64, 0x41), 'mimalloc')).toMatchObject([
      { what: 'bookkeeping', of: 'hole', word: 'next' },
    ]);
    // A page of 256 bytes has three blocks of 80; nobody has the last 16.
    expect(hits(threeBlocks(80, '{ name: c, bytes: 4 B }'), 'mimalloc')).toMatchObject([
      { what: 'unused', of: 'page', word: undefined },
    ]);
  });

  it('blocks and holes of a heap page of mempool have headers, fragments have none', () => {
    const word = 'size and links';
    expect(hits(beforeAHole(60, 0x41), 'mempool')).toMatchObject([{ what: 'bookkeeping', of: 'hole', word }]);
    const overrun = '{ name: b, bytes: 4 B }';
    expect(hits(threeBlocks(60, overrun), 'mempool')).toMatchObject([{ of: 'block', word }]);
    expect(hits(beforeAHole(256, 0x41), 'mempool')).toMatchObject([{ what: 'unused', of: 'hole' }]);
  });

  it('of what slab has from a buddy, free blocks have links', () => {
    expect(hits(beforeAHole(256, 0x41), 'slab')).toMatchObject([{ of: 'hole', word: 'next' }]);
    expect(hits(beforeAHole(64, 0x41), 'slab')).toMatchObject([{ what: 'unused', of: 'hole' }]);
  });
});

describe.each(heapNames)('%s', (name) => {
  it.each([0x00, 0x41])('is broken by nothing that is called unused, with bytes of %i', (value) => {
    const overrun = `{ name: b, bytes: 4 B, value: ${value} }`;
    const small = Array.from({ length: 15 }, (_, index) => 1 + 3 * index);
    const large = [64, 80, 92, 128, 200, 256, 508];
    const scenarios = [
      ...small.map((bytes) => threeBlocks(bytes, overrun, '{ verify: c },')),
      ...[12, 24, 40, ...large].map((bytes) => beforeAHole(bytes, value)),
      ...large.map((bytes) => threeBlocks(bytes, overrun, '{ verify: c },')),
    ];
    const trials = scenarios.flatMap((scenario) => studied(scenario, [name]).trials);
    expectUnusedIsHarmless(trials);
    expect(trials.length).toBeGreaterThan(10);
  });
});
