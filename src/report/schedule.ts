/**
 * A run as a schedule, line by line as the reference logs of the real kernel have it:
 * `<tick> <event> <task> [details]`. The tick is the kernel's count, which stands still while the scheduler is
 * suspended; before the scheduler runs the task is `-`.
 */

import type { Queue, Task } from '../kernel/index.js';
import type { Block, Request } from '../scenario/firmware.js';
import type { Board } from '../simulation/board.js';
import type { RunObserver } from '../simulation/events.js';
import { escaped } from './text.js';

export class ScheduleLog implements RunObserver {
  private board!: Board;

  constructor(private readonly print: (line: string) => void) {}

  booted(board: Board): void {
    this.board = board;
  }

  switchedIn(task: Task): void {
    this.line('in', task.name);
  }

  logged(task: string, text: string): void {
    this.line('mark', task, text);
  }

  sent(sender: string, queue: Queue, message: unknown): void {
    this.line('sent', sender, queue.name, messageText(message));
  }

  sendFailed(sender: string, queue: Queue, message: unknown): void {
    this.line('sendFailed', sender, queue.name, messageText(message));
  }

  received(receiver: string, queue: Queue, message: unknown): void {
    this.line('received', receiver, queue.name, messageText(message));
  }

  receiveFailed(receiver: string, queue: Queue): void {
    this.line('receiveFailed', receiver, queue.name);
  }

  allocated(block: Block): void {
    this.line('malloc', this.caller(), block.label, block.handle - this.board.heapOrigin);
  }

  outOfMemory(request: Request): void {
    this.line('malloc', this.caller(), request.label, 'NULL');
  }

  zeroSizeRequest(request: Request): void {
    this.outOfMemory(request);
  }

  freed(block: Block): void {
    this.line('free', this.caller(), block.label);
  }

  taskEnded(task: Task): void {
    this.line('end', task.name);
  }

  reset(): void {
    this.line('reset', '-');
  }

  ended(): void {
    const { scheduler } = this.board.kernel;
    this.print(`${scheduler.timerTicks()} end -`);
  }

  private caller(): string {
    const { interrupted, scheduler } = this.board.kernel;
    if (interrupted !== undefined) return interrupted.name;
    return scheduler.isRunning ? scheduler.current!.name : '-';
  }

  private line(event: string, ...details: (string | number)[]): void {
    this.print(escaped([this.board.kernel.scheduler.tick, event, ...details].join(' ')));
  }
}

function messageText(message: unknown): string {
  return typeof message === 'object' ? (message as Block).label : String(message);
}
