/**
 * The fullness notification (`rmalloc_register_fullness_notify`): from LOWER on the client may put compaction
 * off, at HIGHER it happens unless there has been one since.
 */

import type { Memory } from '../../mcu/memory.js';
import type { CompactionTrigger, Relocation } from '../handle-heap.js';
import type { RelocationOptions } from './options.js';

const ASKED = 1;
const COMPACTED = 2;

export class Fullness {
  private readonly lowerGap: number;
  private readonly higherGap: number;

  /** `state`: address of the word that remembers what has happened since LOWER. */
  constructor(
    private readonly memory: Memory,
    private readonly state: number,
    private readonly options: Pick<RelocationOptions, 'fullness' | 'lower' | 'higher'>,
    private readonly relocation: Relocation,
    arenaBytes: number,
  ) {
    this.lowerGap = arenaBytes * (1 - options.lower / 100);
    this.higherGap = arenaBytes * (1 - options.higher / 100);
  }

  /** Whether anybody wants to know. */
  get watched(): boolean {
    return this.relocation.client !== undefined || this.options.fullness !== 'none';
  }

  /** Why to compact before the next request, with `gapBytes` never used so far; undefined if not. */
  due(gapBytes: number): CompactionTrigger | undefined {
    const { memory, state } = this;
    if (gapBytes > this.lowerGap) {
      memory.storeWord(state, 0);
      return undefined;
    }
    const since = memory.loadWord(state);
    if ((since & ASKED) === 0) {
      memory.storeWord(state, since | ASKED);
      const answer = this.relocation.client === undefined ? this.options.fullness : this.relocation.client();
      if (answer === 'compact') return 'lower';
    }
    const happened = (memory.loadWord(state) & COMPACTED) !== 0;
    return gapBytes <= this.higherGap && !happened ? 'higher' : undefined;
  }

  /** A compaction has come to its end, whoever wanted it. */
  compacted(): void {
    this.memory.storeWord(this.state, this.memory.loadWord(this.state) | COMPACTED);
  }
}
