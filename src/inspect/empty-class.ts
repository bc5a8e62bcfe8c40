/** Which class of blocks had none left when a request failed, and which others had some. */

import { Corruption, type SizeClass } from '../heaps/heap.js';
import { Fault } from '../mcu/index.js';
import type { Request } from '../scenario/firmware.js';
import type { Board } from '../simulation/board.js';
import type { EmptyClass } from './result.js';

/** undefined where the heap has no classes, this request none of them, or its class something left. */
export function emptyClassOf(board: Board, request: Request, bytes: number): EmptyClass | undefined {
  const { heap, caches } = board;
  const cache = request.cache === undefined ? undefined : caches.get(request.cache);
  const id = cache === undefined ? heap.classFor?.(bytes) : cache.id;
  if (id === undefined) return undefined;
  const classes = classesOf(board);
  const own = classes.find((candidate) => candidate.id === id);
  if (own === undefined || own.freeBlocks > 0) return undefined;
  const names = new Map([...caches].map(([name, { id: known }]) => [known, name]));
  const named = (sizeClass: SizeClass) => {
    const name = names.get(sizeClass.id);
    return { ...(name !== undefined && { cache: name }), blockBytes: sizeClass.blockBytes };
  };
  return {
    ...named(own),
    refillBytes: own.refillBytes,
    others: classes
      .filter(({ freeBlocks }) => freeBlocks > 0)
      .map((other) => ({ ...named(other), freeBlocks: other.freeBlocks })),
  };
}

/** None where the heap is broken. */
function classesOf({ heap }: Board): readonly SizeClass[] {
  try {
    return heap.sizeClasses?.() ?? [];
  } catch (broken) {
    if (broken instanceof Corruption || broken instanceof Fault) return [];
    throw broken;
  }
}
