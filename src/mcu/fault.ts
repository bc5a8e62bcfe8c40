/**
 * What the machine itself refuses. A fault is thrown inside the simulation and ends up in the run's result
 * as data, together with the task, tick and script line that met it; it never reaches the user as a stack.
 */

export const FAULT_KINDS = [
  /** A word access whose address is no multiple of 4. */
  'unaligned',
  /** An access outside every region of RAM. */
  'unmapped',
  /** A `configASSERT` of the simulated firmware failed. */
  'assertion',
  /** A list in RAM has a cycle: the real code would never come back. */
  'endless-loop',
  /** The scenario's firmware did what no firmware may do, for example call malloc in an interrupt. */
  'illegal-call',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Thrown by {@link Memory} and by heaps; `address` is the simulated address that was refused. */
export class Fault extends Error {
  override readonly name = 'Fault';

  constructor(
    readonly kind: FaultKind,
    readonly address: number,
    readonly reason: string,
  ) {
    super(`${faultTitle(kind, address)}: ${reason}`);
  }
}

/** `unmapped at 0x00000000`, but `illegal call`: what is about no address has 0, and 0 then says nothing. */
export function faultTitle(kind: FaultKind, address: number): string {
  const isAccess = kind === 'unmapped' || kind === 'unaligned';
  return isAccess || address !== 0 ? `${faultName(kind)} at ${hex(address)}` : faultName(kind);
}

/** What follows the name of an assertion is what it asserts, so that "failed" has to be said. */
export function faultName(kind: FaultKind): string {
  return kind === 'assertion' ? 'failed assertion' : kind.replaceAll('-', ' ');
}

/** An address as firmware people write it: `0x20000010`. */
export function hex(address: number): string {
  return `0x${address.toString(16).padStart(8, '0')}`;
}
