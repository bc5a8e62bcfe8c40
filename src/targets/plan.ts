/**
 * Who gets which part of a target's RAM. The first region, from its origin up:
 *
 *     | static data | the heap's own variables | heap ... | main stack |
 *
 * Where the first region is not for the heap, the heap begins with the first region that is, and has it whole.
 */

import { formatBytes, UserError } from '../input/index.js';
import type { Region } from '../mcu/memory.js';
import type { Target, TargetRegion } from './target.js';

export interface MemoryPlan {
  /** All RAM of the chip, in the profile's order. */
  readonly memory: readonly Region[];
  /** Address of the heap's own variables, a multiple of 8. */
  readonly statics: number;
  /** What the heap may hand out, ascending; multiples of the alignment, except for a heap size as given. */
  readonly heapRegions: readonly Region[];
}

/** No heap does anything sensible with less. */
const MINIMUM_HEAP_BYTES = 64;
/** Of regions beside the first: a header. heap_5 would write the marker of a smaller one in front of it. */
const MINIMUM_REGION_BYTES = 8;
const STATICS_ALIGNMENT = 8;

/**
 * Lays out `target` for a heap whose own variables take `staticBytes` and which needs `minimumBytes`.
 *
 * @throws UserError with code `contradiction` when less than that, or than 64 bytes, are left for the heap
 */
export function memoryPlan(
  target: Target,
  staticBytes: number,
  maximumRegions: 'one' | 'several',
  minimumBytes = 0,
): MemoryPlan {
  const statics = alignUp(target.regions[0]!.origin + target.staticDataBytes, STATICS_ALIGNMENT);
  const [first, ...further] = target.regions
    .filter((region) => region.heap)
    .map((region) => usable(target, region, statics + staticBytes));
  if (first === undefined) throw new RangeError(`${target.id} has no region for a heap`);
  const main = firstHeapRegion(target, first, staticBytes, Math.max(minimumBytes, MINIMUM_HEAP_BYTES));
  const others =
    maximumRegions === 'several' ? further.filter((region) => region.bytes >= MINIMUM_REGION_BYTES) : [];
  return {
    memory: target.regions.map(({ name, origin, bytes }) => ({ name, origin, bytes })),
    statics,
    heapRegions: [main, ...others].toSorted((a, b) => a.origin - b.origin),
  };
}

/** The part of a region that is nobody else's, cut to the alignment. `staticsEnd`: in the first region. */
function usable(target: Target, region: TargetRegion, staticsEnd: number): Region {
  const isFirst = region === target.regions[0];
  const end = region.origin + region.bytes - (isFirst ? target.mainStackBytes : 0);
  const origin = alignUp(isFirst ? staticsEnd : region.origin, target.alignment);
  const bytes = Math.max(0, end - origin);
  return { name: region.name, origin, bytes: bytes - (bytes % target.alignment) };
}

function firstHeapRegion(target: Target, room: Region, staticBytes: number, least: number): Region {
  const bytes = target.heapBytes ?? room.bytes;
  if (bytes >= least && bytes <= room.bytes) return { ...room, bytes };
  const wanted = Math.max(bytes, least);
  const message =
    room.bytes < wanted
      ? `${target.name} has no room for a heap of ${formatBytes(wanted)}: ${roomWords(target, room, staticBytes)}`
      : `a heap of ${formatBytes(bytes)} on ${target.name} is too small to be of use`;
  const expected = `at least ${formatBytes(least)} for the heap`;
  throw new UserError([{ code: 'contradiction', message, expected }]);
}

function roomWords(target: Target, room: Region, staticBytes: number): string {
  const region = target.regions.find((candidate) => candidate.heap)!;
  const left = `of the ${formatBytes(region.bytes)} in ${region.name}, ${formatBytes(room.bytes)} are left`;
  if (region !== target.regions[0]) return left;
  const [data, variables, stack] = [target.staticDataBytes, staticBytes, target.mainStackBytes].map(
    formatBytes,
  );
  return `${left} beside static data (${data}), the heap's variables (${variables}) and the main stack (${stack})`;
}

function alignUp(address: number, alignment: number): number {
  return Math.ceil(address / alignment) * alignment;
}
