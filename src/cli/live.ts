/** What is said while a run goes on. */

import type { Compaction } from '../heaps/handle-heap.js';
import { formatBytes, formatSeconds } from '../input/index.js';
import type { Task } from '../kernel/index.js';
import { TRIGGER_WORDS } from '../report/compactions.js';
import { escaped } from '../report/text.js';
import type { Request } from '../scenario/firmware.js';
import type { RunLength } from '../scenario/scenario.js';
import { toCycles } from '../scenario/times.js';
import type { Board } from '../simulation/board.js';
import type { CreationFailure, RunObserver } from '../simulation/events.js';
import type { Terminal } from './terminal.js';

/** `--verbose`: a line per event. */
export class EventLines implements RunObserver {
  private board!: Board;

  constructor(
    private readonly print: (text: string) => void,
    private readonly file: string,
  ) {}

  booted(board: Board): void {
    this.board = board;
    this.line(`power on: ${board.config.heap.name} with ${formatBytes(board.heapBytes)}`);
  }

  outOfMemory(request: Request, bytes: number): void {
    const { owner, label, at, forKernel = false } = request;
    const what = forKernel || at === undefined ? [label] : [];
    const where = at === undefined ? [] : [`${this.file}:${at.line}`];
    this.line(`out of memory: ${owner} asked for ${formatBytes(bytes)} (${[...what, ...where].join(', ')})`);
  }

  compacted({ trigger, bytesMoved, blocksMoved, finished }: Compaction, cycles: number): void {
    if (trigger === 'call' && blocksMoved === 0) return;
    const { clock, kernel } = this.board;
    const who = kernel.scheduler.current?.name ?? 'main()';
    const moved = `${formatBytes(bytesMoved)} in ${blocksMoved} ${blocksMoved === 1 ? 'block' : 'blocks'}`;
    const time = formatSeconds(clock.seconds(cycles));
    this.line(
      `compaction (${TRIGGER_WORDS[trigger]}) in ${who}: ${moved}, ${time}${finished ? '' : ', to go on'}`,
    );
  }

  zeroSizeRequest(request: Request): void {
    this.line(`request of 0 bytes by ${request.owner}: NULL, as FreeRTOS answers`);
  }

  notCreated({ kind, name, object, bytes }: CreationFailure): void {
    this.line(`${kind} ${name} could not be created: no room for ${formatBytes(bytes)} (${object})`);
  }

  missedDeadline(task: Task, _releaseCycle: number, lateCycles: number, finished: boolean): void {
    const { clock } = this.board;
    const late = formatSeconds(clock.seconds(lateCycles));
    this.line(`missed deadline: ${task.name}, ${late} late${finished ? '' : ' and still running'}`);
  }

  logged(task: string, text: string): void {
    this.line(`${task}: ${text}`);
  }

  taskEnded(task: Task): void {
    this.line(`${task.name} ended`);
  }

  reset(): void {
    this.line('reset');
  }

  private line(text: string): void {
    const { clock } = this.board;
    this.print(`[${formatSeconds(clock.seconds(clock.cycle))}] ${escaped(text)}\n`);
  }
}

const CALLS_PER_UPDATE = 1 << 16;

/** One line on standard error that is written over, for runs that take a while. */
export class Progress implements RunObserver {
  private board!: Board;
  private calls = 0;
  private shown = false;

  constructor(
    private readonly terminal: Terminal,
    private readonly name: string,
    private readonly length: RunLength,
  ) {}

  booted(board: Board): void {
    this.board = board;
  }

  heapCalled(): void {
    if (++this.calls % CALLS_PER_UPDATE !== 0) return;
    this.shown = true;
    this.terminal.warn(`\r${escaped(this.name)}: ${Math.floor(this.share() * 100)} %`);
  }

  clear(): void {
    if (this.shown) this.terminal.warn('\r\u001b[K');
  }

  private share(): number {
    const { length } = this;
    const { clock } = this.board;
    return length.kind === 'time' ? clock.cycle / toCycles(length.time, clock) : this.calls / length.count;
  }
}
