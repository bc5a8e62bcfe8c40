/** What a call of dlmalloc can do, as words of the cost model and their bits. */

export const MALLOC_WORDS = ['exact', 'next_bin', 'tree', 'victim', 'top', 'split', 'refile'] as const;
export const EXACT = 1;
export const NEXT_BIN = 2;
export const TREE = 4;
export const FROM_VICTIM = 8;
export const FROM_TOP = 16;
export const SPLIT = 32;
/** The victim went into its bin, to make room for the next one. */
export const REFILE = 64;
export const FREE_WORDS = [
  ...['merge_prev', 'merge_next', 'into_victim', 'into_top', 'into_small', 'into_tree'],
] as const;
export const MERGE_PREVIOUS = 1;
export const MERGE_NEXT = 2;
export const INTO_VICTIM = 4;
export const INTO_TOP = 8;
export const INTO_SMALL = 16;
export const INTO_TREE = 32;
