import { describe, expect, it } from 'vitest';
import { memoryPlan, type Target, withOverrides } from '../../src/targets/index.js';
import { problemsOf } from '../input/problems.js';

const RAM = 0x2000_0000;
const CCM = 0x1000_0000;

const target: Target = {
  id: 'chip',
  file: 'chip.yaml',
  name: 'Chip',
  vendor: 'Nobody',
  core: 'cortex-m3',
  clockHertz: 10_000_000,
  tickHertz: 1000,
  alignment: 8,
  source: '',
  description: '',
  regions: [
    { name: 'RAM', origin: RAM, bytes: 8192, heap: true },
    { name: 'CCM', origin: CCM, bytes: 4096, heap: true },
    { name: 'BACKUP', origin: 0x4000_0000, bytes: 1024, heap: false },
  ],
  staticDataBytes: 1000,
  mainStackBytes: 512,
  kernel: { objectsFromHeap: true, tcbBytes: 84, queueBytes: 72, idleStackBytes: 256, priorities: 8 },
};

describe('memoryPlan', () => {
  it('lays static data, heap variables, heap and main stack end to end', () => {
    const plan = memoryPlan(target, 24, 'one');
    expect(plan.statics).toBe(RAM + 1000);
    expect(plan.heapRegions).toEqual([{ name: 'RAM', origin: RAM + 1024, bytes: 8192 - 1024 - 512 }]);
    expect(plan.memory).toEqual([
      { name: 'RAM', origin: RAM, bytes: 8192 },
      { name: 'CCM', origin: CCM, bytes: 4096 },
      { name: 'BACKUP', origin: 0x4000_0000, bytes: 1024 },
    ]);
  });

  it('aligns the heap variables to 8 and the heap to its alignment, and rounds its size down', () => {
    const odd = { ...target, staticDataBytes: 1001, mainStackBytes: 500, alignment: 32 };
    const plan = memoryPlan(odd, 20, 'one');
    expect(plan.statics).toBe(RAM + 1008);
    // 1008 + 20 = 1028, up to 1056; from there to 8192 - 500 are 6636 bytes.
    expect(plan.heapRegions).toEqual([{ name: 'RAM', origin: RAM + 1056, bytes: 6624 }]);
  });

  it('needs no room for variables that a heap does not have', () => {
    const plan = memoryPlan(target, 0, 'one');
    expect(plan.heapRegions[0]?.origin).toBe(plan.statics);
  });

  it('gives the heap as much as the target says', () => {
    const plan = memoryPlan({ ...target, heapBytes: 2000 }, 24, 'one');
    expect(plan.heapRegions).toEqual([{ name: 'RAM', origin: RAM + 1024, bytes: 2000 }]);
  });

  it('gives a heap that takes several regions all that are for it, in ascending order', () => {
    const plan = memoryPlan({ ...target, heapBytes: 2000 }, 24, 'several');
    expect(plan.heapRegions).toEqual([
      { name: 'CCM', origin: CCM, bytes: 4096 },
      { name: 'RAM', origin: RAM + 1024, bytes: 2000 },
    ]);
  });

  it('begins with the first region that is for the heap', () => {
    const [first, ...others] = target.regions;
    const plan = memoryPlan({ ...target, regions: [{ ...first!, heap: false }, ...others] }, 24, 'one');
    expect(plan.statics).toBe(RAM + 1000);
    expect(plan.heapRegions).toEqual([{ name: 'CCM', origin: CCM, bytes: 4096 }]);
  });

  it.each<[what: string, changes: Partial<Target>, staticBytes: number]>([
    ['nothing is left', { staticDataBytes: 7680 }, 24],
    ['less than 64 bytes are left', { staticDataBytes: 7600 }, 24],
    ['the heap variables take all', {}, 7000],
    ['the heap is to be larger than what is left', { heapBytes: 6656 + 8 }, 24],
    ['the heap is to have no size worth the name', { heapBytes: 63 }, 24],
  ])('refuses when %s', (_what, changes, staticBytes) => {
    const [problem, ...more] = problemsOf(() => memoryPlan({ ...target, ...changes }, staticBytes, 'one'));
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: 'contradiction', expected: 'at least 64 B for the heap' });
    expect(problem?.message).toMatch(/Chip/);
  });

  it('uses the last 64 bytes', () => {
    const plan = memoryPlan({ ...target, staticDataBytes: 8192 - 512 - 24 - 64 }, 24, 'one');
    expect(plan.heapRegions[0]?.bytes).toBe(64);
  });
});

describe('withOverrides', () => {
  it('changes nothing that is not given', () => {
    expect(withOverrides(target, {})).toEqual(target);
  });

  it('changes the first region, the heap, the static data and the alignment', () => {
    const changed = withOverrides(target, {
      ramBytes: 16_384,
      heapBytes: 4096,
      reserveBytes: 2048,
      alignment: 16,
    });
    expect(changed).toMatchObject({ heapBytes: 4096, staticDataBytes: 2048, alignment: 16 });
    expect(changed.regions.map((region) => region.bytes)).toEqual([16_384, 4096, 1024]);
    expect(target.regions[0]?.bytes).toBe(8192);
  });

  it.each<[what: string, overrides: Parameters<typeof withOverrides>[1], words: RegExp]>([
    ['RAM below what is reserved', { ramBytes: 1024 }, /1,?000 B.*512 B.*1 KiB/],
    ['RAM of an odd size', { ramBytes: 8190 }, /8,190 B/],
    ['RAM that reaches into another region', { ramBytes: 0x2000_0004 }, /overlaps/],
    ['a heap larger than the room', { heapBytes: 8192 }, /8 KiB.*RAM/],
    ['static data larger than the RAM', { reserveBytes: 8192 }, /8 KiB/],
    ['an alignment that is none', { alignment: 12 }, /12/],
  ])('refuses %s', (_what, overrides, words) => {
    const problems = problemsOf(() => withOverrides(target, overrides));
    expect(problems[0]).toMatchObject({ code: 'bad-option', message: expect.stringMatching(words) });
    expect(problems.every((problem) => problem.code === 'bad-option')).toBe(true);
  });
});
