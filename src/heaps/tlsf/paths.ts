/** What a call of TLSF can do, as words of the cost model and their bits. */

/** The cost model's words; those that stand twice are counted in two bits. */
const COMMON_WORDS = [
  ...['map_small', 'map_small', 'map_large', 'map_large'],
  ...['rm', 'rm', 'rm_head', 'rm_head', 'rm_sl_empty', 'rm_sl_empty', 'rm_fl_empty', 'rm_fl_empty', 'ins'],
];
export const MAP_SMALL = 1;
export const MAP_LARGE = 1 << 2;
export const REMOVED = 1 << 4;
export const REMOVED_HEAD = 1 << 6;
export const SECOND_EMPTY = 1 << 8;
export const FIRST_EMPTY = 1 << 10;
export const INSERTED = 1 << 12;
export const MALLOC_WORDS = [
  ...COMMON_WORDS,
  ...['search_large', 'search_fl', 'exhausted', 'tiny', 'found', 'split'],
] as const;
export const SEARCH_LARGE = 1 << 13;
export const SEARCH_FIRST = 1 << 14;
export const EXHAUSTED = 1 << 15;
export const TINY = 1 << 16;
export const FOUND = 1 << 17;
export const SPLIT = 1 << 18;
export const FREE_WORDS = [...COMMON_WORDS, 'merge_prev', 'merge_next'] as const;
export const MERGE_PREVIOUS = 1 << 13;
export const MERGE_NEXT = 1 << 14;
/** Resizing is priced like a malloc, which never merges. */
export const NO_WORD = 0;
