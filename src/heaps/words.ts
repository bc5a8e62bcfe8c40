/** Addresses and lists, as every heap handles them. */

import { Fault } from '../mcu/fault.js';

/** `alignment` is a power of two; exact beyond 2^32, where overflow is then noticed. */
export function alignUp(value: number, alignment: number): number {
  return value + (-value & (alignment - 1));
}

export function alignDown(value: number, alignment: number): number {
  return value - (value & (alignment - 1));
}

/** A failed assertion: what the real source states at that place, in words. `macro`: what it is called there. */
export function assertion(address: number, statement: string, macro = 'configASSERT'): Fault {
  return new Fault('assertion', address, `${macro}: ${statement}`);
}

/** The list being walked has more nodes than blocks fit in the arena: it runs in a circle. */
export function endlessList(address: number): Fault {
  return new Fault('endless-loop', address, 'the list of holes runs in a circle: the device would hang here');
}
