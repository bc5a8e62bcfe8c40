/** Large structures are freed in pieces where the heap has a heartbeat for it. */

import type { Program } from '../kernel/index.js';
import type { Block, Firmware } from './firmware.js';

/** Hands blocks over to the heap's heartbeats, or frees them one after the other where the heap has none. */
export function deferFree(
  firmware: Firmware,
  blocks: readonly Block[],
  perHeartbeat: number,
): Program | undefined {
  return firmware.deferFree(blocks, perHeartbeat) ? undefined : freeAll(firmware, blocks);
}

function* freeAll(firmware: Firmware, blocks: readonly Block[]): Program {
  for (const block of blocks) {
    firmware.free(block);
    if (firmware.kernel.scheduler.switchDue) yield;
  }
}
