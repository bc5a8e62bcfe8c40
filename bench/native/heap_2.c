/* SPDX-License-Identifier: MIT
 *
 * Best fit without merging: the holes are in one list, ascending by size. A
 * request takes the first hole that is large enough, and what is left over goes
 * back as a smaller hole. Holes never grow together again.
 */
#include "heap.h"

struct block {
    uint32_t next; /* the next larger hole; 0 in a block that is in use */
    uint32_t size; /* with the header */
};

enum { START = 0, END = 8, BASE = 16 };

static _Alignas(16) uint8_t memory[BASE + HEAP_MAX];
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
    *at(START) = (struct block){.next = BASE, .size = 0};
    *at(BASE) = (struct block){.next = END, .size = free_count};
    /* No hole can be larger than the end, so that every walk by size stops there. */
    *at(END) = (struct block){.next = 0, .size = free_count};
    return true;
}

/* Puts a hole into the list, in front of those of the same size. */
static inline void insert(uint32_t block)
{
    uint32_t size = at(block)->size;
    uint32_t previous = START, next = at(START)->next;

    while (at(next)->size < size) {
        previous = next;
        next = at(next)->next;
    }
    at(block)->next = next;
    at(previous)->next = block;
}

static inline void *heap_malloc(uint32_t request)
{
    uint32_t wanted = block_size(request, header, align);
    if (wanted == 0 || wanted > free_count)
        return NULL;

    uint32_t previous = START, block = at(START)->next;
    while (at(block)->size < wanted) {
        previous = block;
        block = at(block)->next;
    }
    if (block == END)
        return NULL;
    at(previous)->next = at(block)->next;

    uint32_t size = at(block)->size;
    if (size - wanted > 2 * header) {
        at(block + wanted)->size = size - wanted;
        insert(block + wanted);
        size = wanted;
    }
    free_count -= size;
    *at(block) = (struct block){.next = 0, .size = size | ALLOCATED};
    return memory + block + header;
}

static inline void heap_free(void *payload)
{
    if (payload == NULL)
        return;
    uint32_t block = (uint32_t)((uint8_t *)payload - memory) - header;
    if (!(at(block)->size & ALLOCATED) || at(block)->next != 0)
        return;
    at(block)->size &= ~ALLOCATED;
    free_count += at(block)->size;
    insert(block);
}

static inline uint32_t heap_free_bytes(void)
{
    return free_count;
}

#define HEAP heap_2
#include "replay_loop.h"
