/** What `vPortGetHeapStats` says, in the words of its fields; or would say, where the real heap does not have it. */

import type { HeapStats } from '../heaps/heap.js';
import { groupDigits } from '../input/index.js';
import { bytes, counted } from './phrases.js';
import { glue } from './text.js';

/** For who knows the real heap: that it has no such call. `heap`: its name. */
export function extensionText({ extension }: HeapStats, heap: string): string {
  return extension === true ? ` (an extension: the real ${heap} has no vPortGetHeapStats)` : '';
}

/** `unit` keeps together what should stand on one line. */
export function heapStatsText(stats: HeapStats, unit: (text: string) => string = glue): string {
  const { freeBytes, holes, largestHoleBytes, smallestHoleBytes, minimumEverFreeBytes } = stats;
  const amount = (count: number) => unit(bytes(count));
  const sizes = `largest ${amount(largestHoleBytes)}, smallest ${amount(smallestHoleBytes)}`;
  const blocks = holes === 0 ? 'no free block' : `${unit(counted(holes, 'free block'))} (${sizes})`;
  const mallocs = unit(
    `${groupDigits(stats.allocations)} successful ${stats.allocations === 1 ? 'malloc' : 'mallocs'}`,
  );
  const calls = `${mallocs}, ${unit(counted(stats.frees, 'free'))}`;
  return `${amount(freeBytes)} available in ${blocks}; ${amount(minimumEverFreeBytes)} minimum ever; ${calls}`;
}
