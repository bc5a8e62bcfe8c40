/** Scenarios for the tests of the loader. */

export const HEAPS = ['heap_1', 'heap_2', 'heap_4', 'tlsf'];

/** Every key of the format once. */
export const SHOWCASE = `# comment
name: Telemetry node
description: |
  What to look at
target: stm32f103c8
heap: { name: heap_2, options: { asserts: false } }
duration: 10 s
seed: 7
globals: [shared_frame]
on oom: { retry: { delay: 10 ms, times: 3 } }
idle hook: [{ log: idle }]
queues:
  samples: { length: 8, item size: 16 B }
  commands: { length: 2 }
interrupts:
  uart:
    first: 1.5 ms
    period: { exponential: { mean: 3 ms } }
    count: 100
    script:
      - send: { queue: samples, value: 50 }
  timer:
    period: 5 ticks
    script: [{ send: { queue: samples, value: { from: 1 }, timeout: 0 } }]
tasks:
  sampler:
    priority: 3
    stack: 512 B
    period: 10 ms
    deadline: 8 ms
    script:
      - alloc: { name: shared_frame, size: 64 B }
      - choose:
          - { weight: 3, steps: [yield] }
          - { weight: 1, steps: [{ delay: 1 ms }] }
      - start task: logger
  logger:
    priority: 1
    loop: true
    autostart: false
    script:
      - receive: { queue: samples, name: sample }
      - free: shared_frame
expect:
  oom: none
  missed deadlines: at most 3
  minimum ever free: 2 KiB
  fragmentation: 60 %
  longest suspension: 100 us
  outcome: finished
  resets: at most 2
`;

/** A scenario whose only task `main` runs `steps`, a YAML list on one line; its items are on line 10. */
export function withSteps(steps: string): string {
  return `name: Steps
target: stm32f103c8
heap: heap_4
duration: 10 s
globals: [shared]
queues: { q: { length: 1 } }
tasks:
  other: { priority: 1, autostart: false, script: [] }
  main: { priority: 2, script:
    ${steps} }
`;
}
