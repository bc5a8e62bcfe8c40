/** What a run did to each task: CPU time, memory, deadlines, time lost to others' suspensions. */

import type { Task } from '../kernel/index.js';
import { type Block, INTERRUPT_OWNER, QUEUE_OWNER } from '../scenario/firmware.js';
import type { TaskResult } from './result.js';

export class TaskStatistics {
  private readonly byName = new Map<string, TaskResult>();
  /** Apart: a task may have the same name. */
  private readonly interrupts = new Map<string, TaskResult>();
  private running: TaskResult | undefined;
  private lastAsked = '';
  private lastAnswer: TaskResult | undefined;
  private switchedInCycle = 0;

  /**
   * Sorted by name; queues that blocks travel through count as holders too, interrupts if they took time or received
   * blocks.
   */
  results(): TaskResult[] {
    const all = [...this.byName.values(), ...this.interrupts.values()];
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  switchedIn(task: string, cycle: number): void {
    this.stopClock(cycle);
    this.running = this.of(task);
  }

  /** Ends the running task's turn, at a switch, a reset or the end. */
  stopClock(cycle: number): void {
    if (this.running !== undefined) this.running.runCycles += cycle - this.switchedInCycle;
    this.switchedInCycle = cycle;
    this.running = undefined;
  }

  /** Its time is none of the running task's. */
  interruptRan(name: string, cycles: number): void {
    this.ofInterrupt(name).runCycles += cycles;
    if (this.running !== undefined) this.running.runCycles -= cycles;
  }

  allocated(block: Block): void {
    const entry = this.of(block.owner);
    entry.allocations++;
    gain(entry, block.bytes);
  }

  freed(block: Block): void {
    const entry = this.of(block.owner);
    entry.frees++;
    gain(entry, -block.bytes);
  }

  /** A block that the heap would not take back: nobody holds it. */
  lost(block: Block): void {
    gain(this.of(block.owner), -block.bytes);
  }

  failed(owner: string): void {
    this.of(owner).failures++;
  }

  /** A block changed hands. */
  moved(block: Block, from: string, to: string): void {
    gain(this.of(from), -block.bytes);
    gain(this.of(to), block.bytes);
  }

  missedDeadline(task: Task, lateCycles: number): void {
    const entry = this.of(task.name);
    entry.missedDeadlines++;
    entry.worstLatenessCycles = Math.max(entry.worstLatenessCycles, lateCycles);
  }

  heldUp(victim: Task, holder: Task, cycles: number): void {
    const entry = this.of(victim.name);
    entry.heldUpCycles += cycles;
    if (cycles > entry.longestHeldUpCycles) {
      entry.longestHeldUpCycles = cycles;
      entry.longestHeldUpBy = holder.name;
    }
  }

  /** After a reset nothing is live. */
  forgetBlocks(): void {
    for (const entries of [this.byName, this.interrupts]) {
      for (const entry of entries.values()) entry.liveBytes = 0;
    }
  }

  /** `owner`: as blocks have it. */
  private of(owner: string): TaskResult {
    // Calls come in runs of one task's.
    if (this.lastAsked === owner && this.lastAnswer !== undefined) return this.lastAnswer;
    const entry = owner.startsWith(INTERRUPT_OWNER)
      ? this.ofInterrupt(owner.slice(INTERRUPT_OWNER.length))
      : entryOf(this.byName, owner, owner.startsWith(QUEUE_OWNER) ? 'queue' : 'task');
    this.lastAsked = owner;
    this.lastAnswer = entry;
    return entry;
  }

  private ofInterrupt(name: string): TaskResult {
    return entryOf(this.interrupts, name, 'interrupt');
  }
}

function entryOf(entries: Map<string, TaskResult>, name: string, kind: TaskResult['kind']): TaskResult {
  const known = entries.get(name);
  if (known !== undefined) return known;
  const entry = emptyResult(name, kind);
  entries.set(name, entry);
  return entry;
}

function gain(entry: TaskResult, bytes: number): void {
  entry.liveBytes += bytes;
  if (entry.liveBytes > entry.peakLiveBytes) entry.peakLiveBytes = entry.liveBytes;
}

function emptyResult(name: string, kind: TaskResult['kind']): TaskResult {
  return {
    name,
    kind,
    runCycles: 0,
    allocations: 0,
    frees: 0,
    failures: 0,
    liveBytes: 0,
    peakLiveBytes: 0,
    missedDeadlines: 0,
    worstLatenessCycles: 0,
    heldUpCycles: 0,
    longestHeldUpCycles: 0,
    longestHeldUpBy: '',
  };
}
