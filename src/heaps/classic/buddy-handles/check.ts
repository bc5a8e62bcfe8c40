/** What must hold between two calls of handles, their pages, and the marks in the table. */

import type { Memory } from '../../../mcu/memory.js';
import { Corruption, NULL } from '../../heap.js';
import { USED } from '../buddy-blocks.js';
import type { HandlePages } from './handle-pages.js';
import { FIXED, type MovableBlocks } from './movable-blocks.js';

/** @throws Corruption */
export function checkHandles(memory: Memory, blocks: MovableBlocks, handles: HandlePages): void {
  blocks.check();
  const unnamed = new Set<number>();
  const pages = new Set<number>();
  blocks.visit((index, order, marks) => {
    if ((marks & USED) !== 0) unnamed.add(index);
    else if (marks === FIXED && order === handles.order) pages.add(blocks.addressOf(index));
    else if (marks !== 0) throw new Corruption('a hole has no marks', blocks.addressOf(index));
  });
  const spares = checkPages(memory, blocks, handles, pages, unnamed);
  if (unnamed.size > 0) {
    const [index] = unnamed;
    throw new Corruption('a block in use has a handle', blocks.addressOf(index!));
  }
  checkSpares(memory, handles, spares);
}

/** Every page of the table is in the chain, once; every live entry names a block of its own. Returns the others. */
function checkPages(
  memory: Memory,
  blocks: MovableBlocks,
  handles: HandlePages,
  pages: Set<number>,
  unnamed: Set<number>,
): Set<number> {
  const spares = new Set<number>();
  for (let page = handles.firstPage; page !== NULL; page = memory.loadWord(page)) {
    if (!pages.delete(page)) throw new Corruption('the chain of pages leads to what is none', page);
    for (let entry = page + 4; entry < handles.endOf(page); entry += 4) {
      if (!handles.isUsed(entry)) {
        spares.add(entry);
        continue;
      }
      const index = handles.indexOf(entry);
      if (!unnamed.delete(index)) throw new Corruption('a handle names a block of its own', entry);
      if (blocks.has(index, FIXED) !== handles.locksOf(entry) > 0) {
        throw new Corruption('the table and the handle agree whether a block is locked', entry);
      }
    }
  }
  for (const page of pages) throw new Corruption('a page of handles is not in the chain', page);
  return spares;
}

function checkSpares(memory: Memory, handles: HandlePages, spares: Set<number>): void {
  for (let spare = handles.firstSpare; spare !== NULL; spare = memory.loadWord(spare)) {
    if (!spares.delete(spare)) throw new Corruption('the spare handles lead to what is none', spare);
  }
  for (const spare of spares) throw new Corruption('a handle is neither in use nor to be had', spare);
}
