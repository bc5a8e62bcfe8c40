/** What a call of mempool can do, as words of the cost model and their bits. */

export const MALLOC_WORDS = ['fragments', 'heap', 'cache', 'new_page', 'split', 'reclaim'] as const;
export const FREE_WORDS = ['fragments', 'heap', 'cache', 'page_back', 'defrag'] as const;

// Either.
export const FROM_FRAGMENTS = 1;
export const FROM_HEAP = 2;
export const FROM_CACHE = 4;
// malloc.
export const NEW_PAGE = 8;
export const SPLIT = 16;
export const RECLAIM = 32;
// free.
export const PAGE_BACK = 8;
export const DEFRAG = 16;
