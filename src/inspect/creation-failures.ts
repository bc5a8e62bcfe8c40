/** The tasks and queues of a run that found no room. */

import type { Block } from '../scenario/firmware.js';
import type { CreationFailure } from '../simulation/events.js';
import type { CreationFailureResult } from './result.js';

export class CreationFailures {
  private readonly byWhat = new Map<string, Omit<CreationFailureResult, 'created'>>();
  /** Labels of the kernel's own blocks. */
  private readonly allocated = new Set<string>();

  add({ kind, name, object, bytes }: CreationFailure, tick: number): void {
    const known = this.byWhat.get(`${kind} ${name}`);
    const times = (known?.times ?? 0) + 1;
    this.byWhat.set(`${kind} ${name}`, { kind, name, object, bytes, tick, ...known, times });
  }

  /** Blocks that a script asks for have a place in it. */
  noteAllocated({ label, at }: Block): void {
    if (at === undefined) this.allocated.add(label);
  }

  /** In the order of the first failures. A task is there as soon as it has its control block, which comes last. */
  results(): CreationFailureResult[] {
    return [...this.byWhat.values()].map((failure) => {
      const last = failure.kind === 'queue' ? 'queue' : 'tcb';
      return { ...failure, created: this.allocated.has(`${last}:${failure.name}`) };
    });
  }
}
