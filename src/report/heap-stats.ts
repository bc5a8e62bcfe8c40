/**
 * What the heap says of itself: `vPortGetHeapStats` in the words of its fields (or what it would say, where the real
 * heap does not have it), and the memory of its pages.
 */

import type { HeapStats, PageMemory } from '../heaps/heap.js';
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

/** What of its pages' memory is in use, and what a device could do without. */
export function pageMemoryText(memory: PageMemory): string {
  const amount = (count: number) => glue(bytes(count));
  const { committedBytes, pendingBytes, resetBytes, mostResetBytes } = memory;
  return (
    `${amount(committedBytes)} are committed, ${amount(pendingBytes)} wait for their reset, ` +
    `${amount(resetBytes)} have been reset and could be without power (${amount(mostResetBytes)} at most)`
  );
}
