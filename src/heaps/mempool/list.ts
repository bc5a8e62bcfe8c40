/** Rings of nodes in RAM, as Linux has them: a node is the two words next and previous, and so is the ring's head. */

import type { Memory } from '../../mcu/memory.js';
import { Corruption } from '../heap.js';
import { endlessList } from '../words.js';

const NEXT = 0;
const PREVIOUS = 4;
export const NODE_BYTES = 8;

export function makeEmpty(memory: Memory, head: number): void {
  memory.storeWord(head + NEXT, head);
  memory.storeWord(head + PREVIOUS, head);
}

/** Puts a node first. */
export function addFirst(memory: Memory, head: number, node: number): void {
  const first = memory.loadWord(head + NEXT);
  memory.storeWord(node + NEXT, first);
  memory.storeWord(node + PREVIOUS, head);
  memory.storeWord(first + PREVIOUS, node);
  memory.storeWord(head + NEXT, node);
}

export function remove(memory: Memory, node: number): void {
  const next = memory.loadWord(node + NEXT);
  const previous = memory.loadWord(node + PREVIOUS);
  memory.storeWord(previous + NEXT, next);
  memory.storeWord(next + PREVIOUS, previous);
}

/** The node behind one, or behind the head: the head again at the end. */
export function nextOf(memory: Memory, node: number): number {
  return memory.loadWord(node + NEXT);
}

/** The nodes of a ring of at most `limit`, first to last; each may be removed while it is visited. */
export function* nodesOf(memory: Memory, head: number, limit: number): Generator<number> {
  let node = memory.loadWord(head + NEXT);
  for (let count = 0; node !== head; count++) {
    if (count >= limit) throw endlessList(node);
    const next = memory.loadWord(node + NEXT);
    yield node;
    node = next;
  }
}

/** @throws Corruption unless every node leads back to where the walk came from, and there are at most `limit` */
export function checkRing(memory: Memory, head: number, limit: number): void {
  let previous = head;
  for (let count = 0; ; count++) {
    const node = memory.loadWord(previous + NEXT);
    if (memory.loadWord(node + PREVIOUS) !== previous) {
      throw new Corruption('a list of pages does not lead back as it leads forth', node + PREVIOUS);
    }
    if (node === head) return;
    if (count >= limit) throw new Corruption('a list has more pages than there are', node);
    previous = node;
  }
}
