/**
 * A recorded sequence of heap operations: one a line, `#` starts a comment, empty lines are skipped.
 *
 *     a <id> <bytes>           malloc
 *     f <id>                   free
 *     r <id> <bytes>           realloc; 0 frees
 *     c <id> <count> <bytes>   calloc
 *     l <id>, u <id>           lock and unlock, for heaps that move blocks
 *     K <cache> <bytes>        makes a cache of objects of so many bytes
 *     S <id> <cache> <count>   so many objects of it, side by side as one block
 *     T <id>                   free, as f
 *
 * An id names one block at a time: allocating under one that still holds a block loses that block for good.
 */

/** The kinds as small integers, as a parsed trace stores them. */
export const MALLOC = 0;
export const FREE = 1;
export const REALLOC = 2;
export const CALLOC = 3;
export const LOCK = 4;
export const UNLOCK = 5;
export const CACHE = 6;
export const CACHE_ALLOC = 7;

/**
 * Operation i is `kinds[i]` on block `ids[i]`; a calloc and an allocation from a cache ask for `counts[i]` times
 * `bytes[i]`, others have count 1.
 */
export interface Trace {
  readonly name: string;
  readonly length: number;
  readonly kinds: Uint8Array;
  /** Dense: 0 to `idCount - 1`, in order of first appearance. */
  readonly ids: Uint32Array;
  readonly counts: Uint32Array;
  readonly bytes: Uint32Array;
  readonly idCount: number;
  /** The caches of the operations that are about one, where the trace has any; each has an id that no block has. */
  readonly caches?: Uint32Array;
  /** Where it was read from; absent where it was made. */
  readonly source?: TraceSource;
}

export interface TraceSource {
  /** As the user named it. */
  readonly file: string;
  /** Of each operation, from 1. */
  readonly lines: Uint32Array;
}
