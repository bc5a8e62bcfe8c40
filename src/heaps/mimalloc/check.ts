/** What must hold between any two calls of mimalloc's heap. */

import type { Memory } from '../../mcu/memory.js';
import { Corruption } from '../heap.js';
import { type Blocks, threadCount, threadHead } from './blocks.js';
import {
  BIN,
  CAPACITY,
  FLAGS,
  FREE,
  FREEING,
  FULL_PAGES,
  IN_FULL,
  KIND,
  LAST,
  LOCAL_FREE,
  NEXT,
  NONE,
  OWNER,
  type Plan,
  PREVIOUS,
  RESERVED,
  RESET_DONE,
  RESET_PENDING,
  RETIRED_FROM,
  RETIRED_TO,
  SLOT,
  SMALL,
  SPAN,
  SPAN_FIRST,
  STATE,
  THREAD_FREE,
  UNUSED,
  USE_DELAYED,
  USED,
} from './layout.js';
import type { PageLists } from './page-lists.js';
import type { PageTable } from './page-table.js';
import type { TaskHeaps } from './task-heaps.js';
import type { MimallocView } from './view.js';

/** The parts of the heap. */
export interface Checked {
  readonly memory: Memory;
  readonly pages: PageTable;
  readonly blocks: Blocks;
  readonly lists: PageLists;
  readonly heaps: TaskHeaps;
  readonly view: MimallocView;
}

/** `counted`: free bytes and reset pages as they were counted along. @throws Corruption */
export function checkMimalloc(heap: Checked, counted: Pick<PageTable, 'freeBytes' | 'resetPages'>): void {
  checkHeaps(heap);
  const delayed = heap.view.delayedBlocks();
  const { plan } = heap.pages;
  for (let page = 1; page <= plan.pages; ) page += checkPage(heap, page, delayed);
  checkLists(heap);
  checkResetQueue(heap);
  const { view } = heap;
  expectCount('free bytes', counted.freeBytes, view.freeBytes(), plan);
  expectCount('reset pages', counted.resetPages, view.unusedPages(RESET_DONE), plan);
}

function expectCount(what: string, counted: number, found: number, { table }: Plan): void {
  if (counted === found) return;
  throw new Corruption(`${counted} ${what} were counted, the page table has ${found}`, table);
}

function checkHeaps({ memory, heaps }: Checked): void {
  heaps.visit((heap, slot) => {
    if (memory.loadHalf(heap + SLOT) !== slot)
      throw new Corruption("a heap's slot is another's", heap + SLOT);
  });
}

/** Returns for how many pages it stands. */
function checkPage(heap: Checked, page: number, delayed: ReadonlySet<number>): number {
  const { memory, pages, heaps } = heap;
  const { plan } = pages;
  const entry = pages.entry(page);
  const kind = memory.loadByte(entry + STATE) & KIND;
  if (pages.isFree(page) !== (kind === UNUSED)) throw differs(entry);
  if (kind === UNUSED) checkUnused(heap, entry);
  if (kind === SPAN_FIRST) return checkSpan(heap, page, entry);
  if (kind !== SMALL) return 1;
  const owner = memory.loadHalf(entry + OWNER);
  if (owner >= plan.slots || heaps.inSlot(owner) === NONE) {
    throw new Corruption("a page's owner has no heap", entry + OWNER);
  }
  checkSmall(heap, page, entry, delayed);
  return 1;
}

function differs(entry: number): Corruption {
  return new Corruption('the bitmap of unused pages differs from the page table', entry + STATE);
}

function checkUnused({ memory }: Checked, entry: number): void {
  for (const field of [FREE, LOCAL_FREE, USED, CAPACITY, RESERVED]) {
    if (memory.loadHalf(entry + field) !== 0) {
      throw new Corruption('an unused page has blocks', entry + field);
    }
  }
}

/** Pages behind the first are taken, and nobody else's. */
function checkSpan(heap: Checked, page: number, first: number): number {
  const { memory, pages } = heap;
  const count = memory.loadHalf(first + SPAN);
  if (count === 0 || page + count - 1 > pages.plan.pages) {
    throw new Corruption('a span has more pages than there are', first + SPAN);
  }
  for (let later = page + 1; later < page + count; later++) {
    const entry = pages.entry(later);
    if (pages.isFree(later)) throw differs(entry);
    if (memory.loadByte(entry + STATE) !== UNUSED) throw new Corruption('a page is in a span, too', entry);
    checkUnused(heap, entry);
  }
  return count;
}

/** Counts add up, lists stay inside the page, and no block is in two of them. */
function checkSmall(heap: Checked, page: number, entry: number, delayed: ReadonlySet<number>): void {
  const { memory, pages, blocks, view } = heap;
  const { plan } = pages;
  const bin = memory.loadByte(entry + BIN);
  if (bin < 1 || bin > plan.bins) throw new Corruption('the class of a page is none', entry + BIN);
  const reserved = memory.loadHalf(entry + RESERVED);
  const capacity = memory.loadHalf(entry + CAPACITY);
  const used = memory.loadHalf(entry + USED);
  if (reserved !== Math.floor(plan.pageBytes / blocks.bytesIn(entry))) {
    throw new Corruption('a page has room for another number of blocks', entry + RESERVED);
  }
  if (capacity > reserved) throw new Corruption('a page has more blocks than room', entry + CAPACITY);
  const found = new Set<number>();
  const thread = memory.loadWord(entry + THREAD_FREE);
  const own = [FREE, LOCAL_FREE].reduce(
    (sum, field) => sum + view.follow(page, entry, memory.loadHalf(entry + field), found),
    0,
  );
  if (view.follow(page, entry, threadHead(thread), found) !== threadCount(thread)) {
    throw new Corruption('threadFree counts other blocks than it has', entry + THREAD_FREE);
  }
  if (own + used !== capacity) {
    throw new Corruption('blocks in use and free blocks are not all that a page has', entry + USED);
  }
  checkDelayed(heap, page, entry, found, delayed);
}

/** What has not come back is in use, each block of it once; and its heap has been told what it must hear of. */
function checkDelayed(
  { memory, pages, blocks }: Checked,
  page: number,
  entry: number,
  free: ReadonlySet<number>,
  delayed: ReadonlySet<number>,
): void {
  let told = 0;
  for (const address of delayed) {
    if (pages.pageAt(address) !== page) continue;
    const block = blocks.numberOf(page, entry, address);
    if (blocks.addressOf(page, entry, block) !== address || free.has(block)) {
      throw new Corruption('delayedFree has what is no block in use', address);
    }
    told++;
  }
  const word = memory.loadWord(entry + THREAD_FREE);
  const away = threadCount(word);
  const used = memory.loadHalf(entry + USED);
  if (away + told > used) {
    throw new Corruption('more blocks were freed elsewhere than are in use', entry + USED);
  }
  const flags = word & FLAGS;
  const isFull = (memory.loadByte(entry + STATE) & IN_FULL) !== 0;
  if (flags >= FREEING) throw new Corruption('a free that was begun has not ended', entry + THREAD_FREE);
  if (flags === USE_DELAYED && !isFull) {
    throw new Corruption('a page that is not full wants its heap to be told', entry + THREAD_FREE);
  }
  const isEmptied = away > 0 && away === used;
  if (isEmptied ? !pages.wasEmptied(page) : isFull && told === 0 && (flags !== USE_DELAYED || away > 0)) {
    throw new Corruption(
      'a block was freed elsewhere, and its heap will not hear of it',
      entry + THREAD_FREE,
    );
  }
}

/** Every small page is in the one list of its owner's heap where it belongs, and lists lead back as they lead forth. */
function checkLists(heap: Checked): void {
  const { memory, pages, heaps, lists } = heap;
  const listed = new Set<number>();
  heaps.visit((owner, slot) => {
    const isOf = (entry: number, bin: number, isFull: boolean) =>
      pages.kindOf(entry) === SMALL &&
      memory.loadHalf(entry + OWNER) === slot &&
      lists.isFull(entry) === isFull &&
      (isFull || memory.loadByte(entry + BIN) === bin);
    followPages(heap, owner + FULL_PAGES, listed, (entry) => isOf(entry, 0, true));
    for (let bin = 1; bin <= pages.plan.bins; bin++) {
      const queue = lists.queue(owner, bin);
      const last = followPages(heap, queue, listed, (entry) => isOf(entry, bin, false));
      if (memory.loadHalf(queue + LAST) !== last) {
        throw new Corruption("a queue's end is not where it says", queue + LAST);
      }
      checkEmpty(heap, owner, bin);
    }
  });
  for (let page = 1; page <= pages.plan.pages; page++) {
    const entry = pages.entry(page);
    if (pages.kindOf(entry) === SMALL && !listed.has(page)) {
      throw new Corruption('a page is in no list', entry + NEXT);
    }
  }
}

/** A page that is kept empty is the first of its class, where it will be found. */
function checkEmpty({ memory, pages, lists, heaps }: Checked, owner: number, bin: number): void {
  const first = memory.loadHalf(lists.queue(owner, bin));
  const isInRange =
    bin >= memory.loadByte(owner + RETIRED_FROM) && bin <= memory.loadByte(owner + RETIRED_TO);
  for (let page = first; page !== NONE; ) {
    const entry = pages.entry(page);
    const isFound = page === first && memory.loadHalf(entry + SPAN) > 0 && (isInRange || heaps.isDead(owner));
    if (memory.loadHalf(entry + USED) === 0 && !isFound) {
      throw new Corruption('a page is kept empty where nobody looks for it', entry + USED);
    }
    page = memory.loadHalf(entry + NEXT);
  }
}

/** Returns the last page of a list. */
function followPages(
  { memory, pages }: Checked,
  head: number,
  listed: Set<number>,
  belongs: (entry: number) => boolean,
): number {
  let before = NONE;
  for (let page = memory.loadHalf(head); page !== NONE; page = memory.loadHalf(pages.entry(page) + NEXT)) {
    if (page > pages.plan.pages) throw new Corruption('a list of pages leads out of the table', head);
    const entry = pages.entry(page);
    if (listed.has(page)) throw new Corruption('a page is in lists twice', entry + NEXT);
    if (!belongs(entry)) throw new Corruption('a page is in the wrong list', entry + NEXT);
    if (memory.loadHalf(entry + PREVIOUS) !== before) {
      throw new Corruption('a list of pages does not lead back as it leads forth', entry + PREVIOUS);
    }
    listed.add(page);
    before = page;
  }
  return before;
}

function checkResetQueue(heap: Checked): void {
  const { memory, pages } = heap;
  const waiting = new Set<number>();
  const isWaiting = (entry: number) => memory.loadByte(entry + STATE) === (UNUSED | RESET_PENDING);
  const last = followPages(heap, pages.plan.resetQueue, waiting, isWaiting);
  if (memory.loadHalf(pages.plan.resetQueue + 2) !== last) {
    throw new Corruption('the end of what waits for its reset is elsewhere', pages.plan.resetQueue);
  }
  for (let page = 1; page <= pages.plan.pages; page++) {
    const entry = pages.entry(page);
    if (isWaiting(entry) && !waiting.has(page)) throw new Corruption('a page is in no list', entry + NEXT);
  }
}
