/**
 * The first generation's compaction: from the first hole on, the next unlocked block that fits is moved down
 * into it. What moves is the payload; its header, being the client's handle, stays where it is and divides the
 * hole that the payload leaves from the one before.
 *
 *     before   [hole .......][H|payload][H|payload]
 *     after    [payload][hole][H][hole ][H|payload]
 *
 * A payload that has left its header behind slides across a hole of any size. For each hole only the next
 * {@link REACH} blocks are looked at, so that a pass is linear in the number of blocks.
 */

import type { Memory } from '../../mcu/memory.js';
import { endlessList } from '../freertos/request.js';
import type { Compaction, CompactionBudget, CompactionTrigger } from '../handle-heap.js';
import { NONE, type Nodes } from './nodes-2008.js';

/** How many blocks above a hole are tried. */
const REACH = 64;

type Move = 'moved' | 'nothing fits' | 'budget spent';

export class CompactionPass2008 {
  private bytesMoved = 0;
  private blocksMoved = 0;
  private blocksInTheWay = 0;

  constructor(
    private readonly memory: Memory,
    private readonly nodes: Nodes,
    private readonly budget: CompactionBudget,
  ) {}

  run(trigger: CompactionTrigger): Compaction {
    const finished = this.pass();
    if (finished) this.lowerTop();
    this.nodes.refillBuckets();
    const { bytesMoved, blocksMoved, blocksInTheWay } = this;
    return { trigger, bytesMoved, blocksMoved, blocksInTheWay, finished };
  }

  /** False when the budget is spent. */
  private pass(): boolean {
    const { nodes, budget } = this;
    // The root may lie at address 0, which as a link means the end.
    let node = nodes.root;
    let steps = 2 * nodes.maximumNodes + 2;
    do {
      this.reclaimBehind(node);
      if (node !== nodes.root && nodes.isFree(node)) {
        while (nodes.swallowNext(node)) this.reclaimBehind(node);
        const before = nodes.previousOf(node);
        const move = this.fill(node);
        if (move === 'budget spent') return false;
        // The block moved is where the hole was, and what is left of the hole comes next.
        if (move === 'moved') node = nodes.nextOf(before);
      }
      node = nodes.nextOf(node);
      if (--steps < 0) throw endlessList(node);
      if (node !== NONE && !budget.allows(0)) return false;
    } while (node !== NONE);
    return true;
  }

  /** Between two blocks lie only headers whose payloads were moved: the dead ones become holes. */
  private reclaimBehind(node: number): void {
    const { nodes } = this;
    const next = nodes.nextOf(node);
    const end = next === NONE ? nodes.top : nodes.startOf(next);
    let before = node;
    for (let header = nodes.endOf(node); header < end; header += nodes.headerBytes) {
      if (!nodes.isDead(header)) continue;
      nodes.makeFree(header, nodes.headerBytes);
      nodes.insertBehind(before, header);
      nodes.holeBytes += nodes.headerBytes;
      before = header;
    }
  }

  private fill(hole: number): Move {
    const { nodes } = this;
    const room = nodes.endOf(hole) - hole;
    let block = nodes.nextOf(hole);
    if (block !== NONE && nodes.isUsed(block) && nodes.locksOf(block) > 0) this.blocksInTheWay++;
    for (let looked = 0; block !== NONE && looked < REACH; looked++) {
      const size = nodes.sizeOf(block);
      const slides = nodes.pointerOf(block) === nodes.endOf(hole);
      const fits = slides || size === room || size + nodes.headerBytes <= room;
      if (fits && nodes.isUsed(block) && nodes.locksOf(block) === 0) {
        if (!this.budget.allows(size)) return 'budget spent';
        if (slides) this.slide(hole, block, room);
        else this.jump(hole, block, room);
        this.bytesMoved += size;
        this.blocksMoved++;
        return 'moved';
      }
      block = nodes.nextOf(block);
    }
    return 'nothing fits';
  }

  /** A payload without its header changes places with the hole below it. */
  private slide(hole: number, block: number, room: number): void {
    const { nodes, memory } = this;
    const size = nodes.sizeOf(block);
    nodes.remove(hole);
    memory.copy(hole, nodes.pointerOf(block), size);
    nodes.pointTo(block, hole);
    nodes.makeFree(hole + size, room);
    nodes.insertBehind(block, hole + size);
  }

  /** A payload moves into a hole and leaves one behind. */
  private jump(hole: number, block: number, room: number): void {
    const { nodes, memory } = this;
    const size = nodes.sizeOf(block);
    const left = nodes.pointerOf(block);
    const above = nodes.previousOf(block);
    const below = nodes.previousOf(hole);
    nodes.remove(block);
    nodes.remove(hole);
    memory.copy(hole, left, size);
    nodes.pointTo(block, hole);
    nodes.makeFree(left, size);
    nodes.insertBehind(above === hole ? below : above, left);
    nodes.insertBehind(below, block);
    if (room > size) {
      nodes.makeFree(hole + size, room - size);
      nodes.insertBehind(block, hole + size);
    }
  }

  /** What is free at the end belongs to the gap again. */
  private lowerTop(): void {
    const { nodes } = this;
    const { last } = nodes;
    if (last === nodes.root || !nodes.isFree(last) || nodes.endOf(last) !== nodes.top) return;
    nodes.holeBytes -= nodes.endOf(last) - last;
    nodes.remove(last);
    nodes.top = last;
  }
}
