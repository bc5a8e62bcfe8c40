/* SPDX-License-Identifier: MIT
 *
 * Best fit with merging: every hole is in two lists, one ascending by size, to
 * search in, and one ascending by address, to find the neighbours of a block
 * that is freed.
 */
#include "heap.h"

struct block {
    uint32_t larger; /* the next larger hole; 0 in a block that is in use */
    uint32_t later;  /* the next hole by address; 0 in a block that is in use */
    uint32_t size;   /* with the header */
};

/* The end of both lists comes after the arena, so that every walk by address stops there. */
enum { START = 0, BASE = 16, END = BASE + HEAP_MAX };

static _Alignas(16) uint8_t memory[END + sizeof(struct block)];
static uint8_t *const arena = memory + BASE;
static uint32_t align, header, free_count;

static inline struct block *at(uint32_t link)
{
    return (struct block *)(memory + link);
}

static bool heap_init(uint32_t bytes, uint32_t alignment)
{
    if (!heap_arguments_ok(bytes, alignment))
        return false;
    align = alignment;
    header = round_up(sizeof(struct block), alignment);
    free_count = bytes - alignment; /* set aside for aligning the start, needed or not */
    *at(START) = (struct block){.larger = BASE, .later = BASE, .size = 0};
    *at(BASE) = (struct block){.larger = END, .later = END, .size = free_count};
    /* No hole can be larger than the end, so that every walk by size stops there too. */
    *at(END) = (struct block){.larger = 0, .later = 0, .size = free_count};
    return true;
}

/* Puts a hole into the list by size, in front of those of the same size. */
static inline void insert_by_size(uint32_t block)
{
    uint32_t size = at(block)->size;
    uint32_t previous = START, next = at(START)->larger;

    while (at(next)->size < size) {
        previous = next;
        next = at(next)->larger;
    }
    at(block)->larger = next;
    at(previous)->larger = block;
}

/* Takes this very hole out of the list by size. */
static inline void remove_by_size(uint32_t block)
{
    uint32_t previous = START, next = at(START)->larger;

    while (next != block) {
        previous = next;
        next = at(next)->larger;
    }
    at(previous)->larger = at(block)->larger;
}

/* The last hole before the block, or the start. */
static inline uint32_t hole_before(uint32_t block)
{
    uint32_t previous = START, next = at(START)->later;

    while (next < block) {
        previous = next;
        next = at(next)->later;
    }
    return previous;
}

static inline void *heap_malloc(uint32_t request)
{
    uint32_t wanted = block_size(request, header, align);
    if (wanted == 0 || wanted > free_count)
        return NULL;

    uint32_t smaller = START, block = at(START)->larger;
    while (at(block)->size < wanted) {
        smaller = block;
        block = at(block)->larger;
    }
    if (block == END)
        return NULL;
    at(smaller)->larger = at(block)->larger;

    uint32_t earlier = hole_before(block);
    uint32_t size = at(block)->size;
    if (size - wanted > 2 * header) {
        /* Between the same neighbours: the rest takes the block's place by address. */
        uint32_t rest = block + wanted;
        at(rest)->later = at(block)->later;
        at(rest)->size = size - wanted;
        at(earlier)->later = rest;
        insert_by_size(rest);
        size = wanted;
    } else {
        at(earlier)->later = at(block)->later;
    }
    free_count -= size;
    *at(block) = (struct block){.larger = 0, .later = 0, .size = size | ALLOCATED};
    return memory + block + header;
}

static inline void heap_free(void *payload)
{
    if (payload == NULL)
        return;
    uint32_t block = (uint32_t)((uint8_t *)payload - memory) - header;
    if (!(at(block)->size & ALLOCATED) || at(block)->larger != 0)
        return;
    uint32_t size = at(block)->size & ~ALLOCATED;
    free_count += size;

    /* Neither the start (size 0 before the arena) nor the end (beyond it) ever touches a block. */
    uint32_t earlier = hole_before(block), later = at(earlier)->later;
    if (block + size == later) {
        remove_by_size(later);
        size += at(later)->size;
        later = at(later)->later;
    }
    if (earlier + at(earlier)->size == block) {
        remove_by_size(earlier);
        size += at(earlier)->size;
        block = earlier;
    } else {
        at(earlier)->later = block;
    }
    at(block)->later = later;
    at(block)->size = size;
    insert_by_size(block);
}

static inline uint32_t heap_free_bytes(void)
{
    return free_count;
}

#define HEAP heap_2_coalescing
#include "replay_loop.h"
