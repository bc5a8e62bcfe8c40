/* SPDX-License-Identifier: MIT
 *
 * Half fit in constant time: a request, header added, is rounded up to a power of
 * two and cut from the first hole of the lowest bin in which every hole is large
 * enough. Bin i has the holes from 32 * 2^i bytes to just below twice that, last
 * in, first out. A freed block joins the holes that touch it.
 *
 * Written from a description of o1heap's behaviour; it contains none of its source.
 */
#include "heap.h"

enum { HEADER = 16, LEAST = 32, BINS = 32, INSTANCE = 160, BASE = 32 };

struct fragment {
    uint32_t next, previous; /* the neighbours in memory; 0 at the ends */
    uint32_t size;           /* with the header */
    uint8_t used;
    uint32_t next_hole, previous_hole; /* of a hole; 0 at the ends of its bin */
};

static _Alignas(32) uint8_t memory[BASE + HEAP_MAX];
static uint8_t *const arena = memory + BASE;
static struct {
    uint32_t bins[BINS];
    uint32_t filled, capacity, allocated, most_allocated, largest_request;
    uint64_t failures;
} state;

static inline struct fragment *at(uint32_t link)
{
    return (struct fragment *)(memory + link);
}

static inline uint32_t log2_of(uint32_t value)
{
    return 31 - (uint32_t)__builtin_clz(value);
}

static inline void link_neighbours(uint32_t left, uint32_t right)
{
    if (left != 0)
        at(left)->next = right;
    if (right != 0)
        at(right)->previous = left;
}

static inline void put_in_bin(uint32_t hole)
{
    uint32_t bin = log2_of(at(hole)->size / LEAST), head = state.bins[bin];

    at(hole)->next_hole = head;
    at(hole)->previous_hole = 0;
    if (head != 0)
        at(head)->previous_hole = hole;
    state.bins[bin] = hole;
    state.filled |= 1u << bin;
}

static inline void take_out(uint32_t hole)
{
    uint32_t bin = log2_of(at(hole)->size / LEAST);
    uint32_t next = at(hole)->next_hole, previous = at(hole)->previous_hole;

    if (next != 0)
        at(next)->previous_hole = previous;
    if (previous != 0)
        at(previous)->next_hole = next;
    if (state.bins[bin] == hole) {
        state.bins[bin] = next;
        if (next == 0)
            state.filled &= ~(1u << bin);
    }
}

/* The instance lies at the heap's start on the device, and takes its bytes here too. */
static bool heap_init(uint32_t bytes, uint32_t alignment)
{
    if (!heap_arguments_ok(bytes, alignment) || bytes < INSTANCE + LEAST)
        return false;
    uint32_t first = BASE + INSTANCE, capacity = (bytes - INSTANCE) & ~(uint32_t)(LEAST - 1);
    state = (__typeof__(state)){.capacity = capacity};
    *at(first) = (struct fragment){.size = capacity};
    put_in_bin(first);
    return true;
}

static inline uint32_t take(uint32_t wanted)
{
    uint32_t bins = state.filled & ~0u << log2_of(wanted / LEAST);
    if (bins == 0)
        return 0;
    uint32_t block = state.bins[__builtin_ctz(bins)], rest_size = at(block)->size - wanted;
    take_out(block);
    if (rest_size > 0) {
        uint32_t rest = block + wanted;
        at(block)->size = wanted;
        at(rest)->size = rest_size;
        at(rest)->used = 0;
        link_neighbours(rest, at(block)->next);
        link_neighbours(block, rest);
        put_in_bin(rest);
    }
    state.allocated += wanted;
    if (state.most_allocated < state.allocated)
        state.most_allocated = state.allocated;
    at(block)->used = 1;
    return block;
}

static inline void *heap_malloc(uint32_t request)
{
    uint32_t block = 0;
    if (request > 0 && request <= state.capacity - HEADER) {
        uint32_t needed = request + HEADER;
        block = take(needed <= LEAST ? LEAST : 2u << log2_of(needed - 1));
    }
    if (state.largest_request < request)
        state.largest_request = request;
    if (block == 0 && request > 0)
        state.failures++;
    return block == 0 ? NULL : memory + block + HEADER;
}

/* The checks that O1HEAP_ASSERT makes by default. */
static inline void expect_live(uint32_t block)
{
    struct fragment *fragment = at(block);
    uint32_t size = fragment->size;
    bool is_live = block % 4 == 0 && block >= BASE + INSTANCE &&
                   block <= BASE + INSTANCE + state.capacity - LEAST && fragment->used &&
                   ((fragment->next | fragment->previous) & 3) == 0 && size >= LEAST &&
                   size <= state.capacity && size % LEAST == 0 && state.allocated >= size;
    if (__builtin_expect(!is_live, 0))
        __builtin_trap();
}

static inline void heap_free(void *payload)
{
    if (payload == NULL)
        return;
    uint32_t block = (uint32_t)((uint8_t *)payload - memory) - HEADER;
    expect_live(block);
    uint32_t size = at(block)->size, previous = at(block)->previous, next = at(block)->next;
    bool joins_left = previous != 0 && !at(previous)->used;
    bool joins_right = next != 0 && !at(next)->used;

    at(block)->used = 0;
    state.allocated -= size;
    uint32_t hole = block;
    if (joins_left) {
        take_out(previous);
        hole = previous;
        size += at(previous)->size;
        at(block)->size = 0;
    }
    if (joins_right) {
        take_out(next);
        size += at(next)->size;
        at(next)->size = 0;
        next = at(next)->next;
    }
    if (joins_left || joins_right) {
        at(hole)->size = size;
        link_neighbours(hole, next);
    }
    put_in_bin(hole);
}

static inline uint32_t heap_free_bytes(void)
{
    return state.capacity - state.allocated;
}

#define HEAP o1heap
#include "replay_loop.h"
