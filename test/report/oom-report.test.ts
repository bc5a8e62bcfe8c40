import { describe, expect, it } from 'vitest';
import type { OutOfMemoryEvent, RunResult } from '../../src/inspect/result.js';
import { blockTable, oomReport } from '../../src/report/oom-report.js';
import { verdict } from '../../src/report/oom-verdict.js';
import { widthOf } from '../../src/report/text.js';
import { FILE, paint, showcase, stripped } from './fixture.js';

const RESULT = showcase(2);
const EVENT = RESULT.outOfMemory[1]!;

function report(changes: Partial<OutOfMemoryEvent> = {}, result: RunResult = RESULT): string {
  return oomReport(result, { ...EVENT, ...changes }, paint(100)).replaceAll(/\s+/g, ' ');
}

describe.each([60, 80, 140])('a report %d columns wide', (width) => {
  it.each([0, 1, 3] as const)('fits at colour level %d', (level) => {
    const terminal = paint(width, level);
    const text = `${oomReport(RESULT, EVENT, terminal)}\n${blockTable(EVENT, terminal)}`;
    for (const line of stripped(text).split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  it('says the same with and without colour', () => {
    expect(stripped(oomReport(RESULT, EVENT, paint(width, 3)))).toBe(oomReport(RESULT, EVENT, paint(width)));
  });
});

describe('a report', () => {
  it('says who asked for what, where, and what that takes', () => {
    const text = report();
    expect(text).toContain('Out of memory 2 of 2');
    expect(text).toContain(`task display asked for 1,500 B for "glyph_cache" at ${FILE}:63 and got NULL`);
    expect(text).toContain('heap_2 needs 1,512 B for that: 8 B of header and 4 B of rounding on top');
    expect(report({ task: '-', at: undefined })).toContain('main(), before the scheduler ran, asked for');
  });

  it('gives the answer within its first ten lines', () => {
    const first = oomReport(RESULT, EVENT, paint(80)).split('\n').slice(0, 10).join(' ');
    expect(first).toContain('enough memory, but not in one piece');
    expect(first).toContain('1,352 B too small');
  });

  it('names every measure of fragmentation', () => {
    for (const name of ['external', 'unusable', 'Linux index', 'umm_malloc', 'Pigweed', 'internal']) {
      expect(report()).toContain(name);
    }
  });

  it('says who holds the memory, by owner and by line', () => {
    const text = report();
    for (const { owner, blocks } of EVENT.liveByOwner)
      expect(text).toMatch(new RegExp(`${owner} .* ${blocks} blocks`));
    for (const { line } of EVENT.liveByLine) expect(text).toContain(`line ${line}`);
    expect(text).toContain('no line kernel objects');
  });

  it("mentions the heap's own counter only where it differs", () => {
    expect(report()).not.toContain('own counter');
    expect(report({ freeCounter: 77 })).toContain("heap_2's own counter says 77 B free");
  });

  it('says what vPortGetHeapStats said, or would have said where the real heap does not have it', () => {
    const heapStats = {
      ...{ freeBytes: 500, largestHoleBytes: 300, smallestHoleBytes: 24, holes: 7 },
      ...{ minimumEverFreeBytes: 123, allocations: 45, frees: 1 },
    };
    const flat = (stats: OutOfMemoryEvent['heapStats']) =>
      report({ heapStats: stats }).replaceAll(/\s+/g, ' ');
    expect(flat(heapStats)).toMatch(/vPortGetHeapStats said: 500 B available in 7 free blocks .*, 1 free\./);
    expect(flat({ ...heapStats, extension: true })).toMatch(
      /vPortGetHeapStats would have said: 500 B available .*1 free \(an extension: the real heap_2 has no vPort/,
    );
  });

  it('says nothing of what stood in the way where joining holes would not have helped', () => {
    expect(report()).toContain('What stood in the way');
    expect(report({ cause: 'class-empty' })).not.toContain('What stood in the way');
  });

  it('says what merging would give', () => {
    expect(report()).toMatch(/Some of the holes touch: merged, they would be \d+, the largest [\d,]+ B\./);
    expect(report({ needed: 300 })).toContain('B, enough for this request.');
  });
});

describe('of a heap with size classes', () => {
  const size = (objectBytes: number, pages: number, liveObjects: number, freeObjects: number) => ({
    ...{ objectBytes, pages, liveObjects, freeObjects, freeBytes: freeObjects * objectBytes },
    ...{ isCache: objectBytes === 48, asked: false, pageWord: 'slab' as const, pageBytes: 520 },
  });
  type Size = ReturnType<typeof size>;
  const asked = (one: Size) => ({ ...one, asked: true });
  const flat = (changes: Partial<OutOfMemoryEvent>) =>
    report({ cause: 'class-empty', freeBytes: 1_000, ...changes }).replaceAll(/\s+/g, ' ');

  it('says which class is empty, and where the room is', () => {
    const text = flat({ classes: [asked(size(16, 0, 0, 0)), size(64, 3, 17, 4), size(48, 2, 19, 1)] });
    expect(text).toContain('enough memory, but its size class was empty');
    expect(text).toContain(
      'The class of 16 B objects has no slab, and there is no room for another slab of 520 B. What is free is of ' +
        'no use to it: 256 B in the class of 64 B objects, 48 B in the cache of 48 B objects and 696 B outside ' +
        'slabs, in pieces too small for a slab.',
    );
    expect(text).toContain('48 B, a cache 2 19 1 48 B');
    expect(text).toContain('16 B 0 0 0 0 B asked');
  });

  it('says that all of its objects are live, and nothing else is free', () => {
    const text = flat({ freeBytes: 0, classes: [asked(size(48, 2, 20, 0)), size(64, 0, 0, 0)] });
    expect(text).toContain('enough memory, but its cache was empty');
    expect(text).toContain('The cache of 48 B objects has none left: all 20 objects in 2 slabs are live');
    expect(text).toContain('Nothing is free elsewhere.');
    expect(text).not.toContain('64 B 0 0');
  });

  it('speaks of pages, and of a pool of blocks of any size, as the heap does', () => {
    const { objectBytes: _any, ...pool } = {
      ...size(0, 3, 9, 4),
      freeBytes: 700,
      name: 'pool of heap pages',
    };
    const text = flat({
      classes: [pool, size(64, 1, 4, 1)].map((one, index) => ({
        ...one,
        pageWord: 'page',
        asked: index === 0,
      })),
    });
    expect(text).toContain('enough memory, but its pool was empty');
    expect(text).toContain(
      'The pool of heap pages has no room for it in its 3 pages, and there is no room for another page of 520 B.',
    );
    expect(text).toContain(
      '700 B in the pool of heap pages, 64 B in the class of 64 B objects and 236 B outside pages.',
    );
    expect(text).toContain('pool of heap pages 3 9 4 700 B asked');
  });

  it('says that a request which no class serves cannot use what lies in slabs', () => {
    const text = flat({ classes: [size(64, 3, 17, 4)] });
    expect(text).toContain('enough memory, but in slabs of other sizes');
    expect(text).toContain(
      'No class serves so much: it has to come from what is not in slabs, where 744 B are free. What is free ' +
        'elsewhere is of no use to it: 256 B in the class of 64 B objects.',
    );
  });

  it('does not speak of merging what lies in slabs', () => {
    const classes = [asked(size(16, 0, 0, 0)), size(64, 3, 17, 4)];
    expect(flat({ classes })).toContain('Some of the holes touch');
    const map = EVENT.map.map((piece) => ({ ...piece, page: 0 }));
    expect(flat({ classes, map })).not.toContain('Some of the holes touch');
  });

  it('keeps to the holes where one outside slabs was large enough', () => {
    const hole = { kind: 'hole' as const, address: 0, bytes: EVENT.needed };
    const text = flat({ map: [hole, ...EVENT.map], classes: [size(64, 3, 17, 4)] });
    expect(text).toContain('refused although a hole was large enough');
  });

  it('says of a slab that not even an empty heap has room for that it never will', () => {
    const text = flat({ cause: 'too-large', classes: [asked(size(16, 0, 0, 0))] });
    expect(text).toContain(
      'the class of 16 B objects takes a slab of 520 B first, and not even an empty heap_2 has that in one piece.',
    );
  });
});

describe('the verdict', () => {
  const explain = (changes: Partial<OutOfMemoryEvent>) => verdict(RESULT, { ...EVENT, ...changes });

  it.each([
    ['enough memory, but not in one piece', {}],
    ['not enough memory', { cause: 'exhausted', freeBytes: 1_000, largestHole: 900 }],
    ['not enough memory', { cause: 'exhausted', freeBytes: 0, largestHole: 0, holes: 0 }],
    ['too large for this heap ever', { cause: 'too-large', needed: 16_385 }],
    ['refused although a hole was large enough', { cause: 'class-empty', largestHole: 2_000 }],
    ['enough memory, but holes that touch were never merged', { cause: 'uncoalesced' }],
    ['header and rounding ate the room', { cause: 'overhead' }],
    ['locked blocks kept the holes apart', { cause: 'pinned' }],
    ['enough memory, but in several regions', { cause: 'region' }],
    ['the heap was broken by then', { corruption: 'a size word is wrong' }],
  ] as const)('%s', (headline, changes) => {
    expect(explain(changes).headline).toBe(headline);
  });

  describe('where memory was running out', () => {
    const falling = RESULT.samples.map((sample, index) => ({ ...sample, freeBytes: 16_000 - 150 * index }));
    const steady = falling.map((sample) => ({ ...sample, freeBytes: 9_000 }));
    const titleOf = (changes: Partial<OutOfMemoryEvent>, samples: RunResult['samples']) =>
      oomReport({ ...RESULT, samples }, { ...EVENT, ...changes }, paint(100)).split('\n')[0]!;
    const little = { freeBytes: 2 * EVENT.needed - 1 };

    it.each([
      ['fragmented', 'fragmented, but memory was running out'],
      ['uncoalesced', 'holes never merged, but memory was running out'],
      ['pinned', 'holes kept apart by locked blocks, but memory was running out'],
      ['region', 'spread over regions, but memory was running out'],
      ['exhausted', 'not enough memory'],
      ['overhead', 'header and rounding ate the room'],
    ] as const)('says so of what is %s', (cause, headline) => {
      expect(falling.length).toBeGreaterThan(50);
      expect(titleOf({ ...little, cause }, falling)).toBe(`Out of memory 2 of 2: ${headline}`);
    });

    it('explains what merging would have given', () => {
      const text = report(little, { ...RESULT, samples: falling });
      expect(text).toContain(
        'Memory was running out: 3,023 B were free, in one piece enough for this request but not for a second one.',
      );
      expect(text).toContain('1,352 B too small; merged, they would only have put it off.');
      expect(text).toContain('that is how a leak looks');
    });

    it('does not where a second request would have fitted, or memory held', () => {
      const plain = 'Out of memory 2 of 2: enough memory, but not in one piece';
      expect(titleOf({ freeBytes: 2 * EVENT.needed }, falling)).toBe(plain);
      expect(titleOf(little, steady)).toBe(plain);
    });
  });

  it('says how much was missing', () => {
    const { explanation } = explain({ cause: 'exhausted', freeBytes: 1_000 });
    expect(explanation.replaceAll('\u00a0', ' ')).toContain('512 B too little');
  });
});

describe('the block table', () => {
  it('has a line for every piece', () => {
    const lines = blockTable(EVENT, paint(100)).split('\n');
    expect(lines).toHaveLength(EVENT.map.length + 2);
    expect(lines[2]).toMatch(/0x20000c18 +520 +R +radio +stack:radio +512/);
  });
});
