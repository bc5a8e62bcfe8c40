/** The calls of scripts that deal with time, tasks and queues. */

import type { Program, Task } from '../kernel/index.js';
import type { Block, CreationPolicy } from './firmware.js';
import type { Message } from './frame.js';
import { isBlock } from './heap-calls.js';
import type { Drawn, Patience, Time } from './quantity-texts.js';
import { type CallContext, mistake, ScriptCall } from './script-call.js';
import type { ScriptQuantities } from './script-quantities.js';

/** Calls that let time pass, and `log`. */
export function timeCalls(context: CallContext, quantities: ScriptQuantities) {
  const { firmware, owner, inInterrupt } = context.frame;
  const { kernel } = firmware;
  return {
    compute: new ScriptCall<void, Drawn<Time>>(context, 'compute', (call) => {
      const cycles = quantities.cycles(call.first);
      if (inInterrupt) kernel.workInInterrupt(cycles);
      const left = inInterrupt ? 0 : kernel.work(cycles);
      return left > 0 ? goOn(left) : undefined;
    }),
    delay: new ScriptCall<void, Drawn<Time>>(context, 'delay', (call) => {
      kernel.assertInTask('delay');
      return kernel.delay(quantities.ticks(call.first));
    }),
    delayUntil: new ScriptCall<void, Time>(context, 'delayUntil', (call) => {
      kernel.assertInTask('delayUntil');
      return kernel.delayUntil(quantities.ticks(call.first));
    }),
    log: new ScriptCall<void, string | number | boolean>(context, 'log', (call) => {
      firmware.log(owner, String(call.first));
      return undefined;
    }),
  };

  /** The rest of a `compute` that others have interrupted. */
  function* goOn(cycles: number): Program {
    for (let left = cycles; left > 0; left = kernel.work(left)) yield;
  }
}

export function queueCalls(context: CallContext, quantities: ScriptQuantities) {
  const { firmware, owner, inInterrupt } = context.frame;
  const { kernel } = firmware;

  const send = new ScriptCall<boolean, string, Message, Patience>(context, 'send', (call) => {
    const message = checkedMessage(call.second);
    const queue = firmware.queue(call.first);
    if (!inInterrupt) return sending(kernel.queues.send(queue, message, quantities.timeout(call.third)));
    send.result = kernel.queues.sendFromInterrupt(owner, queue, message);
    return undefined;
  });
  function* sending(program: Generator<void, boolean, void>): Program {
    send.result = yield* program;
  }

  const receive = new ScriptCall<Block | undefined, string, Patience>(context, 'receive', (call) => {
    return receiveAs(call, isBlock, 'a number: receive it with receiveNumber');
  });
  const receiveNumber = new ScriptCall<number | undefined, string, Patience>(
    context,
    'receiveNumber',
    (call) => {
      return receiveAs(call, (message) => typeof message === 'number', 'a block: receive it with receive');
    },
  );
  function receiveAs<M extends Message>(
    call: ScriptCall<M | undefined, string, Patience>,
    isMeant: (message: unknown) => message is M,
    otherwise: string,
  ): Program | undefined {
    const queue = firmware.queue(call.first);
    const keep = (received: { message: unknown } | undefined) => {
      if (received === undefined) return;
      if (!isMeant(received.message)) throw mistake(`queue ${call.first} carries ${otherwise}`);
      call.result = received.message;
    };
    if (!inInterrupt) return receiving(kernel.queues.receive(queue, quantities.timeout(call.second)), keep);
    keep(kernel.queues.receiveFromInterrupt(owner, queue));
    return undefined;
  }
  function* receiving<Received>(
    program: Generator<void, Received, void>,
    keep: (received: Received) => void,
  ): Program {
    keep(yield* program);
  }

  return { send, receive, receiveNumber };
}

/** `creation`: what the firmware does when there is no room for a task. */
export function taskCalls(context: CallContext, creation: CreationPolicy) {
  const { firmware } = context.frame;
  const { kernel } = firmware;
  const { scheduler } = kernel;

  const effect = <First = undefined, Second = undefined>(
    name: string,
    act: (first: First, second: Second) => Program | undefined,
  ) =>
    new ScriptCall<void, First, Second>(context, name, (call) => {
      kernel.assertInTask(name);
      return act(call.first, call.second);
    });
  const named = (name: string): Task => (name === 'self' ? scheduler.current! : firmware.task(name));

  return {
    yield: effect('yield', () => void scheduler.yield()),
    suspend: effect('suspend', (name: string) => void scheduler.suspend(named(name))),
    resume: effect('resume', (name: string) => void scheduler.resume(named(name))),
    setPriority: effect('setPriority', (name: string, priority: number) => {
      const highest = scheduler.priorities - 1;
      if (!Number.isInteger(priority) || priority < 0 || priority > highest) {
        throw mistake(`there is no priority ${priority}`, `a whole number from 0 to ${highest}`);
      }
      scheduler.setPriority(named(name), priority);
      return undefined;
    }),
    suspendAll: effect('suspendAll', () => void scheduler.suspendAll()),
    resumeAll: effect('resumeAll', () => void scheduler.resumeAll()),
    startTask: effect('startTask', (name: string) => firmware.startTask(name, creation)),
    deleteTask: effect('deleteTask', (name: string) => kernel.deleteTask(named(name))),
  };
}

function checkedMessage(message: unknown): Message {
  if (isBlock(message)) return message;
  const isNumber = typeof message === 'number' && Number.isInteger(message);
  if (isNumber && message >= -(2 ** 31) && message < 2 ** 32) return message;
  throw mistake(
    `${JSON.stringify(message) ?? 'undefined'} cannot be sent`,
    'a block, or a whole number of 32 bits',
  );
}
