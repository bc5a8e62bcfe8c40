/* SPDX-License-Identifier: MIT
 *
 * First fit with merging: the holes are in one list, ascending by address. A
 * request takes the first hole that is large enough; a block that is freed is
 * merged with the holes before and after it. To be included with HEAP defined,
 * and IS_LAZY if the heap is laid out on the first request.
 *
 * This file has no include guard: it is code, not an interface.
 */
#include "heap.h"

struct block {
    uint32_t next; /* the next hole by address; 0 in a block that is in use */
    uint32_t size; /* with the header; 0 in the end marker, the last header of the heap */
};

enum { START = 0, BASE = 16 };

static _Alignas(16) uint8_t memory[BASE + HEAP_MAX];
static uint8_t *const arena = memory + BASE;
static uint32_t align, header, free_count, heap_bytes;
static uint32_t end; /* the end marker; 0 until the heap is laid out */

static inline struct block *at(uint32_t link)
{
    return (struct block *)(memory + link);
}

static void lay_out(void)
{
    end = (BASE + heap_bytes - header) & ~(align - 1);
    free_count = end - BASE;
    *at(START) = (struct block){.next = BASE, .size = 0};
    *at(BASE) = (struct block){.next = end, .size = free_count};
    *at(end) = (struct block){.next = 0, .size = 0};
}

static bool heap_init(uint32_t bytes, uint32_t alignment)
{
    if (!heap_arguments_ok(bytes, alignment))
        return false;
    align = alignment;
    header = round_up(sizeof(struct block), alignment);
    heap_bytes = bytes;
    free_count = 0;
    end = 0; /* until then nothing counts as free */
    if (!IS_LAZY)
        lay_out();
    return true;
}

static inline void *heap_malloc(uint32_t request)
{
    uint32_t wanted = block_size(request, header, align);
    if (IS_LAZY && end == 0)
        lay_out();
    if (wanted == 0 || wanted > free_count)
        return NULL;

    uint32_t previous = START, block = at(START)->next;
    while (at(block)->size < wanted) {
        if (block == end)
            return NULL;
        previous = block;
        block = at(block)->next;
    }

    uint32_t next = at(block)->next, size = at(block)->size;
    if (size - wanted > 2 * header) {
        /* Between the same neighbours: the rest takes the block's place. */
        uint32_t rest = block + wanted;
        *at(rest) = (struct block){.next = next, .size = size - wanted};
        next = rest;
        size = wanted;
    }
    at(previous)->next = next;
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
    uint32_t size = at(block)->size & ~ALLOCATED;
    free_count += size;

    /* The end marker is behind every block, so that the walk stops there. */
    uint32_t previous = START, next = at(START)->next;
    while (next < block) {
        previous = next;
        next = at(next)->next;
    }
    if (block + size == next && next != end) {
        size += at(next)->size;
        next = at(next)->next;
    }
    /* The start, of size 0 before the arena, never touches a block. */
    if (previous + at(previous)->size == block) {
        at(block)->size = at(block)->size & ~ALLOCATED; /* what stays behind is no block in use */
        at(previous)->size += size;
        at(previous)->next = next;
    } else {
        *at(block) = (struct block){.next = next, .size = size};
        at(previous)->next = block;
    }
}

static inline uint32_t heap_free_bytes(void)
{
    return free_count;
}

#include "replay_loop.h"
