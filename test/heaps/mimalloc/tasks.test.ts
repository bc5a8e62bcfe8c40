import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AN_INTERRUPT } from '../../../src/heaps/heap.js';
import { anyDeeds, anySetting, type Deed, TasksModel } from './tasks-model.js';

const often = { seed: 20_190_618, numRuns: 150 };

describe('tasks and interrupts on one heap', () => {
  it('keep every promise, whoever frees what, within the bound of each call', () => {
    fc.assert(
      fc.property(anySetting, anyDeeds, (setting, deeds) => {
        new TasksModel(setting).run(deeds).end();
      }),
      often,
    );
  });

  it('keep them with interrupts between any two accesses', () => {
    const anyGaps = fc.array(fc.nat(60), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(anySetting, anyDeeds, anyGaps, (setting, deeds, gaps) => {
        new TasksModel(setting, gaps).run(deeds).end();
      }),
      often,
    );
  });
});

/** Pages have 8 blocks of 16 bytes, or 4 of 32. */
const SMALL_PAGES = { bytes: 6000, alignment: 8, options: { pageBytes: 128 } };
/** Four pages that are full and one that has come to its end. */
const FULL: Deed = ['fill', 1, 32, 20];

describe('an interrupt at every single access', () => {
  it.each<[what: string, before: Deed[], deed: Deed]>([
    ["of another task's free into a full page", [FULL], ['free', 2, 3]],
    ["of another task's free into a page with room", [['fill', 1, 32, 7]], ['free', 2, 3]],
    ["of another task's free after that of a neighbour", [FULL, ['free', 2, 4]], ['free', 2, 3]],
    ["of the owner's free into a full page", [FULL], ['free', 1, 3]],
    ['of the generic way', [FULL], ['malloc', 1, 32]],
    [
      'of the generic way with blocks to take back',
      [FULL, ['free', 2, 3], ['free', 2, 4]],
      ['malloc', 1, 32],
    ],
    ["of a task's first malloc", [FULL], ['malloc', 2, 16]],
    ['of a request that is refused', [FULL, ['free', 2, 3]], ['malloc', 1, 2300]],
    ['of a request that is refused after a task was deleted', [FULL, ['delete', 1]], ['malloc', 2, 2300]],
    ['of idle work for a deleted task', [FULL, ['free', 2, 3], ['delete', 1]], ['idle']],
  ])('%s', (_what, before, deed) => {
    let count = 0;
    for (const victim of ['oldest', 'middle', 'newest', 'next'] as const) {
      for (let after = 0; ; after++) {
        const model = new TasksModel({ ...SMALL_PAGES, bytes: 3000 }).run(before);
        if (!model.interruptOnce(deed, after, victim)) break;
        model.end();
        count++;
      }
    }
    expect(count).toBeGreaterThan(30);
  });
});

describe('how many pages a malloc looks at', () => {
  const withLimit = (pagesPerCall: number) =>
    new TasksModel({ ...SMALL_PAGES, options: { pageBytes: 128, pagesPerCall } });

  /** 20 pages of a class in the queue that have nothing: a block of each full page is freed and taken again. */
  function attackQueue(limit: number): TasksModel {
    const model = withLimit(limit).run([['fill', 1, 16, 160]]);
    // The block goes to the end of the model's list, so that the next one here lies in the next page.
    for (let page = 0; page < 19; page++)
      model.run([
        ['free', 1, 7 * page],
        ['malloc', 1, 16],
      ]);
    return model;
  }

  /** 20 full pages of which each has told its heap that a block came back. */
  function attackDelayed(limit: number): TasksModel {
    return withLimit(limit).run([
      ['fill', 1, 16, 160],
      ['thin', AN_INTERRUPT, 8],
    ]);
  }

  const attacks = [
    ['of its class', attackQueue],
    ['that others freed into', attackDelayed],
  ] as const;

  it.each(attacks)('is all those %s without a limit', (_what, attack) => {
    const model = attack(0);
    expect(model.most.usualSearch).toBeLessThan(10);
    model.run([['malloc', 1, 16]]);
    expect(model.most.usualSearch).toBeGreaterThanOrEqual(19);
  });

  it.each(attacks)('is as many %s as the limit says', (_what, attack) => {
    for (const limit of [1, 2, 4]) {
      const model = attack(limit).run([['malloc', 1, 16]]);
      expect(model.most.usualSearch).toBeGreaterThanOrEqual(limit);
      // An unused page is looked for in the bitmap as well.
      expect(model.most.usualSearch).toBeLessThanOrEqual(2 * limit + 3);
      model.end();
    }
  });
});

describe('how much a malloc that fails looks at', () => {
  /** More than there is. */
  const ALL = 2000;
  const everything = (pages: number): Deed => ['malloc', 2, 128 * pages];

  /** Every page holds blocks of a task's, and has told that task's heap that an interrupt freed their neighbours. */
  const told = (): Deed[] => [
    ['fill', 1, 16, ALL],
    ['thin', AN_INTERRUPT, 2],
  ];

  /** Five tasks keep an empty page in each class. */
  const kept = (): Deed[] =>
    [1, 2, 3, 4, 5].flatMap((task) =>
      [8, 16, 24, 32, 40, 48, 56, 64].flatMap((bytes): Deed[] => [
        ['malloc', task, bytes],
        ['free', task, 0],
      ]),
    );

  /** All pages are a deleted task's, and full. */
  const leftBehind = (): Deed[] => [
    ['fill', 1, 32, ALL],
    ['delete', 1],
  ];

  /** All pages but that with the task's heap are in the queue of a class, and have nothing to give. */
  function exhausted(pages: number): Deed[] {
    const fill: Deed = ['fill', 1, 32, ALL];
    // The block goes to the end of the model's list, so that the next one here lies in the next page.
    const deeds = Array.from({ length: pages - 1 }, (_, page): Deed[] => [
      ['free', 1, 3 * page],
      ['malloc', 1, 32],
    ]);
    return [fill, ...deeds.flat()];
  }

  type Attack = [
    what: string,
    before: (pages: number) => Deed[],
    request: (pages: number) => Deed,
    /** What is looked at more if nothing limits it, at least. */
    unlimited: (pages: number) => number,
  ];
  const attacks: Attack[] = [
    ['of what others freed', told, everything, (pages) => pages - 2],
    ['of what is kept empty', kept, everything, () => 3 * 8 - 1],
    ['of what a deleted task left behind', leftBehind, everything, (pages) => pages - 2],
    ['of larger classes', exhausted, () => ['malloc', 1, 16], (pages) => pages - 2],
  ];

  it.each(attacks)(
    '%s is all of it without a limit, else as much in a large arena as in a small one',
    (...attack) => {
      const [, before, request, unlimited] = attack;
      const attacked = (bytes: number, pagesPerCall: number) => {
        const model = new TasksModel({ bytes, alignment: 8, options: { pageBytes: 128, pagesPerCall } });
        const pages = model.heap.largestBlockBytes() / 128;
        model.run(before(pages));
        const { failures } = model;
        model.run([request(pages)]);
        expect(model.failures).toBe(failures + 1);
        const { steps } = model;
        model.end();
        return { steps, pages };
      };
      const all = attacked(12_000, 0);
      const few = attacked(12_000, 1);
      expect(all.steps - few.steps).toBeGreaterThanOrEqual(unlimited(all.pages));
      const small = attacked(8000, 1);
      // A word of the one bitmap is looked at three times, of the other once.
      const words = Math.ceil(few.pages / 32) - Math.ceil(small.pages / 32);
      expect(few.steps - small.steps).toBeLessThanOrEqual(4 * words);
    },
  );

  it('is no more than the bound when all of that comes together', () => {
    for (const pagesPerCall of [0, 1, 3, 8]) {
      const model = new TasksModel({
        bytes: 12_000,
        alignment: 8,
        options: { pageBytes: 128, pagesPerCall },
      });
      const failing = everything(model.heap.largestBlockBytes() / 128);
      model.run([
        ...kept(),
        ['fill', 3, 16, 60],
        ['fill', 1, 32, ALL],
        ['thin', AN_INTERRUPT, 3],
        ['delete', 1],
      ]);
      model.run([
        failing,
        ['malloc', 4, 16],
        ['malloc', 0, 16],
        failing,
        ['thin', 2, 2],
        ['delete', 3],
        failing,
      ]);
      model.end();
    }
  });
});
