/** The calls of scripts that deal with memory. */

import { Fault } from '../mcu/index.js';
import { deferFree } from './defer-free.js';
import type { Block, CacheRequest, Request } from './firmware.js';
import { leastBytes, type Settle } from './frame.js';
import type { Drawn, Size, Time } from './quantity-texts.js';
import { type CallContext, mistake, ScriptCall } from './script-call.js';
import { isWord, type ScriptQuantities } from './script-quantities.js';

type MaybeBlock = Block | undefined;
type Name = string | undefined;

/** `settle`: what the firmware does when a request fails. */
export function heapCalls(context: CallContext, quantities: ScriptQuantities, settle: Settle) {
  const { firmware } = context.frame;

  const onBlock = (name: string, effect: (block: Block) => void) =>
    new ScriptCall<void, Block>(context, name, (call) => {
      effect(pointer(call.first, name));
      return undefined;
    });

  return {
    ...allocations(context, quantities, settle),
    createCache: new ScriptCall<void, string, Size>(context, 'createCache', (call) => {
      const objectBytes = quantities.bytes(call.second);
      if (objectBytes === 0) throw mistake('a cache cannot have objects of 0 bytes', 'at least 1');
      firmware.createCache(call.first, objectBytes);
      return undefined;
    }),
    destroyCache: new ScriptCall<void, string>(context, 'destroyCache', (call) => {
      firmware.destroyCache(call.first);
      return undefined;
    }),
    free: new ScriptCall<void, MaybeBlock>(context, 'free', (call) => {
      if (call.first !== undefined) firmware.free(pointer(call.first, 'free'));
      return undefined;
    }),
    deferFree: new ScriptCall<void, readonly Block[], number>(context, 'deferFree', (call) => {
      const perHeartbeat = call.second;
      if (!isWord(perHeartbeat) || perHeartbeat < 1) {
        throw mistake(`${perHeartbeat} blocks at each heartbeat`, 'a whole number, at least 1');
      }
      const blocks = call.first.map((block) => pointer(block, 'deferFree'));
      return deferFree(firmware, blocks, perHeartbeat);
    }),
    lock: onBlock('lock', (block) => firmware.lock(block)),
    unlock: onBlock('unlock', (block) => firmware.unlock(block)),
    compact: compaction(context, quantities),
    fill: onBlock('fill', (block) => firmware.fill(block)),
    verify: onBlock('verify', (block) => firmware.verify(block)),
    overflow: new ScriptCall<void, Block, Size, number>(context, 'overflow', (call) => {
      const value = call.third;
      if (!isWord(value) || value > 0xff) throw mistake(`${value} is no byte`, 'a byte from 0 to 255');
      firmware.overflow(pointer(call.first, 'overflow'), quantities.bytes(call.second), value);
      return undefined;
    }),
  };
}

function compaction(context: CallContext, quantities: ScriptQuantities) {
  const { firmware } = context.frame;
  const compact = new ScriptCall<number, Size | Time | undefined>(context, 'compact', (call) => {
    compact.result = firmware.compact(quantities.limit(call.first));
    return undefined;
  });
  return compact;
}

/** Each attempt is one function for all calls, which looks at what the call at hand has left for it. */
function allocations(context: CallContext, quantities: ScriptQuantities, settle: Settle) {
  const { firmware } = context.frame;
  let bytes = 0;
  let request!: Request;
  let cacheRequest!: CacheRequest;

  const malloc = new ScriptCall<MaybeBlock, Drawn<Size>, Name>(context, 'malloc', (call) => {
    bytes = quantities.bytes(call.first);
    request = call.request(call.second);
    return settle(bytes, tryMalloc);
  });
  const tryMalloc = () => {
    malloc.result = firmware.malloc(bytes, request);
    return malloc.result !== undefined;
  };

  const mallocFrom = new ScriptCall<MaybeBlock, string, Name>(context, 'mallocFrom', (call) => {
    cacheRequest = { ...call.request(call.second), cache: call.first, objects: 1 };
    return settle(leastBytes(1), tryMallocFrom);
  });
  const tryMallocFrom = () => {
    mallocFrom.result = firmware.mallocFrom(cacheRequest);
    return mallocFrom.result !== undefined;
  };

  const mallocArrayFrom = new ScriptCall<MaybeBlock, string, number, Name>(
    context,
    'mallocArrayFrom',
    (call) => {
      const objects = checkedCount(call.second);
      cacheRequest = { ...call.request(call.third), cache: call.first, objects };
      return settle(leastBytes(objects), tryMallocArrayFrom);
    },
  );
  const tryMallocArrayFrom = () => {
    mallocArrayFrom.result = firmware.mallocFrom(cacheRequest);
    return mallocArrayFrom.result !== undefined;
  };

  const calloc = new ScriptCall<MaybeBlock, number, Drawn<Size>, Name>(context, 'calloc', (call) => {
    bytes = quantities.bytes(call.second);
    request = call.request(call.third);
    return settle(checkedCount(call.first) * bytes, tryCalloc);
  });
  const tryCalloc = () => {
    calloc.result = firmware.calloc(calloc.first, bytes, request);
    return calloc.result !== undefined;
  };

  const realloc = new ScriptCall<MaybeBlock, MaybeBlock, Drawn<Size>, Name>(context, 'realloc', (call) => {
    const old = call.first;
    if (old !== undefined) pointer(old, 'realloc');
    bytes = quantities.bytes(call.second);
    request = call.request(call.third ?? old?.label);
    return settle(bytes, tryRealloc);
  });
  const tryRealloc = () => {
    const old = realloc.first;
    realloc.result =
      old === undefined ? firmware.malloc(bytes, request) : firmware.realloc(old, bytes, request);
    return realloc.result !== undefined;
  };

  return { malloc, mallocFrom, mallocArrayFrom, calloc, realloc };
}

function checkedCount(count: number): number {
  if (!isWord(count)) throw mistake(`${count} is no count`, 'a whole number, 0 or more');
  return count;
}

/** What C would follow. @throws Fault for NULL, UserError for what is no block */
export function pointer(block: unknown, call: string): Block {
  if (block === undefined || block === null) throw new Fault('unmapped', 0, `${call} of a NULL pointer`);
  if (isBlock(block)) return block;
  throw mistake(`${call}: ${JSON.stringify(block)} is no block`, 'what malloc or receive gave');
}

/** What a script makes up instead must at least fit into a pointer. */
export function isBlock(value: unknown): value is Block {
  return typeof value === 'object' && value !== null && isWord((value as Partial<Block>).handle);
}
