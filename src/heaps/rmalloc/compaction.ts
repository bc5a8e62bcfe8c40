/**
 * One pass of rmalloc's compaction over the chain of blocks, from the bottom up. What has been passed is
 * settled; the hole that has been found so far travels upwards as blocks slide down across it.
 *
 *     before   [a][hole][b][c][hole][PIN][d]            with a budget it may stop anywhere between two blocks;
 *     after    [a][b][c][d][ hole  ][PIN]  → top        the next pass goes on behind what is settled
 *
 * A locked block ends the hole before it. From the blocks above it those that fit jump down first; only the
 * next {@link REACH} are looked at, so that a pass is linear in the number of blocks however many are locked.
 */

import type { Memory } from '../../mcu/memory.js';
import { endlessList } from '../freertos/request.js';
import { type Compaction, type CompactionBudget, type CompactionTrigger, UNLIMITED } from '../handle-heap.js';
import { type Blocks, NONE } from './blocks.js';

/** How far above a locked block one is looked for that fits below it. */
const REACH = 64;

export class CompactionPass {
  private bytesMoved = 0;
  private blocksMoved = 0;
  private blocksInTheWay = 0;
  /** The last block whose place is final. */
  private settled: number;
  /** Where it ends. */
  private cursor: number;
  /** A block that would have fitted below a locked one had to stay. */
  private wantedHeaders = false;
  /** Header of the travelling hole, which is in no list and not in the chain. */
  private hole = NONE;

  /** `from`: the header behind which to begin. */
  constructor(
    private readonly memory: Memory,
    private readonly blocks: Blocks,
    private readonly budget: CompactionBudget,
    private readonly from: number,
    private aging: boolean,
  ) {
    this.settled = from;
    this.cursor = this.startOfPass();
  }

  private startOfPass(): number {
    const { blocks, from } = this;
    return from === blocks.root ? blocks.base : blocks.endOf(from);
  }

  run(trigger: CompactionTrigger): Compaction {
    const finished = this.pass();
    if (finished) this.finish();
    else this.pause();
    if (finished && this.budget === UNLIMITED) this.repeat();
    const { bytesMoved, blocksMoved, blocksInTheWay } = this;
    return { trigger, bytesMoved, blocksMoved, blocksInTheWay, finished };
  }

  /** Where headers were wanting, there are some now that holes have been merged. */
  private repeat(): void {
    for (let moved = -1; this.wantedHeaders && this.blocksMoved > moved; this.finish()) {
      moved = this.blocksMoved;
      this.wantedHeaders = false;
      this.aging = false;
      this.blocksInTheWay = 0;
      this.settled = this.from;
      this.cursor = this.startOfPass();
      this.pass();
    }
  }

  /** False when the budget is spent. */
  private pass(): boolean {
    const { blocks, budget } = this;
    let steps = blocks.maximumHeaders;
    for (let next = blocks.nextOf(this.settled); next !== NONE; next = blocks.nextOf(this.settled)) {
      if (!budget.allows(0)) return false;
      if (!blocks.isUsed(next)) this.swallow(next);
      else if (!this.settle(next)) return false;
      if (--steps < 0) throw endlessList(next);
    }
    return true;
  }

  private swallow(hole: number): void {
    const { blocks } = this;
    blocks.unlist(hole, blocks.endOf(hole) - blocks.addressOf(hole));
    blocks.removeAfter(this.settled, hole);
    if (this.hole === NONE) this.hole = hole;
    else blocks.giveHeader(hole);
  }

  /** Moves a live block down if there is a hole and no lock. False when the budget does not allow it. */
  private settle(block: number): boolean {
    const { blocks } = this;
    const address = blocks.addressOf(block);
    const bytes = blocks.endOf(block) - address;
    if (this.hole !== NONE && blocks.locksOf(block) > 0) {
      this.blocksInTheWay++;
      this.fillBelow(block);
      this.leaveHole();
      this.cursor = address;
    } else if (this.hole !== NONE) {
      if (!this.budget.allows(bytes)) return false;
      this.move(block, address, bytes);
    }
    if (this.aging) blocks.grow(block);
    this.settled = block;
    this.cursor += bytes;
    return true;
  }

  private move(block: number, address: number, bytes: number): void {
    this.memory.copy(this.cursor, address, bytes);
    this.blocks.moveTo(block, this.cursor);
    this.bytesMoved += bytes;
    this.blocksMoved++;
  }

  /** Fills the hole below a locked block with unlocked ones from above. */
  private fillBelow(pin: number): void {
    const { blocks } = this;
    const end = blocks.addressOf(pin);
    let before = pin;
    for (let looked = 0; looked < REACH; looked++) {
      const room = end - this.cursor;
      const candidate = blocks.nextOf(before);
      if (candidate === NONE || room < blocks.minimumBytes) return;
      const bytes = blocks.endOf(candidate) - blocks.addressOf(candidate);
      const fits = bytes > 0 && bytes <= room;
      if (fits && blocks.isUsed(candidate) && blocks.locksOf(candidate) === 0) {
        before = this.jump(before, candidate, bytes, room);
        if (before === NONE) return;
      } else before = candidate;
    }
  }

  /**
   * Moves the block behind `before` into the travelling hole, which has `room`. What it leaves is, or widens, a
   * hole, whose header is returned; {@link NONE} where none is to be had or the budget is spent: then nothing has
   * happened.
   */
  private jump(before: number, block: number, bytes: number, room: number): number {
    const { blocks } = this;
    const next = blocks.nextOf(block);
    const touching = [next, before].find((neighbour) => neighbour !== NONE && !blocks.isUsed(neighbour));
    // A hole that is filled to the last byte needs its header no more.
    const left = touching ?? (bytes === room ? this.hole : blocks.takeHeader(0));
    if (left === NONE) {
      this.wantedHeaders = true;
      return NONE;
    }
    if (!this.budget.allows(bytes)) {
      if (touching === undefined && left !== this.hole) blocks.giveHeader(left);
      return NONE;
    }
    const address = blocks.addressOf(block);
    if (touching !== undefined) blocks.unlist(left, blocks.endOf(left) - blocks.addressOf(left));
    blocks.removeAfter(before, block);
    if (left === next) blocks.makeHole(left, address, blocks.nextOf(left));
    else if (left !== before) {
      blocks.makeHole(left, address, next);
      blocks.insertAfter(before, left);
      if (left === this.hole) this.hole = NONE;
    }
    this.move(block, address, bytes);
    blocks.list(left, blocks.endOf(left) - blocks.addressOf(left));
    blocks.setNext(block, blocks.nextOf(this.settled));
    blocks.insertAfter(this.settled, block);
    if (this.aging) blocks.grow(block);
    this.settled = block;
    this.cursor += bytes;
    return left;
  }

  /** Puts the travelling hole where it is for good. Too small for one, it pads the block below. */
  private leaveHole(): void {
    const { blocks, hole } = this;
    if (hole === NONE) return;
    this.hole = NONE;
    const next = blocks.nextOf(this.settled);
    const bytes = (next === NONE ? blocks.top : blocks.addressOf(next)) - this.cursor;
    if (bytes < blocks.minimumBytes) {
      blocks.giveHeader(hole);
      blocks.holeBytes -= bytes;
      return;
    }
    blocks.makeHole(hole, this.cursor, next);
    blocks.insertAfter(this.settled, hole);
    blocks.list(hole, bytes);
    this.settled = hole;
  }

  private pause(): void {
    // The hole is left behind the bookmark, so that the next pass takes it along.
    this.blocks.resume = this.settled;
    this.leaveHole();
  }

  /** What is free at the end belongs to the gap again. */
  private finish(): void {
    const { blocks } = this;
    if (this.hole !== NONE) {
      blocks.holeBytes -= blocks.top - this.cursor;
      blocks.top = this.cursor;
      blocks.giveHeader(this.hole);
      this.hole = NONE;
    }
    blocks.resume = blocks.root;
    // A look at the whole table would exceed any budget.
    if (this.budget === UNLIMITED) blocks.trimTable();
  }
}
