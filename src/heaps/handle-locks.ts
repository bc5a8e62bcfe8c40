/** Counted locks, and what callers must not do with handles. */

import { Fault } from '../mcu/fault.js';

/** Locks are counted in a byte. */
const MAXIMUM_LOCKS = 255;

/** Where a heap keeps the counts. */
interface LockCounts {
  locksOf(handle: number): number;
  addLocks(handle: number, change: 1 | -1): void;
}

/** What a heap knows of its handles. */
interface Handles {
  /** Whether it is one, in use or not. */
  isHandle(handle: number): boolean;
  isUsed(handle: number): boolean;
}

/** @throws Fault unless there is a block of that handle */
export function assertUsed(handles: Handles, handle: number): void {
  if (!handles.isHandle(handle)) throw misuse(handle, 'a handle is what allocate gave');
  if (!handles.isUsed(handle)) throw misuse(handle, 'a freed handle is used no more');
}

/** @throws Fault where no more can be counted */
export function addLock(counts: LockCounts, handle: number): void {
  if (counts.locksOf(handle) === MAXIMUM_LOCKS) {
    throw misuse(handle, `a block is locked at most ${MAXIMUM_LOCKS} times`);
  }
  counts.addLocks(handle, 1);
}

/** @throws Fault without a lock before it */
export function removeLock(counts: LockCounts, handle: number): void {
  if (counts.locksOf(handle) === 0) throw misuse(handle, 'only a locked block is unlocked');
  counts.addLocks(handle, -1);
}

/** What a caller must not do with a handle, which firmware that goes on would regret. */
export function misuse(handle: number, statement: string): Fault {
  return new Fault('assertion', handle, `handles: ${statement}`);
}
