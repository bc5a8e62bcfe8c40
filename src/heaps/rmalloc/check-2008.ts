/** What must hold of the first generation's arena between two calls. */

import { Corruption } from '../heap.js';
import { bucketOf, NONE, type Nodes } from './nodes-2008.js';

/** @throws Corruption */
export function checkNodes(nodes: Nodes): void {
  if (!nodes.isFormatted()) throw new Corruption("the heap's constants have been overwritten", nodes.root);
  const apart = new Set<number>();
  const bucketed = new Map<number, number>();
  let bytes = 0;
  let count = 0;
  let last = nodes.root;
  for (let node = nodes.nextOf(last); node !== NONE; node = nodes.nextOf(node)) {
    if (++count > nodes.maximumNodes) throw new Corruption('the chain runs in a circle', node);
    if (nodes.previousOf(node) !== last) throw new Corruption('previous and next must agree', node);
    if (nodes.startOf(node) < nodes.endOf(last) || nodes.endOf(node) > nodes.top) {
      throw new Corruption('the chain must ascend by address', node);
    }
    if (!nodes.isUsed(node) && !nodes.isFree(node)) throw new Corruption('a block is used or free', node);
    if (!nodes.isWhole(node)) apart.add(node);
    if (nodes.isFree(node)) {
      bytes += nodes.endOf(node) - node;
      if (nodes.isBucketed(node)) bucketed.set(node, bucketOf(nodes.sizeOf(node)));
    }
    last = node;
  }
  if (last !== nodes.last) throw new Corruption('the chain ends with the last block', last);
  if (bytes !== nodes.holeBytes) {
    const message = `the counter of bytes in holes is ${nodes.holeBytes}, they hold ${bytes}`;
    throw new Corruption(message, nodes.root);
  }
  checkHeadersAlone(nodes, apart);
  checkBuckets(nodes, bucketed);
}

/** Between the blocks lie whole headers, dead or of payloads elsewhere, and all of those. */
function checkHeadersAlone(nodes: Nodes, apart: ReadonlySet<number>): void {
  let found = 0;
  let node = nodes.root;
  let next: number;
  // The root may lie at address 0, which as a link means the end.
  do {
    next = nodes.nextOf(node);
    const end = next === NONE ? nodes.top : nodes.startOf(next);
    let header = nodes.endOf(node);
    for (; header < end; header += nodes.headerBytes) {
      if (apart.has(header)) found++;
      else if (!nodes.isDead(header)) throw new Corruption('bytes between two blocks are a header', header);
    }
    if (header !== end) throw new Corruption('between two blocks are whole headers', header);
    node = next;
  } while (next !== NONE);
  if (found !== apart.size) {
    throw new Corruption(`${apart.size - found} headers of moved payloads are gone`, nodes.root);
  }
}

function checkBuckets(nodes: Nodes, bucketed: ReadonlyMap<number, number>): void {
  let found = 0;
  for (let bucket = 0; bucket <= nodes.lastBucket; bucket++) {
    for (let node = nodes.bucketHead(bucket); node !== NONE; node = nodes.nextInBucket(node)) {
      if (bucketed.get(node) !== bucket) {
        throw new Corruption('a bucket leads to what is no free block of its size', node);
      }
      if (++found > bucketed.size) throw new Corruption('a bucket runs in a circle', node);
    }
  }
  if (found !== bucketed.size) {
    throw new Corruption(`${bucketed.size - found} free blocks are in no bucket`, nodes.root);
  }
}
