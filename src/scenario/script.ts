/**
 * Compiles a script. Code only needs the object that its calls go to. Of steps, every one becomes a function
 * that acts at once and returns nothing, or returns a program to run where the step can block or loop: names,
 * times and distributions are resolved here, once, so that a step costs little when it runs.
 */

import { FOREVER, type Program, type Task } from '../kernel/index.js';
import { churn } from './churn.js';
import { deferFree } from './defer-free.js';
import type { Block, CacheRequest, Firmware, Request } from './firmware.js';
import { type CompiledStep, type Frame, holdings, leastBytes, type Message, type Pass } from './frame.js';
import { compileOomPolicy, creationPolicy } from './oom-policy.js';
import { sampler, weightedIndex } from './random.js';
import type { MessageSource, Selection, Step, TaskScript, Timeout } from './scenario.js';
import { ScriptTask } from './script-task.js';
import type { TimelessRounds } from './timeless.js';
import { compactionLimit, cycleDistribution, tickDistribution, toTicks } from './times.js';

/** What makes a program of a script each time that it shall run. */
export function compileScript(script: TaskScript, frame: Frame): Pass {
  const { firmware } = frame;
  if (typeof script === 'function') {
    const settle = compileOomPolicy(frame.onOom, frame, compileScript);
    const task = new ScriptTask(frame, settle, creationPolicy(frame, settle));
    return () => task.run(script);
  }
  const steps = compileSteps(script, frame);
  return () => runSteps(firmware, steps);
}

/** Runs compiled steps in order; yields where the task loses the CPU. */
function* runSteps(firmware: Firmware, steps: readonly CompiledStep[]): Program {
  const { scheduler } = firmware.kernel;
  for (const step of steps) {
    const program = step();
    if (program !== undefined) yield* program;
    if (scheduler.switchDue) yield;
  }
}

function compileSteps(steps: readonly Step[], frame: Frame): CompiledStep[] {
  return steps.map((step) => {
    const compiled = compileStep(step, frame);
    return () => {
      frame.place.at = step.at;
      return compiled();
    };
  });
}

function compileStep(step: Step, frame: Frame): CompiledStep {
  const { firmware, random } = frame;
  const { kernel } = firmware;
  const { scheduler, clock } = kernel;
  switch (step.kind) {
    case 'alloc':
    case 'alloc-from':
    case 'calloc':
    case 'realloc':
      return compileAllocation(step, frame);
    case 'cache':
      return act(() => firmware.createCache(step.name, step.bytes));
    case 'destroy-cache':
      return act(() => firmware.destroyCache(step.name));
    case 'free':
      return forEachSelected(step.name, step.which, frame, (block) => firmware.free(block), 'take');
    case 'defer-free': {
      const held = holdings(step.name, frame);
      return () => deferFree(firmware, held.splice(0), step.perHeartbeat);
    }
    case 'lock':
      return forEachSelected(step.name, step.which, frame, (block) => firmware.lock(block));
    case 'unlock':
      return forEachSelected(step.name, step.which, frame, (block) => firmware.unlock(block));
    case 'fill':
      return forEachSelected(step.name, step.which, frame, (block) => firmware.fill(block));
    case 'verify':
      return forEachSelected(step.name, step.which, frame, (block) => firmware.verify(block));
    case 'compact': {
      const limit = compactionLimit(step.budget, clock);
      return act(() => void firmware.compact(limit));
    }
    case 'overflow':
      return forEachSelected(step.name, 'newest', frame, (block) =>
        firmware.overflow(block, step.bytes, step.value),
      );
    case 'compute': {
      const cycles = sampler(cycleDistribution(step.time, clock), random);
      if (frame.inInterrupt) return act(() => kernel.workInInterrupt(cycles()));
      return () => kernel.compute(cycles());
    }
    case 'delay': {
      const ticks = sampler(tickDistribution(step.time, clock), random);
      return () => kernel.delay(ticks());
    }
    case 'delay-until': {
      const ticks = toTicks(step.period, clock);
      return () => kernel.delayUntil(ticks);
    }
    case 'send':
      return compileSend(step.queue, step.message, step.timeout, frame);
    case 'receive':
      return compileReceive(step.queue, step.name, step.timeout, frame);
    case 'repeat':
      return compileRepeat(step, frame);
    case 'choose': {
      const branches = step.branches.map((branch) => compileSteps(branch.steps, frame));
      const pick = weightedIndex(step.branches, random);
      return () => runSteps(firmware, branches[pick()]!);
    }
    case 'if-allocated': {
      const held = holdings(step.name, frame);
      const then = compileSteps(step.then, frame);
      const otherwise = compileSteps(step.otherwise, frame);
      return () => runSteps(firmware, held.length > 0 ? then : otherwise);
    }
    case 'yield':
      return act(() => scheduler.yield());
    case 'suspend':
      return act(() => scheduler.suspend(taskNamed(step.task, frame)));
    case 'resume':
      return act(() => scheduler.resume(firmware.task(step.task)));
    case 'set-priority':
      return act(() => scheduler.setPriority(taskNamed(step.task, frame), step.priority));
    case 'suspend-all':
      return act(() => scheduler.suspendAll());
    case 'resume-all':
      return act(() => scheduler.resumeAll());
    case 'start-task': {
      const policy = creationPolicy(frame, compileOomPolicy(frame.onOom, frame, compileScript));
      return () => firmware.startTask(step.task, policy);
    }
    case 'delete-task':
      return () => kernel.deleteTask(taskNamed(step.task, frame));
    case 'log':
      return act(() => firmware.log(frame.owner, step.text));
    case 'churn':
      return compileChurn(step, frame);
  }
}

function compileChurn(step: Extract<Step, { kind: 'churn' }>, frame: Frame): CompiledStep {
  const settle = compileOomPolicy(step.onOom ?? frame.onOom, frame, compileScript);
  return () => churn(step, frame, settle);
}

function act(effect: () => void): CompiledStep {
  return () => {
    effect();
    return undefined;
  };
}

function taskNamed(name: string, frame: Frame): Task {
  return name === 'self' ? frame.firmware.kernel.scheduler.current! : frame.firmware.task(name);
}

// --- blocks -----------------------------------------------------------------------------------------------

/**
 * Applies `effect` to the blocks that `which` selects. Nothing held under the name is a NULL pointer: no
 * effect. With `take` the blocks leave their name before the effect.
 */
function forEachSelected(
  name: string,
  which: Selection,
  frame: Frame,
  effect: (block: Block) => void,
  take?: 'take',
): CompiledStep {
  const held = holdings(name, frame);
  const { scheduler } = frame.firmware.kernel;
  const select = (index: number) => (take === undefined ? held[index]! : held.splice(index, 1)[0]!);
  if (which === 'all') {
    return function* all() {
      // From the newest to the oldest, and never one that another task took meanwhile.
      for (let index = held.length - 1; index >= 0; index = Math.min(index, held.length) - 1) {
        effect(select(index));
        if (scheduler.switchDue) yield;
      }
    };
  }
  return act(() => {
    if (held.length > 0) effect(select(chosenIndex(held, which, frame)));
  });
}

function chosenIndex(held: readonly Block[], which: Exclude<Selection, 'all'>, frame: Frame): number {
  if (which === 'oldest') return 0;
  return which === 'newest' ? held.length - 1 : frame.random.below(held.length);
}

type AllocationStep = Extract<Step, { kind: 'alloc' | 'alloc-from' | 'calloc' | 'realloc' }>;

function compileAllocation(step: AllocationStep, frame: Frame): CompiledStep {
  const { firmware, random } = frame;
  const held = holdings(step.name, frame);
  const request: Request = { owner: frame.owner, label: step.name, at: step.at };
  const settle = compileOomPolicy(step.onOom ?? frame.onOom, frame, compileScript);

  if (step.kind === 'alloc-from') {
    const { cache, count } = step;
    const objects = count === undefined ? () => 1 : sampler(count, random);
    let asked: CacheRequest = { ...request, cache, objects: 1 };
    const attempt = () => {
      const block = firmware.mallocFrom(asked);
      if (block !== undefined) held.push(block);
      return block !== undefined;
    };
    return () => {
      const wanted = objects();
      if (wanted !== asked.objects) asked = { ...asked, objects: wanted };
      return settle(leastBytes(wanted), attempt);
    };
  }
  const size = sampler(step.size, random);
  if (step.kind === 'realloc') {
    return () => {
      if (held.length === 0) return allocate(size());
      const index = chosenIndex(held, step.which, frame);
      const bytes = size();
      return settle(bytes, () => {
        const moved = firmware.realloc(held[index]!, bytes, request);
        if (moved !== undefined) held[index] = moved;
        else if (bytes === 0) held.splice(index, 1);
        return moved !== undefined;
      });
    };
  }
  const count = step.kind === 'calloc' ? sampler(step.count, random) : undefined;
  /** However often it is tried, it is the same request. */
  function allocate(bytes: number, items?: number): Program | undefined {
    return settle(items === undefined ? bytes : items * bytes, () => {
      const block =
        items === undefined ? firmware.malloc(bytes, request) : firmware.calloc(items, bytes, request);
      if (block !== undefined) held.push(block);
      return block !== undefined;
    });
  }
  return count === undefined ? () => allocate(size()) : () => allocate(size(), count());
}

// --- queues -----------------------------------------------------------------------------------------------

function timeoutTicks(timeout: Timeout, frame: Frame): number {
  return timeout === 'forever' ? FOREVER : toTicks(timeout, frame.firmware.kernel.clock);
}

function compileSend(queue: string, source: MessageSource, timeout: Timeout, frame: Frame): CompiledStep {
  const { firmware } = frame;
  const { kernel } = firmware;
  const ticks = timeoutTicks(timeout, frame);
  if (source.kind === 'number') {
    let next = source.first;
    return () => {
      const value = next;
      next += source.step;
      if (!frame.inInterrupt) return sendNumber(value);
      sendNow(value);
      return undefined;
    };
  }
  function sendNow(message: Message): boolean {
    return kernel.queues.sendFromInterrupt(frame.owner, firmware.queue(queue), message);
  }
  function* sendNumber(value: number): Program {
    yield* kernel.queues.send(firmware.queue(queue), value, ticks);
  }
  const held = holdings(source.name, frame);
  if (frame.inInterrupt) {
    return act(() => {
      const block = held.at(-1);
      if (block !== undefined && sendNow(block)) held.pop();
    });
  }
  return function* sendBlock() {
    const block = held.pop();
    if (block === undefined) return;
    const sent = yield* kernel.queues.send(firmware.queue(queue), block, ticks);
    if (!sent) held.push(block);
  };
}

function compileReceive(
  queue: string,
  name: string | undefined,
  timeout: Timeout,
  frame: Frame,
): CompiledStep {
  const { firmware } = frame;
  const ticks = timeoutTicks(timeout, frame);
  const held = name === undefined ? undefined : holdings(name, frame);
  const keep = (received: { message: unknown } | undefined) => {
    const message = received?.message as Message | undefined;
    if (typeof message === 'object') held?.push(message);
  };
  const { queues } = firmware.kernel;
  if (frame.inInterrupt) {
    return act(() => keep(queues.receiveFromInterrupt(frame.owner, firmware.queue(queue))));
  }
  return function* receive() {
    keep(yield* queues.receive(firmware.queue(queue), ticks));
  };
}

// --- control ----------------------------------------------------------------------------------------------

function compileRepeat(step: Extract<Step, { kind: 'repeat' }>, frame: Frame): CompiledStep {
  const { passes } = frame;
  const body = compileScript(step.steps, frame);
  if (step.times === 'forever') return () => repeatForever(passes, body);
  const times = sampler(step.times, frame.random);
  return function* repeat() {
    for (let left = times(); left > 0; left--) {
      yield* body();
      passes.count();
    }
  };
}

/** @throws Fault when it spins without any time passing */
export function* repeatForever(passes: TimelessRounds, body: Pass): Program {
  for (;;) {
    yield* body();
    passes.count();
  }
}
