/** The cost model's words, in the order of their bits. */

export const MALLOC_WORDS = [
  'generic',
  'new_heap',
  'extend',
  'fresh',
  'full',
  'span',
  'retry',
  'shared',
  'larger',
] as const;
export const GENERIC = 1;
/** A task's first malloc, which makes its heap. */
export const NEW_HEAP = 2;
export const EXTEND = 4;
export const FRESH = 8;
/** A page without room went to the full ones. */
export const FULL = 16;
export const SPAN = 32;
/** Everything was collected, and the request made once more. */
export const RETRY = 64;
/** From the heap of main(), when the task's own had nothing. */
export const SHARED = 128;
/** From a larger class, when no page was left. */
export const LARGER = 256;

export const FREE_WORDS = ['remote', 'delayed', 'span', 'unfull', 'emptied'] as const;
export const REMOTE = 1;
/** Onto the heap's own list, so that it hears of its full page. */
export const DELAYED = 2;
export const FREED_SPAN = 4;
export const UNFULL = 8;
export const EMPTIED = 16;
