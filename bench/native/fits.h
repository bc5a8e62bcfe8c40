/* SPDX-License-Identifier: MIT
 *
 * First, next, best and worst fit over one heap with boundary tags: every block
 * says at both ends how long it is and whether it is in use, the holes are in
 * one circular list by address. To be included with FIT and HEAP defined.
 *
 * This file has no include guard: it is code, not an interface.
 */
#include "heap.h"

#define FIRST 1
#define NEXT 2
#define BEST 3
#define WORST 4

/* What lies in front of a payload, and behind it in the block's last word. Low bit: in use. */
#define TAG 4
#define USED 1u

struct hole { /* in the payload */
    uint32_t next, previous;
};

enum { LIST = 8, BASE = 32 };

static _Alignas(32) uint8_t memory[BASE + HEAP_MAX];
static uint8_t *const arena = memory + BASE;
static uint32_t align, free_count, least, rover;

static inline struct hole *at(uint32_t link)
{
    return (struct hole *)(memory + link);
}

static inline uint32_t *tag(uint32_t link)
{
    return (uint32_t *)(memory + link);
}

static inline void set_tags(uint32_t block, uint32_t size, uint32_t used)
{
    *tag(block - TAG) = size | used;
    *tag(block + size - 2 * TAG) = size | used;
}

static inline void link_between(uint32_t previous, uint32_t hole, uint32_t next)
{
    *at(hole) = (struct hole){.next = next, .previous = previous};
    at(previous)->next = hole;
    at(next)->previous = hole;
}

static inline void unlink_hole(uint32_t hole)
{
    struct hole links = *at(hole);
    at(links.previous)->next = links.next;
    at(links.next)->previous = links.previous;
    if (FIT == NEXT && rover == hole)
        rover = links.next;
}

static inline void replace(uint32_t old, uint32_t hole)
{
    struct hole links = *at(old);
    link_between(links.previous, hole, links.next);
    if (FIT == NEXT && rover == old)
        rover = hole;
}

static bool heap_init(uint32_t bytes, uint32_t alignment)
{
    if (!heap_arguments_ok(bytes, alignment))
        return false;
    align = alignment;
    least = round_up(16, alignment);
    uint32_t first = BASE + round_up(2 * TAG, alignment), end = BASE + (bytes & ~(alignment - 1));
    free_count = end - first;
    *tag(first - 2 * TAG) = USED;
    *tag(end - TAG) = USED;
    set_tags(first, free_count, 0);
    link_between(LIST, first, LIST);
    rover = first;
    return true;
}

/* A hole of at least `wanted` bytes, or 0. */
static inline uint32_t find(uint32_t wanted)
{
    if (FIT == FIRST) {
        uint32_t hole = at(LIST)->next;
        while (hole != LIST && *tag(hole - TAG) < wanted)
            hole = at(hole)->next;
        return hole == LIST ? 0 : hole;
    }
    if (FIT == NEXT) {
        uint32_t hole = rover;
        while (hole == LIST || *tag(hole - TAG) < wanted) {
            hole = at(hole)->next;
            if (hole == rover)
                return 0;
        }
        rover = hole;
        return hole;
    }
    uint32_t chosen = 0, size = FIT == BEST ? UINT32_MAX : wanted - 1;
    for (uint32_t hole = at(LIST)->next; hole != LIST; hole = at(hole)->next) {
        uint32_t bytes = *tag(hole - TAG);
        if (FIT == BEST ? bytes < wanted || bytes >= size : bytes <= size)
            continue;
        chosen = hole;
        size = bytes;
        if (FIT == BEST && bytes == wanted)
            break;
    }
    return chosen;
}

static inline void *heap_malloc(uint32_t request)
{
    uint32_t wanted = block_size(request, 2 * TAG, align);
    if (wanted == 0 || wanted > free_count)
        return NULL;
    if (wanted < least)
        wanted = least;
    uint32_t hole = find(wanted);
    if (hole == 0)
        return NULL;

    uint32_t size = *tag(hole - TAG);
    if (size - wanted >= least) {
        set_tags(hole + wanted, size - wanted, 0);
        replace(hole, hole + wanted);
        size = wanted;
    } else {
        unlink_hole(hole);
    }
    set_tags(hole, size, USED);
    free_count -= size;
    return memory + hole;
}

static inline void heap_free(void *payload)
{
    if (payload == NULL)
        return;
    uint32_t block = (uint32_t)((uint8_t *)payload - memory);
    uint32_t word = *tag(block - TAG), size = word & ~USED;
    if (!(word & USED) || *tag(block + size - 2 * TAG) != word)
        return;
    free_count += size;

    uint32_t below = *tag(block - 2 * TAG), above = *tag(block + size - TAG);
    if (!(below & USED)) {
        if (!(above & USED)) {
            unlink_hole(block + size);
            size += above;
        }
        block -= below;
        size += below;
    } else if (!(above & USED)) {
        replace(block + size, block);
        size += above;
    } else {
        uint32_t previous = LIST, next = at(LIST)->next;
        while (next != LIST && next < block) {
            previous = next;
            next = at(next)->next;
        }
        link_between(previous, block, next);
    }
    set_tags(block, size, 0);
}

static inline uint32_t heap_free_bytes(void)
{
    return free_count;
}

#include "replay_loop.h"
