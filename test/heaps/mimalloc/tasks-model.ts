/** Tasks and interrupts on one mimalloc heap, and what must hold whatever they do. */

import { strict as assert } from 'node:assert';
import * as fc from 'fast-check';
import * as v from 'valibot';
import type { HeapOptions } from '../../../src/heaps/definition.js';
import { AN_INTERRUPT, type Surroundings } from '../../../src/heaps/heap.js';
import { type Bound, boundOf, boundParameters } from '../../../src/heaps/mimalloc/bound.js';
import { planFor, staticBytesFor } from '../../../src/heaps/mimalloc/layout.js';
import { MimallocHeap } from '../../../src/heaps/mimalloc/mimalloc-heap.js';
import { mimallocOptions } from '../../../src/heaps/mimalloc/options.js';
import { RETRY } from '../../../src/heaps/mimalloc/paths.js';
import { Memory } from '../../../src/mcu/memory.js';
import { piecesOf } from '../device.js';

const ORIGIN = 0x2000_0000;

/** What happens. Tasks are numbers from 0, main(); `which` chooses among the live blocks. */
export type Deed =
  | readonly ['malloc', task: number, bytes: number]
  | readonly ['free', task: number, which: number]
  /** Many blocks of one size. */
  | readonly ['fill', task: number, bytes: number, count: number]
  /** Every so manieth live block is freed by a task, or by an interrupt. */
  | readonly ['thin', by: number, step: number]
  | readonly ['interrupt', which: number]
  | readonly ['defer', which: number]
  | readonly ['delete', task: number]
  | readonly ['idle']
  | readonly ['tick', ticks: number];

const TASKS = 5;
const anyTask = fc.nat(TASKS);
const anyone = fc.constantFrom(AN_INTERRUPT, AN_INTERRUPT, 0, 1, 2);
/** Of which many blocks go to the same page. */
const fewSizes = fc.constantFrom(8, 16, 24);
const anyBytes = fc.oneof(fc.nat(64), fc.constantFrom(8, 16, 24, 40), fc.nat(300), fc.nat(2000));

export const anyDeeds: fc.Arbitrary<Deed[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.tuple(fc.constant('malloc' as const), anyTask, anyBytes) },
    { weight: 5, arbitrary: fc.tuple(fc.constant('free' as const), anyTask, fc.nat()) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('fill' as const), fc.nat(2), fewSizes, fc.nat(40)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('thin' as const), anyone, fc.integer({ min: 2, max: 12 })) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('interrupt' as const), fc.nat()) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('defer' as const), fc.nat()) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('delete' as const), fc.integer({ min: 1, max: TASKS })) },
    { weight: 2, arbitrary: fc.constant(['idle'] as const) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('tick' as const), fc.nat(30)) },
  ),
  // Without a size it would be 10 at most.
  { maxLength: 400, size: 'max' },
);

export interface Setting {
  readonly bytes: number;
  readonly alignment: number;
  readonly options: HeapOptions;
}

export const anySetting: fc.Arbitrary<Setting> = fc.record({
  bytes: fc.integer({ min: 600, max: 3000 }).map((words) => 4 * words),
  alignment: fc.constantFrom(4, 8, 16),
  options: fc.record(
    {
      pageBytes: fc.constantFrom('auto', 128, 256, 512),
      binsPerOctave: fc.constantFrom(4, 8),
      heaps: fc.constantFrom('task', 'task', 'shared'),
      tasks: fc.integer({ min: 1, max: 6 }),
      pagesPerCall: fc.constantFrom(0, 1, 2, 8),
      largerClass: fc.boolean(),
      reset: fc.constantFrom('none', 'madv_free', 'madv_dontneed'),
      resetDelay: fc.nat(12),
      asserts: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
});

/** Lets an interrupt in before an access, as a real one comes: between any two instructions. */
class InterruptedMemory extends Memory {
  interrupt: (() => void) | undefined;
  private masked = false;

  override loadWord(address: number): number {
    this.instruction();
    return super.loadWord(address);
  }

  override storeWord(address: number, value: number): void {
    this.instruction();
    super.storeWord(address, value);
  }

  override loadHalf(address: number): number {
    this.instruction();
    return super.loadHalf(address);
  }

  override storeHalf(address: number, value: number): void {
    this.instruction();
    super.storeHalf(address, value);
  }

  override loadByte(address: number): number {
    this.instruction();
    return super.loadByte(address);
  }

  override storeByte(address: number, value: number): void {
    this.instruction();
    super.storeByte(address, value);
  }

  override compareAndSwap(address: number, expected: number, value: number): boolean {
    this.instruction();
    return this.whileMasked(() => super.compareAndSwap(address, expected, value));
  }

  whileMasked<Result>(action: () => Result): Result {
    const { masked } = this;
    this.masked = true;
    try {
      return action();
    } finally {
      this.masked = masked;
    }
  }

  private instruction(): void {
    if (!this.masked && this.interrupt !== undefined) this.whileMasked(this.interrupt);
  }
}

interface Block {
  readonly address: number;
  readonly bytes: number;
  readonly seed: number;
}

export class TasksModel {
  readonly heap: MimallocHeap;
  readonly bound: Bound;
  /** Calls in which all pages that have told their heaps, and all classes that keep a page, are dealt with. */
  private readonly portions: number;
  /** The most steps of any malloc, those of a call that was served at once apart. */
  readonly most = { usualSearch: 0, search: 0, insert: 0, idle: 0 };
  failures = 0;

  private readonly memory: InterruptedMemory;
  private readonly live: Block[] = [];
  private readonly deferred: Block[] = [];
  /** Tasks that have been deleted get a new number: none is given twice. */
  private readonly numbers = Array.from({ length: TASKS + 1 }, (_, task) => task);
  private nextNumber = TASKS + 1;
  private caller = 0;
  private victim: 'oldest' | 'middle' | 'newest' | 'next' = 'next';
  private now = 0;
  private seed = 0;
  /** How many accesses until the next interrupt, again and again; none where empty. */
  private readonly gaps: number[];

  constructor({ bytes, alignment, options: given }: Setting, gaps: readonly number[] = []) {
    this.gaps = [...gaps];
    const options = v.parse(mimallocOptions, given);
    const statics = ORIGIN - staticBytesFor(options);
    this.memory = new InterruptedMemory([{ name: 'RAM', origin: statics, bytes: ORIGIN + bytes - statics }]);
    const layout = { statics, regions: [{ name: 'heap', origin: ORIGIN, bytes }], alignment };
    const plan = planFor(layout, options);
    const surroundings: Surroundings = { ticks: () => this.now, caller: () => this.caller };
    this.heap = new MimallocHeap(this.memory, plan, options, surroundings);
    this.heap.deferral.client = (force) => this.aside(() => this.freeDeferred(force));
    this.bound = boundOf(boundParameters(plan, options));
    const things = plan.pages + plan.slots * plan.bins;
    this.portions = options.pagesPerCall === 0 ? 1 : 1 + Math.ceil(things / options.pagesPerCall);
    this.verify();
  }

  run(deeds: readonly Deed[]): this {
    for (const deed of deeds) {
      this.perform(deed);
      this.aside(() => this.verify());
    }
    return this;
  }

  /**
   * Something happens, and after so many of its accesses an interrupt frees a block: the oldest, the newest, one
   * in between, or the one next to the block that is freed. Whether it came to that.
   */
  interruptOnce(deed: Deed, after: number, victim: 'oldest' | 'middle' | 'newest' | 'next'): boolean {
    this.victim = victim;
    this.gaps.push(after, Number.POSITIVE_INFINITY);
    this.perform(deed);
    const came = this.gaps[0] !== after;
    this.gaps.length = 0;
    this.aside(() => this.verify());
    return came;
  }

  /** What the last call looked at. */
  get steps(): number {
    return this.heap.lastCall.searchSteps;
  }

  /** Main frees everything, and idle does what there is to do. */
  end(): this {
    this.freeDeferred(true);
    for (const block of this.live.splice(0)) this.free(block, 0);
    for (let task = 1; task <= TASKS; task++) this.perform(['delete', task]);
    while (this.heap.idleWork.due()) this.perform(['idle']);
    this.verify();
    this.gaps.length = 0;
    this.expectAllBack();
    return this;
  }

  /** Each request that fails collects a portion of what there is: at the latest when all of it has been it is served. */
  private expectAllBack(): void {
    const all = this.heap.largestBlockBytes();
    for (let left = this.portions; left > 0 && this.live.length === 0; left--) this.malloc(0, all);
    assert.equal(this.live.at(-1)?.bytes, all, 'all memory comes back');
  }

  private perform(deed: Deed): void {
    switch (deed[0]) {
      case 'malloc':
        return this.malloc(deed[1], deed[2]);
      case 'free': {
        const block = this.taken(deed[2]);
        if (block !== undefined) this.free(block, deed[1]);
        return;
      }
      case 'fill': {
        for (let left = deed[3]; left > 0; left--) this.malloc(deed[1], deed[2]);
        return;
      }
      case 'thin': {
        const chosen = this.live.filter((_, index) => index % deed[2] === 0);
        for (const block of chosen) {
          // An interrupt may have freed it meanwhile.
          const index = this.live.indexOf(block);
          if (index < 0) continue;
          if (deed[1] === AN_INTERRUPT) this.aside(() => this.freeInInterrupt(index));
          else this.free(this.live.splice(index, 1)[0]!, deed[1]);
        }
        return;
      }
      case 'interrupt':
        return this.aside(() => this.freeInInterrupt(deed[1]));
      case 'defer': {
        const block = this.taken(deed[1]);
        if (block !== undefined) this.deferred.push(block);
        return;
      }
      case 'delete': {
        this.as(0, undefined, () => this.heap.taskDeleted(this.numbers[deed[1]]!));
        this.numbers[deed[1]] = this.nextNumber++;
        return;
      }
      case 'idle':
        if (this.aside(() => this.heap.idleWork.due())) this.workIdly();
        return;
      case 'tick':
        this.now += deed[1];
    }
  }

  private workIdly(): void {
    this.as(0, undefined, () => this.heap.idleWork.run());
    const { searchSteps } = this.heap.lastCall;
    this.most.idle = Math.max(this.most.idle, searchSteps);
    if (this.gaps.length === 0)
      assert.ok(searchSteps <= this.bound.idle, `${searchSteps} steps of idle work`);
  }

  private malloc(task: number, bytes: number): void {
    const address = this.as(task, undefined, () => this.heap.malloc(bytes));
    if (this.gaps.length === 0) this.expectBound();
    if (address === 0) {
      this.failures++;
      return;
    }
    const block = { address, bytes, seed: this.seed++ };
    this.aside(() => {
      for (let index = 0; index < bytes; index++)
        this.memory.storeByte(address + index, pattern(block, index));
    });
    this.live.push(block);
  }

  private expectBound(): void {
    const { path, searchSteps, insertSteps } = this.heap.lastCall;
    const { most, bound } = this;
    most.search = Math.max(most.search, searchSteps);
    most.insert = Math.max(most.insert, insertSteps);
    if ((path & RETRY) === 0) most.usualSearch = Math.max(most.usualSearch, searchSteps);
    assert.ok(most.usualSearch <= bound.usualSearch, `${most.usualSearch} steps of search as usual`);
    assert.ok(most.search <= bound.search, `${most.search} steps of search`);
    assert.ok(most.insert <= bound.insert, `${most.insert} blocks and pages linked`);
  }

  private taken(which: number): Block | undefined {
    return this.live.length === 0 ? undefined : this.live.splice(which % this.live.length, 1)[0];
  }

  private free(block: Block, task: number): void {
    this.aside(() => this.expectContents(block));
    this.as(task, block.address, () => this.heap.free(block.address));
    const { insertSteps } = this.heap.lastCall;
    if (this.gaps.length === 0)
      assert.ok(insertSteps <= this.bound.free, `${insertSteps} words and pages marked`);
  }

  private freeInInterrupt(which: number): void {
    const block = this.taken(which);
    if (block === undefined) return;
    this.expectContents(block);
    const { caller } = this;
    this.caller = AN_INTERRUPT;
    this.heap.free(block.address);
    this.caller = caller;
  }

  private freeDeferred(force: boolean): void {
    const count = force ? this.deferred.length : Math.min(2, this.deferred.length);
    for (const block of this.deferred.splice(0, count)) {
      this.expectContents(block);
      this.heap.free(block.address);
    }
  }

  /** A call by a task, into which interrupts come that free blocks close to an address, else those allocated last. */
  private as<Result>(task: number, near: number | undefined, call: () => Result): Result {
    this.caller = this.numbers[task]!;
    let left = this.gaps[0];
    if (left !== undefined) {
      this.memory.interrupt = () => {
        if (left!-- > 0) return;
        this.gaps.push(this.gaps.shift()!);
        left = this.gaps[0];
        this.freeInInterrupt(this.chosen(near));
      };
    }
    const result = call();
    this.memory.interrupt = undefined;
    this.caller = 0;
    return result;
  }

  private chosen(near: number | undefined): number {
    if (this.victim === 'oldest') return 0;
    if (this.victim === 'middle') return this.live.length >> 1;
    return this.victim === 'newest' || near === undefined ? this.live.length - 1 : this.closest(near);
  }

  private closest(address: number): number {
    let best = 0;
    const distance = (index: number) => Math.abs((this.live[index]?.address ?? 0) - address);
    for (let index = 1; index < this.live.length; index++) if (distance(index) < distance(best)) best = index;
    return best;
  }

  /** Without interrupts. */
  private aside<Result>(action: () => Result): Result {
    return this.memory.whileMasked(action);
  }

  private expectContents(block: Block): void {
    const image = this.memory.image(block.address, block.bytes);
    const wrong = image.findIndex((byte, index) => byte !== pattern(block, index));
    assert.equal(wrong, -1, 'contents are kept');
  }

  private verify(): void {
    const { heap, memory } = this;
    heap.check();
    const [region] = memory.regions;
    let at = ORIGIN;
    let freeBytes = 0;
    const used = new Map<number, number>();
    for (const { kind, address, bytes, payload } of piecesOf(heap)) {
      assert.equal(address, at, 'pieces tile the arena');
      at += bytes;
      if (kind === 'used') used.set(payload, bytes);
      if (kind === 'hole') freeBytes += bytes;
    }
    assert.equal(at, region!.origin + region!.bytes, 'the last piece ends with the arena');
    assert.equal(heap.freeBytes(), freeBytes, 'what is free is in holes');
    const live = [...this.live, ...this.deferred];
    assert.equal(used.size, live.length, 'used pieces are the live blocks');
    for (const { address, bytes } of live) assert.ok(used.get(address)! >= bytes, 'a live block is whole');
  }
}

function pattern({ seed }: Block, index: number): number {
  return (Math.imul(seed, 31) + Math.imul(index, 7)) & 0xff;
}
