/**
 * Heap calls as tasks make them: the scheduler suspended, the call made, its cycles spent, observers told,
 * the scheduler resumed. Also keeps the list of live blocks and writes and checks their contents.
 */

import type { HeapCallKind } from '../costs/cost-table.js';
import { NULL } from '../heaps/heap.js';
import type { KernelObject, KernelStorage } from '../kernel/index.js';
import { Stop } from '../kernel/index.js';
import type { Block, Request } from '../scenario/firmware.js';
import type { Board } from './board.js';
import type { RunEvents } from './events.js';

/** Counts heap calls over resets; the run ends when `limit` have been made. */
export interface OperationBudget {
  made: number;
  readonly limit: number;
}

/** Blocks to free just before a heap call, to see what that would have changed. */
export interface Release {
  /** The how-manieth heap call of the run, from 1. */
  readonly operation: number;
  /** The blocks' serial numbers since power-on. */
  readonly serials: readonly number[];
}

/** What a run may do differently from the device; see RunSettings. */
export interface Experiments {
  readonly checkEveryCall?: boolean;
  readonly stopAtFirstFailure?: boolean;
  readonly release?: Release;
}

/** How long a run of so many heap calls goes on without one. */
export const PATIENCE_SECONDS = 3600;

export class HeapService implements KernelStorage {
  private serial = 0;
  /** A heap without asserts takes no notice of a block whose header is broken. */
  private readonly mayIgnoreFrees: boolean;
  private readonly released = new Set<Block>();

  constructor(
    private readonly board: Board,
    private readonly events: RunEvents,
    private readonly budget: OperationBudget,
    private readonly experiments: Experiments,
  ) {
    this.mayIgnoreFrees = board.config.options.asserts === false;
  }

  /** `pvPortMalloc`. */
  malloc(bytes: number, request: Request): Block | undefined {
    const { kernel, handles, memory } = this.board;
    kernel.assertInTask('malloc');
    kernel.scheduler.suspendAll();
    const { loads, stores } = memory;
    this.countOperation();
    const handle = handles.allocate(bytes);
    this.spend('malloc', loads, stores);
    const block = handle === NULL ? this.refused(bytes, request) : this.record(handle, bytes, request);
    kernel.scheduler.resumeAll();
    return block;
  }

  /** `pvPortCalloc`: overflow is refused before the heap is asked; zeroing happens outside the suspension. */
  calloc(count: number, bytes: number, request: Request): Block | undefined {
    const total = count * bytes;
    if (total >= 2 ** 32) {
      this.board.kernel.assertInTask('calloc');
      return this.refused(total, request);
    }
    const block = this.malloc(total, request);
    if (block !== undefined) this.writePattern(block, () => 0);
    return block;
  }

  /** malloc, copy, free: FreeRTOS has no realloc of its own. */
  realloc(old: Block, bytes: number, request: Request): Block | undefined {
    if (bytes === 0) {
      this.free(old);
      return undefined;
    }
    const block = this.malloc(bytes, request);
    if (block === undefined) return undefined;
    const { handles, memory } = this.board;
    memory.copy(handles.lock(block.handle), handles.lock(old.handle), Math.min(old.bytes, bytes));
    block.filledBytes = Math.min(old.filledBytes, bytes);
    block.pattern = old.pattern;
    handles.unlock(block.handle);
    handles.unlock(old.handle);
    this.free(old);
    return block;
  }

  /** `vPortFree`. */
  free(block: Block): void {
    const { kernel, handles, memory, blocks } = this.board;
    kernel.assertInTask('free');
    if (this.released.size > 0 && this.released.delete(block)) return;
    kernel.scheduler.suspendAll();
    this.countOperation();
    const freeBytes = this.mayIgnoreFrees ? handles.heap.freeBytes() : -1;
    const { loads, stores } = memory;
    handles.free(block.handle);
    this.spend('free', loads, stores);
    // A stale pointer frees whatever lives at its address by now.
    const freed = blocks.get(block.handle);
    if (freed !== undefined) {
      blocks.delete(freed);
      // A heap without asserts ignores the free of a block whose header is broken: the block is lost.
      if (this.mayIgnoreFrees && handles.heap.freeBytes() === freeBytes) this.events.freeIgnored(freed);
      else this.events.freed(freed);
    }
    kernel.scheduler.resumeAll();
  }

  // --- the kernel's own objects -------------------------------------------------------------------------

  allocate(object: KernelObject, owner: string, bytes: number): number {
    const label = `${object}:${owner}`;
    const block = this.malloc(bytes, { owner: object === 'queue' ? label : owner, label, at: undefined });
    return block?.handle ?? NULL;
  }

  release(_object: KernelObject, _owner: string, handle: number): void {
    const block = this.board.blocks.get(handle);
    // Gone already where an experiment released it.
    if (block !== undefined) this.free(block);
  }

  // --- contents -----------------------------------------------------------------------------------------

  /** A byte pattern that differs from block to block and within a block. */
  fill(block: Block): void {
    if (this.released.has(block)) return;
    this.writePattern(block, (index) => patternByte(block, index));
    block.filledBytes = block.bytes;
  }

  verify(block: Block): void {
    if (this.released.has(block)) return;
    const { handles, memory } = this.board;
    const address = handles.lock(block.handle);
    for (let index = 0; index < block.filledBytes; index++) {
      if (memory.loadByte(address + index) !== patternByte(block, index)) {
        this.events.contentsLost(block, address + index);
        break;
      }
    }
    handles.unlock(block.handle);
  }

  overflow(block: Block, bytes: number, value: number): void {
    if (this.released.has(block)) return;
    const { handles, memory } = this.board;
    const end = handles.lock(block.handle) + block.bytes;
    for (let index = 0; index < bytes; index++) memory.storeByte(end + index, value);
    handles.unlock(block.handle);
  }

  private writePattern(block: Block, byteAt: (index: number) => number): void {
    const { handles, memory } = this.board;
    const address = handles.lock(block.handle);
    for (let index = 0; index < block.bytes; index++) memory.storeByte(address + index, byteAt(index));
    handles.unlock(block.handle);
  }

  // --- one call -----------------------------------------------------------------------------------------

  /** A run that counts heap calls ends too when none comes any more. */
  private waitOn(): void {
    const { kernel, clock } = this.board;
    kernel.endCycle = clock.cycle + clock.cycles(PATIENCE_SECONDS);
  }

  /** Their owners do not know: what they do with these blocks from now on does nothing. */
  private releaseBlocks(serials: readonly number[]): void {
    const { blocks, handles } = this.board;
    for (const block of blocks.withSerials(new Set(serials))) {
      handles.free(block.handle);
      blocks.delete(block);
      this.released.add(block);
      this.events.freed(block);
    }
  }

  private countOperation(): void {
    if (this.budget.made >= this.budget.limit) throw new Stop('end');
    this.budget.made++;
    if (this.budget.limit !== Number.POSITIVE_INFINITY) this.waitOn();
    if (this.budget.made === this.experiments.release?.operation)
      this.releaseBlocks(this.experiments.release.serials);
  }

  /** Lets the call's time pass; `loads` and `stores` are the memory's counters before it. */
  private spend(kind: HeapCallKind, loads: number, stores: number): void {
    const { memory, heap, config, kernel } = this.board;
    const cycles = config.cost.price(kind, heap, memory, loads, stores);
    if (this.experiments.checkEveryCall === true) heap.check();
    if (cycles > 0) kernel.work(cycles);
    this.events.heapCalled(kind, cycles, config.cost.instructions);
  }

  private record(handle: number, bytes: number, request: Request): Block {
    const block: Block = {
      handle,
      bytes,
      serial: ++this.serial,
      label: request.label,
      owner: request.owner,
      at: request.at,
      allocatedCycle: this.board.clock.cycle,
      filledBytes: 0,
      pattern: this.serial,
    };
    this.board.blocks.set(block);
    this.events.allocated(block);
    return block;
  }

  private refused(bytes: number, request: Request): undefined {
    if (bytes === 0) {
      this.events.zeroSizeRequest(request);
    } else {
      this.events.outOfMemory(request, bytes);
      if (this.experiments.stopAtFirstFailure === true) throw new Stop('end');
    }
  }
}

function patternByte(block: Block, index: number): number {
  return (Math.imul(block.pattern, 31) + Math.imul(index, 7)) & 0xff;
}
