/** Who watches a run does not change it: also on a heap whose lists the firmware has broken. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../src/heaps/catalog.js';
import { freeBytesOf } from '../../src/heaps/look.js';
import { Recorder } from '../../src/inspect/recorder.js';
import { Fault } from '../../src/mcu/index.js';
import { parseScenario } from '../../src/scenario/load.js';
import { costModel } from '../../src/simulation/cost.js';
import type { RunObserver } from '../../src/simulation/events.js';
import { run } from '../../src/simulation/run.js';
import { Trial } from '../../src/studies/trial.js';
import { candidateFor } from '../../src/studies/workload.js';
import { loadTarget } from '../../src/targets/load.js';

const FILE = fileURLToPath(new URL('../../scenarios/overflow.yaml', import.meta.url));
const heapNames = catalog.map(({ name }) => name);
const scenario = parseScenario(readFileSync(FILE, 'utf8'), FILE, { heapNames });
// newlib_nano's list of holes runs in a circle there from tick 4,135 on, where malloc and free never come to.
const target = loadTarget('stm32l053r8');

describe.each(catalog.map((heap) => [heap.name, heap] as const))(
  'a run on %s with overflows',
  (_name, heap) => {
    it('ends as it does when nobody watches', () => {
      const { options } = candidateFor(heap);
      const cost = () => costModel('auto', heap, target, options);
      const ends = [undefined, new Recorder(), new Trial()].map((watcher) => {
        const calls = { count: 0, fault: undefined as string | undefined };
        const counter: RunObserver = {
          heapCalled: () => {
            calls.count++;
          },
          faulted: ({ reason }) => {
            calls.fault = reason;
          },
        };
        const settings = { target, heap, options, seed: 1, costChoice: 'auto', cost: cost() } as const;
        const outcome = run(scenario, settings, watcher === undefined ? [counter] : [counter, watcher]);
        return { outcome, ...calls };
      });
      expect(ends[1]).toEqual(ends[0]);
      expect(ends[2]).toEqual(ends[0]);
    });
  },
);

describe('the free bytes of a broken heap', () => {
  const broken = (error: Error) => ({
    freeBytes(): number {
      throw error;
    },
  });

  it('are not known', () => {
    expect(freeBytesOf({ freeBytes: () => 8 })).toBe(8);
    expect(freeBytesOf(broken(new Fault('endless-loop', 0, 'round and round')))).toBeUndefined();
  });

  it('are an error of ours where it is no fault of the machine', () => {
    expect(() => freeBytesOf(broken(new TypeError('oops')))).toThrow('oops');
  });
});

describe('how many events are kept in full', () => {
  const file = fileURLToPath(new URL('../../scenarios/tls-burst.yaml', import.meta.url));
  const failing = parseScenario(readFileSync(file, 'utf8'), file, { heapNames });

  it('changes no figure of the run', () => {
    const slab = candidateFor(catalog.find(({ name }) => name === 'slab')!);
    const chip = loadTarget(failing.target);
    const results = [1, 2, 100].map((kept) => {
      const cost = costModel('auto', slab.heap, chip, slab.options);
      const settings = { target: chip, ...slab, seed: 1, costChoice: 'auto', cost } as const;
      const recorder = new Recorder(kept);
      const outcome = run(failing, settings, [recorder]);
      const { outOfMemory, ...figures } = recorder.result(failing, settings, outcome);
      expect(outOfMemory).toHaveLength(Math.min(kept, figures.outOfMemoryCount));
      return figures;
    });
    expect(results[0]!.outOfMemoryCount).toBeGreaterThan(2);
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});
