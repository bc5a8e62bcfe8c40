/** What a profile's numbers say that cannot be: found after loading, and again after overrides. */

import type { Path } from '../input/files.js';
import { formatBytes } from '../input/index.js';
import { MAXIMUM_RAM_BYTES, type Target, type TargetRegion } from './target.js';

export interface TargetFault {
  readonly message: string;
  readonly expected?: string;
  /** The places in a profile that are to blame, the likeliest first. */
  readonly places: readonly Path[];
}

const ADDRESSES = 2 ** 32;

/** All contradictions of a target, in the order of the file's keys. */
export function targetFaults(target: Target): TargetFault[] {
  return [...clockFaults(target), ...regionFaults(target.regions), ...spaceFaults(target)];
}

function clockFaults({ clockHertz, tickHertz }: Target): TargetFault[] {
  if (tickHertz <= clockHertz) return [];
  return [
    {
      message: `the tick of ${tickHertz} Hz is faster than the clock of ${clockHertz} Hz`,
      places: [['tick'], ['clock']],
    },
  ];
}

function regionFaults(regions: readonly TargetRegion[]): TargetFault[] {
  const faults = regions.flatMap((region, index) => [
    ...sizeFaults(region, ['regions', index]),
    ...regions.slice(0, index).flatMap((other) => {
      if (!overlap(region, other)) return [];
      return [
        { message: `region ${region.name} overlaps region ${other.name}`, places: [['regions', index]] },
      ];
    }),
  ]);
  if (!regions.some((region) => region.heap)) {
    faults.push({ message: 'no region may be used by the heap', places: [['regions']] });
  }
  return [...faults, ...amountFaults(regions)];
}

function amountFaults(regions: readonly TargetRegion[]): TargetFault[] {
  const bytes = regions.reduce((sum, region) => sum + region.bytes, 0);
  if (bytes <= MAXIMUM_RAM_BYTES) return [];
  const largest = regions.reduce((found, region, index) => {
    return region.bytes > regions[found]!.bytes ? index : found;
  }, 0);
  return [
    {
      message: `${formatBytes(bytes)} of RAM are more than can be simulated`,
      expected: `at most ${formatBytes(MAXIMUM_RAM_BYTES)} in all regions together`,
      places: [['regions', largest, 'size'], ['regions']],
    },
  ];
}

function sizeFaults({ name, origin, bytes }: TargetRegion, path: Path): TargetFault[] {
  const faults: TargetFault[] = [];
  const expected = 'a multiple of 4';
  if (origin % 4 !== 0) {
    faults.push({
      message: `region ${name} begins at ${address(origin)}`,
      expected,
      places: [[...path, 'origin']],
    });
  }
  if (bytes % 4 !== 0 || bytes === 0) {
    const message = `region ${name} has ${formatBytes(bytes)}`;
    faults.push({ message, expected: `${expected}, above 0`, places: [[...path, 'size']] });
  }
  if (origin + bytes > ADDRESSES) {
    faults.push({
      message: `region ${name} reaches beyond the last 32-bit address`,
      places: [[...path, 'size']],
    });
  }
  return faults;
}

function overlap(a: TargetRegion, b: TargetRegion): boolean {
  return a.origin < b.origin + b.bytes && b.origin < a.origin + a.bytes;
}

function spaceFaults({ regions, staticDataBytes, mainStackBytes, heapBytes }: Target): TargetFault[] {
  const first = regions[0]!;
  const reserved = staticDataBytes + mainStackBytes;
  const sum = `static data of ${formatBytes(staticDataBytes)} and a main stack of ${formatBytes(mainStackBytes)}`;
  if (reserved > first.bytes) {
    const message = `${sum} do not fit into region ${first.name} of ${formatBytes(first.bytes)}`;
    const expected = `a region of at least ${formatBytes(reserved)}, or less of both`;
    return [{ message, expected, places: [['static data'], ['main stack'], ['regions', 0, 'size']] }];
  }
  const heapRegion = regions.find((region) => region.heap);
  if (heapBytes === undefined || heapRegion === undefined) return [];
  const room = heapRegion === first ? first.bytes - reserved : heapRegion.bytes;
  if (heapBytes <= room) return [];
  const beside = heapRegion === first ? ` beside ${sum}` : '';
  return [
    {
      message:
        `a heap of ${formatBytes(heapBytes)} does not fit into region ${heapRegion.name} ` +
        `of ${formatBytes(heapRegion.bytes)}${beside}`,
      expected: `at most ${formatBytes(room)}`,
      places: [['heap size'], ['static data'], ['main stack'], ['regions']],
    },
  ];
}

function address(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
