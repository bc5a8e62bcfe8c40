/** What the command line may change about a target: `--ram`, `--heap-size`, `--reserve`, `--alignment`. */

import { type Problem, UserError } from '../input/index.js';
import { type TargetFault, targetFaults } from './faults.js';
import type { Target } from './target.js';

export interface TargetOverrides {
  /** Size of the first region. */
  readonly ramBytes?: number;
  /** Of the heap in its first region. */
  readonly heapBytes?: number;
  /** Static data. */
  readonly reserveBytes?: number;
  readonly alignment?: number;
}

const ALIGNMENTS: readonly number[] = [4, 8, 16, 32];

/** The target with some numbers changed. @throws UserError with code `bad-option` where they do not fit */
export function withOverrides(target: Target, overrides: TargetOverrides): Target {
  const { ramBytes, heapBytes = target.heapBytes, reserveBytes, alignment = target.alignment } = overrides;
  if (!ALIGNMENTS.includes(alignment)) {
    const message = `the alignment cannot be ${alignment}`;
    throw new UserError([{ code: 'bad-option', message, expected: '4, 8, 16 or 32' }]);
  }
  const [first, ...others] = target.regions;
  const changed: Target = {
    ...target,
    alignment,
    regions: [{ ...first!, bytes: ramBytes ?? first!.bytes }, ...others],
    staticDataBytes: reserveBytes ?? target.staticDataBytes,
    ...(heapBytes !== undefined && { heapBytes }),
  };
  const faults = targetFaults(changed);
  if (faults.length === 0) return changed;
  throw new UserError(problemsOf(faults, overrides));
}

/** One for each flag: of several the last, because a region is too small before its size is odd. */
function problemsOf(faults: readonly TargetFault[], overrides: TargetOverrides): Problem[] {
  const byFlag = new Map<string, Problem>();
  for (const { message, expected, places } of faults) {
    const flag = flagOf(places, overrides);
    const named = flag === undefined ? message : `${flag}: ${message}`;
    byFlag.set(flag ?? message, {
      code: 'bad-option',
      message: named,
      ...(expected !== undefined && { expected }),
    });
  }
  return [...byFlag.values()];
}

/** The flag that changed what a profile would have to be blamed for. */
function flagOf(places: TargetFault['places'], overrides: TargetOverrides): string | undefined {
  const flags: Readonly<Record<string, string | false>> = {
    'regions/0/size': overrides.ramBytes !== undefined && '--ram',
    'static data': overrides.reserveBytes !== undefined && '--reserve',
    'heap size': overrides.heapBytes !== undefined && '--heap-size',
  };
  return places.flatMap((place) => flags[place.join('/')] || [])[0];
}

/**
 * The same chip with a heap of exactly `heapBytes` in one piece, and RAM for it, whatever the chip has. For
 * studies that ask how much would do. `staticBytes`: the heap's own variables.
 */
export function withHeapOf(target: Target, heapBytes: number, staticBytes: number): Target {
  const [first] = target.regions;
  const { staticDataBytes, mainStackBytes, alignment } = target;
  // What aligning the heap's variables and the heap may lose comes on top.
  const around = staticDataBytes + 8 + staticBytes + alignment + mainStackBytes;
  const bytes = Math.ceil((around + heapBytes) / 4) * 4;
  return { ...target, regions: [{ ...first!, bytes, heap: true }], heapBytes };
}
