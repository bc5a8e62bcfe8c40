/** What mimalloc asserts at free in a debug build. */

import { Fault } from '../../mcu/fault.js';
import type { Memory } from '../../mcu/memory.js';
import type { HeapCall } from '../heap.js';
import { assertion } from '../words.js';
import { type Blocks, threadHead } from './blocks.js';
import {
  CAPACITY,
  FREE,
  KIND,
  LOCAL_FREE,
  NONE,
  SMALL,
  SPAN_FIRST,
  STATE,
  THREAD_FREE,
  UNUSED,
} from './layout.js';
import type { PageTable } from './page-table.js';

/** No block has this number: the debug build fills what malloc returns, so that it does not look like a free block. */
const NO_LINK = 0xffff;

export class Misuse {
  constructor(
    private readonly memory: Memory,
    private readonly pages: PageTable,
    private readonly blocks: Blocks,
    private readonly call: HeapCall,
  ) {}

  /** Of the debug build's fill only the bytes that the search for double frees looks at. */
  mark(address: number): void {
    this.memory.storeHalf(address, NO_LINK);
  }

  /** @throws Fault unless a live block begins there, as far as that can be told */
  assertLive(address: number): void {
    const { memory, pages } = this;
    const page = pages.pageAt(address);
    if (page > pages.plan.pages) throw failed(address, 'the pointer is outside all pages');
    const entry = pages.entry(page);
    const kind = memory.loadByte(entry + STATE) & KIND;
    if (kind === SMALL) return this.assertBlock(page, entry, address);
    if (kind === SPAN_FIRST && address === pages.addressOf(page)) return;
    const isUnused = kind === UNUSED && pages.isFree(page);
    const where = isUnused ? 'in a page that is not in use' : 'inside a large block';
    throw failed(address, `the pointer is ${where}`);
  }

  private assertBlock(page: number, entry: number, address: number): void {
    const { memory, blocks } = this;
    const block = blocks.numberOf(page, entry, address);
    if (block > memory.loadHalf(entry + CAPACITY) || blocks.addressOf(page, entry, block) !== address) {
      throw failed(address, 'no block begins there');
    }
    // As the original does: only what looks like a link is looked for.
    if (memory.loadHalf(address) > memory.loadHalf(entry + CAPACITY)) return;
    for (const first of [
      memory.loadHalf(entry + FREE),
      memory.loadHalf(entry + LOCAL_FREE),
      threadHead(memory.loadWord(entry + THREAD_FREE)),
    ]) {
      if (this.lists(page, entry, first, block)) throw failed(address, 'the block is free already');
    }
  }

  /** Whether a list of the page's blocks contains one. @throws Fault where it runs in a circle */
  private lists(page: number, entry: number, first: number, block: number): boolean {
    const { memory, blocks, call } = this;
    let left = memory.loadHalf(entry + CAPACITY);
    for (let at = first; at !== NONE; at = memory.loadHalf(blocks.addressOf(page, entry, at))) {
      if (at === block) return true;
      call.searchSteps++;
      if (left-- === 0) {
        const reason = "a page's list of free blocks runs in a circle: the device would hang here";
        throw new Fault('endless-loop', blocks.addressOf(page, entry, at), reason);
      }
    }
    return false;
  }
}

function failed(address: number, statement: string): Fault {
  return assertion(address, `free: ${statement}`, 'mi_assert');
}
