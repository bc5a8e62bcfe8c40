/** mimalloc's heap itself; what it is good for stands in mimalloc.ts, what it has where in layout.ts. */

import type { Memory } from '../../mcu/memory.js';
import {
  AN_INTERRUPT,
  type Deferral,
  type Heap,
  HeapCall,
  type IdleWork,
  NULL,
  NULL_CALL,
  type PageMemory,
  type PieceVisitor,
  type SizeClass,
  type Surroundings,
} from '../heap.js';
import { assertion } from '../words.js';
import { Blocks } from './blocks.js';
import { checkMimalloc } from './check.js';
import { Collection } from './collection.js';
import {
  ALL,
  heapBytes,
  NEXT,
  NONE,
  OWNER,
  type Plan,
  RESET_DONE,
  RESET_PENDING,
  SMALL,
  SPAN_FIRST,
  SPAN as SPAN_PAGES,
  UNUSED,
} from './layout.js';
import { Misuse } from './misuse.js';
import type { MimallocOptions } from './options.js';
import { PageLists } from './page-lists.js';
import { PageTable } from './page-table.js';
import {
  EMPTIED,
  FREED_SPAN,
  FRESH,
  FULL,
  GENERIC,
  LARGER,
  NEW_HEAP,
  RETRY,
  SHARED,
  SPAN,
  UNFULL,
} from './paths.js';
import { RemoteFrees } from './remote-frees.js';
import { binOf, spanPages, unitsFor } from './sizes.js';
import { TaskHeaps } from './task-heaps.js';
import { TaskPages } from './task-pages.js';
import { MimallocView } from './view.js';

/** The class of what spans pages. */
const LARGE = 0;

export class MimallocHeap implements Heap {
  readonly lastCall = new HeapCall();
  readonly interruptsMayFree = true;
  readonly deferral: Deferral = { client: undefined };
  readonly idleWork: IdleWork = { due: () => this.collection.isDue(), run: () => this.workIdly() };

  private readonly pages: PageTable;
  private readonly blocks: Blocks;
  private readonly lists: PageLists;
  private readonly taskPages: TaskPages;
  private readonly heaps: TaskHeaps;
  private readonly collection: Collection;
  private readonly remoteFrees: RemoteFrees;
  private readonly misuse: Misuse | undefined;
  private readonly view: MimallocView;
  /** How many pages of classes one search looks at, and how many the search in progress still may. */
  private readonly limit: number;
  private pagesLeft = 0;
  /** The class that the last malloc asked; like the last call, for who wants to know why it failed. */
  private asked = LARGE;
  /** The memory's, when free bytes were counted anew. */
  private restorations = 0;

  constructor(
    private readonly memory: Memory,
    private readonly plan: Plan,
    private readonly options: MimallocOptions,
    private readonly surroundings: Surroundings,
  ) {
    const { lastCall: call } = this;
    this.pages = new PageTable(memory, plan, options, surroundings, call);
    this.blocks = new Blocks(memory, this.pages, call);
    this.lists = new PageLists(memory, this.pages);
    this.taskPages = new TaskPages(memory, this.pages, this.blocks, this.lists, call);
    this.heaps = new TaskHeaps(memory, plan, surroundings);
    this.limit = options.pagesPerCall || ALL;
    this.collection = new Collection(
      memory,
      this.pages,
      this.lists,
      this.blocks,
      this.taskPages,
      this.heaps,
      call,
      this.limit,
    );
    this.remoteFrees = new RemoteFrees(memory, this.pages, this.heaps, call);
    this.misuse = options.asserts ? new Misuse(memory, this.pages, this.blocks, call) : undefined;
    this.view = new MimallocView(memory, this.pages, this.blocks, this.heaps);
    this.pages.initialize();
    this.heaps.initialize();
  }

  // --- malloc -------------------------------------------------------------------------------------------

  malloc(bytes: number): number {
    this.lastCall.begin();
    this.asked = LARGE;
    if (this.surroundings.caller() === AN_INTERRUPT) return this.refuseInterrupt();
    let heap = this.heaps.ofCaller();
    if (heap === NONE) heap = this.newHeap();
    const { plan } = this;
    if (bytes > plan.smallBytes) return this.generic(heap, LARGE, bytes);
    this.asked = binOf(unitsFor(bytes === 0 ? 1 : bytes, plan.unitShift), plan.bits);
    const address = this.fromFirst(heap, this.asked);
    if (address === NULL) return this.generic(heap, this.asked, bytes);
    this.misuse?.mark(address);
    return address;
  }

  /** A block of the page that served the class last. */
  private fromFirst(heap: number, bin: number): number {
    const page = this.memory.loadHalf(this.lists.queue(heap, bin));
    return page === NONE ? NULL : this.blocks.pop(page, this.pages.entry(page));
  }

  /** The heartbeat: whatever is to be done now and then is done here, a bounded part of it. */
  private generic(heap: number, bin: number, bytes: number): number {
    const { lastCall: call, plan } = this;
    call.path |= GENERIC;
    const count = bin === LARGE ? spanPages(bytes, plan.pageShift) : 0;
    if (count > plan.pages) return NULL;
    this.beat(heap, false);
    this.collection.takeBack(heap);
    this.taskPages.ageRetired(heap);
    this.pages.resetOne();
    let address = bin === LARGE ? this.span(count) : this.fromQueue(heap, bin);
    if (address === NULL) address = this.retry(heap, bin, count);
    if (address !== NULL) this.misuse?.mark(address);
    return address;
  }

  /** What can be had is collected, and the request is made once more. */
  private retry(heap: number, bin: number, count: number): number {
    const { lastCall: call, plan, limit } = this;
    call.path |= RETRY;
    this.beat(heap, true);
    this.collection.collect(heap);
    if (bin === LARGE) return this.span(count);
    const address = this.fromQueue(heap, bin) || this.fromLarger(heap, bin);
    if (address !== NULL || heap === plan.mainHeap) return address;
    call.path |= SHARED;
    this.pagesLeft = limit;
    return this.fromPages(plan.mainHeap, bin) || this.fromLarger(plan.mainHeap, bin);
  }

  /** Rather than nothing: a block of the next larger class that has one. */
  private fromLarger(heap: number, bin: number): number {
    if (!this.options.largerClass) return NULL;
    this.pagesLeft = this.limit;
    for (let larger = bin + 1; larger <= this.plan.bins; larger++) {
      this.lastCall.searchSteps++;
      const address = this.fromPages(heap, larger);
      if (address === NULL) continue;
      this.lastCall.path |= LARGER;
      return address;
    }
    return NULL;
  }

  /** A block of the class, if need be of a page that was unused. */
  private fromQueue(heap: number, bin: number): number {
    this.pagesLeft = this.limit;
    const address = this.fromPages(heap, bin);
    if (address !== NULL) return address;
    const page = this.taskPages.open(heap, bin);
    if (page === NONE) return NULL;
    this.lastCall.path |= FRESH;
    return this.blocks.pop(page, this.pages.entry(page));
  }

  /** A block of the first page of the class that has one, among those that the search may still look at. */
  private fromPages(heap: number, bin: number): number {
    const { memory, lastCall: call, taskPages, pages, lists } = this;
    let page = memory.loadHalf(lists.queue(heap, bin));
    for (; page !== NONE && this.pagesLeft > 0; this.pagesLeft--) {
      call.searchSteps++;
      const entry = pages.entry(page);
      const after = memory.loadHalf(entry + NEXT);
      if (taskPages.refill(page, entry)) {
        lists.moveToFront(heap, page);
        return this.blocks.pop(page, entry);
      }
      call.path |= FULL;
      taskPages.toFull(heap, page, entry);
      page = after;
    }
    return NULL;
  }

  private span(count: number): number {
    this.lastCall.path |= SPAN;
    const page = this.pages.takeSpan(count);
    return page === NONE ? NULL : this.pages.addressOf(page);
  }

  /** Calls the client, which may call the heap, but is not called again meanwhile. */
  private beat(heap: number, force: boolean): void {
    const { heaps, lastCall: call } = this;
    const heartbeat = heaps.beat(heap);
    const { client } = this.deferral;
    if (client === undefined || heaps.isBusy(heap)) return;
    const { path, searchSteps, insertSteps } = call;
    const { asked } = this;
    heaps.setBusy(heap, true);
    client(force, heartbeat);
    heaps.setBusy(heap, false);
    Object.assign(call, { path, searchSteps, insertSteps });
    this.asked = asked;
  }

  private refuseInterrupt(): number {
    if (this.misuse === undefined) return NULL;
    throw assertion(0, 'malloc: an interrupt has no heap', 'mi_assert');
  }

  /** The caller's heap, made of a block of main()'s; that one itself if there is no room. */
  private newHeap(): number {
    const { plan, heaps, surroundings } = this;
    const main = plan.mainHeap;
    const bytes = heapBytes(plan.bins);
    this.lastCall.path |= NEW_HEAP;
    this.collection.takeBack(main);
    const heap =
      bytes > plan.smallBytes
        ? this.span(spanPages(bytes, plan.pageShift))
        : this.fromQueue(main, binOf(unitsFor(bytes, plan.unitShift), plan.bits));
    if (heap === NULL) return main;
    const task = surroundings.caller();
    heaps.open(heap, heaps.slotOf(task), task);
    return heap;
  }

  // --- free ---------------------------------------------------------------------------------------------

  free(address: number): void {
    const { memory, pages, lastCall: call, heaps } = this;
    call.begin();
    if (address === NULL) {
      call.path = NULL_CALL;
      return;
    }
    this.misuse?.assertLive(address);
    const page = pages.pageAt(address);
    const entry = pages.entry(page);
    const task = this.surroundings.caller();
    const kind = pages.kindOf(entry);
    if (kind > SMALL) return this.freeSpan(page, task);
    const block = this.blocks.numberOfFreed(page, entry, address);
    const owner = memory.loadHalf(entry + OWNER);
    if (task === AN_INTERRUPT || !heaps.owns(task, owner)) this.remoteFrees.free(page, address, block);
    else this.freeLocally(page, entry, address, block);
  }

  private freeLocally(page: number, entry: number, address: number, block: number): void {
    const { lastCall: call, lists, pages } = this;
    const wasFull = lists.isFull(entry);
    this.taskPages.freeLocally(this.heapOf(entry), page, address, block);
    if (pages.kindOf(entry) === UNUSED) call.path |= EMPTIED;
    else if (wasFull) call.path |= UNFULL;
  }

  /** A task gives the pages back whoever took them; an interrupt leaves that to whoever comes by main()'s heap. */
  private freeSpan(page: number, task: number): void {
    const { lastCall: call, pages } = this;
    call.path |= FREED_SPAN;
    pages.freeBytes += pages.spanBytes(page);
    if (task === AN_INTERRUPT) this.remoteFrees.delay(pages.entry(page), pages.addressOf(page));
    else pages.releaseSpan(page);
  }

  private heapOf(entry: number): number {
    return this.heaps.inSlot(this.memory.loadHalf(entry + OWNER));
  }

  // --- what is left behind --------------------------------------------------------------------------------

  taskDeleted(task: number): void {
    this.heaps.bury(task);
  }

  private workIdly(): void {
    this.lastCall.begin();
    this.collection.workIdly();
  }

  // --- realloc ------------------------------------------------------------------------------------------

  /** As the original: where it stands unless more than half of it would be unused. */
  resize(address: number, bytes: number): boolean {
    this.lastCall.begin();
    const { memory, pages, plan } = this;
    const page = pages.pageAt(address);
    const entry = pages.entry(page);
    const isSpan = pages.kindOf(entry) === SPAN_FIRST;
    const usable = isSpan ? memory.loadHalf(entry + SPAN_PAGES) * plan.pageBytes : this.blocks.bytesIn(entry);
    return bytes <= usable && 2 * bytes >= usable;
  }

  // --- what a debugger sees -----------------------------------------------------------------------------

  freeBytes(): number {
    return this.counted().freeBytes;
  }

  /** What is counted along, counted anew where the memory has been put back. */
  private counted(): PageTable {
    const { memory, pages, view } = this;
    if (this.restorations !== memory.restorations) {
      this.restorations = memory.restorations;
      pages.freeBytes = view.freeBytes();
      pages.resetPages = view.unusedPages(RESET_DONE);
    }
    return pages;
  }

  pageMemory(): PageMemory | undefined {
    const { options, plan, view } = this;
    if (options.reset === 'none') return undefined;
    const { resetPages, mostResetPages } = this.counted();
    const pending = view.unusedPages(RESET_PENDING);
    return {
      committedBytes: (plan.pages - pending - resetPages) * plan.pageBytes,
      pendingBytes: pending * plan.pageBytes,
      resetBytes: resetPages * plan.pageBytes,
      mostResetBytes: mostResetPages * plan.pageBytes,
    };
  }

  blockBytesFor(bytes: number): number {
    const { plan } = this;
    if (bytes > plan.smallBytes) return spanPages(bytes, plan.pageShift) * plan.pageBytes;
    const bin = binOf(unitsFor(Math.max(bytes, 1), plan.unitShift), plan.bits);
    return plan.units[bin]! << plan.unitShift;
  }

  largestBlockBytes(): number {
    return this.plan.pages * this.plan.pageBytes;
  }

  classes(): SizeClass[] {
    return this.view.classes(this.asked);
  }

  walkPages(visit: (address: number, bytes: number, task: number) => void): void {
    this.view.walkPages(visit);
  }

  wordAt(address: number, piece: number): string | undefined {
    return this.view.wordAt(address, piece);
  }

  walk(visit: PieceVisitor): void {
    this.view.walk(visit);
  }

  check(): void {
    const { memory, pages, blocks, lists, heaps, view } = this;
    checkMimalloc({ memory, pages, blocks, lists, heaps, view }, this.counted());
  }
}
