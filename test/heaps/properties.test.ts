import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../src/heaps/catalog.js';
import { parseTrace } from '../../src/traces/read.js';
import { Replay } from '../../src/traces/replay.js';
import { replayOptions } from '../../src/traces/replay-machine.js';
import { anyCalls } from './calls.js';
import { device, imageOf } from './device.js';
import { anyPlace, Model, originsFor } from './model.js';

const often = { seed: 20_240_531, numRuns: 600 };
const sometimes = { ...often, numRuns: 60 };

describe.each(catalog.map((definition) => [definition.name, definition] as const))(
  '%s',
  (_name, definition) => {
    const anyRun = [anyPlace(definition), anyCalls(definition)] as const;

    it('keeps every promise of a heap after every call', () => {
      fc.assert(
        fc.property(...anyRun, (place, calls) => {
          const model = new Model(definition, place).run(calls).freeAll();
          const healed = model.moves ? model.compactAll() : model;
          if ((model.traits.coalesces || model.moves) && model.frees) {
            expect(healed.holes()).toEqual(model.firstHoles);
          }
        }),
        often,
      );
    });

    it('leaves the same bytes after the same calls', () => {
      fc.assert(
        fc.property(...anyRun, (place, calls) => {
          const [first, second] = [1, 2].map(() => new Model(definition, place).run(calls));
          expect(imageOf(second!.machine.memory) === imageOf(first!.machine.memory)).toBe(true);
        }),
        sometimes,
      );
    });

    it('answers the same wherever its arena lies', () => {
      fc.assert(
        fc.property(...anyRun, (place, calls) => {
          const [first, ...others] = originsFor(definition, place.options).map(
            (origin) => new Model(definition, { ...place, origin }).run(calls).answers,
          );
          for (const answers of others) expect(answers).toEqual(first);
        }),
        sometimes,
      );
    });

    it.each([4, 8, 16, 32])(
      'works in the smallest arena, wherever it begins, at alignment %i',
      (alignment) => {
        const options = v.parse(definition.options, replayOptions(definition));
        const origin = originsFor(definition, options)[1]!;
        for (let shift = 0; shift < alignment; shift += 4) {
          const model = new Model(definition, { alignment, origin, shift, extraBytes: [0], options });
          model
            .run([
              ['malloc', 1],
              ['malloc', 100],
              ['malloc', 1],
              ['free', 0],
            ])
            .freeAll();
        }
      },
    );

    it.each([4, 8, 16, 32])(
      'writes nothing beside its statics and its arena at alignment %i',
      (alignment) => {
        const options = v.parse(definition.options, replayOptions(definition));
        const bytes = definition.minimumArenaBytes(alignment, options) + 1000;
        const { heap, memory, statics, origin } = device(definition.name, { alignment, bytes, options });
        const beside = [
          [statics + definition.staticBytes(options), origin],
          [origin + bytes, origin + bytes + 0x400],
        ] as const;
        for (const [from, to] of beside) memory.fill(from, to - from, 0xee);
        const trace = 'a 0 100\na 1 40\na 2 2000\nf 0\na 2 50\nc 3 2 20\nf 1\nf 2\nf 3\na 4 300';
        new Replay(heap, memory, parseTrace(trace, 'trace')).run();
        for (const [from, to] of beside) {
          expect(memory.image(from, to - from).findIndex((byte) => byte !== 0xee)).toBe(-1);
        }
      },
    );
  },
);
