/**
 * The same as message-pipeline.yaml, as a program: every event and every figure of the two are equal. What to
 * look at and what to try is said there; here is how scripts look in TypeScript.
 *
 *     heaplab run scenarios/message-pipeline.ts --verbose
 */

import { defineScenario } from 'heaplab';

export default defineScenario({
  name: 'message-pipeline',
  description: 'Blocks travel through bounded queues; whoever holds one frees it, also after a timeout.',
  target: 'stm32l053r8',
  heap: 'heap_4',
  duration: '60 s',

  queues: {
    raw: { length: 6 },
    filtered: { length: 4 },
  },

  tasks: {
    /** Takes a frame of 256 bytes from the ADC. */
    producer: {
      priority: 4,
      stack: '512 B',
      period: '20 ms',
      *script(task) {
        const frame = yield* task.malloc(256);
        if (frame !== undefined) yield* task.fill(frame);
        yield* task.compute('500 us');
        if (frame === undefined || (yield* task.send('raw', frame, 0))) return;
        yield* task.log('frame dropped, the filter is behind');
        yield* task.free(frame);
      },
    },

    /** Passes on every fourth frame, in a smaller block. */
    filter: {
      priority: 3,
      stack: '512 B',
      loop: true,
      *script(task) {
        for (let received = 0; received < 4; received++) {
          const frame = yield* task.receive('raw');
          if (frame === undefined) continue;
          yield* task.verify(frame);
          yield* task.compute('3 ms');
          yield* task.free(frame);
        }
        const result = yield* task.malloc(96);
        if (result === undefined) return;
        yield* task.fill(result);
        if (yield* task.send('filtered', result, '100 ms')) return;
        yield* task.log('result dropped, the consumer is behind');
        yield* task.free(result); // a leak, if forgotten
      },
    },

    /** Writes to flash, which erases a page now and then. */
    consumer: {
      priority: 2,
      stack: '512 B',
      loop: true,
      *script(task) {
        const result = yield* task.receive('filtered', '1 s');
        if (result !== undefined) yield* task.verify(result);
        const flash = task.random.pick([
          { value: '15 ms', weight: 60 },
          { value: '600 ms', weight: 1 },
        ] as const);
        yield* task.delay(flash);
        yield* task.free(result);
      },
    },
  },

  expect: {
    oom: 'none',
    minimumEverFree: '1 KiB',
  },
});
