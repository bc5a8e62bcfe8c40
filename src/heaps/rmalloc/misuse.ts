import { Fault } from '../../mcu/fault.js';

/** What a caller must not do: rmalloc's status code `error`, which firmware that goes on would regret. */
export function misuse(handle: number, statement: string): Fault {
  return new Fault('assertion', handle, `rmalloc: ${statement}`);
}

/** Locks are counted in a byte. */
export const MAXIMUM_LOCKS = 255;
