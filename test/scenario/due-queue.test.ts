import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueQueue } from '../../src/scenario/due-queue.js';

describe('a queue of what falls due', () => {
  it('is empty at first', () => {
    const queue = new DueQueue<string>();
    expect(queue.firstCycle).toBe(Number.POSITIVE_INFINITY);
    expect(queue.pop()).toBeUndefined();
  });

  it('gives the earliest first, whatever the order in which they came', () => {
    const cycles = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(cycles, (all) => {
        const queue = new DueQueue<number>();
        for (const cycle of all) queue.push(cycle, cycle);
        const popped: number[] = [];
        while (queue.firstCycle !== Number.POSITIVE_INFINITY) {
          const due = queue.firstCycle;
          popped.push(queue.pop()!);
          expect(popped.at(-1)).toBe(due);
        }
        expect(popped).toEqual(all.toSorted((a, b) => a - b));
        expect(queue.pop()).toBeUndefined();
      }),
    );
  });

  it('goes on where items come while others leave', () => {
    const steps = fc.array(fc.option(fc.integer({ min: 0, max: 50 })), { maxLength: 400 });
    fc.assert(
      fc.property(steps, (all) => {
        const queue = new DueQueue<number>();
        const waiting: number[] = [];
        for (const cycle of all) {
          if (cycle === null) {
            waiting.sort((a, b) => a - b);
            expect(queue.pop()).toBe(waiting.shift());
          } else {
            queue.push(cycle, cycle);
            waiting.push(cycle);
          }
        }
      }),
    );
  });
});
