/**
 * Translates a recorded workload (test/vectors/kernel/*.json) to task programs on our kernel, with heap_4
 * underneath, and prints the schedule as the real kernel's trace did.
 */

import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { findHeap } from '../../src/heaps/catalog.js';
import {
  FOREVER,
  Kernel,
  type KernelEvents,
  type Program,
  type Queue,
  type Task,
} from '../../src/kernel/index.js';
import { Clock } from '../../src/mcu/index.js';
import { replayMachine } from '../../src/traces/replay-machine.js';

export type WorkloadStep = [string, ...(string | number)[]];

export interface Workload {
  name: string;
  pins: string;
  tickRateHz: number;
  ticks: number;
  heapBytes: number;
  interrupt?: { firstUnits: number; periodUnits: number; queue: string; value: number; count?: number };
  queues: { name: string; length: number }[];
  tasks: { name: string; priority: number; loop: boolean; script: WorkloadStep[]; stackWords?: number }[];
}

export const KERNEL_VECTORS = new URL('../vectors/kernel/', import.meta.url);

export function readWorkload(name: string): Workload {
  return JSON.parse(readFileSync(new URL(`${name}.json`, KERNEL_VECTORS), 'utf8'));
}

export function readLog(name: string): string[] {
  return readFileSync(new URL(`${name}.log`, KERNEL_VECTORS), 'utf8')
    .trimEnd()
    .split('\n');
}

const HEAP_ORIGIN = 0x2000_0000;
const CYCLES_PER_TICK = 1000;
/** Workloads count time in tenths of a tick. */
const CYCLES_PER_UNIT = CYCLES_PER_TICK / 10;

class WorkloadRun {
  readonly lines: string[] = [];
  private readonly kernel: Kernel;
  private readonly queues = new Map<string, Queue>();
  private readonly tasks = new Map<string, Task>();
  private readonly blocks = new Map<number, number>();
  private readonly heap;

  constructor(private readonly workload: Workload) {
    const clock = new Clock(workload.tickRateHz * CYCLES_PER_TICK, workload.tickRateHz);
    const definition = findHeap('heap_4')!;
    const region = { name: 'heap', origin: HEAP_ORIGIN, bytes: workload.heapBytes };
    this.heap = replayMachine(definition, v.parse(definition.options, {}), [region], 8).heap;
    const config = { priorities: 8, tcbBytes: 84, queueBytes: 72, idleStackBytes: 512 };
    this.kernel = new Kernel(clock, config, this.events(), {
      allocate: (object, owner, bytes) => this.allocate(`${object}:${owner}`, bytes),
      release: (object, owner, address) => this.release(`${object}:${owner}`, address),
    });
  }

  run(): string[] {
    const { kernel, workload } = this;
    for (const { name, length } of workload.queues) {
      this.queues.set(name, kernel.createQueue(name, length, 4)!);
    }
    for (const { name, priority, stackWords, script, loop } of workload.tasks) {
      const program = (task: Task) => this.program(task, script, loop);
      this.tasks.set(name, kernel.createTaskAtBoot(name, priority, (stackWords ?? 128) * 4, program)!);
    }
    kernel.start();
    this.installInterrupt();
    kernel.run(workload.ticks * CYCLES_PER_TICK);
    this.lines.push(`${workload.ticks} end -`);
    return this.lines;
  }

  private log(event: string, ...details: (string | number)[]): void {
    this.lines.push([this.kernel.scheduler.tick, event, ...details].join(' '));
  }

  private get caller(): string {
    return this.kernel.scheduler.isRunning ? this.kernel.scheduler.current!.name : '-';
  }

  private allocate(id: string, bytes: number): number {
    const address = this.heap.malloc(bytes);
    this.log('malloc', this.caller, id, address === 0 ? 'NULL' : address - HEAP_ORIGIN);
    return address;
  }

  private release(id: string, address: number): void {
    this.heap.free(address);
    this.log('free', this.caller, id);
  }

  private events(): KernelEvents {
    return {
      switchedIn: (task) => this.log('in', task.name),
      sent: (sender, queue, message) => this.log('sent', sender, queue.name, message as number),
      sendFailed: (sender, queue, message) => this.log('sendFailed', sender, queue.name, message as number),
      received: (receiver, queue, message) => this.log('received', receiver, queue.name, message as number),
      receiveFailed: (receiver, queue) => this.log('receiveFailed', receiver, queue.name),
      interruptRan: () => {},
      suspensionEnded: () => {},
      heldUp: () => {},
    };
  }

  private installInterrupt(): void {
    const { interrupt } = this.workload;
    if (interrupt === undefined) return;
    let { value } = interrupt;
    let left = interrupt.count ?? Number.POSITIVE_INFINITY;
    const source = {
      name: 'ISR',
      nextCycle: interrupt.firstUnits * CYCLES_PER_UNIT,
      fire: () => {
        source.nextCycle = --left > 0 ? source.nextCycle + interrupt.periodUnits * CYCLES_PER_UNIT : Infinity;
        this.kernel.queues.sendFromInterrupt('ISR', this.queues.get(interrupt.queue)!, value++);
      },
    };
    this.kernel.interrupts.push(source);
  }

  private *program(task: Task, script: WorkloadStep[], loop: boolean): Program {
    do {
      for (const step of script) {
        const rest = this.step(task, step);
        if (rest !== undefined) yield* rest;
        if (this.kernel.scheduler.switchDue) yield;
      }
    } while (loop);
    this.log('end', task.name);
    yield* this.kernel.deleteTask(task);
  }

  private step(
    task: Task,
    [name, first, second, third]: WorkloadStep,
  ): Generator<void, unknown, void> | undefined {
    const { kernel } = this;
    const { scheduler } = kernel;
    const named = () => (first === 'self' ? task : this.tasks.get(first as string)!);
    const ticks = (value: unknown) => (value === -1 ? FOREVER : (value as number));
    switch (name) {
      case 'compute':
        return kernel.compute((first as number) * CYCLES_PER_UNIT);
      case 'mark':
        this.log('mark', task.name, first!);
        return undefined;
      case 'delay':
        return kernel.delay(first as number);
      case 'delayUntil':
        return kernel.delayUntil(first as number);
      case 'send':
        return kernel.queues.send(this.queues.get(first as string)!, second, ticks(third));
      case 'receive':
        return kernel.queues.receive(this.queues.get(first as string)!, ticks(second));
      case 'malloc': {
        scheduler.suspendAll();
        const address = this.allocate(String(first), second as number);
        if (address !== 0) this.blocks.set(first as number, address);
        scheduler.resumeAll();
        return undefined;
      }
      case 'free': {
        const address = this.blocks.get(first as number);
        if (address === undefined) return undefined;
        this.blocks.delete(first as number);
        scheduler.suspendAll();
        this.release(String(first), address);
        scheduler.resumeAll();
        return undefined;
      }
      case 'suspendAll':
        scheduler.suspendAll();
        return undefined;
      case 'resumeAll':
        scheduler.resumeAll();
        return undefined;
      case 'yield':
        scheduler.yield();
        return undefined;
      case 'suspend':
        scheduler.suspend(named());
        return undefined;
      case 'resume':
        scheduler.resume(named());
        return undefined;
      case 'setPriority':
        scheduler.setPriority(named(), second as number);
        return undefined;
      case 'delete':
        return kernel.deleteTask(named());
      default:
        throw new Error(`unknown step ${name}`);
    }
  }
}

export function runWorkload(workload: Workload): string[] {
  return new WorkloadRun(workload).run();
}
