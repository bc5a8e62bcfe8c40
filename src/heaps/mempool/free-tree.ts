/**
 * The free blocks of one heap page: a binary tree by size, whose links are part of the block headers.
 *
 *     header    31            21 20            10 9            0
 *               +---------------+---------------+--------------+
 *               | right         | left          | size         |     in units of 4 bytes; size with the header
 *               +---------------+---------------+--------------+
 *
 * Links are signed distances from this header, 0: none. A live block has 1023 in both: no page is that long. Equal
 * sizes are in the left subtree.
 */

import type { Memory } from '../../mcu/memory.js';
import type { HeapCall } from '../heap.js';
import { endlessList } from '../words.js';

export const UNIT_BYTES = 4;
/** Ten bits of size. */
export const MAXIMUM_UNITS = 1023;
/** The smallest block, header included. */
export const MINIMUM_UNITS = 4;
export const HEADER_BYTES = 4;
/** What the header is called. */
export const BLOCK_WORD = 'size and links';

/** Both links of a live block, where they stand in a header. */
const LIVE_LINKS = ((1023 << 21) | (1023 << 10)) >>> 0;
const LINKS = ~0x3ff >>> 0;

/** No block. */
export const NONE = 0;

/** Where a link stands in a header. */
type Side = 'left' | 'right';

// --- a header ---------------------------------------------------------------------------------------------

export function unitsIn(header: number): number {
  return header & 0x3ff;
}

export function isLive(header: number): boolean {
  return (header & LINKS) >>> 0 === LIVE_LINKS;
}

/** In units, signed. */
export function leftIn(header: number): number {
  return (header << 11) >> 21;
}

/** In units, signed. */
export function rightIn(header: number): number {
  return header >> 21;
}

export function withLeft(header: number, distance: number): number {
  return (header & ~(0x7ff << 10)) | ((distance & 0x7ff) << 10);
}

export function withRight(header: number, distance: number): number {
  return (header & 0x1f_ffff) | (distance << 21);
}

export class FreeTree {
  constructor(
    private readonly memory: Memory,
    private readonly call: HeapCall,
  ) {}

  units(block: number): number {
    return unitsIn(this.memory.loadWord(block));
  }

  isLive(block: number): boolean {
    return isLive(this.memory.loadWord(block));
  }

  markLive(block: number, units: number): void {
    this.memory.storeWord(block, LIVE_LINKS | units);
  }

  /** A free block that is in no tree. */
  markFree(block: number, units: number): void {
    this.memory.storeWord(block, units);
  }

  left(block: number): number {
    const distance = leftIn(this.memory.loadWord(block));
    return distance === 0 ? NONE : block + UNIT_BYTES * distance;
  }

  right(block: number): number {
    const distance = rightIn(this.memory.loadWord(block));
    return distance === 0 ? NONE : block + UNIT_BYTES * distance;
  }

  private link(block: number, side: Side, to: number): void {
    const { memory } = this;
    const distance = to === NONE ? 0 : (to - block) / UNIT_BYTES;
    const word = memory.loadWord(block);
    memory.storeWord(block, side === 'left' ? withLeft(word, distance) : withRight(word, distance));
  }

  // --- the tree -----------------------------------------------------------------------------------------

  /** Puts a free block into the tree whose root `root` points to. */
  insert(root: number, block: number): void {
    const { memory } = this;
    const units = this.units(block);
    let node = memory.loadWord(root);
    if (node === NONE) {
      memory.storeWord(root, block);
      return;
    }
    for (let depth = 0; depth <= MAXIMUM_UNITS; depth++) {
      this.call.insertSteps++;
      const size = this.units(node);
      if (units === size) {
        this.link(block, 'left', this.left(node));
        this.link(node, 'left', block);
        return;
      }
      const side = units > size ? 'right' : 'left';
      const child = side === 'right' ? this.right(node) : this.left(node);
      if (child === NONE) return this.link(node, side, block);
      node = child;
    }
    throw endlessList(node);
  }

  /** Takes out the smallest block of at least `units`; of equal ones the deepest. {@link NONE} if there is none. */
  takeBestFit(root: number, units: number): number {
    let best = NONE;
    let parentOfBest = NONE;
    let parent = NONE;
    let smallest = MAXIMUM_UNITS + 1;
    let node = this.memory.loadWord(root);
    for (let depth = 0; node !== NONE; depth++) {
      if (depth > MAXIMUM_UNITS) throw endlessList(node);
      this.call.searchSteps++;
      const size = this.units(node);
      if (size >= units && size <= smallest) {
        best = node;
        parentOfBest = parent;
        smallest = size;
      }
      if (size === units) break;
      parent = node;
      node = size > units ? this.left(node) : this.right(node);
    }
    if (best !== NONE) this.remove(root, best, parentOfBest);
    return best;
  }

  /** `parent`: of the block, or {@link NONE} at the root. */
  private remove(root: number, block: number, parent: number): void {
    const left = this.left(block);
    const right = this.right(block);
    let heir = left === NONE ? right : left;
    if (left !== NONE && right !== NONE) {
      heir = this.takeLeftmost(block, right);
      this.link(heir, 'left', left);
      // Taking it may have changed the block's right link.
      this.link(heir, 'right', this.right(block));
    }
    if (parent === NONE) this.memory.storeWord(root, heir);
    else this.link(parent, this.left(parent) === block ? 'left' : 'right', heir);
    this.markFree(block, this.units(block));
  }

  /** Takes the leftmost block out of the subtree at `node`, the right child of `above`. */
  private takeLeftmost(above: number, node: number): number {
    let parent = above;
    let leftmost = node;
    for (let next = this.left(leftmost); next !== NONE; next = this.left(leftmost)) {
      this.call.searchSteps++;
      parent = leftmost;
      leftmost = next;
    }
    this.link(parent, parent === above ? 'right' : 'left', this.right(leftmost));
    return leftmost;
  }
}
