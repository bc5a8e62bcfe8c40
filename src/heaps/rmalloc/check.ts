/** What must hold of rmalloc's arena between two calls. */

import type { Memory } from '../../mcu/memory.js';
import { Corruption } from '../heap.js';
import { type Blocks, listOf, NONE } from './blocks.js';

/** @throws Corruption */
export function checkBlocks(memory: Memory, blocks: Blocks): void {
  if (!blocks.isFormatted()) throw new Corruption("the heap's constants have been overwritten", blocks.root);
  if (blocks.top < blocks.base || blocks.top > blocks.bottom || blocks.bottom > blocks.tableEnd) {
    throw new Corruption('the gap lies between payloads and headers', blocks.top);
  }
  const holes = checkChain(blocks);
  const spares = checkSpares(memory, blocks);
  checkLists(blocks, holes.listed);
  const headers = blocks.maximumHeaders;
  if (holes.headers + spares !== headers) {
    const message = `of ${headers} headers ${holes.headers} are in the chain and ${spares} to spare`;
    throw new Corruption(message, blocks.bottom);
  }
  if (holes.bytes !== blocks.holeBytes) {
    const message = `the counter of bytes in holes is ${blocks.holeBytes}, they hold ${holes.bytes}`;
    throw new Corruption(message, blocks.root);
  }
}

/** The chain leads upwards, through headers of the table only, to the last. */
function checkChain(blocks: Blocks) {
  let headers = 0;
  let bytes = 0;
  let last = blocks.root;
  const listed = new Map<number, number>();
  const bookmarks = new Set([blocks.resume, blocks.old]);
  bookmarks.delete(last);
  let address = blocks.base;
  for (let block = blocks.nextOf(last); block !== NONE; block = blocks.nextOf(block)) {
    if (!blocks.isHandle(block)) throw new Corruption('the chain leads to what is no header', block);
    if (++headers > blocks.maximumHeaders) throw new Corruption('the chain runs in a circle', block);
    if (blocks.addressOf(block) < address || blocks.endOf(block) > blocks.top) {
      throw new Corruption('the chain must ascend by address', block);
    }
    address = blocks.addressOf(block);
    const size = blocks.endOf(block) - address;
    bookmarks.delete(block);
    if (!blocks.isUsed(block)) bytes += size;
    if (!blocks.isUsed(block) && blocks.isListed(block)) listed.set(block, size);
    else if (!blocks.isUsed(block) && !blocks.generations) {
      throw new Corruption('every hole is in a list', block);
    }
    last = block;
  }
  if (bookmarks.size > 0) throw new Corruption('compaction goes on behind a block of the chain', blocks.root);
  if (last !== blocks.last) throw new Corruption('the chain ends with the last block', last);
  return { listed, headers, bytes };
}

function checkSpares(memory: Memory, blocks: Blocks): number {
  let count = 0;
  for (let spare = blocks.spare; spare !== NONE; spare = blocks.nextOf(spare)) {
    if (!blocks.isHandle(spare) || memory.loadWord(spare) !== 0) {
      throw new Corruption('the spare headers lead to one that is none', spare);
    }
    if (++count > blocks.maximumHeaders) throw new Corruption('the spare headers run in a circle', spare);
  }
  return count;
}

/** Every hole marked as listed is in the list of its size, once, and nothing else is. */
function checkLists(blocks: Blocks, listed: Map<number, number>): void {
  let found = 0;
  for (let list = 0; list <= blocks.lastList; list++) {
    for (let hole = blocks.listHead(list); hole !== NONE; hole = blocks.nextInList(hole)) {
      const bytes = listed.get(hole);
      if (bytes === undefined || listOf(bytes) !== list) {
        throw new Corruption('a list of holes leads to what is no hole of its size', hole);
      }
      if (++found > listed.size) throw new Corruption('a list of holes runs in a circle', hole);
    }
  }
  if (found !== listed.size) {
    throw new Corruption(`${listed.size - found} of ${listed.size} holes are in no list`, blocks.root);
  }
}
