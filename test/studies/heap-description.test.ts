import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { catalog, findHeap } from '../../src/heaps/catalog.js';
import { boundRowOf } from '../../src/heaps/definition.js';
import { NULL } from '../../src/heaps/heap.js';
import { describeHeap, EXAMPLE_ARENA_BYTES } from '../../src/studies/heap-description.js';
import { DEFAULT_ORIGIN, replayMachine } from '../../src/traces/replay-machine.js';

const described = (name: string, alignment = 8) => describeHeap(findHeap(name)!, alignment, undefined);

describe.each(catalog.map((heap) => [heap.name, heap] as const))('%s', (_name, heap) => {
  it.each([4, 8, 16])('is described as it behaves at alignment %i', (alignment) => {
    const { examples, emptyArena, alignment: payloads } = describeHeap(heap, alignment, undefined);
    const region = { name: 'heap', origin: DEFAULT_ORIGIN, bytes: EXAMPLE_ARENA_BYTES };
    const fresh = () => replayMachine(heap, v.parse(heap.options, {}), [region], alignment).handles;

    expect(emptyArena.bytes).toBe(EXAMPLE_ARENA_BYTES);
    expect(fresh().allocate(emptyArena.largestRequestBytes)).not.toBe(NULL);
    expect(fresh().allocate(emptyArena.largestRequestBytes + 1)).toBe(NULL);
    expect(emptyArena.largestRequestBytes).toBeLessThanOrEqual(emptyArena.freeBytes);
    for (const { requested, bytes } of examples) {
      const handles = fresh();
      expect(handles.lock(handles.allocate(requested)) % payloads).toBe(0);
      expect(bytes).toBeGreaterThanOrEqual(requested);
    }
  });

  it('has an example of its bound exactly where there is a proof', () => {
    const { boundExample } = describeHeap(heap, 8, undefined);
    expect(boundExample !== undefined).toBe(boundRowOf(heap, v.parse(heap.options, {})) !== undefined);
    if (boundExample === undefined) return;
    const { peakBytes, lowerBoundBytes, sufficientBytes } = boundExample;
    expect(lowerBoundBytes).toBeGreaterThan(peakBytes);
    expect(sufficientBytes).toBeGreaterThan(lowerBoundBytes);
  });
});

describe('bounds in units of the blocks', () => {
  // 16 KiB and 1 KiB in units of 8 and of 32 bytes: 2048 H(128) / ln 2 rounded up, and 2 * 512 * (1 + 5).
  it.each([
    ['heap_4', 8 * 16_053],
    ['o1heap', 32 * 6_144],
  ])('%s', (name, bytes) => {
    expect(described(name).boundExample!.sufficientBytes).toBe(bytes);
  });
});

describe('options', () => {
  it('have their defaults and what they are for', () => {
    const [asserts] = described('heap_4').options;
    expect(asserts).toEqual({
      name: 'asserts',
      default: 'true',
      description: expect.stringMatching(/^config/),
    });
  });
});
