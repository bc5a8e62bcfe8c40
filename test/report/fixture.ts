/**
 * A run to report on: four tasks churn on a real heap_2 of 16 KiB until a large request fails, as in the
 * classic case: most of the arena is free, in small pieces.
 */

import { Chalk } from 'chalk';
import * as v from 'valibot';
import { findHeap } from '../../src/heaps/catalog.js';
import type { Heap } from '../../src/heaps/heap.js';
import { formatBytes } from '../../src/input/index.js';
import { holeSizes, liveByLine, liveByOwner } from '../../src/inspect/block-map.js';
import { causeOf } from '../../src/inspect/cause.js';
import { externalFragmentation, fragmentationMeasures } from '../../src/inspect/fragmentation.js';
import {
  type MapPiece,
  type OutOfMemoryEvent,
  RESULT_VERSION,
  type RunResult,
  RunResultSchema,
} from '../../src/inspect/result.js';
import type { Paint } from '../../src/report/paint.js';
import { loadTarget } from '../../src/targets/load.js';
import { replayMachine } from '../../src/traces/replay-machine.js';

export const FILE = 'scenarios/showcase.yaml';
export const ORIGIN = 0x2000_0c18;
export const ARENA = 16 * 1024;
const CLOCK = 72_000_000;
const CYCLES_PER_STEP = 9_600;

export function paint(width: number, level: 0 | 1 | 2 | 3 = 0): Paint {
  return { width, color: new Chalk({ level }) };
}

/** Without colours. */
export function stripped(text: string): string {
  return text.replace(new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g'), '');
}

interface Live {
  readonly owner: string;
  readonly label: string;
  readonly line: number | undefined;
  readonly requested: number;
  readonly cycle: number;
  readonly until: number;
}

/** Who asks for how much, and keeps it how long, in steps. */
const HABITS = [
  { owner: 'radio', label: 'packet', line: 31, sizes: [24, 40, 64, 96], life: 60 },
  { owner: 'logger', label: 'line_buffer', line: 44, sizes: [16, 24, 32], life: 110 },
  { owner: 'sensor', label: 'sample', line: 18, sizes: [12, 20, 48], life: 90 },
  { owner: 'queue:frames', label: 'frame', line: 57, sizes: [80, 120, 136], life: 25 },
] as const;
const REQUEST = { owner: 'display', label: 'glyph_cache', line: 63, requested: 1500 };

class Machine {
  readonly heap: Heap;
  readonly live = new Map<number, Live>();
  readonly samples: RunResult['samples'] = [];
  step = 0;
  allocations = 0;
  frees = 0;
  minimumFree = ARENA;
  peak = 0;
  private state = 12345;

  constructor() {
    const definition = findHeap('heap_2')!;
    const regions = [{ name: 'heap', origin: ORIGIN, bytes: ARENA }];
    this.heap = replayMachine(definition, v.parse(definition.options, {}), regions, 8).heap;
  }

  random(limit: number): number {
    this.state = (Math.imul(this.state, 1_103_515_245) + 12_345) >>> 0;
    return (this.state >>> 8) % limit;
  }

  get cycle(): number {
    return this.step * CYCLES_PER_STEP;
  }

  allocate(block: Omit<Live, 'cycle'>): number {
    const address = this.heap.malloc(block.requested);
    if (address === 0) return 0;
    this.live.set(address, { ...block, cycle: this.cycle });
    this.allocations++;
    this.minimumFree = Math.min(this.minimumFree, this.heap.freeBytes());
    const requested = [...this.live.values()].reduce((sum, { requested: asked }) => sum + asked, 0);
    this.peak = Math.max(this.peak, requested);
    return address;
  }

  advance(): void {
    this.step++;
    for (const [address, { until }] of this.live) {
      if (until > this.step) continue;
      this.heap.free(address);
      this.live.delete(address);
      this.frees++;
    }
    const habit = HABITS[this.random(HABITS.length)]!;
    const requested = habit.sizes[this.random(habit.sizes.length)]!;
    this.allocate({ ...habit, requested, until: this.step + 1 + this.random(2 * habit.life) });
    if (this.step % 16 === 0) this.sample();
  }

  private sample(): void {
    const holes = holeSizes(this.map());
    this.samples.push({
      cycle: this.cycle,
      freeBytes: this.heap.freeBytes(),
      largestHole: Math.max(0, ...holes),
      liveBlocks: this.live.size,
    });
  }

  map(): MapPiece[] {
    const pieces: MapPiece[] = [];
    this.heap.walk((kind, address, bytes, payload) => {
      const block = kind === 'used' ? this.live.get(payload) : undefined;
      if (block === undefined) {
        pieces.push({ kind, address, bytes });
        return;
      }
      const { owner, label, line, requested, cycle: allocatedCycle } = block;
      const at = line === undefined ? {} : { at: { line, column: 7 } };
      pieces.push({ kind, address, bytes, payload, requested, owner, label, ...at, allocatedCycle });
    });
    return pieces;
  }

  event(number: number): OutOfMemoryEvent {
    const map = this.map();
    const holes = holeSizes(map);
    const byOwner = liveByOwner(map);
    const needed = this.heap.blockBytesFor(REQUEST.requested);
    const sum = (of: (holding: { bytes: number; requested: number }) => number) =>
      byOwner.reduce((total, holding) => total + of(holding), 0);
    return {
      number,
      operation: this.step,
      cause: causeOf(map, REQUEST.requested, needed),
      tick: Math.floor((this.cycle / CLOCK) * 1000),
      cycle: this.cycle,
      task: REQUEST.owner,
      label: REQUEST.label,
      at: { line: REQUEST.line, column: 9 },
      requested: REQUEST.requested,
      needed,
      freeBytes: holes.reduce((total, size) => total + size, 0),
      freeCounter: this.heap.freeBytes(),
      largestHole: Math.max(0, ...holes),
      holes: holes.length,
      fragmentation: fragmentationMeasures(
        holes,
        needed,
        sum((each) => each.requested),
        sum((each) => each.bytes),
      ),
      liveByOwner: byOwner.map(({ owner, blocks, bytes, requested }) => ({
        owner,
        blocks,
        bytes,
        requested,
      })),
      liveByLine: liveByLine(map),
      map,
    };
  }
}

function boot(machine: Machine): void {
  for (const owner of ['radio', 'logger', 'sensor', 'display', 'IDLE']) {
    const rest = { owner, line: undefined, until: Number.POSITIVE_INFINITY };
    machine.allocate({ ...rest, label: `stack:${owner}`, requested: 512 });
    machine.allocate({ ...rest, label: `tcb:${owner}`, requested: 84 });
  }
}

/** Small blocks fill the arena once: heap_2 never makes one of them again. */
function burst(machine: Machine): void {
  for (;;) {
    const habit = HABITS[machine.random(HABITS.length)]!;
    const requested = habit.sizes[machine.random(habit.sizes.length)]!;
    if (machine.allocate({ ...habit, requested, until: 1 + machine.random(500) }) === 0) return;
  }
}

function tasks(machine: Machine, failures: number): RunResult['tasks'] {
  const task = (name: string, share: number, more: Partial<RunResult['tasks'][number]> = {}) => ({
    name,
    kind: name.startsWith('queue:') ? ('queue' as const) : ('task' as const),
    runCycles: Math.round(machine.cycle * share),
    allocations: Math.round(machine.allocations / 4),
    frees: Math.round(machine.frees / 4),
    failures: 0,
    liveBytes: 600,
    peakLiveBytes: 1_200,
    missedDeadlines: 0,
    worstLatenessCycles: 0,
    heldUpCycles: 0,
    longestHeldUpCycles: 0,
    longestHeldUpBy: '',
    ...more,
  });
  return [
    task('IDLE', 0.613, { allocations: 0, frees: 0, peakLiveBytes: 596 }),
    task('display', 0.082, { failures, allocations: 2, peakLiveBytes: 596 }),
    task('logger', 0.121, { peakLiveBytes: 2_344, longestHeldUpCycles: 9_000, longestHeldUpBy: 'display' }),
    task('queue:frames', 0, { peakLiveBytes: 1_912 }),
    task('radio', 0.155, {
      peakLiveBytes: 3_128,
      missedDeadlines: 2,
      worstLatenessCycles: 86_400,
      heldUpCycles: 60_000,
      longestHeldUpCycles: 29_664,
      longestHeldUpBy: 'logger',
    }),
    task('sensor', 0.029, { peakLiveBytes: 1_480 }),
  ];
}

/** Runs and fails `failures` times; checked against the schema of results. */
export function showcase(failures = 15): RunResult {
  const machine = new Machine();
  boot(machine);
  burst(machine);
  const events: OutOfMemoryEvent[] = [];
  while (machine.step < 1_000 || events.length < failures) {
    machine.advance();
    if (events.length < failures && machine.step > 900 && machine.step % 75 === 0)
      events.push(machine.event(events.length + 1));
  }
  const holes = holeSizes(machine.map());
  const freeBytes = machine.heap.freeBytes();
  const largestHole = Math.max(...holes);
  return v.parse(RunResultSchema, {
    version: RESULT_VERSION,
    scenario: {
      name: 'showcase',
      file: FILE,
      description: 'A sensor node with a display: heap_2 cuts its memory to pieces.',
      source: '',
    },
    target: loadTarget('stm32f103c8'),
    heap: {
      name: 'heap_2',
      options: { asserts: true, clearOnFree: false },
      staticBytes: 24,
      regions: [{ name: 'heap', origin: ORIGIN, bytes: ARENA }],
    },
    cost: {
      choice: 'estimate',
      source: 'estimated from memory accesses, may be off by half',
      estimated: true,
    },
    seed: 1,
    outcome: 'finished',
    tick: Math.floor((machine.cycle / CLOCK) * 1000),
    cycle: machine.cycle,
    resets: 0,
    operations: machine.allocations + machine.frees + failures,
    allocations: machine.allocations,
    frees: machine.frees,
    lostBlocks: 0,
    zeroSizeRequests: 0,
    live: { blocks: machine.live.size, requested: 5_000 },
    peakRequested: machine.peak,
    freeBytes,
    minimumEverFreeBytes: machine.minimumFree,
    largestHole,
    worstFragmentation: externalFragmentation(freeBytes, largestHole),
    malloc: callCosts(machine.allocations + failures, 2_412),
    free: callCosts(machine.frees, 576),
    suspension: {
      count: machine.allocations + machine.frees + failures,
      total: 2_900_000,
      longest: 29_664,
      p50: 300,
      p99: 4_000,
    },
    longestSuspensionBy: 'logger',
    missedDeadlines: 2,
    tasks: tasks(machine, failures),
    samples: machine.samples,
    compactions: { count: 0, bytesMoved: 0, blocksMoved: 0, cycles: 0, longestCycles: 0, events: [] },
    outOfMemoryCount: failures,
    outOfMemory: events,
    notCreated: [],
    lostContents: [],
    expectations: [
      { what: 'out-of-memory events', expected: 'none', actual: String(failures), holds: failures === 0 },
      { what: 'missed deadlines', expected: 'at most 3', actual: '2', holds: true },
      {
        what: 'minimum ever free',
        expected: 'at least 2 KiB',
        actual: formatBytes(machine.minimumFree),
        holds: machine.minimumFree >= 2048,
      },
    ],
    passed: false,
  } satisfies RunResult);
}

function callCosts(count: number, maximum: number): RunResult['malloc'] {
  const cost = (factor: number) => ({
    count,
    p50: 60 * factor,
    p99: 400 * factor,
    maximum: maximum * factor,
  });
  return { instructions: cost(1), cycles: cost(2), byNearestPath: 0 };
}
