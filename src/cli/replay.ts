/** `heaplab replay`: a recorded trace on a heap, without kernel or time. */

import { type Build, measuredBuilds, plainCostTable, unmeasuredOptions } from '../costs/files.js';
import { MeteredHeap } from '../costs/metered-heap.js';
import { catalog } from '../heaps/catalog.js';
import { type HeapDefinition, type HeapOptions, traitsOf } from '../heaps/definition.js';
import { ALONE, NULL } from '../heaps/heap.js';
import { formatBytes, groupDigits, parseDuration, parseHertz } from '../input/index.js';
import { Fault, type Region } from '../mcu/index.js';
import { extensionText, heapStatsText, pageMemoryText } from '../report/heap-stats.js';
import { type Fact, facts } from '../report/layout.js';
import { counted } from '../report/phrases.js';
import { readTrace } from '../traces/read.js';
import { CACHE_MADE, NO_BLOCK, Replay, type ReplaySummary } from '../traces/replay.js';
import {
  DEFAULT_ORIGIN,
  type ReplayMachine,
  replayMachine,
  replayOptions,
} from '../traces/replay-machine.js';
import { alignmentFlag, badOption, heapNamed, heapOptions, sizeFlag } from './flags.js';
import { SUCCESS, type Terminal, UNEXPECTED } from './terminal.js';

interface ReplayFlags {
  readonly heap?: string;
  readonly heapOption?: string[];
  readonly heapSize?: string;
  readonly alignment?: string;
  readonly region?: string[];
  readonly ops?: boolean;
  readonly cost?: Build;
  readonly opTime?: string;
  readonly tick?: string;
  readonly json?: boolean;
}

const DEFAULT_HEAP = 'heap_4';
const DEFAULT_ALIGNMENT = 8;
const DEFAULT_TICK_HERTZ = 1000;
const FLUSH_LINES = 4096;
/** No operation is under way: the heap is being set up. */
const NOT_STARTED = -2;

export function replayCommand(terminal: Terminal, file: string, flags: ReplayFlags): number {
  if (flags.ops === true && flags.json === true) {
    throw badOption('--ops and --json exclude each other', 'one of them');
  }
  const definition = heapNamed(flags.heap ?? DEFAULT_HEAP);
  const options = heapOptions(definition, replayOptions(definition), flags.heapOption);
  const alignment = alignmentFlag(flags.alignment) ?? DEFAULT_ALIGNMENT;
  const regions = regionFlags(flags);
  if (traitsOf(definition, options).regions === 'one' && regions.length > 1) {
    const which = `${definition.name}${definition.traits === undefined ? '' : ' with these options'}`;
    throw badOption(`${which} manages one region, not ${regions.length}`, 'one --region');
  }
  const least = definition.minimumArenaBytes(alignment, options);
  const largest = Math.max(...regions.map((region) => region.bytes));
  // Beside a region that is of use, heap_5 takes others as they are: what it makes of them is worth seeing.
  if (largest < least) {
    throw badOption(
      `${definition.name} cannot work in ${formatBytes(largest)}`,
      `at least ${formatBytes(least)}`,
    );
  }
  const ticksPerOperation = operationTicks(flags);
  const trace = readTrace(file);
  let last = NOT_STARTED;
  // While operation i is under way the heap sees the time of i operations.
  const surroundings = {
    ...ALONE,
    ticks: () => Math.floor(Math.max(0, last + 1) * ticksPerOperation + 1e-9),
  };
  try {
    const machine = replayMachine(definition, options, regions, alignment, surroundings);
    const meter =
      flags.cost === undefined ? undefined : meteredHeap(definition, options, machine, flags.cost);
    last = -1;
    const replay = new Replay(meter ?? machine.handles, machine.memory, trace);
    if (flags.ops === true) printOperations(terminal, machine, replay, meter, (index) => (last = index));
    else replay.run((index) => (last = index));
    if (flags.json === true)
      terminal.print(`${JSON.stringify(summaryData(machine, replay.summary, meter))}\n`);
    else if (flags.ops !== true) {
      terminal.print(summaryText(terminal, definition.name, machine, replay.summary, meter));
    }
    return SUCCESS;
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    const line = trace.source?.lines[last + 1];
    const when = last === NOT_STARTED ? 'before the first operation' : `operation ${last + 1}`;
    terminal.warn(`${line === undefined ? '' : `${file}:${line}: `}${when}: ${fault.message}\n`);
    return UNEXPECTED;
  }
}

/** How far an operation takes the heap's clock; not at all unless told. */
function operationTicks({ opTime, tick }: ReplayFlags): number {
  if (opTime === undefined) {
    if (tick !== undefined) throw badOption('--tick says nothing without --op-time', '--op-time as well');
    return 0;
  }
  const hertz = tick === undefined ? DEFAULT_TICK_HERTZ : parseHertz(tick);
  if (hertz === undefined) throw badOption(`--tick ${tick} is not possible`, 'a frequency such as 1 kHz');
  const time = parseDuration(opTime);
  if (time === undefined || time.unit === 'cycles') {
    throw badOption(`--op-time ${opTime} is not possible`, 'a time such as 1ms or 2 ticks');
  }
  return time.unit === 'ticks' ? time.amount : time.amount * hertz;
}

function regionFlags({ region: texts = [], heapSize }: ReplayFlags): Region[] {
  if (texts.length === 0) {
    return [{ name: 'heap', origin: DEFAULT_ORIGIN, bytes: sizeFlag('--heap-size', heapSize) ?? 20 * 1024 }];
  }
  if (heapSize !== undefined) throw badOption('--heap-size and --region exclude each other', 'one of them');
  const given = texts.map((text, index) => ({ text, region: regionFlag(text, `region ${index}`) }));
  given.sort((a, b) => a.region.origin - b.region.origin);
  given.slice(1).forEach(({ text, region }, index) => {
    const below = given[index]!;
    if (below.region.origin + below.region.bytes > region.origin) {
      throw badOption(`--region ${text} overlaps ${below.text}`, 'regions apart from each other');
    }
  });
  return given.map(({ region }) => region);
}

function regionFlag(text: string, name: string): Region {
  const [, digits, bytesText] = /^(0x[\da-f]+|\d+):(.+)$/i.exec(text) ?? [];
  const bytes = sizeFlag(`--region ${digits ?? text}:`, bytesText);
  const origin = Number(digits);
  if (bytes === undefined || origin % 4 !== 0 || origin + bytes > 2 ** 32) {
    const expected = 'address:size with an address that is a multiple of 4, such as 0x20000000:2560';
    throw badOption(`--region ${text} is no region`, expected);
  }
  return { name, origin, bytes };
}

function meteredHeap(
  definition: HeapDefinition,
  options: HeapOptions,
  machine: ReplayMachine,
  build: Build,
): MeteredHeap {
  const [changed] = unmeasuredOptions(definition, options);
  const table = plainCostTable(definition, build);
  if (table !== undefined && changed !== undefined) {
    const message = `--cost ${build}: ${definition.name} has not been measured with ${changed} ${options[changed]}`;
    throw badOption(message, `${changed} as it is by default`);
  }
  if (table !== undefined) return new MeteredHeap(machine.heap, table);
  const measured = catalog.filter((heap) => measuredBuilds(heap).includes(build)).map((heap) => heap.name);
  throw badOption(
    `--cost ${build}: ${definition.name} has not been measured`,
    `one of ${measured.join(', ')}`,
  );
}

/**
 * The stable interface: `<index> <offset or -1> <free bytes>`, or `<index> -`; with a meter the cost behind, and
 * a `~` as a column of its own where that is an estimate.
 */
function printOperations(
  terminal: Terminal,
  { heap, layout }: ReplayMachine,
  replay: Replay,
  meter: MeteredHeap | undefined,
  note: (index: number) => void,
): void {
  const { alignment, regions } = layout;
  const start = Math.ceil(regions[0]!.origin / alignment) * alignment;
  let lines: string[] = [];
  let estimates = 0;
  const flush = () => {
    if (lines.length > 0) terminal.print(`${lines.join('\n')}\n`);
    lines = [];
  };
  try {
    replay.run((index, address) => {
      note(index);
      const answer = address === NO_BLOCK ? '-' : `${offsetColumn(address, start)} ${heap.freeBytes()}`;
      const cost = meter === undefined ? '' : ` ${costColumn(meter, estimates)}`;
      estimates = meter?.estimatedCalls ?? 0;
      lines.push(`${index} ${answer}${cost}`);
      if (lines.length >= FLUSH_LINES) flush();
    });
  } finally {
    flush();
  }
}

/** `estimates`: calls that had to be estimated before this operation. */
function costColumn(meter: MeteredHeap, estimates: number): string {
  const instructions = meter.takeInstructions();
  return meter.estimatedCalls === estimates ? `${instructions}` : `${instructions} ~`;
}

/** 0 where a cache was made, which is a call that succeeds. */
function offsetColumn(address: number, start: number): number {
  if (address === CACHE_MADE) return 0;
  return address === NULL ? -1 : address - start;
}

function summaryData({ heap }: ReplayMachine, summary: ReplaySummary, meter: MeteredHeap | undefined) {
  const heapStats = heap.stats?.();
  const pageMemory = heap.pageMemory?.();
  return {
    ...summary,
    freeBytes: heap.freeBytes(),
    ...(heapStats === undefined ? {} : { heapStats }),
    ...(pageMemory === undefined ? {} : { pageMemory }),
    ...costOf(meter),
  };
}

function costOf(meter: MeteredHeap | undefined) {
  if (meter === undefined) return {};
  const { build, calls, estimatedCalls } = meter;
  return { cost: { build, instructions: meter.takeInstructions(), calls, estimatedCalls } };
}

function summaryText(
  terminal: Terminal,
  name: string,
  { heap, layout }: ReplayMachine,
  summary: ReplaySummary,
  meter: MeteredHeap | undefined,
): string {
  const bytes = layout.regions.reduce((sum, region) => sum + region.bytes, 0);
  // The heap's own counter is 0 until its first call has set it.
  const holes: number[] = [];
  heap.walk((kind, _address, size) => {
    if (kind === 'hole') holes.push(size);
  });
  const free = holes.reduce((sum, size) => sum + size, 0);
  const largest = holes.reduce((most, size) => Math.max(most, size), 0);
  const idle = `of which ${groupDigits(summary.idle)} on an id that held nothing`;
  const requested = `${formatBytes(summary.liveBytes)} requested (peak ${formatBytes(summary.peakLiveBytes)})`;
  const rows: Fact[] = [
    ['operations', `${groupDigits(summary.operations)}, ${idle}`],
    ['allocations', groupDigits(summary.allocations)],
    ['failures', groupDigits(summary.failures)],
    ['frees', groupDigits(summary.frees)],
    ['live', `${counted(summary.liveBlocks, 'block')}, ${requested}`],
    ['free', `${formatBytes(free)} in ${counted(holes.length, 'hole')}, the largest ${formatBytes(largest)}`],
  ];
  const stats = heap.stats?.();
  // Before the first call the heap has not set itself up, and says that nothing is free.
  if (stats !== undefined && summary.operations > 0) {
    rows.push(['heap stats', `${heapStatsText(stats)}${extensionText(stats, name)}`]);
  }
  const pageMemory = heap.pageMemory?.();
  if (pageMemory !== undefined) rows.push(['page memory', pageMemoryText(pageMemory)]);
  if (summary.lost > 0) rows.push(['lost', `${counted(summary.lost, 'block')} whose id was allocated again`]);
  if (meter !== undefined) rows.push(...costFacts(meter));
  const heading = `${name} with ${formatBytes(bytes)}, alignment ${layout.alignment}`;
  return `${heading}\n${facts(rows, terminal)}\n`;
}

function costFacts(meter: MeteredHeap): Fact[] {
  const { calls, estimatedCalls } = meter;
  const cost = `${counted(meter.takeInstructions(), 'instruction')} (${meter.build})`;
  if (estimatedCalls === 0) return [['cost', cost]];
  const priced = `${groupDigits(estimatedCalls)} of ${counted(calls, 'call')} priced by the nearest measured path`;
  return [
    ['cost', cost],
    ['', priced],
  ];
}
